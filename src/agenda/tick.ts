/** Every five minutes: goes on with the job for existing people, if there is one. */

import { retryingLater } from '../events/retry';
import { runStep } from '../jobs/life';
import { readProvisionJob } from '../store/site-facts';

export async function tick(): Promise<void> {
  // Nothing retries a schedule; the next tick does.
  await retryingLater('tick', async () => {
    const jobId = await readProvisionJob();
    if (jobId !== null) await runStep(jobId);
  });
}

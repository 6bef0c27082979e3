/** Every five minutes: goes on with the job for existing people, if there is one. */
import { retryingLater } from '../events/retry';
import { hasTime } from '../jobs/job';
import { runStep } from '../jobs/life';
import { raiseOverdue } from '../notices/notices';
import { keepPromises } from '../provisioning/kept-promises';
import { drainOutbox } from '../store/outbox';
import { readProvisionJob } from '../store/site-facts';

export async function tick(): Promise<void> {
  // Nothing retries a schedule; the next tick does.
  await retryingLater('tick', () => raiseOverdue(Date.now(), hasTime));
  await retryingLater('tick', () => keepPromises(Date.now(), hasTime));
  await retryingLater('tick', async () => {
    await drainOutbox(hasTime);
  });
  await retryingLater('tick', async () => {
    const jobId = await readProvisionJob();
    if (jobId !== null) await runStep(jobId);
  });
}

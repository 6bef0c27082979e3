/** Every five minutes: whatever is due. */
import { retryingLater } from '../events/retry';
import { hasTime } from '../jobs/job';
import { runStep } from '../jobs/life';
import { raiseOverdue } from '../notices/notices';
import { eraseClosedAccounts } from '../privacy/erase';
import { reportStoredAccounts } from '../privacy/report';
import { keepPromises } from '../provisioning/kept-promises';
import { drainOutbox } from '../store/outbox';
import { readProvisionJob } from '../store/site-facts';

export async function tick(): Promise<void> {
  // Nothing retries a schedule; the next tick does.
  await retryingLater('tick', () => raiseOverdue(Date.now(), hasTime));
  await retryingLater('tick', () => keepPromises(Date.now(), hasTime));
  await retryingLater('tick', () => reportStoredAccounts(Date.now(), hasTime));
  await retryingLater('tick', () => eraseClosedAccounts(Date.now(), hasTime));
  await retryingLater('tick', async () => {
    await drainOutbox(hasTime);
  });
  await retryingLater('tick', async () => {
    const jobId = await readProvisionJob();
    if (jobId !== null) await runStep(jobId);
  });
}

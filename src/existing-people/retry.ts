/** Trying again, as a new run, for those for whom a run has failed. */
import { openDirectory } from '../directory/keep';
import { freezeIds } from '../directory/run-rows';
import { FIRST_WAVE } from '../domain/waves';
import { AppError } from '../forge/errors';
import { startOnce } from '../jobs/control';
import { idOfRetry, isOver, type Job } from '../jobs/record';
import { readPolicy } from '../store/policy';
import { BATCHES_PER_READ, ERASED, type ProvisionWork, provisionExisting } from './provision-job';
import { storeSelection } from './selection';

/**
 * What becomes of each of them is decided anew, under the policy of today. Every click on one run finds the same new one.
 * @throws AppError busy while the run is not over or another one holds the lock, bad-request when nobody failed, policy-unreadable
 */
export function retryPeople(runId: string, startedBy: string, now: number): Promise<Job> {
  return startOnce(provisionExisting, idOfRetry(runId), async () => {
    const run = await provisionExisting.existing(runId);
    if (!isOver(run)) throw new AppError('busy', { runId });
    const accountIds = await failedIn(run);
    if (accountIds.length === 0) throw new AppError('bad-request', { problem: 'nothing-failed' });
    const policy = await readPolicy();
    if (policy.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: policy.problem });
    const id = idOfRetry(runId);
    const { incarnation } = await openDirectory(now);
    const total = await freezeIds(id, accountIds, now);
    const { undoneBy: _own, ...before } = run.work;
    const work: ProvisionWork = {
      ...before,
      ...FIRST_WAVE,
      selection: await storeSelection(id, { filter: { accountIds }, except: [] }),
      points: run.total === 0 ? 0 : Math.ceil((before.points * total) / run.total),
      policyVersion: policy.version,
      incarnation: incarnation.id,
      isLost: false,
      after: '',
    };
    return { work, total, startedBy, now };
  });
}

async function failedIn(run: Pick<Job, 'id' | 'batches'>): Promise<string[]> {
  const accountIds: string[] = [];
  for (let from = 0; from <= run.batches; from += BATCHES_PER_READ) {
    const rows = await provisionExisting.batches(run).readMany(from, Math.min(run.batches + 1, from + BATCHES_PER_READ));
    for (const { accountId, outcome } of rows.flat()) if (outcome === 'failed' && accountId !== ERASED) accountIds.push(accountId);
  }
  return accountIds;
}

/** What the agenda does for jobs: finds those whose step was lost, and runs those that act as people. */
import { defineListedWork, defineWork, HOURLY_MS, type ListedWork } from '../agenda/define';
import { MINUTE_MS } from '../domain/time';
import { hasTime } from '../forge/deadline';
import { StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { listForWork, takeOffList } from '../store/worklist';
import { pushStep } from './control';
import type { AnyJob } from './define';
import { isActive, isOver, type Job, listActiveJobs, OPEN_JOBS, readJobs, writeJob } from './record';
import { runStep } from './run';

/** This long after its last sign of life, a step counts as lost: messages may be a little late. */
const QUIET_MS = 4 * MINUTE_MS;

/** At every tick, each job under its own lease. A lost step is found within ten minutes and pushed again with the next number. */
export function makeOpenJobs(kinds: readonly AnyJob[]): ListedWork {
  return defineListedWork({
    kind: 'jobs',
    list: OPEN_JOBS,
    run: async (ids, now) => {
      const open = (await readJobs(ids)).filter((job) => !isOver(job));
      const closed = ids.filter((id) => !open.some((job) => job.id === id));
      if (closed.length > 0) await takeOffList(OPEN_JOBS, closed);
      const jobs = open.filter(isActive);
      for (const job of jobs) if (job.where === 'queue' && isLost(job, now)) await guarded(job, () => rescue(job, now));
      for (const job of jobs) if (job.where === 'schedule' && hasTime()) await guarded(job, () => runStep(kinds, job.id, null));
    },
  });
}

const isLost = ({ leasedUntil, waitingUntil, updatedAt }: Job, now: number): boolean =>
  now >= Math.max(leasedUntil ?? 0, waitingUntil ?? 0, updatedAt) + QUIET_MS;

async function rescue(job: Job, now: number): Promise<void> {
  log('job-rescued', { jobId: job.id, kind: job.kind });
  await pushStep(await writeJob({ ...job, turn: job.turn + 1, leasedUntil: null, updatedAt: now }), now);
}

/** One job's failure is not the others'. */
async function guarded(job: Job, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    // It has moved on since it was read, so nothing was lost.
    if (!(error instanceof StaleRecord)) log('job-not-run', { jobId: job.id, kind: job.kind, ...describe(error) });
  }
}

/** Should the list of open jobs ever become unreadable, the index still knows them. It may also name some that have just ended. */
export const unlistedJobs = defineWork({
  kind: 'unlisted-jobs',
  everyMs: HOURLY_MS,
  leaseMs: MINUTE_MS,
  run: async () => {
    for (const { id } of await listActiveJobs()) await listForWork(OPEN_JOBS, id);
  },
});

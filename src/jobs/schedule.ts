/** What the agenda does for jobs: finds those whose step was lost, and runs those that act as people. */
import { type AgendaWork, defineWork } from '../agenda/define';
import { MINUTE_MS } from '../domain/time';
import { hasTime } from '../forge/deadline';
import { StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { pushStep } from './control';
import type { AnyJob } from './define';
import { type Job, listActiveJobs, writeJob } from './record';
import { runStep } from './run';

/** Every tick, each job under its own lease: with the next number, a lost one is found within ten minutes. */
const EVERY_MS = 0;
/** So long after its last sign of life a step counts as lost: messages may be late by a little. */
const QUIET_MS = 4 * MINUTE_MS;
/** The rest of the tick, whatever that is: it comes last. */
const LEASE_MS = 15 * MINUTE_MS;

export function makeJobsWork(kinds: readonly AnyJob[]): AgendaWork {
  return defineWork({
    kind: 'jobs',
    everyMs: EVERY_MS,
    leaseMs: LEASE_MS,
    run: async (now) => {
      const jobs = await listActiveJobs();
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
    // It has moved on since it was listed, so nothing was lost.
    if (!(error instanceof StaleRecord)) log('job-not-run', { jobId: job.id, kind: job.kind, ...describe(error) });
  }
}

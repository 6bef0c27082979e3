/**
 * The life of a job, whatever it does: it advances by chunks within the hour's points, may stop after any
 * call and go on, waits out rate limits, can be paused and cancelled, and never reports success with work
 * left over.
 */
import { getAppContext } from '@forge/api';
import { nextHour, within, withinBudget } from '../forge/budget';
import { AppError, ConfluenceError, isStorageError, PlatformRefusal, QueueError, StaleRecord } from '../forge/errors';
import { orderStep } from '../forge/queue';
import { add, existingJob, finishJob, hasTime, type JobRunner } from './job';
import { runners } from './kinds';
import { type Job, type JobKind, readJob, writeJob } from './store';

/** Seconds to wait when Confluence says "too many" without saying how long. */
const DEFAULT_WAIT_S = 60;
/** Failures in a row after which a job gives up. */
const MAX_FAILURES = 10;

/** The runner of a job; a plan has none. */
function runnerOf(kind: JobKind): JobRunner {
  if (kind === 'plan') throw new AppError('not-found');
  return runners[kind];
}

/** A running job without a step on the queue would run for ever; one that cannot be ordered is `otherwise`. */
export async function begin(job: Job, otherwise: Job = { ...job, state: 'failed', problem: 'queue' }): Promise<Job> {
  if (runnerOf(job.kind).isScheduled) return job;
  try {
    await orderStep(job.id);
    return job;
  } catch {
    await writeJob(otherwise);
    throw new AppError('busy');
  }
}

/** Asks a job to stop; what is done stays done. */
export async function cancel(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  if (job.state === 'planned') return writeJob({ ...job, state: 'cancelled', updatedAt: now });
  // A second click: the step that was to end it may have been lost.
  if (job.state === 'cancelling') return begin(job, job);
  if (job.state !== 'running' && job.state !== 'paused') return job;
  return begin(await writeJob({ ...job, state: 'cancelling', waitingUntil: null, updatedAt: now }));
}

/** Lets a job rest after the rows it is at. */
export async function pause(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  return job.state === 'running' ? writeJob({ ...job, state: 'paused', waitingUntil: null, problem: null, updatedAt: now }) : job;
}

export async function resume(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  if (job.state !== 'paused') return job;
  const running: Job = { ...job, state: 'running', problem: null, failures: 0, waitingUntil: null, updatedAt: now };
  return begin(await writeJob(running), job);
}

/** What a job has done so far, the chunk included that it is at. */
export async function currentCounts(job: Job): Promise<Record<string, number>> {
  const isOpen = job.state === 'running' || job.state === 'paused' || job.state === 'cancelling';
  return isOpen ? add(job.counts, await runnerOf(job.kind).openCounts(job)) : job.counts;
}

/** One step of a job: as many chunks as fit into the invocation and the hour, then orders the next step. */
export async function runStep(jobId: string): Promise<void> {
  let job = await takeTurn(await readJob(jobId));
  let left = job && job.kind !== 'plan' ? runnerOf(job.kind).advancesPerStep : 0;
  while (job !== null && (job.state === 'running' || job.state === 'cancelling')) {
    const now = Date.now();
    if (job.waitingUntil !== null && now < job.waitingUntil) return orderNext(job, (job.waitingUntil - now) / 1000);
    if (!hasTime() || left <= 0) return orderNext(job, 0);
    left -= 1;
    const step: Job = job;
    try {
      job = step.state === 'cancelling' ? await end(step) : await advance(step, now);
    } catch (error) {
      if (isStorageError(error) || error instanceof QueueError) throw error;
      if (!(error instanceof StaleRecord)) return postpone(step, error);
      // It was cancelled, or another step moved it on.
      job = await readJob(jobId);
    }
  }
}

/** Schedules may overlap: a job there is worked on by one step at a time. The lease ends with the invocation. */
async function takeTurn(job: Job | null): Promise<Job | null> {
  if (!job || job.kind === 'plan' || !runnerOf(job.kind).isScheduled) return job;
  const now = Date.now();
  if (job.leasedUntil !== null && now < job.leasedUntil) return null;
  try {
    return await writeJob({ ...job, leasedUntil: now + getAppContext().invocationRemainingTimeInMillis() });
  } catch (error) {
    if (error instanceof StaleRecord) return null;
    throw error;
  }
}

async function advance(job: Job, now: number): Promise<Job | null> {
  const runner = runnerOf(job.kind);
  const run = await withinBudget(runner.nextCost(job), now, () => runner.advance(job), job.kind === 'restore' ? 'undo' : 'jobs');
  return run ? run.result : writeJob({ ...job, waitingUntil: nextHour(now), updatedAt: now });
}

async function orderNext(job: Job, seconds: number): Promise<void> {
  if (!runnerOf(job.kind).isScheduled) await orderStep(job.id, seconds);
}

async function end(job: Job): Promise<null> {
  const runner = runnerOf(job.kind);
  // An admin asked for this: it does not wait for the points of jobs.
  const counts = add(job.counts, await within('admin', () => runner.settle(job)));
  return finishJob({ ...job, counts }, 'cancelled', runner.auditScope);
}

/** A rate limit is a wait, and so is a failure, a few times; what will not pass ends the job with its reason. */
async function postpone(job: Job, error: unknown): Promise<void> {
  const now = Date.now();
  const isRefusal = error instanceof ConfluenceError || error instanceof PlatformRefusal;
  const isRateLimit = isRefusal && error.status === 429;
  const failures = job.failures + (isRateLimit ? 0 : 1);
  const runner = runnerOf(job.kind);
  if ((isRefusal && !error.isTransient) || failures >= MAX_FAILURES) {
    // What the last chunk did is counted as far as it was written down.
    const counts = add(job.counts, await runner.openCounts(job));
    await finishJob({ ...job, counts, problem: problemOf(error) }, 'failed', runner.auditScope);
    return;
  }
  const seconds = (error instanceof ConfluenceError ? error.retryAfterSeconds : null) ?? DEFAULT_WAIT_S;
  await writeJob({ ...job, failures, waitingUntil: now + seconds * 1000, updatedAt: now });
  await orderNext(job, seconds);
}

function problemOf(error: unknown): string {
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return `${error.operation}: ${error.status}`;
  return error instanceof Error ? error.name : 'unknown';
}

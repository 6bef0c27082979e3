/**
 * One turn of a job, whatever it does: as many steps as fit into the invocation and the hour's points. It may be
 * cut off after any call, waits out rate limits, and never reports success with work left over.
 */
import { kvs } from '@forge/kvs';
import type { EventBody } from '../domain/event';
import { nextHour, within, withinBudget } from '../forge/budget';
import { hasTime, remainingMs } from '../forge/deadline';
import { ConfluenceError, isRateLimit, isStorageError, problemOf, SqlError, StaleRecord, willPass } from '../forge/errors';
import { commit } from '../forge/kvs';
import { describe, log } from '../forge/log';
import { addEvent } from '../store/trail';
import { removeFromWorklist } from '../store/worklist';
import { add, type Counts, countOpenBatch } from './batches';
import { pushStep } from './control';
import type { AnyJob, Progress } from './define';
import { releaseLock } from './lock';
import { isActive, isLeased, type Job, OPEN_JOBS, readJob, setJob, writeJob } from './record';

/**
 * Seconds to wait after a failure that does not say how long. Storage counts its rates by the minute; a database that is slow or
 * away has an hour until the job gives up.
 */
const DEFAULT_WAIT_S = 60;
const STORAGE_WAIT_S = 30;
/** Failures in a row after which a job gives up. */
const MAX_FAILURES = 10;

/**
 * @param turn the message's; null = from the schedule, which has no messages
 * @returns until when another step has the job (ms); null = nothing is left to do for this turn
 */
export async function runStep(kinds: readonly AnyJob[], jobId: string, turn: number | null): Promise<number | null> {
  const leased = await takeLease(jobId, turn);
  if (leased === null || typeof leased === 'number') return leased;
  const kind = kinds.find((k) => k.kind === leased.kind);
  if (kind) await runTurn(kind, leased);
  else await write(null, { job: { ...leased, problem: 'kind-unknown' }, next: 'failed' });
  return null;
}

/** A job is worked on by one step at a time. A lease ends with its invocation at the latest. */
async function takeLease(jobId: string, turn: number | null): Promise<Job | number | null> {
  for (;;) {
    const job = await readJob(jobId);
    if (!job || !isActive(job) || (turn !== null && turn !== job.turn)) return null;
    const now = Date.now();
    if (isLeased(job, now)) return job.leasedUntil;
    if (job.where === 'schedule' && isWaiting(job, now)) return null;
    try {
      return await writeJob({ ...job, leasedUntil: now + remainingMs() });
    } catch (error) {
      if (!(error instanceof StaleRecord)) throw error;
    }
  }
}

const isWaiting = (job: Job, now: number): boolean => job.waitingUntil !== null && now < job.waitingUntil;

/** What to write about a job, and what comes next. */
interface Outcome {
  job: Job;
  next: 'continue' | 'hand-over' | 'rest' | 'done' | 'cancelled' | 'failed';
}

async function runTurn(kind: AnyJob, leased: Job): Promise<void> {
  let job = leased;
  for (let left = kind.stepsPerTurn; ; left -= 1) {
    const outcome = await nextOutcome(kind, job, left > 0 && hasTime());
    try {
      job = await write(kind, outcome);
      if (outcome.next !== 'continue') return;
    } catch (error) {
      if (error instanceof StaleRecord) {
        // An admin paused or stopped it: read the job again. If its turn has changed, another step has it by now.
        const newest = await readJob(job.id);
        if (!newest || newest.turn !== job.turn) return;
        job = newest;
      } else if (willPass(error)) {
        throw error;
      } else {
        await write(kind, failed(job, error));
        return;
      }
    }
  }
}

/** Does the next piece of work. Never throws: a failure is an outcome, too. */
async function nextOutcome(kind: AnyJob, job: Job, mayWork: boolean): Promise<Outcome> {
  const now = Date.now();
  if (!isActive(job)) return { job, next: 'rest' };
  if (isWaiting(job, now) || !mayWork) return { job, next: 'hand-over' };
  try {
    if (job.state === 'cancelling') {
      // An admin asked for this: it does not wait for the points of jobs.
      const counts = add(job.counts, await within('admin', () => kind.settle(job)));
      return { job: { ...job, counts }, next: 'cancelled' };
    }
    const run = await withinBudget(kind.costOf(job), now, () => kind.step(job), kind.account);
    return run ? afterStep(job, run.result) : { job: { ...job, waitingUntil: nextHour(now) }, next: 'hand-over' };
  } catch (error) {
    return afterFailure(kind, job, error);
  }
}

function afterStep(job: Job, { work = job.work, completed, next }: Progress<unknown>): Outcome {
  const batch = completed ? { batches: job.batches + 1, counts: add(job.counts, completed) } : {};
  const ahead: Job = { ...job, ...batch, work, waitingUntil: null, failures: 0, problem: null };
  switch (next.kind) {
    case 'continue':
      return { job: ahead, next: 'continue' };
    case 'finish':
      return { job: ahead, next: 'done' };
    case 'wait':
      return { job: { ...ahead, waitingUntil: next.until, problem: next.problem }, next: 'hand-over' };
    case 'pause':
      return { job: { ...ahead, state: 'paused', problem: next.problem }, next: 'rest' };
  }
}

/** A rate limit is a wait, and so is any other failure, a few times; what will not pass ends the job with its reason. */
async function afterFailure(kind: AnyJob, job: Job, error: unknown): Promise<Outcome> {
  const failures = job.failures + (isRateLimit(error) ? 0 : 1);
  if (!isRateLimit(error)) log('job-step-failed', { jobId: job.id, kind: job.kind, failures, ...describe(error) });
  if (!willPass(error) || failures >= MAX_FAILURES) {
    const counts = add(job.counts, await countAtTheEnd(kind, job));
    return failed({ ...job, counts }, error);
  }
  // A record that the step works on was changed meanwhile: it looks again.
  if (error instanceof StaleRecord) return { job: { ...job, failures }, next: 'continue' };
  const seconds =
    (error instanceof ConfluenceError ? error.retryAfterSeconds : null) ??
    (isStorageError(error) ? STORAGE_WAIT_S : error instanceof SqlError ? DEFAULT_WAIT_S * Math.max(1, failures) : DEFAULT_WAIT_S);
  return { job: { ...job, failures, waitingUntil: Date.now() + seconds * 1000 }, next: 'hand-over' };
}

const failed = (job: Job, error: unknown): Outcome => ({ job: { ...job, problem: problemOf(error) }, next: 'failed' });

/** What failed may keep the last batch from being settled; then it counts as far as it was written down. */
async function countAtTheEnd(kind: AnyJob, job: Job): Promise<Counts> {
  for (const count of [() => within(kind.account, () => kind.settle(job)), () => countOpenBatch(job)]) {
    try {
      return await count();
    } catch (error) {
      log('job-not-settled', { jobId: job.id, kind: job.kind, ...describe(error) });
    }
  }
  return {};
}

/** @throws StaleRecord if the job was changed in the meantime */
async function write(kind: AnyJob | null, { job, next }: Outcome): Promise<Job> {
  const now = Date.now();
  switch (next) {
    case 'continue':
      return writeJob({ ...job, updatedAt: now });
    case 'rest':
      return writeJob({ ...job, leasedUntil: null, updatedAt: now });
    case 'hand-over': {
      const turn = job.where === 'queue' ? job.turn + 1 : job.turn;
      const written = await writeJob({ ...job, turn, leasedUntil: null, updatedAt: now });
      await pushStep(written, now);
      return written;
    }
    default: {
      const over: Job = { ...job, state: next, waitingUntil: null, leasedUntil: null, updatedAt: now };
      await writeEnd(kind, over, now);
      return over;
    }
  }
}

/** The end, its trail entry and the released lock are one transaction. */
async function writeEnd(kind: AnyJob | null, job: Job, now: number): Promise<void> {
  const { id, state, counts, startedBy, reason: note, problem } = job;
  const transaction = setJob(kvs.transact(), job);
  if (kind?.isInTrail) {
    const frame = { at: now, by: startedBy, accountId: null, spaceId: null, runId: id, reason: null, policyVersion: null };
    const body: EventBody = { kind: 'run-ended', run: job.kind, state, counts, problem, note };
    addEvent(transaction, `job:${id}`, { ...frame, body });
  }
  await removeFromWorklist(transaction, OPEN_JOBS, [id]);
  if (job.lock !== null) await releaseLock(transaction, job.lock, id);
  await commit(transaction);
  log('job-ended', { jobId: id, kind: job.kind, state, problem });
}

/**
 * Beginning, pausing, resuming and stopping a job. The order is always: write the job, then push its step. When
 * the push fails, or the process stops in between, the agenda finds the job, and so does a second click.
 */
import { kvs } from '@forge/kvs';
import { AppError, QueueError } from '../forge/errors';
import { commit, retryStale, type Transaction } from '../forge/kvs';
import { log } from '../forge/log';
import { enqueueStep } from '../forge/queue';
import { addToWorklist } from '../store/worklist';
import { add, type Counts, countOpenBatch } from './batches';
import type { JobKind } from './define';
import { takeLock } from './lock';
import { existingJob, isActive, isLeased, isOver, type Job, newJobId, OPEN_JOBS, readJob, setJob, writeJob } from './record';

/** A running step writes its job every few seconds; more conflicts than this in a row are a sign of something else. */
const MAX_ATTEMPTS = 5;

interface NewJob<Work> {
  work: Work;
  total: number;
  startedBy: string;
  /** Why, in their words. */
  reason?: string | null;
  now: number;
}

/** @param id given when batches were written for the job before it exists */
export function startJob<Work, Row>(kind: JobKind<Work, Row>, job: NewJob<Work>, id = newJobId(kind.kind, job.now)): Promise<Job> {
  return startOnce(kind, id, async () => job);
}

/**
 * @param prepare answers what the job is to do, and may add writes that belong to its start
 * @returns the job of this id, also when it was there already
 * @throws AppError busy while another job holds the lock
 */
export async function startOnce<Work, Row>(
  kind: JobKind<Work, Row>,
  id: string,
  prepare: (transaction: Transaction) => Promise<NewJob<Work>>,
): Promise<Job> {
  return retryStale(MAX_ATTEMPTS, async () => {
    const there = await readJob(id);
    if (there && there.kind !== kind.kind) throw new AppError('not-found');
    if (there) return nudge(id, Date.now());
    const transaction = kvs.transact();
    const { now, reason = null, ...rest } = await prepare(transaction);
    const job: Job = {
      id,
      revision: 0,
      kind: kind.kind,
      state: 'running',
      createdAt: now,
      schemaVersion: 1,
      where: kind.whereFor(rest.work),
      lock: kind.lock,
      ...rest,
      reason,
      batches: 0,
      counts: {},
      waitingUntil: null,
      turn: 1,
      leasedUntil: null,
      failures: 0,
      problem: null,
      updatedAt: now,
    };
    setJob(transaction, job);
    await addToWorklist(transaction, OPEN_JOBS, id);
    if (kind.lock !== null) await takeLock(transaction, kind.lock, id);
    await commit(transaction);
    await pushStep(job, now);
    return { ...job, revision: 1 };
  });
}

/** Asks a job to stop; what is done stays done. */
export function cancel(id: string, now: number): Promise<Job> {
  return change(id, now, (job) =>
    isOver(job) ? job : withNextTurn({ ...job, state: 'cancelling', waitingUntil: null, updatedAt: now }, now),
  );
}

/** Lets a job rest after the rows it is at. */
export function pause(id: string, now: number): Promise<Job> {
  return change(id, now, (job) =>
    job.state === 'running' ? { ...job, state: 'paused', waitingUntil: null, problem: null, updatedAt: now } : job,
  );
}

/** @param total how many rows it is to act on, where that is another number now */
export function resume(id: string, now: number, total?: number): Promise<Job> {
  return change(id, now, (job) => {
    if (job.state !== 'paused') return nudged(job, now);
    const size = total ?? job.total;
    return withNextTurn({ ...job, total: size, state: 'running', problem: null, failures: 0, waitingUntil: null, updatedAt: now }, now);
  });
}

/** Requests the step of a running job again: the previous one may have been lost. */
const nudge = (id: string, now: number): Promise<Job> => change(id, now, (job) => nudged(job, now));

const nudged = (job: Job, now: number): Job => (isActive(job) ? withNextTurn(job, now) : job);

/** A running step notices the change itself; in the schedule, the next tick does. */
function withNextTurn(job: Job, now: number): Job {
  return job.where === 'schedule' || isLeased(job, now) ? job : { ...job, turn: job.turn + 1, updatedAt: now };
}

/** @param next answers the same job when there is nothing to change */
function change(id: string, now: number, next: (job: Job) => Job): Promise<Job> {
  return retryStale(MAX_ATTEMPTS, async () => {
    const job = await existingJob(id);
    const changed = next(job);
    if (changed === job) return job;
    const written = await writeJob(changed);
    if (written.turn !== job.turn) await pushStep(written, now);
    return written;
  });
}

/** Pushes the step whose turn the job names. A push that fails is left to the agenda. */
export async function pushStep({ id, where, turn, waitingUntil }: Job, now: number): Promise<void> {
  if (where === 'schedule') return;
  try {
    await enqueueStep(id, turn, waitingUntil === null ? 0 : (waitingUntil - now) / 1000);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    log('step-not-queued', { jobId: id, turn });
  }
}

/** What a job has done so far, including the batch it is at. */
export async function currentCounts(job: Job): Promise<Counts> {
  return isOver(job) ? job.counts : add(job.counts, await countOpenBatch(job));
}

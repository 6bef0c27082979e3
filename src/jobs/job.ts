/** What jobs of every kind are made of. */
import { getAppContext } from '@forge/api';
import type { TrailEvent } from '../domain/event';
import { AppError } from '../forge/errors';
import { type Job, type JobKind, readJob, type Work, writeJob } from './store';

/** A step ends itself when the platform leaves it less than this. */
const RESERVE_MS = 20_000;

/** What a kind of job does. */
export interface JobRunner {
  /** The most points that the next chunk may cost. */
  nextCost(job: Job): number;
  /** One chunk; answers the job as written, null when it is over or was changed by somebody else. @throws StaleRecord */
  advance(job: Job): Promise<Job | null>;
  /** Counts of rows that are done and not yet in `job.counts`. */
  openCounts(job: Job): Promise<Record<string, number>>;
  /** Finds out, and writes down, what a chunk that was stopped has done; answers its counts. */
  settle(job: Job): Promise<Record<string, number>>;
  /** Chunks after which a step makes room for others. */
  advancesPerStep: number;
  /** Jobs that act as people run in the schedule, where that is documented; others on the queue. */
  isScheduled: boolean;
  /** What the audit trail says when it is over; null = nothing. */
  auditScope: 'cleanup' | 'job' | null;
}

interface NewJob {
  kind: JobKind;
  work: Work;
  startedBy: string;
  now: number;
  total: number;
}

/** A job that has not begun. Plans wait to be started; the rest is begun by `begin` (life.ts). */
export function createJob({ kind, work, startedBy, now, total }: NewJob): Promise<Job> {
  return writeJob<Job>({
    id: `${kind}-${now}-${startedBy.slice(-6)}`,
    revision: 0,
    kind,
    state: kind === 'plan' ? 'planned' : 'running',
    createdAt: now,
    work,
    chunks: 0,
    total,
    counts: {},
    waitingUntil: null,
    leasedUntil: null,
    failures: 0,
    startedBy,
    problem: null,
    updatedAt: now,
  });
}

/** @throws AppError not-found */
export async function existingJob(id: string, ...kinds: JobKind[]): Promise<Job> {
  const job = await readJob(id);
  if (!job || (kinds.length > 0 && !kinds.includes(job.kind))) throw new AppError('not-found');
  return job;
}

export function add(counts: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sum = { ...counts };
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** How often each outcome occurs among the rows that have one. */
export function countOutcomes(rows: readonly { outcome?: string | undefined }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) if (outcome !== undefined && outcome !== 'acting') counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

export const hasTime = (): boolean => getAppContext().invocationRemainingTimeInMillis() >= RESERVE_MS;

/** The job with one more chunk behind it. */
export function completeChunk(job: Job, counts: Record<string, number>): Promise<Job> {
  return writeJob({
    ...job,
    chunks: job.chunks + 1,
    counts: add(job.counts, counts),
    waitingUntil: null,
    failures: 0,
    updatedAt: Date.now(),
  });
}

/** Ends a job and tells the audit trail. */
export async function finishJob(job: Job, state: 'done' | 'cancelled' | 'failed', scope: JobRunner['auditScope']): Promise<null> {
  const now = Date.now();
  const { id, kind, startedBy, counts } = job;
  const { problem } = job;
  const frame = { at: now, by: startedBy, accountId: null, spaceId: null, runId: id, reason: null, policyVersion: null };
  const event: TrailEvent = { ...frame, body: { kind: 'run-ended', run: kind, state, counts, problem } };
  await writeJob({ ...job, state, waitingUntil: null, updatedAt: now }, scope === null ? undefined : event);
  return null;
}

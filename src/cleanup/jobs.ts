/**
 * The life of a clean-up job: survey, plan, archive, restore. A job advances by chunks, may stop after
 * any call and go on, waits out rate limits, and never reports success with work left over.
 */
import { getAppContext } from '@forge/api';
import { isSelected, type Selection, unchangedSince } from '../domain/cleanup';
import { asApp, readSpace } from '../forge/confluence';
import { AppError, ConfluenceError, isStorageError, PlatformRefusal, StaleRecord } from '../forge/errors';
import { orderStep } from '../forge/queue';
import { type Job, type JobKind, type Row, readChunk, readJob, writeAudit, writeChunk, writeJob } from '../forge/store';
import { actOn } from './act';
import { idleAmong, surveyPage } from './survey';

/** A step ends itself when the platform leaves it less than this. */
const RESERVE_MS = 20_000;
/** Rows acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** Seconds to wait when Confluence says "too many" without saying how long. */
const DEFAULT_WAIT_S = 60;

interface NewJob {
  kind: 'survey' | 'plan' | 'restore';
  idleDays: number;
  startedBy: string;
  now: number;
  source: Job | null;
  selection: Selection | null;
}

/** A plan waits to be started; a survey or a restore starts at once. */
export async function createJob({ kind, idleDays, startedBy, now, source, selection }: NewJob): Promise<Job> {
  const job = await writeJob({
    id: `${kind}-${now}-${startedBy.slice(-6)}`,
    revision: 0,
    kind,
    state: kind === 'plan' ? 'planned' : 'running',
    createdAt: now,
    idleDays,
    unchangedSince: source?.unchangedSince ?? unchangedSince(idleDays, now),
    source: source?.id ?? null,
    sourceChunks: source?.chunks ?? 0,
    selection,
    cursor: null,
    chunks: 0,
    counts: {},
    waitingUntil: null,
    startedBy,
    problem: null,
    updatedAt: now,
  });
  return kind === 'plan' ? job : begin(job);
}

/** Turns a plan into a running archive job. A second click finds it running. */
export async function startPlan(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  if (job.kind === 'archive') return job;
  if (job.kind !== 'plan' || job.state !== 'planned') throw new AppError('not-found');
  return begin(await writeJob({ ...job, kind: 'archive', state: 'running', updatedAt: now }));
}

/** A running job without a step on the queue would run forever. */
async function begin(job: Job): Promise<Job> {
  try {
    await orderStep(job.id);
    return job;
  } catch (error) {
    await writeJob({ ...job, state: 'failed', problem: 'queue' });
    throw error;
  }
}

/** @throws AppError not-found */
export async function existingJob(id: string, kind?: JobKind): Promise<Job> {
  const job = await readJob(id);
  if (!job || (kind && job.kind !== kind)) throw new AppError('not-found');
  return job;
}

/** Asks a job to stop; what is done stays done and can be restored. */
export async function cancelJob(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  if (job.state === 'planned') return writeJob({ ...job, state: 'cancelled', updatedAt: now });
  if (job.state !== 'running') return job;
  return begin(await writeJob({ ...job, state: 'cancelling', waitingUntil: null, updatedAt: now }));
}

/** One step of a job: as many chunks as fit into the invocation, then orders the next step. */
export async function runStep(jobId: string): Promise<void> {
  let job: Job | null = await readJob(jobId);
  while (job !== null && (job.state === 'running' || job.state === 'cancelling')) {
    const now = Date.now();
    if (job.waitingUntil !== null && now < job.waitingUntil) {
      await orderStep(jobId, (job.waitingUntil - now) / 1000);
      return;
    }
    if (!hasTime()) {
      await orderStep(jobId);
      return;
    }
    const step: Job = job;
    try {
      job = step.state === 'cancelling' ? await settle(step) : await advance(step);
    } catch (error) {
      if (isStorageError(error)) throw error;
      // Stale: it was cancelled, or another step moved it on.
      if (!(error instanceof StaleRecord)) await postpone(step, error);
      if (!(error instanceof StaleRecord)) return;
      job = await readJob(jobId);
    }
  }
}

const hasTime = (): boolean => getAppContext().invocationRemainingTimeInMillis() >= RESERVE_MS;

/** A rate limit or a failure of Confluence is a wait; what will not pass ends the job with its reason. */
async function postpone(job: Job, error: unknown): Promise<void> {
  const now = Date.now();
  const isPassing = (error instanceof ConfluenceError || error instanceof PlatformRefusal) && error.isTransient;
  if (!isPassing) {
    await finishJob({ ...job, problem: problemOf(error) }, 'failed', now);
    return;
  }
  const seconds = (error instanceof ConfluenceError ? error.retryAfterSeconds : null) ?? DEFAULT_WAIT_S;
  await writeJob({ ...job, waitingUntil: now + seconds * 1000, updatedAt: now });
  await orderStep(job.id, seconds);
}

function problemOf(error: unknown): string {
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return `${error.operation}: ${error.status}`;
  return error instanceof Error ? error.name : 'unknown';
}

async function finishJob(job: Job, state: 'done' | 'cancelled' | 'failed', now: number): Promise<void> {
  const ended = await writeJob({ ...job, state, waitingUntil: null, updatedAt: now });
  if (job.kind === 'survey') return;
  await writeAudit({
    key: `cleanup:${job.id}`,
    scope: 'cleanup',
    kind: job.kind,
    at: now,
    actor: job.startedBy,
    details: { jobId: job.id, state, ...ended.counts },
  });
}

function advance(job: Job): Promise<Job | null> {
  return job.kind === 'survey' ? advanceSurvey(job) : advanceActing(job);
}

function add(counts: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sum = { ...counts };
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** One page of spaces. The chunk's key is its number, so a repeated page overwrites itself. */
async function advanceSurvey(job: Job): Promise<Job | null> {
  const page = await surveyPage(job, job.cursor);
  const now = Date.now();
  await writeChunk(job.id, job.chunks, page.rows);
  const next = {
    ...job,
    cursor: page.next,
    chunks: job.chunks + 1,
    counts: add(job.counts, page.counts),
    waitingUntil: null,
    updatedAt: now,
  };
  if (page.next !== null) return writeJob(next);
  await finishJob(next, 'done', now);
  return null;
}

/** One chunk of the source: the rows that were chosen, a few at a time, each outcome kept before the next few. */
async function advanceActing(job: Job): Promise<Job | null> {
  const chunk = job.chunks;
  // A source that was stopped has one chunk more than it completed.
  if (chunk > job.sourceChunks) {
    await finishJob(job, 'done', Date.now());
    return null;
  }
  const rows = await rowsOf(job, chunk);
  for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
    const few = rows.slice(from, from + ROWS_PER_WRITE).filter(isOpen);
    if (few.length === 0) continue;
    if (!hasTime()) {
      await orderStep(job.id);
      return null;
    }
    await actOnFew(job, chunk, rows, few);
    // A cancel is heard between two writes, not only between two chunks.
    const current = await readJob(job.id);
    if (current?.state !== 'running') return current;
  }
  return completeChunk(job, rows);
}

async function actOnFew(job: Job, chunk: number, rows: Row[], few: Row[]): Promise<void> {
  // The survey may be hours old, and comments and attachments show in the search index only.
  const idle = job.kind === 'archive' ? new Set(await idleAmong(few, job.unchangedSince)) : new Set(few);
  const resumed = new Set(few.filter((row) => row.outcome === 'acting'));
  for (const row of few) row.outcome = 'acting';
  await writeChunk(job.id, chunk, rows);
  try {
    for (const row of few) Object.assign(row, await actOn(job, row, { isResumed: resumed.has(row), isActive: !idle.has(row) }));
  } finally {
    await writeChunk(job.id, chunk, rows);
  }
}

const isOpen = (row: Row): boolean => row.outcome === undefined || row.outcome === 'acting';

async function completeChunk(job: Job, rows: Row[]): Promise<Job> {
  return writeJob({
    ...job,
    chunks: job.chunks + 1,
    counts: add(job.counts, countOutcomes(rows)),
    waitingUntil: null,
    updatedAt: Date.now(),
  });
}

/** Ends a cancelled job: what its last, unfinished chunk did is found out and counted. */
async function settle(job: Job): Promise<null> {
  const rows = job.kind === 'survey' ? null : await readChunk(job.id, job.chunks);
  if (!rows) {
    await finishJob(job, 'cancelled', Date.now());
    return null;
  }
  const [wanted, outcome] = job.kind === 'restore' ? (['current', 'restored'] as const) : (['archived', 'archived'] as const);
  for (const row of rows.filter((r) => r.outcome === 'acting')) {
    if ((await readSpace(asApp(), row.spaceId))?.status === wanted) row.outcome = outcome;
    else delete row.outcome;
  }
  await writeChunk(job.id, job.chunks, rows);
  await finishJob({ ...job, counts: add(job.counts, countOutcomes(rows)) }, 'cancelled', Date.now());
  return null;
}

/** A job's own rows of a chunk, as far as it has come, or those that it is about to begin with. */
async function rowsOf(job: Job, chunk: number): Promise<Row[]> {
  const begun = await readChunk(job.id, chunk);
  if (begun) return begun;
  const source = (await readChunk(job.source ?? '', chunk)) ?? [];
  const chosen =
    job.kind === 'restore'
      ? // `acting` = the archive job stopped before it knew; the space itself will tell.
        source.filter((row) => row.outcome === 'archived' || row.outcome === 'acting')
      : source.filter((row) => job.selection !== null && isSelected(job.selection, chunk, row.spaceId));
  const rows = chosen.map(({ spaceId, key, ownerId, createdAt }) => ({ spaceId, key, ownerId, createdAt }));
  // Also an empty one: a list of the job's rows reads its chunks in order.
  await writeChunk(job.id, chunk, rows);
  return rows;
}

function countOutcomes(rows: Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) if (outcome !== undefined && outcome !== 'acting') counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

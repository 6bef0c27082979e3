/**
 * The life of a clean-up job: survey, plan, archive, restore. A job advances by chunks, may stop after
 * any call and go on, waits out rate limits, and never reports success with work left over.
 */
import { getAppContext } from '@forge/api';
import { isSelected, JOB_POINTS_PER_HOUR, POINTS_PER_ARCHIVE, type Selection, unchangedSince } from '../domain/cleanup';
import { asApp, readSpace } from '../forge/confluence';
import { AppError, ConfluenceError, isStorageError, PlatformRefusal, QueueError, StaleRecord } from '../forge/errors';
import { orderStep } from '../forge/queue';
import { type Job, type JobKind, type Row, readChunk, readJob, writeChunk, writeJob } from '../forge/store';
import { actOn } from './act';
import { idleAmong, surveyPage } from './survey';

/** A step ends itself when the platform leaves it less than this. */
const RESERVE_MS = 20_000;
/** Rows acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
const HOUR_MS = 3_600_000;
/** Seconds to wait when Confluence says "too many" without saying how long. */
const DEFAULT_WAIT_S = 60;
/** Failures in a row after which a job gives up. */
const MAX_FAILURES = 10;

interface NewJob {
  kind: 'survey' | 'plan' | 'restore';
  idleDays: number;
  startedBy: string;
  now: number;
  source: Job | null;
  selection: Selection | null;
  total: number;
}

/** A plan waits to be started; a survey or a restore starts at once. */
export async function createJob({ kind, idleDays, startedBy, now, source, selection, total }: NewJob): Promise<Job> {
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
    total,
    counts: {},
    waitingUntil: null,
    hourStart: 0,
    hourPoints: 0,
    failures: 0,
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
  const running = await writeJob({ ...job, kind: 'archive', state: 'running', updatedAt: now });
  return begin(running, { ...running, kind: 'plan', state: 'planned' });
}

/** A running job without a step on the queue would run forever. */
async function begin(job: Job, otherwise: Job = { ...job, state: 'failed', problem: 'queue' }): Promise<Job> {
  try {
    await orderStep(job.id);
    return job;
  } catch {
    await writeJob(otherwise);
    throw new AppError('busy');
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
  // A second click: the step that was to end it may have been lost.
  if (job.state === 'cancelling') return begin(job, job);
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
    if (job.state === 'running' && isOverBudget(job, now)) {
      job = await writeJob({ ...job, waitingUntil: hourOf(now) + HOUR_MS, updatedAt: now });
      continue;
    }
    const step: Job = job;
    try {
      job = step.state === 'cancelling' ? await cancel(step) : await advance(step);
    } catch (error) {
      if (isStorageError(error) || error instanceof QueueError) throw error;
      if (!(error instanceof StaleRecord)) {
        await postpone(step, error);
        return;
      }
      // It was cancelled, or another step moved it on.
      job = await readJob(jobId);
    }
  }
}

const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;

/** People's clicks and new spaces have the rest of the hour's points. */
function isOverBudget(job: Job, now: number): boolean {
  return job.hourStart === hourOf(now) && job.hourPoints >= JOB_POINTS_PER_HOUR;
}

/** The job with these points added to its hour. */
function spend(job: Job, points: number): Job {
  const hourStart = hourOf(Date.now());
  return { ...job, hourStart, hourPoints: (job.hourStart === hourStart ? job.hourPoints : 0) + points };
}

const hasTime = (): boolean => getAppContext().invocationRemainingTimeInMillis() >= RESERVE_MS;

/** A rate limit is a wait, and so is a failure, a few times; what will not pass ends the job with its reason. */
async function postpone(job: Job, error: unknown): Promise<void> {
  const now = Date.now();
  const isRefusal = error instanceof ConfluenceError || error instanceof PlatformRefusal;
  const isRateLimit = isRefusal && error.status === 429;
  const failures = job.failures + (isRateLimit ? 0 : 1);
  if ((isRefusal && !error.isTransient) || failures >= MAX_FAILURES) {
    // What the last chunk did is counted as far as it was written down.
    const rows = job.kind === 'survey' ? null : await readChunk(job.id, job.chunks);
    await finishJob({ ...job, counts: add(job.counts, countOutcomes(rows ?? [])), problem: problemOf(error) }, 'failed', now);
    return;
  }
  const seconds = (error instanceof ConfluenceError ? error.retryAfterSeconds : null) ?? DEFAULT_WAIT_S;
  await writeJob({ ...job, failures, waitingUntil: now + seconds * 1000, updatedAt: now });
  await orderStep(job.id, seconds);
}

function problemOf(error: unknown): string {
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return `${error.operation}: ${error.status}`;
  return error instanceof Error ? error.name : 'unknown';
}

async function finishJob(job: Job, state: 'done' | 'cancelled' | 'failed', now: number): Promise<void> {
  const ended = { ...job, state, waitingUntil: null, updatedAt: now };
  const { id, kind, startedBy, counts } = job;
  const audit = {
    key: `cleanup:${id}`,
    scope: 'cleanup',
    kind,
    at: now,
    actor: startedBy,
    details: { jobId: id, state, ...counts },
  } as const;
  await writeJob(ended, kind === 'survey' ? undefined : audit);
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
    ...spend(job, page.points),
    cursor: page.next,
    chunks: job.chunks + 1,
    counts: add(job.counts, page.counts),
    waitingUntil: null,
    failures: 0,
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
  let spent = 0;
  for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
    const few = rows.slice(from, from + ROWS_PER_WRITE).filter(isOpen);
    if (few.length === 0) continue;
    if (!hasTime()) {
      await writeJob(spend(job, spent));
      await orderStep(job.id);
      return null;
    }
    spent += await actOnFew(job, chunk, rows, few);
    // A cancel is heard between two writes, not only between two chunks.
    const current = await readJob(job.id);
    if (current?.state !== 'running') return current;
  }
  return completeChunk(spend(job, spent), rows);
}

async function actOnFew(job: Job, chunk: number, rows: Row[], few: Row[]): Promise<number> {
  // The survey may be hours old, and comments and attachments show in the search index only.
  const found = job.kind === 'archive' ? await idleAmong(few, job.unchangedSince) : { idle: few, points: 0 };
  const idle = new Set(found.idle);
  const resumed = new Set(few.filter((row) => row.outcome === 'acting'));
  for (const row of few) row.outcome = 'acting';
  await writeChunk(job.id, chunk, rows);
  const begun = new Set<Row>();
  try {
    for (const row of few) {
      begun.add(row);
      Object.assign(row, await actOn(job, row, { isResumed: resumed.has(row), isActive: !idle.has(row) }));
    }
  } finally {
    // What was announced and not begun is not this job's doing, whatever becomes of it meanwhile.
    for (const row of few) if (!begun.has(row) && !resumed.has(row)) delete row.outcome;
    await writeChunk(job.id, chunk, rows);
  }
  return found.points + few.length * POINTS_PER_ARCHIVE;
}

const isOpen = (row: Row): boolean => row.outcome === undefined || row.outcome === 'acting';

async function completeChunk(job: Job, rows: Row[]): Promise<Job> {
  return writeJob({
    ...job,
    chunks: job.chunks + 1,
    counts: add(job.counts, countOutcomes(rows)),
    waitingUntil: null,
    failures: 0,
    updatedAt: Date.now(),
  });
}

/** Ends a cancelled job: what its last, unfinished chunk did is found out and counted. */
async function cancel(job: Job): Promise<null> {
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

/** What a running job has done so far, the chunk included that it is at. */
export async function currentCounts(job: Job): Promise<Record<string, number>> {
  const isActing = job.kind !== 'survey' && (job.state === 'running' || job.state === 'cancelling');
  return isActing ? add(job.counts, countOutcomes((await readChunk(job.id, job.chunks)) ?? [])) : job.counts;
}

function countOutcomes(rows: Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) if (outcome !== undefined && outcome !== 'acting') counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/**
 * The life of a clean-up job: survey, archive, restore. A job advances by chunks, may stop after any
 * call and go on, waits out rate limits, and never reports success with work left over.
 */
import { getAppContext } from '@forge/api';
import { isSelected, type Selection, unchangedSince } from '../domain/cleanup';
import { searchActive } from '../forge/confluence';
import { AppError, ConfluenceError, StaleRecord } from '../forge/errors';
import { orderStep } from '../forge/queue';
import { type Job, type JobKind, type Row, readChunk, readJob, writeAudit, writeChunk, writeJob } from '../forge/store';
import { actOn } from './act';
import { surveyPage } from './survey';

/** A step ends itself when the platform leaves it less than this. */
const RESERVE_MS = 20_000;
/** Rows acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** Hits read when a few rows are checked again; each costs a point. */
const HITS_PER_CHECK = 50;
/** Seconds to wait when Confluence says "too many" without saying how long. */
const DEFAULT_WAIT_S = 60;

interface NewJob {
  kind: JobKind;
  idleDays: number;
  startedBy: string;
  now: number;
  source: string | null;
  selection: Selection | null;
  state: 'planned' | 'running';
  unchangedSince?: number;
}

export async function createJob(input: NewJob): Promise<Job> {
  const { kind, idleDays, startedBy, now, source, selection, state } = input;
  const job = await writeJob({
    id: `${kind}-${now}-${startedBy.slice(-6)}`,
    revision: 0,
    kind,
    state,
    createdAt: now,
    idleDays,
    unchangedSince: input.unchangedSince ?? unchangedSince(idleDays, now),
    source,
    selection,
    cursor: null,
    chunks: 0,
    counts: {},
    waitingUntil: null,
    startedBy,
    problem: null,
    updatedAt: now,
  });
  if (state === 'running') await orderStep(job.id);
  return job;
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
  const cancelling = await writeJob({ ...job, state: 'cancelling', waitingUntil: null, updatedAt: now });
  await orderStep(id);
  return cancelling;
}

/** One step of a job: as many chunks as fit into the invocation, then orders the next step. */
export async function runStep(jobId: string): Promise<void> {
  let job: Job | null = await readJob(jobId);
  while (job !== null && (job.state === 'running' || job.state === 'cancelling')) {
    const now = Date.now();
    if (job.state === 'cancelling') {
      await finishJob(job, 'cancelled', now);
      return;
    }
    if (job.waitingUntil !== null && now < job.waitingUntil) {
      await orderStep(jobId, (job.waitingUntil - now) / 1000);
      return;
    }
    if (getAppContext().invocationRemainingTimeInMillis() < RESERVE_MS) {
      await orderStep(jobId);
      return;
    }
    const step: Job = job;
    try {
      job = await advance(step);
    } catch (error) {
      if (error instanceof StaleRecord) {
        // Cancelled, or another step moved it on.
        job = await readJob(jobId);
      } else {
        await postpone(step, error);
        return;
      }
    }
  }
}

/** A rate limit is a wait, not a failure; anything else is the queue's to retry. */
async function postpone(job: Job, error: unknown): Promise<void> {
  if (!(error instanceof ConfluenceError)) throw error;
  const now = Date.now();
  if (error.status === 401) {
    await finishJob({ ...job, problem: 'scope-missing' }, 'failed', now);
    return;
  }
  if (!error.isTransient) {
    await finishJob({ ...job, problem: `${error.operation}: ${error.status}` }, 'failed', now);
    return;
  }
  const seconds = error.retryAfterSeconds ?? DEFAULT_WAIT_S;
  await writeJob({ ...job, waitingUntil: now + seconds * 1000, updatedAt: now });
  await orderStep(job.id, seconds);
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
  const now = Date.now();
  const chunk = job.chunks;
  const source = await readChunk(job.source ?? '', chunk);
  if (source === null) {
    await finishJob(job, 'done', now);
    return null;
  }
  const rows = (await readChunk(job.id, chunk)) ?? chosenRows(job, chunk, source);
  for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
    const few = rows.slice(from, from + ROWS_PER_WRITE).filter((row) => row.outcome === undefined || row.outcome === 'acting');
    if (few.length === 0) continue;
    const resumed = new Set(few.filter((row) => row.outcome === 'acting'));
    for (const row of few) row.outcome = 'acting';
    await writeChunk(job.id, chunk, rows);
    // The survey may be hours old, and comments and attachments show in the search index only.
    const active = job.kind === 'archive' ? await activeAmong(few, job.unchangedSince) : new Set<string>();
    for (const row of few) Object.assign(row, await actOn(job, row, { isResumed: resumed.has(row), isActive: active.has(row.key) }));
    await writeChunk(job.id, chunk, rows);
    const current = await readJob(job.id);
    // A cancel is heard between two writes, not only between two chunks.
    if (current?.state !== 'running')
      return current && writeJob({ ...current, counts: add(job.counts, countOutcomes(rows)), chunks: chunk + 1 });
    if (getAppContext().invocationRemainingTimeInMillis() < RESERVE_MS) {
      await orderStep(job.id);
      return null;
    }
  }
  return writeJob({ ...job, chunks: chunk + 1, counts: add(job.counts, countOutcomes(rows)), waitingUntil: null, updatedAt: Date.now() });
}

async function activeAmong(rows: Row[], since: number): Promise<Set<string>> {
  return (
    await searchActive(
      rows.map((row) => row.key),
      since,
      HITS_PER_CHECK,
    )
  ).active;
}

/** A job's own rows: chosen by the admin from a survey, or all that an archive job archived. */
function chosenRows(job: Job, chunk: number, source: Row[]): Row[] {
  const chosen =
    job.kind === 'restore'
      ? source.filter((row) => row.outcome === 'archived')
      : source.filter((row) => job.selection !== null && isSelected(job.selection, chunk, row.spaceId));
  return chosen.map(({ spaceId, key, name, ownerId, createdAt }) => ({ spaceId, key, name, ownerId, createdAt }));
}

function countOutcomes(rows: Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of rows) if (outcome !== undefined && outcome !== 'acting') counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

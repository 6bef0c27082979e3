/** What survey, archive and restore jobs do; their common life is in `jobs/life.ts`. */

import { asApp } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { isSelected, POINTS_PER_ARCHIVE, type Selection, unchangedSince } from '../domain/cleanup';
import { AppError } from '../forge/errors';
import { add, completeChunk, countOutcomes, createJob, finishJob, type JobRunner } from '../jobs/job';
import { isTask, type Job, type JobOf, readChunk, type SpaceRow, writeChunk, writeJob } from '../jobs/store';
import { actOn } from './act';
import { HITS_PER_SEARCH, idleAmong, POINTS_PER_PAGE, surveyPage } from './survey';

/** Rows acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;

interface NewCleanup {
  kind: 'survey' | 'plan' | 'restore';
  idleDays: number;
  startedBy: string;
  now: number;
  source: JobOf<'cleanup'> | null;
  selection: Selection | null;
  total: number;
}

/** A plan waits to be started; a survey or a restore is begun next. */
export function createCleanup({ kind, idleDays, startedBy, now, source, selection, total }: NewCleanup): Promise<Job> {
  return createJob({
    kind,
    startedBy,
    now,
    total,
    work: {
      task: 'cleanup',
      idleDays,
      unchangedSince: source?.work.unchangedSince ?? unchangedSince(idleDays, now),
      source: source?.id ?? null,
      sourceChunks: source?.chunks ?? 0,
      selection,
      cursor: null,
    },
  });
}

function cleanupJob(job: Job): JobOf<'cleanup'> {
  if (!isTask(job, 'cleanup')) throw new AppError('not-found');
  return job;
}

export const surveyRunner: JobRunner = {
  isScheduled: false,
  advancesPerStep: Number.POSITIVE_INFINITY,
  auditScope: null,
  nextCost: () => POINTS_PER_PAGE,
  openCounts: async () => ({}),
  settle: async () => ({}),
  advance: (job) => advanceSurvey(cleanupJob(job)),
};

const actingRunner: JobRunner = {
  isScheduled: false,
  advancesPerStep: Number.POSITIVE_INFINITY,
  auditScope: 'cleanup',
  nextCost: () => ROWS_PER_WRITE * POINTS_PER_ARCHIVE + (1 + HITS_PER_SEARCH) * ROWS_PER_WRITE,
  openCounts: async (job) => countOutcomes((await readChunk('spaces', job.id, job.chunks)) ?? []),
  settle: (job) => settle(job),
  advance: (job) => advanceActing(cleanupJob(job)),
};
export const archiveRunner = actingRunner;
export const restoreRunner = actingRunner;

/** One page of spaces. The chunk's key is its number, so a repeated page overwrites itself. */
async function advanceSurvey(job: JobOf<'cleanup'>): Promise<Job | null> {
  const page = await surveyPage(job.work, job.work.cursor);
  await writeChunk('spaces', job.id, job.chunks, page.rows);
  const next = { ...job, work: { ...job.work, cursor: page.next } };
  if (page.next !== null) return completeChunk(next, page.counts);
  const counts = add(job.counts, page.counts);
  return finishJob({ ...next, chunks: job.chunks + 1, counts, failures: 0 }, 'done', null);
}

/** A few rows of the chunk that the job is at: those that were chosen and have no outcome yet. */
async function advanceActing(job: JobOf<'cleanup'>): Promise<Job | null> {
  // A source that was stopped has one chunk more than it completed.
  if (job.chunks > job.work.sourceChunks) return finishJob(job, 'done', 'cleanup');
  const rows = await rowsOf(job);
  const few = rows.filter(isOpen).slice(0, ROWS_PER_WRITE);
  if (few.length === 0) return completeChunk(job, countOutcomes(rows));
  await actOnFew(job, rows, few);
  // A cancel is heard between two writes; so is a pause.
  return writeJob({ ...job, waitingUntil: null, failures: 0, updatedAt: Date.now() });
}

async function actOnFew(job: JobOf<'cleanup'>, rows: SpaceRow[], few: SpaceRow[]): Promise<void> {
  // The survey may be hours old, and comments and attachments show in the search index only.
  const idle = new Set(job.kind === 'archive' ? await idleAmong(few, job.work.unchangedSince) : few);
  const resumed = new Set(few.filter((row) => row.outcome === 'acting'));
  for (const row of few) row.outcome = 'acting';
  await writeChunk('spaces', job.id, job.chunks, rows);
  const begun = new Set<SpaceRow>();
  try {
    for (const row of few) {
      begun.add(row);
      Object.assign(row, await actOn(job, row, { isResumed: resumed.has(row), isActive: !idle.has(row) }));
    }
  } finally {
    // What was announced and not begun is not this job's doing, whatever becomes of it meanwhile.
    for (const row of few) if (!begun.has(row) && !resumed.has(row)) delete row.outcome;
    await writeChunk('spaces', job.id, job.chunks, rows);
  }
}

const isOpen = (row: SpaceRow): boolean => row.outcome === undefined || row.outcome === 'acting';

/** Of a job that is being ended: what its last, unfinished chunk did is found out. */
async function settle(job: Job): Promise<Record<string, number>> {
  const rows = await readChunk('spaces', job.id, job.chunks);
  if (!rows) return {};
  const [wanted, outcome] = job.kind === 'restore' ? (['current', 'restored'] as const) : (['archived', 'archived'] as const);
  for (const row of rows.filter((r) => r.outcome === 'acting')) {
    if ((await readSpace(asApp(), row.spaceId))?.status === wanted) row.outcome = outcome;
    else delete row.outcome;
  }
  await writeChunk('spaces', job.id, job.chunks, rows);
  return countOutcomes(rows);
}

/** A job's own rows of its chunk, as far as it has come, or those that it is about to begin with. */
async function rowsOf(job: JobOf<'cleanup'>): Promise<SpaceRow[]> {
  const chunk = job.chunks;
  const begun = await readChunk('spaces', job.id, chunk);
  if (begun) return begun;
  const { source: sourceId, selection } = job.work;
  const source = (await readChunk('spaces', sourceId ?? '', chunk)) ?? [];
  const chosen =
    job.kind === 'restore'
      ? // `acting` = the archive job stopped before it knew; the space itself will tell.
        source.filter((row) => row.outcome === 'archived' || row.outcome === 'acting')
      : source.filter((row) => selection !== null && isSelected(selection, chunk, row.spaceId));
  const rows = chosen.map(({ spaceId, key, ownerId, createdAt }) => ({ spaceId, key, ownerId, createdAt }));
  // Also an empty one: a list of the job's rows reads its chunks in order.
  await writeChunk('spaces', job.id, chunk, rows);
  return rows;
}

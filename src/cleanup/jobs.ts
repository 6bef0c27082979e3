/** The jobs of the cleanup: survey, archive, restore. */
import { z } from 'zod';
import { isSelected, POINTS_PER_ARCHIVE, type Selection } from '../domain/cleanup';
import { ACTING, type Batches, batchesOf, type Counts, countOutcomes } from '../jobs/batches';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { actOn, settleRow, type Task } from './act';
import { SpaceRow } from './rows';
import { HITS_PER_SEARCH, idleAmong, POINTS_PER_PAGE, surveyPage } from './survey';

/** Rows acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** Two of them at a time would archive and restore the same spaces. */
const LOCK = 'cleanup';

const Selected: z.ZodType<Selection> = z.union([
  z.object({ kind: z.literal('some'), spaces: z.array(z.object({ batch: z.number().int(), spaceId: z.string() })) }),
  z.object({ kind: z.literal('all'), except: z.array(z.string()) }),
]);

/** Every kind counts days without a change from the moment of its survey. */
const Period = z.object({ idleDays: z.number(), unchangedSince: z.number() });

const SurveyWork = Period.extend({
  /** Path of the next page of spaces. */
  cursor: z.string().nullable(),
});

const ActingWork = Period.extend({
  /** The survey whose spaces are archived, or the archive job whose spaces are restored. */
  source: z.string(),
  /** How many batches the source had completed by then. */
  sourceBatches: z.number().int(),
});
const ArchiveWork = ActingWork.extend({ selection: Selected });
type ActingWork = z.infer<typeof ActingWork>;

export type Survey = JobOf<z.infer<typeof SurveyWork>>;
type Acting = JobOf<ActingWork>;

export const survey = defineJob({
  kind: 'survey',
  work: SurveyWork,
  row: SpaceRow,
  where: 'queue',
  lock: null,
  isInTrail: false,
  cost: POINTS_PER_PAGE,
  step: surveyStep,
});

const ACTING_COST = ROWS_PER_WRITE * POINTS_PER_ARCHIVE + (1 + HITS_PER_SEARCH) * ROWS_PER_WRITE;

export const archive = defineJob({
  kind: 'archive',
  work: ArchiveWork,
  row: SpaceRow,
  where: 'queue',
  lock: LOCK,
  isInTrail: true,
  cost: ACTING_COST,
  step: (job, batches) => actingStep(job, batches, taskOf(job, 'archive'), () => chosenBy(job)),
  settle: (job, batches) => settle(job, batches, taskOf(job, 'archive')),
});

export const restore = defineJob({
  kind: 'restore',
  account: 'undo',
  work: ActingWork,
  row: SpaceRow,
  where: 'queue',
  lock: LOCK,
  isInTrail: true,
  cost: ACTING_COST,
  step: (job, batches) => actingStep(job, batches, taskOf(job, 'restore'), () => archivedBy(job)),
  settle: (job, batches) => settle(job, batches, taskOf(job, 'restore')),
});

const taskOf = ({ id: runId, work, startedBy }: Acting, action: Task['action']): Task => ({
  action,
  unchangedSince: work.unchangedSince,
  startedBy,
  runId,
});

/** One page of spaces. The batch's key is its number, so a repeated page overwrites itself. */
async function surveyStep(job: Survey, batches: Batches<SpaceRow>): Promise<Progress<Survey['work']>> {
  const page = await surveyPage(job.work, job.work.cursor);
  await batches.write(job.batches, page.rows);
  const next = page.next === null ? FINISH : CONTINUE;
  return { work: { ...job.work, cursor: page.next }, completed: page.counts, next };
}

/** The rows of the source's batch that this job is to act on. */
const sourceRows = async (job: Acting): Promise<SpaceRow[]> => (await batchesOf(SpaceRow, job.work.source).read(job.batches)) ?? [];

const chosenBy = async (job: JobOf<z.infer<typeof ArchiveWork>>): Promise<SpaceRow[]> =>
  (await sourceRows(job)).filter((row) => isSelected(job.work.selection, job.batches, row.spaceId));

/** `acting` = the archive job was cut off before it knew; the space itself will tell. */
const archivedBy = async (job: Acting): Promise<SpaceRow[]> =>
  (await sourceRows(job)).filter((row) => row.outcome === 'archived' || row.outcome === ACTING);

/** A few rows of the batch that the job is at: those that have no outcome yet. */
async function actingStep<W extends ActingWork>(
  job: JobOf<W>,
  batches: Batches<SpaceRow>,
  task: Task,
  choose: () => Promise<SpaceRow[]>,
): Promise<Progress<W>> {
  // A source that was stopped has one batch more than it completed.
  if (job.batches > job.work.sourceBatches) return { next: FINISH };
  const rows = (await batches.read(job.batches)) ?? (await beginBatch(job, batches, choose));
  const few = rows.filter(isOpen).slice(0, ROWS_PER_WRITE);
  if (few.length === 0) return { completed: countOutcomes(rows), next: CONTINUE };
  await actOnFew(job, batches, task, rows, few);
  return { next: CONTINUE };
}

const isOpen = (row: SpaceRow): boolean => row.outcome === undefined || row.outcome === ACTING;

/** An empty batch is written, too: a list of the job's rows reads its batches in order. */
async function beginBatch(job: Acting, batches: Batches<SpaceRow>, choose: () => Promise<SpaceRow[]>): Promise<SpaceRow[]> {
  const rows = (await choose()).map(({ spaceId, key, ownerId, createdAt }) => ({ spaceId, key, ownerId, createdAt }));
  await batches.write(job.batches, rows);
  return rows;
}

async function actOnFew(job: Acting, batches: Batches<SpaceRow>, task: Task, rows: SpaceRow[], few: SpaceRow[]): Promise<void> {
  // The survey may be hours old, and comments and attachments show in the search index only.
  const idle = new Set(task.action === 'archive' ? await idleAmong(few, task.unchangedSince) : few);
  const resumed = new Set(few.filter((row) => row.outcome === ACTING));
  for (const row of few) row.outcome = ACTING;
  await batches.write(job.batches, rows);
  const begun = new Set<SpaceRow>();
  try {
    for (const row of few) {
      begun.add(row);
      Object.assign(row, await actOn(task, row, { isResumed: resumed.has(row), isActive: !idle.has(row) }));
    }
  } finally {
    // What was announced and not begun is not this job's doing, whatever becomes of it meanwhile.
    for (const row of few) if (!begun.has(row) && !resumed.has(row)) delete row.outcome;
    await batches.write(job.batches, rows);
  }
}

async function settle(job: Acting, batches: Batches<SpaceRow>, task: Task): Promise<Counts> {
  const rows = await batches.read(job.batches);
  if (!rows) return {};
  for (const row of rows.filter((r) => r.outcome === ACTING)) {
    const done = await settleRow(task, row);
    if (done) Object.assign(row, done);
    else delete row.outcome;
  }
  await batches.write(job.batches, rows);
  return countOutcomes(rows);
}

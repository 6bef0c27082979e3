/** The cleanup of unused spaces: search, plan, archive, restore. */
import { z } from 'zod';
import { archive, restore, type Survey, survey } from '../../cleanup/jobs';
import { type RowReason, SpaceRow } from '../../cleanup/rows';
import { asApp } from '../../confluence/call';
import { readSpace } from '../../confluence/spaces';
import { estimateArchive, isSelected, type Selection, unchangedSince } from '../../domain/cleanup';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { batchesOf } from '../../jobs/batches';
import { startJob } from '../../jobs/control';
import { createPlan, startPlan } from '../../jobs/plan';
import { existingJob, isOver, listJobs } from '../../jobs/record';
import { listCurrentSpaces } from '../../store/spaces';
import { type Caller, define } from '../define';
import { distinct, Id, Nothing, SpaceAddress } from '../inputs';
import { MAX_IDLE_DAYS, MAX_SELECTED } from '../limits';
import { administers, administersNow } from '../standing';
import { hasFailed, type JobView, jobView, PAGE_ROWS, planView, RowsInput, readRowsPage } from './jobs';

/** Archive and restore jobs shown. */
const JOBS_SHOWN = 20;
/** Spaces that Homestead created and that are read for "cannot see"; each costs 2 points. */
const UNSEEN_CHECKED = 20;

export interface RowView {
  batch: number;
  spaceId: string;
  key: string;
  ownerId: string | null;
  createdAt: number;
  outcome: 'acting' | 'archived' | 'restored' | 'kept' | 'failed' | null;
  reason: RowReason | null;
}

export interface CleanupState {
  survey: JobView | null;
  jobs: JobView[];
  /** Of the last `of` spaces that Homestead created: how many it cannot see. Unknown, never unused. */
  unseen: { count: number; of: number };
}

export interface CleanupPlan {
  job: JobView;
  count: number;
  sample: RowView[];
  points: number;
  hours: number;
}

const SelectionInput = z.union([
  z.strictObject({ kind: z.literal('some'), spaces: z.array(SpaceAddress).min(1).max(MAX_SELECTED) }),
  z.strictObject({ kind: z.literal('all'), except: distinct(Id, MAX_SELECTED) }),
]);

export const cleanupFunctions = {
  'cleanup.state': define({
    input: Nothing,
    authorise: administers,
    handle: async (): Promise<CleanupState> => {
      const [surveys, archives, restores] = await Promise.all([
        listJobs(survey.kind, 1),
        listJobs(archive.kind, JOBS_SHOWN),
        listJobs(restore.kind, JOBS_SHOWN),
      ]);
      const jobs = [...archives, ...restores].sort((a, b) => b.createdAt - a.createdAt);
      return { survey: surveys[0] ? jobView(surveys[0]) : null, jobs: jobs.slice(0, JOBS_SHOWN).map(jobView), unseen: await countUnseen() };
    },
  }),
  'cleanup.survey': define({
    input: z.strictObject({ idleDays: z.number().int().min(1).max(MAX_IDLE_DAYS) }),
    authorise: administersNow,
    handle: async ({ idleDays }, caller) => {
      const now = Date.now();
      const work = { idleDays, unchangedSince: unchangedSince(idleDays, now), cursor: null };
      return jobView(await startJob(survey, { work, total: 0, startedBy: caller.accountId, now }));
    },
  }),
  'cleanup.rows': define({
    input: RowsInput,
    authorise: administers,
    handle: async ({ jobId, from, onlyFailed }) => readRows(await existingCleanup(jobId), from, onlyFailed),
  }),
  'cleanup.preview': define({
    input: z.strictObject({ surveyId: Id, selection: SelectionInput }),
    authorise: administers,
    handle: async ({ surveyId, selection }, caller) => {
      const found = await survey.existing(surveyId);
      if (found.state !== 'done') throw new AppError('busy');
      return plan(found, selection, caller);
    },
  }),
  'cleanup.start': define({
    input: z.strictObject({ jobId: Id }),
    authorise: administersNow,
    handle: async ({ jobId }, caller) => jobView(await startPlan(archive, jobId, caller.accountId, Date.now())),
  }),
  'cleanup.restore': define({
    input: z.strictObject({ jobId: Id }),
    authorise: administersNow,
    handle: async ({ jobId }, caller) => {
      const job = await archive.existing(jobId);
      if (!isOver(job)) throw new AppError('busy', { runId: job.id });
      const { idleDays, unchangedSince: since } = job.work;
      const work = { idleDays, unchangedSince: since, source: job.id, sourceBatches: job.batches };
      const total = job.counts.archived ?? 0;
      return jobView(await startJob(restore, { work, total, startedBy: caller.accountId, now: Date.now() }));
    },
  }),
};

const KINDS = [survey, archive, restore];

async function existingCleanup(id: string): Promise<{ id: string }> {
  const job = await existingJob(id);
  if (!KINDS.some((kind) => kind.kind === job.kind)) throw new AppError('not-found');
  return job;
}

function rowView(row: SpaceRow, batch: number): RowView {
  const { tries, outcome, reason, ...view } = row;
  return { ...view, batch, outcome: outcome ?? null, reason: (reason as RowReason | undefined) ?? null };
}

const readRows = (job: { id: string }, from?: { batch: number; row: number }, onlyFailed = false) =>
  readRowsPage(from, batchesOf(SpaceRow, job.id).read, onlyFailed ? hasFailed : null, rowView);

/** Freezes what was chosen under an id; starting it takes the id alone. Nothing is changed yet. */
async function plan(found: Survey, selection: Selection, caller: Caller): Promise<CleanupPlan> {
  const sample: RowView[] = [];
  if (selection.kind === 'some') {
    for (const batch of new Set(selection.spaces.map((s) => s.batch))) {
      const rows = (await survey.batches(found).read(batch)) ?? [];
      sample.push(...rows.filter((row) => isSelected(selection, batch, row.spaceId)).map((row) => rowView(row, batch)));
    }
    if (sample.length !== selection.spaces.length) throw new AppError('bad-request', { problem: 'not-listed' });
  } else {
    const first = await readRows(found);
    sample.push(...first.rows.filter((row) => isSelected(selection, row.batch, row.spaceId)));
  }
  const count = selection.kind === 'some' ? sample.length : (found.counts.unused ?? 0) - selection.except.length;
  if (count < 1) throw new AppError('bad-request', { problem: 'nothing-selected' });
  const now = Date.now();
  const { idleDays, unchangedSince: since } = found.work;
  const work = { idleDays, unchangedSince: since, source: found.id, sourceBatches: found.batches, selection };
  const frozen = await createPlan(archive, { work, total: count, createdBy: caller.accountId, now });
  const { limit } = await readBudget(now);
  return { job: planView(frozen), count, sample: sample.slice(0, PAGE_ROWS), ...estimateArchive(count, limit) };
}

/** Of the last spaces that Homestead created: how many the app itself cannot see. */
async function countUnseen(): Promise<{ count: number; of: number }> {
  const spaceIds = (await listCurrentSpaces(UNSEEN_CHECKED)).map(({ spaceId }) => spaceId);
  const seen = await Promise.all(spaceIds.map((id) => readSpace(asApp(), id)));
  return { count: seen.filter((space) => space === null).length, of: spaceIds.length };
}

/** The cleanup of unused spaces: search, plan, archive, restore. */
import { z } from 'zod';
import { createCleanup } from '../../cleanup/jobs';
import { asApp } from '../../confluence/call';
import { readSpace } from '../../confluence/spaces';
import { type CleanupReason, estimateArchive, isSelected, type RestoreReason, type Selection } from '../../domain/cleanup';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { existingJob } from '../../jobs/job';
import { begin } from '../../jobs/life';
import { isTask, type Job, type JobKind, type JobOf, listJobs, readChunk, type SpaceRow, writeJob } from '../../jobs/store';
import { listCurrentSpaces } from '../../store/spaces';
import { type Caller, define } from '../define';
import { distinct, Id, Nothing, SpaceAddress } from '../inputs';
import { MAX_IDLE_DAYS, MAX_SELECTED } from '../limits';
import { administers, administersNow } from '../standing';
import { hasFailed, type JobView, jobView, PAGE_ROWS, type Page, RowsInput, readRowsPage } from './jobs';

/** Archive and restore jobs shown. */
const JOBS_SHOWN = 20;
/** Spaces that Homestead created and that are read for "cannot see"; each costs 2 points. */
const UNSEEN_CHECKED = 20;

export interface RowView {
  chunk: number;
  spaceId: string;
  key: string;
  ownerId: string | null;
  createdAt: number;
  outcome: 'acting' | 'archived' | 'restored' | 'kept' | 'failed' | null;
  reason: CleanupReason | RestoreReason | 'confluence-failed' | null;
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
        listJobs('survey', 1),
        listJobs('archive', JOBS_SHOWN),
        listJobs('restore', JOBS_SHOWN),
      ]);
      const jobs = [...archives, ...restores].sort((a, b) => b.createdAt - a.createdAt);
      return { survey: surveys[0] ? jobView(surveys[0]) : null, jobs: jobs.slice(0, JOBS_SHOWN).map(jobView), unseen: await countUnseen() };
    },
  }),
  'cleanup.survey': define({
    input: z.strictObject({ idleDays: z.number().int().min(1).max(MAX_IDLE_DAYS) }),
    authorise: administersNow,
    handle: async ({ idleDays }, caller) => {
      const survey = {
        kind: 'survey',
        idleDays,
        startedBy: caller.accountId,
        now: Date.now(),
        source: null,
        selection: null,
        total: 0,
      } as const;
      return jobView(await begin(await createCleanup(survey)));
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
      const survey = await existingCleanup(surveyId, 'survey');
      if (survey.state !== 'done') throw new AppError('busy');
      return plan(survey, selection, caller);
    },
  }),
  'cleanup.start': define({
    input: z.strictObject({ jobId: Id }),
    authorise: administersNow,
    handle: async ({ jobId }) => jobView(await startPlan(jobId, Date.now())),
  }),
  'cleanup.restore': define({
    input: z.strictObject({ jobId: Id }),
    authorise: administersNow,
    handle: async ({ jobId }, caller) => {
      const source = await existingCleanup(jobId, 'archive');
      if (source.state === 'running' || source.state === 'paused' || source.state === 'cancelling') throw new AppError('busy');
      const { idleDays } = source.work;
      const total = source.counts.archived ?? 0;
      const restore = { kind: 'restore', idleDays, startedBy: caller.accountId, now: Date.now(), source, selection: null, total } as const;
      return jobView(await begin(await createCleanup(restore)));
    },
  }),
};

async function existingCleanup(id: string, ...kinds: JobKind[]): Promise<JobOf<'cleanup'>> {
  const job = await existingJob(id, ...kinds);
  if (!isTask(job, 'cleanup')) throw new AppError('not-found');
  return job;
}

/** Turns a plan into a running archive job. A second click finds it running. */
async function startPlan(id: string, now: number): Promise<Job> {
  const job = await existingCleanup(id);
  if (job.kind === 'archive') return job;
  if (job.kind !== 'plan' || job.state !== 'planned') throw new AppError('not-found');
  const running = await writeJob<Job>({ ...job, kind: 'archive', state: 'running', updatedAt: now });
  return begin(running, { ...running, kind: 'plan', state: 'planned' });
}

function rowView(row: SpaceRow, chunk: number): RowView {
  const { tries, outcome, reason, ...view } = row;
  return { ...view, chunk, outcome: outcome ?? null, reason: (reason as RowView['reason']) ?? null };
}

const readRows = (job: Job, from?: { chunk: number; row: number }, onlyFailed = false): Promise<Page<RowView>> =>
  readRowsPage(from, (chunk) => readChunk('spaces', job.id, chunk), onlyFailed ? hasFailed : null, rowView);

/** Freezes what was chosen under an id; starting it takes the id alone. Nothing is changed yet. */
async function plan(survey: JobOf<'cleanup'>, selection: Selection, caller: Caller): Promise<CleanupPlan> {
  const sample: RowView[] = [];
  if (selection.kind === 'some') {
    for (const chunk of new Set(selection.spaces.map((s) => s.chunk))) {
      const rows = (await readChunk('spaces', survey.id, chunk)) ?? [];
      sample.push(...rows.filter((row) => isSelected(selection, chunk, row.spaceId)).map((row) => rowView(row, chunk)));
    }
    if (sample.length !== selection.spaces.length)
      throw new AppError('bad-request', { problem: 'the selection names spaces that the search did not list' });
  } else {
    const first = await readRows(survey);
    sample.push(...first.rows.filter((row) => isSelected(selection, row.chunk, row.spaceId)));
  }
  const count = selection.kind === 'some' ? sample.length : (survey.counts.unused ?? 0) - selection.except.length;
  if (count < 1) throw new AppError('bad-request', { problem: 'nothing is selected' });
  const now = Date.now();
  const { idleDays } = survey.work;
  const job = await createCleanup({ kind: 'plan', idleDays, startedBy: caller.accountId, now, source: survey, selection, total: count });
  const { limit } = await readBudget(now);
  return { job: jobView(job), count, sample: sample.slice(0, PAGE_ROWS), ...estimateArchive(count, limit) };
}

/** Of the last spaces that Homestead created: how many the app itself cannot see. */
async function countUnseen(): Promise<{ count: number; of: number }> {
  const spaceIds = (await listCurrentSpaces(UNSEEN_CHECKED)).map(({ spaceId }) => spaceId);
  const seen = await Promise.all(spaceIds.map((id) => readSpace(asApp(), id)));
  return { count: seen.filter((space) => space === null).length, of: spaceIds.length };
}

/** What the admin page asks. Every function first asks Confluence whether the caller administers it. */

import { cancelJob, createJob, currentCounts, existingJob, startPlan } from '../cleanup/jobs';
import {
  type ActivityEntry,
  type AdminOutputs,
  adminInputs,
  type CleanupPlan,
  type JobView,
  type PolicyView,
  type RowsPage,
  type RowView,
} from '../contract';
import { estimateArchive, isSelected, type Selection } from '../domain/cleanup';
import { DEFAULT_POLICY, type PolicyState } from '../domain/policy';
import { asApp, asCaller, callerIsAdmin, listTemplates, readCurrentUser, readSpace } from '../forge/confluence';
import { AppError, StaleRecord } from '../forge/errors';
import {
  type AuditEntry,
  type Job,
  listAudit,
  listJobs,
  listMadeSpaces,
  type Row,
  readChunk,
  readPolicy,
  replaceUnreadablePolicy,
  writePolicy,
} from '../forge/store';
import { composeHomepage, templateValues } from '../provisioning/homepage';
import { readOutlook } from '../provisioning/outlook';
import { personalSpaceKey } from '../provisioning/strategies';
import { type Caller, makeResolver } from './boundary';

/** Rows of one page of a table. */
const PAGE_ROWS = 25;
/** Chunks read for one page of a table: most of a survey's chunks hold rows, some may be empty. */
const MAX_CHUNKS_PER_PAGE = 20;
/** Archive and restore jobs shown. */
const JOBS_SHOWN = 20;
/** Spaces that Homestead made and that are looked at for "cannot see"; each costs 2 points. */
const UNSEEN_CHECKED = 20;

async function requireAdmin(): Promise<void> {
  if (!(await callerIsAdmin())) throw new AppError('not-admin');
}

export const adminResolver = makeResolver<typeof adminInputs, AdminOutputs>(adminInputs, requireAdmin, {
  'policy.get': async () => policyView(await readPolicy()),
  'policy.save': async ({ policy, baseVersion }, caller) => {
    const stored = await readPolicy();
    if (stored.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: stored.problem });
    try {
      return policyView(await writePolicy(policy, baseVersion, caller.accountId, Date.now()));
    } catch (error) {
      if (!(error instanceof StaleRecord)) throw error;
      const newest = policyView(await readPolicy());
      throw new AppError('conflict', { version: newest.version, savedBy: newest.savedBy ?? '', savedAt: newest.savedAt ?? 0 });
    }
  },
  'policy.startOver': async (_input, caller) => {
    if ((await readPolicy()).kind !== 'unreadable') throw new AppError('conflict');
    return policyView(await replaceUnreadablePolicy(caller.accountId, Date.now()));
  },
  'policy.outlook': () => readOutlook(Date.now()),
  'templates.list': () => listTemplates(),
  'templates.preview': async ({ template }, caller) => {
    const user = await readCurrentUser(asCaller());
    const values = templateValues(user, caller.accountId, personalSpaceKey(caller.accountId), Date.now());
    const { body, problem, unfilled } = await composeHomepage(template, values);
    // With a problem the body is the built-in homepage, which is not what was asked to be seen.
    return { body: problem === null ? body : '', problem, unfilled };
  },
  'activity.list': async ({ cursor }) => {
    const page = await listAudit('provisioning', PAGE_ROWS, cursor);
    return { entries: page.entries.map(activityEntry), cursor: page.cursor };
  },
  'cleanup.state': async () => {
    const [surveys, archives, restores] = await Promise.all([
      listJobs('survey', 1),
      listJobs('archive', JOBS_SHOWN),
      listJobs('restore', JOBS_SHOWN),
    ]);
    const jobs = [...archives, ...restores].sort((a, b) => b.createdAt - a.createdAt);
    return { survey: surveys[0] ? jobView(surveys[0]) : null, jobs: jobs.slice(0, JOBS_SHOWN).map(jobView), unseen: await countUnseen() };
  },
  'cleanup.survey': async ({ idleDays }, caller) => {
    return jobView(
      await createJob({ kind: 'survey', idleDays, startedBy: caller.accountId, now: Date.now(), source: null, selection: null, total: 0 }),
    );
  },
  'cleanup.rows': async ({ jobId, from }) => readRows(await existingJob(jobId), from ?? { chunk: 0, row: 0 }),
  'cleanup.preview': async ({ surveyId, selection }, caller) => {
    const survey = await existingJob(surveyId, 'survey');
    if (survey.state !== 'done') throw new AppError('busy');
    return plan(survey, selection, caller);
  },
  'cleanup.start': async ({ jobId }) => jobView(await startPlan(jobId, Date.now())),
  'cleanup.job': async ({ jobId }) => {
    const job = await existingJob(jobId);
    return jobView({ ...job, counts: await currentCounts(job) });
  },
  'cleanup.cancel': async ({ jobId }) => jobView(await cancelJob(jobId, Date.now())),
  'cleanup.restore': async ({ jobId }, caller) => {
    const source = await existingJob(jobId, 'archive');
    if (source.state === 'running' || source.state === 'cancelling') throw new AppError('busy');
    const { idleDays } = source;
    return jobView(
      await createJob({
        kind: 'restore',
        idleDays,
        startedBy: caller.accountId,
        now: Date.now(),
        source,
        selection: null,
        total: source.counts.archived ?? 0,
      }),
    );
  },
});

function policyView(state: PolicyState): PolicyView {
  const none = { policy: DEFAULT_POLICY, version: 0, savedBy: null, savedAt: null, problem: null };
  if (state.kind === 'unreadable') return { ...none, kind: 'unreadable', problem: state.problem };
  if (state.kind === 'unset') return { ...none, kind: 'unset' };
  return { ...state, problem: null };
}

function activityEntry(entry: AuditEntry): ActivityEntry {
  const text = (name: string): string | null => {
    const value = entry.details[name];
    return value === null || value === undefined ? null : String(value);
  };
  return {
    kind: entry.kind,
    at: entry.at,
    accountId: text('accountId') ?? '',
    reason: text('reason') ?? '',
    spaceKey: text('spaceKey'),
    access: text('access'),
    templateProblem: text('templateProblem'),
    detail: text('detail'),
  };
}

/** What the page may know of a job; how it finds its way stays here. */
function jobView(job: Job): JobView {
  const { revision, selection, cursor, sourceChunks, hourStart, hourPoints, failures, ...view } = job;
  return view;
}

function rowView(chunk: number, row: Row): RowView {
  const { tries, outcome, reason, ...view } = row;
  return { ...view, chunk, outcome: outcome ?? null, reason: (reason as RowView['reason']) ?? null };
}

async function readRows(job: Job, from: { chunk: number; row: number }): Promise<RowsPage> {
  const rows: RowView[] = [];
  let { chunk, row } = from;
  for (let read = 0; read < MAX_CHUNKS_PER_PAGE; read += 1) {
    const stored = await readChunk(job.id, chunk);
    if (stored === null) return { rows, next: null };
    for (; row < stored.length; row += 1) {
      if (rows.length === PAGE_ROWS) return { rows, next: { chunk, row } };
      rows.push(rowView(chunk, stored[row] as Row));
    }
    chunk += 1;
    row = 0;
  }
  return { rows, next: { chunk, row } };
}

/** Freezes what was chosen under an id; starting it takes the id alone. Nothing is changed yet. */
async function plan(survey: Job, selection: Selection, caller: Caller): Promise<CleanupPlan> {
  const sample: RowView[] = [];
  if (selection.kind === 'some') {
    for (const chunk of new Set(selection.spaces.map((s) => s.chunk))) {
      const rows = (await readChunk(survey.id, chunk)) ?? [];
      sample.push(...rows.filter((row) => isSelected(selection, chunk, row.spaceId)).map((row) => rowView(chunk, row)));
    }
    if (sample.length !== selection.spaces.length)
      throw new AppError('bad-request', { problem: 'the selection names spaces that the search did not list' });
  } else {
    const first = await readRows(survey, { chunk: 0, row: 0 });
    sample.push(...first.rows.filter((row) => isSelected(selection, row.chunk, row.spaceId)));
  }
  const count = selection.kind === 'some' ? sample.length : (survey.counts.unused ?? 0) - selection.except.length;
  if (count < 1) throw new AppError('bad-request', { problem: 'nothing is selected' });
  const { idleDays } = survey;
  const job = await createJob({
    kind: 'plan',
    idleDays,
    startedBy: caller.accountId,
    now: Date.now(),
    source: survey,
    selection,
    total: count,
  });
  return { job: jobView(job), count, sample: sample.slice(0, PAGE_ROWS), ...estimateArchive(count) };
}

/** Of the last spaces that Homestead made: how many the app itself cannot see. */
async function countUnseen(): Promise<{ count: number; of: number }> {
  const spaceIds = await listMadeSpaces(UNSEEN_CHECKED);
  const seen = await Promise.all(spaceIds.map((id) => readSpace(asApp(), id)));
  return { count: seen.filter((space) => space === null).length, of: spaceIds.length };
}

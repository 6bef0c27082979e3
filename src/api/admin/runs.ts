/** Runs: what was started, how far each is, and stopping, repeating and undoing one. */
import { z } from 'zod';
import { archive, restore } from '../../cleanup/jobs';
import { type RowReason, SpaceRow } from '../../cleanup/rows';
import { countCreated, countUndoable, estimate, remakePlan, retry, undo, undoableUntil } from '../../cleanup/runs';
import { pointsOf } from '../../domain/cleanup';
import { leftAlone } from '../../domain/undo';
import { creatingRun } from '../../existing-people/created';
import { forecast, provisionExisting } from '../../existing-people/provision-job';
import { retryPeople } from '../../existing-people/retry';
import { AppError } from '../../forge/errors';
import { batchesOf, sumOf } from '../../jobs/batches';
import { cancel, currentCounts, pause, resume } from '../../jobs/control';
import { existingJob, idOfRetry, isActive, isOver, type Job, listJobs, readJobs } from '../../jobs/record';
import { define } from '../define';
import { Id, RowAddress } from '../inputs';
import { MAX_SELECTED } from '../limits';
import { Reason } from '../reason';
import { administers, administersNow, mayPause } from '../standing';
import { hasFailed, readRowsPage } from './jobs';

/** Runs of a kind that are listed. */
const RUNS_SHOWN = 20;

const Kind = z.enum(['archive', 'restore', 'provision']);
type Kind = z.infer<typeof Kind>;

export interface RunView {
  runId: string;
  kind: Kind;
  state: Job['state'];
  createdAt: number;
  updatedAt: number;
  startedBy: string;
  /** What whoever started it wrote about it. */
  reason: string | null;
  total: number;
  done: number;
  failed: number;
  /** What failed was tried again, in a run of its own. */
  retried: boolean;
  /** What all of it costs, if nothing unexpected is found. */
  points: number;
  /** When it will be over as things stand, or when it ended (ms); null = it is paused, or nobody can tell. */
  doneAt: number | null;
  counts: Record<string, number>;
  waitingUntil: number | null;
  problem: string | null;
  /** A change since then (ms) keeps a space from being archived. */
  unchangedSince: number | null;
  /** The run that it undoes. */
  source: string | null;
  /** The version of the policy since which it archives what was created. */
  undoesVersion: number | null;
  /** How many spaces an undo would restore, or look at to archive them, and until when it is offered (ms). */
  undoable: number;
  undoableUntil: number | null;
  /** Of what it has come to, what an undo leaves alone, and why. */
  leftAlone: ReturnType<typeof leftAlone>;
}

export interface RunRowView {
  spaceId: string;
  key: string;
  ownerId: string | null;
  outcome: 'acting' | 'archived' | 'restored' | 'kept' | 'failed' | null;
  reason: RowReason | null;
}

const OneRun = z.strictObject({ runId: Id });

export const runFunctions = {
  'runs.get': define({ input: OneRun, authorise: administers, handle: async ({ runId }) => viewOf(await existingRun(runId)) }),
  'runs.list': define({
    input: z.strictObject({
      kinds: z
        .array(Kind)
        .min(1)
        .max(Kind.options.length)
        .default([...Kind.options]),
    }),
    authorise: administers,
    handle: async ({ kinds }): Promise<{ rows: RunView[] }> => {
      const runs = (await Promise.all(kinds.map((kind) => listJobs(kind, RUNS_SHOWN)))).flat();
      runs.sort((a, b) => b.createdAt - a.createdAt);
      return { rows: await viewsOf(runs.slice(0, RUNS_SHOWN)) };
    },
  }),
  /** What became of each space of a cleanup. */
  'runs.rows': define({
    input: z.strictObject({ runId: Id, from: RowAddress.optional(), onlyFailed: z.boolean().default(false) }),
    authorise: administers,
    handle: async ({ runId, from, onlyFailed }) => {
      const { id } = await existingCleanup(runId);
      return readRowsPage(from, batchesOf(SpaceRow, id).read, onlyFailed ? hasFailed : null, rowView);
    },
  }),
  'runs.pause': define({
    input: OneRun,
    authorise: mayPause,
    handle: async ({ runId }) => changed(runId, (now) => pause(runId, now)),
  }),
  'runs.resume': define({
    input: OneRun,
    authorise: administersNow,
    handle: async ({ runId }) => changed(runId, async (now, run) => resume(runId, now, await remakePlan(run, now))),
  }),
  'runs.stop': define({
    input: OneRun,
    authorise: administers,
    handle: async ({ runId }) => changed(runId, (now) => cancel(runId, now)),
  }),
  'runs.retry': define({
    input: OneRun,
    authorise: administersNow,
    handle: async ({ runId }, { accountId }) => viewOf(await tryAgain(runId, accountId, Date.now())),
  }),
  'runs.undo': define({
    input: z.strictObject({ runId: Id, spaceIds: z.array(Id).min(1).max(MAX_SELECTED).optional(), reason: Reason.optional() }),
    authorise: administersNow,
    handle: async ({ runId, spaceIds, reason }, { accountId }) =>
      viewOf(await undo(runId, spaceIds ?? null, reason || null, accountId, Date.now())),
  }),
};

/** @throws AppError not-found, also for a job that is no run */
async function existingRun(runId: string): Promise<Job> {
  const job = await existingJob(runId);
  if (!Kind.safeParse(job.kind).success) throw new AppError('not-found');
  return job;
}

async function tryAgain(runId: string, startedBy: string, now: number): Promise<Job> {
  const { kind } = await existingRun(runId);
  return kind === provisionExisting.kind ? retryPeople(runId, startedBy, now) : retry(await existingCleanup(runId), startedBy, now);
}

/** @throws AppError not-found, also for a run over people: its rows are in `people.rows` */
async function existingCleanup(runId: string) {
  const job = await existingJob(runId);
  if (job.kind === archive.kind) return archive.parse(job);
  if (job.kind === restore.kind) return restore.parse(job);
  throw new AppError('not-found');
}

async function changed(runId: string, change: (now: number, run: Job) => Promise<Job>): Promise<RunView> {
  return viewOf(await change(Date.now(), await existingRun(runId)));
}

async function viewOf(run: Job): Promise<RunView> {
  const [view] = await viewsOf([run]);
  return view as RunView;
}

async function viewsOf(runs: readonly Job[]): Promise<RunView[]> {
  const now = Date.now();
  const archives = runs.flatMap((run) => (run.kind === archive.kind ? [archive.parse(run)] : []));
  const creating = runs.flatMap((run) => (run.kind === provisionExisting.kind ? [creatingRun(run)] : []));
  const undoable = new Map([...(await countUndoable(archives, now)), ...(await countCreated(creating, now))]);
  const withFailures = runs.filter((run) => isOver(run) && (run.counts.failed ?? 0) > 0);
  const retries = new Set((await readJobs(withFailures.map(({ id }) => idOfRetry(id)))).map(({ id }) => id));
  return Promise.all(runs.map((run) => toView(run, undoable.get(run.id) ?? 0, retries.has(idOfRetry(run.id)), now)));
}

async function toView(run: Job, undoable: number, retried: boolean, now: number): Promise<RunView> {
  const { id: runId, state, createdAt, updatedAt, startedBy, reason, total, waitingUntil, problem } = run;
  const kind = Kind.parse(run.kind);
  const counts = await currentCounts(run);
  const done = sumOf(counts);
  const { points, doneAt } = kind === 'provision' ? await forecast(run, done, now) : await forecastCleanup(kind, run, done, now);
  return {
    ...{ runId, kind, state, createdAt, updatedAt, startedBy, reason, total, done, failed: counts.failed ?? 0, retried, counts, points },
    doneAt: isOver(run) ? updatedAt : doneAt,
    waitingUntil,
    problem,
    ...originOf(kind, run),
    undoable,
    undoableUntil: undoable > 0 ? undoableUntil(run) : null,
    leftAlone: kind === 'provision' ? leftAlone(counts) : [],
  };
}

function originOf(kind: Kind, run: Job): Pick<RunView, 'unchangedSince' | 'source' | 'undoesVersion'> {
  const none = { unchangedSince: null, source: null, undoesVersion: null };
  if (kind === 'provision') return none;
  if (kind === 'restore') return { ...none, source: restore.parse(run).work.source };
  const { chosen, unchangedSince } = archive.parse(run).work;
  if (chosen.kind === 'created') return { ...none, source: chosen.runId };
  return chosen.kind === 'since-save' ? { ...none, undoesVersion: chosen.version } : { ...none, unchangedSince };
}

async function forecastCleanup(kind: 'archive' | 'restore', run: Job, done: number, now: number) {
  const { total, waitingUntil, where } = run;
  const left = isActive(run) ? await estimate(kind, Math.max(0, total - done), waitingUntil ?? now, where) : null;
  return { points: pointsOf(kind, total), doneAt: left?.doneAt ?? null };
}

const rowView = ({ spaceId, key, ownerId, outcome, reason }: SpaceRow): RunRowView => ({
  spaceId,
  key,
  ownerId,
  outcome: outcome ?? null,
  reason: (reason as RowReason | undefined) ?? null,
});

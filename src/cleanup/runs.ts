/** Beginning a clean-up, having a lost plan made again, undoing a run, and trying again what failed in one. */

import { TICK_MS } from '../agenda/define';
import { openDirectory } from '../directory/keep';
import { countSpaces } from '../directory/lists';
import { doneBy } from '../directory/progress';
import { countLeft, thaw } from '../directory/run-rows';
import { pointsOf, unchangedSince } from '../domain/cleanup';
import { UNUSED_DAYS } from '../domain/directory';
import { isIdle } from '../domain/policy/match';
import { DAY_MS } from '../domain/time';
import { type CreatingRun, countMadeAmong, creationOf, existingCreatingRun, setUndoneBy } from '../existing-people/created';
import { readBudget } from '../forge/budget';
import { AppError } from '../forge/errors';
import { KEPT_DAYS } from '../jobs/batches';
import { startJob, startOnce } from '../jobs/control';
import { createPlan, startPlan } from '../jobs/plan';
import { existingJob, idOfRetry, isOver, type Job, newJobId, readJob, readJobs, setJob } from '../jobs/record';
import { readOutbox } from '../store/outbox';
import { readPolicy, readPolicyVersion } from '../store/policy';
import { type Archive, archive, newArchiveWork, PLAN_LOST, type Restore, type RestoreWork, restore, rowsToRestore } from './jobs';
import { type Chosen, type Counted, count, failedIn, freeze, type Selection, type SinceSave, withoutOwners } from './selection';

/** Batches of rows counted at a time: some hundred kilobytes from each run. */
const BATCHES_AT_ONCE = 25;
/** One space takes about five calls, one after another (local site: 0.15 s each). */
const MS_PER_SPACE = 800;
/** Spaces in one tick: six requests one after another each, in under five minutes. */
const SPACES_PER_TURN = 200;

export interface Preview {
  planId: string;
  /** Exactly so many ids are frozen. */
  count: number;
  /** Of all current spaces that the app sees, 0 to 1. */
  share: number;
  points: number;
  /** When it would be done if it began now (ms). */
  doneAt: number;
  /** A change since then (ms) keeps a space from being archived. */
  unchangedSince: number;
  leftOut: Counted['leftOut'];
}

/** At most so many spaces; which of them are archived is found out as each is looked at. */
export interface UndoPreview extends Pick<Preview, 'planId' | 'count' | 'share' | 'points' | 'doneAt'> {
  version: number;
  savedAt: number;
  /** People go on getting spaces under the present policy. */
  goesOn: boolean;
  /** The directory has not heard of all spaces yet. */
  isBehind: boolean;
}

/** Freezes what was chosen under an id; starting it takes the id. Nothing is changed yet. @throws AppError not-ready, SqlError */
export async function previewArchive(selection: Selection, createdBy: string, now: number): Promise<Preview> {
  await requireCompleteDirectory(now);
  const days = (selection.kind === 'all' ? selection.filter.unchangedForDays : undefined) ?? UNUSED_DAYS;
  const planId = newJobId(archive.kind, now);
  const chosen = await withoutOwners(selection);
  const frozen = await freeze(planId, chosen, days, now);
  const { leftOut } = await count(chosen, days, now);
  const since = unchangedSince(days, now);
  const work = newArchiveWork({ chosen, unchangedForDays: days, unchangedSince: since });
  await createPlan(archive, { work, total: frozen, createdBy, now }, planId);
  return {
    planId,
    count: frozen,
    share: await shareOfCurrent(frozen),
    ...(await estimate('archive', frozen, now)),
    unchangedSince: since,
    leftOut,
  };
}

/**
 * Freezes what Homestead created since a version of the policy was saved: the undo of that save. Each space is looked at before it is
 * archived; whatever a run created, a person asked for or somebody touched is left alone. Nothing is changed yet.
 * @throws AppError not-found for a version that is gone, not-ready, SqlError
 */
export async function previewUndoOfSave(version: number, createdBy: string, now: number): Promise<UndoPreview> {
  await requireCompleteDirectory(now);
  const saved = await readPolicyVersion(version);
  if (!saved) throw new AppError('not-found');
  const planId = newJobId(archive.kind, now);
  const chosen: SinceSave = { kind: 'since-save', version, from: saved.savedAt, to: now, retryOf: null };
  const frozen = await freeze(planId, chosen, 0, now);
  const work = newArchiveWork({ chosen, unchangedForDays: 0, unchangedSince: now });
  await createPlan(archive, { work, total: frozen, createdBy, now }, planId);
  const present = await readPolicy();
  return {
    planId,
    version,
    savedAt: saved.savedAt,
    goesOn: present.kind === 'saved' && !present.policy.paused && !isIdle(present.policy),
    isBehind: (await readOutbox('space', null)).entries.length > 0,
    count: frozen,
    share: await shareOfCurrent(frozen),
    ...(await estimate('archive', frozen, now, 'schedule')),
  };
}

async function shareOfCurrent(count: number): Promise<number> {
  const { current } = await countSpaces();
  return current === 0 ? 0 : count / current;
}

/** What so many spaces cost, and when they are done. */
export async function estimate(
  action: 'archive' | 'restore',
  spaces: number,
  now: number,
  where: Job['where'] = 'queue',
): Promise<{ points: number; doneAt: number }> {
  const points = pointsOf(action, spaces);
  const takes = where === 'queue' ? spaces * MS_PER_SPACE : Math.ceil(spaces / SPACES_PER_TURN) * TICK_MS;
  return { points, doneAt: Math.max(doneBy(points, await readBudget(now), now), now + takes) };
}

async function requireCompleteDirectory(now: number): Promise<void> {
  const { state } = await openDirectory(now);
  if (state.data.spacesAt === null) throw new AppError('not-ready');
}

interface Start {
  planId: string;
  /** What the admin was told. */
  count: number;
  reason: string | null;
}

/**
 * A second click finds the run.
 * @throws AppError not-found for a plan that is too old, plan-changed when it is not the one that was shown or its ids are lost,
 * busy while another run holds the lock
 */
export function startArchive({ planId, count: expected, reason }: Start, startedBy: string, now: number): Promise<Job> {
  const check = async ({ total }: { total: number }): Promise<void> => {
    if (total === 0) throw new AppError('bad-request', { problem: 'nothing-selected' });
    if (expected !== total || (await countLeft(planId)) !== total) throw new AppError('plan-changed', { count: total });
  };
  return startPlan(archive, planId, startedBy, now, check, reason);
}

/**
 * A run that is paused because its plan was lost with the database: what it has not done yet is frozen again.
 * @returns how many spaces it has in all, then; undefined when nothing was lost
 * @throws AppError not-ready until the directory is complete again; plan-changed when that would be more spaces than were announced
 */
export async function remakePlan(job: Job, now: number): Promise<number | undefined> {
  if (job.kind !== archive.kind || job.state !== 'paused' || job.problem !== PLAN_LOST) return undefined;
  await requireCompleteDirectory(now);
  const { id, total, work } = archive.parse(job);
  // What another run created is not frozen, so it cannot be lost.
  if (work.chosen.kind === 'created') return undefined;
  await thaw(id);
  const frozen = await freeze(id, work.chosen, work.unchangedForDays, now, work.after);
  // An undo looks when each space was created, so what the directory names besides is left alone.
  if (work.chosen.kind === 'since-save' || work.taken + frozen <= total) return work.taken + frozen;
  await thaw(id);
  throw new AppError('plan-changed', { count: work.taken + frozen });
}

/** Rows are kept from the beginning of a run for so long, and name what it has archived. */
export const undoableUntil = ({ createdAt }: Pick<Job, 'createdAt'>): number => createdAt + KEPT_DAYS * DAY_MS;

/** How many spaces of each archive run can be restored now, by its id; runs that are not over, or too old, have none. */
export async function countUndoable(archives: readonly Archive[], now: number): Promise<Map<string, number>> {
  const left = await countArchived(archives);
  return new Map(archives.map((job) => [job.id, isOver(job) && now < undoableUntil(job) ? (left.get(job.id) ?? 0) : 0]));
}

/** What each archive run has archived, and no run has restored. */
async function countArchived(archives: readonly Archive[]): Promise<Map<string, number>> {
  const ids = archives.flatMap(({ work }) => work.undoneBy);
  const restored = new Map((await readJobs(ids)).map((job) => [job.id, job.counts.restored ?? 0]));
  return new Map(
    archives.map(({ id, counts, work }) => {
      const left = (counts.archived ?? 0) - work.undoneBy.reduce((sum, undoId) => sum + (restored.get(undoId) ?? 0), 0);
      return [id, Math.max(0, left)];
    }),
  );
}

/**
 * How many spaces that each of these runs created an undo may still archive, by its id. Whether anybody has touched them is found out
 * by the undo; what one has found touched is not counted again.
 */
export async function countCreated(runs: readonly CreatingRun[], now: number): Promise<Map<string, number>> {
  const undos = (await readJobs(runs.flatMap(({ undoneBy }) => undoneBy))).map((job) => archive.parse(job));
  const archived = await countArchived(undos);
  return new Map(
    runs.map(({ job, undoneBy }) => {
      const own = undos.filter(({ id }) => undoneBy.includes(id));
      const gone = own.reduce((sum, { id }) => sum + (archived.get(id) ?? 0), 0);
      // Each of them looks at all spaces again, so the same ones are kept for good.
      const kept = Math.max(0, ...own.map(({ work }) => work.keptForGood));
      const left = (job.counts.created ?? 0) - gone - kept;
      return [job.id, isOver(job) && now < undoableUntil(job) ? Math.max(0, left) : 0];
    }),
  );
}

/**
 * Restores what a run archived, or archives what a run for existing people created and nobody has touched: all of it or some.
 * @throws AppError not-found once its rows are gone, busy while it is not over or another run holds the lock, bad-request when
 * nothing is left
 */
export async function undo(runId: string, only: string[] | null, reason: string | null, startedBy: string, now: number): Promise<Job> {
  const what = { only, retryOf: null, reason };
  if ((await existingJob(runId)).kind === archive.kind) return startRestore(runId, newJobId(restore.kind, now), what, startedBy, now);
  const { undoneBy } = await existingCreatingRun(runId);
  const last = undoneBy.at(-1);
  const present = last === undefined ? null : await readJob(last);
  // A second click finds the undo that the first one began.
  const id = present && !isOver(present) && undoes(archive.parse(present), only) ? present.id : `${runId}-undo-${undoneBy.length + 1}`;
  return startArchivingCreated(runId, id, what, startedBy, now);
}

const undoes = ({ work: { chosen } }: Archive, only: string[] | null): boolean =>
  chosen.kind === 'created' && chosen.retryOf === null && [...(chosen.only ?? [])].sort().join() === [...(only ?? [])].sort().join();

function startArchivingCreated(
  source: string,
  id: string,
  { only, retryOf, reason }: Undoing,
  startedBy: string,
  now: number,
): Promise<Job> {
  return startOnce(archive, id, async (transaction) => {
    const run = await existingCreatingRun(source);
    const { job, policyVersion } = run;
    if (!isOver(job)) throw new AppError('busy', { runId: source });
    if (now >= undoableUntil(job)) throw new AppError('not-found');
    const total = await countToArchive(run, { only, retryOf }, now);
    // A run that failed may have created more than it could count.
    if (total === 0 && (job.state !== 'failed' || only !== null)) throw new AppError('bad-request', { problem: 'nothing-to-undo' });
    const chosen = { kind: 'created', runId: source, batches: job.batches, policyVersion, ...creationOf(job), only, retryOf } as const;
    setUndoneBy(transaction, run, id);
    const work = newArchiveWork({ chosen, unchangedForDays: 0, unchangedSince: job.updatedAt });
    return { work, total, startedBy, reason, now };
  });
}

/** How many rows the undo will have: adopted spaces are named in it, and left alone. */
async function countToArchive(run: CreatingRun, { only, retryOf }: Narrowed, now: number): Promise<number> {
  if (retryOf !== null) return (await existingJob(retryOf)).counts.failed ?? 0;
  if (only !== null) return countMadeAmong(run, only);
  const { created = 0, adopted = 0 } = run.job.counts;
  return ((await countCreated([run], now)).get(run.job.id) ?? 0) > 0 ? created + adopted : 0;
}

type Narrowed = Pick<RestoreWork, 'only' | 'retryOf'>;
/** Why: in the words of whoever starts it. */
type Undoing = Narrowed & Pick<Job, 'reason'>;

function startRestore(source: string, id: string, { only, retryOf, reason }: Undoing, startedBy: string, now: number): Promise<Job> {
  return startOnce(restore, id, async (transaction) => {
    const archived = await archive.existing(source);
    if (!isOver(archived)) throw new AppError('busy', { runId: source });
    if (now >= undoableUntil(archived)) throw new AppError('not-found');
    const earlier = archived.work.undoneBy;
    const work: RestoreWork = { source, sourceBatches: archived.batches, earlier, only, retryOf };
    const total = await countToRestore(archived, work, now);
    // A run that failed may have archived more than it could count.
    if (total === 0 && (archived.state !== 'failed' || only !== null)) throw new AppError('bad-request', { problem: 'nothing-to-undo' });
    setJob(transaction, { ...archived, work: { ...archived.work, undoneBy: [...earlier, id] } });
    return { work, total, startedBy, reason, now };
  });
}

async function countToRestore(archived: Archive, work: RestoreWork, now: number): Promise<number> {
  if (work.only === null && work.retryOf === null) return (await countUndoable([archived], now)).get(archived.id) ?? 0;
  let total = 0;
  for (let from = 0; from <= archived.batches; from += BATCHES_AT_ONCE)
    total += (await rowsToRestore(work, from, Math.min(archived.batches + 1, from + BATCHES_AT_ONCE))).length;
  return total;
}

/** What failed in a run, as a new one; a second click finds it. @throws AppError busy, bad-request when nothing failed */
export async function retry(job: Archive | Restore, startedBy: string, now: number): Promise<Job> {
  if (!isOver(job)) throw new AppError('busy', { runId: job.id });
  const id = idOfRetry(job.id);
  if (job.kind === restore.kind) {
    const { source } = restore.parse(job).work;
    return startRestore(source, id, { only: null, retryOf: job.id, reason: job.reason }, startedBy, now);
  }
  const { chosen: before, unchangedForDays, unchangedSince: since } = archive.parse(job).work;
  const failed = await failedIn(job.id);
  if (failed.length === 0) throw new AppError('bad-request', { problem: 'nothing-failed' });
  if (before.kind === 'created')
    return startArchivingCreated(before.runId, id, { only: null, retryOf: job.id, reason: job.reason }, startedBy, now);
  const chosen: Chosen = before.kind === 'since-save' ? { ...before, retryOf: job.id } : { kind: 'failed', runId: job.id };
  const total = await freeze(id, chosen, unchangedForDays, now);
  const work = newArchiveWork({ chosen, unchangedForDays, unchangedSince: since });
  return startJob(archive, { work, total, startedBy, reason: job.reason, now }, id);
}

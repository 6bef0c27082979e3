/**
 * Archiving and restoring spaces. What a run is to do is frozen in the directory, or told by the run that it undoes; what it
 * has done is in its rows in storage, which outlive the database. The undo of a run that created spaces archives them, so it can be
 * undone like any other.
 */
import { z } from 'zod';
import { asApp } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { forgetFrozen, readFrozen } from '../directory/run-rows';
import { nameSpaces, noteStatuses } from '../directory/spaces';
import { SPACES_PER_WRITE } from '../domain/cleanup';
import { isKeptForGood } from '../domain/undo';
import { afterActing, FIRST_WAVE, leftInWave, MANY_FAILED } from '../domain/waves';
import { listMade } from '../existing-people/created';
import { orWhenMissing } from '../forge/errors';
import { describe, log } from '../forge/log';
import { ACTING, add, type Batches, batchesOf, type Counts, countOutcomes, sumOf } from '../jobs/batches';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { readPolicy, readPolicyVersion } from '../store/policy';
import { actOn, resultOf, settleRow, type Task } from './act';
import { type Activity, readActivity } from './activity';
import { SpaceRow } from './rows';
import { Chosen, type Created, failedAmong, isUndo } from './selection';

/** Two of them at a time would archive and restore the same spaces. */
const LOCK = 'cleanup';
/** Rows of one batch: it is written twice for every few of them. */
const ROWS_PER_BATCH = 100;
/** The frozen ids are gone, with the database: an admin has them frozen again. */
export const PLAN_LOST = 'plan-lost';

const ArchiveWork = z.object({
  chosen: Chosen,
  /** Days without a change, and the moment (ms) that they were counted from. Of what another run created, nothing may have changed. */
  unchangedForDays: z.number().int(),
  unchangedSince: z.number(),
  /** The last id of the complete batches, and how many there were. */
  after: z.string(),
  taken: z.number().int(),
  /** Restore runs that have undone some of it, in order. */
  undoneBy: z.array(z.string()),
  /** Spaces acted on, and those that failed, when the present wave began. Missing in runs from before there were waves. */
  waveStart: z.number().int().default(FIRST_WAVE.waveStart),
  failedBefore: z.number().int().default(FIRST_WAVE.failedBefore),
  /** Of what another run created: spaces that no undo of it will ever archive, in the complete batches. */
  keptForGood: z.number().int().default(0),
});
type ArchiveWork = z.infer<typeof ArchiveWork>;
export type Archive = JobOf<ArchiveWork>;

export const newArchiveWork = (work: Pick<ArchiveWork, 'chosen' | 'unchangedForDays' | 'unchangedSince'>): ArchiveWork => ({
  ...work,
  after: '',
  taken: 0,
  undoneBy: [],
  ...FIRST_WAVE,
  keptForGood: 0,
});

const RestoreWork = z.object({
  /** The archive run whose spaces are restored; its batches have the same numbers here. */
  source: z.string(),
  /** How many batches the source had completed. */
  sourceBatches: z.number().int(),
  /** Restore runs of the same source before this one: what they have settled is left alone. */
  earlier: z.array(z.string()),
  /** Only these spaces; null = all. */
  only: z.array(z.string()).nullable(),
  /** Only what failed in this restore run; null = all. */
  retryOf: z.string().nullable(),
});
export type RestoreWork = z.infer<typeof RestoreWork>;
export type Restore = JobOf<RestoreWork>;

/** The dearest few rows: two looks at some of them, and for each a hit of search that comes up again as the question shrinks. */
const COST = SPACES_PER_WRITE * (12 + SPACES_PER_WRITE);
/** Or, of what a run created, two looks at the space (4), its pages (1, and 22 in all), a blog post and a hit of search (4), the act (1). */
const ARCHIVE_COST = Math.max(COST, SPACES_PER_WRITE * 32);

export const archive = defineJob({
  kind: 'archive',
  work: ArchiveWork,
  row: SpaceRow,
  where: 'queue',
  // An undo looks at each space as its owner, which is documented for schedules.
  whereFor: ({ chosen }) => (isUndo(chosen) ? 'schedule' : 'queue'),
  lock: LOCK,
  isInTrail: true,
  cost: ARCHIVE_COST,
  step: archiveStep,
  settle: async (job, batches) => {
    const counts = await settle(job, batches, await archiveTask(job));
    await forgetFrozen(job.id);
    return counts;
  },
});

export const restore = defineJob({
  kind: 'restore',
  account: 'undo',
  work: RestoreWork,
  row: SpaceRow,
  where: 'queue',
  lock: LOCK,
  isInTrail: true,
  cost: COST,
  step: restoreStep,
  settle: (job, batches) => settle(job, batches, restoreTask(job)),
});

async function archiveTask({ id: runId, work, startedBy }: Archive): Promise<Task> {
  const { chosen, unchangedSince } = work;
  if (!isUndo(chosen)) return { action: 'archive', unchangedSince, startedBy, runId };
  const creation = { from: chosen.from, to: chosen.to, by: chosen.kind === 'created' ? 'run' : 'policy' } as const;
  // What was created followed the policy of its time: that of a run's plan or of the save, that of today, or, as the trail of each
  // space tells, one in between.
  const version = chosen.kind === 'created' ? chosen.policyVersion : chosen.version;
  const [planned, present] = [await readPolicyVersion(version), await readPolicy()];
  const policies = [planned, present].flatMap((state) => (state === null || state.kind === 'unreadable' ? [] : state.policy));
  return { action: 'undo-creation', creation, policies, startedBy, runId };
}
const restoreTask = ({ id: runId, startedBy }: Restore): Task => ({ action: 'restore', startedBy, runId });

async function archiveStep(job: Archive, batches: Batches<SpaceRow>): Promise<Progress<ArchiveWork>> {
  const rows = (await batches.read(job.batches)) ?? (await beginArchiveBatch(job, batches));
  if (rows === null) return { next: { kind: 'pause', problem: PLAN_LOST } };
  if (rows === 'none') {
    await forgetFrozen(job.id);
    return { next: FINISH };
  }
  const counts = add(job.counts, countOutcomes(rows));
  const acted = sumOf(counts);
  const { wave, haveManyFailed } = afterActing(job.work, acted, counts.failed ?? 0);
  const work = { ...job.work, ...wave };
  // Once all of it is done there is nothing left to decide about.
  if (haveManyFailed && acted < job.total) return { work, next: { kind: 'pause', problem: MANY_FAILED } };
  if (await actOnNext(job, batches, await archiveTask(job), rows, leftInWave(wave, acted))) return { work, next: CONTINUE };
  return {
    work: {
      ...work,
      after: rows.at(-1)?.spaceId ?? work.after,
      taken: work.taken + rows.length,
      keptForGood: work.keptForGood + rows.filter(isKeptForGood).length,
    },
    completed: countOutcomes(rows),
    next: CONTINUE,
  };
}

/** The next rows of the plan; `none` = it is done, null = they were lost. */
async function beginArchiveBatch(job: Archive, batches: Batches<SpaceRow>): Promise<SpaceRow[] | 'none' | null> {
  const { after, taken, chosen } = job.work;
  if (chosen.kind === 'created') return beginCreatedBatch(job, chosen, batches);
  const ids = await orWhenMissing([], () => readFrozen(job.id, after, ROWS_PER_BATCH));
  if (ids.length === 0) return taken < job.total ? null : 'none';
  const named = await nameSpaces(ids);
  const rows: SpaceRow[] = [];
  for (const spaceId of ids) {
    // What the directory has lost since the preview, Confluence still knows. What it has forgotten on purpose stays forgotten.
    const { key, ownerId } = named.get(spaceId) ?? (await readSpace(asApp(), spaceId)) ?? { key: null, ownerId: null };
    rows.push({ spaceId, key: key ?? '', ownerId });
  }
  await batches.write(job.batches, rows);
  return rows;
}

/** An empty batch is written, too: a list of the run's rows reads its batches in order. */
async function beginCreatedBatch(job: Archive, chosen: Created, batches: Batches<SpaceRow>): Promise<SpaceRow[] | 'none'> {
  // A run that was stopped has one batch more than it completed.
  if (job.batches > chosen.batches) return 'none';
  const rows = await rowsToArchive(chosen, job.batches);
  await batches.write(job.batches, rows);
  return rows;
}

/** Of one batch of the run that is undone, what is to be looked at, and what is left alone from the start. */
async function rowsToArchive(chosen: Created, batch: number): Promise<SpaceRow[]> {
  const { runId, only, retryOf } = chosen;
  const wanted = only && new Set(only);
  const failed = retryOf === null ? null : new Set(failedAmong((await batchesOf(SpaceRow, retryOf).read(batch)) ?? []));
  return (await listMade(runId, chosen, batch))
    .filter(({ spaceId }) => (wanted?.has(spaceId) ?? true) && (failed?.has(spaceId) ?? true))
    .map(({ outcome, spaceId, key, ownerId }): SpaceRow => {
      const row = { spaceId, key: key ?? '', ownerId };
      if (outcome === 'adopted') return { ...row, outcome: 'kept', reason: 'space-adopted' };
      return spaceId === '' ? { ...row, outcome: 'kept', reason: 'not-created-by-run' } : row;
    });
}

async function restoreStep(job: Restore, batches: Batches<SpaceRow>): Promise<Progress<RestoreWork>> {
  // A source that was stopped has one batch more than it completed.
  if (job.batches > job.work.sourceBatches) return { next: FINISH };
  const rows = (await batches.read(job.batches)) ?? (await beginRestoreBatch(job, batches));
  if (await actOnNext(job, batches, restoreTask(job), rows)) return { next: CONTINUE };
  return { completed: countOutcomes(rows), next: CONTINUE };
}

/** An empty batch is written, too: a list of the run's rows reads its batches in order. */
async function beginRestoreBatch(job: Restore, batches: Batches<SpaceRow>): Promise<SpaceRow[]> {
  const rows = await rowsToRestore(job.work, job.batches, job.batches + 1);
  await batches.write(job.batches, rows);
  return rows;
}

/** What has an end: the space is back, or is archived by somebody else. What failed, or cannot be seen now, may be tried again. */
const ENDS: readonly (string | undefined)[] = ['not-archived', 'archived-again'];
const isSettled = ({ outcome, reason }: SpaceRow): boolean => outcome === 'restored' || (outcome === 'kept' && ENDS.includes(reason));

/** Of batches `from` to `to` (not included) of the source, what is left to restore. `acting` = the source was cut off before it knew; the space itself will tell. */
export async function rowsToRestore({ source, earlier, only, retryOf }: RestoreWork, from: number, to: number): Promise<SpaceRow[]> {
  const rowsOf = async (runId: string): Promise<SpaceRow[]> => (await batchesOf(SpaceRow, runId).readMany(from, to)).flat();
  const settled = new Set<string>();
  for (const runId of earlier) for (const row of await rowsOf(runId)) if (isSettled(row)) settled.add(row.spaceId);
  const failed = retryOf === null ? null : new Set(failedAmong(await rowsOf(retryOf)));
  const wanted = only && new Set(only);
  const isLeft = ({ spaceId, outcome }: SpaceRow): boolean =>
    (outcome === 'archived' || outcome === ACTING) &&
    !settled.has(spaceId) &&
    (failed?.has(spaceId) ?? true) &&
    (wanted?.has(spaceId) ?? true);
  return (await rowsOf(source))
    .filter(isLeft)
    .map(({ spaceId, key, ownerId, archivedAt }) => ({ spaceId, key, ownerId, ...(archivedAt === undefined ? {} : { archivedAt }) }));
}

const isOpen = (row: SpaceRow): boolean => row.outcome === undefined || row.outcome === ACTING;

/** Acts on a few rows of the batch that have no outcome yet, at most on `most`. @returns whether there were any */
async function actOnNext(
  job: { batches: number },
  batches: Batches<SpaceRow>,
  task: Task,
  rows: SpaceRow[],
  most = SPACES_PER_WRITE,
): Promise<boolean> {
  const few = rows.filter(isOpen).slice(0, Math.min(SPACES_PER_WRITE, most));
  if (few.length === 0) return false;
  // The preview may be days old.
  const activity = task.action === 'archive' ? await activityOf(few, task.unchangedSince) : new Map<string, Activity>();
  const resumed = new Set(few.filter((row) => row.outcome === ACTING));
  for (const row of few) row.outcome = ACTING;
  await batches.write(job.batches, rows);
  const begun = new Set<SpaceRow>();
  try {
    for (const row of few) {
      begun.add(row);
      Object.assign(row, await actOn(task, row, { isResumed: resumed.has(row), activity: activity.get(row.spaceId) ?? 'unknown' }));
    }
  } finally {
    // What was announced and not begun is not this job's doing, whatever becomes of it meanwhile.
    for (const row of few) if (!begun.has(row) && !resumed.has(row)) delete row.outcome;
    await batches.write(job.batches, rows);
  }
  await tellDirectory(few, task);
  return true;
}

/** Search is asked by key. Where the key was forgotten with its owner, it is looked up, and not kept. */
async function activityOf(rows: readonly SpaceRow[], since: number): Promise<Map<string, Activity>> {
  const asked: { spaceId: string; key: string }[] = [];
  for (const { spaceId, key } of rows) {
    const known = key || (await readSpace(asApp(), spaceId))?.key;
    if (known) asked.push({ spaceId, key: known });
  }
  return readActivity(asked, since);
}

/** The directory would hear of it by events and readings anyway, so its failure is no reason to stop. */
async function tellDirectory(rows: readonly SpaceRow[], task: Task): Promise<void> {
  const { outcome, status } = resultOf(task);
  const done = rows.filter((row) => row.outcome === outcome);
  if (done.length === 0) return;
  try {
    await noteStatuses(
      done.map(({ spaceId: id, key, ownerId }) => ({ id, key: key || null, ownerId, status, createdAt: null })),
      Date.now(),
      true,
    );
  } catch (error) {
    log('directory-not-told', describe(error));
  }
}

async function settle(job: Archive | Restore, batches: Batches<SpaceRow>, task: Task): Promise<Counts> {
  const rows = await batches.read(job.batches);
  if (!rows) return {};
  for (const row of rows.filter((r) => r.outcome === ACTING)) {
    const done = await settleRow(task, row);
    if (done) Object.assign(row, done);
    else delete row.outcome;
  }
  await batches.write(job.batches, rows);
  await tellDirectory(rows, task);
  return countOutcomes(rows);
}

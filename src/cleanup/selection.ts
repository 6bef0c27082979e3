/** Which spaces a run takes up: chosen by an admin, counted by the directory, and frozen as ids. */
import { z } from 'zod';
import {
  allBut,
  archivable,
  type Condition,
  countVerdicts,
  createdBetween,
  MAX_IDS,
  SpaceFilter,
  spaceConditions,
  type Verdict,
} from '../directory/lists';
import { freezeChosen, freezeIds } from '../directory/run-rows';
import { listSpacesOf } from '../directory/spaces';
import { addDays, dayOf } from '../domain/time';
import { AppError } from '../forge/errors';
import { batchesOf } from '../jobs/batches';
import { existingJob } from '../jobs/record';
import { SpaceRow } from './rows';

/** "All" travels as the filter, never as 100,000 ids. */
export const Selection = z.union([
  z.object({ kind: z.literal('some'), spaceIds: z.array(z.string()) }),
  z.object({ kind: z.literal('all'), filter: SpaceFilter, except: z.array(z.string()) }),
]);
export type Selection = z.infer<typeof Selection>;

/** What a run for existing people has created: the undo of that run. Its batches have the same numbers here. */
export const Created = z.object({
  kind: z.literal('created'),
  runId: z.string(),
  /** How many batches it had completed, under which policy it was planned, and between which moments (ms) it ran. */
  batches: z.number().int(),
  policyVersion: z.number().int(),
  from: z.number(),
  to: z.number(),
  /** Only these spaces; null = all. */
  only: z.array(z.string()).nullable(),
  /** Only what failed in this undo; null = all. */
  retryOf: z.string().nullable(),
});
export type Created = z.infer<typeof Created>;

/** What was created when people came by, since a version of the policy was saved (ms): the undo of that version. */
export const SinceSave = z.object({
  kind: z.literal('since-save'),
  version: z.number().int(),
  from: z.number(),
  to: z.number(),
  /** Only what failed in this undo; null = all. */
  retryOf: z.string().nullable(),
});
export type SinceSave = z.infer<typeof SinceSave>;

/** A run can also take up what failed in another one. */
const Frozen = z.union([Selection, SinceSave, z.object({ kind: z.literal('failed'), runId: z.string() })]);
type Frozen = z.infer<typeof Frozen>;

export const Chosen = z.union([Frozen, Created]);
export type Chosen = z.infer<typeof Chosen>;

export const isUndo = (chosen: Chosen): chosen is Created | SinceSave => chosen.kind === 'created' || chosen.kind === 'since-save';

/** `not-listed`: the directory does not know the space. */
export type LeftOutReason = Exclude<Verdict, 'unused'> | 'not-listed';
export interface Counted {
  unused: number;
  /** Those of the selection that nothing is planned for. */
  leftOut: { reason: LeftOutReason; count: number }[];
}

const conditionsOf = (selection: Selection, now: number): Condition[] =>
  selection.kind === 'some'
    ? spaceConditions({ spaceIds: selection.spaceIds }, now)
    : [...spaceConditions(selection.filter, now), ...allBut(selection.except)];

/** The same spaces, named by their own ids: a run keeps its selection, and names no accounts in it. */
export async function withoutOwners(selection: Selection): Promise<Selection> {
  if (selection.kind === 'some' || selection.filter.ownerIds === undefined) return selection;
  const { ownerIds, spaceIds, ...filter } = selection.filter;
  const owned = (await listSpacesOf(ownerIds)).filter((id) => spaceIds?.includes(id) ?? true);
  if (owned.length > MAX_IDS) throw new AppError('bad-request', { problem: 'too-many-ids' });
  return { ...selection, filter: { ...filter, spaceIds: owned } };
}

const unusedBefore = (days: number, now: number): string => addDays(dayOf(now), -days);

/** One statement. @param days without a change after which a space counts as unused */
export async function count(selection: Selection, days: number, now: number): Promise<Counted> {
  const verdicts = await countVerdicts(conditionsOf(selection, now), unusedBefore(days, now));
  const known = verdicts.reduce((sum, verdict) => sum + verdict.count, 0);
  const unlisted = selection.kind === 'some' ? new Set(selection.spaceIds).size - known : 0;
  const leftOut: Counted['leftOut'] = verdicts.flatMap(({ verdict, count: n }) =>
    verdict === 'unused' ? [] : [{ reason: verdict, count: n }],
  );
  if (unlisted > 0) leftOut.push({ reason: 'not-listed', count: unlisted });
  return { unused: verdicts.find(({ verdict }) => verdict === 'unused')?.count ?? 0, leftOut };
}

/** @param after ids up to this one are left out @returns how many are frozen for the run now */
export async function freeze(runId: string, chosen: Frozen, days: number, now: number, after = ''): Promise<number> {
  switch (chosen.kind) {
    case 'failed':
      return freezeFailed(runId, chosen.runId, now, after);
    case 'since-save':
      if (chosen.retryOf !== null) return freezeFailed(runId, chosen.retryOf, now, after);
      return freezeChosen(runId, 'spaces', createdBetween(dayOf(chosen.from), dayOf(chosen.to)), now, after);
    default:
      return freezeChosen(runId, 'spaces', archivable(conditionsOf(chosen, now), unusedBefore(days, now)), now, after);
  }
}

async function freezeFailed(runId: string, source: string, now: number, after: string): Promise<number> {
  const failed = await failedIn(source);
  return freezeIds(
    runId,
    failed.filter((id) => id > after),
    now,
  );
}

export const failedAmong = (rows: readonly SpaceRow[]): string[] =>
  rows.flatMap(({ spaceId, outcome }) => (outcome === 'failed' ? [spaceId] : []));

/** Ids of the spaces that failed in a run. */
export async function failedIn(runId: string): Promise<string[]> {
  const { batches } = await existingJob(runId);
  return failedAmong((await batchesOf(SpaceRow, runId).readMany(0, batches + 1)).flat());
}

/** Which personal spaces may be archived, and how far a job has come. Pure. */
import { DAY_MS } from './time';

/** What is known of one space at the moment of acting. null = could not be read. */
export interface SpaceFacts {
  type: string;
  status: string;
  /** The app may change this space's status. */
  canAdminister: boolean | null;
  /** Newest change of a page or blog post (ms). */
  lastChangedAt: number | null;
}

export type CleanupReason =
  | 'unused'
  | 'changed-since'
  | 'not-personal'
  | 'already-archived'
  | 'not-current'
  | 'not-administrator'
  | 'not-visible'
  | 'activity-unknown';

export interface CleanupDecision {
  action: 'archive' | 'keep';
  reason: CleanupReason;
}

/** Archives only what is certain: visible, personal, current, administered, and unchanged since `unchangedSince` (ms). */
export function decideCleanup(space: SpaceFacts | null, unchangedSince: number): CleanupDecision {
  if (!space) return { action: 'keep', reason: 'not-visible' };
  if (space.type !== 'personal') return { action: 'keep', reason: 'not-personal' };
  if (space.status === 'archived') return { action: 'keep', reason: 'already-archived' };
  if (space.status !== 'current') return { action: 'keep', reason: 'not-current' };
  if (space.lastChangedAt === null) return { action: 'keep', reason: 'activity-unknown' };
  if (space.lastChangedAt >= unchangedSince) return { action: 'keep', reason: 'changed-since' };
  if (space.canAdminister !== true) return { action: 'keep', reason: 'not-administrator' };
  return { action: 'archive', reason: 'unused' };
}

export type RestoreReason = 'archived-by-job' | 'not-archived' | 'not-visible' | 'not-administrator';

/** Restores only what this cleanup archived and what is still archived. */
export function decideRestore(space: Pick<SpaceFacts, 'status' | 'canAdminister'> | null): {
  action: 'restore' | 'keep';
  reason: RestoreReason;
} {
  if (!space) return { action: 'keep', reason: 'not-visible' };
  if (space.status !== 'archived') return { action: 'keep', reason: 'not-archived' };
  if (space.canAdminister !== true) return { action: 'keep', reason: 'not-administrator' };
  return { action: 'restore', reason: 'archived-by-job' };
}

/** Which rows of a survey an admin chose; "all" travels as the filter, never as 100,000 ids. */
export type Selection = { kind: 'some'; spaces: { batch: number; spaceId: string }[] } | { kind: 'all'; except: string[] };

export function isSelected(selection: Selection, batch: number, spaceId: string): boolean {
  return selection.kind === 'all'
    ? !selection.except.includes(spaceId)
    : selection.spaces.some((s) => s.batch === batch && s.spaceId === spaceId);
}

/** Points per archived space, by the published rule: space 2, newest page 2, newest blog post 2, archive 1. */
export const POINTS_PER_ARCHIVE = 7;
/** What archiving this many spaces costs, and how long a job takes at this many points an hour; upper bounds. */
export function estimateArchive(count: number, pointsPerHour: number): { points: number; hours: number } {
  const points = count * POINTS_PER_ARCHIVE;
  return { points, hours: points / pointsPerHour };
}

/** The moment before which a change counts as none. */
export function unchangedSince(idleDays: number, now: number): number {
  return now - idleDays * DAY_MS;
}

/** Which personal spaces may be archived and restored, and what that costs. Pure. */
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

/** Why a space cannot be archived, whatever is in it; null = it may be. */
export function whyNotArchivable(space: Pick<SpaceFacts, 'type' | 'status'> | null): CleanupReason | null {
  if (!space) return 'not-visible';
  if (space.type !== 'personal') return 'not-personal';
  if (space.status === 'archived') return 'already-archived';
  return space.status === 'current' ? null : 'not-current';
}

/** Archives only what is certain: visible, personal, current, administered, and unchanged since `unchangedSince` (ms). */
export function decideCleanup(space: SpaceFacts | null, unchangedSince: number): CleanupDecision {
  const obstacle = whyNotArchivable(space);
  if (obstacle !== null || !space) return { action: 'keep', reason: obstacle ?? 'not-visible' };
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

/** Points per archived space, by the published rule: space 2, newest page 2, newest blog post 2, archive 1. */
const POINTS_PER_ARCHIVE = 7;
/** Points per restored space: space 2, restore 1. */
const POINTS_PER_RESTORE = 3;
/** Spaces acted on between two writes of their outcome; search is asked about as many in one question. */
export const SPACES_PER_WRITE = 10;

/** What so many spaces cost, those that are as expected: of a changed one, search returns a hit more and nothing else is read. */
export function pointsOf(action: 'archive' | 'restore', count: number): number {
  return action === 'restore' ? count * POINTS_PER_RESTORE : count * POINTS_PER_ARCHIVE + Math.ceil(count / SPACES_PER_WRITE);
}

/** The moment before which a change counts as none. */
export function unchangedSince(days: number, now: number): number {
  return now - days * DAY_MS;
}

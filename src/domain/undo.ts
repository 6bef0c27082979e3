/** What is archived when a run, or a policy, that gave people spaces is undone: only what nobody has touched. Pure. */
import { type CleanupReason, whyNotArchivable } from './cleanup';
import { isIn, type Person } from './person';
import type { Policy } from './policy/document';
import { isUntouched, type PageEvidence } from './provisioning/adoption';
import type { Reason } from './reasons';
import type { PromisedSpace } from './space';
import { withoutNonXml } from './text';
import { MINUTE_MS } from './time';

/** What is undone: what was created between these moments (ms). */
export interface Creation {
  from: number;
  to: number;
  /** By a run, or by the policy when people came by; then what a run created, or somebody asked for, is not part of it. */
  by: 'run' | 'policy';
}

/** One space, its owner and what Homestead has on record of it, at the moment of acting. null = cannot be read, or is not there. */
export interface Found {
  space: {
    id: string;
    type: string;
    status: string;
    createdAt: number;
    homepageId: string | null;
    canAdminister: boolean | null;
  } | null;
  person: Person | null;
  promise: PromisedSpace | null;
  /** Somebody, and no run, has brought the space back after it had been archived or trashed. */
  wasReturned: boolean;
  /** Why it was created, by which run, and under which policy, as the trail has it; null = it does not say. */
  made: { runId: string | null; reason: Reason | null; policyVersion: number | null } | null;
}

/** What is in the space, as its owner sees it. */
export interface CreatedContents {
  /** Newest change first; may be cut short after one more than Homestead can have created. */
  pages: (PageEvidence & { title: string })[];
  blogPosts: number;
  /** Comments, attachments, whiteboards and databases in the search index. */
  others: number;
}

/**
 * `not-created-by-run`: it is not the space that the run created, or nobody can tell whether it is. `not-created-by-policy`: the same of
 * what a policy created when people came by.
 */
export type UndoReason =
  | CleanupReason
  | 'space-untouched'
  | 'space-in-use'
  | 'space-returned'
  | 'not-created-by-run'
  | 'not-created-by-policy';

export interface UndoDecision {
  action: 'archive' | 'keep';
  reason: UndoReason;
}

const isWithin = (at: number, { from, to }: Creation): boolean => at >= from && at <= to;

/** Nobody asked for it, and no run did it. */
const isByPolicy = ({ made }: Found): boolean => made !== null && made.runId === null && made.reason === 'rule-auto';

/** Their own record, Homestead's record of the space and the space itself must all say so. */
export function isCreatedBy(creation: Creation, found: Found): boolean {
  const { space, person, promise } = found;
  if (!space || !isIn(person, 'ready') || person.spaceId !== space.id || person.origin !== 'created') return false;
  if (creation.by === 'policy' && !isByPolicy(found)) return false;
  return promise?.origin === 'created' && isWithin(promise.since, creation) && isWithin(space.createdAt, creation);
}

/** Why it is kept, whatever is in it; null = that has to be read. */
export function whyKept(creation: Creation, found: Found): UndoReason | null {
  const obstacle = whyNotArchivable(found.space);
  if (obstacle !== null) return obstacle;
  if (!isCreatedBy(creation, found)) return creation.by === 'run' ? 'not-created-by-run' : 'not-created-by-policy';
  // Whoever brought it back wants it, even if it is still empty.
  return found.wasReturned ? 'space-returned' : null;
}

/** Child pages come right after the record of a space is dated; five minutes allow for a slow Confluence. */
const CHILDREN_MADE_WITHIN_MS = 5 * MINUTE_MS;

/** Titles of the child pages that this template has, or had, in these versions of the policy. */
export function childTitles(policies: readonly Policy[], templateKey: string): ReadonlySet<string> {
  const templates = policies.flatMap(({ templates: all }) => all.filter(({ key }) => key === templateKey));
  return new Set(templates.flatMap(({ children }) => children.map(({ title }) => withoutNonXml(title))));
}

/**
 * A child page has its owner as author, whoever made it. So it counts as Homestead's only while it bears a title of the template (no
 * other page of the space can have the same), has never been edited, and came to be with the space. Whatever else there is is
 * someone's work. @returns null when that cannot be told
 */
function isAsCreated(
  space: { createdAt: number; homepageId: string | null },
  since: number,
  { pages, blogPosts, others }: CreatedContents,
  titles: ReadonlySet<string>,
): boolean | null {
  const isOwnChild = ({ title, versions, createdAt }: CreatedContents['pages'][number]): boolean =>
    titles.has(title) && versions === 1 && createdAt >= space.createdAt && createdAt <= since + CHILDREN_MADE_WITHIN_MS;
  const home = pages.filter(({ id }) => id === space.homepageId);
  if (pages.some((page) => !home.includes(page) && !isOwnChild(page))) return false;
  return isUntouched(space, { pages: home, blogPosts, others, sharedWith: 'unknown' });
}

/**
 * Archives only what is certain: created by the run, untouched, and the app's to archive.
 * @param contents null = could not be read
 */
export function decideUndo(creation: Creation, found: Found, contents: CreatedContents | null, titles: ReadonlySet<string>): UndoDecision {
  const kept = whyKept(creation, found);
  if (kept !== null) return { action: 'keep', reason: kept };
  const { space, promise } = found;
  const isUnchanged = space && promise && contents && isAsCreated(space, promise.since, contents, titles);
  if (isUnchanged === null) return { action: 'keep', reason: 'activity-unknown' };
  if (!isUnchanged) return { action: 'keep', reason: 'space-in-use' };
  if (space?.canAdminister !== true) return { action: 'keep', reason: 'not-administrator' };
  return { action: 'archive', reason: 'space-untouched' };
}

/** What does not change any more, however often a run is undone. */
const FINAL: readonly (string | undefined)[] = ['space-in-use', 'space-returned', 'not-created-by-run'] satisfies UndoReason[];
export const isKeptForGood = ({ outcome, reason }: { outcome?: string | undefined; reason?: string | undefined }): boolean =>
  outcome === 'kept' && FINAL.includes(reason);

/**
 * Of what a run has come to, what its undo leaves alone: adopted spaces were there before; an offer follows the policy, which would
 * make it again, or withdraws it once it says so.
 */
export function leftAlone(counts: Readonly<Record<string, number>>): { reason: 'space-adopted' | 'offer-open'; count: number }[] {
  const { adopted = 0, offered = 0 } = counts;
  return [
    { reason: 'space-adopted' as const, count: adopted },
    { reason: 'offer-open' as const, count: offered },
  ].filter(({ count }) => count > 0);
}

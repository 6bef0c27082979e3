/** What may be done with a personal space that Homestead did not make. Pure. */

/** One page of the space, newest change first. */
export interface PageEvidence {
  id: string;
  versions: number;
  createdAt: number;
  /** Homestead's own message of the newest version. */
  isOwnVersion: boolean;
}

/** What was found in the space (as its owner); every list may be cut short after two entries. */
export interface SpaceContents {
  pages: PageEvidence[];
  blogPosts: number;
  /** Comments, attachments, whiteboards and databases in the search index. */
  others: number;
  /** Who may read it besides the owner and the app; `people` = someone was let in by name. */
  sharedWith: 'nobody' | 'groups' | 'people' | 'unknown';
}

/** Confluence puts the homepage there in the same moment; half a minute allows for a slow one. */
const HOMEPAGE_MADE_WITHIN_MS = 30_000;

/**
 * Only what Confluence put there, or Homestead: the homepage, as it was created. Anything else is
 * someone's work. No page at all is no evidence: null.
 */
export function isUntouched(space: { createdAt: number; homepageId: string | null }, contents: SpaceContents): boolean | null {
  const [home, ...more] = contents.pages;
  if (!home || space.homepageId === null) return null;
  if (more.length > 0 || home.id !== space.homepageId) return false;
  const isAsMade = home.versions === 1 || (home.versions === 2 && home.isOwnVersion);
  const isFromTheStart = Math.abs(home.createdAt - space.createdAt) <= HOMEPAGE_MADE_WITHIN_MS;
  return isAsMade && isFromTheStart && contents.blogPosts === 0 && contents.others === 0;
}

/** Nobody relies yet on who can see a space that is this young. */
const YOUNG_MS = 86_400_000;

export type Adoption =
  /** Bring it to policy; `keeps`: what of it is left as it is. */
  | { kind: 'adopt'; reason: 'space-untouched' | 'space-young'; keepsPages: boolean; keepsAccess: boolean }
  | { kind: 'leave'; reason: 'space-in-use' | 'space-unreadable' };

/**
 * An untouched space gets the template and the policy's access. In one that someone has begun to use
 * the words stay; its access follows the policy only while it is young. A person let in by name was let
 * in by someone: then the access stays too.
 */
export function decideAdoption(space: { createdAt: number; homepageId: string | null }, contents: SpaceContents, now: number): Adoption {
  const untouched = isUntouched(space, contents);
  const keepsAccess = contents.sharedWith === 'people';
  if (untouched === null) return { kind: 'leave', reason: 'space-unreadable' };
  if (untouched) return { kind: 'adopt', reason: 'space-untouched', keepsPages: false, keepsAccess };
  if (now - space.createdAt < YOUNG_MS && !keepsAccess)
    return { kind: 'adopt', reason: 'space-young', keepsPages: true, keepsAccess: false };
  return { kind: 'leave', reason: 'space-in-use' };
}

/** What may be done with a personal space that Homestead did not make. Pure. */
import { DAY_MS, MINUTE_MS } from '../time';

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

/**
 * Nobody can have worked in a space that is this new: its homepage is written only as long as it is as Confluence created it, and
 * nothing else that may be there is changed.
 */
const NEW_MS = 15 * MINUTE_MS;
/** Nobody relies yet on who can see a space that is this young. */
const YOUNG_MS = DAY_MS;

/** What has to be known of a space of this age before it is adopted: nothing, which pages are there, or all of it. */
export type Depth = 'nothing' | 'pages' | 'everything';
export function depthFor({ createdAt }: { createdAt: number }, now: number): Depth {
  const age = Math.abs(now - createdAt);
  return age < NEW_MS ? 'nothing' : age < YOUNG_MS ? 'pages' : 'everything';
}

export type Adoption =
  /** Bring it to policy; `keeps`: what of it is left as it is. */
  | { kind: 'adopt'; reason: 'space-untouched' | 'space-new' | 'space-young'; keepsPages: boolean; keepsAccess: boolean }
  | { kind: 'leave'; reason: 'space-in-use' | 'space-unreadable' };

/**
 * An untouched space gets the template and the policy's access. In one that someone has begun to use
 * the words stay; its access follows the policy only while it is young. A person let in by name was let
 * in by someone: then the access stays too, which for a young space is found out when it is set.
 * @param contents null for a space of which nothing has to be known
 */
export function decideAdoption(
  space: { createdAt: number; homepageId: string | null },
  contents: SpaceContents | null,
  now: number,
): Adoption {
  if (!contents) return { kind: 'adopt', reason: 'space-new', keepsPages: false, keepsAccess: false };
  const untouched = isUntouched(space, contents);
  const keepsAccess = contents.sharedWith === 'people';
  if (untouched === null) return { kind: 'leave', reason: 'space-unreadable' };
  const isYoung = depthFor(space, now) !== 'everything';
  if (untouched) return { kind: 'adopt', reason: isYoung ? 'space-new' : 'space-untouched', keepsPages: false, keepsAccess };
  if (isYoung && !keepsAccess) return { kind: 'adopt', reason: 'space-young', keepsPages: true, keepsAccess: false };
  return { kind: 'leave', reason: 'space-in-use' };
}

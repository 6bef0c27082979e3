/** What Homestead promised or did to a personal space. A space it never touched has no record. Pure. */
import type { Treatment } from './policy/document';
import { DAY_MS, MINUTE_MS } from './time';

/** Who can see a space: `open` = more people than the policy's two words say; `unknown` = could not be read. */
export type Access = 'private' | 'licensed' | 'open' | 'unknown';

/** Where a space stands in Confluence, as last seen. */
export type SpaceStatus = 'current' | 'archived' | 'trashed' | 'deleted';

/** Times in ms. */
export interface PromisedSpace {
  spaceId: string;
  revision: number;
  /** null once the owner's account is closed; so is the key, because it holds the account id. */
  ownerId: string | null;
  key: string | null;
  origin: 'created' | 'adopted';
  /** The creation call that worked; null for a space that Homestead did not create. */
  call: string | null;
  status: SpaceStatus;
  /** When the status was first seen. */
  statusSince: number;
  /** When Homestead created or adopted it. */
  since: number;
  access: {
    promised: Treatment['access'];
    /** As last read. */
    actual: Access;
    /** The promise could not be kept since then; it is tried again at `retryAt`. */
    broken: { since: number; retryAt: number; failures: number } | null;
  };
  template: {
    /** Key of the policy's template. */
    key: string;
    /** Where the homepage came from; `kept` = someone else had written it. */
    source: 'builtin' | 'confluence' | 'kept';
    problem: string | null;
  };
  /** Required details have no value. */
  lacksDetails: boolean;
}

/** The space is seen in another status. */
export function seenAs(space: PromisedSpace, status: SpaceStatus, at: number): PromisedSpace {
  if (space.status === status) return space;
  // A space that is gone or archived has no access to put right.
  const access = status === 'current' ? space.access : { ...space.access, broken: null };
  return { ...space, status, statusSince: at, access };
}

/** First wait, and the longest one, between two attempts to keep a promise. */
const FIRST_RETRY_MS = 5 * MINUTE_MS;
const LONGEST_RETRY_MS = DAY_MS;

/** The promised access could not be set: when that was, and when it is tried again. */
export function brokenPromise(space: PromisedSpace, actual: Access, now: number): PromisedSpace {
  const failures = (space.access.broken?.failures ?? 0) + 1;
  const retryAt = now + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  return { ...space, access: { ...space.access, actual, broken: { since: space.access.broken?.since ?? now, retryAt, failures } } };
}

export function withAccess(space: PromisedSpace, actual: Access): PromisedSpace {
  return { ...space, access: { ...space.access, actual, broken: null } };
}

/** What Homestead promised or did to a personal space. A space it never touched has no record. Pure. */
import type { Treatment } from './policy/document';
import { DAY_MS, MINUTE_MS } from './time';

/**
 * Who can see a space: `open` = more people than the policy's two words say; `unknown` = could not be read; `sampled` = it was set as
 * promised, and another space of this site was read, not this one.
 */
export const SEEN_ACCESSES = ['private', 'licensed', 'open', 'unknown', 'sampled'] as const;
export type Access = (typeof SEEN_ACCESSES)[number];

/** Where a space stands in Confluence, as last seen. */
export type SpaceStatus = 'current' | 'archived' | 'trashed' | 'deleted';

/**
 * What became of the app's own role in a space, at the moment when Homestead created or adopted it: `given`; `refused` by Confluence;
 * `not-possible` because this site lets an app in only when a space is created; `off` by the policy; `unknown` = from before there was
 * such a role, or not given yet. Its owner may have taken the role away since.
 */
export const APP_ROLE_OUTCOMES = ['given', 'refused', 'not-possible', 'off', 'unknown'] as const;
export interface AppRole {
  outcome: (typeof APP_ROLE_OUTCOMES)[number];
  /** Confluence failed when the role was to be given; it is tried again at `retryAt`. */
  due: { retryAt: number; failures: number } | null;
}
/** Spaces of before, and every space until the moment has come. */
export const NO_APP_ROLE: AppRole = { outcome: 'unknown', due: null };

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
  appRole: AppRole;
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
  const appRole = status === 'current' ? space.appRole : { ...space.appRole, due: null };
  return { ...space, status, statusSince: at, access, appRole };
}

/** When the first of a space's promises that could not be kept is tried again (ms); null = none is due. */
export function dueAt({ access, appRole }: PromisedSpace): number | null {
  const times = [access.broken?.retryAt, appRole.due?.retryAt].filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}

/** First wait, and the longest one, between two attempts to keep a promise. */
const FIRST_RETRY_MS = 5 * MINUTE_MS;
const LONGEST_RETRY_MS = DAY_MS;

/** Attempts to give the app its role. After that the owner has seen how their space is, and it stays so. */
const MAX_ROLE_FAILURES = 6;

/** Confluence failed when the app's role was to be given: it is tried again a few times. */
export function postponedRole({ due }: AppRole, now: number): AppRole {
  const failures = (due?.failures ?? 0) + 1;
  const isGivenUp = failures >= MAX_ROLE_FAILURES;
  return { outcome: 'unknown', due: isGivenUp ? null : { retryAt: now + FIRST_RETRY_MS * 2 ** (failures - 1), failures } };
}

/** The promised access could not be set: when that was, and when it is tried again. */
export function brokenPromise(space: PromisedSpace, actual: Access, now: number): PromisedSpace {
  const failures = (space.access.broken?.failures ?? 0) + 1;
  const retryAt = now + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  return { ...space, access: { ...space.access, actual, broken: { since: space.access.broken?.since ?? now, retryAt, failures } } };
}

export function withAccess(space: PromisedSpace, actual: Access): PromisedSpace {
  return { ...space, access: { ...space.access, actual, broken: null } };
}

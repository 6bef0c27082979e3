/** People and groups. */
import { route } from '@forge/api';
import { z } from 'zod';
import type { PersonFacts, StandingFacts } from '../domain/provisioning/decide';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { knownAppRole, learnAppRole } from '../store/site-facts';
import { asApp, asCaller, ask, chargeIdentities, chargeObjects, type Requester, readJson } from './call';

const User = z.object({
  accountId: z.string(),
  accountType: z.string(),
  accountStatus: z.string().default('unknown'),
  displayName: z.string().default(''),
  isExternalCollaborator: z.boolean(),
  personalSpaceId: z.string().nullish(),
});

const Users = z.object({ results: z.array(User) });

export interface BulkUser extends PersonFacts {
  accountId: string;
  displayName: string;
}

/** The largest number of ids that users-bulk takes (OpenAPI v2). */
export const PEOPLE_PER_CALL = 250;

/** At most `PEOPLE_PER_CALL` ids; unknown ids are missing from the answer. */
export async function readPeople(accountIds: string[]): Promise<BulkUser[]> {
  const operation = 'users-bulk';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/api/v2/users-bulk`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ accountIds }),
    }),
  );
  const { results } = await readJson(operation, response, Users);
  // A write by its method, a read by what it does: counted as the more expensive of the two.
  chargeIdentities(results.length);
  return results.map((user) => ({
    accountId: user.accountId,
    accountType: user.accountType,
    accountStatus: user.accountStatus,
    displayName: user.displayName,
    isGuest: user.isExternalCollaborator,
    personalSpaceId: user.personalSpaceId ?? null,
  }));
}

/** null: Confluence knows nobody by that id. */
export async function readPerson(accountId: string): Promise<BulkUser | null> {
  return (await readPeople([accountId])).find((user) => user.accountId === accountId) ?? null;
}

const CurrentUser = z.object({
  accountId: z.string(),
  accountType: z.string().default('unknown'),
  /** Confluence lets only active people ask; that it always says so is not documented. */
  accountStatus: z.string().default('active'),
  isGuest: z.boolean().default(false),
  displayName: z.string().default(''),
  publicName: z.string().default(''),
  locale: z.string().nullish(),
  operations: z.array(z.object({ operation: z.string(), targetType: z.string() })).default([]),
  personalSpace: z.object({ id: z.number() }).nullish(),
});
export type CurrentUser = z.infer<typeof CurrentUser>;

/** The user behind `as`, with their application-level operations and, as far as this site names it, their personal space. */
export async function readCurrentUser(as: Requester): Promise<CurrentUser> {
  const operation = 'user/current';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/rest/api/user/current?expand=operations,personalSpace`));
  const user = await readJson(operation, response, CurrentUser);
  chargeIdentities(1);
  if (user.personalSpace) chargeObjects(1);
  return user;
}

export function factsOf({ accountType, accountStatus, isGuest, personalSpace }: CurrentUser): PersonFacts {
  return { accountType, accountStatus, isGuest, personalSpaceId: personalSpace ? String(personalSpace.id) : null };
}

function may(user: CurrentUser, operation: string): boolean {
  return user.operations.some((o) => o.operation === operation && o.targetType === 'application');
}

/** The app's own account, which Confluence may add to a space on its own. It stays the same, so it is asked for once. */
export async function readOwnAccountId(): Promise<string> {
  const known = (await knownAppRole()).accountId;
  if (known !== null) return known;
  const { accountId } = await readCurrentUser(asApp());
  await learnAppRole({ accountId });
  return accountId;
}

/** Whether the caller of this invocation administers Confluence. */
export async function callerIsAdmin(): Promise<boolean> {
  try {
    return may(await readCurrentUser(asCaller()), 'administer');
  } catch (error) {
    if (error instanceof PlatformRefusal && !error.isTransient) return false;
    if (error instanceof ConfluenceError && (error.status === 401 || error.status === 403)) return false;
    throw error;
  }
}

export interface Standing {
  facts: StandingFacts;
  user: CurrentUser | null;
}

/** Asks Confluence as the person: may they use it, and does the platform act as them at all. */
export async function readStanding(as: Requester): Promise<Standing> {
  try {
    const user = await readCurrentUser(as);
    return { facts: { kind: 'known', canUse: may(user, 'use') }, user };
  } catch (error) {
    if (error instanceof PlatformRefusal) {
      if (error.isTransient) throw error;
      const kind =
        error.code === 'AUTH_TYPE_UNAVAILABLE' || error.code === 'NEEDS_AUTHENTICATION_ERR' ? 'impersonation-unavailable' : 'not-permitted';
      return { facts: { kind }, user: null };
    }
    if (error instanceof ConfluenceError && error.status === 403) return { facts: { kind: 'not-permitted' }, user: null };
    throw error;
  }
}

/** Like `readStanding`, but asked by the app about a person it does not act as. */
export async function readStandingOf(accountId: string): Promise<Standing> {
  const operation = 'user';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user?accountId=${accountId}&expand=operations`),
  );
  if (response.status === 403 || response.status === 404) return { facts: { kind: 'not-permitted' }, user: null };
  const user = await readJson(operation, response, CurrentUser);
  chargeIdentities(1);
  return { facts: { kind: 'known', canUse: may(user, 'use') }, user };
}

const Group = z.object({ id: z.string(), name: z.string() });
const GroupPage = z.object({ results: z.array(Group), size: z.number() });
/** Largest page of groups or members that Confluence gives. */
export const GROUPS_PER_PAGE = 200;
/** Somebody in more groups than this is in too many to read at a page view. */
const MAX_MEMBERSHIP_PAGES = 10;

/** Ids of every group this person is in. */
export async function readGroupsOf(accountId: string): Promise<Set<string>> {
  const operation = 'user groups';
  const groups = new Set<string>();
  for (let page = 0; page < MAX_MEMBERSHIP_PAGES; page += 1) {
    const start = page * GROUPS_PER_PAGE;
    const response = await ask(operation, () =>
      asApp().requestConfluence(route`/wiki/rest/api/user/memberof?accountId=${accountId}&start=${start}&limit=${GROUPS_PER_PAGE}`),
    );
    const { results } = await readJson(operation, response, GroupPage);
    chargeIdentities(results.length);
    for (const group of results) groups.add(group.id);
    if (results.length < GROUPS_PER_PAGE) return groups;
  }
  throw new ConfluenceError(operation, 502, 'more groups than can be read', null, true);
}

/** Groups whose members may use Confluence on this site; at most 200. */
export async function listLicensedGroups(): Promise<z.infer<typeof Group>[]> {
  const operation = 'group';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/group?accessType=user&limit=200`));
  const { results } = await readJson(operation, response, GroupPage);
  chargeIdentities(results.length);
  return results;
}

const Member = z.object({ accountId: z.string(), accountType: z.string().default('atlassian'), isGuest: z.boolean().default(false) });
const Members = z.object({ results: z.array(Member), totalSize: z.number().optional(), size: z.number() });

/** One page of members, at most 200, and how many there are in all; null = there is no such group any more. */
export async function listGroupMembers(
  groupId: string,
  start: number,
  limit: number,
): Promise<{ members: z.infer<typeof Member>[]; total: number | null } | null> {
  const operation = 'group members';
  const response = await ask(operation, () =>
    asApp().requestConfluence(
      route`/wiki/rest/api/group/${groupId}/membersByGroupId?start=${start}&limit=${limit}&shouldReturnTotalSize=true`,
    ),
  );
  if (response.status === 404) return null;
  const page = await readJson(operation, response, Members);
  chargeIdentities(page.results.length);
  return { members: page.results, total: page.totalSize ?? null };
}

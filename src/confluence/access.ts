/** Who can see a space: role mode, permissions, role assignments. */
import { assumeTrustedRoute, route } from '@forge/api';
import { z } from 'zod';
import type { RoleMode } from '../domain/provisioning/decide';
import { isFinal } from '../forge/errors';
import { knownApps, learnApps } from '../store/site-facts';
import { asApp, ask, chargeIdentities, failure, type Requester, readJson } from './call';
import { PEOPLE_PER_CALL, readOwnAccountId, readPeople } from './people';

/** Sites without the new roles may not know the call at all. */
const NO_ROLES_STATUSES = [400, 403, 404, 405, 501];

const Mode = z.object({ mode: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']) });

export async function readRoleMode(): Promise<RoleMode> {
  const operation = 'space-role-mode';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/api/v2/space-role-mode`));
  if (NO_ROLES_STATUSES.includes(response.status)) return 'PRE_ROLES';
  const { mode } = await readJson(operation, response, Mode);
  return mode;
}

const NextLink = z.object({ next: z.string().optional() }).optional();
const Permissions = z.object({
  results: z.array(
    z.object({
      principal: z.object({ type: z.string(), id: z.string() }),
      operation: z.object({ key: z.string(), targetType: z.string() }),
    }),
  ),
  _links: NextLink,
});
const Assignments = z.object({
  results: z.array(z.object({ principal: z.object({ principalType: z.string(), principalId: z.string() }), roleId: z.string() })),
  _links: NextLink,
});
/** Pages read of one space's permissions; a personal space has a few hundred rows. */
const MAX_ACCESS_PAGES = 8;

/** `grant`: a role's id, or a classic permission as `operation/target`. */
type Principal = { type: string; id: string; grant: string };
/** `licensed`: everyone with a license may read, and do no more. */
export type Readers = 'nobody' | 'licensed' | 'groups' | 'people' | 'unknown';

/** Rights that go no further than reading. */
const READING = ['read/space', 'export/space', 'create/comment'];
const isForReading = (grants: readonly string[]): boolean => grants.every((grant) => READING.includes(grant));

/** Everyone with a license, as roles name them. */
const LICENSED = 'all-licensed-users';

/** Who may see the space besides its owner and the app, by whichever call this site has. */
export async function readReaders(as: Requester, spaceId: string, ownerId: string, mode: RoleMode): Promise<Readers> {
  return readersAmong(await readPrincipals(as, spaceId, mode), as, spaceId, ownerId, mode);
}

/** Who may see the space besides its owner, and whether the app may; `hasApp` null = there are more than can be read. */
export async function readReadersAndApp(
  as: Requester,
  spaceId: string,
  ownerId: string,
  mode: RoleMode,
): Promise<{ readers: Readers; hasApp: boolean | null }> {
  const principals = await readPrincipals(as, spaceId, mode);
  const readers = await readersAmong(principals, as, spaceId, ownerId, mode);
  if (principals === null) return { readers, hasApp: null };
  const users = principals.filter(({ type, id }) => type === 'user' && id !== ownerId);
  const own = users.length === 0 ? null : await readOwnAccountId();
  return { readers, hasApp: users.some(({ id }) => id === own) };
}

const readPrincipals = (as: Requester, spaceId: string, mode: RoleMode): Promise<Principal[] | null> =>
  mode === 'PRE_ROLES' ? readPermissions(as, spaceId, MAX_ACCESS_PAGES) : readAssignments(as, spaceId);

async function readersAmong(
  principals: Principal[] | null,
  as: Requester,
  spaceId: string,
  ownerId: string,
  mode: RoleMode,
): Promise<Readers> {
  if (principals === null) return 'unknown';
  const others = await withoutOwnerAndApps(principals, ownerId);
  if (others.length === 0) return mode === 'ROLES_TRANSITION' ? readClassicReaders(as, spaceId, ownerId) : 'nobody';
  // Somebody let in by name weighs more than groups.
  if (others.some(({ type }) => type === 'user')) return 'people';
  if (others.some(({ type, id }) => type !== 'access_class' || id !== LICENSED)) return 'groups';
  const grants = others.map(({ grant }) => grant);
  if (mode === 'PRE_ROLES') return isForReading(grants) ? 'licensed' : 'groups';
  return grants[0] === (await readViewerRole(as)) ? 'licensed' : 'groups';
}

/** While a site moves to roles, classic permissions hold beside them. Only the first of them are read: they are expensive. */
async function readClassicReaders(as: Requester, spaceId: string, ownerId: string): Promise<Readers> {
  const principals = await readPermissions(as, spaceId, 1);
  if (principals === null) return 'unknown';
  return (await withoutOwnerAndApps(principals, ownerId)).length === 0 ? 'nobody' : 'groups';
}

/** Confluence gives app users permissions on its own; nobody invited them. */
async function withoutOwnerAndApps(principals: Principal[], ownerId: string): Promise<Principal[]> {
  const others = principals.filter(({ type, id }) => !(type === 'user' && id === ownerId));
  const userIds = [...new Set(others.flatMap(({ type, id }) => (type === 'user' ? [id] : [])))].slice(0, PEOPLE_PER_CALL);
  if (userIds.length === 0) return others;
  const own = await readOwnAccountId();
  const known = new Set([own, ...(await knownApps())]);
  const unknown = userIds.filter((id) => !known.has(id));
  const apps = unknown.length === 0 ? [] : (await readPeople(unknown)).filter((user) => user.accountType === 'app');
  if (apps.length > 0) await learnApps(apps.map((user) => user.accountId));
  const appIds = new Set([...known, ...apps.map((user) => user.accountId)]);
  return others.filter(({ type, id }) => !(type === 'user' && appIds.has(id)));
}

/** Holders of classic permissions; null = there are more than can be read. Expensive: 2 points a row. */
async function readPermissions(as: Requester, spaceId: string, maxPages: number): Promise<Principal[] | null> {
  const operation = 'space permissions';
  const found: Principal[] = [];
  let next: string | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    const path: string | null = next;
    const response = await ask(operation, () =>
      path === null
        ? as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/permissions?limit=250`)
        : as.requestConfluence(assumeTrustedRoute(path)),
    );
    const { results, _links } = await readJson(operation, response, Permissions);
    chargeIdentities(results.length);
    found.push(
      ...results.map(({ principal, operation: { key, targetType } }) => ({
        id: principal.id,
        type: principal.type.replace('-', '_'),
        grant: `${key}/${targetType}`,
      })),
    );
    if (_links?.next === undefined) return found;
    next = _links.next;
  }
  return null;
}

/** Holders of roles; null = there are more than can be read. */
async function readAssignments(as: Requester, spaceId: string): Promise<Principal[] | null> {
  const operation = 'role assignments';
  const found: Principal[] = [];
  let next: string | null = null;
  for (let page = 0; page < MAX_ACCESS_PAGES; page += 1) {
    const path: string | null = next;
    const response = await ask(operation, () =>
      path === null
        ? as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/role-assignments?limit=250`)
        : as.requestConfluence(assumeTrustedRoute(path)),
    );
    const { results, _links } = await readJson(operation, response, Assignments);
    chargeIdentities(results.length);
    found.push(
      ...results.map(({ principal, roleId }) => ({
        type: principal.principalType.toLowerCase(),
        id: principal.principalId,
        grant: roleId,
      })),
    );
    if (_links?.next === undefined) return found;
    next = _links.next;
  }
  return null;
}

const Roles = z.object({ results: z.array(z.object({ id: z.string(), spacePermissions: z.array(z.string()) })) });

/** The smallest of the site's roles that grants what is asked for. Names differ by language, so they say nothing. */
async function readRole(as: Requester, fits: (permissions: readonly string[]) => boolean): Promise<string | null> {
  const operation = 'space roles';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/space-roles?role-type=SYSTEM&limit=100`));
  const { results } = await readJson(operation, response, Roles);
  chargeIdentities(results.length);
  const fitting = results.filter(({ spacePermissions }) => spacePermissions.includes('read/space') && fits(spacePermissions));
  return fitting.sort((a, b) => a.spacePermissions.length - b.spacePermissions.length)[0]?.id ?? null;
}

/** The role that lets people read but not edit; null = this site has none. */
const readViewerRole = (as: Requester): Promise<string | null> => readRole(as, isForReading);

/** The role that administers a space; null = this site has none. */
export const readAdminRole = (): Promise<string | null> => readRole(asApp(), (permissions) => permissions.includes('administer/space'));

/** What makes the app an administrator of a space: its own account, and a role. */
export interface AppRole {
  accountId: string;
  roleId: string;
}

/** Without `roleId` the principal loses its role. */
interface RoleChange {
  principal: { principalType: string; principalId: string };
  roleId?: string;
}

/** All of it or nothing. @throws ConfluenceError */
async function assignRoles(as: Requester, spaceId: string, changes: readonly RoleChange[]): Promise<void> {
  const operation = 'assign roles';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/role-assignments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(changes),
    }),
  );
  if (!response.ok) throw await failure(operation, response);
}

const changeFor = ({ type, id }: Pick<Principal, 'type' | 'id'>, roleId?: string): RoleChange => ({
  principal: { principalType: type.toUpperCase(), principalId: id },
  ...(roleId === undefined ? {} : { roleId }),
});

/** Makes the app an administrator of the space. Repeating it changes nothing. @throws ConfluenceError */
export const assignAppRole = (as: Requester, spaceId: string, { accountId, roleId }: AppRole): Promise<void> =>
  assignRoles(as, spaceId, [changeFor({ type: 'user', id: accountId }, roleId)]);

/** What to do about the app's own role while others are changed: give it, leave it as it is held, or do not name it. */
export type AppRoleChange = AppRole | 'keep' | 'unnamed';

export type Assigned =
  /** `app`: whether the app was given its role along with the others; null = that was not asked for. */
  | { kind: 'assigned'; app: 'given' | 'refused' | null }
  /** This site has no role for reading: nothing was changed. */
  | { kind: 'no-reader-role' }
  /** Somebody was let in by name: nothing was changed. */
  | { kind: 'people' };

/**
 * Takes every role in the space from everyone but the owner and the app; with `licensed`, everyone with a
 * license may then read. Only on sites with roles.
 * @param keepsPeople leaves everything as it is where somebody was let in by name
 */
export async function assignReaders(
  as: Requester,
  spaceId: string,
  ownerId: string,
  readers: 'nobody' | 'licensed',
  appRole: AppRoleChange,
  keepsPeople: boolean,
): Promise<Assigned> {
  const holders = (await readAssignments(as, spaceId)) ?? [];
  const others = await withoutOwnerAndApps(holders, ownerId);
  if (keepsPeople && others.some(({ type }) => type === 'user')) return { kind: 'people' };
  const roleId = readers === 'licensed' ? await readViewerRole(as) : null;
  if (readers === 'licensed' && roleId === null) return { kind: 'no-reader-role' };
  const changes = [
    ...others.filter(({ type, id }) => !(roleId !== null && type === 'access_class' && id === LICENSED)).map((other) => changeFor(other)),
    ...(roleId === null ? [] : [changeFor({ type: 'access_class', id: LICENSED }, roleId)]),
  ];
  if (changes.length === 0) return { kind: 'assigned', app: typeof appRole === 'object' && holds(appRole, holders) ? 'given' : null };
  // Named with the roles they hold: nobody can be locked out by a change of the others.
  const owner = holders.filter(({ type, id }) => type === 'user' && id === ownerId);
  const kept = [...owner, ...(appRole === 'keep' ? await ownRoleAmong(holders) : [])].map((holder) => changeFor(holder, holder.grant));
  const all = [...changes, ...kept];
  if (typeof appRole === 'string') {
    await assignRoles(as, spaceId, all);
    return { kind: 'assigned', app: null };
  }
  try {
    await assignRoles(as, spaceId, [...all, changeFor({ type: 'user', id: appRole.accountId }, appRole.roleId)]);
    return { kind: 'assigned', app: 'given' };
  } catch (error) {
    if (!isFinal(error)) throw error;
    // The space must not stay open because the app may have no role in it.
    await assignRoles(as, spaceId, all);
    return { kind: 'assigned', app: 'refused' };
  }
}

const holds = ({ accountId, roleId }: AppRole, holders: readonly Principal[]): boolean =>
  holders.some(({ type, id, grant }) => type === 'user' && id === accountId && grant === roleId);

async function ownRoleAmong(holders: readonly Principal[]): Promise<Principal[]> {
  const own = await readOwnAccountId();
  return holders.filter(({ type, id }) => type === 'user' && id === own);
}

/** Who can see a space: role mode, permissions, role assignments. */
import { assumeTrustedRoute, route } from '@forge/api';
import { z } from 'zod';
import type { RoleMode } from '../domain/provisioning/decide';
import { asApp, ask, chargeIdentities, failure, type Requester, readJson } from './call';
import { readOwnAccountId, readPeople } from './people';

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
/** The largest number of ids that users-bulk takes. */
const PEOPLE_PER_CALL = 250;

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
  const principals = mode === 'PRE_ROLES' ? await readPermissions(as, spaceId, MAX_ACCESS_PAGES) : await readAssignments(as, spaceId);
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
  const unknown = userIds.filter((id) => id !== own);
  const apps = unknown.length === 0 ? [] : (await readPeople(unknown)).filter((user) => user.accountType === 'app');
  const appIds = new Set([own, ...apps.map((user) => user.accountId)]);
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

/** The role that lets people read but not edit: recognized by what it grants, because names differ by language. */
async function readViewerRole(as: Requester): Promise<string | null> {
  const operation = 'space roles';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/space-roles?role-type=SYSTEM&limit=100`));
  const { results } = await readJson(operation, response, Roles);
  chargeIdentities(results.length);
  const readers = results.filter(({ spacePermissions }) => spacePermissions.includes('read/space') && isForReading(spacePermissions));
  return readers.sort((a, b) => a.spacePermissions.length - b.spacePermissions.length)[0]?.id ?? null;
}

/**
 * Takes every role in the space from everyone but the owner and the app; with `licensed`, everyone with a
 * license may then read. Only on sites with roles.
 * @returns false when this site has no role for reading
 */
export async function assignReaders(as: Requester, spaceId: string, ownerId: string, readers: 'nobody' | 'licensed'): Promise<boolean> {
  const operation = 'assign roles';
  const others = await withoutOwnerAndApps((await readAssignments(as, spaceId)) ?? [], ownerId);
  const roleId = readers === 'licensed' ? await readViewerRole(as) : null;
  if (readers === 'licensed' && roleId === null) return false;
  const licensed = { principal: { principalType: 'ACCESS_CLASS', principalId: LICENSED } };
  const changes = [
    ...others
      .filter(({ type, id }) => !(readers === 'licensed' && type === 'access_class' && id === LICENSED))
      .map(({ type, id }) => ({ principal: { principalType: type.toUpperCase(), principalId: id } })),
    ...(roleId === null ? [] : [{ ...licensed, roleId }]),
  ];
  if (changes.length === 0) return true;
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/role-assignments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(changes),
    }),
  );
  if (!response.ok) throw await failure(operation, response);
  return true;
}

/** Who can do what in a space: roles, role assignments, and classic permissions. */
import { z } from 'zod';
import { automaticRole, callerId, maySee, operationsIn } from '../access';
import {
  baseLinks,
  type Call,
  idsParam,
  NotModelled,
  type Operation,
  oneOf,
  pageV2,
  parseBody,
  Refusal,
  type Reply,
  requireKnown,
  V1,
  V2,
} from '../operation';
import { APP_USERS, type ConfluenceState, EVERYONE_GRANT, type Grant, isAppUser, ROLES, type Space } from '../state';
import { requireSpaceAdmin, visibleSpace } from './visible';

const ROLE_TYPES = ['SYSTEM', 'CUSTOM'];

/** Sites without roles answer 404. This is inferred, not documented. */
export function requireRoles(call: Call): void {
  if (call.site.settings.roleMode === 'PRE_ROLES') throw new Refusal(404, 'Not found');
}

/** Everyone with access to the space: explicit grants, and app users with their automatic role. */
function holders(state: ConfluenceState, space: Space): Grant[] {
  const role = automaticRole(state, space);
  const apps = APP_USERS.filter((user) => role && !space.grants.some((g) => g.principalId === user.accountId)).map(
    (user): Grant => ({ principalType: 'USER', principalId: user.accountId, roleId: role?.id ?? null, operations: role?.operations ?? [] }),
  );
  return [...space.grants, ...apps];
}

function listRoleAssignments(call: Call): Reply {
  requireRoles(call);
  const space = visibleSpace(call);
  const { query } = call;
  const roleType = oneOf(query, 'role-type', ROLE_TYPES);
  oneOf(query, 'principal-type', PRINCIPAL_TYPES);
  if (query.has('principal-id') !== query.has('principal-type'))
    throw new Refusal(400, "'principal-id' and 'principal-type' belong together");
  const page = pageV2(call, holders(call.site.state, space), {
    accept: (g) =>
      g.roleId !== null &&
      roleType !== 'CUSTOM' &&
      (!query.has('role-id') || g.roleId === query.get('role-id')) &&
      (!query.has('principal-id') || g.principalId === query.get('principal-id')) &&
      (!query.has('principal-type') || g.principalType === query.get('principal-type')),
  });
  return {
    status: 200,
    body: { results: page.items.map(assignmentJson), _links: page.links },
    headers: page.headers,
    returned: { identities: page.items.length },
  };
}

const assignmentJson = (g: Grant): Record<string, unknown> => ({
  principal: { principalType: g.principalType, principalId: g.principalId },
  roleId: g.roleId,
});

/** The documented access classes, except `jsm-project-admins`, which requires Jira Service Management. */
const ACCESS_CLASSES = ['anonymous-users', 'authenticated-users', 'all-licensed-users', 'all-product-admins'];

/** @throws Refusal 400 for a principal that does not exist */
function requirePrincipal(state: ConfluenceState, principal: z.infer<typeof Assignment>['principal']): void {
  const { principalType, principalId } = principal;
  if (principalType === 'ACCESS_CLASS') requireKnown('principalId', principalId, ACCESS_CLASSES, ['jsm-project-admins']);
  else if (principalType === 'USER' ? !state.account(principalId) : !state.groups.has(principalId)) {
    throw new Refusal(400, `Unknown principal ${principalType} ${principalId}`);
  }
}

const PRINCIPAL_TYPES = ['USER', 'GROUP', 'ACCESS_CLASS'] as const;
const Assignment = z.strictObject({
  principal: z.strictObject({ principalType: z.enum(PRINCIPAL_TYPES), principalId: z.string() }),
  roleId: z.string().optional(),
});

/** All or nothing. People can grant only what they hold, except product admins. */
function setRoleAssignments(call: Call): Reply {
  requireRoles(call);
  const { site, caller } = call;
  const space = visibleSpace(call);
  requireSpaceAdmin(call, space);
  const changes = parseBody(z.array(Assignment).min(1), call.body);
  const mine = operationsIn(site.state, caller, space);
  const isProductAdmin = caller.kind === 'person' && site.state.isAdmin(caller.person);
  const grants = [...space.grants];
  for (const change of changes) {
    requirePrincipal(site.state, change.principal);
    const role = change.roleId === undefined ? undefined : ROLES.find((r) => r.id === change.roleId);
    if (change.roleId !== undefined && !role) throw new Refusal(400, `Unknown role ${change.roleId}`);
    if (role && !isProductAdmin && !role.operations.every((o) => mine.has(o))) throw new Refusal(400, 'Cannot grant more than you hold');
    const { principalType, principalId } = change.principal;
    const isApp = principalType === 'USER' && isAppUser(principalId);
    if (role && isApp && site.settings.appRoleGrant === 'refused') throw new Refusal(400, 'Users of apps cannot be assigned a space role');
    const index = grants.findIndex((g) => g.principalType === principalType && g.principalId === principalId);
    if (index >= 0) grants.splice(index, 1);
    if (role) grants.push({ principalType, principalId, roleId: role.id, operations: role.operations });
    // An empty grant overrides the automatic role.
    else if (isApp) grants.push({ principalType, principalId, roleId: null, operations: [] });
  }
  if (!grants.some((g) => g.operations.includes('administer/space'))) throw new Refusal(400, 'At least one admin must remain');
  space.grants = grants;
  site.state.record(callerId(caller), 'space-roles-changed', space.key);
  site.tell.space('permissions_updated', space, caller);
  return {
    status: 200,
    body: {
      results: holders(site.state, space)
        .filter((g) => g.roleId !== null)
        .map(assignmentJson),
      _links: baseLinks(call),
    },
  };
}

const roleJson = (role: (typeof ROLES)[number]): Record<string, unknown> => ({
  id: role.id,
  type: 'SYSTEM',
  name: role.name,
  description: role.description,
  spacePermissions: role.operations,
});

function listRoles(call: Call): Reply {
  requireRoles(call);
  const spaceId = idsParam(call.query, 'space-id', 1)?.[0];
  const space = spaceId === undefined ? undefined : call.site.state.spacesById.get(spaceId);
  if (spaceId !== undefined && !(space && maySee(call.site.state, call.caller, space))) throw new Refusal(404, 'Space not found');
  // Every space offers the same roles, and none of them is custom.
  const roleType = oneOf(call.query, 'role-type', ROLE_TYPES);
  const page = pageV2(call, ROLES, { accept: () => roleType !== 'CUSTOM' });
  return {
    status: 200,
    body: { results: page.items.map(roleJson), _links: page.links },
    headers: page.headers,
    returned: { identities: page.items.length },
  };
}

function getRole(call: Call): Reply {
  requireRoles(call);
  const role = ROLES.find((r) => r.id === call.params.id);
  if (!role) throw new Refusal(404, 'Role not found');
  return { status: 200, body: { ...roleJson(role), _links: baseLinks(call) }, returned: { identities: 1 } };
}

const PAGE_LIKE = ['page', 'whiteboard', 'database', 'folder', 'embed'];
const each = (keys: string[], targets: string[]): string[] => targets.flatMap((target) => keys.map((key) => `${key}/${target}`));

/**
 * The rows that a real site has for one operation of this site. A space with two principals had 480 rows
 * on a third party's live site. Which rows those were is unknown, so this list is an assumption. Operations that
 * only read stay one row each, because that is how an app tells readers from editors.
 */
const ROWS_OF: Record<string, string[]> = {
  'create/page': each(['create', 'copy'], PAGE_LIKE),
  'update/page': each(['read', 'update', 'move', 'restore', 'restrict_content', 'export'], PAGE_LIKE),
  'delete/page': each(['delete', 'purge_version'], PAGE_LIKE),
  'create/blogpost': each(['create', 'read', 'update', 'copy', 'move', 'restore', 'restrict_content', 'export'], ['blogpost']),
  'create/attachment': [
    ...each(['create', 'read', 'update', 'copy', 'move', 'restore', 'export'], ['attachment']),
    ...each(['read', 'update', 'restore'], ['comment']),
  ],
  'administer/space': ['administer/space', 'manage_users/space', 'restrict_content/space'],
};

/** The site's default permissions also name the licensed groups and the product admins, with the same rights as everyone. */
function namedByDefault(state: ConfluenceState, space: Space): Grant[] {
  if (!space.grants.includes(EVERYONE_GRANT)) return [];
  const licensing = [...state.groups.values()].filter((group) => group.access !== 'none');
  return [
    ...licensing.map((group): Grant => ({ ...EVERYONE_GRANT, principalType: 'GROUP', principalId: group.id })),
    { ...EVERYONE_GRANT, principalId: 'all-product-admins' },
  ];
}

/** One row per principal and operation. The extra rows grant nothing that their principals do not already hold. */
function listPermissions(call: Call): Reply {
  const space = visibleSpace(call);
  const { state } = call.site;
  const types = { USER: 'user', GROUP: 'group', ACCESS_CLASS: 'access-class' } as const;
  const rows = [...holders(state, space), ...namedByDefault(state, space)].flatMap((grant) =>
    grant.operations
      .flatMap((pair) => ROWS_OF[pair] ?? [pair])
      .map((pair) => {
        const [key, targetType] = pair.split('/');
        return { principal: { type: types[grant.principalType], id: grant.principalId }, operation: { key, targetType } };
      }),
  );
  const page = pageV2(
    call,
    rows.map((row, i) => ({ id: String(space.id * 1000 + i), ...row })),
    {},
  );
  return {
    status: 200,
    body: { results: page.items, _links: page.links },
    headers: page.headers,
    returned: { identities: page.items.length },
  };
}

/** Closed to apps by the platform. What it does for API tokens is not modeled. */
const closed = (): Reply => {
  throw new NotModelled('writing space permissions');
};

export const roleOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V2}/spaces/:id/role-assignments`,
    query: ['role-id', 'role-type', 'principal-id', 'principal-type', 'cursor', 'limit'],
    scopes: [['read:space.permission:confluence']],
    handle: listRoleAssignments,
  },
  {
    method: 'POST',
    path: `${V2}/spaces/:id/role-assignments`,
    scopes: [['write:space.permission:confluence']],
    handle: setRoleAssignments,
  },
  {
    method: 'GET',
    path: `${V2}/space-roles`,
    query: ['space-id', 'role-type', 'cursor', 'limit'],
    scopes: [['read:space.permission:confluence']],
    handle: listRoles,
  },
  { method: 'GET', path: `${V2}/space-roles/:id`, scopes: [['read:space.permission:confluence']], handle: getRole },
  {
    method: 'GET',
    path: `${V2}/space-role-mode`,
    scopes: [['read:configuration:confluence']],
    handle: (call) => ({ status: 200, body: { mode: call.site.settings.roleMode } }),
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:id/permissions`,
    query: ['cursor', 'limit'],
    scopes: [['read:space:confluence']],
    handle: listPermissions,
  },
  { method: 'POST', path: `${V1}/space/:spaceKey/permission`, scopes: [], closedToApps: true, handle: closed },
  { method: 'DELETE', path: `${V1}/space/:spaceKey/permission/:id`, scopes: [], closedToApps: true, handle: closed },
];

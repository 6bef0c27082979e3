/** Who may do what in a space: roles and their assignments, and classic permissions. */
import { z } from 'zod';
import { callerId, operationsIn } from '../access';
import { baseLinks, type Call, NotModelled, type Operation, pageV2, parseBody, Refusal, type Reply, V1, V2 } from '../operation';
import { type Grant, ROLES } from '../state';
import { requireSpaceAdmin, visibleSpace } from './visible';

/** Sites without the new roles answer role calls with 404 (facts, inferred). */
export function requireRoles(call: Call): void {
  if (call.site.settings.roleMode === 'PRE_ROLES') throw new Refusal(404, 'Not found');
}

function listRoleAssignments(call: Call): Reply {
  requireRoles(call);
  const space = visibleSpace(call);
  const { query } = call;
  const page = pageV2(call, space.grants, {
    accept: (g) =>
      g.roleId !== null &&
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

const Assignment = z.object({
  principal: z.object({ principalType: z.enum(['USER', 'GROUP', 'ACCESS_CLASS']), principalId: z.string() }),
  roleId: z.string().optional(),
});

/** R2: all or nothing; a person grants only what they hold, product admins excepted. */
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
    const role = change.roleId === undefined ? undefined : ROLES.find((r) => r.id === change.roleId);
    if (change.roleId !== undefined && !role) throw new Refusal(400, `Unknown role ${change.roleId}`);
    if (role && !isProductAdmin && !role.operations.every((o) => mine.has(o))) throw new Refusal(400, 'Cannot grant more than you hold');
    const index = grants.findIndex(
      (g) => g.principalType === change.principal.principalType && g.principalId === change.principal.principalId,
    );
    if (index >= 0) grants.splice(index, 1);
    if (role) grants.push({ ...change.principal, roleId: role.id, operations: role.operations });
  }
  if (!grants.some((g) => g.operations.includes('administer/space'))) throw new Refusal(400, 'At least one admin must remain');
  space.grants = grants;
  site.state.record(callerId(caller), 'space-roles-changed', space.key);
  site.tell.space('permissions_updated', space, caller);
  return { status: 200, body: { results: grants.filter((g) => g.roleId !== null).map(assignmentJson), _links: baseLinks(call) } };
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
  const page = pageV2(call, ROLES, { accept: () => call.query.get('role-type') !== 'CUSTOM' });
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

function listPermissions(call: Call): Reply {
  const space = visibleSpace(call);
  const types = { USER: 'user', GROUP: 'group', ACCESS_CLASS: 'access-class' } as const;
  const rows = space.grants.flatMap((g) =>
    g.operations.map((pair) => {
      const [key, targetType] = pair.split('/');
      return { id: '', principal: { type: types[g.principalType], id: g.principalId }, operation: { key, targetType } };
    }),
  );
  rows.forEach((row, i) => {
    row.id = String(space.id * 1000 + i);
  });
  const page = pageV2(call, rows, {});
  return {
    status: 200,
    body: { results: page.items, _links: page.links },
    headers: page.headers,
    returned: { identities: page.items.length },
  };
}

/** Closed to apps by the platform; what it does for people's tokens is not modelled. */
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

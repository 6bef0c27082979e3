/** Groups and their members. */
import { listedGroups, listedMembers } from '../lag';
import { type Call, flag, linksOf, type Operation, oneOf, pageV1, Refusal, type Reply, requireUse, V1 } from '../operation';
import type { Group } from '../state';
import { personOfQuery } from './users';

function groupJson(call: Call, group: Group): Record<string, unknown> {
  return {
    type: 'group',
    name: group.name,
    id: group.id,
    usageType: 'USERBASE_GROUP',
    managedBy: 'ADMINS',
    _links: linksOf(call, `/rest/api/group/by-id?id=${group.id}`),
  };
}

function groupsReply(call: Call, groups: Group[]): Reply {
  const page = pageV1(call, groups, { default: 200, max: 200 });
  return {
    status: 200,
    body: { results: page.results.map((g) => groupJson(call, g)), ...page.envelope },
    returned: { identities: page.results.length },
  };
}

function listGroups(call: Call): Reply {
  requireUse(call);
  const access = oneOf(call.query, 'accessType', ['user', 'admin'], ['site-admin']);
  const groups = [...call.site.state.groups.values()];
  return groupsReply(
    call,
    groups.filter((g) => access === null || (access === 'user' ? g.access !== 'none' : g.access === 'admin')),
  );
}

/** Matching is not documented: a case-insensitive substring is assumed. */
function searchGroups(call: Call): Reply {
  requireUse(call);
  const query = call.query.get('query');
  if (query === null) throw new Refusal(400, "'query' is required");
  return groupsReply(
    call,
    [...call.site.state.groups.values()].filter((g) => g.name.toLowerCase().includes(query.toLowerCase())),
  );
}

function memberOf(call: Call): Reply {
  requireUse(call);
  const person = personOfQuery(call);
  return groupsReply(
    call,
    [...listedGroups(call.site.state, person)].flatMap((id) => call.site.state.groups.get(id) ?? []),
  );
}

function groupMembers(call: Call): Reply {
  requireUse(call);
  const { state } = call.site;
  // An unknown group is empty, not an error (seen live).
  const members = listedMembers(state, call.params.groupId ?? '');
  const page = pageV1(call, members, { default: 200, max: 200, whenOver: 'refuse' });
  const people = page.results.flatMap((id) => state.people.get(id) ?? []);
  return {
    status: 200,
    body: {
      results: people.map((person) => ({
        type: 'known',
        accountId: person.accountId,
        accountType: person.accountType,
        publicName: person.publicName,
        displayName: person.displayName,
        isGuest: person.isGuest,
      })),
      ...page.envelope,
      ...(flag(call.query, 'shouldReturnTotalSize') ? { totalSize: members.length } : {}),
    },
    returned: { identities: people.length },
  };
}

export const groupOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V1}/user/memberof`,
    query: ['accountId', 'start', 'limit'],
    scopes: [['read:confluence-user'], ['read:user:confluence', 'read:group:confluence']],
    handle: memberOf,
  },
  {
    method: 'GET',
    path: `${V1}/group`,
    query: ['start', 'limit', 'accessType'],
    scopes: [['read:confluence-groups'], ['read:group:confluence']],
    handle: listGroups,
  },
  {
    method: 'GET',
    path: `${V1}/group/picker`,
    query: ['query', 'start', 'limit'],
    scopes: [['read:confluence-groups'], ['read:group:confluence']],
    handle: searchGroups,
  },
  {
    method: 'GET',
    path: `${V1}/group/by-id`,
    query: ['id'],
    scopes: [['read:confluence-groups'], ['read:group:confluence']],
    handle: (call) => {
      const group = call.site.state.groups.get(call.query.get('id') ?? '');
      if (!group) throw new Refusal(404, 'No such group');
      return { status: 200, body: groupJson(call, group), returned: { identities: 1 } };
    },
  },
  {
    method: 'GET',
    path: `${V1}/group/:groupId/membersByGroupId`,
    query: ['start', 'limit', 'shouldReturnTotalSize'],
    scopes: [['read:confluence-groups'], ['read:group:confluence', 'read:user:confluence']],
    handle: groupMembers,
  },
];

/** Search by CQL: content, and people. */

import { type Hit, searchContent } from '../cql';
import { type Call, intParam, iso, linksOf, type Operation, pageSearch, Refusal, type Reply, requireUse, V1 } from '../operation';
import type { Person } from '../state';

function hitJson(hit: Hit): Record<string, unknown> {
  const { item, space, version } = hit;
  const webui = space.homepageId === item.id ? `/spaces/${space.key}/overview` : `/spaces/${space.key}/pages/${item.id}`;
  return {
    content: {
      id: String(item.id),
      type: item.type,
      status: item.status,
      title: item.title,
      _expandable: { version: '', space: `/rest/api/space/${space.key}`, history: `/rest/api/content/${item.id}/history` },
      _links: { webui },
    },
    title: item.title,
    excerpt: '',
    url: webui,
    resultGlobalContainer: { title: space.name, displayUrl: `/spaces/${space.key}` },
    breadcrumbs: [],
    entityType: 'content',
    iconCssClass: `aui-icon content-type-${item.type}`,
    lastModified: iso(version.at),
    friendlyLastModified: iso(version.at).slice(0, 10),
    score: 0,
  };
}

/** V5: the local site caps a page at 250, with expand at 200, with bodies at 50. */
function searchLimit(call: Call): number {
  const expand = call.query.get('expand') ?? '';
  const cap = expand.includes('body.') ? 50 : expand === '' ? 250 : 200;
  return Math.max(1, intParam(call.query, 'limit', 25, cap, 'cap'));
}

function search(call: Call): Reply {
  requireUse(call);
  if (call.caller.kind === 'person' && call.caller.person.isGuest) throw new Refusal(403, 'not permitted to use Confluence');
  const cql = call.query.get('cql') ?? '';
  const limit = searchLimit(call);
  const hits = searchContent({ state: call.site.state, caller: call.caller }, cql, {
    includeArchived: call.query.get('includeArchivedSpaces') === 'true',
    excludeCurrent: call.query.get('excludeCurrentSpaces') === 'true',
  });
  const page = pageSearch(call, hits, limit);
  return {
    status: 200,
    body: searchEnvelope(
      call,
      page,
      limit,
      hits.length,
      cql,
      page.results.map((hit) => hitJson(hit)),
    ),
    returned: { objects: page.results.length },
  };
}

function searchEnvelope(
  call: Call,
  page: { start: number; next: string | undefined },
  limit: number,
  totalSize: number,
  cqlQuery: string,
  results: unknown[],
): Record<string, unknown> {
  return {
    results,
    start: page.start,
    limit,
    size: results.length,
    totalSize,
    cqlQuery,
    searchDuration: 1,
    _links: { ...linksOf(call), ...(page.next ? { next: page.next } : {}) },
  };
}

/** Q2 reaches at most 10,000 people. */
const MAX_USER_HITS = 10_000;

function searchUsers(call: Call): Reply {
  requireUse(call);
  const cql = call.query.get('cql') ?? '';
  const byName = /^user\.fullname\s*~\s*"?([^"]+)"?$/.exec(cql);
  const byId = /^user(?:\.accountid)?\s*=\s*"?([\w:-]+)"?$/.exec(cql);
  if (cql.replace(/\s/g, '') !== 'type=user' && !byId && (!byName || /\s(and|or|not)\s/i.test(cql)))
    throw new Refusal(400, `Could not parse cql : ${cql}`);
  const wanted = byName?.[1]?.toLowerCase();
  const filter = call.query.get('sitePermissionTypeFilter') ?? 'none';
  const { state } = call.site;
  const hits: Person[] = [];
  for (const person of state.people.values()) {
    if (hits.length === MAX_USER_HITS) break;
    const kind = person.isGuest ? 'externalCollaborator' : 'none';
    if (person.accountStatus !== 'active' || person.accountType !== 'atlassian') continue;
    if (filter !== 'all' && filter !== kind) continue;
    if (kind === 'none' && !state.isLicensed(person)) continue;
    if (byId && person.accountId !== byId[1]) continue;
    if (wanted === undefined || person.displayName.toLowerCase().includes(wanted)) hits.push(person);
  }
  const limit = intParam(call.query, 'limit', 25, 200, 'cap');
  const start = intParam(call.query, 'start', 0, MAX_USER_HITS);
  const page = pageSearch(call, hits.slice(start), limit);
  const results = page.results.map((person) => ({
    user: {
      type: 'known',
      accountId: person.accountId,
      accountType: person.accountType,
      publicName: person.publicName,
      displayName: person.displayName,
      isGuest: person.isGuest,
      _expandable: { operations: '', details: '', personalSpace: '' },
    },
    title: person.displayName,
    excerpt: '',
    url: `/people/${person.accountId}`,
    breadcrumbs: [],
    entityType: 'user',
    iconCssClass: '',
    lastModified: call.site.clock.iso(),
    score: 0,
  }));
  return { status: 200, body: searchEnvelope(call, page, limit, hits.length, cql, results), returned: { identities: results.length } };
}

export const searchOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V1}/search`,
    query: ['cql', 'limit', 'cursor', 'includeArchivedSpaces', 'excludeCurrentSpaces', 'excerpt'],
    scopes: [['search:confluence'], ['read:content-details:confluence']],
    handle: search,
  },
  {
    method: 'GET',
    path: `${V1}/search/user`,
    query: ['cql', 'limit', 'start', 'cursor', 'sitePermissionTypeFilter'],
    scopes: [['read:content-details:confluence']],
    handle: searchUsers,
  },
];

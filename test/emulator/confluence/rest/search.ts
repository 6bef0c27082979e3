/** Search by CQL, for content and for people. */

import { type Hit, searchContent } from '../cql';
import {
  type Call,
  flag,
  intParam,
  iso,
  linksOf,
  NotModelled,
  type Operation,
  oneOf,
  pageSearch,
  pageV1,
  Refusal,
  type Reply,
  requireUse,
  V1,
} from '../operation';
import type { Person } from '../state';
import { excerptOf } from '../storage-format';

function hitJson(hit: Hit, withExcerpt: boolean): Record<string, unknown> {
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
    excerpt: withExcerpt ? excerptOf(item.body) : '',
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

/** V5: the maximum page size of a search without `expand` is not documented. */
const MAX_HITS_PER_PAGE = 250;

function cqlOf(call: Call): string {
  const cql = call.query.get('cql');
  if (cql === null) throw new Refusal(400, "'cql' is required");
  return cql;
}

function search(call: Call): Reply {
  requireUse(call);
  if (call.caller.kind === 'person' && call.caller.person.isGuest) throw new Refusal(403, 'not permitted to use Confluence');
  const cql = cqlOf(call);
  const limit = Math.max(1, intParam(call.query, 'limit', 25, MAX_HITS_PER_PAGE, 'cap'));
  const excerpt = oneOf(call.query, 'excerpt', ['none', 'highlight', 'indexed'], ['highlight_unescaped', 'indexed_unescaped']);
  const hits = searchContent({ state: call.site.state, caller: call.caller }, cql, {
    includeArchived: flag(call.query, 'includeArchivedSpaces'),
    excludeCurrent: flag(call.query, 'excludeCurrentSpaces'),
  });
  const page = pageSearch(call, hits, limit);
  return {
    status: 200,
    body: {
      results: page.results.map((hit) => hitJson(hit, excerpt !== 'none')),
      start: page.start,
      limit,
      size: page.results.length,
      totalSize: hits.length,
      cqlQuery: cql,
      searchDuration: 1,
      _links: { ...linksOf(call), ...(page.next ? { next: page.next } : {}) },
    },
    returned: { objects: page.results.length },
  };
}

/** OpenAPI: a user search returns at most 10,000 people. */
const MAX_USER_HITS = 10_000;

/** The condition of a user search. @throws Refusal 400, NotModelled */
function userCondition(cql: string): (person: Person) => boolean {
  if (/^\s*type\s*=\s*"?user"?\s*$/i.test(cql)) return () => true;
  const id = /^\s*user(?:\.accountid)?\s*=\s*"?([\w:-]+)"?\s*$/i.exec(cql)?.[1];
  if (id !== undefined) return (person) => person.accountId === id;
  if (/\s(and|or|not|in)[\s(]/i.test(cql)) throw new NotModelled('a search for people by more than one value');
  const name = /^\s*user\.fullname\s*~\s*"?([^"]+)"?\s*$/i.exec(cql)?.[1]?.toLowerCase();
  if (name === undefined) throw new Refusal(400, `Could not parse cql : ${cql}`);
  return (person) => person.displayName.toLowerCase().includes(name);
}

function searchUsers(call: Call): Reply {
  requireUse(call);
  const cql = cqlOf(call);
  const isWanted = userCondition(cql);
  const filter = oneOf(call.query, 'sitePermissionTypeFilter', ['none', 'externalCollaborator', 'all']) ?? 'none';
  const { state } = call.site;
  const hits: Person[] = [];
  for (const person of state.people.values()) {
    if (hits.length === MAX_USER_HITS) break;
    const kind = person.isGuest ? 'externalCollaborator' : 'none';
    if (person.accountStatus !== 'active' || person.accountType !== 'atlassian') continue;
    if (filter !== 'all' && filter !== kind) continue;
    if (kind === 'none' && !state.isLicensed(person)) continue;
    if (isWanted(person)) hits.push(person);
  }
  const page = pageV1(call, hits, { default: 25, max: 200 });
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
  const about = { totalSize: hits.length, cqlQuery: cql, searchDuration: 1 };
  return { status: 200, body: { results, ...page.envelope, ...about }, returned: { identities: results.length } };
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
    query: ['cql', 'limit', 'start', 'sitePermissionTypeFilter'],
    scopes: [['read:content-details:confluence']],
    handle: searchUsers,
  },
];

/** REST v1 (`/wiki/rest/api`), as the facts' tables C, Q, U, G, T, L, K, W, E, N give it. */
import { z } from 'zod';
import { applicationOperations, type Caller, callerId, canUseConfluence, mayCreateSpaces, mayDo, maySee } from './access';
import { createGlobalSpace, createPersonalSpace, setSpaceStatus } from './activity';
import { type Hit, searchContent } from './cql';
import { type Call, intParam, NotModelled, type Operation, pageSearch, pageV1, parseBody, Refusal, type Reply } from './operation';
import { FAILING_KEY_LENGTH } from './rest-v2';
import {
  APP_ACCOUNT_ID,
  type Grant,
  type Group,
  openGrants,
  type Person,
  type Property,
  personalSpaceKey,
  privateGrants,
  type Space,
} from './state';

const V1 = '/wiki/rest/api';
const iso = (at: number): string => new Date(at).toISOString();
const linksOf = (call: Call, self?: string): Record<string, string> => ({
  ...(self ? { self: `${call.site.baseUrl}/wiki${self}` } : {}),
  base: `${call.site.baseUrl}/wiki`,
  context: '/wiki',
});

const SPACE_READ_WRITE = ['read:space-details:confluence', 'write:space:confluence', 'write:space.permission:confluence'];

function requireUse(call: Call): void {
  if (!canUseConfluence(call.site.state, call.caller)) throw new Refusal(403, 'not permitted to use Confluence');
}

function spaceJson(call: Call, space: Space): Record<string, unknown> {
  const self = `/rest/api/space/${space.key}`;
  return {
    id: space.id,
    key: space.key,
    alias: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    _expandable: {
      settings: `${self}/settings`,
      metadata: '',
      operations: '',
      permissions: '',
      icon: '',
      description: '',
      theme: '',
      history: '',
      homepage: `/rest/api/content/${space.homepageId}`,
    },
    _links: { webui: `/spaces/${space.key}`, ...linksOf(call, self), collection: '/rest/api/space' },
  };
}

const Subjects = z.object({
  user: z.object({ results: z.array(z.object({ accountId: z.string() })) }).optional(),
  group: z.object({ results: z.array(z.object({ id: z.string() })) }).optional(),
});
const NewSpace = z.object({
  name: z.string().min(1).max(200),
  key: z.string().nullish(),
  alias: z.string().nullish(),
  description: z.object({ plain: z.object({ value: z.string() }) }).nullish(),
  permissions: z
    .array(
      z.object({
        subjects: Subjects.optional(),
        operation: z.object({ operation: z.string(), targetType: z.string() }),
        anonymousAccess: z.boolean(),
        unlicensedAccess: z.boolean(),
      }),
    )
    .nullish(),
});

/** The pairs that C1 takes. */
const CLASSIC_PAIRS = new Set([
  'read/space',
  'export/space',
  'administer/space',
  ...['page', 'blogpost', 'comment', 'attachment'].flatMap((type) => [`create/${type}`, `delete/${type}`]),
]);

/** The grants a C1 request spells out; without `permissions` the site's default. */
function grantsOf(input: z.infer<typeof NewSpace>, creator: string): readonly Grant[] {
  if (!input.permissions) return openGrants(creator);
  const byPrincipal = new Map<string, Grant & { operations: string[] }>();
  const add = (principalType: Grant['principalType'], principalId: string, operation: string): void => {
    const id = `${principalType} ${principalId}`;
    const grant = byPrincipal.get(id) ?? { principalType, principalId, roleId: null, operations: [] };
    grant.operations.push(operation);
    // Classic permissions have one word for adding and editing pages.
    if (operation === 'create/page') grant.operations.push('update/page');
    byPrincipal.set(id, grant);
  };
  for (const { subjects, operation } of input.permissions) {
    const pair = `${operation.operation}/${operation.targetType}`;
    if (!CLASSIC_PAIRS.has(pair)) throw new Refusal(400, `Unknown permission ${pair}`);
    for (const user of subjects?.user?.results ?? []) add('USER', user.accountId, pair);
    for (const group of subjects?.group?.results ?? []) add('GROUP', group.id, pair);
  }
  // The creator holds every permission, whatever the request says.
  const grants = [...byPrincipal.values()].filter((g) => !(g.principalType === 'USER' && g.principalId === creator));
  return [...privateGrants(creator), ...grants];
}

function createSpace(call: Call, isPrivate: boolean): Reply {
  const { site, caller } = call;
  const input = parseBody(NewSpace, call.body);
  const key = input.key ?? input.alias ?? '';
  if (caller.kind === 'person' && !mayCreateSpaces(site.state, caller.person)) {
    throw new Refusal(403, 'User does not have permission to create spaces');
  }
  if (!/^~?[A-Za-z0-9]+$/.test(key)) throw new Refusal(400, 'Space key must be alphanumeric');
  if (key.length > 255) throw new Refusal(400, 'Space key is too long');
  if (key.length >= FAILING_KEY_LENGTH) return { status: 500, body: { statusCode: 500, message: 'Internal server error' } };
  const creator = callerId(caller);
  if (input.permissions && site.settings.roleMode === 'ROLES') {
    throw new Refusal(400, 'InvalidRbacOperationException: this site is in roles-only mode');
  }
  const grants = isPrivate ? privateGrants(creator) : grantsOf(input, creator);
  if (key.startsWith('~')) {
    const personal = site.settings.asUserPersonalCreate;
    if (personal === 'graphql') throw new Refusal(400, 'Space key must be alphanumeric');
    if (personal === 'refused' || caller.kind !== 'person' || key !== personalSpaceKey(caller.person.accountId)) {
      throw new Refusal(403, 'Not permitted to create this personal space');
    }
    if (site.state.spacesByKey.has(key)) throw new Refusal(400, `A space already exists with key ${key}`);
    return { status: 200, body: spaceJson(call, createPersonalSpace(site, caller.person, caller, grants, input.name)) };
  }
  if (site.state.spacesByKey.has(key)) throw new Refusal(400, `A space already exists with key ${key}`);
  const description = input.description?.plain.value ?? '';
  const space = createGlobalSpace(site, caller, { key, name: input.name, description, grants });
  return { status: 200, body: spaceJson(call, space) };
}

/** The space, if the caller administers it. @throws Refusal 404, also for "not permitted" */
function administeredSpace(call: Call): Space {
  const space = call.site.state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !mayDo(call.site.state, call.caller, space, 'administer/space')) {
    throw new Refusal(404, `No space with key : ${call.params.spaceKey}`);
  }
  return space;
}

const SpaceUpdate = z.object({
  name: z.string().min(1).max(200).nullish(),
  description: z.object({ plain: z.object({ value: z.string() }) }).nullish(),
  homepage: z.object({ id: z.string() }).nullish(),
  type: z.string().nullish(),
  status: z.enum(['current', 'archived']).nullish(),
});

function updateSpace(call: Call): Reply {
  const { site, caller } = call;
  const space = administeredSpace(call);
  const input = parseBody(SpaceUpdate, call.body);
  if (space.status === 'trashed') throw new Refusal(404, `No space with key : ${space.key}`);
  if (input.name) site.state.renameSpace(space, input.name);
  if (input.description) space.description = input.description.plain.value;
  if (input.homepage) {
    const page = site.state.content.get(Number(input.homepage.id));
    if (page?.spaceId !== space.id) throw new Refusal(404, 'Homepage not found in the space');
    space.homepageId = page.id;
  }
  if (input.status && input.status !== space.status) setSpaceStatus(site, space, input.status, caller);
  else site.tell.space('updated', space, caller);
  return { status: 200, body: spaceJson(call, space) };
}

/** How long the local site takes to delete a space. */
const DELETE_TASK_MS = 3_000;

function deleteSpace(call: Call): Reply {
  const { site, caller } = call;
  const space = administeredSpace(call);
  const task = { id: String(site.state.newId()), startedAt: site.clock.now(), finishedAt: null as number | null, successful: false };
  site.state.longTasks.set(task.id, task);
  site.clock.after(DELETE_TASK_MS, () => {
    if (site.state.spacesById.has(space.id)) {
      site.state.removeSpace(space);
      site.state.record(callerId(caller), 'space-deleted', space.key);
      site.tell.space('deleted', space, caller);
    }
    task.finishedAt = site.clock.now();
    task.successful = true;
  });
  return {
    status: 202,
    body: { ari: `ari:cloud:confluence::task/${task.id}`, id: task.id, links: { status: `/rest/api/longtask/${task.id}` } },
  };
}

function getLongTask(call: Call): Reply {
  requireUse(call);
  const task = call.site.state.longTasks.get(call.params.id ?? '');
  if (!task) throw new Refusal(404, 'No such task');
  const finished = task.finishedAt !== null;
  return {
    status: 200,
    body: {
      id: task.id,
      name: { key: 'space.delete.task', args: [] },
      elapsedTime: (task.finishedAt ?? call.site.clock.now()) - task.startedAt,
      percentageComplete: finished ? 100 : 0,
      successful: task.successful,
      finished,
      messages: finished ? [{ translation: 'Space deleted', args: [] }] : [],
      _links: linksOf(call),
    },
  };
}

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

/** The app's own user answers like a person's. */
function appUser(): Person {
  return {
    accountId: APP_ACCOUNT_ID,
    displayName: 'Homestead',
    publicName: 'Homestead',
    email: '',
    accountStatus: 'active',
    accountType: 'app',
    isGuest: false,
    groups: new Set(),
    locale: 'en_US',
    personalSpaceId: null,
  };
}

function userJson(call: Call, person: Person): Record<string, unknown> {
  const expand = (call.query.get('expand') ?? '').split(',');
  const { state } = call.site;
  const space = person.personalSpaceId === null ? undefined : state.spacesById.get(person.personalSpaceId);
  const showSpace = expand.includes('personalSpace') && space !== undefined && maySee(state, call.caller, space);
  return {
    type: 'known',
    accountId: person.accountId,
    accountType: person.accountType,
    email: '',
    publicName: person.publicName,
    displayName: person.displayName,
    timeZone: null,
    profilePicture: { path: `/wiki/aa-avatar/${person.accountId}`, width: 48, height: 48, isDefault: true },
    isGuest: person.isGuest,
    isExternalCollaborator: person.isGuest,
    accountStatus: person.accountStatus,
    locale: person.locale,
    ...(expand.includes('operations')
      ? { operations: applicationOperations(state, person).map((operation) => ({ operation, targetType: 'application' })) }
      : {}),
    ...(showSpace ? { personalSpace: spaceJson(call, space) } : {}),
    _expandable: {
      details: '',
      ...(expand.includes('operations') ? {} : { operations: '' }),
      ...(showSpace ? {} : { personalSpace: '' }),
    },
    _links: linksOf(call, `/rest/api/user?accountId=${encodeURIComponent(person.accountId)}`),
  };
}

function personById(call: Call, accountId: string): Person {
  const person = accountId === APP_ACCOUNT_ID ? appUser() : call.site.state.people.get(accountId);
  if (!person) throw new Refusal(404, `No user found with account id ${accountId}`);
  return person;
}

function getUser(call: Call): Reply {
  requireUse(call);
  return { status: 200, body: userJson(call, personById(call, call.query.get('accountId') ?? '')), returned: { identities: 1 } };
}

function getCurrentUser(call: Call): Reply {
  const { caller } = call;
  if (caller.kind === 'person') requireUse(call);
  const person = caller.kind === 'person' ? caller.person : appUser();
  return { status: 200, body: userJson(call, person), returned: { identities: 1 } };
}

/** U4 drops what is over 100 silently. */
const MAX_BULK_USERS = 100;

function getUsers(call: Call): Reply {
  requireUse(call);
  const results = call.query
    .getAll('accountId')
    .slice(0, MAX_BULK_USERS)
    .flatMap((id) => call.site.state.people.get(id) ?? [])
    .map((person) => userJson(call, person));
  return {
    status: 200,
    body: { results, start: 0, limit: MAX_BULK_USERS, size: results.length, _links: linksOf(call) },
    returned: { identities: results.length },
  };
}

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
  const access = call.query.get('accessType');
  const groups = [...call.site.state.groups.values()];
  return groupsReply(
    call,
    groups.filter((g) => access === null || (access === 'user' ? g.access !== 'none' : g.access === 'admin')),
  );
}

/** How a real site matches is not said: part of the name, in any case. */
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
  const person = personById(call, call.query.get('accountId') ?? '');
  return groupsReply(
    call,
    [...person.groups].flatMap((id) => call.site.state.groups.get(id) ?? []),
  );
}

function groupMembers(call: Call): Reply {
  requireUse(call);
  const { state } = call.site;
  // An unknown group is empty, not an error (seen live).
  const members = state.activeMembers(call.params.groupId ?? '');
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
      ...(call.query.get('shouldReturnTotalSize') === 'true' ? { totalSize: members.length } : {}),
    },
    returned: { identities: people.length },
  };
}

function templateJson(call: Call, id: string): Record<string, unknown> {
  const template = call.site.state.templates.get(id);
  if (!template) throw new Refusal(403, 'Template not found or not permitted');
  const withBody = (call.query.get('expand') ?? '').includes('body') || call.params.contentTemplateId !== undefined;
  return {
    templateId: template.id,
    name: template.name,
    description: template.description,
    labels: [],
    templateType: 'page',
    editorVersion: 'v2',
    ...(withBody
      ? {
          body: {
            storage: {
              value: template.body,
              representation: 'storage',
              embeddedContent: [],
              _expandable: { content: `/rest/api/content/${template.id}` },
            },
          },
        }
      : {}),
    _links: linksOf(call, `/rest/api/template/${template.id}`),
  };
}

function maySeeTemplate(call: Call, spaceKey: string | null): boolean {
  if (spaceKey === null) return canUseConfluence(call.site.state, call.caller);
  const space = call.site.state.spacesByKey.get(spaceKey);
  return space !== undefined && maySee(call.site.state, call.caller, space);
}

function listTemplates(call: Call): Reply {
  const spaceKey = call.query.get('spaceKey');
  if (!maySeeTemplate(call, spaceKey)) throw new Refusal(403, 'Not permitted to view templates');
  const templates = [...call.site.state.templates.values()].filter((t) => t.spaceKey === spaceKey);
  const page = pageV1(call, templates, { default: 25, max: 200 });
  return {
    status: 200,
    body: { results: page.results.map((t) => templateJson(call, t.id)), ...page.envelope },
    returned: { objects: page.results.length },
  };
}

function getTemplate(call: Call): Reply {
  const id = call.params.contentTemplateId ?? '';
  if (!maySeeTemplate(call, call.site.state.templates.get(id)?.spaceKey ?? null))
    throw new Refusal(403, 'Template not found or not permitted');
  return { status: 200, body: templateJson(call, id), returned: { objects: 1 } };
}

function labelsReply(call: Call, space: Space): Reply {
  const prefix = call.query.get('prefix');
  if (prefix !== null && prefix !== 'team') throw new NotModelled(`labels with prefix ${prefix}`);
  const labels = space.labels.map((name, i) => ({ prefix: 'team', name, id: String(i + 1), label: name }));
  const page = pageV1(call, labels, { default: 200, max: 200 });
  return { status: 200, body: { results: page.results, ...page.envelope }, returned: { objects: page.results.length } };
}

function visibleSpace(call: Call): Space {
  const space = call.site.state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !maySee(call.site.state, call.caller, space)) throw new Refusal(404, 'Space not found');
  return space;
}

function addLabels(call: Call): Reply {
  const space = visibleSpace(call);
  if (!mayDo(call.site.state, call.caller, space, 'update/page')) throw new Refusal(403, 'Not permitted to edit the space');
  for (const { name } of parseBody(z.array(z.object({ prefix: z.string(), name: z.string().min(1) })).min(1), call.body)) {
    if (!space.labels.includes(name)) space.labels.push(name);
  }
  return labelsReply(call, space);
}

function removeLabel(call: Call): Reply {
  const space = visibleSpace(call);
  const name = call.query.get('name');
  if (!name) throw new Refusal(400, "'name' is required");
  // Without a prefix it is about labels on content.
  if (call.query.get('prefix') !== 'team') throw new NotModelled('labels with another prefix than team');
  if (!mayDo(call.site.state, call.caller, space, 'administer/space')) throw new Refusal(404, 'Not permitted to administer the space');
  space.labels = space.labels.filter((label) => label !== name);
  return { status: 204 };
}

/** V15: limits are not published; 127 characters and 32 KB are assumed. */
const MAX_USER_PROPERTY_KEY = 127;
const MAX_USER_PROPERTY_BYTES = 32 * 1024;
const USER_PROPERTY_KEY = /^[-_a-zA-Z0-9]+$/;

function userPropertyStore(call: Call): Map<string, Property> {
  requireUse(call);
  const person = personById(call, call.params.userId ?? '');
  const { userProperties } = call.site.state;
  let store = userProperties.get(person.accountId);
  if (!store) {
    store = new Map();
    userProperties.set(person.accountId, store);
  }
  return store;
}

function userPropertyInput(call: Call): { key: string; value: Record<string, unknown> } {
  const key = call.params.key ?? '';
  if (!USER_PROPERTY_KEY.test(key) || key.length > MAX_USER_PROPERTY_KEY) throw new Refusal(400, 'Invalid property key');
  const { value } = parseBody(z.object({ value: z.record(z.string(), z.unknown()) }), call.body);
  if (Object.keys(value).length === 0) throw new Refusal(400, 'The value must not be empty');
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_USER_PROPERTY_BYTES) throw new Refusal(400, 'The value is too long');
  return { key, value };
}

function createUserProperty(call: Call): Reply {
  const store = userPropertyStore(call);
  const { key, value } = userPropertyInput(call);
  if (store.has(key)) throw new Refusal(409, 'A property with this key already exists');
  const at = call.site.clock.now();
  store.set(key, { id: call.site.state.newId(), key, value, createdAt: at, createdBy: callerId(call.caller), version: 1, versionAt: at });
  return { status: 201 };
}

function storedUserProperty(call: Call): { store: Map<string, Property>; property: Property } {
  const store = userPropertyStore(call);
  const property = store.get(call.params.key ?? '');
  if (!property) throw new Refusal(404, 'Property not found');
  return { store, property };
}

function updateUserProperty(call: Call): Reply {
  const { property } = storedUserProperty(call);
  property.value = userPropertyInput(call).value;
  property.version += 1;
  property.versionAt = call.site.clock.now();
  return { status: 204 };
}

function watchedSpace(call: Call, write: boolean): { space: Space; accountId: string } {
  const { state } = call.site;
  const accountId = call.query.get('accountId') ?? callerId(call.caller);
  const space = state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !maySee(state, call.caller, space)) throw new Refusal(write ? 403 : 404, 'Space not found');
  const isOther = accountId !== callerId(call.caller);
  if (isOther && !mayDo(state, call.caller, space, 'administer/space') && !isConfluenceAdmin(call.caller, call)) {
    throw new Refusal(403, 'Not permitted to manage watches of another user');
  }
  if (write && call.headers.get('x-atlassian-token') !== 'no-check') throw new Refusal(403, 'XSRF check failed');
  return { space, accountId };
}

const isConfluenceAdmin = (caller: Caller, call: Call): boolean => caller.kind === 'person' && call.site.state.isAdmin(caller.person);

function setWatch(call: Call, watching: boolean): Reply {
  const { space, accountId } = watchedSpace(call, true);
  const key = `${accountId} ${space.id}`;
  if (watching) call.site.state.watches.add(key);
  else call.site.state.watches.delete(key);
  return { status: 204 };
}

function emailBulk(call: Call): Reply {
  const results = call.query
    .getAll('accountId')
    .flatMap((id) => call.site.state.people.get(id) ?? [])
    .map((p) => ({ accountId: p.accountId, email: p.email, _links: {} }));
  return { status: 200, body: results, returned: { identities: results.length } };
}

/** Closed to apps by the platform; what it does for people's tokens is not modelled. */
const closed = (): Reply => {
  throw new NotModelled('writing space permissions');
};

const CONFLUENCE_USER = [['read:confluence-user'], ['read:content-details:confluence']];
const TEMPLATE = [['read:confluence-content.summary'], ['read:template:confluence', 'read:content-details:confluence']];
const SPACE_WRITE = [['write:confluence-space'], SPACE_READ_WRITE];
const WATCH_WRITE = [['write:confluence-content'], ['write:watcher:confluence']];
const USER_PROPERTY_READ = [['read:user.property:confluence']];
const USER_PROPERTY_WRITE = [['write:user.property:confluence']];

export const v1Operations: readonly Operation[] = [
  { method: 'POST', path: `${V1}/space`, scopes: SPACE_WRITE, handle: (call) => createSpace(call, false) },
  { method: 'POST', path: `${V1}/space/_private`, scopes: SPACE_WRITE, handle: (call) => createSpace(call, true) },
  { method: 'PUT', path: `${V1}/space/:spaceKey`, scopes: SPACE_WRITE, handle: updateSpace },
  {
    method: 'DELETE',
    path: `${V1}/space/:spaceKey`,
    scopes: [['write:confluence-space'], ['read:content.metadata:confluence', 'delete:space:confluence']],
    handle: deleteSpace,
  },
  { method: 'POST', path: `${V1}/space/:spaceKey/permission`, scopes: [], closedToApps: true, handle: closed },
  { method: 'DELETE', path: `${V1}/space/:spaceKey/permission/:id`, scopes: [], closedToApps: true, handle: closed },
  {
    method: 'GET',
    path: `${V1}/longtask/:id`,
    scopes: [['read:confluence-space.summary'], ['read:content.metadata:confluence']],
    handle: getLongTask,
  },
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
  { method: 'GET', path: `${V1}/user`, query: ['accountId', 'expand'], scopes: CONFLUENCE_USER, handle: getUser },
  { method: 'GET', path: `${V1}/user/current`, query: ['expand'], scopes: CONFLUENCE_USER, handle: getCurrentUser },
  { method: 'GET', path: `${V1}/user/bulk`, query: ['accountId', 'expand', 'limit'], scopes: CONFLUENCE_USER, handle: getUsers },
  {
    method: 'GET',
    path: `${V1}/user/memberof`,
    query: ['accountId', 'start', 'limit'],
    scopes: [['read:confluence-user'], ['read:user:confluence', 'read:group:confluence']],
    handle: memberOf,
  },
  {
    method: 'GET',
    path: `${V1}/user/email/bulk`,
    query: ['accountId'],
    scopes: [['read:email-address:confluence']],
    appOnly: true,
    handle: emailBulk,
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
  { method: 'GET', path: `${V1}/template/page`, query: ['spaceKey', 'start', 'limit', 'expand'], scopes: TEMPLATE, handle: listTemplates },
  {
    method: 'GET',
    path: `${V1}/template/blueprint`,
    query: ['spaceKey', 'start', 'limit'],
    scopes: TEMPLATE,
    handle: (call) => ({ status: 200, body: { results: [], start: 0, limit: 25, size: 0, _links: linksOf(call) } }),
  },
  { method: 'GET', path: `${V1}/template/:contentTemplateId`, scopes: TEMPLATE, handle: getTemplate },
  {
    method: 'GET',
    path: `${V1}/space/:spaceKey/label`,
    query: ['prefix', 'start', 'limit'],
    scopes: [['read:confluence-space.summary'], ['read:label:confluence']],
    handle: (call) => labelsReply(call, visibleSpace(call)),
  },
  {
    method: 'POST',
    path: `${V1}/space/:spaceKey/label`,
    scopes: [['write:confluence-space'], ['read:label:confluence', 'write:label:confluence']],
    handle: addLabels,
  },
  {
    method: 'DELETE',
    path: `${V1}/space/:spaceKey/label`,
    query: ['name', 'prefix'],
    scopes: [['write:confluence-space'], ['write:label:confluence']],
    handle: removeLabel,
  },
  {
    method: 'GET',
    path: `${V1}/user/:userId/property`,
    query: ['start', 'limit'],
    scopes: USER_PROPERTY_READ,
    handle: (call) => {
      const page = pageV1(call, [...userPropertyStore(call).keys()], { default: 5, max: 25 });
      return { status: 200, body: { results: page.results.map((key) => ({ key })), ...page.envelope } };
    },
  },
  {
    method: 'GET',
    path: `${V1}/user/:userId/property/:key`,
    scopes: USER_PROPERTY_READ,
    handle: (call) => {
      const { property } = storedUserProperty(call);
      const { key, value, id, versionAt, createdAt } = property;
      return {
        status: 200,
        body: { key, value, id: String(id), lastModifiedDate: iso(versionAt), createdDate: iso(createdAt), _links: {} },
      };
    },
  },
  { method: 'POST', path: `${V1}/user/:userId/property/:key`, scopes: USER_PROPERTY_WRITE, handle: createUserProperty },
  { method: 'PUT', path: `${V1}/user/:userId/property/:key`, scopes: USER_PROPERTY_WRITE, handle: updateUserProperty },
  {
    method: 'DELETE',
    path: `${V1}/user/:userId/property/:key`,
    scopes: USER_PROPERTY_WRITE,
    handle: (call) => {
      const { store, property } = storedUserProperty(call);
      store.delete(property.key);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: [['read:confluence-content.summary'], ['read:watcher:confluence']],
    handle: (call) => {
      const { space, accountId } = watchedSpace(call, false);
      return { status: 200, body: { watching: call.site.state.watches.has(`${accountId} ${space.id}`) } };
    },
  },
  {
    method: 'POST',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: WATCH_WRITE,
    handle: (call) => setWatch(call, true),
  },
  {
    method: 'DELETE',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: WATCH_WRITE,
    handle: (call) => setWatch(call, false),
  },
];

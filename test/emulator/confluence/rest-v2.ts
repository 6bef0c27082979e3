/** REST v2 (`/wiki/api/v2`), as the facts' tables S, P, D, R, U, A, X give it. */
import { z } from 'zod';
import { callerId, canUseConfluence, mayCreateSpaces, mayDo, maySee, maySeeContent, operationsIn } from './access';
import { createGlobalSpace } from './activity';
import {
  type Call,
  errorBody,
  idParam,
  intParam,
  listParam,
  NotModelled,
  type Operation,
  pageV2,
  parseBody,
  Refusal,
  type Reply,
} from './operation';
import { type Content, type Grant, latest, openGrants, type Person, type Property, privateGrants, ROLES, type Space } from './state';

const V2 = '/wiki/api/v2';
const iso = (at: number): string => new Date(at).toISOString();

/** 32 KB is documented for content properties; the same is assumed for space properties. */
const MAX_PROPERTY_BYTES = 32 * 1024;

export function spaceJson(space: Space) {
  return {
    id: String(space.id),
    key: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    authorId: space.authorId,
    spaceOwnerId: space.ownerId ?? space.authorId,
    currentActiveAlias: space.type === 'personal' ? null : space.key,
    createdAt: iso(space.createdAt),
    homepageId: space.homepageId === null ? null : String(space.homepageId),
    description: null,
    icon: null,
    _links: { webui: `/spaces/${space.key}` },
  };
}

export function contentJson(space: Space, item: Content, withBody: boolean): Record<string, unknown> {
  const version = latest(item);
  const isHome = space.homepageId === item.id;
  return {
    id: String(item.id),
    status: item.status,
    title: item.title,
    spaceId: String(item.spaceId),
    ...(item.type === 'page'
      ? {
          parentId: item.parentId === null ? null : String(item.parentId),
          parentType: item.parentId === null ? null : 'page',
          position: 0,
          ownerId: item.ownerId,
          lastOwnerId: null,
          subtype: null,
        }
      : {}),
    authorId: item.authorId,
    createdAt: iso(item.createdAt),
    version: { createdAt: iso(version.at), message: version.message, number: version.number, minorEdit: false, authorId: version.authorId },
    ...(withBody ? { body: { storage: { representation: 'storage', value: item.body } } } : { body: {} }),
    _links: {
      webui: isHome ? `/spaces/${space.key}/overview` : `/spaces/${space.key}/pages/${item.id}`,
      editui: `/pages/resumedraft.action?draftId=${item.id}`,
      tinyui: `/x/${item.id.toString(36)}`,
    },
  };
}

function propertyJson(property: Property): Record<string, unknown> {
  return {
    id: String(property.id),
    key: property.key,
    value: property.value,
    createdAt: iso(property.createdAt),
    createdBy: property.createdBy,
    authorId: property.createdBy,
    version: {
      createdAt: iso(property.versionAt),
      createdBy: property.createdBy,
      authorId: property.createdBy,
      message: '',
      number: property.version,
    },
  };
}

const baseLinks = (call: Call): Record<string, string> => ({ base: `${call.site.baseUrl}/wiki` });

/** The space, if the caller may see it. @throws Refusal 404 */
function visibleSpace(call: Call, name = 'id'): Space {
  const space = call.site.state.spacesById.get(idParam(call, name));
  if (!space || !maySee(call.site.state, call.caller, space)) throw new Refusal(404, 'Space not found');
  return space;
}

function visibleContent(call: Call, type: Content['type']): { item: Content; space: Space } {
  const item = call.site.state.content.get(idParam(call, 'id'));
  const space = item && call.site.state.spacesById.get(item.spaceId);
  if (!item || !space || item.type !== type || !maySeeContent(call.site.state, call.caller, item)) {
    throw new Refusal(404, `${type} not found`);
  }
  return { item, space };
}

function operationsJson(call: Call, space: Space): { operation: string; targetType: string }[] {
  return [...operationsIn(call.site.state, call.caller, space)].map((pair) => {
    const [operation = '', targetType = ''] = pair.split('/');
    return { operation, targetType };
  });
}

const SPACE_TYPES = ['global', 'collaboration', 'knowledge_base', 'personal', 'system', 'onboarding', 'xflow_sample_space'];
const SPACE_STATUSES = ['current', 'archived', 'trashed'];

/** One value of a closed list. @throws Refusal 400 */
function oneOf(query: URLSearchParams, name: string, values: readonly string[]): string | null {
  const value = query.get(name);
  if (value !== null && !values.includes(value)) throw new Refusal(400, `Invalid value '${value}' for '${name}'`);
  return value;
}

function listSpaces(call: Call): Reply {
  const { query, site } = call;
  const ids = listParam(query, 'ids', 250);
  const keys = listParam(query, 'keys', 250);
  const type = oneOf(query, 'type', SPACE_TYPES);
  const status = oneOf(query, 'status', SPACE_STATUSES);
  const labels = listParam(query, 'labels', 50);
  const sort = query.get('sort') ?? 'id';
  const field = sort.replace(/^-/, '');
  if (field !== 'id' && field !== 'key' && field !== 'name') throw new Refusal(400, `Invalid sort '${sort}'`);
  // What the omitted status means is not stated; the app always passes one.
  const wanted: readonly string[] = status === null ? ['current', 'archived'] : [status];
  let items: readonly Space[];
  if (ids) items = ids.flatMap((id) => site.state.spacesById.get(Number(id)) ?? []).sort((a, b) => a.id - b.id);
  else if (keys) items = keys.flatMap((key) => site.state.spacesByKey.get(key) ?? []).sort((a, b) => a.id - b.id);
  else if (field === 'id' && type !== null && status !== null) items = site.state.spacesOf(type, status);
  else items = site.state.spacesOrderedBy(field);
  if (sort.startsWith('-')) items = [...items].reverse();
  const page = pageV2(call, items, {
    ...(sort === 'id' ? { idOf: (space: Space) => space.id } : {}),
    accept: (space) =>
      wanted.includes(space.status) &&
      (type === null || type === space.type) &&
      (!labels || labels.some((label) => space.labels.includes(label))) &&
      maySee(site.state, call.caller, space),
  });
  return {
    status: 200,
    body: { results: page.items.map(spaceJson), _links: page.links },
    headers: page.headers,
    returned: { objects: page.items.length },
  };
}

function getSpace(call: Call): Reply {
  const space = visibleSpace(call);
  const json = spaceJson(space);
  const body: Record<string, unknown> = { ...json, _links: { ...json._links, ...baseLinks(call) } };
  const self = `${V2}/spaces/${space.id}`;
  if (call.query.get('include-operations') === 'true') {
    body.operations = {
      results: operationsJson(call, space),
      meta: { hasMore: false },
      _links: { self: `${self}/operations` },
    };
  }
  if (call.query.get('include-labels') === 'true') {
    body.labels = {
      results: space.labels.map((name, i) => ({ id: String(i + 1), name, prefix: 'team' })),
      meta: { hasMore: false },
      _links: { self: `${self}/labels` },
    };
  }
  for (const part of ['include-properties', 'include-permissions', 'include-role-assignments']) {
    if (call.query.get(part) === 'true') throw new NotModelled(`${part}`);
  }
  return { status: 200, body, returned: { objects: 1 } };
}

const NewSpace = z.strictObject({
  name: z.string().min(1).max(200),
  key: z.string().optional(),
  alias: z.string().optional(),
  createPrivateSpace: z.boolean().optional(),
  description: z.object({ value: z.string().optional() }).optional(),
});

/** S4: RBAC sites only; makes global spaces, also for a `~` key (V1). */
/** CONFCLOUD-84375: keys of 246 to 255 characters end in a 500. */
export const FAILING_KEY_LENGTH = 246;

function createSpace(call: Call): Reply {
  const { site, caller } = call;
  requireRoles(call);
  for (const field of ['roleAssignments', 'copySpaceAccessConfiguration', 'templateKey']) {
    if (field in ((call.body ?? {}) as object)) throw new NotModelled(field);
  }
  const input = parseBody(NewSpace, call.body);
  const key = input.key ?? input.alias ?? '';
  if (!/^[A-Za-z0-9]{1,255}$/.test(key)) throw new Refusal(400, 'Space key must be alphanumeric');
  if (key.length >= FAILING_KEY_LENGTH) return { status: 500, body: errorBody('v2', 500, '') };
  if (caller.kind === 'person' && !mayCreateSpaces(site.state, caller.person)) throw new Refusal(404, 'Not permitted to create spaces');
  if (site.state.spacesByKey.has(key)) throw new Refusal(400, 'A space with this key already exists');
  const creator = callerId(caller);
  const description = input.description?.value ?? '';
  const space = createGlobalSpace(site, caller, {
    key,
    name: input.name,
    description,
    grants: input.createPrivateSpace ? privateGrants(creator) : openGrants(creator),
  });
  return { status: 201, body: { ...spaceJson(space), _links: { webui: `/spaces/${space.key}`, ...baseLinks(call) } } };
}

const CONTENT_SORTS: Record<string, (a: Content, b: Content) => number> = {
  id: (a, b) => a.id - b.id,
  'created-date': (a, b) => a.createdAt - b.createdAt || a.id - b.id,
  'modified-date': (a, b) => latest(a).at - latest(b).at || a.id - b.id,
  title: (a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : a.id - b.id),
};

function listContent(call: Call, type: 'page' | 'blogpost', spaces: Space[] | null): Reply {
  const { query, site } = call;
  const sort = query.get('sort') ?? 'id';
  const compare = CONTENT_SORTS[sort.replace(/^-/, '')];
  if (!compare) throw new Refusal(400, `Invalid sort '${sort}'`);
  const statuses = new Set(listParam(query, 'status', 5) ?? (type === 'page' ? ['current', 'archived'] : ['current']));
  const ids = listParam(query, 'id', 250)?.map(Number);
  const title = query.get('title');
  const withBody = query.get('body-format') === 'storage';
  const rootOnly = query.get('depth') === 'root';
  const accept = (item: Content): boolean =>
    item.type === type &&
    statuses.has(item.status) &&
    (!ids || ids.includes(item.id)) &&
    (title === null || item.title === title) &&
    (!rootOnly || item.parentId === null) &&
    maySeeContent(site.state, call.caller, item);
  const order = sort.startsWith('-') ? (a: Content, b: Content) => compare(b, a) : compare;
  let items: readonly Content[];
  if (spaces) items = spaces.flatMap((space) => site.state.contentBySpace.get(space.id) ?? []).sort(order);
  else if (ids) items = ids.flatMap((id) => site.state.content.get(id) ?? []).sort(order);
  else items = site.state.contentOrderedBy(sort, order);
  const page = pageV2(call, items, { accept, ...(sort === 'id' ? { idOf: (item: Content) => item.id } : {}) });
  const results = page.items.map((item) => contentJson(site.state.spacesById.get(item.spaceId) as Space, item, withBody));
  return { status: 200, body: { results, _links: page.links }, headers: page.headers, returned: { objects: page.items.length } };
}

/** `space-id` of GET /pages: spaces the caller cannot see are just missing. */
function spacesOfQuery(call: Call): Space[] | null {
  const ids = listParam(call.query, 'space-id', 100);
  return (
    ids?.flatMap((id) => call.site.state.spacesById.get(Number(id)) ?? []).filter((space) => maySee(call.site.state, call.caller, space)) ??
    null
  );
}

const Body = z.object({
  representation: z.enum(['storage', 'atlas_doc_format', 'wiki']).optional(),
  value: z.string().optional(),
  storage: z.object({ value: z.string() }).optional(),
});

/** @throws Refusal 400 for a representation the local site cannot read. */
function storageOf(body: z.infer<typeof Body> | undefined): string {
  if (!body) return '';
  if (body.storage) return body.storage.value;
  if (body.representation === 'atlas_doc_format' || body.representation === 'wiki') {
    throw new NotModelled(`body representation ${body.representation}`);
  }
  return body.value ?? '';
}

const NewContent = z.strictObject({
  spaceId: z.string(),
  status: z.enum(['current', 'draft']).optional(),
  title: z.string().max(255).optional(),
  parentId: z.string().optional(),
  body: Body.optional(),
});

function createContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const input = parseBody(NewContent, call.body);
  const space = site.state.spacesById.get(Number(input.spaceId));
  if (!space || !maySee(site.state, caller, space) || !mayDo(site.state, caller, space, `create/${type}`)) {
    throw new Refusal(404, 'Space not found, or not permitted to create there');
  }
  const title = input.title ?? '';
  if (title === '' && input.status !== 'draft') throw new Refusal(400, 'A title is required');
  requireFreeTitle(call, space, title, null, type);
  const parent = input.parentId === undefined ? undefined : site.state.content.get(Number(input.parentId));
  if (input.parentId !== undefined && (parent?.type !== 'page' || parent.spaceId !== space.id))
    throw new Refusal(400, 'The parent is not a page of this space');
  const rootLevel = call.query.get('root-level') === 'true';
  if (rootLevel && parent) throw new Refusal(400, 'A page at the root level has no parent');
  const creator = callerId(caller);
  const item = site.state.addContent({
    type,
    title,
    spaceId: space.id,
    parentId: type === 'blogpost' || rootLevel ? null : (parent?.id ?? space.homepageId),
    authorId: creator,
    body: storageOf(input.body),
    at: site.clock.now(),
    status: input.status ?? 'current',
    viewers: call.query.get('private') === 'true' || input.status === 'draft' ? new Set([creator]) : null,
  });
  if (item.status === 'current') site.tell.content('created', item, caller);
  return { status: 200, body: withBase(call, contentJson(space, item, true)) };
}

function requireFreeTitle(call: Call, space: Space, title: string, exceptId: number | null, type: Content['type']): void {
  const taken = call.site.state.contentBySpace
    .get(space.id)
    ?.some((other) => other.type === type && other.status === 'current' && other.id !== exceptId && other.title === title);
  if (taken && type === 'page') throw new Refusal(400, 'A page with this title already exists in this space');
}

function withBase(call: Call, body: Record<string, unknown>): Record<string, unknown> {
  return { ...body, _links: { ...(body._links as object), ...baseLinks(call) } };
}

function getContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { item, space } = visibleContent(call, type);
  const format = call.query.get('body-format');
  if (format !== null && format !== 'storage') throw new NotModelled(`body-format ${format}`);
  return { status: 200, body: withBase(call, contentJson(space, item, format === 'storage')), returned: { objects: 1 } };
}

const ContentUpdate = z.object({
  id: z.string(),
  status: z.enum(['current', 'draft']),
  title: z.string().min(1).max(255),
  body: Body,
  version: z.object({ number: z.number().int(), message: z.string().optional() }),
  ownerId: z.string().optional(),
  spaceId: z.string().optional(),
  parentId: z.string().optional(),
});

function updateContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, type);
  if (!mayDo(site.state, caller, space, type === 'page' ? 'update/page' : 'create/blogpost'))
    throw new Refusal(404, 'Not permitted to update');
  const input = parseBody(ContentUpdate, call.body);
  if (input.id !== String(item.id)) throw new Refusal(400, 'The id in the body does not match the path');
  const current = latest(item).number;
  if (input.version.number !== current + 1) {
    throw new Refusal(409, `Version must be incremented when updating a page. Current version is: ${current}`);
  }
  if (input.spaceId !== undefined && input.spaceId !== String(space.id)) throw new Refusal(400, 'A page cannot move between spaces');
  if (input.parentId !== undefined && input.parentId !== String(item.parentId)) throw new NotModelled('moving a page');
  requireFreeTitle(call, space, input.title, item.id, type);
  if (input.ownerId !== undefined) item.ownerId = input.ownerId;
  if (item.status === 'trashed') {
    // A trashed page is restored without touching what it says.
    site.state.setContentStatus(item, 'current');
    return { status: 200, body: withBase(call, contentJson(space, item, true)) };
  }
  item.title = input.title;
  item.body = storageOf(input.body);
  if (item.status !== input.status) site.state.setContentStatus(item, input.status);
  site.state.addVersion(item, { authorId: callerId(caller), at: site.clock.now(), message: input.version.message ?? '' });
  site.tell.content('updated', item, caller);
  return { status: 200, body: withBase(call, contentJson(space, item, true)) };
}

function renamePage(call: Call): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, 'page');
  if (!mayDo(site.state, caller, space, 'update/page')) throw new Refusal(404, 'Not permitted to update');
  const input = parseBody(z.object({ status: z.enum(['current', 'draft']), title: z.string().min(1).max(255) }), call.body);
  requireFreeTitle(call, space, input.title, item.id, 'page');
  item.title = input.title;
  site.state.addVersion(item, { authorId: callerId(caller), at: site.clock.now(), message: '' });
  site.tell.content('updated', item, caller);
  return { status: 200, body: withBase(call, contentJson(space, item, false)) };
}

function deleteContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, type);
  if (!mayDo(site.state, caller, space, `delete/${type}`)) throw new Refusal(404, 'Not permitted to delete');
  if (call.query.get('purge') === 'true') {
    if (!mayDo(site.state, caller, space, 'administer/space')) throw new Refusal(404, 'Not permitted to purge');
    if (item.status !== 'trashed') throw new Refusal(400, 'Only trashed content can be purged');
    site.state.removeContent(item);
    site.tell.content('deleted', item, caller);
  } else {
    site.state.setContentStatus(item, 'trashed');
    site.tell.content('trashed', item, caller);
  }
  return { status: 204 };
}

function propertiesOf(call: Call, space: Space): Property[] {
  let list = call.site.state.spaceProperties.get(space.id);
  if (!list) {
    list = [];
    call.site.state.spaceProperties.set(space.id, list);
  }
  return list;
}

function requireSpaceAdmin(call: Call, space: Space): void {
  if (!mayDo(call.site.state, call.caller, space, 'administer/space')) throw new Refusal(404, 'Not permitted to administer the space');
}

function requireSmall(value: unknown): void {
  if (value === undefined) throw new Refusal(400, "'value' is required");
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_PROPERTY_BYTES) throw new Refusal(400, 'The value is too long');
}

function listProperties(call: Call): Reply {
  const space = visibleSpace(call, 'spaceId');
  const key = call.query.get('key');
  const page = pageV2(call, propertiesOf(call, space), { accept: (p) => key === null || p.key === key });
  return {
    status: 200,
    body: { results: page.items.map(propertyJson), _links: page.links },
    headers: page.headers,
    returned: { objects: page.items.length },
  };
}

function createProperty(call: Call): Reply {
  const space = visibleSpace(call, 'spaceId');
  requireSpaceAdmin(call, space);
  const input = parseBody(z.object({ key: z.string().min(1).max(255), value: z.unknown() }), call.body);
  requireSmall(input.value);
  const list = propertiesOf(call, space);
  if (list.some((p) => p.key === input.key)) throw new Refusal(409, 'A property with this key already exists');
  const at = call.site.clock.now();
  const property: Property = {
    id: call.site.state.newId(),
    key: input.key,
    value: input.value,
    createdAt: at,
    createdBy: callerId(call.caller),
    version: 1,
    versionAt: at,
  };
  list.push(property);
  return {
    status: 201,
    body: { ...propertyJson(property), _links: baseLinks(call) },
    headers: { location: `${V2}/spaces/${space.id}/properties/${property.id}` },
  };
}

function propertyById(call: Call): { space: Space; property: Property } {
  const space = visibleSpace(call, 'spaceId');
  const property = propertiesOf(call, space).find((p) => p.id === idParam(call, 'propertyId'));
  if (!property) throw new Refusal(404, 'Property not found');
  return { space, property };
}

function updateProperty(call: Call): Reply {
  const { space, property } = propertyById(call);
  requireSpaceAdmin(call, space);
  const input = parseBody(z.object({ key: z.string(), value: z.unknown(), version: z.object({ number: z.number().int() }) }), call.body);
  requireSmall(input.value);
  if (input.version.number !== property.version + 1) throw new Refusal(409, 'Version must be incremented when updating a property');
  property.value = input.value;
  property.version += 1;
  property.versionAt = call.site.clock.now();
  return { status: 200, body: { ...propertyJson(property), _links: baseLinks(call) } };
}

function deleteProperty(call: Call): Reply {
  const { space, property } = propertyById(call);
  requireSpaceAdmin(call, space);
  const list = propertiesOf(call, space);
  list.splice(list.indexOf(property), 1);
  return { status: 204 };
}

/** Sites without the new roles answer role calls with 404 (facts, inferred). */
function requireRoles(call: Call): void {
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

function userJson(person: Person): Record<string, unknown> {
  return {
    accountId: person.accountId,
    accountType: person.accountType,
    accountStatus: person.accountStatus,
    displayName: person.displayName,
    publicName: person.publicName,
    email: '',
    timeZone: null,
    isExternalCollaborator: person.isGuest,
    personalSpaceId: person.personalSpaceId === null ? null : String(person.personalSpaceId),
    profilePicture: { path: `/wiki/aa-avatar/${person.accountId}`, isDefault: true },
  };
}

function usersBulk(call: Call): Reply {
  if (!canUseConfluence(call.site.state, call.caller)) throw new Refusal(404, 'Not permitted');
  const { accountIds } = parseBody(z.object({ accountIds: z.array(z.string()).min(1).max(250) }), call.body);
  const results = accountIds.flatMap((id) => call.site.state.people.get(id) ?? []).map(userJson);
  return { status: 200, body: { results, _links: baseLinks(call) } };
}

function appProperty(call: Call): Reply {
  const key = call.params.propertyKey ?? '';
  const state = call.site.state;
  if (!state.appProperties.has(key)) throw new Refusal(404, 'Property not found');
  return { status: 200, body: { key, value: state.appProperties.get(key) }, returned: { objects: 1 } };
}

function setAppProperty(call: Call): Reply {
  const key = call.params.propertyKey ?? '';
  if (key.length > 127) throw new Refusal(400, 'The key is too long');
  const value = parseBody(z.record(z.string(), z.unknown()), call.body);
  const existed = call.site.state.appProperties.has(key);
  call.site.state.appProperties.set(key, value);
  return { status: existed ? 200 : 201 };
}

const CONTENT_QUERY = ['sort', 'status', 'title', 'body-format', 'cursor', 'limit'];

export const v2Operations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V2}/spaces`,
    query: ['ids', 'keys', 'type', 'status', 'labels', 'sort', 'cursor', 'limit'],
    scopes: [['read:space:confluence']],
    handle: listSpaces,
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:id`,
    query: ['include-operations', 'include-labels'],
    scopes: [['read:space:confluence']],
    handle: getSpace,
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:id/operations`,
    scopes: [['read:space:confluence']],
    handle: (call) => ({ status: 200, body: { operations: operationsJson(call, visibleSpace(call)) } }),
  },
  { method: 'POST', path: `${V2}/spaces`, scopes: [['write:space:confluence']], handle: createSpace },
  {
    method: 'GET',
    path: `${V2}/spaces/:id/pages`,
    query: [...CONTENT_QUERY, 'depth'],
    scopes: [['read:page:confluence']],
    handle: (call) => listContent(call, 'page', [visibleSpace(call)]),
  },
  {
    method: 'GET',
    path: `${V2}/pages`,
    query: [...CONTENT_QUERY, 'id', 'space-id'],
    scopes: [['read:page:confluence']],
    handle: (call) => listContent(call, 'page', spacesOfQuery(call)),
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:id/blogposts`,
    query: [...CONTENT_QUERY],
    scopes: [['read:page:confluence']],
    handle: (call) => listContent(call, 'blogpost', [visibleSpace(call)]),
  },
  {
    method: 'GET',
    path: `${V2}/blogposts`,
    query: [...CONTENT_QUERY, 'id', 'space-id'],
    scopes: [['read:page:confluence']],
    handle: (call) => listContent(call, 'blogpost', spacesOfQuery(call)),
  },
  {
    method: 'POST',
    path: `${V2}/pages`,
    query: ['root-level', 'private'],
    scopes: [['write:page:confluence']],
    handle: (call) => createContent(call, 'page'),
  },
  {
    method: 'POST',
    path: `${V2}/blogposts`,
    query: ['private'],
    scopes: [['write:page:confluence']],
    handle: (call) => createContent(call, 'blogpost'),
  },
  {
    method: 'GET',
    path: `${V2}/pages/:id`,
    query: ['body-format'],
    scopes: [['read:page:confluence']],
    handle: (call) => getContent(call, 'page'),
  },
  {
    method: 'GET',
    path: `${V2}/blogposts/:id`,
    query: ['body-format'],
    scopes: [['read:page:confluence']],
    handle: (call) => getContent(call, 'blogpost'),
  },
  { method: 'PUT', path: `${V2}/pages/:id`, scopes: [['write:page:confluence']], handle: (call) => updateContent(call, 'page') },
  { method: 'PUT', path: `${V2}/blogposts/:id`, scopes: [['write:page:confluence']], handle: (call) => updateContent(call, 'blogpost') },
  { method: 'PUT', path: `${V2}/pages/:id/title`, scopes: [['write:page:confluence']], handle: renamePage },
  {
    method: 'DELETE',
    path: `${V2}/pages/:id`,
    query: ['purge'],
    scopes: [['delete:page:confluence']],
    handle: (call) => deleteContent(call, 'page'),
  },
  {
    method: 'DELETE',
    path: `${V2}/blogposts/:id`,
    query: ['purge'],
    scopes: [['delete:page:confluence']],
    handle: (call) => deleteContent(call, 'blogpost'),
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:spaceId/properties`,
    query: ['key', 'cursor', 'limit'],
    scopes: [['read:space:confluence']],
    handle: listProperties,
  },
  {
    method: 'POST',
    path: `${V2}/spaces/:spaceId/properties`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: createProperty,
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence']],
    handle: (call) => ({
      status: 200,
      body: { ...propertyJson(propertyById(call).property), _links: baseLinks(call) },
      returned: { objects: 1 },
    }),
  },
  {
    method: 'PUT',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: updateProperty,
  },
  {
    method: 'DELETE',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: deleteProperty,
  },
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
  { method: 'POST', path: `${V2}/users-bulk`, scopes: [['read:user:confluence']], handle: usersBulk },
  {
    method: 'GET',
    path: `${V2}/app/properties`,
    query: ['cursor', 'limit'],
    scopes: [['read:app-data:confluence']],
    appOnly: true,
    handle: (call) => {
      intParam(call.query, 'limit', 50, 250);
      const page = pageV2(
        call,
        [...call.site.state.appProperties].map(([key, value]) => ({ key, value })),
        { default: 50 },
      );
      return { status: 200, body: { results: page.items, _links: page.links }, returned: { objects: page.items.length } };
    },
  },
  { method: 'GET', path: `${V2}/app/properties/:propertyKey`, scopes: [['read:app-data:confluence']], appOnly: true, handle: appProperty },
  {
    method: 'PUT',
    path: `${V2}/app/properties/:propertyKey`,
    scopes: [['write:app-data:confluence']],
    appOnly: true,
    handle: setAppProperty,
  },
  {
    method: 'DELETE',
    path: `${V2}/app/properties/:propertyKey`,
    scopes: [['write:app-data:confluence']],
    appOnly: true,
    handle: (call) => {
      if (!call.site.state.appProperties.delete(call.params.propertyKey ?? '')) throw new Refusal(404, 'Property not found');
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${V2}/data-policies/spaces`,
    query: ['cursor', 'limit'],
    scopes: [['read:space:confluence']],
    appOnly: true,
    handle: (call) => {
      const page = pageV2(call, call.site.state.spaces, { idOf: (s) => s.id, accept: (s) => maySee(call.site.state, { kind: 'app' }, s) });
      const results = page.items.map((s) => ({ id: String(s.id), key: s.key, name: s.name, dataPolicy: { anyContentBlocked: false } }));
      return { status: 200, body: { results, _links: page.links }, headers: page.headers, returned: { objects: results.length } };
    },
  },
];

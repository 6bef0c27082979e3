/** Pages and blog posts. */
import { z } from 'zod';
import { callerId, mayDo, maySee, maySeeContent } from '../access';
import { listedContent, listedSpace } from '../lag';
import {
  baseLinks,
  type Call,
  flag,
  idParam,
  idsParam,
  iso,
  listParam,
  NotModelled,
  type Operation,
  oneOf,
  pageV2,
  parseBody,
  Refusal,
  type Reply,
  requireKnown,
  V2,
} from '../operation';
import { type Content, latest, type Space } from '../state';
import { requireWellFormed } from '../storage-format';
import { visibleSpace } from './visible';

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

function visibleContent(call: Call, type: Content['type']): { item: Content; space: Space } {
  const item = call.site.state.content.get(idParam(call, 'id'));
  const space = item && call.site.state.spacesById.get(item.spaceId);
  if (!item || !space || item.type !== type || !maySeeContent(call.site.state, call.caller, item)) {
    throw new Refusal(404, `${type} not found`);
  }
  return { item, space };
}

const CONTENT_SORTS: Record<'id' | 'created-date' | 'modified-date' | 'title', (a: Content, b: Content) => number> = {
  id: (a, b) => a.id - b.id,
  'created-date': (a, b) => a.createdAt - b.createdAt || a.id - b.id,
  'modified-date': (a, b) => latest(a).at - latest(b).at || a.id - b.id,
  title: (a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : a.id - b.id),
};

function listContent(call: Call, type: 'page' | 'blogpost', spaces: Space[] | null): Reply {
  const { query, site } = call;
  // OpenAPI: only pages can be sorted by title.
  const fields = Object.keys(CONTENT_SORTS).filter((field) => type === 'page' || field !== 'title');
  const sort = oneOf(query, 'sort', [...fields, ...fields.map((field) => `-${field}`)]) ?? 'id';
  const compare = CONTENT_SORTS[sort.replace(/^-/, '') as keyof typeof CONTENT_SORTS];
  const known = type === 'page' ? ['current', 'archived', 'trashed'] : ['current', 'trashed'];
  const asked = listParam(query, 'status', 5)?.map((status) => requireKnown('status', status, known, ['deleted']));
  const statuses = new Set(asked ?? (type === 'page' ? ['current', 'archived'] : ['current']));
  const ids = idsParam(query, 'id', 250);
  const title = query.get('title');
  const withBody = oneOf(query, 'body-format', ['storage'], ['atlas_doc_format']) === 'storage';
  const rootOnly = oneOf(query, 'depth', ['all', 'root']) === 'root';
  const accept = (item: Content): boolean =>
    item.type === type &&
    statuses.has(item.status) &&
    (!ids || ids.includes(item.id)) &&
    (title === null || item.title === title) &&
    (!rootOnly || item.parentId === null) &&
    maySeeContent(site.state, call.caller, item, listedSpace(site.state, item.spaceId));
  const { state } = site;
  const order = sort.startsWith('-') ? (a: Content, b: Content) => compare(b, a) : compare;
  const spaceIds = spaces && new Set(spaces.map((space) => space.id));
  let now: readonly Content[];
  if (spaces) now = spaces.flatMap((space) => state.contentBySpace.get(space.id) ?? []).sort(order);
  else if (ids) now = [...new Set(ids)].flatMap((id) => state.content.get(id) ?? []).sort(order);
  else now = state.contentOrderedBy(sort, order);
  const belongs = (item: Content): boolean => (!spaceIds || spaceIds.has(item.spaceId)) && (!ids || ids.includes(item.id));
  const items = listedContent(state, now, belongs, order);
  const page = pageV2(call, items, { accept, ...(sort === 'id' ? { idOf: (item: Content) => item.id } : {}) });
  const results = page.items.map((item) => contentJson(listedSpace(state, item.spaceId) as Space, item, withBody));
  return { status: 200, body: { results, _links: page.links }, headers: page.headers, returned: { objects: page.items.length } };
}

/** `space-id` of GET /pages: spaces that the caller cannot see are silently left out. */
function spacesOfQuery(call: Call): Space[] | null {
  const ids = idsParam(call.query, 'space-id', 100);
  return (
    ids?.flatMap((id) => call.site.state.spacesById.get(id) ?? []).filter((space) => maySee(call.site.state, call.caller, space)) ?? null
  );
}

const Representation = z.enum(['storage', 'atlas_doc_format', 'wiki']);
const Flat = z.strictObject({ representation: Representation.optional(), value: z.string().optional() });
/** Either flat, or nested under one representation. */
const Body = Flat.extend({ storage: Flat.optional(), atlas_doc_format: Flat.optional(), wiki: Flat.optional() });

/**
 * The storage format of a body.
 * @throws Refusal 400 if it is not well-formed, or not exactly one body
 * @throws NotModelled for another representation
 */
function storageOf(body: z.infer<typeof Body> | undefined): string {
  if (!body) return '';
  const { representation, value, ...nested } = body;
  const [name, ...others] = Object.keys(nested);
  if (others.length > 0 || (name !== undefined && (representation ?? value) !== undefined))
    throw new Refusal(400, 'Only one body format may be given');
  const format = name ?? representation;
  if (format === undefined) throw new Refusal(400, 'The body has no representation');
  if (format !== 'storage' || (nested.storage?.representation ?? 'storage') !== 'storage')
    throw new NotModelled(`body representation ${format}`);
  const storage = (name === undefined ? value : nested.storage?.value) ?? '';
  requireWellFormed(storage);
  return storage;
}

const NewPost = z.strictObject({
  spaceId: z.string(),
  status: z.enum(['current', 'draft']).optional(),
  title: z.string().max(255).optional(),
  body: Body.optional(),
});
const NewPage = NewPost.extend({ parentId: z.string().optional() });

function createContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const input: z.infer<typeof NewPage> = parseBody(type === 'page' ? NewPage : NewPost, call.body);
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
  const rootLevel = flag(call.query, 'root-level');
  const isPrivate = flag(call.query, 'private') || input.status === 'draft';
  const body = storageOf(input.body);
  if (rootLevel && parent) throw new Refusal(400, 'A page at the root level has no parent');
  const creator = callerId(caller);
  const item = site.state.addContent({
    type,
    title,
    spaceId: space.id,
    parentId: type === 'blogpost' || rootLevel ? null : (parent?.id ?? space.homepageId),
    authorId: creator,
    body,
    at: site.clock.now(),
    status: input.status ?? 'current',
    viewers: isPrivate ? new Set([creator]) : null,
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

const OTHER_FORMATS = ['atlas_doc_format', 'view', 'export_view', 'anonymous_export_view', 'styled_view', 'editor'];

function getContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { item, space } = visibleContent(call, type);
  const withBody = oneOf(call.query, 'body-format', ['storage'], OTHER_FORMATS) !== null;
  return { status: 200, body: withBase(call, contentJson(space, item, withBody)), returned: { objects: 1 } };
}

const PostUpdate = z.strictObject({
  id: z.string(),
  status: z.enum(['current', 'draft']),
  title: z.string().min(1).max(255),
  body: Body,
  version: z.strictObject({ number: z.number().int(), message: z.string().optional() }),
  spaceId: z.string().optional(),
});
const PageUpdate = PostUpdate.extend({ ownerId: z.string().optional(), parentId: z.string().optional() });

function updateContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, type);
  if (!mayDo(site.state, caller, space, type === 'page' ? 'update/page' : 'create/blogpost'))
    throw new Refusal(404, 'Not permitted to update');
  const input: z.infer<typeof PageUpdate> = parseBody(type === 'page' ? PageUpdate : PostUpdate, call.body);
  if (input.id !== String(item.id)) throw new Refusal(400, 'The id in the body does not match the path');
  if (input.status === 'draft' || item.status === 'draft') throw new NotModelled('updating a draft');
  const current = latest(item).number;
  if (input.version.number !== current + 1) {
    throw new Refusal(409, `Version must be incremented when updating a page. Current version is: ${current}`);
  }
  if (input.spaceId !== undefined && input.spaceId !== String(space.id)) throw new Refusal(400, 'A page cannot move between spaces');
  if (input.parentId !== undefined && input.parentId !== String(item.parentId)) throw new NotModelled('moving a page');
  if (input.ownerId !== undefined && !site.state.account(input.ownerId)) throw new Refusal(400, 'The new owner is nobody on this site');
  requireFreeTitle(call, space, input.title, item.id, type);
  const body = storageOf(input.body);
  if (input.ownerId !== undefined) site.state.setOwner(item, input.ownerId);
  if (item.status === 'trashed') {
    // OpenAPI: restoring changes only the status.
    site.state.setContentStatus(item, 'current');
    site.tell.content('restored', item, caller);
    return { status: 200, body: withBase(call, contentJson(space, item, true)) };
  }
  if (item.status !== input.status) site.state.setContentStatus(item, input.status);
  site.state.addVersion(item, {
    authorId: callerId(caller),
    at: site.clock.now(),
    message: input.version.message ?? '',
    title: input.title,
    body,
  });
  site.tell.content('updated', item, caller);
  return { status: 200, body: withBase(call, contentJson(space, item, true)) };
}

function renamePage(call: Call): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, 'page');
  if (!mayDo(site.state, caller, space, 'update/page')) throw new Refusal(404, 'Not permitted to update');
  const input = parseBody(z.strictObject({ status: z.enum(['current', 'draft']), title: z.string().min(1).max(255) }), call.body);
  if (input.status === 'draft' || item.status === 'draft') throw new NotModelled('renaming a draft');
  requireFreeTitle(call, space, input.title, item.id, 'page');
  site.state.addVersion(item, { authorId: callerId(caller), at: site.clock.now(), message: '', title: input.title });
  site.tell.content('updated', item, caller);
  return { status: 200, body: withBase(call, contentJson(space, item, false)) };
}

function deleteContent(call: Call, type: 'page' | 'blogpost'): Reply {
  const { site, caller } = call;
  const { item, space } = visibleContent(call, type);
  if (!mayDo(site.state, caller, space, `delete/${type}`)) throw new Refusal(404, 'Not permitted to delete');
  if (flag(call.query, 'purge')) {
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

const CONTENT_QUERY = ['sort', 'status', 'title', 'body-format', 'cursor', 'limit'];

export const pageOperations: readonly Operation[] = [
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
];

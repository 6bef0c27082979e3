/** Spaces: list, read, create, update and delete, and the data policies that may block them. */
import { z } from 'zod';
import type { SiteSettings } from '../../settings';
import { callerId, mayCreateSpaces, mayDo, maySee, operationsIn } from '../access';
import { createGlobalSpace, createPersonalSpace, setSpaceStatus } from '../activity';
import { listedSpaces } from '../lag';
import {
  baseLinks,
  type Call,
  errorBody,
  flag,
  idsParam,
  iso,
  linksOf,
  listParam,
  NotModelled,
  type Operation,
  oneOf,
  pageV2,
  parseBody,
  Refusal,
  type Reply,
  requireUse,
  V1,
  V2,
} from '../operation';
import { type ConfluenceState, type Grant, openGrants, personalSpaceKey, privateGrants, SPACE_ORDERS, type Space } from '../state';
import { requireRoles } from './roles';
import { visibleSpace } from './visible';

export function spaceJson(space: Space, settings: SiteSettings) {
  return {
    id: String(space.id),
    key: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    authorId: space.authorId,
    // V27: added in 2026; not every site may have it.
    ...(settings.spaceOwnerIdSent ? { spaceOwnerId: space.ownerId ?? space.authorId } : {}),
    currentActiveAlias: space.type === 'personal' ? null : space.key,
    createdAt: iso(space.createdAt),
    homepageId: space.homepageId === null ? null : String(space.homepageId),
    description: null,
    icon: null,
    _links: { webui: `/spaces/${space.key}` },
  };
}

function operationsJson(call: Call, space: Space): { operation: string; targetType: string }[] {
  return [...operationsIn(call.site.state, call.caller, space)].map((pair) => {
    const [operation = '', targetType = ''] = pair.split('/');
    return { operation, targetType };
  });
}

const SPACE_TYPES = ['global', 'collaboration', 'knowledge_base', 'personal', 'system', 'onboarding', 'xflow_sample_space'];

const SPACE_STATUSES = ['current', 'archived', 'trashed'];

function listSpaces(call: Call): Reply {
  const { query, site } = call;
  const ids = idsParam(query, 'ids', 250);
  const keys = listParam(query, 'keys', 250);
  const type = oneOf(query, 'type', SPACE_TYPES);
  const status = oneOf(query, 'status', SPACE_STATUSES);
  const labels = listParam(query, 'labels', 50);
  const sort = oneOf(query, 'sort', ['id', '-id', 'key', '-key', 'name', '-name']) ?? 'id';
  const field = sort.replace(/^-/, '') as keyof typeof SPACE_ORDERS;
  // OpenAPI does not say what an omitted status means, so this is an assumption.
  const wanted: readonly string[] = status === null ? ['current', 'archived'] : [status];
  const { state } = site;
  const compare = SPACE_ORDERS[field];
  let now: readonly Space[];
  if (ids) now = [...new Set(ids)].flatMap((id) => state.spacesById.get(id) ?? []).sort(compare);
  else if (keys) now = [...new Set(keys)].flatMap((key) => state.spacesByKey.get(key) ?? []).sort(compare);
  else if (field === 'id' && type !== null && status !== null) now = state.spacesOf(type, status);
  else now = state.spacesOrderedBy(field);
  const belongs = (space: Space): boolean => (!ids || ids.includes(space.id)) && (!keys || keys.includes(space.key));
  let items = listedSpaces(state, now, belongs, compare);
  if (sort.startsWith('-')) items = [...items].reverse();
  const page = pageV2(call, items, {
    ...(sort === 'id' ? { idOf: (space: Space) => space.id } : {}),
    accept: (space) =>
      wanted.includes(space.status) &&
      (type === null || type === space.type) &&
      (!labels || labels.some((label) => space.labels.includes(label))) &&
      // Lists lag; permissions do not.
      maySee(state, call.caller, state.spacesById.get(space.id) ?? space),
  });
  return {
    status: 200,
    body: { results: page.items.map((space) => spaceJson(space, site.settings)), _links: page.links },
    headers: page.headers,
    returned: { objects: page.items.length },
  };
}

function getSpace(call: Call): Reply {
  const space = visibleSpace(call);
  const json = spaceJson(space, call.site.settings);
  const body: Record<string, unknown> = { ...json, _links: { ...json._links, ...baseLinks(call) } };
  const self = `${V2}/spaces/${space.id}`;
  if (flag(call.query, 'include-operations')) {
    body.operations = {
      results: operationsJson(call, space),
      meta: { hasMore: false },
      _links: { self: `${self}/operations` },
    };
  }
  if (flag(call.query, 'include-labels')) {
    body.labels = {
      results: space.labels.map((name, i) => ({ id: String(i + 1), name, prefix: 'team' })),
      meta: { hasMore: false },
      _links: { self: `${self}/labels` },
    };
  }
  return { status: 200, body, returned: { objects: 1 } };
}

const NewSpace = z.strictObject({
  name: z.string().min(1).max(200),
  key: z.string().optional(),
  alias: z.string().optional(),
  createPrivateSpace: z.boolean().optional(),
  description: z.strictObject({ value: z.string().optional(), representation: z.literal('plain').optional() }).optional(),
});

/** @throws NotModelled for an alias that differs from the key */
function keyOf(input: { key?: string | null | undefined; alias?: string | null | undefined }): string {
  const { key, alias } = input;
  if (key && alias && key !== alias) throw new NotModelled('an alias that is not the key');
  return key ?? alias ?? '';
}

/** CONFCLOUD-84375: keys of 246 to 255 characters cause a 500. */
export const FAILING_KEY_LENGTH = 246;

/** Works only on sites with roles and only for global spaces: a key that begins with `~` is refused (V1). */
function createSpace(call: Call): Reply {
  const { site, caller } = call;
  requireRoles(call);
  const input = parseBody(NewSpace, call.body);
  const key = keyOf(input);
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
  return { status: 201, body: { ...spaceJson(space, site.settings), _links: { webui: `/spaces/${space.key}`, ...baseLinks(call) } } };
}

const SPACE_READ_WRITE = ['read:space-details:confluence', 'write:space:confluence', 'write:space.permission:confluence'];

const SPACE_WRITE = [['write:confluence-space'], SPACE_READ_WRITE];

export function classicSpaceJson(call: Call, space: Space): Record<string, unknown> {
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
      ...(space.homepageId === null ? {} : { homepage: `/rest/api/content/${space.homepageId}` }),
    },
    _links: { webui: `/spaces/${space.key}`, ...linksOf(call, self), collection: '/rest/api/space' },
  };
}

const Size = z.number().int().optional();
const Subjects = z.strictObject({
  user: z
    .strictObject({ results: z.array(z.strictObject({ type: z.literal('known').optional(), accountId: z.string() })), size: Size })
    .optional(),
  group: z
    .strictObject({ results: z.array(z.strictObject({ type: z.literal('group').optional(), id: z.string() })), size: Size })
    .optional(),
});
const PlainDescription = z.strictObject({ plain: z.strictObject({ value: z.string(), representation: z.literal('plain').optional() }) });

const ClassicNewSpace = z.strictObject({
  name: z.string().min(1).max(200),
  key: z.string().nullish(),
  alias: z.string().nullish(),
  description: PlainDescription.nullish(),
  permissions: z
    .array(
      z.strictObject({
        subjects: Subjects.optional(),
        operation: z.strictObject({ operation: z.string(), targetType: z.string() }),
        anonymousAccess: z.boolean(),
        unlicensedAccess: z.boolean(),
      }),
    )
    .nullish(),
});

/** The permission pairs that Create space accepts (OpenAPI v1). */
const CLASSIC_PAIRS = new Set([
  'read/space',
  'export/space',
  'administer/space',
  ...['page', 'blogpost', 'comment', 'attachment'].flatMap((type) => [`create/${type}`, `delete/${type}`]),
]);

/** The grants that a request spells out or, without `permissions`, the site's default. @throws Refusal 400 */
function grantsOf(state: ConfluenceState, input: z.infer<typeof ClassicNewSpace>, creator: string): readonly Grant[] {
  if (!input.permissions) return openGrants(creator);
  const byPrincipal = new Map<string, Grant & { operations: string[] }>();
  const add = (principalType: Grant['principalType'], principalId: string, operation: string): void => {
    const id = `${principalType} ${principalId}`;
    const grant = byPrincipal.get(id) ?? { principalType, principalId, roleId: null, operations: [] };
    grant.operations.push(operation);
    // Classic permissions have one operation for adding and editing pages.
    if (operation === 'create/page') grant.operations.push('update/page');
    byPrincipal.set(id, grant);
  };
  for (const { subjects, operation, anonymousAccess, unlicensedAccess } of input.permissions) {
    if (anonymousAccess || unlicensedAccess) throw new NotModelled('permissions for anonymous or unlicensed people');
    const pair = `${operation.operation}/${operation.targetType}`;
    if (!CLASSIC_PAIRS.has(pair)) throw new Refusal(400, `Unknown permission ${pair}`);
    for (const { accountId } of subjects?.user?.results ?? []) {
      if (!state.account(accountId)) throw new Refusal(400, `No user found with account id ${accountId}`);
      add('USER', accountId, pair);
    }
    for (const { id } of subjects?.group?.results ?? []) {
      if (!state.groups.has(id)) throw new Refusal(400, `No group found with id ${id}`);
      add('GROUP', id, pair);
    }
  }
  // The creator gets every permission, whatever the request says.
  const grants = [...byPrincipal.values()].filter((g) => !(g.principalType === 'USER' && g.principalId === creator));
  return [...privateGrants(creator), ...grants];
}

function createClassicSpace(call: Call, isPrivate: boolean): Reply {
  const { site, caller } = call;
  const input = parseBody(ClassicNewSpace, call.body);
  if (isPrivate && input.permissions) throw new NotModelled('permissions of a private space');
  const key = keyOf(input);
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
  const grants = isPrivate ? privateGrants(creator) : grantsOf(site.state, input, creator);
  const description = input.description?.plain.value ?? '';
  if (key.startsWith('~')) {
    const personal = site.settings.asUserPersonalCreate;
    if (personal === 'graphql') throw new Refusal(400, 'Space key must be alphanumeric');
    if (personal === 'refused' || caller.kind !== 'person' || key !== personalSpaceKey(caller.person.accountId)) {
      throw new Refusal(403, 'Not permitted to create this personal space');
    }
    if (site.state.spacesByKey.has(key)) throw new Refusal(400, `A space already exists with key ${key}`);
    const space = createPersonalSpace(site, caller.person, caller, grants, { name: input.name, description });
    return { status: 200, body: classicSpaceJson(call, space) };
  }
  if (site.state.spacesByKey.has(key)) throw new Refusal(400, `A space already exists with key ${key}`);
  const space = createGlobalSpace(site, caller, { key, name: input.name, description, grants });
  return { status: 200, body: classicSpaceJson(call, space) };
}

/** The space, if the caller administers it. @throws Refusal 404, even if it exists but is not permitted */
function administeredSpace(call: Call): Space {
  const space = call.site.state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !mayDo(call.site.state, call.caller, space, 'administer/space')) {
    throw new Refusal(404, `No space with key : ${call.params.spaceKey}`);
  }
  return space;
}

const SpaceUpdate = z.strictObject({
  name: z.string().min(1).max(200).nullish(),
  description: PlainDescription.nullish(),
  homepage: z.strictObject({ id: z.string() }).nullish(),
  type: z.string().nullish(),
  status: z.enum(['current', 'archived']).nullish(),
});

function updateSpace(call: Call): Reply {
  const { site, caller } = call;
  const space = administeredSpace(call);
  const input = parseBody(SpaceUpdate, call.body);
  if (space.status === 'trashed') throw new Refusal(404, `No space with key : ${space.key}`);
  if (input.type && input.type !== space.type) throw new NotModelled('changing the type of a space');
  const page = input.homepage ? site.state.content.get(Number(input.homepage.id)) : undefined;
  if (input.homepage && (page?.spaceId !== space.id || page.type !== 'page' || page.status !== 'current')) {
    throw new Refusal(404, 'Homepage not found in the space');
  }
  site.state.changeSpace(space, {
    ...(input.name ? { name: input.name } : {}),
    ...(input.description ? { description: input.description.plain.value } : {}),
    ...(page ? { homepageId: page.id } : {}),
  });
  if (input.status && input.status !== space.status) setSpaceStatus(site, space, input.status, caller);
  else site.tell.space('updated', space, caller);
  return { status: 200, body: classicSpaceJson(call, space) };
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

export const spaceOperations: readonly Operation[] = [
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
    path: `${V2}/data-policies/spaces`,
    query: ['cursor', 'limit'],
    scopes: [['read:space:confluence']],
    appOnly: true,
    handle: (call) => {
      const { state } = call.site;
      const listed = listedSpaces(state, state.spaces, () => true, SPACE_ORDERS.id);
      const page = pageV2(call, listed, {
        idOf: (s) => s.id,
        accept: (s) => maySee(state, { kind: 'app' }, state.spacesById.get(s.id) ?? s),
      });
      const results = page.items.map((s) => ({ id: String(s.id), key: s.key, name: s.name, dataPolicy: { anyContentBlocked: false } }));
      return { status: 200, body: { results, _links: page.links }, headers: page.headers, returned: { objects: results.length } };
    },
  },
  { method: 'POST', path: `${V1}/space`, scopes: SPACE_WRITE, handle: (call) => createClassicSpace(call, false) },
  { method: 'POST', path: `${V1}/space/_private`, scopes: SPACE_WRITE, handle: (call) => createClassicSpace(call, true) },
  { method: 'PUT', path: `${V1}/space/:spaceKey`, scopes: SPACE_WRITE, handle: updateSpace },
  {
    method: 'DELETE',
    path: `${V1}/space/:spaceKey`,
    scopes: [['write:confluence-space'], ['read:content.metadata:confluence', 'delete:space:confluence']],
    handle: deleteSpace,
  },
  {
    method: 'GET',
    path: `${V1}/longtask/:id`,
    scopes: [['read:confluence-space.summary'], ['read:content.metadata:confluence']],
    handle: getLongTask,
  },
];

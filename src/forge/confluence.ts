/**
 * Every call to Confluence: one function each, parsed to the fields used. Routes are literals, so
 * that Atlassian's permission linter sees them. Marks and doubts per call: README, "Not verified on a real site".
 */
import api, { type APIResponse, assumeTrustedRoute, isForgePlatformError, route } from '@forge/api';
import { z } from 'zod';
import type { PersonFacts, StandingFacts } from '../domain/provisioning';
import { ConfluenceError, PlatformRefusal } from './errors';

/** Who a call is made as. */
export type Requester = Pick<ReturnType<typeof api.asUser>, 'requestConfluence' | 'requestGraph'>;

export const asApp = (): Requester => api.asApp();
/** The person who made this invocation (resolvers only). */
export const asCaller = (): Requester => api.asUser();
/** Offline impersonation: documented for event triggers and scheduled triggers only. */
export const asPerson = (accountId: string): Requester => api.asUser(accountId);

/** A `Retry-After` beyond an hour is nonsense seen live (9223372036854775807): quotas reset every full hour. */
const MAX_RETRY_AFTER_S = 3_600;

function retryAfterOf(response: APIResponse): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  if (!Number.isFinite(seconds) && response.headers.get('retry-after') === null) return null;
  return Number.isFinite(seconds) ? Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_S) : MAX_RETRY_AFTER_S;
}

async function ask(operation: string, request: () => Promise<APIResponse>): Promise<APIResponse> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof Error && isForgePlatformError(error)) {
      const { status = 0, errorCode } = error as { status?: number; errorCode?: string };
      throw new PlatformRefusal(operation, status, errorCode ?? (error as Error).name);
    }
    throw error;
  }
}

/** The error bodies of v1 and v2, of which only the sentence is kept. */
const ErrorBody = z.union([
  z.object({ message: z.string() }).transform((body) => body.message),
  z
    .object({ errors: z.array(z.object({ title: z.string().nullish(), detail: z.string().nullish() })).min(1) })
    .transform(({ errors }) => errors[0]?.detail ?? errors[0]?.title ?? ''),
]);
/** A message may begin with the name of a Java class. */
const JAVA_CLASS = /^(?:[a-z]\w*\.)+[A-Z]\w*: /;
const MAX_MESSAGE = 200;

function messageOf(text: string): string {
  try {
    const parsed = ErrorBody.safeParse(JSON.parse(text));
    return (parsed.success ? parsed.data.replace(JAVA_CLASS, '') : '').slice(0, MAX_MESSAGE);
  } catch {
    return '';
  }
}

async function failure(operation: string, response: APIResponse): Promise<ConfluenceError> {
  return new ConfluenceError(operation, response.status, messageOf(await response.text()), retryAfterOf(response));
}

/** @throws ConfluenceError, also when the answer is not of the expected shape (status 502). */
async function readJson<T>(operation: string, response: APIResponse, schema: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw await failure(operation, response);
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    throw new ConfluenceError(operation, 502, 'the answer is not JSON', null);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new ConfluenceError(operation, 502, z.prettifyError(parsed.error), null);
  return parsed.data;
}

// --- people ----------------------------------------------------------------------------------------

const User = z.object({
  accountId: z.string(),
  accountType: z.string(),
  accountStatus: z.string().default('unknown'),
  displayName: z.string().default(''),
  isExternalCollaborator: z.boolean(),
  personalSpaceId: z.string().nullish(),
});

export interface BulkUser extends PersonFacts {
  accountId: string;
  displayName: string;
}

/** At most 250 ids; unknown ids are missing from the answer. */
export async function readPeople(accountIds: string[]): Promise<BulkUser[]> {
  const operation = 'users-bulk';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/api/v2/users-bulk`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ accountIds }),
    }),
  );
  const { results } = await readJson(operation, response, z.object({ results: z.array(User) }));
  return results.map((user) => ({
    accountId: user.accountId,
    accountType: user.accountType,
    accountStatus: user.accountStatus,
    displayName: user.displayName,
    isGuest: user.isExternalCollaborator,
    personalSpaceId: user.personalSpaceId ?? null,
  }));
}

/** null: Confluence knows nobody by that id. */
export async function readPerson(accountId: string): Promise<BulkUser | null> {
  return (await readPeople([accountId])).find((user) => user.accountId === accountId) ?? null;
}

const CurrentUser = z.object({
  accountId: z.string(),
  displayName: z.string().default(''),
  publicName: z.string().default(''),
  locale: z.string().nullish(),
  operations: z.array(z.object({ operation: z.string(), targetType: z.string() })).default([]),
});
export type CurrentUser = z.infer<typeof CurrentUser>;

/** The user whom `as` stands for, with their application-level operations. */
export async function readCurrentUser(as: Requester): Promise<CurrentUser> {
  const operation = 'user/current';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/rest/api/user/current?expand=operations`));
  return readJson(operation, response, CurrentUser);
}

function may(user: CurrentUser, operation: string): boolean {
  return user.operations.some((o) => o.operation === operation && o.targetType === 'application');
}

/** Whether the caller of this invocation administers Confluence. */
export async function callerIsAdmin(): Promise<boolean> {
  try {
    return may(await readCurrentUser(asCaller()), 'administer');
  } catch (error) {
    if (error instanceof PlatformRefusal && !error.isTransient) return false;
    if (error instanceof ConfluenceError && (error.status === 401 || error.status === 403)) return false;
    throw error;
  }
}

export interface Standing {
  facts: StandingFacts;
  user: CurrentUser | null;
}

/** Asks Confluence as the person: may they use it, and does the platform act as them at all. */
export async function readStanding(as: Requester): Promise<Standing> {
  try {
    const user = await readCurrentUser(as);
    return { facts: { kind: 'known', canUse: may(user, 'use') }, user };
  } catch (error) {
    if (error instanceof PlatformRefusal) {
      if (error.isTransient) throw error;
      const kind =
        error.code === 'AUTH_TYPE_UNAVAILABLE' || error.code === 'NEEDS_AUTHENTICATION_ERR' ? 'impersonation-unavailable' : 'not-permitted';
      return { facts: { kind }, user: null };
    }
    if (error instanceof ConfluenceError && error.status === 403) return { facts: { kind: 'not-permitted' }, user: null };
    throw error;
  }
}

const Group = z.object({ id: z.string(), name: z.string() });

/** Groups whose members may use Confluence on this site; at most 200. */
export async function listLicensedGroups(): Promise<z.infer<typeof Group>[]> {
  const operation = 'group';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/group?accessType=user&limit=200`));
  return (await readJson(operation, response, z.object({ results: z.array(Group) }))).results;
}

const Members = z.object({ results: z.array(z.object({ accountId: z.string() })), totalSize: z.number().optional(), size: z.number() });

/** One page of members, at most 200, and how many there are in all when asked for. */
export async function listGroupMembers(
  groupId: string,
  start: number,
  limit: number,
): Promise<{ accountIds: string[]; total: number | null }> {
  const operation = 'group members';
  const response = await ask(operation, () =>
    asApp().requestConfluence(
      route`/wiki/rest/api/group/${groupId}/membersByGroupId?start=${start}&limit=${limit}&shouldReturnTotalSize=true`,
    ),
  );
  const page = await readJson(operation, response, Members);
  return { accountIds: page.results.map((m) => m.accountId), total: page.totalSize ?? null };
}

// --- spaces ----------------------------------------------------------------------------------------

const Space = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  type: z.string(),
  status: z.string(),
  createdAt: z.string(),
  authorId: z.string().nullish(),
  spaceOwnerId: z.string().nullish(),
  homepageId: z.string().nullish(),
  operations: z.object({ results: z.array(z.object({ operation: z.string(), targetType: z.string() })) }).optional(),
});

export interface SpaceRecord {
  id: string;
  key: string;
  name: string;
  type: string;
  status: string;
  createdAt: number;
  ownerId: string | null;
  homepageId: string | null;
  /** null unless operations were asked for. */
  canAdminister: boolean | null;
}

function toSpace(space: z.infer<typeof Space>): SpaceRecord {
  return {
    id: space.id,
    key: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    createdAt: Date.parse(space.createdAt),
    ownerId: space.spaceOwnerId ?? space.authorId ?? null,
    homepageId: space.homepageId ?? null,
    canAdminister: space.operations ? space.operations.results.some((o) => o.operation === 'administer' && o.targetType === 'space') : null,
  };
}

/** null: no such space, or the requester may not see it. */
export async function readSpace(as: Requester, spaceId: string): Promise<SpaceRecord | null> {
  const operation = 'space';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}?include-operations=true`));
  if (response.status === 404) return null;
  return toSpace(await readJson(operation, response, Space));
}

/** The space with this key in any status, if the requester may see it. `status` takes one value a call. */
export async function findSpaceByKey(as: Requester, key: string): Promise<SpaceRecord | null> {
  const operation = 'spaces by key';
  for (const status of ['current', 'archived', 'trashed']) {
    const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces?keys=${key}&status=${status}&limit=1`));
    const { results } = await readJson(operation, response, z.object({ results: z.array(Space) }));
    if (results[0]) return toSpace(results[0]);
  }
  return null;
}

const SpacePage = z.object({ results: z.array(Space), _links: z.object({ next: z.string().optional() }) });

/** A page of current personal spaces that the app may see. `next` is the path of the next page. */
export async function listPersonalSpaces(next: string | null, limit: number): Promise<{ spaces: SpaceRecord[]; next: string | null }> {
  const operation = 'spaces';
  const response = await ask(operation, () =>
    next === null
      ? asApp().requestConfluence(route`/wiki/api/v2/spaces?type=personal&status=current&limit=${limit}`)
      : asApp().requestConfluence(assumeTrustedRoute(next)),
  );
  const page = await readJson(operation, response, SpacePage);
  return { spaces: page.results.map(toSpace), next: page._links.next ?? null };
}

const V1Space = z.object({
  id: z.number(),
  key: z.string(),
  type: z.string(),
  status: z.string(),
  _expandable: z.object({ homepage: z.string().optional() }).optional(),
});

/** Archive and restore. That v1 takes `status` here is in its schema, not in its prose: unverified. */
export async function setSpaceStatus(spaceKey: string, status: 'current' | 'archived'): Promise<void> {
  const operation = 'space status';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/space/${spaceKey}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ status }),
    }),
  );
  const space = await readJson(operation, response, V1Space);
  if (space.status !== status) throw new ConfluenceError(operation, 502, `the space is still ${space.status}`, null);
}

// --- making a personal space -----------------------------------------------------------------------

export interface NewPersonalSpace {
  accountId: string;
  key: string;
  name: string;
}

export type Creation =
  | { kind: 'made'; spaceId: string; type: string; homepageId: string | null }
  /** 400 that may mean "the key is taken". */
  | { kind: 'refused'; status: number; detail: string };

function creationOf(space: z.infer<typeof V1Space>): Creation {
  const homepageId = /\/content\/(\d+)$/.exec(space._expandable?.homepage ?? '')?.[1] ?? null;
  return { kind: 'made', spaceId: String(space.id), type: space.type, homepageId };
}

/** A refusal is an answer; rate limits, failures and missing scopes are errors. */
async function creationAnswer(operation: string, response: APIResponse): Promise<Creation> {
  if (response.ok) return creationOf(await readJson(operation, response, V1Space));
  const error = await failure(operation, response);
  if (error.isTransient || error.status === 401) throw error;
  return { kind: 'refused', status: error.status, detail: error.detail };
}

/** v1 `_private`: only the creator may see it. */
export async function createByPrivateCall(as: Requester, space: NewPersonalSpace): Promise<Creation> {
  const operation = 'create private space';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/rest/api/space/_private`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: space.key, name: space.name }),
    }),
  );
  return creationAnswer(operation, response);
}

const OWNER_OPERATIONS: readonly [operation: string, targetType: string][] = [
  ['read', 'space'],
  ['administer', 'space'],
  ['export', 'space'],
  ...['page', 'blogpost', 'comment', 'attachment'].flatMap((type): [string, string][] => [
    ['create', type],
    ['delete', type],
  ]),
];

/** v1 with a permission list: the owner alone holds everything. */
export async function createByPermissionList(as: Requester, space: NewPersonalSpace): Promise<Creation> {
  const operation = 'create space with permissions';
  const subjects = { user: { results: [{ type: 'known', accountId: space.accountId }], size: 1 } };
  const permissions = OWNER_OPERATIONS.map(([name, targetType]) => ({
    subjects,
    operation: { operation: name, targetType },
    anonymousAccess: false,
    unlicensedAccess: false,
  }));
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/rest/api/space`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: space.key, name: space.name, permissions }),
    }),
  );
  return creationAnswer(operation, response);
}

const CREATE_SPACE = `mutation($cloudId: ID!, $input: ConfluenceCreateSpaceInput!) { confluence { createSpace(cloudId: $cloudId, input: $input) { success errors { message } space { spaceId type } } } }`;
const GraphAnswer = z.object({
  data: z
    .object({
      confluence: z
        .object({
          createSpace: z
            .object({
              success: z.boolean(),
              errors: z.array(z.object({ message: z.string().nullish() })).nullish(),
              space: z.object({ spaceId: z.string(), type: z.string().nullish() }).nullish(),
            })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string() })).nullish(),
});

/** GraphQL beta: makes an open space, to be closed right after. */
export async function createByGraph(as: Requester, cloudId: string, space: NewPersonalSpace): Promise<Creation> {
  const operation = 'GraphQL createSpace';
  const response = await ask(operation, () =>
    as.requestGraph(
      CREATE_SPACE,
      { cloudId, input: { key: space.key, name: space.name, type: 'PERSONAL' } },
      { 'X-ExperimentalApi': 'confluence-agg-beta' },
    ),
  );
  const answer = await readJson(operation, response, GraphAnswer);
  const result = answer.data?.confluence?.createSpace;
  if (result?.success && result.space) {
    return { kind: 'made', spaceId: result.space.spaceId, type: (result.space.type ?? 'unknown').toLowerCase(), homepageId: null };
  }
  const detail = [...(result?.errors ?? []), ...(answer.errors ?? [])].map((e) => e.message).join('; ');
  return { kind: 'refused', status: 200, detail };
}

/** Deletes a space for good. Only for one that this very run made and nobody has touched. */
export async function deleteSpace(as: Requester, spaceKey: string): Promise<void> {
  const operation = 'delete space';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/rest/api/space/${spaceKey}`, { method: 'DELETE' }));
  if (!response.ok) throw await failure(operation, response);
}

export type RoleMode = 'PRE_ROLES' | 'ROLES_TRANSITION' | 'ROLES';

/** Sites without the new roles may not know the call at all. */
const NO_ROLES_STATUSES = [400, 403, 404, 405, 501];

export async function readRoleMode(): Promise<RoleMode> {
  const operation = 'space-role-mode';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/api/v2/space-role-mode`));
  if (NO_ROLES_STATUSES.includes(response.status)) return 'PRE_ROLES';
  const { mode } = await readJson(operation, response, z.object({ mode: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']) }));
  return mode;
}

const NextLink = z.object({ next: z.string().optional() }).optional();
const Permissions = z.object({
  results: z.array(z.object({ principal: z.object({ type: z.string(), id: z.string() }) })),
  _links: NextLink,
});
const Assignments = z.object({
  results: z.array(z.object({ principal: z.object({ principalType: z.string(), principalId: z.string() }) })),
  _links: NextLink,
});
/** Pages read of one space's permissions; a personal space has a few hundred rows. */
const MAX_ACCESS_PAGES = 8;

/** The app's own account, which Confluence may add to a space by itself. */
async function readOwnAccountId(): Promise<string> {
  return (await readCurrentUser(asApp())).accountId;
}

/**
 * Whether anybody but the owner and the app holds a permission in the space; null when that cannot be
 * told. Dear (2 points a row): for doubtful cases only.
 */
export async function hasOtherReaders(as: Requester, spaceId: string, ownerId: string): Promise<boolean | null> {
  const operation = 'space permissions';
  const own = await readOwnAccountId();
  let next: string | null = null;
  for (let page = 0; page < MAX_ACCESS_PAGES; page += 1) {
    const path: string | null = next;
    const response = await ask(operation, () =>
      path === null
        ? as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/permissions?limit=250`)
        : as.requestConfluence(assumeTrustedRoute(path)),
    );
    const { results, _links } = await readJson(operation, response, Permissions);
    if (results.some(({ principal }) => !(principal.type === 'user' && (principal.id === ownerId || principal.id === own)))) return true;
    if (_links?.next === undefined) return false;
    next = _links.next;
  }
  return null;
}

/** Takes every role in the space from everyone but the owner and the app. Only on sites with roles. */
export async function closeToAllButOwner(as: Requester, spaceId: string, ownerId: string): Promise<void> {
  const operation = 'role assignments';
  const own = await readOwnAccountId();
  const others: z.infer<typeof Assignments>['results'] = [];
  let next: string | null = null;
  for (let page = 0; page < MAX_ACCESS_PAGES; page += 1) {
    const path: string | null = next;
    const listed = await ask(operation, () =>
      path === null
        ? as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/role-assignments?limit=250`)
        : as.requestConfluence(assumeTrustedRoute(path)),
    );
    const { results, _links } = await readJson(operation, listed, Assignments);
    const keeps = (r: (typeof results)[number]): boolean =>
      r.principal.principalType === 'USER' && (r.principal.principalId === ownerId || r.principal.principalId === own);
    others.push(...results.filter((r) => !keeps(r)));
    if (_links?.next === undefined) break;
    next = _links.next;
  }
  if (others.length === 0) return;
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/role-assignments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(others.map(({ principal }) => ({ principal }))),
    }),
  );
  if (!response.ok) throw await failure(operation, response);
}

// --- pages -----------------------------------------------------------------------------------------

const Page = z.object({
  id: z.string(),
  title: z.string(),
  status: z.string(),
  version: z.object({ number: z.number(), createdAt: z.string(), message: z.string().nullish() }),
});
export type Page = z.infer<typeof Page>;

export async function readPage(as: Requester, pageId: string): Promise<Page | null> {
  const operation = 'page';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/pages/${pageId}`));
  if (response.status === 404) return null;
  return readJson(operation, response, Page);
}

/**
 * `refused`: Confluence did not take it: somebody changed the page since it was read (a stale version
 * answers 409, or 400), or it does not take this body, or not from this person.
 */
export async function writePageBody(as: Requester, page: Page, body: string, message: string): Promise<'written' | 'refused'> {
  const operation = 'write page';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/pages/${page.id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        id: page.id,
        status: 'current',
        title: page.title,
        body: { representation: 'storage', value: body },
        version: { number: page.version.number + 1, message },
      }),
    }),
  );
  if (response.ok) return 'written';
  const error = await failure(operation, response);
  if (error.isTransient || error.status === 401) throw error;
  return 'refused';
}

const Dated = z.object({ results: z.array(z.object({ version: z.object({ createdAt: z.string() }) })) });

/** null: there is none, or its date cannot be read. */
function newestOf(answer: z.infer<typeof Dated>): number | null {
  const at = Date.parse(answer.results[0]?.version.createdAt ?? '');
  return Number.isNaN(at) ? null : at;
}

/**
 * Time (ms) of the newest change of a page or blog post in the space. By id, so current. null when no
 * page can be seen: every space has a homepage, so what is invisible is unknown, not unused.
 */
export async function readNewestChange(spaceId: string): Promise<number | null> {
  const pages = await ask('newest page', () =>
    asApp().requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/pages?sort=-modified-date&limit=1`),
  );
  const page = newestOf(await readJson('newest page', pages, Dated));
  if (page === null) return null;
  const posts = await ask('newest blog post', () =>
    asApp().requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/blogposts?sort=-modified-date&limit=1`),
  );
  const answer = await readJson('newest blog post', posts, Dated);
  if (answer.results.length === 0) return page;
  const post = newestOf(answer);
  return post === null ? null : Math.max(page, post);
}

const SearchHit = z.object({ resultGlobalContainer: z.object({ displayUrl: z.string() }) });
const SearchPage = z.object({ results: z.array(SearchHit), _links: z.object({ next: z.string().optional() }).optional() });

/** Every kind of item that counts as a change in a space. */
const ACTIVITY_TYPES = 'page,blogpost,comment,attachment,whiteboard,database';
/** CQL dates are to the minute in the caller's time zone, which the app cannot read: one day of margin keeps more, never less. */
const TIME_ZONE_MARGIN_MS = 86_400_000;

/**
 * Keys of those of `keys` in which something changed since `since` (ms), newest first, at most `limit`
 * hits; `complete` when there were no more. The index lags: re-check by id before acting.
 */
export async function searchActive(
  keys: string[],
  since: number,
  limit: number,
): Promise<{ active: Set<string>; complete: boolean; hits: number }> {
  const operation = 'search';
  const day = new Date(since - TIME_ZONE_MARGIN_MS).toISOString().slice(0, 16).replace('T', ' ');
  const quoted = keys.map((key) => `"${key}"`).join(',');
  const cql = `space in (${quoted}) and type in (${ACTIVITY_TYPES}) and lastmodified >= "${day}" order by lastmodified desc`;
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/search?cql=${cql}&limit=${limit}&excerpt=none`),
  );
  const { results, _links } = await readJson(operation, response, SearchPage);
  const active = new Set(results.map((hit) => decodeURIComponent(hit.resultGlobalContainer.displayUrl.replace(/^\/spaces\//, ''))));
  return { active, complete: _links?.next === undefined, hits: results.length };
}

// --- templates -------------------------------------------------------------------------------------

const Template = z.object({
  templateId: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  body: z.object({ storage: z.object({ value: z.string() }) }).optional(),
});

export interface PageTemplate {
  id: string;
  name: string;
  description: string;
}

/** The site's global page templates, at most 200. */
export async function listTemplates(): Promise<PageTemplate[]> {
  const operation = 'templates';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/template/page?limit=200`));
  const { results } = await readJson(operation, response, z.object({ results: z.array(Template) }));
  return results.map((t) => ({ id: t.templateId, name: t.name, description: t.description ?? '' }));
}

/** Storage format of a template; null when it is gone or hidden (Confluence answers 403 for both). */
export async function readTemplateBody(templateId: string): Promise<string | null> {
  const operation = 'template';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/template/${templateId}`));
  if (response.status === 403 || response.status === 404) return null;
  return (await readJson(operation, response, Template)).body?.storage.value ?? null;
}

// --- notices: user properties, read by the background script's display condition ---------------------

/** The property that manifest.yml's display condition names. */
const NOTICE_PROPERTY = 'homestead-notice';

/** Makes the background script load for this person. Idempotent. */
export async function raiseNotice(accountId: string): Promise<void> {
  const operation = 'raise notice';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user/${accountId}/property/${NOTICE_PROPERTY}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ value: { pending: 'true' } }),
    }),
  );
  if (response.status === 409) return;
  if (!response.ok) throw await failure(operation, response);
}

/** Stops the background script from loading for this person. Idempotent. */
export async function clearNotice(accountId: string): Promise<void> {
  const operation = 'clear notice';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user/${accountId}/property/${NOTICE_PROPERTY}`, { method: 'DELETE' }),
  );
  if (response.status === 404) return;
  if (!response.ok) throw await failure(operation, response);
}

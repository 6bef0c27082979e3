/** What all REST operations share: their input and output, and Confluence's two error formats. */
import type { z } from 'zod';
import { type Caller, canUseConfluence } from './access';
import type { ConfluenceSite } from './site';

export const V1 = '/wiki/rest/api';
export const V2 = '/wiki/api/v2';

export interface Call {
  site: ConfluenceSite;
  caller: Caller;
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  headers: Headers;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** What a GET returned, for its points: +1 per core object, +2 per identity or access object. */
  returned?: { objects?: number; identities?: number };
  /** Set on a POST that only reads and is charged as a read (V14). */
  costsAsRead?: boolean;
}

export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `:name` marks a parameter. */
  path: string;
  /** Sets of scopes; holding all of any one set is enough. */
  scopes: readonly (readonly string[])[];
  /** Only for the app itself, without impersonation. */
  appOnly?: boolean;
  closedToApps?: boolean;
  /** The query parameters that are modeled; any other is answered with 501. */
  query?: readonly string[];
  handle(call: Call): Reply;
}

export type Family = 'v1' | 'v2';

export function familyOf(path: string): Family {
  return path.startsWith('/wiki/api/v2') ? 'v2' : 'v1';
}

const V2_CODES: Record<number, [code: string, title: string]> = {
  400: ['INVALID_REQUEST_PARAMETER', 'Bad Request'],
  401: ['UNAUTHORIZED', 'Unauthorized'],
  403: ['FORBIDDEN', 'Forbidden'],
  404: ['NOT_FOUND', 'Not Found'],
  409: ['CONFLICT', 'Conflict'],
  413: ['PAYLOAD_TOO_LARGE', 'Payload Too Large'],
};

const V1_EXCEPTIONS: Record<number, string> = {
  400: 'com.atlassian.confluence.api.service.exceptions.BadRequestException: ',
  403: 'com.atlassian.confluence.api.service.exceptions.PermissionException: ',
  404: 'com.atlassian.confluence.api.service.exceptions.NotFoundException: ',
};

/** A refusal, in the format of the API that was called. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  reply(family: Family): Reply {
    return { status: this.status, body: errorBody(family, this.status, this.message) };
  }
}

/** Something that a real site has and this one does not. It is answered with 501 and recorded, never guessed. */
export class NotModelled extends Error {}

export function errorBody(family: Family, status: number, message: string): unknown {
  if (family === 'v2') {
    const [code, title] = V2_CODES[status] ?? ['INTERNAL_SERVER_ERROR', 'Error'];
    return { errors: [{ status, code, title, detail: message || null }] };
  }
  return {
    statusCode: status,
    data: {
      authorized: status !== 401 && status !== 403,
      valid: status !== 400,
      errors: [{ message: { translation: message, args: [] } }],
      successful: false,
    },
    message: `${V1_EXCEPTIONS[status] ?? ''}${message}`,
  };
}

/**
 * Parses a request body. The schema must be built from strict objects.
 * @throws NotModelled for a field that is not in the schema, because a real site may know it
 * @throws Refusal 400 for anything else that does not fit
 */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') throw new NotModelled(`body field ${[...issue.path, issue.keys[0]].join('.')}`);
  }
  const issue = result.error.issues[0];
  throw new Refusal(400, `Invalid value for '${issue?.path.join('.') ?? ''}': ${issue?.message ?? 'not readable'}`);
}

/** @throws Refusal 403, worded as in v1 */
export function requireUse(call: Call): void {
  if (!canUseConfluence(call.site.state, call.caller)) throw new Refusal(403, 'not permitted to use Confluence');
}

export const iso = (at: number): string => new Date(at).toISOString();

/** `_links` of a v2 object. */
export const baseLinks = (call: Call): Record<string, string> => ({ base: `${call.site.baseUrl}/wiki` });

/** `_links` of a v1 object; `self` is a path below `/wiki`. */
export const linksOf = (call: Call, self?: string): Record<string, string> => ({
  ...(self ? { self: `${call.site.baseUrl}/wiki${self}` } : {}),
  base: `${call.site.baseUrl}/wiki`,
  context: '/wiki',
});

/**
 * Checks a value against the ones that Atlassian documents.
 * @param documentedToo values that are documented but not modeled
 * @throws Refusal 400 for a value that is not documented
 * @throws NotModelled
 */
export function requireKnown(name: string, value: string, modeled: readonly string[], documentedToo: readonly string[] = []): string {
  if (modeled.includes(value)) return value;
  if (documentedToo.includes(value)) throw new NotModelled(`${name}=${value}`);
  throw new Refusal(400, `Invalid value '${value}' for '${name}'`);
}

/** A value from a closed list, or null. @throws like `requireKnown` */
export function oneOf(
  query: URLSearchParams,
  name: string,
  modeled: readonly string[],
  documentedToo: readonly string[] = [],
): string | null {
  const value = query.get(name);
  return value === null ? null : requireKnown(name, value, modeled, documentedToo);
}

/** @throws Refusal 400 for anything but true and false */
export function flag(query: URLSearchParams, name: string): boolean {
  return oneOf(query, name, ['true', 'false']) === 'true';
}

/** The values of `expand` in a v1 request. @throws like `requireKnown` */
export function expansions(query: URLSearchParams, modeled: readonly string[]): string[] {
  return (listParam(query, 'expand', modeled.length) ?? []).map((value) => requireKnown('expand', value, modeled));
}

/** A whole number in a query, or the default. @throws Refusal 400 */
export function intParam(
  query: URLSearchParams,
  name: string,
  fallback: number,
  max: number,
  whenOver: 'refuse' | 'cap' = 'refuse',
): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Refusal(400, `'${name}' must be a whole number`);
  if (value > max) {
    if (whenOver === 'cap') return max;
    throw new Refusal(400, `'${name}' must be at most ${max}`);
  }
  return value;
}

/** Comma-separated or repeated ids. @throws Refusal 400 */
export function idsParam(query: URLSearchParams, name: string, max: number): number[] | null {
  const texts = listParam(query, name, max);
  const wrong = texts?.find((text) => !/^\d+$/.test(text));
  if (wrong !== undefined) throw new Refusal(400, `'${name}' takes whole numbers, not '${wrong}'`);
  return texts?.map(Number) ?? null;
}

/** Comma-separated or repeated values, or null if the parameter is absent. @throws Refusal 400 for too many */
export function listParam(query: URLSearchParams, name: string, max: number): string[] | null {
  const raw = query
    .getAll(name)
    .flatMap((v) => v.split(','))
    .map((v) => v.trim());
  const values = raw.filter((v) => v !== '');
  if (!query.has(name)) return null;
  if (values.length > max) throw new Refusal(400, `'${name}' takes at most ${max} values`);
  return values;
}

/** @throws Refusal 404 for anything that is not an id, because Confluence does not reveal what exists */
export function idParam(call: Call, name: string): number {
  const value = Number(call.params[name]);
  if (!Number.isSafeInteger(value) || value <= 0) throw new Refusal(404, 'Not found');
  return value;
}

const encodeCursor = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function decodeCursor(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw new Refusal(400, 'Invalid cursor');
  }
}

/**
 * A v2 page: walks `items` from the cursor, keeps what `accept` accepts, and links to the next page in
 * the body and the `Link` header. The order of `items` must be stable between calls. The cursor is the
 * index of the last item seen or, with `idOf`, its id, which survives insertions and removals.
 */
export function pageV2<T>(
  call: Call,
  items: readonly T[],
  options: { accept?: (item: T) => boolean; idOf?: (item: T) => number; default?: number; max?: number },
): { items: T[]; links: Record<string, string>; headers: Record<string, string> } {
  const limit = intParam(call.query, 'limit', options.default ?? 25, options.max ?? 250);
  if (limit < 1) throw new Refusal(400, "'limit' must be at least 1");
  const cursorText = call.query.get('cursor');
  const cursor = cursorText === null ? null : decodeCursor(cursorText);
  if (cursor !== null && typeof cursor !== 'number') throw new Refusal(400, 'Invalid cursor');
  let start = 0;
  if (cursor !== null) start = options.idOf ? firstAfter(items, cursor, options.idOf) : cursor + 1;
  const taken: T[] = [];
  let last: number | null = null;
  let more = false;
  for (let i = start; i < items.length; i += 1) {
    const item = items[i] as T;
    if (options.accept && !options.accept(item)) continue;
    if (taken.length === limit) {
      more = true;
      break;
    }
    taken.push(item);
    last = options.idOf ? options.idOf(item) : i;
  }
  const base = `${call.site.baseUrl}/wiki`;
  const links: Record<string, string> = { base };
  const headers: Record<string, string> = {};
  if (more) {
    const query = new URLSearchParams(call.query);
    query.set('cursor', encodeCursor(last));
    links.next = `${call.site.currentPath}?${query}`;
    headers.link = `<${links.next}>; rel="next", <${base}>; rel="base"`;
  }
  return { items: taken, links, headers };
}

function firstAfter<T>(items: readonly T[], id: number, idOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (idOf(items[middle] as T) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A v1 page by `start` and `limit`. */
export function pageV1<T>(
  call: Call,
  all: Iterable<T> & { length?: number; size?: number },
  options: { default: number; max: number; whenOver?: 'refuse' | 'cap' },
): { results: T[]; envelope: Record<string, unknown>; total: number | undefined } {
  const start = intParam(call.query, 'start', 0, Number.MAX_SAFE_INTEGER);
  const limit = intParam(call.query, 'limit', options.default, options.max, options.whenOver ?? 'cap');
  const results: T[] = [];
  let index = 0;
  let more = false;
  for (const item of all) {
    if (index >= start) {
      if (results.length === limit) {
        more = true;
        break;
      }
      results.push(item);
    }
    index += 1;
  }
  const links: Record<string, string> = { base: `${call.site.baseUrl}/wiki`, context: '/wiki' };
  if (more) {
    const query = new URLSearchParams(call.query);
    query.set('start', String(start + results.length));
    query.set('limit', String(limit));
    links.next = `${call.site.currentPath.replace(/^\/wiki/, '')}?${query}`;
  }
  return { results, envelope: { start, limit, size: results.length, _links: links }, total: all.length ?? all.size };
}

/** A page of search results: by cursor and `_links.next` only, with no way to compute `start`. */
export function pageSearch<T>(call: Call, all: readonly T[], limit: number): { results: T[]; start: number; next: string | undefined } {
  const cursorText = call.query.get('cursor');
  const cursor = cursorText === null ? 0 : decodeCursor(cursorText);
  if (typeof cursor !== 'number') throw new Refusal(400, 'Invalid cursor');
  const results = all.slice(cursor, cursor + limit);
  const after = cursor + results.length;
  if (after >= all.length) return { results, start: cursor, next: undefined };
  const query = new URLSearchParams(call.query);
  query.set('cursor', encodeCursor(after));
  return { results, start: cursor, next: `${call.site.currentPath.replace(/^\/wiki/, '')}?${query}` };
}

/**
 * Confluence itself: routes a REST or GraphQL request to its operation, counts points, and sends events.
 * It knows callers and permissions, but nothing about the Forge platform except `onEvent`.
 */
import { TrieRouter } from 'hono/router/trie-router';
import type { Clock } from '../clock';
import type { SiteSettings } from '../settings';
import { type Caller, canUseConfluence } from './access';
import { contentEvents, peopleEvents } from './activity';
import { graphql } from './graphql';
import { errorBody, familyOf, NotModelled, type Operation, Refusal, type Reply } from './operation';
import { operations } from './rest/operations';
import { ConfluenceState, SITE } from './state';

export interface ProductRequest {
  method: string;
  /** Path and query, from `/wiki/...` or `/graphql`. */
  url: string;
  headers: Headers;
  body: string | undefined;
}

export interface ProductAnswer extends Reply {
  /** The operation's path pattern, or null if the call is not modeled. */
  route: string | null;
  points: number;
}

const router = new TrieRouter<Operation>();
for (const operation of operations) router.add(operation.method, operation.path, operation);

/** OpenAPI v2: creating something over 5 MB is answered with 413. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

export class ConfluenceSite {
  readonly state: ConfluenceState;
  /** The origin in every absolute link. The HTTP server sets it to its own address. */
  baseUrl: string = SITE.baseUrl;
  /** Path of the current request. Operations are synchronous, so there is only one at a time. */
  currentPath = '';
  onEvent: (event: Record<string, unknown>) => void = () => {};
  /** Called with every request and its answer. Tests check both against Atlassian's API documents. */
  onAnswer: (request: ProductRequest, answer: ProductAnswer) => void = () => {};
  readonly tell: ReturnType<typeof contentEvents> & ReturnType<typeof peopleEvents>;

  constructor(
    readonly clock: Clock,
    readonly settings: SiteSettings,
  ) {
    this.state = new ConfluenceState(clock, settings);
    this.tell = { ...contentEvents(this), ...peopleEvents(this) };
  }

  /** The operation that a request would reach, with its parameters. */
  find(method: string, path: string): { operation: Operation; params: Record<string, string> } | null {
    const [matches] = router.match(method, path);
    const match = matches[0];
    if (!match) return null;
    const params: Record<string, string> = {};
    try {
      for (const [name, value] of Object.entries(match[1])) params[name] = decodeURIComponent(String(value));
    } catch {
      return null;
    }
    return { operation: match[0] as Operation, params };
  }

  async request(caller: Caller, request: ProductRequest): Promise<ProductAnswer> {
    const answer = await this.answer(caller, request);
    this.onAnswer(request, answer);
    return answer;
  }

  private async answer(caller: Caller, request: ProductRequest): Promise<ProductAnswer> {
    const url = new URL(request.url, SITE.baseUrl);
    if (url.pathname === '/graphql' || url.pathname === '/gateway/api/graphql') {
      return graphql(this, caller, request);
    }
    const found = this.find(request.method, url.pathname);
    if (!found) return notModelled(request.method, url.pathname);
    const family = familyOf(url.pathname);
    const answer = (reply: Reply): ProductAnswer => ({
      ...reply,
      route: found.operation.path,
      points: pointsOf(request.method, reply),
    });
    if (caller.kind === 'anonymous') return answer({ status: 401, body: errorBody(family, 401, 'Login required') });
    const unknown = [...url.searchParams.keys()].find((name) => !(found.operation.query ?? []).includes(name));
    if (unknown !== undefined) return notModelled(request.method, `${url.pathname}?${unknown}`);
    if (caller.kind === 'person' && !canUseConfluence(this.state, caller)) {
      const status = family === 'v2' ? 404 : 403;
      return answer({ status, body: errorBody(family, status, 'not permitted to use Confluence') });
    }
    if (found.operation.appOnly && caller.kind !== 'app') {
      const status = caller.viaApp ? 403 : 401;
      return answer({ status, body: errorBody(family, status, 'Only for Forge apps') });
    }
    if (request.body && Buffer.byteLength(request.body) > MAX_BODY_BYTES) {
      return answer({ status: 413, body: errorBody(family, 413, 'Request body too large') });
    }
    let body: unknown;
    if (request.body) {
      try {
        body = JSON.parse(request.body);
      } catch {
        return answer({ status: 400, body: errorBody(family, 400, 'Request body is not JSON') });
      }
    }
    this.currentPath = url.pathname;
    try {
      return answer(
        found.operation.handle({ site: this, caller, params: found.params, query: url.searchParams, body, headers: request.headers }),
      );
    } catch (error) {
      if (error instanceof NotModelled) return notModelled(request.method, `${url.pathname} (${error.message})`);
      if (error instanceof Refusal) return answer(error.reply(family));
      throw error;
    }
  }
}

/** Writes cost 1. Reads cost 1, plus 1 per core object and 2 per identity object returned (Atlassian: Rate limiting). */
function pointsOf(method: string, reply: Reply): number {
  const isRead = method === 'GET' || reply.costsAsRead;
  if (!isRead || reply.status >= 400) return 1;
  return 1 + (reply.returned?.objects ?? 0) + 2 * (reply.returned?.identities ?? 0);
}

export function notModelled(method: string, path: string): ProductAnswer {
  return { status: 501, body: { message: `not modelled: ${method} ${path}` }, route: null, points: 0 };
}

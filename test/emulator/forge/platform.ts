/**
 * The Forge platform around the app: starts invocations, answers `__forge_fetch__` (scopes,
 * impersonation, points, faults, dead tokens), delivers events, queue messages and schedules.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, durationMs } from '../clock';
import { type Caller, canUseConfluence } from '../confluence/access';
import { graphqlScopes } from '../confluence/graphql';
import type { ConfluenceSite, ProductAnswer, ProductRequest } from '../confluence/site';
import { type Person, SITE } from '../confluence/state';
import type { Faults } from '../faults';
import type { SiteSettings } from '../settings';
import { countInvocation, countRest, type Usage } from '../usage';
import { evaluateFilter } from './expressions';
import { Kvs } from './kvs';
import { impersonationScopesOf, type Manifest, scopesOf } from './manifest';
import { type Outcome, Queues, type RetryOptions } from './queue';
import { coldStart, type FetchTarget, Invocation, type ModuleKind, type PlatformSeam, runInside } from './runtime';

/** Limits: Forge docs, Invocation limits. */
const RESOLVER_TIMEOUT_S = 25;
const BACKGROUND_TIMEOUT_S = 55;
const IMPERSONATIONS_PER_MINUTE = 1_000;
const MAX_EVENT_BYTES = 200_000;
const MAX_EVENT_RETRIES = 4;
const MAX_RETRY_AFTER_S = 900;
/** Product events whose invocation the platform had to stop: back-off is not published, exponential is assumed. */
const FIRST_REDELIVERY_MS = 60_000;
const MAX_FRONTEND_REQUEST_BYTES = 500 * 1024;
const FIRST_SCHEDULE_MS = 5 * 60_000;
const INTERVAL_MS = { fiveMinute: 5 * 60_000, hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };
const NEAR_LIMIT = 0.8;

export const APP_VERSION = '1.0.0';
const ENVIRONMENT_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const INSTALLATION_ID = '550e8400-e29b-41d4-a716-446655440000';
const SITE_ARI = `ari:cloud:confluence::site/${SITE.cloudId}`;

export class ForgePlatform implements PlatformSeam {
  readonly kvs: Kvs;
  readonly queues: Queues;
  /** Called before each platform call of any invocation; tests use it to interfere at a known point. */
  beforeCall: (invocation: Invocation, call: string) => void | Promise<void> = () => {};
  log: (line: string) => void = () => {};
  private handlers: ReturnType<typeof coldStart> | undefined;
  private readonly scopes: Set<string>;
  private readonly impersonationScopes: Set<string>;
  private hour = '';
  private pointsThisHour = 0;
  private minute = -1;
  private impersonationsThisMinute = new Set<string>();

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly confluence: ConfluenceSite,
    readonly manifest: Manifest,
    private readonly bundlePath: string,
    private readonly faults: Faults,
    private readonly usage: () => Usage,
  ) {
    this.scopes = scopesOf(manifest);
    this.impersonationScopes = impersonationScopesOf(manifest);
    this.kvs = new Kvs(clock, settings, manifest.app.storage?.entities ?? []);
    this.queues = new Queues(
      clock,
      (name) => {
        const consumer = manifest.modules.consumer.find((c) => c.queue === name);
        return consumer && (manifest.modules.function.find((f) => f.key === consumer.function)?.timeoutSeconds ?? BACKGROUND_TIMEOUT_S);
      },
      (event) => {
        const consumer = manifest.modules.consumer.find((c) => c.queue === event.queueName);
        if (!consumer) throw new Error(`no consumer for ${event.queueName}`);
        const { queueName, jobId, eventId, body, retryContext, delayInSeconds, concurrency } = event;
        return this.runBackground('consumer', consumer.key, consumer.function, {
          queueName,
          jobId,
          eventId,
          body,
          ...(delayInSeconds === undefined ? {} : { delayInSeconds }),
          ...(concurrency ? { concurrency } : {}),
          ...(retryContext ? { retryContext } : {}),
        });
      },
      usage,
    );
    confluence.onEvent = (event) => this.publish(event);
  }

  private isInstalled = false;

  /** Starts the schedules and tells the app that it is installed; before that, nothing reaches it. */
  install(): void {
    this.isInstalled = true;
    for (const schedule of this.manifest.modules.scheduledTrigger) this.arm(schedule, FIRST_SCHEDULE_MS);
    this.publish({ eventType: 'avi:forge:installed:app', id: INSTALLATION_ID, app: { id: this.manifest.app.id, version: APP_VERSION } });
  }

  /** The next invocation starts in a fresh process, with nothing remembered. */
  restart(): void {
    this.handlers = undefined;
  }

  // --- invocations -------------------------------------------------------------------------------

  /** What the front end's `invoke` does. @throws what the resolver throws, as the bridge would. */
  async invokeResolver(
    moduleKey: string,
    functionKey: string,
    payload: unknown,
    accountId: string | null,
    frontEndContext: Record<string, unknown> = {},
  ): Promise<unknown> {
    if (!this.isInstalled) throw new Error('The app is not installed');
    this.usage().frontend.requests += 1;
    if (Buffer.byteLength(JSON.stringify(payload ?? null)) > MAX_FRONTEND_REQUEST_BYTES) throw new Error('The payload is over 500 KB');
    const module = [
      ...this.manifest.modules['confluence:globalSettings'],
      ...this.manifest.modules['confluence:globalPage'],
      ...this.manifest.modules['confluence:backgroundScript'],
    ].find((m) => m.key === moduleKey);
    if (!module?.resolver) throw new Error(`no module '${moduleKey}' with a resolver`);
    const invocation = this.begin('resolver', moduleKey, module.resolver.function, accountId, RESOLVER_TIMEOUT_S);
    const outcome = await this.run(
      invocation,
      {
        call: { functionKey, payload, jobId: randomUUID() },
        context: { cloudId: SITE.cloudId, moduleKey, siteUrl: SITE.baseUrl, ...frontEndContext },
      },
      { ...this.contextOf(), ...(accountId === null ? {} : { principal: { accountId } }) },
    );
    if (outcome.kind === 'killed') throw new Error('The function did not answer in time');
    if (outcome.kind === 'error') throw outcome.error;
    // Across the bridge only JSON survives, and an undefined result arrives as {}.
    return outcome.result === undefined ? {} : JSON.parse(JSON.stringify(outcome.result));
  }

  private async runBackground(
    kind: Exclude<ModuleKind, 'resolver'>,
    moduleKey: string,
    functionKey: string,
    payload: unknown,
  ): Promise<Outcome> {
    const declared = this.manifest.modules.function.find((f) => f.key === functionKey)?.timeoutSeconds;
    const timeout = kind === 'trigger' ? RESOLVER_TIMEOUT_S : (declared ?? BACKGROUND_TIMEOUT_S);
    const invocation = this.begin(kind, moduleKey, functionKey, null, timeout);
    const outcome = await this.run(invocation, payload, this.contextOf());
    if (outcome.kind === 'killed') return { kind: 'killed' };
    if (outcome.kind === 'error') return { kind: 'error', message: String(outcome.error) };
    const result = outcome.result as { _retry?: boolean; retryOptions?: RetryOptions } | null | undefined;
    if (result?._retry === true) {
      countInvocation(this.usage(), `${kind}:${moduleKey}`, 'retries');
      return { kind: 'retry', options: result.retryOptions ?? {} };
    }
    return { kind: 'ok' };
  }

  /** Runs a background function with this payload now, as if the platform had called it. */
  runFunction(kind: Exclude<ModuleKind, 'resolver'>, functionKey: string, payload: unknown): Promise<Outcome> {
    return this.runBackground(kind, functionKey, functionKey, payload);
  }

  private begin(kind: ModuleKind, moduleKey: string, functionKey: string, accountId: string | null, timeoutSeconds: number): Invocation {
    countInvocation(this.usage(), `${kind}:${moduleKey}`, 'count');
    return new Invocation(kind, moduleKey, functionKey, accountId, timeoutSeconds * 1000, this.clock, this);
  }

  private async run(
    invocation: Invocation,
    payload: unknown,
    context: unknown,
  ): Promise<{ kind: 'ok'; result: unknown } | { kind: 'error'; error: unknown } | { kind: 'killed' }> {
    const declared = this.manifest.modules.function.find((f) => f.key === invocation.functionKey);
    const start = async (): Promise<unknown> => {
      this.handlers ??= coldStart(this.bundlePath, this.clock);
      const handler = this.handlers[declared?.handler.split('.')[1] ?? ''];
      if (!handler) throw new Error(`manifest.yml names handler '${declared?.handler}', which the bundle does not export`);
      return handler(structuredClone(payload), structuredClone(context));
    };
    const id = `${invocation.kind}:${invocation.moduleKey}`;
    const answered = runInside(invocation, start).then(
      (result) => ({ kind: 'ok' as const, result }),
      (error: unknown) => ({ kind: 'error' as const, error }),
    );
    // A handler that waits for nothing the site knows of would keep the clock waiting: the wall clock ends it.
    const deadline = setTimeout(() => invocation.kill(), invocation.timeoutMs);
    const outcome = await Promise.race([answered, invocation.stopped]);
    clearTimeout(deadline);
    if (outcome === 'killed') {
      countInvocation(this.usage(), id, 'killed');
      this.log(`${id} stopped after ${invocation.calls} calls`);
      // The process is gone, and with it whatever it remembered.
      this.restart();
      return { kind: 'killed' };
    }
    invocation.state = 'ended';
    if (outcome.kind === 'error') {
      countInvocation(this.usage(), id, 'errors');
      this.log(`${id} failed: ${outcome.error instanceof Error ? (outcome.error.stack ?? outcome.error.message) : String(outcome.error)}`);
    }
    return outcome;
  }

  private contextOf(): Record<string, unknown> {
    return {
      installContext: SITE_ARI,
      installation: { ari: { installationId: INSTALLATION_ID }, contexts: [{ cloudId: SITE.cloudId }] },
    };
  }

  runtimeOf(invocation: Invocation): Record<string, unknown> {
    const noMeasure = { measure: () => ({ stop: () => {} }) };
    const noCount = { incr: () => {}, incrBy: () => {}, decr: () => {}, decrBy: () => {} };
    return {
      proxy: { token: invocation.id, url: 'local' },
      contextAri: SITE_ARI,
      container: { handler: invocation.functionKey },
      appContext: {
        appId: this.manifest.app.id.split('/').at(-1),
        appVersion: APP_VERSION,
        environmentId: ENVIRONMENT_ID,
        environmentType: 'DEVELOPMENT',
        invocationId: invocation.id,
        installationId: INSTALLATION_ID,
        functionKey: invocation.functionKey,
        moduleType: invocation.kind === 'resolver' ? 'core:resolver' : `core:${invocation.kind}`,
        moduleKey: invocation.moduleKey,
        permissions: { scopes: [...this.scopes], external: {} },
      },
      ...(invocation.accountId === null ? {} : { aaid: invocation.accountId }),
      lambdaContext: { awsRequestId: invocation.id, getRemainingTimeInMillis: () => invocation.remainingMs() },
      tracing: { traceId: invocation.id, spanId: invocation.id },
      metrics: { counter: () => noCount, timing: () => noMeasure, gauge: () => ({ set: () => {} }) },
    };
  }

  // --- the seam ----------------------------------------------------------------------------------

  async fetch(invocation: Invocation, target: FetchTarget, path: string, init: RequestInit = {}): Promise<Response> {
    if (invocation.state === 'killed') return never();
    if (invocation.state === 'ended') return respond(401, { message: 'the token is dead' }, { 'forge-proxy-error': 'TOKEN_EXPIRED' });
    const method = (init.method ?? 'GET').toUpperCase();
    const call = `${target.remote ?? target.type} ${method} ${path}`;
    invocation.calls += 1;
    const number = invocation.calls;
    await this.beforeCall(invocation, call);
    if (this.faults.kill('before', number)) {
      invocation.kill();
      return never();
    }
    const response = await this.answer(invocation, target, method, path, init);
    if (this.faults.kill('after', number) || invocation.remainingMs() === 0) invocation.kill();
    return invocation.state === 'running' ? response : never();
  }

  private async answer(invocation: Invocation, target: FetchTarget, method: string, path: string, init: RequestInit): Promise<Response> {
    const body = typeof init.body === 'string' ? init.body : undefined;
    const isQueue = path.startsWith('/webhook/queue/');
    const kind = target.remote === 'kvs' ? 'kvs' : isQueue ? 'queue' : 'confluence';
    const fault = this.faults.answer(kind, method, path);
    if (fault) {
      invocation.waitedMs += fault.delayMs;
      if (kind === 'confluence') countRest(this.usage(), this.routeName(method, path), 1, fault.status, this.currentHour());
      return respondText(fault.status, fault.body, fault.headers);
    }
    if (kind === 'kvs' && !this.scopes.has('storage:app')) {
      return respond(401, { code: 'UNAUTHORIZED', message: 'storage:app is not among the scopes' });
    }
    if (kind === 'kvs') return this.orNotModelled(this.kvs.handle(path, body ?? '{}'), `KVS ${method} ${path}`);
    if (isQueue) return this.orNotModelled(this.queues.handle(path, body ?? '{}'), `queue ${method} ${path}`);
    if (target.type !== 'fpp' || (target.remote !== 'confluence' && !path.startsWith('/graphql'))) {
      return this.orNotModelled(null, `${target.type} ${target.remote ?? ''} ${method} ${path}`);
    }
    return this.product(invocation, target, { method, url: path, headers: new Headers(init.headers), body });
  }

  private orNotModelled(reply: { status: number; body?: unknown } | null, call: string): Response {
    if (reply) return respond(reply.status, reply.body);
    this.usage().notModelled.push(call);
    return respond(501, { message: `not modelled: ${call}` });
  }

  private async product(invocation: Invocation, target: FetchTarget, request: ProductRequest): Promise<Response> {
    const caller = this.callerOf(invocation, target);
    const path = request.url.split('?')[0] as string;
    const refused = (response: Response): Response => {
      countRest(this.usage(), this.routeName(request.method, path), 0, response.status, this.currentHour());
      return response;
    };
    if (caller instanceof Response) return refused(caller);
    const isGraph = path === '/graphql';
    const found = isGraph ? null : this.confluence.find(request.method, path);
    if (found || isGraph) {
      const alternatives = isGraph ? graphqlScopes : (found?.operation.scopes ?? []);
      if (found?.operation.closedToApps) return refused(respond(403, { statusCode: 403, message: 'Apps cannot call this operation' }));
      const held = (scopes: Set<string>): boolean => alternatives.some((set) => set.every((scope) => scopes.has(scope)));
      if (!held(this.scopes)) return refused(respond(401, { code: 401, message: 'Unauthorized; scope does not match' }));
      if (target.accountId !== undefined && !held(this.impersonationScopes)) {
        const message = `allowImpersonation is not set for ${request.method} ${path}`;
        return refused(respond(401, { message }, { 'forge-proxy-error': 'AUTH_TYPE_UNAVAILABLE' }));
      }
    }
    const hour = this.currentHour();
    if (this.pointsThisHour >= this.settings.hourlyPoints) {
      countRest(this.usage(), this.routeName(request.method, path), 0, 429, hour);
      return respond(429, undefined, {
        'retry-after': String(this.secondsToReset()),
        'ratelimit-reason': 'confluence-quota-global-based',
        ...this.rateHeaders(),
      });
    }
    const answer = await this.confluence.request(caller, request);
    if (answer.route === null) this.usage().notModelled.push(`${request.method} ${path}`);
    this.pointsThisHour += answer.points;
    countRest(this.usage(), this.routeName(request.method, path), answer.points, answer.status, hour);
    return respond(answer.status, answer.body, { ...answer.headers, ...this.rateHeaders() });
  }

  /**
   * What the front end's `requestConfluence` does: the person's rights within the app's scopes, without
   * points. Guests and anonymous people are refused.
   */
  async frontendRequest(person: Person | undefined, request: ProductRequest): Promise<ProductAnswer> {
    this.usage().frontend.requests += 1;
    const path = request.url.split('?')[0] as string;
    const refused = (status: number, message: string): ProductAnswer => ({
      status,
      body: { code: status, message },
      route: path,
      points: 0,
    });
    if (!person || person.isGuest) return refused(401, 'Unauthorized');
    const found = this.confluence.find(request.method, path);
    if (found && !found.operation.scopes.some((set) => set.every((scope) => this.scopes.has(scope)))) {
      return refused(401, 'Unauthorized; scope does not match');
    }
    return this.confluence.request({ kind: 'person', person, viaApp: true }, request);
  }

  /** Who Confluence sees; a Response when the platform refuses before Confluence is asked. */
  private callerOf(invocation: Invocation, target: FetchTarget): Caller | Response {
    if (target.provider === 'app') return { kind: 'app' };
    if (target.provider !== 'user') return { kind: 'anonymous' };
    const unavailable = (): Response => respond(401, { message: 'no user' }, { 'forge-proxy-error': 'AUTH_TYPE_UNAVAILABLE' });
    const accountId = target.accountId ?? invocation.accountId;
    if (accountId === null) return unavailable();
    if (target.accountId !== undefined) {
      if (invocation.kind === 'resolver' || !this.settings.asUserIn.includes(invocation.kind)) return unavailable();
      if (!this.takeImpersonation(invocation, accountId))
        return respond(429, { message: 'too many impersonation tokens' }, { 'retry-after': '60' });
    }
    const person = this.confluence.state.people.get(accountId);
    // Refused for deactivated people, guests, other apps' users and anyone without access; the code is not documented.
    if (
      !person ||
      person.isGuest ||
      person.accountType !== 'atlassian' ||
      !canUseConfluence(this.confluence.state, { kind: 'person', person, viaApp: true })
    ) {
      return respond(403, { message: 'this person cannot be impersonated' }, { 'forge-proxy-error': 'FORBIDDEN' });
    }
    return { kind: 'person', person, viaApp: true };
  }

  private takeImpersonation(invocation: Invocation, accountId: string): boolean {
    const minute = Math.floor(this.clock.now() / 60_000);
    if (minute !== this.minute) {
      this.minute = minute;
      this.impersonationsThisMinute.clear();
    }
    this.impersonationsThisMinute.add(`${invocation.id} ${accountId}`);
    return this.impersonationsThisMinute.size <= IMPERSONATIONS_PER_MINUTE;
  }

  private routeName(method: string, url: string): string {
    const path = url.split('?')[0] as string;
    const pattern = this.confluence.find(method, path)?.operation.path ?? path;
    return `${method} ${pattern.replace(/:(\w+)/g, '{$1}')}`;
  }

  private currentHour(): string {
    const hour = this.clock.iso().slice(0, 13);
    if (hour !== this.hour) {
      this.hour = hour;
      this.pointsThisHour = 0;
    }
    return hour;
  }

  private secondsToReset(): number {
    return Math.ceil((3_600_000 - (this.clock.now() % 3_600_000)) / 1000);
  }

  private rateHeaders(): Record<string, string> {
    const limit = this.settings.hourlyPoints;
    const left = Math.max(0, limit - this.pointsThisHour);
    const reset = this.secondsToReset();
    const isNear = this.pointsThisHour >= limit * NEAR_LIMIT;
    return {
      'ratelimit-policy': `"global-app-quota";q=${limit};w=3600`,
      ratelimit: `"global-app-quota";${isNear ? `r=${left};` : ''}t=${reset}`,
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(left),
      'x-ratelimit-reset': new Date(this.clock.now() + reset * 1000).toISOString(),
      ...(isNear ? { 'x-ratelimit-nearlimit': 'true' } : {}),
    };
  }

  // --- events and schedules ----------------------------------------------------------------------

  private held: Array<() => void> = [];
  /** Grows by `drop` an event; each whole one is an event lost, so a run can be repeated. */
  private dropped = 0;

  /** Queues an event for every trigger that listens. */
  publish(event: Record<string, unknown>): void {
    if (!this.isInstalled) return;
    const { times, reorder, drop } = this.settings.deliverEvents;
    const delay = durationMs(this.settings.eventDelay);
    if (Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES) return;
    for (const trigger of this.manifest.modules.trigger) {
      if (!trigger.events.includes(String(event.eventType))) continue;
      if (trigger.filter?.expression !== undefined && !this.passes(trigger.filter, event)) continue;
      this.dropped += drop;
      if (this.dropped >= 1) {
        this.dropped -= 1;
        continue;
      }
      const send = (wait: number): void => {
        for (let i = 0; i < times; i += 1) {
          this.clock.after(wait + delay * i, () => this.deliver(trigger.key, trigger.function, event, 0, undefined));
        }
      };
      if (!reorder) {
        send(delay);
        continue;
      }
      // Out of order: what is published within one delay is sent last first.
      this.held.push(() => send(0));
      if (this.held.length === 1) {
        this.clock.after(delay, () => {
          for (const one of this.held.reverse()) one();
          this.held = [];
        });
      }
    }
  }

  private passes(filter: { expression?: string | undefined; onError?: string | undefined }, event: Record<string, unknown>): boolean {
    try {
      return evaluateFilter(filter.expression ?? 'true', event);
    } catch (error) {
      this.log(`filter failed: ${String(error)}`);
      return (filter.onError ?? 'IGNORE_AND_LOG').startsWith('RECEIVE');
    }
  }

  private async deliver(
    moduleKey: string,
    functionKey: string,
    event: Record<string, unknown>,
    retryCount: number,
    retry: RetryOptions | undefined,
  ): Promise<void> {
    const retryContext =
      retryCount === 0 ? {} : { retryContext: { retryCount, retryReason: retry?.retryReason, retryData: retry?.retryData } };
    const outcome = await this.runBackground('trigger', moduleKey, functionKey, { ...event, ...retryContext });
    // A thrown application error is not retried: the event is lost.
    if (outcome.kind === 'ok' || outcome.kind === 'error' || retryCount >= MAX_EVENT_RETRIES) return;
    const options = outcome.kind === 'retry' ? outcome.options : { retryReason: 'FUNCTION_TIME_OUT' };
    const delay =
      outcome.kind === 'retry'
        ? Math.min(Math.max(options.retryAfter ?? 1, 1), MAX_RETRY_AFTER_S) * 1000
        : FIRST_REDELIVERY_MS * 2 ** retryCount;
    this.clock.after(delay, () => this.deliver(moduleKey, functionKey, event, retryCount + 1, options));
  }

  private arm(schedule: { key: string; function: string; interval: keyof typeof INTERVAL_MS }, delay: number): void {
    this.clock.after(delay, async () => {
      this.arm(schedule, INTERVAL_MS[schedule.interval]);
      await this.runBackground('scheduledTrigger', schedule.key, schedule.function, {
        context: { cloudId: SITE.cloudId, moduleKey: schedule.key },
        contextToken: 'local',
      });
    });
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function respond(status: number, body?: unknown, headers: Record<string, string> = {}): Response {
  return respondText(status, body === undefined ? '' : JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

function respondText(status: number, text: string, headers: Record<string, string>): Response {
  return new Response(status === 204 || status === 304 || text === '' ? null : text, { status, headers });
}

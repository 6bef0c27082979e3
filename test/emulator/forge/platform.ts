/**
 * The Forge platform: runs invocations in processes, answers `__forge_fetch__` (scopes, impersonation,
 * points, faults, latency, expired tokens), and installs, upgrades and uninstalls the app.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Clock, durationMs } from '../clock';
import { type Caller, canUseConfluence } from '../confluence/access';
import { graphqlScopes } from '../confluence/graphql';
import type { ConfluenceSite, ProductAnswer, ProductRequest } from '../confluence/site';
import { type Person, SITE } from '../confluence/state';
import type { Faults } from '../faults';
import type { Chance } from '../random';
import type { SiteSettings } from '../settings';
import { countInvocation, countRest, type Usage } from '../usage';
import { Delivery } from './delivery';
import { Kvs } from './kvs';
import { impersonationScopesOf, type Manifest, memoryOf, scopesOf } from './manifest';
import { PointsPool } from './points';
import { Processes } from './processes';
import { type Outcome, Queues, type RetryOptions } from './queue';
import { Window } from './rates';
import { type FetchTarget, Invocation, type Lineage, type ModuleKind, type PlatformSeam, startProcess } from './runtime';
import { Sql } from './sql';

/** Limits: Forge docs, Invocation limits. */
const RESOLVER_TIMEOUT_S = 25;
const BACKGROUND_TIMEOUT_S = 55;
const IMPERSONATIONS_PER_MINUTE = 1_000;
const MAX_FRONTEND_REQUEST_BYTES = 500 * 1024;
const MAX_FRONTEND_RESPONSE_BYTES = 5 * 1024 * 1024;
const INVOCATIONS_PER_USER_AND_MINUTE = 1_200;
const INVOCATIONS_PER_MINUTE = 7_000;
const INVOCATIONS_PER_SECOND = 300;
const LOG_LINES_PER_MINUTE = 100;
const LOG_BYTES_PER_INVOCATION = 200 * 1024;

const ENVIRONMENT_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const SITE_ARI = `ari:cloud:confluence::site/${SITE.cloudId}`;
const MB_PER_GB = 1_024;

const REPORT_PATH = '/app/report-accounts';
/** Accounts in one report (Atlassian: user privacy guidelines). */
const MAX_REPORTED = 90;
const PersonalDataReport = z.object({
  accounts: z
    .array(z.strictObject({ accountId: z.string(), updatedAt: z.iso.datetime() }))
    .min(1)
    .max(MAX_REPORTED),
});

/** Kinds of module that people's browsers load. */
const UI_TYPES = ['confluence:globalSettings', 'confluence:globalPage', 'confluence:backgroundScript'] as const;

interface Installation {
  id: string;
  version: [major: number, minor: number];
}

type Ended = { kind: 'ok'; result: unknown } | { kind: 'error'; error: unknown } | { kind: 'killed' };

export class ForgePlatform implements PlatformSeam {
  readonly kvs: Kvs;
  readonly sql: Sql;
  readonly queues: Queues;
  readonly processes: Processes;
  /** Accounts that the app has reported to Atlassian. */
  readonly reportedAccounts = new Set<string>();
  /** Called before each platform call of any invocation; tests use it to interfere at a known point. */
  beforeCall: (invocation: Invocation, call: string) => void | Promise<void> = () => {};
  /** The site's own log, and the app's. */
  log: (line: string) => void = () => {};
  appLog: (line: string) => void = (line) => console.log(line);
  private readonly delivery: Delivery;
  private readonly points: PointsPool;
  private readonly scopes: Set<string>;
  private readonly impersonationScopes: Set<string>;
  private readonly impersonations: Window;
  private readonly invocationsPerMinute: Window;
  private readonly invocationsPerSecond: Window;
  private readonly invocationsByUser = new Map<string, Window>();
  private readonly running = new Set<Invocation>();
  private installation: Installation | null = null;
  private installations = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly confluence: ConfluenceSite,
    readonly manifest: Manifest,
    functionFolder: string,
    private readonly faults: Faults,
    private readonly usage: () => Usage,
    dice: Chance,
  ) {
    this.scopes = scopesOf(manifest);
    this.impersonationScopes = impersonationScopesOf(manifest);
    this.kvs = new Kvs(clock, settings, manifest.app.storage?.entities ?? [], () => usage().kvs);
    this.sql = new Sql(
      clock,
      settings,
      () => usage().sql,
      (call) => usage().notModelled.push(call),
    );
    this.points = new PointsPool(clock, settings);
    this.impersonations = new Window(clock, 60_000);
    this.invocationsPerMinute = new Window(clock, 60_000);
    this.invocationsPerSecond = new Window(clock, 1_000);
    this.processes = new Processes(clock, settings, dice, () => startProcess(functionFolder, clock, dice));
    this.delivery = new Delivery(
      clock,
      settings,
      dice,
      manifest.modules,
      (kind, module, payload) => this.runBackground(kind, module.key, module.function, payload),
      (line) => this.log(line),
    );
    this.queues = new Queues(
      clock,
      settings,
      dice,
      (name) => {
        const consumer = manifest.modules.consumer.find((c) => c.queue === name);
        return consumer && this.timeoutOf('consumer', consumer.function);
      },
      (event) => {
        const consumer = manifest.modules.consumer.find((c) => c.queue === event.queueName);
        if (!consumer) throw new Error(`no consumer for ${event.queueName}`);
        const { queueName, jobId, eventId, body, retryContext, delayInSeconds, concurrency } = event;
        const payload = {
          queueName,
          jobId,
          eventId,
          body,
          ...(delayInSeconds === undefined ? {} : { delayInSeconds }),
          ...(concurrency ? { concurrency } : {}),
          ...(retryContext ? { retryContext } : {}),
        };
        return this.runBackground('consumer', consumer.key, consumer.function, payload, event.lineage);
      },
      usage,
    );
    confluence.onEvent = (event) => this.publish(event);
  }

  // --- the life cycle of the app on this site ------------------------------------------------------

  get isInstalled(): boolean {
    return this.installation !== null;
  }

  /** Starts with empty storage, even after an earlier installation. */
  install(): void {
    this.installations += 1;
    const id = `550e8400-e29b-41d4-a716-${String(446_655_440_000 + this.installations - 1).padStart(12, '0')}`;
    this.installation = { id, version: [1, 0] };
    this.kvs.clear();
    this.sql.clear();
    this.delivery.start();
    this.publish({ eventType: 'avi:forge:installed:app', id, app: { id: this.manifest.app.id, version: this.version } });
  }

  /** Nothing reaches the app anymore, and running invocations lose their tokens at once. */
  uninstall(): void {
    this.installation = null;
    this.delivery.stop();
    this.queues.clear();
    this.kvs.clear();
    this.sql.clear();
    for (const invocation of this.running) invocation.kill();
    this.processes.replaceAll();
  }

  /** Installs a new major version, as if an admin had approved it. The app gets an event. */
  upgrade(): void {
    if (!this.installation) return;
    const { id, version } = this.installation;
    this.installation = { id, version: [version[0] + 1, 0] };
    this.processes.replaceAll();
    this.publish({ eventType: 'avi:forge:upgraded:app', id, app: { id: this.manifest.app.id, version: this.version } });
  }

  /** Installs a new minor version. Running invocations finish in the old one; new ones start cold. There is no event. */
  redeploy(): void {
    if (!this.installation) return;
    const { id, version } = this.installation;
    this.installation = { id, version: [version[0], version[1] + 1] };
    this.processes.replaceAll();
  }

  /** Makes the next invocation start in a new process, without cached state. */
  restart(): void {
    this.processes.replaceAll();
  }

  private get version(): string {
    const [major, minor] = this.installation?.version ?? [0, 0];
    return `${major}.${minor}.0`;
  }

  /** Queues an event for every trigger that listens to it. */
  publish(event: Record<string, unknown>): void {
    this.delivery.publish(event);
  }

  // --- invocations -------------------------------------------------------------------------------

  /**
   * Does what `invoke` in the front end does, and moves the clock by the time it takes.
   * @throws what the resolver throws, as the bridge would
   */
  invokeResolver(
    moduleKey: string,
    functionKey: string,
    payload: unknown,
    accountId: string | null,
    frontEndContext: Record<string, unknown> = {},
  ): Promise<unknown> {
    return this.clock.until(this.resolve(moduleKey, functionKey, payload, accountId, frontEndContext));
  }

  private async resolve(
    moduleKey: string,
    functionKey: string,
    payload: unknown,
    accountId: string | null,
    frontEndContext: Record<string, unknown>,
  ): Promise<unknown> {
    if (!this.installation) throw new Error('The app is not installed');
    this.usage().frontend.requests += 1;
    if (Buffer.byteLength(JSON.stringify(payload ?? null)) > MAX_FRONTEND_REQUEST_BYTES) throw new Error('The payload is over 500 KB');
    const module = UI_TYPES.flatMap((type) => this.manifest.modules[type]).find((m) => m.key === moduleKey);
    if (!module?.resolver) throw new Error(`no module '${moduleKey}' with a resolver`);
    // How the bridge reports the platform's 429 is not documented; a rejected promise is assumed.
    if (!this.takeInvocation(accountId)) throw new Error('Too many requests: the limit of invocations is reached');
    const ended = await this.run(
      { kind: 'resolver', moduleKey, functionKey: module.resolver.function, accountId, lineage: { pushes: 0 } },
      {
        call: { functionKey, payload, jobId: randomUUID() },
        context: { cloudId: SITE.cloudId, moduleKey, siteUrl: this.confluence.baseUrl, ...frontEndContext },
      },
      { ...this.contextOf(), ...(accountId === null ? {} : { principal: { accountId } }) },
    );
    if (ended.kind === 'killed') throw new Error('The function did not answer in time');
    if (ended.kind === 'error') throw ended.error;
    // Only JSON survives the bridge, and an undefined result arrives as {}.
    if (ended.result === undefined) return {};
    const text = JSON.stringify(ended.result);
    if (Buffer.byteLength(text) > MAX_FRONTEND_RESPONSE_BYTES) throw new Error('The response is over 5 MB');
    return JSON.parse(text);
  }

  /** Counts an invocation by a person against the limits per person and per installation. Returns false if it is over a limit. */
  private takeInvocation(accountId: string | null): boolean {
    const key = accountId ?? 'anonymous';
    const own = this.invocationsByUser.get(key) ?? new Window(this.clock, 60_000);
    this.invocationsByUser.set(key, own);
    // A refused invocation does not count against the other limits.
    if (own.count >= INVOCATIONS_PER_USER_AND_MINUTE || this.invocationsPerMinute.count >= INVOCATIONS_PER_MINUTE) return false;
    if (!this.invocationsPerSecond.take(1, INVOCATIONS_PER_SECOND)) return false;
    own.add(1);
    this.invocationsPerMinute.add(1);
    return true;
  }

  /** Runs a background function with this payload now, as the platform would. */
  runFunction(kind: Exclude<ModuleKind, 'resolver'>, functionKey: string, payload: unknown): Promise<Outcome> {
    return this.clock.until(this.runBackground(kind, functionKey, functionKey, payload));
  }

  private async runBackground(
    kind: Exclude<ModuleKind, 'resolver'>,
    moduleKey: string,
    functionKey: string,
    payload: unknown,
    lineage: Lineage = { pushes: 0 },
  ): Promise<Outcome> {
    const ended = await this.run({ kind, moduleKey, functionKey, accountId: null, lineage }, payload, this.contextOf());
    if (ended.kind === 'killed') return { kind: 'killed' };
    if (ended.kind === 'error') return { kind: 'error', message: String(ended.error) };
    const result = ended.result as { _retry?: boolean; retryOptions?: RetryOptions } | null | undefined;
    if (result?._retry === true) {
      countInvocation(this.usage(), `${kind}:${moduleKey}`, 'retries');
      return { kind: 'retry', options: result.retryOptions ?? {} };
    }
    return { kind: 'ok' };
  }

  private timeoutOf(kind: ModuleKind, functionKey: string): number {
    if (kind === 'trigger' || kind === 'resolver') return RESOLVER_TIMEOUT_S;
    return this.manifest.modules.function.find((f) => f.key === functionKey)?.timeoutSeconds ?? BACKGROUND_TIMEOUT_S;
  }

  /** Runs one invocation from start to end in site time, overlapping with whatever else is running. */
  private async run(
    call: Pick<Invocation, 'kind' | 'moduleKey' | 'functionKey' | 'accountId' | 'lineage'>,
    payload: unknown,
    context: unknown,
  ): Promise<Ended> {
    const { kind, moduleKey, functionKey, accountId, lineage } = call;
    const runner = this.clock.enter();
    const timeoutMs = this.timeoutOf(kind, functionKey) * 1000;
    const invocation = new Invocation(kind, moduleKey, functionKey, accountId, timeoutMs, lineage, this.clock, runner, this);
    const id = invocation.name;
    this.running.add(invocation);
    countInvocation(this.usage(), id, 'count');
    const cancelDeadline = this.clock.after(timeoutMs, () => invocation.kill());
    const lease = this.processes.lease();
    const answered = this.start(invocation, lease.isCold, (handler) =>
      lease.process.run(invocation, handler, structuredClone(payload), structuredClone(context)),
    );
    const ended = await Promise.race([answered, invocation.stopped]);
    cancelDeadline();
    this.running.delete(invocation);
    lease.release(ended !== 'killed');
    this.count(invocation, lease.isCold);
    if (ended !== 'killed') invocation.state = 'ended';
    this.clock.leave(runner);
    if (ended === 'killed') {
      countInvocation(this.usage(), id, 'killed');
      this.log(`${id} stopped after ${invocation.calls} calls`);
      return { kind: 'killed' };
    }
    if (ended.kind === 'error') {
      countInvocation(this.usage(), id, 'errors');
      this.log(`${id} failed: ${ended.error instanceof Error ? (ended.error.stack ?? ended.error.message) : String(ended.error)}`);
    }
    return ended;
  }

  private async start(invocation: Invocation, isCold: boolean, handle: (handler: string) => Promise<unknown>): Promise<Ended> {
    const { latency } = this.settings;
    await this.clock.spend(invocation.runner, durationMs(latency.invocation) + (isCold ? durationMs(latency.coldStart) : 0));
    const declared = this.manifest.modules.function.find((f) => f.key === invocation.functionKey);
    try {
      return { kind: 'ok', result: await handle(declared?.handler ?? '') };
    } catch (error) {
      return { kind: 'error', error };
    }
  }

  private count(invocation: Invocation, isCold: boolean): void {
    const usage = this.usage();
    countInvocation(usage, invocation.name, 'milliseconds', invocation.spentMs);
    if (isCold) usage.coldStarts += 1;
    usage.gbSeconds += (memoryOf(this.manifest, invocation.functionKey) / MB_PER_GB) * (invocation.spentMs / 1000);
  }

  /** Lines over the limits are silently dropped (an assumption). */
  logLine(invocation: Invocation, line: string): void {
    const bytes = Buffer.byteLength(line);
    const minutes = Math.floor(invocation.spentMs / 60_000) + 1;
    if (invocation.logLines >= LOG_LINES_PER_MINUTE * minutes || invocation.logBytes + bytes > LOG_BYTES_PER_INVOCATION) return;
    invocation.logLines += 1;
    invocation.logBytes += bytes;
    this.usage().logBytes += bytes;
    this.appLog(line);
  }

  private contextOf(): Record<string, unknown> {
    return {
      installContext: SITE_ARI,
      installation: { ari: { installationId: this.installation?.id }, contexts: [{ cloudId: SITE.cloudId }] },
      license: { active: this.settings.licence === 'active' },
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
        appVersion: this.version,
        environmentId: ENVIRONMENT_ID,
        environmentType: 'DEVELOPMENT',
        invocationId: invocation.id,
        installationId: this.installation?.id,
        functionKey: invocation.functionKey,
        moduleType: invocation.kind === 'resolver' ? 'core:resolver' : `core:${invocation.kind}`,
        moduleKey: invocation.moduleKey,
        license: { isActive: this.settings.licence === 'active' },
        permissions: { scopes: [...this.scopes], external: {} },
      },
      ...(invocation.accountId === null ? {} : { aaid: invocation.accountId }),
      lambdaContext: { awsRequestId: invocation.id, getRemainingTimeInMillis: () => invocation.remainingMs() },
      tracing: { traceId: invocation.id, spanId: invocation.id },
      metrics: { counter: () => noCount, timing: () => noMeasure, gauge: () => ({ set: () => {} }) },
    };
  }

  // --- the seam ----------------------------------------------------------------------------------

  /** A call takes effect at once, and is answered after its latency. */
  async fetch(invocation: Invocation, target: FetchTarget, path: string, init: RequestInit = {}): Promise<Response> {
    if (invocation.state === 'killed') return never();
    if (invocation.state === 'ended') return respond(401, { message: 'the token is dead' }, { 'forge-proxy-error': 'TOKEN_EXPIRED' });
    const method = (init.method ?? 'GET').toUpperCase();
    invocation.calls += 1;
    const number = invocation.calls;
    await this.interfere(invocation, `${target.remote ?? target.type} ${method} ${path}`);
    if (this.faults.kill('before', number, invocation.name)) {
      invocation.kill();
      return never();
    }
    const { response, takesMs } = await this.answer(invocation, target, method, path, init);
    if (this.faults.kill('after', number, invocation.name)) invocation.kill();
    await this.clock.spend(invocation.runner, takesMs);
    return invocation.state === 'running' ? response : never();
  }

  private async interfere(invocation: Invocation, call: string): Promise<void> {
    const interference = this.beforeCall(invocation, call);
    if (!interference) return;
    const unpark = this.clock.park(invocation.runner);
    await interference;
    unpark();
  }

  private async answer(
    invocation: Invocation,
    target: FetchTarget,
    method: string,
    path: string,
    init: RequestInit,
  ): Promise<{ response: Response; takesMs: number }> {
    const body = typeof init.body === 'string' ? init.body : undefined;
    const isQueue = path.startsWith('/webhook/queue/');
    const kind = target.remote === 'kvs' || target.remote === 'sql' ? target.remote : isQueue ? 'queue' : 'confluence';
    const takesMs = this.latencyOf(kind, method, path);
    const fault = this.faults.answer(kind, method, path, typeof init.body === 'string' ? init.body : '');
    if (fault) {
      if (kind === 'confluence') this.countRequest(invocation, method, path, 1, fault.status);
      return { response: respondText(fault.status, fault.body, fault.headers), takesMs: takesMs + fault.delayMs };
    }
    if (kind === 'kvs' && !this.scopes.has('storage:app')) {
      return { response: respond(401, { code: 'UNAUTHORIZED', message: 'storage:app is not among the scopes' }), takesMs };
    }
    if (kind === 'kvs') return { response: this.orNotModelled(this.kvs.handle(path, body ?? '{}'), `KVS ${method} ${path}`), takesMs };
    if (kind === 'sql') {
      // Without the module there is no database; that the answer is this one is assumed.
      const reply = this.manifest.modules.sql.length > 0 ? this.sql.handle(path, body ?? '{}') : null;
      return { response: this.orNotModelled(reply, `SQL ${method} ${path}`), takesMs: takesMs + (reply?.takesMs ?? 0) };
    }
    if (isQueue) {
      const reply = this.queues.handle(path, body ?? '{}', invocation.lineage);
      return { response: this.orNotModelled(reply, `queue ${method} ${path}`), takesMs };
    }
    if (target.type === 'fpp' && target.remote === 'stargate' && path === REPORT_PATH) {
      return { response: this.reportPersonalData(target, body), takesMs };
    }
    if (target.type !== 'fpp' || (target.remote !== 'confluence' && !path.startsWith('/graphql'))) {
      return { response: this.orNotModelled(null, `${target.type} ${target.remote ?? ''} ${method} ${path}`), takesMs };
    }
    return { response: await this.product(invocation, target, { method, url: path, headers: new Headers(init.headers), body }), takesMs };
  }

  /** Documented: user privacy guidelines. `updated` is never answered: the site does not know what an app has seen. */
  private reportPersonalData(target: FetchTarget, body: string | undefined): Response {
    const parsed = PersonalDataReport.safeParse(JSON.parse(body ?? 'null'));
    if (target.provider !== 'app' || !parsed.success) return respond(400, { message: 'not a report of personal data' });
    const { accounts } = parsed.data;
    this.usage().personalData.calls += 1;
    this.usage().personalData.accounts += accounts.length;
    for (const { accountId } of accounts) this.reportedAccounts.add(accountId);
    const closed = accounts.filter(({ accountId }) => this.confluence.state.people.get(accountId)?.accountStatus === 'closed');
    if (closed.length === 0) return respond(204);
    return respond(200, { accounts: closed.map(({ accountId }) => ({ accountId, status: 'closed' })) });
  }

  private latencyOf(kind: 'kvs' | 'queue' | 'sql' | 'confluence', method: string, path: string): number {
    const { latency } = this.settings;
    if (kind !== 'confluence') return durationMs(latency[kind]);
    return durationMs(latency.routes[this.routeName(method, path)] ?? latency.rest);
  }

  private countRequest(invocation: Invocation, method: string, path: string, points: number, status: number): void {
    const route = this.routeName(method, path);
    countRest(this.usage(), { route, module: invocation.name, points, status, hour: this.currentHour() });
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
      this.countRequest(invocation, request.method, path, 0, response.status);
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
    const overLimit = this.points.refusal();
    if (overLimit) return refused(respond(429, undefined, overLimit));
    const answer = await this.confluence.request(caller, request);
    if (answer.route === null) this.usage().notModelled.push(`${request.method} ${path}`);
    this.points.spend(answer.points);
    this.countRequest(invocation, request.method, path, answer.points, answer.status);
    return respond(answer.status, answer.body, { ...answer.headers, ...this.points.headers() });
  }

  /**
   * Does what `requestConfluence` in the front end does: calls with the person's permissions, within the
   * app's scopes, without points. Guests and anonymous people are refused.
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

  /** Who Confluence sees as the caller, or a Response if the platform refuses before asking Confluence. */
  private callerOf(invocation: Invocation, target: FetchTarget): Caller | Response {
    if (target.provider === 'app') return { kind: 'app' };
    if (target.provider !== 'user') return { kind: 'anonymous' };
    const unavailable = (): Response => respond(401, { message: 'no user' }, { 'forge-proxy-error': 'AUTH_TYPE_UNAVAILABLE' });
    const accountId = target.accountId ?? invocation.accountId;
    if (accountId === null) return unavailable();
    if (target.accountId !== undefined) {
      if (invocation.kind === 'resolver' || !this.settings.asUserIn.includes(invocation.kind)) return unavailable();
      if (!this.takeImpersonation(invocation, accountId)) {
        this.usage().rest.impersonationsRefused += 1;
        return respond(429, { message: 'too many impersonation tokens' }, { 'retry-after': '60' });
      }
    }
    const person = this.confluence.state.people.get(accountId);
    // Refused for deactivated people, guests, app users and anyone without access. The code is not documented.
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

  /** One token is enough for all calls of an invocation as the same person, and getting it takes no time. */
  private takeImpersonation(invocation: Invocation, accountId: string): boolean {
    if (invocation.impersonated.has(accountId)) return true;
    if (!this.impersonations.take(1, IMPERSONATIONS_PER_MINUTE)) return false;
    invocation.impersonated.add(accountId);
    return true;
  }

  private routeName(method: string, url: string): string {
    const path = url.split('?')[0] as string;
    const pattern = this.confluence.find(method, path)?.operation.path ?? path;
    return `${method} ${pattern.replace(/:(\w+)/g, '{$1}')}`;
  }

  private currentHour(): string {
    return this.clock.iso().slice(0, 13);
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function respond(status: number, body?: unknown, headers: Record<string, string> = {}): Response {
  return respondText(status, body === undefined ? '' : JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

function respondText(status: number, text: string, headers: Record<string, string>): Response {
  return new TextResponse(status, text, headers);
}

/** A response whose text is there at once: a stream for each of a hundred thousand answers would be most of a test's time. */
class TextResponse extends Response {
  private isRead = false;
  constructor(
    status: number,
    private readonly content: string,
    headers: Record<string, string>,
  ) {
    super(null, { status, headers });
  }

  override get body(): never {
    throw new Error('streams of responses are not modelled');
  }

  override get bodyUsed(): boolean {
    return this.isRead;
  }

  override async text(): Promise<string> {
    if (this.isRead) throw new TypeError('Body is unusable: Body has already been read');
    this.isRead = true;
    return this.content;
  }

  override async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer } = new TextEncoder().encode(await this.text());
    return buffer as ArrayBuffer;
  }

  override clone(): Response {
    const { status, headers } = this;
    return new TextResponse(status, this.content, Object.fromEntries(headers));
  }
}

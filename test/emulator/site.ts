/**
 * The local site: one Confluence, one Forge platform, one installed app, one clock. Tests use it in-process
 * (its methods are named after the control API's calls), people over HTTP (http.ts).
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { Clock, durationMs } from './clock';
import { createNatively, setSpaceStatus } from './confluence/activity';
import { act, addSpace, changeSpace } from './confluence/by-hand';
import { ADMIN_ACCOUNT_ID, seedDemo, seedEmpty, seedScale, USERS_GROUP } from './confluence/seed';
import { ConfluenceSite } from './confluence/site';
import type { Person, Space } from './confluence/state';
import { ControlError } from './control-error';
import { Fault, Faults } from './faults';
import { conditionsHold } from './forge/expressions';
import { loadManifest, moduleList, PROJECT_ROOT, type UiModule, uiModules } from './forge/manifest';
import { ForgePlatform } from './forge/platform';
import type { LoggedStatement } from './forge/sql';
import type { Row } from './forge/sql/database';
import { Notices } from './notices';
import { type Chance, chance } from './random';
import { DEFAULT_SETTINGS, SiteSettings } from './settings';
import { noUsage, priceOf, type Usage } from './usage';

export const FUNCTION_FOLDER = resolve(PROJECT_ROOT, '.cache/functions');

export interface SiteOptions {
  seed?: 'demo' | 'scale' | 'empty';
  people?: number;
  spaces?: number;
  active?: number;
  app?: boolean;
  /** Start of the site's clock. By default a fixed Monday morning, so that every run is the same. */
  start?: number;
  settings?: SettingsChange;
}

/** What `PATCH /_local/site` accepts. Anything left out stays as it is. */
type SettingsChange = Partial<Omit<SiteSettings, 'latency' | 'deliverEvents'>> & {
  latency?: Partial<SiteSettings['latency']>;
  deliverEvents?: Partial<SiteSettings['deliverEvents']>;
};
const SettingsChange = SiteSettings.partial().extend({
  latency: SiteSettings.shape.latency.partial().optional(),
  deliverEvents: SiteSettings.shape.deliverEvents.partial().optional(),
});

const ACCOUNT_CLOSED_MS = 12 * 3_600_000;

export const DEFAULT_START = Date.UTC(2026, 10, 23, 9, 0, 0);

const PersonChange = z.strictObject({
  accountId: z.string().optional(),
  displayName: z.string().optional(),
  email: z.string().optional(),
  accountStatus: z.enum(['active', 'inactive', 'closed', 'unknown']).optional(),
  accountType: z.enum(['atlassian', 'app', 'customer']).optional(),
  isGuest: z.boolean().optional(),
  groups: z.array(z.string()).optional(),
  licensed: z.boolean().optional(),
  locale: z.string().optional(),
});
const AppAct = z.strictObject({ act: z.enum(['install', 'uninstall', 'upgrade', 'redeploy']) });
/** While the directory is filled ahead of time. */
const FILLING_HOURS = 30 * 24;
const Completeness = z.object({ complete: z.boolean() });
const DirectoryAnswer = z.object({ ok: z.literal(true), data: z.object({ spaces: Completeness, people: Completeness }) });
const SqlRead = z.strictObject({
  query: z.string(),
  params: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).default([]),
});
const Invoke = z.strictObject({
  module: z.string(),
  functionKey: z.string(),
  payload: z.unknown().optional(),
  accountId: z.string().nullable(),
});

export class LocalSite {
  readonly clock: Clock;
  readonly settings: SiteSettings;
  readonly confluence: ConfluenceSite;
  readonly faults = new Faults();
  readonly platform: ForgePlatform;
  readonly notices: Notices;
  usageCounters: Usage = noUsage();
  private nextPerson = 1_000_000;
  private readonly earlierNotModelled: string[] = [];
  private readonly dice: Chance;
  /** The display conditions that each person's browser has cached. */
  private readonly conditions = new Map<string, { holds: boolean; at: number }>();

  constructor(readonly options: SiteOptions = {}) {
    this.settings = structuredClone(DEFAULT_SETTINGS);
    this.applySettings(options.settings ?? {});
    this.dice = chance(this.settings.deliverEvents.seed);
    this.clock = new Clock(options.start ?? DEFAULT_START, this.dice);
    this.confluence = new ConfluenceSite(this.clock, this.settings);
    this.platform = new ForgePlatform(
      this.clock,
      this.settings,
      this.confluence,
      loadManifest(),
      FUNCTION_FOLDER,
      this.faults,
      () => this.usageCounters,
      this.dice,
    );
    this.notices = new Notices(this);
    this.seed();
    if (options.app !== false) this.platform.install();
  }

  private seed(): void {
    const { seed = 'demo', people = 120, spaces = people, active = 0.1 } = this.options;
    if (seed === 'empty') seedEmpty(this.confluence);
    else if (seed === 'demo') seedDemo(this.confluence, people);
    else seedScale(this.confluence, { people, spaces, active });
  }

  get isAppInstalled(): boolean {
    return this.platform.isInstalled;
  }

  /** Set to an array, it records each statement of the app with its answer, in order. */
  get sqlLog(): LoggedStatement[] | null {
    return this.platform.sql.log;
  }

  set sqlLog(log: LoggedStatement[] | null) {
    this.platform.sql.log = log;
  }

  stop(): void {
    this.clock.stop();
    this.platform.sql.clear();
    this.platform.processes.replaceAll();
  }

  // --- the control API, named after its calls ------------------------------------------------------

  status() {
    const { state } = this.confluence;
    const personal = { current: 0, archived: 0, trashed: 0 };
    let global = 0;
    for (const space of state.spaces) {
      if (space.type === 'personal') personal[space.status] += 1;
      else global += 1;
    }
    return {
      ready: true,
      now: this.clock.iso(),
      people: state.people.size,
      spaces: { personal, global },
      app: { installed: this.isAppInstalled, modules: this.isAppInstalled ? moduleList(this.platform.manifest) : [] },
    };
  }

  /** Moves the clock. Returns how many invocations began on the way and how many are still running at the end. @throws ControlError */
  async advance(duration: string) {
    let ms: number;
    try {
      ms = durationMs(duration);
    } catch {
      throw new ControlError(400, `'${duration}' is not an ISO 8601 duration`);
    }
    if (ms < 0) throw new ControlError(400, 'the clock only moves forward');
    const count = (kind: string): number =>
      Object.entries(this.usageCounters.invocations).reduce((sum, [id, entry]) => sum + (id.startsWith(`${kind}:`) ? entry.count : 0), 0);
    const kinds = ['trigger', 'consumer', 'scheduledTrigger'] as const;
    const before = kinds.map(count);
    await this.clock.advance(ms);
    const [trigger = 0, consumer = 0, scheduledTrigger = 0] = kinds.map((kind, i) => Math.max(0, count(kind) - (before[i] ?? 0)));
    return { now: this.clock.iso(), ran: { trigger, consumer, scheduledTrigger }, running: this.clock.running };
  }

  usage() {
    const { usageCounters } = this;
    // So far nothing the app does makes Confluence send mail.
    return { ...usageCounters, price: priceOf(usageCounters), mail: [] };
  }

  /** Every call that the site does not model, including those made before the counters were reset. */
  get allNotModelled(): string[] {
    return [...this.earlierNotModelled, ...this.usageCounters.notModelled];
  }

  resetUsage(): void {
    this.earlierNotModelled.push(...this.usageCounters.notModelled);
    this.usageCounters = noUsage();
  }

  /** @throws ControlError naming the invalid setting; nothing is changed then */
  changeSettings(change: unknown): SiteSettings {
    const parsed = SettingsChange.safeParse(change);
    if (!parsed.success) throw new ControlError(400, z.prettifyError(parsed.error));
    for (const name of [...(parsed.data.personalSpaceGroups ?? []), ...(parsed.data.createSpaceGroups ?? [])]) {
      if (!this.confluence.state.groupsByName.has(name)) throw new ControlError(400, `no group named ${name}`);
    }
    this.applySettings(parsed.data);
    if (parsed.data.deliverEvents?.seed !== undefined) this.dice.seed(parsed.data.deliverEvents.seed);
    return this.settings;
  }

  private applySettings({ latency, deliverEvents, ...rest }: SettingsChange): void {
    Object.assign(this.settings, rest);
    Object.assign(this.settings.latency, latency);
    Object.assign(this.settings.deliverEvents, deliverEvents);
  }

  /** Installs, uninstalls, upgrades or redeploys the app. @throws ControlError */
  changeApp(input: unknown) {
    const { act } = parse(AppAct, input);
    if ((act === 'install') === this.isAppInstalled)
      throw new ControlError(400, `the app is ${act === 'install' ? 'already' : 'not'} installed`);
    this.platform[act]();
    return { installed: this.isAppInstalled };
  }

  personJson(person: Person) {
    const { state } = this.confluence;
    return {
      accountId: person.accountId,
      displayName: person.displayName,
      email: person.email,
      accountStatus: person.accountStatus,
      accountType: person.accountType,
      isGuest: person.isGuest,
      groups: [...person.groups].map((id) => state.groups.get(id)?.name ?? id),
      licensed: state.isLicensed(person),
      personalSpaceId: person.personalSpaceId === null ? null : String(person.personalSpaceId),
    };
  }

  people(limitText: string | number = 100, cursor = '0') {
    const start = Number(cursor);
    const limit = Number(limitText);
    if (!Number.isInteger(start) || start < 0) throw new ControlError(400, 'not a cursor');
    if (!Number.isInteger(limit) || limit < 1) throw new ControlError(400, "'limit' must be a whole number above 0");
    const all = [...this.confluence.state.people.values()];
    const results = all.slice(start, start + limit).map((p) => this.personJson(p));
    return { results, ...(start + limit < all.length ? { cursor: String(start + limit) } : {}) };
  }

  /** @throws ControlError 404 */
  person(accountId: string): Person {
    const person = this.confluence.state.people.get(accountId);
    if (!person) throw new ControlError(404, `no person ${accountId}`);
    return person;
  }

  addPerson(input: unknown) {
    const change = parse(PersonChange, input);
    const n = this.nextPerson++;
    const accountId = change.accountId ?? `712020:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    if (this.confluence.state.people.has(accountId)) throw new ControlError(400, `${accountId} exists`);
    this.requireGroups(change.groups);
    const displayName = change.displayName ?? `Person ${n}`;
    const person = this.confluence.state.addPerson({
      accountId,
      displayName,
      publicName: displayName,
      email: change.email ?? `person${n}@example.com`,
      accountStatus: 'active',
      accountType: 'atlassian',
      isGuest: false,
      locale: 'en_US',
      groups: change.isGuest === true ? [] : [USERS_GROUP],
    });
    this.applyPerson(person, change);
    this.confluence.tell.user('created', person);
    return this.personJson(person);
  }

  changePerson(accountId: string, input: unknown) {
    const person = this.person(accountId);
    const change = parse(PersonChange, input);
    this.requireGroups(change.groups);
    this.applyPerson(person, change);
    if (change.accountStatus === 'closed') this.closeAccount(person);
    return this.personJson(person);
  }

  /** @throws ControlError 400 before anything is changed */
  private requireGroups(names: readonly string[] | undefined): void {
    const unknown = names?.find((name) => !this.confluence.state.groupsByName.has(name));
    if (unknown !== undefined) throw new ControlError(400, `no group named ${unknown}`);
  }

  /** Confluence itself archives the personal space of a deleted account (V20: assumed to happen within a day). */
  private closeAccount(person: Person): void {
    this.confluence.tell.user('deleted', person);
    this.clock.after(ACCOUNT_CLOSED_MS, () => {
      const space = person.personalSpaceId === null ? undefined : this.confluence.state.spacesById.get(person.personalSpaceId);
      if (space?.status === 'current' && person.accountStatus === 'closed')
        setSpaceStatus(this.confluence, space, 'archived', { kind: 'anonymous' });
    });
  }

  private applyPerson(person: Person, change: z.infer<typeof PersonChange>): void {
    const { state } = this.confluence;
    for (const field of ['displayName', 'email', 'accountStatus', 'accountType', 'isGuest', 'locale'] as const) {
      if (change[field] !== undefined) Object.assign(person, { [field]: change[field] });
    }
    state.peopleChanged();
    if (change.groups) state.setGroups(person, change.groups);
    if (change.licensed !== undefined) {
      const names = [...person.groups].flatMap((id) => {
        const group = state.groups.get(id);
        return group && (change.licensed || group.access === 'none') ? [group.name] : [];
      });
      state.setGroups(person, change.licensed && !names.includes(USERS_GROUP) ? [...names, USERS_GROUP] : names);
    }
  }

  /** Adds a personal space, as if its owner had created it by hand. @throws ControlError */
  addSpace(input: unknown) {
    return addSpace(this.confluence, input);
  }

  /** Changes a space, as an admin or its owner would by hand. @throws ControlError */
  changeSpace(spaceId: string, input: unknown) {
    return changeSpace(this.confluence, spaceId, input);
  }

  sendEvent(event: unknown): void {
    this.platform.publish(parse(z.looseObject({ eventType: z.string() }), event));
  }

  /** Has people view, edit and comment on pages; without `spaceId`, in the first global space. @throws ControlError */
  activity(input: unknown) {
    return act(this.confluence, input);
  }

  /** Has Confluence itself create this person's space now, whatever the setting says. */
  createNatively(accountId: string): Space | null {
    return createNatively(this.confluence, this.person(accountId));
  }

  /** Moves the clock by the time the call takes, and runs what falls due in the meantime. */
  async invoke(input: unknown): Promise<({ result: unknown } | { error: { name: string; message: string } }) & { tookMs: number }> {
    const { module, functionKey, payload, accountId } = parse(Invoke, input);
    if (accountId !== null) this.person(accountId);
    const before = this.clock.now();
    try {
      const result = await this.platform.invokeResolver(module, functionKey, payload, accountId);
      return { result, tookMs: this.clock.now() - before };
    } catch (error) {
      const { name, message } = error as Error;
      return { error: { name: name ?? 'Error', message: message ?? String(error) }, tookMs: this.clock.now() - before };
    }
  }

  /** The modules that this person's browser would load. */
  visibleModules(accountId: string | null) {
    if (!this.isAppInstalled) return [];
    const { state } = this.confluence;
    const person = accountId === null ? undefined : state.people.get(accountId);
    const isLicensed = person !== undefined && state.isLicensed(person);
    const access = person === undefined ? 'anonymous' : 'unlicensed';
    return uiModules(this.platform.manifest).filter(
      (module) => (isLicensed || module.unlicensedAccess.includes(access)) && this.isShown(module, person),
    );
  }

  /** Whether the display condition holds, as cached by the person's browser. */
  private isShown(module: UiModule, person: Person | undefined): boolean {
    const key = `${person?.accountId ?? ''} ${module.key}`;
    const known = this.conditions.get(key);
    const now = this.clock.now();
    if (known && now < known.at + durationMs(this.settings.conditionCache)) return known.holds;
    const { state } = this.confluence;
    const holds = conditionsHold(module.displayConditions, {
      isLoggedIn: person !== undefined,
      isAdmin: person !== undefined && state.isAdmin(person),
      appIsLicensed: this.settings.licence === 'active',
      property: (entity, key) =>
        entity === 'user' ? state.userProperties.get(person?.accountId ?? '')?.get(key)?.value : state.appProperties.get(key),
    });
    this.conditions.set(key, { holds, at: now });
    return holds;
  }

  /**
   * Moves the clock until the app's directory says that it is complete, and counts usage from then on. The hour's points hold as ever: an app that has once been
   * told of more of them would go on as if they were there.
   * @throws Error if that takes more than 30 days, or the app has no such function
   */
  async fillDirectory(): Promise<void> {
    for (let hours = 0; hours < FILLING_HOURS; hours += 1) {
      const answer = await this.invoke({ module: 'admin', functionKey: 'directory.get', payload: {}, accountId: ADMIN_ACCOUNT_ID });
      if ('error' in answer) throw new Error(`directory.get: ${answer.error.message}`);
      const parsed = DirectoryAnswer.safeParse(answer.result);
      if (parsed.success && parsed.data.data.spaces.complete && parsed.data.data.people.complete) {
        this.resetUsage();
        return;
      }
      await this.advance('PT1H');
    }
    throw new Error('the directory is not complete after 30 days');
  }

  /** Reads the app's database in MySQL; nothing is counted. @throws ControlError */
  sql(input: unknown): { rows: Row[] } {
    const { query, params } = parse(SqlRead, input);
    try {
      return { rows: this.platform.sql.read(query, params) };
    } catch (error) {
      throw new ControlError(400, (error as Error).message);
    }
  }

  /** Empties the app's database, as if it had been lost. */
  loseSql(): void {
    this.platform.sql.clear();
  }

  addFault(fault: unknown): void {
    this.faults.add(parse(Fault, fault));
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** Everything that can be compared between two runs. */
  state() {
    const { platform } = this;
    const { state } = this.confluence;
    const properties = (list: Iterable<{ key: string; value: unknown }>): Record<string, unknown> =>
      Object.fromEntries([...list].map(({ key, value }) => [key, value]));
    return {
      kvs: this.platform.kvs.dump(),
      /** Each table's rows in the order of their keys. Read only when asked for, because there may be 100,000. */
      get sql() {
        return platform.sql.dump();
      },
      userProperties: Object.fromEntries(
        [...state.userProperties].flatMap(([id, map]) => (map.size > 0 ? [[id, properties(map.values())]] : [])),
      ),
      spaceProperties: Object.fromEntries(
        [...state.spaceProperties].flatMap(([id, list]) => (list.length > 0 ? [[id, properties(list)]] : [])),
      ),
      spaces: this.spaces(),
      audit: state.audit,
    };
  }

  /** Of that, what spaces and their pages are like. */
  spaces() {
    const { state } = this.confluence;
    return state.spaces.map((space) => ({
      id: String(space.id),
      key: space.key,
      name: space.name,
      type: space.type,
      status: space.status,
      ownerId: space.ownerId,
      grants: space.grants.map((g) => ({ principalType: g.principalType, principalId: g.principalId, roleId: g.roleId })),
      pages: (state.contentBySpace.get(space.id) ?? []).map((item) => ({
        id: String(item.id),
        type: item.type,
        status: item.status,
        title: item.title,
        body: item.body,
        isHomepage: item.id === space.homepageId,
        versions: item.versions.map((v) => ({ number: v.number, authorId: v.authorId, message: v.message })),
      })),
    }));
  }
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}

/** The hour's points, seen from outside: who waits for whom, what counting costs, and who may do what when Confluence cannot be asked. */
import { describe, expect, it } from 'vitest';
import { ask } from '../../src/confluence/call';
import type { newHour } from '../../src/domain/budget';
import { DEFAULT_POLICY } from '../../src/domain/policy/document';
import type { LocalSite } from '../emulator/site';
import { ALL, filledSite, listUnused, runOf, some, startCleanup } from '../support/cleanup';
import { hourKey, spendHour } from '../support/hour';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  noticeOf,
  person,
  personalSpacesOf,
  personData,
  readsAPage,
  setPolicy,
  startSite,
} from '../support/site';

/** Three people without a space. */
const [BO, CY] = [accountIdOf(3), accountIdOf(5)];
const GROUP_OF_EVERYBODY = 'confluence-users-example';

const hourOf = (site: LocalSite) =>
  site.state().kvs.entities.counter?.[hourKey(site)] as { revision: number; data: ReturnType<typeof newHour> } | undefined;
const points = (site: LocalSite): number => site.usage().rest.points;
const requests = (site: LocalSite): number => site.usage().rest.requests;

describe('a request to Confluence', () => {
  it('is refused where nobody counts it', async () => {
    await expect(ask('anything', () => Promise.reject(new Error('was asked')))).rejects.toThrow('outside of a budget');
  });

  it('is counted for whom it is made', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', selfService: true });
    await readsAPage(site, ANA);
    await person(site, 'me.create', BO);
    const { byClass, spent, limit, quota, resetsAt } = await adminData(site, 'budget.get', {});
    const used = byClass.filter((one) => one.spent > 0).map((one) => one.class);
    expect(used).toEqual(['admin', 'person', 'events']);
    expect(spent).toBeGreaterThanOrEqual(points(site));
    expect({ limit, quota, resetsAt }).toEqual({ limit: 65_000, quota: 65_000, resetsAt: Date.UTC(2026, 10, 23, 10) });
  });

  it('takes its points from a lease: counting a hundred people takes a few writes', async () => {
    // Without the directory, whose readings are counted in the same record.
    const site = startSite({ seed: 'scale', people: 110, spaces: 0, settings: { sql: 'absent' } });
    await setPolicy(site, { mode: 'auto' });
    site.activity({ count: 100, spread: 'PT5M', views: 1 });
    await site.advance('PT10M');
    expect(site.status().spaces.personal.current).toBe(100);
    const leases = hourOf(site)?.revision ?? 0;
    // 1,100 points and more, 325 a lease; each process may hold one that is not used up.
    expect(leases).toBeGreaterThanOrEqual(4);
    expect(leases).toBeLessThanOrEqual(14);
    expect(hourOf(site)?.data.byClass.events).toBeGreaterThanOrEqual(1_100);
  });

  it('gives back the excess of a lease once the quota is known to be smaller', async () => {
    // An offer causes no events, so there is one process only.
    const site = startSite({ settings: { warmProcesses: 1 } });
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    expect(hourOf(site)?.data.byClass.events).toBe(325);
    site.changeSettings({ hourlyPoints: 650 });
    await readsAPage(site, BO);
    await readsAPage(site, CY);
    expect(hourOf(site)?.data.quota).toBe(650);
    expect(hourOf(site)?.data.byClass.events).toBeLessThan(60);
  });

  it('goes on with a record that another version of the app wrote', async () => {
    const site = startSite();
    site.platform.kvs.put('counter', hourKey(site), { revision: 7, data: { schemaVersion: 2, points: {} } });
    await setPolicy(site, { mode: 'auto' });
    expect(hourOf(site)).toMatchObject({ revision: 8, data: { schemaVersion: 1 } });
  });
});

describe('when the points run short', () => {
  it('events wait for the next hour, and clicks are served from what is kept for them', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', selfService: true });
    spendHour(site, { jobs: 40_000, events: 13_000 });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(0);
    expect(await person(site, 'me.create', BO)).toMatchObject({ ok: true, data: { kind: 'ready' } });
    await site.advance('PT61M');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  });

  it('a click waits before everybody else and is told how long, and makes no request', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', selfService: true });
    spendHour(site, { jobs: 40_000, events: 25_000 });
    const before = requests(site);
    const until = Date.UTC(2026, 10, 23, 10);
    const { kind, servedAt } = await personData(site, 'me.create', BO);
    expect(kind).toBe('waiting');
    expect(servedAt).toBeGreaterThan(until);
    expect(servedAt).toBeLessThan(until + 10 * 60_000);
    expect(await personData(site, 'me.get', BO)).toMatchObject({ waiting: { servedAt }, space: null });
    expect(requests(site)).toBe(before);
    // The admin's page needs none while the admin is remembered, nor does pausing.
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: true });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: true, data: { version: 2 } });
    expect(await admin(site, 'policy.pause', { paused: false })).toMatchObject({
      ok: false,
      error: { code: 'no-points', details: { until } },
    });
    expect(requests(site)).toBe(before);
    await site.advance('PT1H');
    // While the policy is paused, nobody is served.
    expect(await personData(site, 'me.get', BO)).toMatchObject({ waiting: { servedAt: null }, space: null });
    await adminData(site, 'policy.pause', { paused: false });
    await site.advance('PT6M');
    expect(await personData(site, 'me.get', BO)).toMatchObject({ waiting: null, space: { status: 'current' } });
    expect(noticeOf(site, BO, 'ready')).toBe('raised');
  });

  it('a cleanup waits, and a restore still runs', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const first = await startCleanup(site, some(unused.slice(0, 4)));
    await site.advance('PT10M');
    expect(await runOf(site, first.runId)).toMatchObject({ state: 'done', counts: { archived: 4 } });
    spendHour(site, { jobs: 45_000 });
    const { runId: undo } = await adminData(site, 'runs.undo', { runId: first.runId });
    await site.advance('PT10M');
    expect(await runOf(site, undo)).toMatchObject({ state: 'done', counts: { restored: 4 } });
    const again = await startCleanup(site, some(unused.slice(4)));
    await site.advance('PT5M');
    expect(await runOf(site, again.runId)).toMatchObject({ state: 'running', waitingUntil: Date.UTC(2026, 10, 23, 10) });
    await site.advance('PT1H');
    expect(await runOf(site, again.runId)).toMatchObject({ state: 'done', counts: { archived: again.count } });
  });

  it('a job that is stopped finds out what it did, even without points for jobs', async () => {
    const site = await filledSite();
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    const archived = () => site.state().spaces.filter((space) => space.type === 'personal' && space.status === 'archived').length;
    const before = archived();
    // The step that archives is stopped after its first space, before it could write that down.
    let isStopped = false;
    site.platform.beforeCall = (invocation) => {
      if (invocation.kind !== 'consumer' || isStopped || archived() === before) return;
      isStopped = true;
      invocation.kill();
    };
    await adminData(site, 'cleanup.start', { planId, count });
    await site.advance('PT5S');
    expect(isStopped).toBe(true);
    await adminData(site, 'runs.stop', { runId: planId });
    spendHour(site, { jobs: 45_000, events: 3_000 });
    await site.advance('PT10M');
    const ended = await runOf(site, planId);
    expect(ended).toMatchObject({ state: 'cancelled', counts: { archived: archived() - before } });
  });
});

describe('a refusal for the quota', () => {
  const REFUSED = { status: 429, headers: { 'Retry-After': '1200', 'RateLimit-Reason': 'conf-global-based' } };

  it('that one process saw stops events in every other, and lets people try', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', selfService: true });
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/users-bulk', respond: REFUSED });
    await readsAPage(site, ANA);
    site.platform.restart();
    const before = requests(site);
    await readsAPage(site, BO);
    expect(requests(site)).toBe(before);
    expect(await person(site, 'me.create', CY)).toMatchObject({ ok: true, data: { kind: 'ready' } });
    expect((await adminData(site, 'budget.get', {})).blockedUntil).toBeGreaterThan(site.clock.now());
    await site.advance('PT25M');
    expect([ANA, BO].map((id) => personalSpacesOf(site, id).length)).toEqual([1, 1]);
    expect((await adminData(site, 'budget.get', {})).blockedUntil).toBe(null);
  });

  it('is heard within half a minute by a process that still has points', async () => {
    const site = startSite({ settings: { warmProcesses: 2 } });
    await setPolicy(site, { mode: 'auto', selfService: true });
    for (const accountId of [7, 9, 11, 13].map(accountIdOf)) site.activity({ accountId, views: 1 });
    await site.advance('PT31S');
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/users-bulk', respond: REFUSED });
    // A click hears it, in whichever process.
    expect(await person(site, 'me.create', CY)).toMatchObject({ ok: true, data: { kind: 'waiting' } });
    await site.advance('PT31S');
    const before = requests(site);
    for (const accountId of [ANA, BO, CY]) await readsAPage(site, accountId, 'PT5S');
    expect(requests(site)).toBe(before);
  });

  it.each([
    ['a burst', { 'RateLimit-Reason': 'confluence-burst-based' }],
    ['a gateway', {}],
  ])('is not what %s means', async (_who, headers: Record<string, string>) => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    const respond = { status: 429, headers: { 'Retry-After': '600', ...headers } };
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/users-bulk', respond });
    await readsAPage(site, ANA);
    site.platform.restart();
    await readsAPage(site, BO);
    expect(personalSpacesOf(site, BO)).toHaveLength(1);
  });
});

describe('an administrator', () => {
  const dismiss = (site: LocalSite): void => {
    site.changePerson(ADMIN_ACCOUNT_ID, { groups: [GROUP_OF_EVERYBODY] });
  };
  /** Confluence does not answer who anybody is. */
  const goSilent = (site: LocalSite, respond: { status: number; headers?: Record<string, string> }): void =>
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/user/current', times: 1_000, respond });
  const trailOf = (site: LocalSite, version: number): unknown =>
    (site.state().kvs.entities.event?.[`policy:${version}`] as { data: { body: unknown } } | undefined)?.data.body;

  it('is checked once every ten minutes, across all processes', async () => {
    const site = startSite();
    const questions = (): number => site.usage().rest.byRoute['GET /wiki/rest/api/user/current']?.requests ?? 0;
    await adminData(site, 'policy.get', {});
    const before = questions();
    await site.advance('PT9M');
    site.platform.restart();
    await setPolicy(site, { mode: 'ask' });
    expect(questions()).toBe(before);
    await site.advance('PT2M');
    await adminData(site, 'policy.get', {});
    expect(questions()).toBe(before + 1);
  });

  it('who no longer is one may read and save for ten minutes, but start nothing', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    dismiss(site);
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: true });
    for (const [name, input] of [
      ['cleanup.start', { planId: 'archive-1-x', count: 1 }],
      ['runs.undo', { runId: 'archive-1-x' }],
      ['people.readGroups', { policy: DEFAULT_POLICY }],
      ['people.lift', { accountId: ANA }],
      ['policy.pause', { paused: false }],
    ] as const) {
      const fresh = startSite();
      await setPolicy(fresh, { mode: 'ask' });
      dismiss(fresh);
      expect(await admin(fresh, name, input as never), name).toMatchObject({ ok: false, error: { code: 'not-admin' } });
      // Confluence has said it: from now on nothing is allowed.
      expect(await admin(fresh, 'policy.get', {}), name).toMatchObject({ ok: false, error: { code: 'not-admin' } });
      expect(await admin(fresh, 'policy.pause', { paused: true }), name).toMatchObject({ ok: false, error: { code: 'not-admin' } });
    }
    await site.advance('PT10M');
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: false, error: { code: 'not-admin' } });
  });

  it.each([
    ['is down', { status: 503 }, 'confluence-failed'],
    ['asks to wait', { status: 429, headers: { 'Retry-After': '600' } }, 'rate-limited'],
    ['is out of reach', { status: 429, headers: { 'forge-proxy-error': 'TOO_MANY_REQUESTS' } }, 'confluence-failed'],
  ])('known from the last 30 days may pause, and only pause, while Confluence %s', async (_why, respond, code) => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const seen = (site.state().kvs.plain[`admin:${ADMIN_ACCOUNT_ID}`] as { at: number }).at;
    await site.advance('PT11M');
    goSilent(site, respond);
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: false, error: { code } });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: true, data: { version: 2, policy: { paused: true } } });
    expect(trailOf(site, 2)).toMatchObject({ kind: 'policy-paused', paused: true, administratorSince: seen });
    expect(await admin(site, 'policy.pause', { paused: false })).toMatchObject({ ok: false, error: { code } });
    expect(await admin(site, 'policy.pause', { paused: true }, ANA)).toMatchObject({ ok: false, error: { code } });
  });

  it('known from the last 30 days may pause while Confluence does not answer at all', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await site.advance('PT11M');
    site.addFault({ target: 'confluence', path: '/wiki/**', times: 100, respond: { status: 200, delay: 'PT30S' } });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: true, data: { policy: { paused: true } } });
    await expect(admin(site, 'policy.pause', { paused: false })).rejects.toThrow();
  });

  it('known from longer ago may not', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const key = `admin:${ADMIN_ACCOUNT_ID}`;
    const day = 86_400_000;
    goSilent(site, { status: 503 });
    site.platform.kvs.put(null, key, { at: site.clock.now() - 30 * day - 1 });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: false, error: { code: 'confluence-failed' } });
    site.platform.kvs.put(null, key, { at: site.clock.now() - 29 * day });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: true });
  });

  it('can pause while somebody else saves, and changes nothing else', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', jobShare: 30 });
    const { policy } = await adminData(site, 'policy.get', {});
    const [paused, saved] = await Promise.all([
      admin(site, 'policy.pause', { paused: true }),
      admin(site, 'policy.save', { policy: { ...policy, jobShare: 40 }, baseVersion: 1 }),
    ]);
    expect(paused.ok).toBe(true);
    const after = await adminData(site, 'policy.get', {});
    expect(after.policy).toEqual({ ...policy, paused: true, jobShare: saved.ok ? 40 : 30 });
    const version = await adminData(site, 'policy.pause', { paused: true });
    expect(version.version).toBe(after.version);
    const resumed = await adminData(site, 'policy.pause', { paused: false });
    expect(resumed.policy).toEqual({ ...after.policy, paused: false });
    expect(trailOf(site, resumed.version)).toMatchObject({ kind: 'policy-paused', paused: false, administratorSince: null });
  });

  it('cannot pause a policy that cannot be read: it is off already', async () => {
    const site = startSite();
    site.platform.kvs.put('policy', 'site', { nonsense: true });
    expect(await admin(site, 'policy.pause', { paused: true })).toMatchObject({ ok: false, error: { code: 'policy-unreadable' } });
  });
});

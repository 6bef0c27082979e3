/** People who cannot be served when they come: they wait in a line, nobody is lost, and nobody is served twice. */
import { describe, expect, it } from 'vitest';
import type { Waiting } from '../../src/domain/turn';
import type { LocalSite } from '../emulator/site';
import { spendHour } from '../support/hour';
import {
  ANA,
  accountIdOf,
  adminData,
  noticeOf,
  person,
  personalSpacesOf,
  personData,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startAlone,
  startSite,
} from '../support/site';
import { ON_THEIR_OWN, type Stop, stopAtEachCall } from '../support/stops';

/** People without a space. */
const [BO, CY, DEE] = [accountIdOf(3), accountIdOf(5), accountIdOf(7)];
const NEXT_HOUR = Date.UTC(2026, 10, 23, 10);
/** Until half past; after that less is kept for others. */
const FULL = { jobs: 40_000, events: 17_000 };
const EMPTY = { jobs: 40_000, events: 25_000 };

const waitingOf = (site: LocalSite): Record<string, { lane: string; data: Waiting }> =>
  (site.platform.kvs.dump().entities.waiting ?? {}) as never;
const stateOf = (site: LocalSite, accountId: string): string | undefined => recordOf(site, accountId)?.state;
const createdIn = (site: LocalSite): string[] =>
  site
    .state()
    .audit.filter(({ action }) => action === 'space-created')
    .map(({ actor }) => actor);

/** Names of their groups. */
const groupsOf = (site: LocalSite, accountId: string): string[] =>
  site.people(200).results.find((one) => one.accountId === accountId)?.groups ?? [];

const withoutSpace = (site: LocalSite): string[] =>
  site
    .people(200)
    .results.filter(
      (one) => one.licensed && one.accountStatus === 'active' && one.personalSpaceId === null && one.accountType === 'atlassian',
    )
    .map(({ accountId }) => accountId);

async function automatic(settings = {}): Promise<LocalSite> {
  const site = startAlone({ settings });
  await setPolicy(site, { mode: 'auto', selfService: true });
  return site;
}

describe('when the hour has no points left', () => {
  it('whoever comes is written down once, and served in the next hour, first come first', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    const before = site.usage().rest.requests;
    const people = withoutSpace(site).slice(0, 12).reverse();
    for (const accountId of people) {
      site.activity({ accountId, views: 4 });
      await site.advance('PT1M');
    }
    expect(Object.keys(waitingOf(site)).sort()).toEqual(people.map((id) => `waiting:${id}`).sort());
    expect(site.usage().rest.requests).toBe(before);
    expect(site.usage().invocations['trigger:activity']).toMatchObject({ retries: 0, errors: 0 });
    await site.advance('PT1H');
    // Four at a time, so that neighbors may change places.
    const order = createdIn(site);
    for (const [i, accountId] of people.entries()) expect(Math.abs(order.indexOf(accountId) - i), `person ${i}`).toBeLessThan(4);
    expect(people.map((id) => [stateOf(site, id), noticeOf(site, id, 'ready')])).toEqual(people.map(() => ['ready', 'raised']));
    expect(waitingOf(site)).toEqual({});
  });

  it('administrators read how many wait and until when, and so does each of them', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await site.advance('PT1H');
    spendHour(site, FULL);
    for (const accountId of [ANA, BO, CY]) await readsAPage(site, accountId, 'PT10S');
    const { waiting } = await adminData(site, 'overview.get', {});
    expect(waiting.count).toBe(3);
    expect(waiting.doneAt).toBeGreaterThan(NEXT_HOUR);
    expect(waiting.doneAt).toBeLessThan(NEXT_HOUR + 70 * 60_000);
    const mine = (await personData(site, 'me.get', BO)).waiting;
    expect(mine?.servedAt).toBeGreaterThan(NEXT_HOUR);
    expect((await personData(site, 'me.get', DEE)).waiting).toBeNull();
    await site.advance('PT70M');
    expect((await adminData(site, 'overview.get', {})).waiting).toEqual({ count: 0, doneAt: null });
    expect((await personData(site, 'me.get', BO)).waiting).toBeNull();
  });

  it('a click of somebody in the line is served at once from what is kept for clicks', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    for (const accountId of [BO, ANA]) await readsAPage(site, accountId, 'PT10S');
    expect(await personData(site, 'me.create', ANA)).toMatchObject({ kind: 'ready' });
    expect(Object.keys(waitingOf(site))).toEqual([`waiting:${BO}`]);
    await site.advance('PT1H');
    expect(createdIn(site)).toEqual([ANA, BO]);
  });

  it('a click that fails for another reason is told so, and its person keeps their place', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    await readsAPage(site, ANA, 'PT10S');
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/space/_private', times: 1, respond: { status: 500 } });
    expect(await person(site, 'me.create', ANA)).toMatchObject({ ok: false, error: { code: 'confluence-failed' } });
    expect(Object.keys(waitingOf(site))).toEqual([`waiting:${ANA}`]);
    await site.advance('PT1H');
    expect(stateOf(site, ANA)).toBe('ready');
    expect(waitingOf(site)).toEqual({});
  });

  it('clicks that have to wait hold up nobody who only comes by', async () => {
    const site = await automatic();
    // All that clicks may have in an hour.
    spendHour(site, { person: 32_500 });
    expect(await personData(site, 'me.create', BO)).toMatchObject({ kind: 'waiting' });
    await readsAPage(site, ANA, 'PT10S');
    expect(stateOf(site, ANA)).toBe('ready');
    expect(waitingOf(site)[`waiting:${BO}`]).toMatchObject({ lane: 'clicks' });
    await site.advance('PT1H');
    expect(stateOf(site, BO)).toBe('ready');
  });

  it('newcomers stand behind those who wait, also when there are points again', async () => {
    const site = await automatic();
    spendHour(site, EMPTY);
    for (const accountId of [BO, ANA]) await readsAPage(site, accountId, 'PT10S');
    site.changeSettings({ deliverEvents: { times: 1, reorder: false, drop: 0, seed: 1 } });
    await site.advance(`PT${(NEXT_HOUR - site.clock.now()) / 1000 + 10}S`);
    site.activity({ accountId: CY, views: 1 });
    await site.advance('PT30S');
    expect(stateOf(site, CY)).toBeUndefined();
    await site.advance('PT10M');
    expect(createdIn(site).sort()).toEqual([ANA, BO, CY].sort());
  });

  it('nobody is served while the policy is paused, and everybody keeps their place', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    for (const accountId of [BO, ANA]) await readsAPage(site, accountId, 'PT10S');
    await adminData(site, 'policy.pause', { paused: true });
    await site.advance('PT3H');
    expect(createdIn(site)).toEqual([]);
    expect(Object.keys(waitingOf(site))).toHaveLength(2);
    expect((await personData(site, 'me.get', BO)).waiting).toMatchObject({ servedAt: null });
    await adminData(site, 'policy.pause', { paused: false });
    await site.advance('PT6M');
    expect(createdIn(site).sort()).toEqual([BO, ANA].sort());
  });

  it('whoever gets nothing by now leaves the line without a request', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    await readsAPage(site, BO, 'PT10S');
    await setPolicy(site, { mode: 'off' });
    const before = site.usage().rest.requests;
    await site.advance('PT2H');
    expect(waitingOf(site)).toEqual({});
    expect(site.usage().rest.requests).toBe(before);
  });

  it('a record of waiting that cannot be read stops nobody, not even its person', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    await readsAPage(site, BO, 'PT10S');
    site.platform.kvs.put('waiting', `waiting:${ANA}`, { revision: 'x', lane: 'arrivals', dueAt: site.clock.now(), data: 7 });
    await site.advance('PT1H');
    expect(stateOf(site, BO)).toBe('ready');
    await readsAPage(site, ANA, 'PT10M');
    expect(stateOf(site, ANA)).toBe('ready');
    expect(waitingOf(site)).toEqual({});
  });

  it.each(['PT0S', 'PT2S'])(
    'somebody whose place and account id are stored is forgotten with their account (lag %s)',
    async (kvsQueryLag) => {
      const site = await automatic({ kvsQueryLag });
      spendHour(site, FULL);
      await readsAPage(site, BO, 'PT10S');
      await adminData(site, 'policy.pause', { paused: true });
      site.changePerson(BO, { accountStatus: 'closed' });
      await site.advance('P9D');
      expect(JSON.stringify(site.state().kvs)).not.toContain(BO);
    },
  );
});

describe('one person', () => {
  it('is served by one invocation, whichever of view and new space is heard first', async () => {
    const site = await automatic({ nativeAutoCreate: true, roleMode: 'ROLES' });
    site.resetUsage();
    site.activity({ accountId: ANA, views: 3 });
    await site.advance('PT10M');
    expect(promiseOf(site, ANA)).toMatchObject({ origin: 'adopted', access: { actual: 'private' } });
    const { byRoute } = site.usage().rest;
    // One of them is the app's, about its own account.
    expect(byRoute['GET /wiki/rest/api/user/current']?.requests).toBe(2);
    expect(byRoute['PUT /wiki/api/v2/pages/{id}']?.requests).toBe(1);
    expect(byRoute['POST /wiki/api/v2/spaces/{id}/role-assignments']?.requests).toBe(1);
    expect(waitingOf(site)).toEqual({});
  });

  it('whose invocation was cut off, and whose event is never heard again, is found within a quarter of an hour', async () => {
    const site = await automatic({ deliverEvents: { times: 1, reorder: false, drop: 0, seed: 1 } });
    site.addFault({ killAfterCall: 6, invocation: 'trigger:activity' });
    site.activity({ accountId: ANA, views: 1 });
    await site.advance('PT3S');
    expect(Object.keys(waitingOf(site))).toEqual([`waiting:${ANA}`]);
    // No event reaches the app any more.
    site.changeSettings({ eventDelay: 'P1D' });
    site.platform.redeploy();
    await site.advance('PT20M');
    expect(stateOf(site, ANA)).toBe('ready');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(waitingOf(site)).toEqual({});
  });
});

describe('a tick that is stopped after any of its calls', () => {
  it('leaves nobody behind, and serves nobody twice', async () => {
    const stops = await stopAtEachCall(
      'scheduledTrigger',
      async ({ name, order }: Stop) => {
        const site = startAlone({ settings: ON_THEIR_OWN });
        await setPolicy(site, { mode: 'auto' });
        // Agenda and first start are done; what follows is the line's.
        await site.advance('PT21M');
        spendHour(site, EMPTY);
        for (const accountId of [BO, ANA, CY]) await readsAPage(site, accountId, 'PT5S');
        await site.advance(`PT${(NEXT_HOUR - site.clock.now()) / 1000 - 1}S`);
        order(site);
        await site.advance('PT40M');
        for (const accountId of [BO, ANA, CY]) {
          expect(personalSpacesOf(site, accountId), name).toHaveLength(1);
          expect(personalSpacesOf(site, accountId)[0]?.pages[0]?.versions, name).toHaveLength(2);
          expect([stateOf(site, accountId), noticeOf(site, accountId, 'ready')], name).toEqual(['ready', 'raised']);
        }
        expect(waitingOf(site), name).toEqual({});
      },
      7,
    );
    expect(stops).toBeGreaterThan(5);
  });
});

describe('on a bad day', () => {
  it('a Confluence that fails for hours is left alone after a few, and everybody is served when it is back', async () => {
    const site = await automatic();
    spendHour(site, FULL);
    const people = withoutSpace(site);
    expect(people.length).toBeGreaterThan(10);
    for (const accountId of people) site.activity({ accountId, views: 1 });
    await site.advance('PT1M');
    site.addFault({ target: 'confluence', path: '/wiki/**', times: 100_000, respond: { status: 503 } });
    await site.advance(`PT${(NEXT_HOUR - site.clock.now()) / 1000 + 1}S`);
    site.resetUsage();
    await site.advance('PT1H');
    // A few people each tick, in whose name Confluence was asked, twelve ticks long.
    expect(site.usage().rest.requests).toBeLessThan(12 * 12);
    expect(people.filter((id) => stateOf(site, id) === 'ready')).toEqual([]);
    site.clearFaults();
    await site.advance('P1DT3H');
    expect(people.filter((id) => stateOf(site, id) !== 'ready')).toEqual([]);
    expect(people.filter((id) => personalSpacesOf(site, id).length !== 1)).toEqual([]);
  });

  it('a site on which nobody may create spaces is asked by a few people an hour, until it lets them', async () => {
    const site = startSite({ settings: { createSpaceGroups: [] } });
    await setPolicy(site, { mode: 'auto' });
    const people = withoutSpace(site).slice(0, 10);
    for (const accountId of people) await readsAPage(site, accountId, 'PT20S');
    const refused = people.filter((id) => stateOf(site, id) === 'refused');
    expect(refused).toHaveLength(5);
    const overview = await adminData(site, 'overview.get', {});
    expect(overview.waiting).toEqual({ count: 5, doneAt: null });
    expect(overview.attention).toContainEqual({ kind: 'creation-refused', count: 5 });
    await site.advance('PT2H');
    // One an hour has tried.
    const left = people.filter((id) => stateOf(site, id) !== 'refused');
    expect(left.length).toBeGreaterThan(1);
    site.changeSettings({ createSpaceGroups: ['confluence-users-example'] });
    await site.advance('PT70M');
    expect(left.map((id) => stateOf(site, id))).toEqual(left.map(() => 'ready'));
    expect((await adminData(site, 'overview.get', {})).waiting).toEqual({ count: 0, doneAt: null });
    // Those who had been refused need not wait for weeks.
    const tried = people.filter((id) => !left.includes(id));
    for (const accountId of tried) await readsAPage(site, accountId, 'PT10S');
    expect(tried.map((id) => stateOf(site, id))).toEqual(tried.map(() => 'ready'));
  });

  it('somebody who was refused is asked about again when they ask on another day, and else not for weeks', async () => {
    const site = startSite({ settings: { createSpaceGroups: ['creators'] } });
    site.confluence.state.addGroup({ id: 'creators', name: 'creators', access: 'none' });
    await setPolicy(site, { mode: 'auto', selfService: true });
    await site.advance('PT1H');
    for (const accountId of [BO, CY]) await readsAPage(site, accountId, 'PT20S');
    expect([BO, CY].map((id) => stateOf(site, id))).toEqual(['refused', 'refused']);
    const isRefused = async (): Promise<boolean> => {
      await personData(site, 'me.create', CY);
      return stateOf(site, CY) === 'refused';
    };
    site.changePerson(CY, { groups: [...groupsOf(site, CY), 'creators'] });
    // On the same day Confluence is not asked again.
    const before = site.usage().rest.requests;
    expect(await isRefused()).toBe(true);
    expect(site.usage().rest.requests - before).toBeLessThan(4);
    await site.advance('P1D');
    expect(await isRefused()).toBe(false);
    await readsAPage(site, BO, 'P8D');
    expect(stateOf(site, BO)).toBe('refused');
  });
});

describe('somebody whom the policy leaves out', () => {
  const GROUP = 'engineering';

  /** A pilot for one group, on a site that the directory knows. */
  async function pilot(): Promise<{ site: LocalSite; groupId: string }> {
    const site = startSite();
    const groupId = site.confluence.state.groupsByName.get(GROUP)?.id ?? '';
    const { policy, version } = await adminData(site, 'policy.get', {});
    const rule = { ...policy.everyoneElse, id: 'pilot', name: 'Pilot', groups: [groupId], exceptGroups: [], mode: 'auto' as const };
    await adminData(site, 'policy.save', { policy: { ...policy, rules: [rule] }, baseVersion: version });
    await site.advance('PT2H');
    return { site, groupId };
  }

  it('costs no request: the directory knows their groups, and everybody has their own moment of the week to be looked at again', async () => {
    const { site } = await pilot();
    const outside = [ANA, BO, CY, DEE].filter((id) => !groupsOf(site, id).includes(GROUP));
    expect(outside.length).toBeGreaterThan(1);
    const before = site.usage().rest.requests;
    for (const accountId of outside) await readsAPage(site, accountId, 'PT10S');
    expect(site.usage().rest.requests).toBe(before);
    const records = outside.map((id) => recordOf(site, id) as { state: string; reason: string; recheckAt: number });
    const DAY = 86_400_000;
    for (const { state, reason, recheckAt } of records) {
      expect([state, reason]).toEqual(['excluded', 'rule-off']);
      expect(recheckAt).toBeGreaterThan(site.clock.now() + 0.9 * DAY);
      expect(recheckAt).toBeLessThan(site.clock.now() + 8.1 * DAY);
    }
    expect(new Set(records.map(({ recheckAt }) => recheckAt)).size).toBe(records.length);
  });

  it('gets a space at their next visit after they have joined the group, once the directory has read it again', async () => {
    const { site } = await pilot();
    await readsAPage(site, ANA);
    expect(stateOf(site, ANA)).toBe('excluded');
    site.changePerson(ANA, { groups: [...groupsOf(site, ANA), GROUP] });
    await site.advance('P1DT3H');
    await readsAPage(site, ANA);
    expect(stateOf(site, ANA)).toBe('ready');
  });

  it('is asked about where the directory knows nothing of them', async () => {
    const { site } = await pilot();
    site.changeSettings({ sql: 'throttled' });
    const before = site.usage().rest.requests;
    await readsAPage(site, ANA);
    expect(site.usage().rest.requests).toBeGreaterThan(before);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'excluded', reason: 'rule-off' });
  });
});

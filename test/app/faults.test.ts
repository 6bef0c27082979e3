/** A failure for one person or one record stays with them, and promises are kept. */
import { expect, it } from 'vitest';
import { personalSpaceKey } from '../emulator/confluence/state';
import type { LocalSite } from '../emulator/site';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  letIn,
  noticeOf,
  person,
  personalSpacesOf,
  personData,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';

/** Replaces a record with what an older or defective version of the app might have left behind. */
function corrupt(site: LocalSite, entity: string, key: string): void {
  site.platform.kvs.put(entity, key, { revision: 3, state: 'removed', changedAt: site.clock.now(), data: { schemaVersion: 99 } });
}

const kindsOf = async (site: LocalSite): Promise<string[]> => (await adminData(site, 'activity.list', {})).entries.map(({ kind }) => kind);

it('one person for whom Confluence always fails does not keep others waiting', async () => {
  const site = startSite({ people: 130 });
  await setPolicy(site, { mode: 'auto' });
  const newcomers = Array.from({ length: 130 }, (_, i) => accountIdOf(i)).filter((id) => {
    const p = site.people(200).results.find((one) => one.accountId === id);
    return p?.licensed && p.accountStatus === 'active' && p.personalSpaceId === null && id !== ANA;
  });
  const key = personalSpaceKey(ANA);
  site.addFault({ target: 'confluence', path: '/wiki/rest/api/space/_private', contains: key, times: 999, respond: { status: 500 } });
  for (const [i, accountId] of newcomers.entries()) {
    if (i % 5 === 0) site.activity({ accountId: ANA, views: 1 });
    site.activity({ accountId, views: 1 });
    await site.advance('PT10S');
  }
  await site.advance('PT2M');
  expect(newcomers.filter((id) => recordOf(site, id)?.state !== 'ready')).toEqual([]);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'creating' });
  site.clearFaults();
  await site.advance('P1D');
  await readsAPage(site, ANA);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
});

it.each([500, 403])('a space that could not be made private (%i) is reported, and made private later by the schedule', async (status) => {
  const site = startSite({ settings: { asUserPersonalCreate: 'graphql' } });
  await setPolicy(site, { mode: 'auto' });
  site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/api/v2/spaces/*/role-assignments', times: 99, respond: { status } });
  await readsAPage(site, ANA);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  expect(promiseOf(site, ANA)).toMatchObject({ access: { promised: 'private', actual: 'open', broken: { failures: 1 } } });
  expect((await site.notices.load(ANA)).flags[0]?.description).toContain('tried again');
  expect((await personData(site, 'me.get', ANA)).record).toMatchObject({ isPromiseBroken: true });
  expect(await adminData(site, 'promises.broken', {})).toMatchObject([{ ownerId: ANA, promised: 'private', actual: 'open' }]);
  expect(await kindsOf(site)).toContain('access-broken');
  await site.advance('PT1H');
  expect(promiseOf(site, ANA)?.access.broken?.failures).toBeGreaterThan(1);
  site.clearFaults();
  await site.advance('PT1H');
  expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private', broken: null } });
  expect(letIn(site, ANA).map((grant) => grant.principalType)).toEqual(['USER']);
  expect(await adminData(site, 'promises.broken', {})).toEqual([]);
  expect(await kindsOf(site)).toContain('access-kept');
});

it('a record that cannot be read affects only its own person, is named, and can be removed', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  const other = accountIdOf(3);
  await personData(site, 'me.decline', other);
  corrupt(site, 'person', ANA);
  await site.advance('PT5S');
  await readsAPage(site, ANA);
  expect(personalSpacesOf(site, ANA)).toEqual([]);
  expect(await adminData(site, 'tombstones.list', { state: 'removed' })).toMatchObject({ people: [], unreadable: [ANA] });
  expect(await adminData(site, 'tombstones.list', { state: 'declined' })).toMatchObject({ people: [{ accountId: other }] });
  expect(await admin(site, 'people.explain', { accountId: ANA })).toMatchObject({ ok: false, error: { code: 'record-unreadable' } });
  expect(await person(site, 'me.get', ANA)).toMatchObject({ ok: false, error: { code: 'record-unreadable' } });
  expect((await adminData(site, 'site.run', { checks: ['rights-private'] })).length).toBeGreaterThan(0);
  expect(await admin(site, 'people.forget', { accountId: other })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  await adminData(site, 'people.forget', { accountId: ANA });
  await readsAPage(site, ANA);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
});

it('the directory follows a record that begins anew', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, ANA);
  await site.advance('PT30M');
  const inDirectory = async () => (await adminData(site, 'people.list', { filter: { accountIds: [ANA] } })).rows[0]?.state;
  expect(await inDirectory()).toBe('ready');
  corrupt(site, 'person', ANA);
  await adminData(site, 'people.forget', { accountId: ANA });
  await site.advance('PT30M');
  expect(await inDirectory()).toBeNull();
  await readsAPage(site, ANA);
  await site.advance('PT30M');
  expect(await inDirectory()).toBe(recordOf(site, ANA)?.state);
  expect(await inDirectory()).not.toBeNull();
});

it('the trail keeps every archive, restore, offer and answer, no matter how often they repeat', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, ANA);
  const [space] = personalSpacesOf(site, ANA);
  for (const status of ['archived', 'current', 'archived', 'current'] as const) {
    site.changeSpace(space?.id ?? '', { by: ADMIN_ACCOUNT_ID, status });
    await site.advance('PT1M');
  }
  const decliner = accountIdOf(3);
  for (let time = 0; time < 3; time += 1) {
    await personData(site, 'me.decline', decliner);
    await personData(site, 'me.undo', decliner);
  }
  await site.advance('PT5S');
  const count = (kinds: string[], kind: string): number => kinds.filter((one) => one === kind).length;
  const kinds = await kindsOf(site);
  expect(['removed', 'returned', 'declined', 'undone'].map((kind) => count(kinds, kind))).toEqual([2, 2, 3, 3]);
});

it('guests and people who have left cannot decline, and get no record', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  for (const accountId of [17, 23].map(accountIdOf)) {
    expect(await person(site, 'me.decline', accountId)).toMatchObject({ ok: false });
    expect(recordOf(site, accountId)).toBeUndefined();
  }
});

it('a space that a person creates themselves after declining stays as it is', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  await personData(site, 'me.decline', ANA);
  site.createNatively(ANA);
  await site.advance('PT10M');
  await readsAPage(site, ANA);
  const [space] = personalSpacesOf(site, ANA);
  expect(space?.grants.length).toBeGreaterThan(1);
  expect(space?.pages[0]?.versions).toHaveLength(1);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'declined' });
});

it('the outbox receives every change that lasts, and is emptied by the schedule', async () => {
  const site = startSite();
  const outbox = (): string[] => Object.keys(site.state().kvs.plain).filter((key) => key.startsWith('outbox:'));
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, ANA);
  const spaceId = personalSpacesOf(site, ANA)[0]?.id;
  // What lasts for seconds only (a space is being created) is left out.
  expect(outbox()).toEqual([`outbox:person:${ANA}:2`, `outbox:space:${spaceId}:1`]);
  await site.advance('PT2H');
  expect(outbox()).toEqual([]);
});

it('five hundred changes of spaces reach the directory in one tick, though lists of them lag', async () => {
  const site = startSite({ seed: 'scale', people: 10, spaces: 0 });
  // Tables are made.
  await site.advance('PT16M');
  const { kvs } = site.platform;
  const left = (): number => Object.keys(kvs.dump().plain).filter((key) => key.startsWith('outbox:')).length;
  for (let n = 0; n < 800; n += 1) kvs.put(null, `outbox:space:${n}:1`, { entity: 'space', id: String(n), revision: 1 });
  await site.advance('PT5M');
  expect(left()).toBe(300);
  await site.advance('PT5M');
  expect(left()).toBe(0);
});

it('a notice that an interrupted run left behind is raised by the schedule', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/user/*/property/*', times: 1, respond: { status: 500 } });
  await readsAPage(site, ANA);
  expect(noticeOf(site, ANA, 'ready')).toBe('due');
  await site.advance('PT20M');
  expect(noticeOf(site, ANA, 'ready')).toBe('raised');
  expect((await site.notices.load(ANA)).flags).toHaveLength(1);
});

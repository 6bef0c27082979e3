/** Personal data: reported once a week, erased once an account is closed, shown to whom it is about. */
import { describe, expect, it } from 'vitest';
import type { OwnRows } from '../../src/jobs/accounts';
import type { PromisePage, PromiseRow } from '../../src/privacy/promises';
import { ADMINS_GROUP, USERS_GROUP } from '../emulator/confluence/seed';
import type { LocalSite } from '../emulator/site';
import { filledSite, listUnused, runOf, some, startCleanup } from '../support/cleanup';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  knowEverybody,
  person,
  personalSpacesOf,
  personData,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';
import { ON_THEIR_OWN, type Stop, stopAtEachCall } from '../support/stops';

const BEN = accountIdOf(3);
const CARA = accountIdOf(7);
const DAN = accountIdOf(5);

/** Where the account is named, as itself or in the key of its space, in what the app stores. */
function namesOf(site: LocalSite, accountId: string): string[] {
  const { plain, entities } = site.state().kvs;
  const squeezed = accountId.replace(/[:-]/g, '');
  return Object.entries({ plain, ...entities }).flatMap(([entity, records]) =>
    Object.entries(records as Record<string, unknown>).flatMap(([key, value]) => {
      const text = `${key} ${JSON.stringify(value)}`;
      return text.includes(accountId) || text.includes(squeezed) ? [`${entity} ${key}`] : [];
    }),
  );
}

/** The last report becomes a week older, and the schedule runs twice: thousands of idle ticks would say nothing more. */
async function aWeekPasses(site: LocalSite): Promise<void> {
  await site.advance('PT2H');
  const report = site.state().kvs.plain['privacy-report'] as { doneAt: number };
  site.platform.kvs.put(null, 'privacy-report', { ...report, doneAt: site.clock.now() - 7 * 86_400_000 });
  await site.advance('PT2H');
}

/** Ana has a space and is an administrator, who saved the policy and removed Ben's space. */
async function withAna(site: LocalSite): Promise<void> {
  await setPolicy(site, { mode: 'auto' });
  site.changePerson(ANA, { groups: [USERS_GROUP, ADMINS_GROUP] });
  const { policy, version } = await adminData(site, 'policy.get', {});
  expect(await admin(site, 'policy.save', { policy, baseVersion: version }, ANA)).toMatchObject({ ok: true });
  await readsAPage(site, ANA);
  await readsAPage(site, BEN);
  const [own] = personalSpacesOf(site, BEN);
  site.changeSpace(own?.id ?? '', { by: ANA, status: 'archived' });
  await site.advance('PT1M');
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', by: ANA });
}

it('every account that is stored is reported to Atlassian once a week', async () => {
  const site = startSite();
  await withAna(site);
  await site.advance('PT2H');
  expect(site.usage().personalData.calls).toBe(0);
  // The first call fails: the report goes on with the next turn.
  site.addFault({ target: 'confluence', path: '/app/report-accounts', times: 1, respond: { status: 500 } });
  await aWeekPasses(site);
  // The directory has everybody who may use Confluence, and every owner.
  const everybody = [...site.confluence.state.people.values()].filter(
    ({ accountType, accountStatus, groups }) => accountType === 'atlassian' && accountStatus === 'active' && groups.size > 0,
  );
  expect([...site.platform.reportedAccounts]).toEqual(expect.arrayContaining(everybody.map(({ accountId }) => accountId)));
  expect(everybody.length).toBeGreaterThan(90);
  const { calls } = site.usage().personalData;
  await site.advance('PT30M');
  expect(site.usage().personalData.calls).toBe(calls);
  await aWeekPasses(site);
  expect(site.usage().personalData.calls).toBe(2 * calls);
});

it('a closed account is erased from everything that is stored, and every list goes on', async () => {
  const site = startSite({ settings: { kvsQueryLag: 'PT3S' } });
  await withAna(site);
  const before = (await adminData(site, 'activity.list', {})).entries;
  site.changePerson(ANA, { accountStatus: 'closed' });
  await aWeekPasses(site);
  await site.advance('PT2H');
  expect(namesOf(site, ANA)).toEqual([]);

  const activity = (await adminData(site, 'activity.list', {})).entries;
  expect(activity.map(({ kind }) => kind)).toEqual(before.map(({ kind }) => kind));
  const spaces = Object.values(site.state().kvs.entities.space ?? {}) as { data: { ownerId: string | null } }[];
  expect(spaces.map(({ data }) => data.ownerId).sort()).toEqual([BEN, null]);
  const removed = await adminData(site, 'tombstones.list', { state: 'removed' });
  expect(removed.people).toMatchObject([{ accountId: BEN, by: 'unknown' }]);
  const history = await adminData(site, 'policy.history', {});
  expect(history.versions.map(({ savedBy }) => savedBy)).toEqual(['unknown', ADMIN_ACCOUNT_ID]);
  expect(JSON.stringify([activity, removed, history])).not.toContain(ANA);
  expect(await admin(site, 'people.explain', { accountId: ANA })).toMatchObject({ ok: true, data: { record: null } });
  expect(await person(site, 'me.data', BEN)).toMatchObject({ ok: true });
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', by: 'unknown' });
});

it('an erasure that is stopped goes on later, and nothing is kept twice', async () => {
  const site = startSite();
  await withAna(site);
  const before = (await adminData(site, 'activity.list', {})).entries.length;
  site.changePerson(ANA, { accountStatus: 'closed' });
  // Four steps in: each fails twice.
  for (const contains of ['closed:', 'savedBy', 'spaceKey', `${ANA}:ready`]) {
    site.addFault({ target: 'kvs', path: '/api/v1/transaction', contains, times: 2, respond: { status: 500 } });
  }
  await aWeekPasses(site);
  await site.advance('PT4H');
  expect(namesOf(site, ANA)).toEqual([]);
  expect((await adminData(site, 'activity.list', {})).entries).toHaveLength(before);
});

it('rows of jobs are reported, and erased too: what was archived can still be restored', async () => {
  const site = await filledSite();
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  const { runId } = await startCleanup(site, some((await listUnused(site)).slice(0, 2)));
  await site.advance('PT5M');
  expect(await runOf(site, runId)).toMatchObject({ state: 'done', counts: { archived: 2 } });
  const [left, kept] = (await adminData(site, 'runs.rows', { runId })).rows;
  const owner = left?.ownerId ?? '';
  const except = [left?.ownerId ?? '', kept?.ownerId ?? ''];
  const { planId } = await adminData(site, 'people.plan', { selection: { kind: 'all', except } });
  expect(
    namesOf(site, owner)
      .filter((name) => name.includes(' batch:'))
      .map((name) => name.split(':')[1]),
  ).toEqual(expect.arrayContaining([runId, planId]));

  // Queries lag.
  await site.advance('PT3S');
  const own: OwnRows = await personData(site, 'me.rows', owner);
  expect(own.next).toBeNull();
  expect(new Set(own.rows.map(({ jobId }) => jobId))).toEqual(new Set([runId, planId]));
  expect(JSON.stringify(own)).toContain(owner);
  for (const other of [kept?.ownerId, BEN]) expect(JSON.stringify(own)).not.toContain(other);

  site.changePerson(owner, { accountStatus: 'closed' });
  await aWeekPasses(site);
  await site.advance('PT4H');
  expect(site.platform.reportedAccounts).toContain(owner);
  expect(namesOf(site, owner)).toEqual([]);
  const after = await adminData(site, 'runs.rows', { runId });
  expect(after.rows).toMatchObject([
    { spaceId: left?.spaceId, ownerId: null, key: '', outcome: 'archived' },
    { spaceId: kept?.spaceId, ownerId: kept?.ownerId, key: kept?.key, outcome: 'archived' },
  ]);
  const undo = await adminData(site, 'runs.undo', { runId });
  await site.advance('PT5M');
  expect(await runOf(site, undo.runId)).toMatchObject({ state: 'done', counts: { restored: 2 } });
});

it('rows of a job that is running lose a closed account once it is over', async () => {
  const site = await filledSite();
  const { runId: id } = await startCleanup(site, some((await listUnused(site)).slice(0, 1)));
  await site.advance('PT5M');
  const { rows } = await adminData(site, 'runs.rows', { runId: id });
  const owner = rows[0]?.ownerId ?? '';
  const job = site.state().kvs.entities.job?.[id] as { data: object };
  // Its step has been at work for days.
  site.platform.kvs.put('job', id, { ...job, state: 'running', data: { ...job.data, leasedUntil: site.clock.now() + 30 * 86_400_000 } });
  site.changePerson(owner, { accountStatus: 'closed' });
  await aWeekPasses(site);
  await site.advance('PT4H');
  expect(namesOf(site, owner)).toContainEqual(expect.stringContaining(`batch:${id}`));
  site.platform.kvs.put('job', id, job);
  await site.advance('PT3H');
  expect(namesOf(site, owner)).toEqual([]);
});

it('promises that were exported outlive an uninstall: nobody who declined, or whose space was removed, gets a space', async () => {
  const site = startSite();
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, BEN);
  const [own] = personalSpacesOf(site, BEN);
  site.changeSpace(own?.id ?? '', { by: BEN, status: 'trashed' });
  // Nothing tells of the trash, and lists lag: he visits his page a while later.
  await site.advance('PT10M');
  await personData(site, 'me.get', BEN);
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', how: 'trashed' });
  await personData(site, 'me.decline', ANA);
  await readsAPage(site, DAN);
  const promised = promiseOf(site, DAN);
  expect(promised).toMatchObject({ origin: 'created' });
  const rows: PromiseRow[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: PromisePage = await adminData(site, 'promises.export', cursor === undefined ? {} : { cursor });
    rows.push(...page.rows);
    cursor = page.next;
  }

  site.changeApp({ act: 'uninstall' });
  site.changeApp({ act: 'install' });
  const imported = await adminData(site, 'promises.import', { rows });
  expect(imported).toEqual({ written: rows.length, kept: 0 });
  expect(await adminData(site, 'promises.import', { rows })).toEqual({ written: 0, kept: rows.length });
  await setPolicy(site, { mode: 'auto', paused: false });
  for (const accountId of [ANA, BEN, CARA]) await readsAPage(site, accountId);
  expect(personalSpacesOf(site, CARA).map(({ status }) => status)).toEqual(['current']);
  expect(personalSpacesOf(site, ANA)).toEqual([]);
  expect(personalSpacesOf(site, BEN).map(({ status }) => status)).toEqual(['trashed']);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'declined' });
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', how: 'trashed' });
  expect(promiseOf(site, DAN)).toEqual(promised);
  const { entries } = await adminData(site, 'activity.list', {});
  const named = entries.filter(({ kind }) => kind === 'imported').map(({ accountId }) => accountId);
  expect(named.sort()).toEqual([ANA, BEN].sort());
});

describe('the first start of an installation', () => {
  const install = (site: LocalSite): void => {
    site.changeApp({ act: 'uninstall' });
    site.changeApp({ act: 'install' });
  };
  const stateOf = (site: LocalSite) => adminData(site, 'promises.state', {});

  it('on a site that Homestead has never been on is no different', async () => {
    const site = startSite();
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'unset', policy: { paused: false } });
    expect((await stateOf(site)).firstStart).toMatchObject({ marks: 0 });
  });

  it('begins paused where homepages bear its mark, also those with details, and says how many', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', access: 'licensed' });
    await readsAPage(site, ANA);
    await readsAPage(site, BEN);
    install(site);
    // By itself: nobody opens the page.
    await site.advance('PT10M');
    expect(site.state().kvs.entities.policy?.site).toMatchObject({ revision: 1, data: { savedBy: 'app', document: { paused: true } } });
    expect((await stateOf(site)).firstStart).toMatchObject({ marks: 2 });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, CARA);
    expect(personalSpacesOf(site, CARA)).toEqual([]);
  });

  it('is finished before a policy is saved, and a policy that did not know of it is refused', async () => {
    const site = startSite();
    const { policy } = await adminData(site, 'policy.get', {});
    await setPolicy(site, { mode: 'auto', access: 'licensed' });
    await readsAPage(site, ANA);
    install(site);
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/spaces', times: 2, respond: { status: 500 } });
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'unset' });
    expect(await admin(site, 'policy.save', { policy, baseVersion: 0 })).toMatchObject({ ok: false });
    expect(site.state().kvs.entities.policy).toEqual({});
    expect(await admin(site, 'policy.save', { policy, baseVersion: 0 })).toMatchObject({ ok: false, error: { code: 'conflict' } });
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ version: 1, savedBy: 'app', policy: { paused: true } });
  });

  it('ends the same way when it is stopped after any call', async () => {
    const run = async (stop?: Stop): Promise<object> => {
      const site = startSite({ settings: ON_THEIR_OWN });
      await setPolicy(site, { mode: 'auto', access: 'licensed' });
      await readsAPage(site, ANA);
      install(site);
      stop?.order(site);
      await site.advance('PT1H10M');
      const { entities, plain } = site.state().kvs;
      return { versions: Object.keys(entities.policy ?? {}), firstStart: plain['first-start'] };
    };
    const undisturbed = await run();
    expect(undisturbed).toMatchObject({ versions: ['site', 'version:1'], firstStart: { marks: 1 } });
    const stops = await stopAtEachCall(
      'scheduledTrigger',
      async (stop) => expect(await run(stop), stop.name).toMatchObject({ ...undisturbed, firstStart: { marks: 1 } }),
      2,
    );
    expect(stops).toBeGreaterThan(3);
  });
});

/** The app's own role in the spaces that Homestead creates or adopts: where it sees them, what it costs, and who decides. */
import { describe, expect, it } from 'vitest';
import type { CheckView } from '../../src/api/admin/site-check';
import type { SiteSettings } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  APP_ACCOUNT_ID,
  accountIdOf,
  adminData,
  letIn,
  operationsOfApp,
  personalSpacesOf,
  personData,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startAlone,
} from '../support/site';

/** Two others without a space. */
const [BEA, CLEO] = [accountIdOf(3), accountIdOf(5)];

/** Calls that changed who has a role, by status. */
function roleCalls(site: LocalSite): Record<string, number> {
  const route = Object.entries(site.usage().rest.byRoute).find(([name]) => /^POST .*\/role-assignments$/.test(name));
  return route?.[1].statuses ?? {};
}

async function appSees(site: LocalSite, accountId: string): Promise<string[] | null> {
  const [space] = personalSpacesOf(site, accountId);
  if (!space) throw new Error(`${accountId} has no space`);
  return operationsOfApp(site, space.id);
}

async function provisioned(settings: Partial<SiteSettings>, origin: 'created' | 'adopted', accountId = ANA): Promise<LocalSite> {
  const site = startAlone({ settings });
  await setPolicy(site, { mode: 'auto' });
  if (origin === 'adopted') {
    site.createNatively(accountId);
    await site.advance('PT2M');
  }
  await readsAPage(site, accountId, 'PT2M');
  expect(promiseOf(site, accountId)).toMatchObject({ origin });
  expect(recordOf(site, accountId)).toMatchObject({ state: 'ready' });
  return site;
}

/** Whether the app sees a space, as its own operations in it say. */
const SEES = { all: ['administer/space', 'read/space'], none: null } as const;

const REACH = (['ROLES', 'ROLES_TRANSITION', 'PRE_ROLES'] as const).flatMap((roleMode) =>
  (['accepted', 'refused'] as const).flatMap((appRoleGrant) =>
    (['always', 'open-spaces', 'never'] as const).flatMap((appIsSpaceAdmin) =>
      (['created', 'adopted'] as const).map((origin) => ({ roleMode, appRoleGrant, appIsSpaceAdmin, origin })),
    ),
  ),
);

describe('after provisioning', () => {
  it.each(REACH)('$roleMode, grant $appRoleGrant, app admin $appIsSpaceAdmin: $origin', async (row) => {
    const { origin, ...settings } = row;
    const site = await provisioned(settings, origin);
    const { roleMode, appRoleGrant, appIsSpaceAdmin } = settings;
    const isGiven = roleMode === 'PRE_ROLES' ? origin === 'created' : appRoleGrant === 'accepted';
    const outcome = isGiven ? 'given' : roleMode === 'PRE_ROLES' ? 'not-possible' : 'refused';
    expect(promiseOf(site, ANA)?.appRole).toEqual({ outcome, due: null });
    // Without roles, the space that Confluence created stays open.
    const isOpen = roleMode === 'PRE_ROLES' && origin === 'adopted';
    expect(letIn(site, ANA)).toHaveLength(isOpen ? 2 : 1);
    const isAutomatic = appIsSpaceAdmin === 'always' || (appIsSpaceAdmin === 'open-spaces' && isOpen);
    const operations = await appSees(site, ANA);
    if (isGiven || isAutomatic) expect(operations).toEqual(expect.arrayContaining([...SEES.all]));
    else if (isOpen) expect(operations).not.toContain('administer/space');
    else expect(operations).toBe(SEES.none);
  });

  it.each([
    ['licensed', 'ROLES', 'given'],
    ['licensed', 'PRE_ROLES', 'given'],
    ['site-default', 'ROLES', 'given'],
    ['site-default', 'PRE_ROLES', 'not-possible'],
  ] as const)('a space that is %s on a %s site: %s', async (access, roleMode, outcome) => {
    const site = startAlone({ settings: { roleMode, appIsSpaceAdmin: 'never' } });
    await setPolicy(site, { mode: 'auto', access });
    await readsAPage(site, ANA);
    expect(promiseOf(site, ANA)?.appRole.outcome).toBe(outcome);
    const operations = await appSees(site, ANA);
    if (outcome === 'given') expect(operations).toContain('administer/space');
    else expect(operations).not.toContain('administer/space');
  });
});

describe('the app’s role', () => {
  it('costs one request and one point a person once the site is known', async () => {
    const costOf = async (appRole: boolean): Promise<[number, number]> => {
      const site = startAlone();
      await setPolicy(site, { mode: 'auto', appRole });
      await readsAPage(site, ANA);
      site.resetUsage();
      await readsAPage(site, BEA);
      expect(recordOf(site, BEA)).toMatchObject({ state: 'ready' });
      const { requests, points } = site.usage().rest;
      return [requests, points];
    };
    const [requests, points] = await costOf(false);
    expect(await costOf(true)).toEqual([requests + 1, points + 1]);
  });

  it('is given in the call that makes a space private, if there is one', async () => {
    const site = await provisioned({}, 'adopted');
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' }, appRole: { outcome: 'given' } });
    expect(roleCalls(site)).toEqual({ 200: 1 });
  });

  it('is not asked for where the policy says so, and no space is made in another way because of it', async () => {
    for (const roleMode of ['ROLES', 'PRE_ROLES'] as const) {
      const site = startAlone({ settings: { roleMode } });
      await setPolicy(site, { mode: 'auto', appRole: false });
      await readsAPage(site, ANA);
      expect(promiseOf(site, ANA)).toMatchObject({ call: 'private-call', appRole: { outcome: 'off', due: null } });
      expect(roleCalls(site)).toEqual({});
      expect(site.state().kvs.plain['app-role']).toBeUndefined();
      expect(await appSees(site, ANA)).toBeNull();
    }
  });

  it('is not asked for again after a refusal, for anybody, until a day later', async () => {
    const site = await provisioned({ appRoleGrant: 'refused' }, 'created');
    expect(roleCalls(site)).toEqual({ 400: 1 });
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)?.appRole.outcome).toBe('refused');
    expect(roleCalls(site)).toEqual({ 400: 1 });
    site.changeSettings({ appRoleGrant: 'accepted' });
    await site.advance('P1D');
    await readsAPage(site, CLEO);
    expect(promiseOf(site, CLEO)?.appRole.outcome).toBe('given');
    expect(await appSees(site, CLEO)).toContain('administer/space');
    // What was refused stays as its owner has seen it.
    expect(await appSees(site, ANA)).toBeNull();
  });

  it('is asked for again at once when the site check finds that it is accepted by now', async () => {
    const site = await provisioned({ appRoleGrant: 'refused' }, 'created');
    site.changeSettings({ appRoleGrant: 'accepted' });
    await adminData(site, 'site.run', { checks: ['app-role'], consent: true });
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)?.appRole.outcome).toBe('given');
  });

  it('is not refused to a whole site because one owner may not give it', async () => {
    const site = startAlone();
    site.createNatively(ANA);
    const space = site.confluence.state.spacesById.get(Number(personalSpacesOf(site, ANA)[0]?.id));
    if (!space) throw new Error('no space');
    space.grants = space.grants.map((grant) =>
      grant.principalId === ANA ? { ...grant, operations: grant.operations.filter((o) => o !== 'administer/space') } : grant,
    );
    await setPolicy(site, { mode: 'auto', access: 'site-default' });
    await readsAPage(site, ANA, 'PT2M');
    expect(promiseOf(site, ANA)).toMatchObject({ origin: 'adopted', appRole: { outcome: 'refused' } });
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)?.appRole.outcome).toBe('given');
  });

  it('leaves a space private that was to be made so, where Confluence refuses the role', async () => {
    const site = await provisioned({ appRoleGrant: 'refused' }, 'adopted');
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private', broken: null }, appRole: { outcome: 'refused' } });
    expect(letIn(site, ANA)).toHaveLength(1);
    expect(roleCalls(site)).toEqual({ 200: 1, 400: 1 });
  });

  it('is given by another role if the one on record is gone', async () => {
    const site = await provisioned({}, 'created');
    const stored = site.state().kvs.plain['app-role'] as object;
    site.platform.kvs.put(null, 'app-role', { ...stored, roleId: 'gone' });
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)?.appRole.outcome).toBe('given');
    expect(site.state().kvs.plain['app-role']).toEqual(stored);
  });

  it.each([429, 503])('is given later by the schedule if Confluence answered %i', async (status) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, BEA);
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/api/v2/spaces/*/role-assignments', respond: { status } });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { broken: null }, appRole: { outcome: 'unknown', due: { failures: 1 } } });
    expect(await adminData(site, 'promises.broken', {})).toEqual([]);
    await site.advance('PT40M');
    expect(promiseOf(site, ANA)?.appRole).toEqual({ outcome: 'given', due: null });
    expect(await appSees(site, ANA)).toContain('administer/space');
  });

  it('is given up after a few failures, and the space stays as it is', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    const path = '/wiki/api/v2/spaces/*/role-assignments';
    site.addFault({ target: 'confluence', method: 'POST', path, times: 99, respond: { status: 503 } });
    await readsAPage(site, ANA);
    await site.advance('PT8H');
    expect(promiseOf(site, ANA)?.appRole).toEqual({ outcome: 'unknown', due: null });
    site.resetUsage();
    await site.advance('P1D');
    expect(roleCalls(site)).toEqual({});
    expect(letIn(site, ANA)).toHaveLength(1);
  });

  it('is left out on a site without roles that refuses the app at creation; that is not tried for the next person', async () => {
    const site = startAlone({ settings: { roleMode: 'PRE_ROLES' } });
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space', times: 1, respond: { status: 400 } });
    await readsAPage(site, ANA);
    expect(promiseOf(site, ANA)).toMatchObject({ call: 'private-call', appRole: { outcome: 'refused' } });
    site.resetUsage();
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)).toMatchObject({ call: 'private-call', appRole: { outcome: 'refused' } });
    expect(Object.keys(site.usage().rest.byRoute)).not.toContain('POST /wiki/rest/api/space');
  });

  it('makes a readable space without the app where there are no roles and the app is refused', async () => {
    const site = startAlone({ settings: { roleMode: 'PRE_ROLES' } });
    await setPolicy(site, { mode: 'auto', access: 'licensed' });
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space', times: 1, respond: { status: 400 } });
    await readsAPage(site, ANA);
    expect(promiseOf(site, ANA)).toMatchObject({
      call: 'permission-list',
      access: { actual: 'licensed' },
      appRole: { outcome: 'refused' },
    });
  });

  it('follows a site that moves to roles, within a day', async () => {
    const site = await provisioned({ roleMode: 'PRE_ROLES' }, 'created');
    site.changeSettings({ roleMode: 'ROLES' });
    await site.advance('P1D');
    await readsAPage(site, BEA);
    expect(promiseOf(site, BEA)).toMatchObject({ appRole: { outcome: 'given' } });
    expect(roleCalls(site)).toEqual({ 200: 1 });
  });
});

describe('an owner', () => {
  const takeAway = (site: LocalSite): Promise<unknown> =>
    site.confluence.request(
      { kind: 'person', person: site.person(ANA), viaApp: false },
      {
        method: 'POST',
        url: `/wiki/api/v2/spaces/${personalSpacesOf(site, ANA)[0]?.id}/role-assignments`,
        headers: new Headers(),
        body: JSON.stringify([{ principal: { principalType: 'USER', principalId: APP_ACCOUNT_ID } }]),
      },
    );

  it.each([
    ['given', {}, {}],
    ['refused', { appRoleGrant: 'refused' }, {}],
    ['off', {}, { appRole: false }],
    ['given', { roleMode: 'PRE_ROLES' }, {}],
    ['seen', { appRoleGrant: 'refused', appIsSpaceAdmin: 'always' }, {}],
  ] as const)('is told whether the app sees the space: %s with %j and %j', async (app, settings, policy) => {
    const site = startAlone({ settings });
    await setPolicy(site, { mode: 'auto', ...policy });
    await readsAPage(site, ANA);
    expect(await personData(site, 'me.access', ANA)).toMatchObject({ readers: 'nobody', app });
  });

  it('who takes the role away is told so, and it is never given again', async () => {
    const site = await provisioned({}, 'created');
    await takeAway(site);
    expect(await personData(site, 'me.access', ANA)).toMatchObject({ readers: 'nobody', app: 'removed' });
    for (const access of ['licensed', 'private'] as const)
      expect(await personData(site, 'me.setAccess', ANA, { access })).toMatchObject({ app: 'removed' });
    await readsAPage(site, ANA, 'P1D');
    expect(await appSees(site, ANA)).toBeNull();
  });

  it('who opens and closes the space keeps the app in it', async () => {
    const site = await provisioned({}, 'created');
    for (const access of ['licensed', 'private'] as const) {
      expect(await personData(site, 'me.setAccess', ANA, { access })).toMatchObject({ app: 'given' });
      expect(await appSees(site, ANA)).toContain('administer/space');
    }
  });
});

describe('a record from before there was such a role', () => {
  it('is read as unknown', async () => {
    const site = await provisioned({ appRoleGrant: 'refused' }, 'created');
    const [id, record] = Object.entries(site.state().kvs.entities.space ?? {})[0] as [string, { data: Record<string, unknown> }];
    const { appRole, ...data } = record.data;
    expect(appRole).toEqual({ outcome: 'refused', due: null });
    site.platform.kvs.put('space', id, { ...record, data });
    expect(await personData(site, 'me.access', ANA)).toMatchObject({ readers: 'nobody', app: 'unknown' });
  });
});

describe('the site check', () => {
  const check = async (site: LocalSite, consent: boolean): Promise<CheckView | undefined> =>
    (await adminData(site, 'site.run', { checks: ['app-role'], consent })).find(({ name }) => name === 'app-role');

  it.each([
    [{ roleMode: 'ROLES' }, 'good', 'accepted'],
    [{ roleMode: 'ROLES_TRANSITION' }, 'good', 'accepted'],
    [{ roleMode: 'PRE_ROLES' }, 'good', 'accepted'],
    [{ roleMode: 'ROLES', appRoleGrant: 'refused' }, 'limited', 'refused'],
    [{ roleMode: 'ROLES_TRANSITION', appRoleGrant: 'refused', appIsSpaceAdmin: 'always' }, 'limited', 'refused'],
  ] as const)('tries it on a private space of the admin’s with %j and finds it %s: %s', async (settings, outcome, finding) => {
    const site = startAlone({ settings });
    const before = JSON.stringify(site.state().spaces);
    expect(await check(site, false)).toMatchObject({ outcome: 'unknown', finding: 'untried' });
    expect(await check(site, true)).toMatchObject({ outcome, finding, details: { seenAt: expect.any(Number) } });
    await site.advance('PT1M');
    expect(JSON.stringify(site.state().spaces)).toBe(before);
    // Without trying it again, it says what is known.
    expect(await check(site, false)).toMatchObject({ outcome, finding });
  });

  it('says what provisioning has found out', async () => {
    const site = await provisioned({}, 'created');
    expect(await check(site, false)).toMatchObject({ outcome: 'good', finding: 'accepted' });
  });

  it('deletes what an earlier check left behind, and does not create another beside one that stays', async () => {
    const site = startAlone();
    const left = (): string[] => site.confluence.state.spaces.flatMap(({ key }) => (key.startsWith('HSCHECK') ? [key] : []));
    site.addFault({ target: 'confluence', method: 'DELETE', path: '/wiki/rest/api/space/*', times: 3, respond: { status: 403 } });
    expect(await check(site, true)).toMatchObject({ outcome: 'limited', finding: 'accepted', notes: [{ finding: 'left-behind' }] });
    await check(site, true);
    expect(left()).toHaveLength(1);
    expect(site.confluence.state.spacesByKey.get(left()[0] ?? '')?.ownerId ?? ADMIN_ACCOUNT_ID).toBe(ADMIN_ACCOUNT_ID);
    site.clearFaults();
    await check(site, false);
    await site.advance('PT1M');
    expect(left()).toEqual([]);
  });

  it('leaves nothing behind when it is stopped after any of its calls', async () => {
    const count = (site: LocalSite): number => site.confluence.state.spaces.filter(({ key }) => key.startsWith('HSCHECK')).length;
    let left = 0;
    for (let n = 1; ; n += 2) {
      const site = startAlone();
      site.addFault({ killAfterCall: n });
      const payload = { checks: ['app-role'], consent: true };
      await site.invoke({ module: 'admin', functionKey: 'site.run', payload, accountId: ADMIN_ACCOUNT_ID });
      const killed = site.usage().invocations['resolver:admin']?.killed ?? 0;
      site.clearFaults();
      if (killed === 0) break;
      left += count(site);
      await site.advance('PT2M');
      expect(await check(site, true), `stopped after call ${n}`).toMatchObject({ finding: 'accepted' });
      await site.advance('PT1M');
      expect(count(site), `stopped after call ${n}`).toBe(0);
    }
    expect(left).toBeGreaterThan(1);
  });
});

/** The site check: what it finds on sites with different settings, and that it leaves nothing behind. */
import { describe, expect, it } from 'vitest';
import type { CheckView } from '../../src/api/admin/site-check';
import type { SiteCheckName } from '../../src/site-check/checks';
import type { SiteSettings } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import { ADMIN_ACCOUNT_ID, ANA, adminData, personalSpacesOf, promiseOf, readsAPage, recordOf, setPolicy, startSite } from '../support/site';

async function check(site: LocalSite, name: SiteCheckName, consent = false): Promise<CheckView | undefined> {
  return (await adminData(site, 'site.run', { checks: [name], consent })).find((found) => found.name === name);
}

describe('the site check', () => {
  it.each([
    ['roles', { roleMode: 'PRE_ROLES' }, 'limited', 'PRE_ROLES'],
    ['roles', { roleMode: 'ROLES_TRANSITION' }, 'good', 'ROLES_TRANSITION'],
    ['roles', { roleMode: 'ROLES' }, 'good', 'ROLES'],
    ['rights-open', { appIsSpaceAdmin: 'open-spaces' }, 'good', 'share'],
    ['rights-open', { appIsSpaceAdmin: 'never' }, 'bad', 'share'],
    ['create', { asUserPersonalCreate: 'private-endpoint' }, 'good', 'worked'],
    ['create', { asUserPersonalCreate: 'graphql' }, 'good', 'worked'],
    ['create', { asUserPersonalCreate: 'graphql', roleMode: 'PRE_ROLES' }, 'bad', 'no-private-way'],
    ['create', { asUserPersonalCreate: 'refused' }, 'bad', 'refused'],
    ['archive', {}, 'good', 'both'],
    ['scopes', {}, 'good', 'all'],
    ['templates', {}, 'good', 'some'],
    ['native', {}, 'unknown', 'not-seen'],
    ['points', {}, 'good', 'counted'],
  ] as [SiteCheckName, Partial<SiteSettings>, string, string][])('%s with %j finds %s: %s', async (name, settings, outcome, finding) => {
    const site = startSite({ settings });
    const before = site.clock.now();
    const found = await check(site, name, true);
    expect(found).toMatchObject({ outcome, finding });
    expect(found?.at).toBeGreaterThan(before);
    expect(found?.at).toBeLessThanOrEqual(site.clock.now());
  });

  it.each(['always', 'never'] as const)('reports its rights in private spaces with appIsSpaceAdmin %s', async (appIsSpaceAdmin) => {
    const site = startSite({ settings: { appIsSpaceAdmin } });
    await setPolicy(site, { mode: 'auto', appRole: false });
    expect(await check(site, 'rights-private')).toMatchObject({ outcome: 'unknown', finding: 'none' });
    await readsAPage(site, ANA);
    const seen = appIsSpaceAdmin === 'always' ? 1 : 0;
    expect(await check(site, 'rights-private')).toMatchObject({ finding: 'share', details: { of: 1, seen, administered: seen } });
  });

  it('creates nothing without consent, and with it removes what it created', async () => {
    const site = startSite();
    const spaces = (): string => JSON.stringify(site.state().spaces);
    const before = spaces();
    expect(await check(site, 'create')).toMatchObject({ finding: 'untried' });
    expect(await check(site, 'archive')).toMatchObject({ finding: 'untried' });
    expect(site.state().audit).toEqual([]);
    await check(site, 'create', true);
    await check(site, 'archive', true);
    await site.advance('PT1M');
    expect(spaces()).toBe(before);
    expect(site.state().audit.map((entry) => entry.action)).toContain('space-archived');
    expect(site.state().kvs.entities.person).toEqual({});
  });

  it('does not mistake a space that its admin creates later for its own, even if storage still returns expired values', async () => {
    const site = startSite({ settings: { ttlLag: 'PT48H' } });
    await setPolicy(site, { mode: 'auto' });
    await check(site, 'create', true);
    await site.advance('PT2H');
    site.addSpace({ owner: ADMIN_ACCOUNT_ID });
    await site.advance('PT5M');
    expect(recordOf(site, ADMIN_ACCOUNT_ID)).toMatchObject({ state: 'ready', reason: 'space-adopted' });
  });

  it('removes what an earlier check left behind when it was stopped after any of its calls', async () => {
    const count = (site: LocalSite): number => site.confluence.state.spaces.filter((space) => space.key.startsWith('HSCHECK')).length;
    let left = 0;
    for (let n = 1; ; n += 1) {
      const site = startSite();
      site.addFault({ killAfterCall: n });
      // A stopped call answers nothing; only what it leaves behind matters here.
      await site.invoke({
        module: 'admin',
        functionKey: 'site.run',
        payload: { checks: ['archive'], consent: true },
        accountId: ADMIN_ACCOUNT_ID,
      });
      const killed = site.usage().invocations['resolver:admin']?.killed ?? 0;
      site.clearFaults();
      if (killed === 0) break;
      left += count(site);
      await site.advance('PT1M');
      expect(await check(site, 'archive', true), `stopped after call ${n}`).toMatchObject({ finding: 'both' });
      await site.advance('PT1M');
      expect(count(site), `stopped after call ${n}`).toBe(0);
    }
    expect(left).toBeGreaterThan(2);
  });

  it('does not touch the existing space of an admin', async () => {
    const site = startSite();
    site.addSpace({ owner: ADMIN_ACCOUNT_ID, createdAt: '2026-01-01T00:00:00.000Z' });
    const before = JSON.stringify(personalSpacesOf(site, ADMIN_ACCOUNT_ID));
    expect(await check(site, 'create', true)).toMatchObject({ outcome: 'unknown', finding: 'has-space' });
    expect(JSON.stringify(personalSpacesOf(site, ADMIN_ACCOUNT_ID))).toBe(before);
  });

  it.each([
    ['archived', 'no-archive'],
    ['current', 'no-restore'],
  ])('says which of archive and restore fails (%s)', async (status, finding) => {
    const site = startSite();
    site.platform.beforeCall = (_invocation, call) => {
      if (!call.includes('PUT /wiki/rest/api/space/')) return;
      site.clearFaults();
      const key = call.split('/').at(-1) ?? '';
      const isArchived = site.confluence.state.spacesByKey.get(key)?.status === 'archived';
      if ((status === 'archived') !== isArchived)
        site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/rest/api/space/*', respond: { status: 400 } });
    };
    expect(await check(site, 'archive', true)).toMatchObject({ outcome: 'bad', finding });
  });

  it('keeps each result, even a failure, with its date until the check runs again', async () => {
    const site = startSite();
    const first = (await check(site, 'roles'))?.at;
    await site.advance('P1D');
    expect((await adminData(site, 'site.get', {})).find((c) => c.name === 'roles')).toMatchObject({ at: first });
    expect(first).toBeLessThan(site.clock.now() - 80_000_000);
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/space-role-mode', respond: { status: 503 } });
    expect(await check(site, 'roles')).toMatchObject({
      outcome: 'unknown',
      finding: 'failed',
      details: { status: 503 },
      at: expect.closeTo(site.clock.now(), -3),
    });
    expect((await adminData(site, 'site.get', {})).find((c) => c.name === 'archive')).toMatchObject({ finding: 'never', at: null });
  });

  it('names a page template in the policy that no longer exists', async () => {
    const site = startSite();
    await setPolicy(site, { template: { kind: 'confluence', templateId: '999' } });
    expect(await check(site, 'templates')).toMatchObject({ outcome: 'bad', finding: 'gone', details: { ids: '999' } });
  });

  it('names a page template of the policy that is too large, which stops nobody', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', template: { kind: 'confluence', templateId: '425985' } });
    const value = `<p>${'word '.repeat(200_000)}</p>`;
    const body = { templateId: '425985', name: 'Personal space home', body: { storage: { value, representation: 'storage' } } };
    site.confluence.onAnswer = () => {};
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/template/425985', times: 9, respond: { status: 200, body } });
    await readsAPage(site, ANA);
    expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'builtin', problem: 'template-too-large' } });
    expect(await check(site, 'templates')).toMatchObject({
      outcome: 'bad',
      finding: 'template-too-large',
      details: { names: 'Personal space home' },
    });
  });

  it('names the space that Confluence did not delete, loses nothing else, and tries again with any check', async () => {
    const site = startSite();
    const left = (): string[] => site.confluence.state.spaces.flatMap(({ key }) => (key.startsWith('HSCHECK') ? [key] : []));
    site.addFault({ target: 'confluence', method: 'DELETE', path: '/wiki/rest/api/space/*', times: 2, respond: { status: 403 } });
    const found = await check(site, 'archive', true);
    expect(left()).toHaveLength(1);
    const notes = [{ finding: 'left-behind', details: { key: left()[0] } }];
    expect(found).toMatchObject({ outcome: 'limited', finding: 'both', notes });
    // The second refusal: still noted, and no second space.
    await check(site, 'roles');
    expect((await adminData(site, 'site.get', {})).find((c) => c.name === 'archive')).toMatchObject({ finding: 'both', notes });
    expect(left()).toHaveLength(1);
    await check(site, 'roles');
    await site.advance('PT1M');
    expect(left()).toEqual([]);
    expect((await adminData(site, 'site.get', {})).find((c) => c.name === 'archive')).toMatchObject({ outcome: 'good', notes: [] });
  });

  it('uses the space that Confluence does not delete, instead of leaving another one', async () => {
    const site = startSite();
    const left = (): number => site.confluence.state.spaces.filter(({ key }) => key.startsWith('HSCHECK')).length;
    site.addFault({ target: 'confluence', method: 'DELETE', path: '/wiki/rest/api/space/*', times: 99, respond: { status: 403 } });
    await check(site, 'archive', true);
    expect(await check(site, 'archive', true)).toMatchObject({ finding: 'both' });
    expect(left()).toBe(1);
  });

  it.each([
    ['deletes, with a later check, the trial space of an admin', false],
    ['leaves the trial space to an admin who uses it by now', true],
  ])('%s', async (_what, isUsed) => {
    const site = startSite();
    site.addFault({ target: 'confluence', method: 'DELETE', path: '/wiki/rest/api/space/*', respond: { status: 403 } });
    const key = (): string | undefined => personalSpacesOf(site, ADMIN_ACCOUNT_ID)[0]?.key;
    const found = await check(site, 'create', true);
    expect(found).toMatchObject({ outcome: 'limited', finding: 'worked', notes: [{ finding: 'left-behind', details: { key: key() } }] });
    const home = [...site.confluence.state.content.values()].at(-1);
    if (isUsed && home) site.confluence.state.addVersion(home, { authorId: ADMIN_ACCOUNT_ID, at: site.clock.now(), message: '' });
    await site.advance('PT1M');
    await check(site, 'roles');
    await site.advance('PT1M');
    expect(personalSpacesOf(site, ADMIN_ACCOUNT_ID)).toHaveLength(isUsed ? 1 : 0);
    expect((await adminData(site, 'site.get', {})).find((c) => c.name === 'create')).toMatchObject({ outcome: 'good', notes: [] });
  });
});

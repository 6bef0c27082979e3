/** The site check: what it finds on sites with different settings, and that it leaves nothing behind. */
import { describe, expect, it } from 'vitest';
import type { CheckView } from '../../src/api/admin/site-check';
import type { SiteCheckName } from '../../src/site-check/checks';
import type { SiteSettings } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import { ADMIN_ACCOUNT_ID, ANA, adminData, personalSpacesOf, readsAPage, recordOf, setPolicy, startSite } from '../support/site';

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
    await setPolicy(site, { mode: 'auto' });
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
});

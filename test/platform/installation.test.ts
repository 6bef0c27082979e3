/** The life cycle of the app on the site: installed, upgraded, redeployed, uninstalled, reinstalled, and without a license. */
import { describe, expect, it } from 'vitest';
import { ControlError } from '../emulator/control-error';
import { ADMIN_ACCOUNT_ID, ANA, adminData, personalSpacesOf, readsAPage, recordOf, setPolicy, startSite } from '../support/site';

describe('the app on the site', () => {
  it('starts with empty storage when it is reinstalled, and receives nothing from before', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    site.activity({ accountId: ANA, views: 1 });
    expect(site.changeApp({ act: 'uninstall' })).toEqual({ installed: false });
    expect(site.status().app).toEqual({ installed: false, modules: [] });
    expect(site.visibleModules(ANA)).toEqual([]);
    expect(await site.invoke({ module: 'admin', functionKey: 'policy.get', payload: {}, accountId: ADMIN_ACCOUNT_ID })).toMatchObject({
      error: { message: 'The app is not installed' },
    });
    site.changeApp({ act: 'install' });
    await site.advance('PT1H');
    // What the schedule has noted since: what is due when, what it spent, which pages are to be made, and the job that reads the site into the directory.
    const { plain, entities } = site.state().kvs;
    const { register, counter: _hours, job: _reading, ...promises } = entities;
    expect(Object.keys(plain)).toEqual(['first-start', 'privacy-report']);
    expect(Object.keys(register ?? {})).toEqual(['agenda', 'directory', 'open-jobs', 'settled-pages']);
    expect(promises).toEqual({ event: {}, notice: {}, person: {}, plan: {}, policy: {}, space: {}, waiting: {} });
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ version: 0 });
    expect(personalSpacesOf(site, ANA)).toEqual([]);
  });

  it('stops running when it is uninstalled', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    site.activity({ accountId: ANA, views: 1 });
    await site.advance('PT2.6S');
    expect(site.clock.running).toBe(1);
    site.changeApp({ act: 'uninstall' });
    await site.advance('PT1M');
    expect(site.usage().invocations['trigger:activity']).toMatchObject({ count: 1, killed: 1 });
  });

  it('cannot be installed twice, or changed while it is not installed', () => {
    const site = startSite();
    expect(() => site.changeApp({ act: 'install' })).toThrow(ControlError);
    expect(() => site.changeApp({ act: 'explode' })).toThrow(ControlError);
    site.changeApp({ act: 'uninstall' });
    expect(() => site.changeApp({ act: 'upgrade' })).toThrow(ControlError);
  });

  it('keeps its data and its running job when it is redeployed or upgraded', async () => {
    const site = startSite();
    await adminData(site, 'directory.get', {});
    for (const act of ['redeploy', 'upgrade', 'redeploy'] as const) {
      site.changeApp({ act });
      await site.advance('PT0.3S');
    }
    await site.advance('PT10M');
    expect((await adminData(site, 'directory.get', {})).people.complete).toBe(true);
    expect(site.usage().coldStarts).toBeGreaterThanOrEqual(3);
  });

  it('follows its license in the conditions and filters of the manifest', async () => {
    const site = startSite({ settings: { licence: 'none' } });
    const [module] = site.platform.manifest.modules['confluence:globalPage'];
    if (!module) throw new Error('the app has no page');
    expect(site.visibleModules(ANA).map((m) => m.key)).toContain('my-space');
    module.displayConditions = { ...module.displayConditions, appIsLicensed: true };
    expect(site.visibleModules(ANA).map((m) => m.key)).not.toContain('my-space');
    const [trigger] = site.platform.manifest.modules.trigger;
    if (!trigger) throw new Error('the app has no trigger');
    trigger.filter = { appIsLicensed: true };
    await readsAPage(site, ANA);
    expect(site.usage().invocations['trigger:activity']).toBeUndefined();
    site.changeSettings({ licence: 'active' });
    await readsAPage(site, ANA);
    expect(site.usage().invocations['trigger:activity']?.count).toBe(1);
    expect(site.visibleModules(ANA).map((m) => m.key)).toContain('my-space');
  });
});

describe('modules', () => {
  it('are hidden from guests and people without a license, unless the manifest says otherwise', () => {
    const site = startSite();
    const guest = site.addPerson({ isGuest: true }).accountId;
    site.changePerson(ANA, { accountStatus: 'inactive' });
    for (const accountId of [guest, ANA, null]) expect(site.visibleModules(accountId)).toEqual([]);
    const [module] = site.platform.manifest.modules['confluence:globalPage'];
    module?.unlicensedAccess.push('unlicensed');
    expect(site.visibleModules(guest).map((m) => m.key)).toEqual(['my-space']);
    expect(site.visibleModules(null)).toEqual([]);
  });

  it('are shown according to the condition that the browser has cached', async () => {
    const site = startSite({ settings: { conditionCache: 'PT5M' } });
    await setPolicy(site, { mode: 'auto' });
    const hasNotice = (): boolean => site.visibleModules(ANA).some((m) => m.type === 'confluence:backgroundScript');
    expect(hasNotice()).toBe(false);
    await readsAPage(site, ANA, 'PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(hasNotice()).toBe(false);
    await site.advance('PT5M');
    expect(hasNotice()).toBe(true);
  });
});

describe('usage', () => {
  it('is priced the way the platform bills', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const { price, gbSeconds, kvs } = site.usage();
    expect(price.functions).toBeGreaterThan(0);
    expect(price.functions).toBeCloseTo(gbSeconds * 0.000025, 12);
    expect(price.kvs).toBeCloseTo(((kvs.bytesRead + kvs.emptyReads * 1_024) * 0.055 + kvs.bytesWritten * 1.09) / 1e9, 12);
    expect(price.total).toBeCloseTo(price.functions + price.kvs + price.sql + price.logs, 12);
  });
});

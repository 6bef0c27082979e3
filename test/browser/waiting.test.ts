/** More people than can be served at once: what they read, what a click says, and what administrators see. */
import { describe, expect, it } from 'vitest';
import { type BudgetClass, newHour } from '../../src/domain/budget';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { adminData, readsAPage, setPolicy } from '../support/site';
import { findChromium } from './chromium';
import { type BrowserSite, themes, useBrowser } from './harness';

const executable = await findChromium();
const ANA = accountIdOf(1);

/** The hour as it is when others of the site's processes have taken so much. */
function spendHour({ site }: BrowserSite, byClass: Partial<Record<BudgetClass, number>>): void {
  const hour = newHour(65_000);
  const key = `hour:${site.clock.iso().slice(0, 13)}`;
  site.platform.kvs.put('counter', key, { revision: 1, data: { schemaVersion: 1, ...hour, byClass: { ...hour.byClass, ...byClass } } });
  // No process remembers the hour as it was.
  site.platform.restart();
}

/** Nobody is served, and whoever clicks still is. */
const spentByEvents = { jobs: 40_000, events: 13_000 };
/** Nobody at all is served. */
const spent = { jobs: 40_000, events: 25_000 };
const THE_NEXT_HOUR = 'PT65M';

describe.skipIf(executable === null)('people who wait', () => {
  const start = useBrowser(executable as string);

  it.each(themes({ width: 1280, dark: false }, { width: 768, dark: true }))(
    'read when their space comes, go to the front by a click, and see it without a reload ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const { site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      await setPolicy(site, { mode: 'auto', selfService: true });
      spendHour(local, spentByEvents);
      await readsAPage(site, ANA);
      const mine = await local.openMySpace(ANA);
      await mine.getByRole('heading', { name: 'Your space is on its way' }).waitFor();
      await mine.getByText(/^Your space will be created at about 10:0\d AM\. Spaces are created one after another/).waitFor();
      expect(await mine.getByText('the next time you open a page').count()).toBe(0);
      expect(await mine.getByRole('button', { name: 'Create my space' }).count()).toBe(0);
      await local.axe();
      await local.picture(`waiting-${suffix}`);

      // Meanwhile others have taken what is kept for clicks.
      spendHour(local, spent);
      await mine.getByRole('button', { name: 'Create it now' }).click();
      await mine
        .getByText(/^You asked for your space, so you’re near the front of the line\. It will be created at about 10:0\d AM; a notice/)
        .waitFor();
      expect(await mine.getByRole('alert').count()).toBe(0);
      expect(await mine.getByRole('button', { name: 'Create it now' }).count()).toBe(0);
      await local.axe();
      await local.picture(`waiting-asked-${suffix}`);
      await local.advanceUntil(THE_NEXT_HOUR, () => mine.getByText('Homestead created this space for you.').isVisible());
      expect(await mine.getByText('near the front of the line').count()).toBe(0);
    },
    60_000,
  );

  it('are promised no time while everything is paused, and nothing that nobody knows', async () => {
    const local = await start();
    const { site } = local;
    await setPolicy(site, { mode: 'auto', selfService: true });
    spendHour(local, spent);
    await readsAPage(site, ANA);
    const unknown = await local.openMySpace(ANA);
    // Confluence cannot be asked who they are: it may be that they get no space.
    await unknown.getByRole('heading', { name: 'Your turn hasn’t come yet' }).waitFor();
    await unknown.getByText(/^Homestead gets to you at about 10:0\d AM\./).waitFor();
    await adminData(site, 'policy.pause', { paused: true });
    await site.advance('PT1M');
    spendHour(local, spentByEvents);
    const paused = await local.openMySpace(ANA);
    await paused.getByText('Your administrators have paused this for now. Homestead gets to you as soon as it can.').waitFor();
    expect(await paused.getByText(/about 1\d:/).count()).toBe(0);
    await local.axe();
    await local.picture('waiting-paused-light-1280');
  });

  it('are told in the notice that it comes a little later, and are not asked again', async () => {
    const local = await start();
    const { site, page } = local;
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await local.signIn(ANA);
    await local.visit('/wiki/spaces/HELLO/overview');
    await page.getByText('Would you like a personal space?').waitFor();
    spendHour(local, spent);
    await page.getByRole('button', { name: 'Create my space' }).click();
    await page.getByText('Your space comes a little later').waitFor();
    await page.getByText(/^It will be created at about 10:0\d AM\. A notice tells you when it is ready\.$/).waitFor();
    await local.picture('waiting-notice-light-1280');
    const asked = page.waitForResponse(
      (response) => response.url().includes('/_forge/') && /notice\.get/.test(response.request().postData() ?? ''),
    );
    await page.reload();
    await asked;
    await page.waitForLoadState('networkidle');
    expect(await page.locator('.flag').count()).toBe(0);
    await local.advance(THE_NEXT_HOUR);
    await page.reload();
    await page.getByText('Your personal space is ready').waitFor();
  });

  it.each(themes({ width: 1280, dark: false }, { width: 768, dark: true }))(
    'are counted for administrators, with when the last is served, or why nobody is ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const { site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      await setPolicy(site, { mode: 'auto' });
      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      const people = admin.getByRole('tab', { name: 'Existing people' });
      await people.click();
      await local.advanceUntil('PT10M', () => admin.getByRole('button', { name: 'Preview' }).isVisible());
      expect(await admin.getByText(/ for a space\./).count()).toBe(0);

      spendHour(local, { jobs: 40_000, events: 20_000 });
      site.activity({ count: 30, spread: 'PT1M', views: 1 });
      await site.advance('PT2M');
      await admin.getByRole('tab', { name: 'Policy' }).click();
      await people.click();
      await admin.getByText(/^\d+ people wait for a space\. The last is served at about 10:\d\d AM\.$/).waitFor();
      await local.axe();
      await local.picture(`waiting-admin-${suffix}`);
      await adminData(site, 'policy.pause', { paused: true });
      await local.openAdmin(ADMIN_ACCOUNT_ID);
      await people.click();
      await admin.getByText(/^\d+ people wait for a space\. Nobody is served while the policy is paused\.$/).waitFor();
      await adminData(site, 'policy.pause', { paused: false });
      // The page looks again by itself.
      await local.advanceUntil(THE_NEXT_HOUR, () => admin.getByText(/for a space\./).isHidden());
    },
    60_000,
  );

  it('administrators are told that Confluence refuses, and are led to the site check', async () => {
    const local = await start({ settings: { asUserPersonalCreate: 'refused' } });
    const { site } = local;
    await setPolicy(site, { mode: 'auto' });
    site.activity({ count: 30, spread: 'PT10M', views: 1 });
    await site.advance('PT11M');
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('tab', { name: 'Existing people' }).click();
    await admin.getByText('Confluence refuses to create spaces here').waitFor();
    await admin.getByText(/^\d+ people wait\. Homestead tries again with a few people every hour\./).waitFor();
    await local.axe();
    await local.picture('waiting-refused-light-1280');
    await admin.getByRole('button', { name: 'Go to the site check' }).click();
    await admin.getByRole('button', { name: 'Run all checks' }).waitFor();
    const tab = admin.getByRole('tab', { name: 'Site check' });
    expect(await tab.getAttribute('aria-selected')).toBe('true');
    expect(await tab.evaluate((element) => element === document.activeElement)).toBe(true);
  });
});

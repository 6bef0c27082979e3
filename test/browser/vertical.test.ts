/** The main journeys in a real browser: the admin switches the policy on, a person reads a page, and so on. */
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { savePolicy, themes, useBrowser } from './harness';

const executable = await findChromium();
const ANA = accountIdOf(1);
const MAX_FIRST_SCRIPT_BYTES = 260_000;

describe.skipIf(executable === null)('in the browser', () => {
  const start = useBrowser(executable as string);

  it.each(themes({ width: 1280, dark: false }, { width: 768, dark: true }))(
    'goes from switching on to a space, a notice, a cleanup and back ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const { page, site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;

      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      await admin.getByText('Nobody has saved a policy yet').waitFor();
      await admin.getByRole('radio', { name: 'Automatic' }).check();
      await admin.getByText(/Homestead is reading who is on this site: 0 people so far/).waitFor();
      await local.advanceUntil('PT10M', () => admin.getByText(/Homestead knows \d+ people on this site/).isVisible());
      await admin.getByRole('button', { name: 'Simulate' }).click();
      await admin.getByText('106 people would be treated differently, of 106.').waitFor();
      await local.axe();
      await local.picture(`policy-${suffix}`);
      await savePolicy(admin, 'The new year begins');
      await admin.getByText('Version 1, saved by Ada Admin').waitFor();

      await local.signIn(ANA);
      await local.visit('/wiki/spaces/HELLO/overview');
      await local.advance('PT10S');
      await page.reload();
      await page.getByText('Your personal space is ready').waitFor();
      await local.picture(`notice-${suffix}`);
      await page.getByRole('button', { name: 'Go to my space' }).click();
      await page.getByRole('heading', { name: 'Hello, I am Bo Berg' }).waitFor();
      expect(await page.getByText('Only you', { exact: true }).count()).toBeGreaterThan(0);
      await local.picture(`space-${suffix}`);
      await page.reload();
      await page.getByRole('heading', { name: 'Hello, I am Bo Berg' }).waitFor();
      expect(await page.getByText('Your personal space is ready').count()).toBe(0);

      const again = await local.openAdmin(ADMIN_ACCOUNT_ID);
      await again.getByRole('tab', { name: 'Activity' }).click();
      await again.getByRole('row', { name: /Bo Berg.*Space created/ }).waitFor();
      await local.axe();
      await local.picture(`activity-${suffix}`);

      await again.getByRole('tab', { name: 'Cleanup' }).click();
      await again.getByText('19 personal spaces without a change for 180 days').waitFor();
      await again.getByRole('checkbox', { name: 'Select Grace Wei' }).check();
      await again.getByText('1 space selected').waitFor();
      await local.axe();
      await local.picture(`cleanup-${suffix}`);
      await again.getByRole('button', { name: 'Preview cleanup' }).click();
      await again.getByRole('dialog', { name: 'Archive 1 space?' }).waitFor();
      await again.getByRole('textbox', { name: /^Reason/ }).fill('Nobody has used it since May');
      await local.axe();
      await local.picture(`plan-${suffix}`);
      await again.getByRole('button', { name: 'Archive 1 space' }).click();
      await local.advanceUntil('PT10S', () => again.getByText('1 archived, 0 left alone, 0 failed').isVisible());
      await local.advanceUntil('PT10S', () => again.getByText('Reason: Nobody has used it since May').isVisible());
      expect(site.confluence.state.spaces.find((s) => s.name === 'Grace Wei' && s.status === 'archived')).toBeDefined();
      await again.getByText('18 personal spaces without a change for 180 days').waitFor();
      await again.getByRole('button', { name: 'Details' }).click();
      await again.getByRole('row', { name: /Grace Wei.*Archived.*No change since/ }).waitFor();
      await local.axe();
      await local.picture(`job-${suffix}`);
      await again.getByRole('button', { name: 'Restore these spaces' }).click();
      await local.advanceUntil('PT10S', () => again.getByText('1 restored, 0 left alone, 0 failed').isVisible());
      await local.advanceUntil('PT10S', () => again.getByRole('button', { name: 'Restore these spaces' }).isHidden());
      expect(site.confluence.state.spaces.find((s) => s.name === 'Grace Wei' && s.status === 'archived')).toBeUndefined();
      await again.getByText('19 personal spaces without a change for 180 days').waitFor();
    },
    90_000,
  );

  it('offers a space in ask mode, and creates it at a click', async () => {
    const local = await start();
    const { page } = local;
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('radio', { name: 'Ask' }).check();
    await savePolicy(admin, 'Let us begin');
    await admin.getByText('Version 1, saved by').waitFor();
    await local.signIn(ANA);
    await local.visit('/wiki/spaces/HELLO/overview');
    await local.advance('PT10S');
    await page.reload();
    await page.getByText('Would you like a personal space?').waitFor();
    await local.picture('offer-light-1280');
    await page.getByRole('button', { name: 'Create my space' }).click();
    await page.getByText('Your personal space is ready').waitFor();
    await page.getByRole('button', { name: 'Not now' }).click();
    await page.getByText('Your personal space is ready').waitFor({ state: 'detached' });
    await page.reload();
    expect(await page.locator('iframe.background-script').count()).toBe(0);
  });

  it('works by keyboard alone', async () => {
    const local = await start();
    const { page } = local;
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('tab', { name: 'Policy' }).focus();
    await page.keyboard.press('ArrowRight');
    await admin.getByText('Space templates').waitFor();
    await page.keyboard.press('ArrowLeft');
    await admin.getByRole('radio', { name: 'Off' }).focus();
    await page.keyboard.press('ArrowDown');
    expect(await admin.getByRole('radio', { name: 'Ask' }).isChecked()).toBe(true);
    const save = admin.getByRole('button', { name: 'Save policy' });
    for (let i = 0; i < 30 && !(await save.evaluate((b) => b === document.activeElement)); i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    // An empty reason is said at its field, which has the focus then.
    await admin.getByRole('dialog').waitFor();
    const confirmed = admin.getByRole('dialog').getByRole('button', { name: 'Save policy' });
    for (let i = 0; i < 5 && !(await confirmed.evaluate((b) => b === document.activeElement)); i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await admin.getByText('Enter a reason.').waitFor();
    await page.keyboard.type('Let us begin');
    for (let i = 0; i < 5 && !(await confirmed.evaluate((b) => b === document.activeElement)); i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await admin.getByRole('tabpanel').getByText('Version 1, saved by Ada Admin').waitFor();

    await admin.getByRole('tab', { name: 'Policy' }).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await admin.getByText('Homestead is still reading this site').waitFor();
    await local.advanceUntil('PT20M', () => admin.getByText('Homestead is still reading this site').isHidden());
    await admin.getByRole('textbox', { name: 'No change for (days)' }).fill('200');
    await page.keyboard.press('Enter');
    await admin.getByText(/without a change for 200 days/).waitFor();
    await admin.getByRole('checkbox', { name: 'Select Grace Wei' }).focus();
    await page.keyboard.press('Space');
    await admin.getByRole('button', { name: 'Preview cleanup' }).focus();
    await page.keyboard.press('Enter');
    const dialog = admin.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await admin.getByRole('button', { name: 'Preview cleanup' }).evaluate((b) => b === document.activeElement)).toBe(true);
  });

  it('tells one of two admins that the other has saved, and loses nothing', async () => {
    const local = await start();
    const { site } = local;
    const second = accountIdOf(4);
    site.changePerson(second, { groups: ['confluence-users-example', 'confluence-admins-example'] });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await site.invoke({
      module: 'admin',
      functionKey: 'policy.save',
      payload: { policy: { everyoneElse: { mode: 'ask' } }, baseVersion: 0 },
      accountId: second,
    });
    await savePolicy(admin, 'The new year begins');
    await admin.getByText('saved another version while you were editing').waitFor();
    expect(await admin.getByRole('radio', { name: 'Automatic' }).isChecked()).toBe(true);
    await local.axe();
    await local.picture('conflict-light-1280');
    await admin.getByRole('button', { name: 'Save mine instead' }).click();
    // What was typed before is still there.
    expect(await admin.getByRole('dialog').getByLabel('Reason').inputValue()).toBe('The new year begins');
    await admin.getByRole('dialog').getByRole('button', { name: 'Save policy' }).click();
    await admin.getByText('Version 2, saved by Ada Admin').waitFor();
  });

  it('explains what is wrong: an unreadable policy, a broken template, an invalid number, a Confluence error', async () => {
    const local = await start();
    const { site } = local;
    site.platform.kvs.put('policy', 'site', { revision: 1, data: { document: { mode: 'everybody' } } });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByText('The stored policy can’t be read, so Homestead is off').waitFor();
    await local.picture('unreadable-light-1280');
    await admin.getByRole('button', { name: 'Set it aside and start over' }).click();
    await admin.getByText('Version 2, saved by Ada Admin').waitFor();
    await admin.getByRole('tab', { name: 'Templates' }).click();
    await admin.getByLabel('Homepage', { exact: true }).selectOption({ label: 'Broken template' });
    await admin.getByText('The page template is broken, so the built-in page is used').waitFor();
    await admin.getByRole('tab', { name: 'Cleanup' }).click();
    const days = admin.getByRole('textbox', { name: 'No change for (days)' });
    await days.fill('soon');
    await admin.getByText('A whole number from 1 to 3650').waitFor();
    expect(await admin.getByRole('button', { name: 'Show' }).isDisabled()).toBe(true);
    await days.fill('180');
    await local.advanceUntil('PT20M', () => admin.getByRole('checkbox', { name: 'Select Grace Wei' }).isVisible());
    await admin.getByRole('checkbox', { name: 'Select Grace Wei' }).check();
    await admin.getByRole('button', { name: 'Preview cleanup' }).click();
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/user/current', respond: { status: 503 } });
    await admin.getByRole('button', { name: 'Archive 1 space' }).click();
    await admin.getByText('Confluence answered with error 503').waitFor();
    await local.axe();
  });

  it('loads at most 260 KB of script (gzip) to show its first page', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByText('Nobody has saved a policy yet').waitFor();
    await local.page.waitForLoadState('networkidle');
    const bytes = (await Promise.all(local.scripts)).reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(MAX_FIRST_SCRIPT_BYTES);
    process.stderr.write(`first page of the admin UI: ${Math.round(bytes / 1000)} KB of script, gzip\n`);
  });

  it('turns away people who are not administrators', async () => {
    const local = await start();
    await local.signIn(ANA);
    await local.visit('/wiki/apps/admin');
    await local.page.getByText('This page is for Confluence administrators').waitFor();
    // The browser itself logs the expected 403.
    expect(local.problems.splice(0)).toEqual([expect.stringContaining('403')]);
  });
});

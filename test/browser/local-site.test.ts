/** The local site's own pages, as a newcomer sees them: the first page, the strip, and Confluence's chrome. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { useBrowser } from './harness';

const executable = await findChromium();
const BO = accountIdOf(1);
const GUEST = accountIdOf(23);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on the host page. The app's frames are checked separately. */
async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    interface Results {
      violations: { id: string; nodes: { html: string }[] }[];
      passes: unknown[];
    }
    const { axe } = globalThis as unknown as { axe: { run(context: { exclude: string[] }): Promise<Results> } };
    const result = await axe.run({ exclude: ['iframe'] });
    // An empty page would have no violations either.
    if (result.passes.length < 10) return [`axe passed ${result.passes.length} rules only`];
    return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`);
  });
}

const widthOf = (page: Page): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);

describe.skipIf(executable === null)('the pages of the local site', () => {
  const start = useBrowser(executable as string);

  it('introduce three people, and with one click switch Homestead on and sign in as one of them', async () => {
    const local = await start();
    const { page, site } = local;
    await local.visit('/wiki');
    await page.getByText('Homestead is off until someone switches it on.').waitFor();
    expect(await page.locator('.card h2').allTextContents()).toEqual([
      'An administrator',
      'An employee without a space',
      'An employee whose space is old',
    ]);
    await page.getByText('Elif hasn’t changed anything for 14 months.').waitFor();
    expect(await axeFindings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Switch Homestead on and be Bo' }).click();
    await page.getByRole('heading', { name: 'Welcome', level: 1 }).waitFor();
    await local.advance('PT10S');
    await page.reload();
    await page.getByRole('button', { name: 'Go to my space' }).click();
    await page.getByRole('heading', { name: 'Hello, I am Bo Berg' }).waitFor();
    expect(site.confluence.state.people.get(BO)?.personalSpaceId).not.toBeNull();

    await page.getByRole('button', { name: 'What to try' }).click();
    const steps = page.getByRole('dialog', { name: 'What to try' }).getByRole('listitem');
    expect(await steps.filter({ hasText: '(done)' }).count()).toBe(2);
    await page.getByRole('button', { name: 'Be Elif', exact: true }).click();
    await page.frameLocator('iframe.app-frame').getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('region', { name: 'Local site' }).getByRole('link', { name: 'Local site' }).click();
    await page.getByText('Homestead is on.').waitFor();
    await page.getByRole('button', { name: 'Be Ada' }).click();
    await page.frameLocator('iframe.app-frame').getByText('Version 1, saved by Ada Admin').waitFor();
  });

  it('find anyone by name, and show the status of each person', async () => {
    const local = await start();
    const { page } = local;
    await local.signIn(BO);
    await local.visit('/wiki');
    await page.getByRole('button', { name: 'Switch person' }).click();
    const panel = page.getByRole('dialog', { name: 'Switch person' });
    await panel.getByRole('textbox', { name: 'Name or account ID' }).fill('omar');
    await panel.getByText('Ada Admin').waitFor({ state: 'hidden' });
    await panel.getByText('Omar Ito').waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Switch person');
    await page.getByRole('button', { name: 'Switch person' }).click();
    await panel.getByRole('link', { name: 'All 120 people' }).click();
    await page.getByRole('main').getByText('Guest', { exact: true }).first().waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Be Elif Costa' }).click();
    await page.getByRole('button', { name: 'Your profile: Elif Costa' }).waitFor();
  });

  it('move the clock once per click, and announce the new time', async () => {
    const local = await start();
    const { page, site } = local;
    await local.signIn(BO);
    await local.visit('/wiki');
    await page.getByRole('button', { name: '+1 day' }).first().click();
    await page.getByText('The clock now shows Tue, Nov 24, 2026, 9:00 AM.').waitFor();
    expect(site.clock.iso().slice(0, 10)).toBe('2026-11-24');
  });

  it('let people add a page and find it by its title, and notify a person who is mentioned on it', async () => {
    const local = await start();
    const { page, site } = local;
    await local.signIn(ADMIN_ACCOUNT_ID);
    await local.visit('/wiki/create?space=PLAT');
    await page.getByLabel('Title').fill('Standup on Fridays');
    await page.getByLabel('Text').fill('Short & <friendly>.');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Short & <friendly>.').waitFor();
    await page.getByRole('link', { name: 'Edit' }).click();
    const mention = `<p><ac:link><ri:user ri:account-id="${BO}" /></ac:link> brings the notes.</p>`;
    await page.getByLabel('Text, in Confluence’s storage format').fill(mention);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('@Bo Berg brings the notes.').waitFor();

    await local.signIn(BO);
    await local.visit('/wiki/search?q=standup');
    await page.getByRole('main').getByRole('link', { name: 'Standup on Fridays' }).waitFor();
    await page.getByRole('button', { name: 'Mail (1)' }).click();
    await page.getByRole('dialog').getByText('Ada Admin mentioned you on “Standup on Fridays”').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Notifications' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Standup on Fridays' }).click();
    await page.getByText('@Bo Berg brings the notes.').waitFor();
    expect(site.confluence.state.spacesByKey.get('PLAT')?.status).toBe('current');
  });

  it('show the app’s settings right next to the sidebar, without a second title', async () => {
    const local = await start();
    const { page } = local;
    await local.openAdmin(ADMIN_ACCOUNT_ID);
    const frame = await page.locator('iframe.app-frame').boundingBox();
    const sidebar = await page.getByRole('navigation', { name: 'Settings' }).boundingBox();
    expect(frame?.x).toBe((sidebar?.x ?? 0) + (sidebar?.width ?? 0));
    expect((frame?.x ?? 0) + (frame?.width ?? 0)).toBe(1280);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(0);
    for (const name of ['People', 'Groups', 'All spaces', 'Trash']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    }
    expect(await axeFindings(page)).toEqual([]);
  });

  it('offer settings only to administrators, and the app only to people with a license', async () => {
    const local = await start();
    const { page } = local;
    await local.signIn(BO);
    await local.visit('/wiki');
    const refused = await page.request.get(new URL('/wiki/settings/people', page.url()).href);
    expect(refused.status()).toBe(403);
    expect(await refused.text()).toContain('This page is for Confluence administrators.');
    expect(await page.getByRole('link', { name: 'Settings' }).count()).toBe(0);
    await page.getByRole('link', { name: 'My personal space' }).waitFor();
    await local.signIn(GUEST);
    await local.visit('/wiki');
    await page.getByRole('heading', { name: 'For you' }).waitFor();
    expect(await page.getByRole('link', { name: 'My personal space' }).count()).toBe(0);
  });

  it.each([
    { width: 768, dark: true },
    { width: 400, dark: false },
  ])('collapse the sidebar and the strip in a narrow window ($width px)', async ({ width, dark }) => {
    const local = await start({ width, dark });
    const { page } = local;
    await local.signIn(BO);
    await local.visit('/wiki/spaces/HELLO/overview');
    const sidebar = page.getByRole('navigation', { name: 'Confluence' });
    expect(await sidebar.isVisible()).toBe(false);
    expect(await widthOf(page)).toBe(width);
    await page.getByRole('button', { name: 'Sidebar' }).click();
    await sidebar.getByRole('link', { name: 'Holiday calendar' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await sidebar.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('button', { name: 'What to try' }).last().click();
    await page.getByRole('heading', { name: 'What to try' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });
});

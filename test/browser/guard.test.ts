/** What an admin does to many people or spaces: said before and after, with a reason above 25, and never under a flag. */
import type { FrameLocator, Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import spanish from '../../src/locales/app/admin.es-ES.json';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { type BrowserSite, confirm, themes, useBrowser } from './harness';

const executable = await findChromium();
const SECOND_ADMIN = accountIdOf(4);

interface Rect {
  what: string;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Rectangles in the window, also of what is in the app's frame. */
async function rectsOf(locator: Locator): Promise<Rect[]> {
  const found = await locator.filter({ visible: true }).all();
  return Promise.all(
    found.map(async (one) => {
      const { x, y, width, height } = (await one.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      return { what: ((await one.textContent()) ?? '').slice(0, 40), left: x, top: y, right: x + width, bottom: y + height };
    }),
  );
}

const overlaps = (a: Rect, b: Rect): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Shows the largest flag that Confluence has, and looks for what lies over, or under, a button of the save bar. */
async function expectFreeButtons(local: BrowserSite, admin: FrameLocator): Promise<void> {
  const frame = local.page.frames().find((f) => f.url().includes('/_forge/ui/admin/'));
  await frame?.evaluate(() =>
    (window as unknown as { __bridge: { callBridge(command: string, payload: object): Promise<unknown> } }).__bridge.callBridge(
      'showFlag',
      {
        id: 'long',
        title: 'Something else on this page wants to be read',
        description: 'A flag is as wide as it gets, and several lines tall. '.repeat(6),
      },
    ),
  );
  await local.page.locator('.flag').waitFor();
  const bar = admin.locator('.bar:visible');
  const buttons = await rectsOf(bar.getByRole('button'));
  expect(buttons.length).toBeGreaterThan(0);
  const others = [...(await rectsOf(bar.locator('p, h1, h2, h3, li, svg'))), ...(await rectsOf(local.page.locator('.flag')))];
  expect(others.length).toBeGreaterThan(1);
  const covered = buttons.flatMap((button, i) =>
    [...others, ...buttons.slice(i + 1)].filter((other) => overlaps(button, other)).map((other) => `${button.what} / ${other.what}`),
  );
  expect(covered).toEqual([]);
  for (const { what, right, bottom } of buttons) {
    expect(right, what).toBeLessThanOrEqual(local.page.viewportSize()?.width ?? 0);
    expect(bottom, what).toBeLessThanOrEqual(local.page.viewportSize()?.height ?? 0);
  }
  await local.page.locator('.flag-close').click();
}

describe.skipIf(executable === null)('an act that many people feel', () => {
  const start = useBrowser(executable as string);
  const save = (admin: FrameLocator): Promise<void> => admin.getByRole('button', { name: 'Save policy' }).click();
  /** Of 106 people, 53 have no space. */
  const knowEverybody = (local: BrowserSite, admin: FrameLocator): Promise<void> =>
    local.advanceUntil('PT10M', () => admin.getByText(/Homestead knows \d+ people on this site/).isVisible());
  const saveDirectly = async (local: BrowserSite, payload: object): Promise<void> => {
    await local.site.invoke({ module: 'admin', functionKey: 'policy.save', payload, accountId: ADMIN_ACCOUNT_ID });
  };

  it.each([{ width: 1280, dark: false }, ...themes({ width: 768, dark: true }, { width: 1280, dark: true }, { width: 768, dark: false })])(
    'saving says what changed and what happens next, before and after, and asks why ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      const bar = admin.locator('.bar:visible');
      await knowEverybody(local, admin);
      await admin.getByRole('radio', { name: 'Automatic' }).check();
      await bar.getByText('Not saved yet: one change (Everyone else).').waitFor();
      await bar.getByText('From their next page view, about 53 people get a space.').waitFor();
      await expectFreeButtons(local, admin);
      await local.picture(`guard-unsaved-${suffix}`);
      // The card shows the same answer, without being asked.
      await admin.getByText('106 people would be treated differently, of 106.').waitFor();

      await save(admin);
      const dialog = admin.getByRole('dialog', { name: 'Save the policy for about 53 people?' });
      await dialog.getByText('53 of 106 people, 50%').waitFor();
      await dialog.getByText('Everyone else › Mode: off → auto').waitFor();
      await local.axe();
      await dialog.getByRole('button', { name: 'Save policy' }).click();
      await dialog.getByText('Enter a reason.').waitFor();
      await local.axe();
      await local.picture(`guard-reason-${suffix}`);
      await dialog.getByLabel('Reason').fill('The new year begins');
      await dialog.getByRole('button', { name: 'Save policy' }).click();
      await dialog.waitFor({ state: 'detached' });

      await bar.getByText('Policy saved').waitFor();
      await bar.getByText('From their next page view, about 53 people get a space.').waitFor();
      expect(await local.page.locator('.flag').count()).toBe(0);
      await local.axe();
      await local.picture(`guard-saved-${suffix}`);
      await expectFreeButtons(local, admin);
      await bar.getByRole('button', { name: 'Close' }).click();
      await bar.getByText('Version 1, saved by Ada Admin').waitFor();
      expect(await bar.getByText('Policy saved').count()).toBe(0);
      await admin.getByRole('tab', { name: 'History' }).click();
      await admin.getByText('Reason: The new year begins').waitFor();
    },
    60_000,
  );

  it('a few people, or none, are saved for without being asked why', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    const bar = admin.locator('.bar:visible');
    await knowEverybody(local, admin);
    await admin.getByLabel('Percentage of people').fill('20');
    await bar.getByText('Nothing changes for anybody.').waitFor();
    await admin.getByRole('radio', { name: 'Ask' }).check();
    await bar.getByText(/From their next page view, about \d+ people are offered a space\./).waitFor();
    await save(admin);
    await bar.getByText('Policy saved').waitFor();
    await bar.getByText(/about \d+ people are offered a space\./).waitFor();
    expect(await admin.getByRole('dialog').count()).toBe(0);

    await admin.getByRole('radio', { name: 'Readable by everyone with a license' }).check();
    await bar.getByText('Nothing changes for anybody who has a space; spaces created from now on follow the change.').waitFor();
    expect(await bar.getByText('Policy saved').count()).toBe(0);
    await save(admin);
    await bar.getByText('Policy saved').waitFor();
    // Switching it off gives nobody anything.
    await admin.getByRole('radio', { name: 'Off' }).check();
    await bar.getByText(/about \d+ people no longer get a space or an offer\./i).waitFor();
    await save(admin);
    await bar.getByText('Version 3, saved by').waitFor();
  });

  it('until everyone is known, the numbers are “so far”, and saving asks why', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    const bar = admin.locator('.bar:visible');
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await bar.getByText(/^So far, Homestead knows nobody on this site/).waitFor();
    await save(admin);
    const dialog = admin.getByRole('dialog', { name: 'Save the policy before everyone is known?' });
    await dialog.getByText(/^So far/).waitFor();
    await local.axe();
    await local.picture('guard-so-far-light-1280');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    // The bar looks again when everyone is known.
    await knowEverybody(local, admin);
    await bar.getByText('From their next page view, about 53 people get a space.').waitFor();
  });

  it('a policy can be saved while nobody can say what it changes', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    const bar = admin.locator('.bar:visible');
    await knowEverybody(local, admin);
    local.site.addFault({ target: 'sql', times: 99, respond: { status: 500 } });
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await bar.getByText(/^What this changes couldn’t be worked out\./).waitFor();
    await save(admin);
    await admin.getByText('How many people get a space or an offer because of this isn’t known yet.').waitFor();
    local.site.clearFaults();
    await confirm(admin, 'Save policy', 'The new year begins');
    await bar.getByText('It applies from the next time someone uses Confluence.').waitFor();
  });

  it('resuming for many says for how many, and asks why', async () => {
    const local = await start();
    await saveDirectly(local, { policy: { paused: true, everyoneElse: { mode: 'auto' } }, baseVersion: 0 });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await knowEverybody(local, admin);
    await admin.getByRole('button', { name: 'Resume now' }).click();
    const dialog = admin.getByRole('dialog', { name: 'Resume, and go on giving people spaces?' });
    await dialog.getByText('53 of 106 people, 50%').waitFor();
    await dialog.getByText('From their next page view, about 53 people get a space.').waitFor();
    await dialog.getByRole('button', { name: 'Resume' }).click();
    await dialog.getByText('Enter a reason.').waitFor();
    await local.axe();
    await local.picture('guard-resume-light-1280');
    await dialog.getByLabel('Reason').fill('It was the template');
    await dialog.getByRole('button', { name: 'Resume' }).click();
    await dialog.waitFor({ state: 'detached' });
    await admin.getByRole('button', { name: 'Pause everything now' }).waitFor();
    await admin.getByRole('tab', { name: 'History' }).click();
    await admin.getByText('Reason: It was the template').waitFor();
  });

  it('discarding asks, and counts what changed', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    const discard = admin.getByRole('button', { name: 'Discard changes' });
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await admin.getByRole('radio', { name: 'Readable by everyone with a license' }).check();
    await discard.click();
    const rule = admin.getByRole('dialog', { name: 'Discard 1 changed rule?' });
    await rule.getByText('Everyone else › Access: private → licensed').waitFor();
    await local.axe();
    await local.picture('guard-discard-light-1280');
    await rule.getByRole('button', { name: 'Cancel' }).click();
    await rule.waitFor({ state: 'detached' });
    expect(await admin.getByRole('radio', { name: 'Automatic' }).isChecked()).toBe(true);
    await admin.getByLabel('Maximum people a day').fill('40');
    await discard.click();
    const dialog = admin.getByRole('dialog', { name: 'Discard 2 changes?' });
    await dialog.getByRole('button', { name: 'Discard 2 changes' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await admin.getByRole('radio', { name: 'Off' }).isChecked()).toBe(true);
    expect(await admin.getByLabel('Maximum people a day').inputValue()).toBe('');
    await admin.getByText('Nobody has saved a policy yet').waitFor();
  });

  it.each([1280, 768])('no flag covers the buttons when somebody else has saved (%i px)', async (width) => {
    const local = await start({ width });
    local.site.changePerson(SECOND_ADMIN, { groups: ['confluence-users-example', 'confluence-admins-example'] });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await knowEverybody(local, admin);
    await admin.getByLabel('Percentage of people').fill('20');
    await saveDirectly(local, { policy: { everyoneElse: { mode: 'auto' } }, baseVersion: 0 });
    await save(admin);
    await admin.getByText('saved another version while you were editing').waitFor();
    await expectFreeButtons(local, admin);
    await local.picture(`guard-conflict-light-${width}`);
    // What theirs does, mine takes back: that is what the numbers are about now.
    await admin.getByRole('button', { name: 'Save mine instead' }).click();
    await admin.getByText('Policy saved').waitFor();
    await admin.getByText('About 53 people no longer get a space or an offer.').waitFor();
  });

  it('no flag covers the buttons where words are longer', async () => {
    const local = await start({ width: 768 });
    local.site.changePerson(ADMIN_ACCOUNT_ID, { locale: 'es_ES' });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('radio', { name: 'Automático' }).check();
    await saveDirectly(local, { policy: { everyoneElse: { mode: 'ask' } }, baseVersion: 0 });
    await expectFreeButtons(local, admin);
    await admin.getByRole('button', { name: spanish['policy.save'] }).click();
    const dialog = admin.getByRole('dialog');
    await dialog.getByLabel(spanish['confirm.reason']).fill('Empieza el año');
    await dialog.getByRole('button', { name: spanish['policy.save'] }).click();
    await admin.getByRole('button', { name: spanish['policy.conflict.mine'] }).waitFor();
    await expectFreeButtons(local, admin);
    await local.picture('guard-spanish-light-768');
  });

  it.each(themes(1280, 768))('a run for many: count, share, batches, a way back, and no start without a reason (%i px)', async (width) => {
    const local = await start({ width, seed: 'scale', people: 80, spaces: 80 });
    const { site } = local;
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('tab', { name: 'Cleanup' }).click();
    const selectAll = admin.getByRole('button', { name: /^Select all/ });
    await local.advanceUntil('PT20M', () => admin.getByRole('checkbox', { name: 'Select the spaces on this page' }).isVisible());
    await admin.getByRole('checkbox', { name: 'Select the spaces on this page' }).check();
    await selectAll.click();
    await admin.getByRole('button', { name: 'Preview cleanup' }).click();
    const dialog = admin.getByRole('dialog', { name: /^Archive \d+ spaces\?$/ });
    await dialog.getByText(/^\d+ of \d+ spaces, \d+%$/).waitFor();
    await dialog.getByText(/It starts with a batch of 25\. It continues automatically, .* only if that went well/).waitFor();
    await dialog.getByText(/You can pause or stop it at any time\. For 180 days it can be undone/).waitFor();
    const archive = dialog.getByRole('button', { name: /^Archive \d+ spaces$/ });
    await archive.click();
    // The dialog is long, and has scrolled to what is missing.
    const [missing] = await rectsOf(dialog.getByText('Enter a reason.'));
    const [button] = await rectsOf(archive);
    expect(missing?.bottom).toBeLessThan(button?.top ?? 0);
    await local.axe();
    await local.picture(`guard-cleanup-light-${width}`);
    expect(site.state().spaces.filter((space) => space.status === 'archived')).toEqual([]);
    await dialog.getByLabel('Reason').fill('Spring cleaning');
    await archive.click();
    await admin.getByText('Reason: Spring cleaning').waitFor();

    // The way back is guarded like the way there.
    const back = admin.getByRole('button', { name: 'Restore these spaces' });
    await local.advanceUntil('PT10M', () => back.isVisible());
    await back.click();
    const undo = admin.getByRole('dialog', { name: /^Restore up to \d+ spaces\?$/ });
    await undo.getByText(/^\d+ of \d+ spaces, \d+%$/).waitFor();
    const restore = undo.getByRole('button', { name: /^Restore up to \d+ spaces$/ });
    await restore.click();
    await undo.getByText('Enter a reason.').waitFor();
    await local.axe();
    await local.picture(`guard-restore-light-${width}`);
    await undo.getByLabel('Reason').fill('Too early');
    await restore.click();
    await admin.getByText('Reason: Too early').waitFor();
  });

  it('the plan for people shows the same before it starts', async () => {
    const local = await start();
    await saveDirectly(local, { policy: { everyoneElse: { mode: 'auto' } }, baseVersion: 0 });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('tab', { name: 'Existing people' }).click();
    await local.advanceUntil('PT10M', () => admin.getByRole('button', { name: 'Preview' }).isVisible());
    await admin.getByRole('button', { name: 'Preview' }).click();
    await admin.getByRole('button', { name: 'Start for 53 people' }).click();
    const dialog = admin.getByRole('dialog', { name: 'Start for 53 people?' });
    await dialog.getByText('53 of 106 people, 50%').waitFor();
    await dialog.getByText(/It starts with a batch of 25\. It continues automatically, .* only if that went well/).waitFor();
    await dialog.getByText(/You can pause or stop it at any time\. For 180 days it can be undone: that archives the spaces/).waitFor();
    await dialog.getByRole('button', { name: 'Start for 53 people' }).click();
    await dialog.getByText('Enter a reason.').waitFor();
    // The policy changes meanwhile: the sentence says what to do.
    await saveDirectly(local, { policy: { everyoneElse: { mode: 'ask' } }, baseVersion: 1 });
    await dialog.getByLabel('Reason').fill('New joiners');
    await dialog.getByRole('button', { name: 'Start for 53 people' }).click();
    await dialog.getByText('Reload the page to see it, then preview again.').waitFor();
    await local.picture('guard-stale-light-1280');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await admin.getByRole('button', { name: 'Preview' }).click();
    await admin.getByRole('button', { name: 'Start for 53 people' }).click();
    await confirm(admin, 'Start for 53 people', 'New joiners');
    await admin.getByText('Reason: New joiners').waitFor();
  });
});

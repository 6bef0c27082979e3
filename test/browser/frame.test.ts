/** The frame of an app's page: it is as tall as its document, and what must stay in sight stays in its visible part. */
import type { Frame, Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { type BrowserSite, useBrowser } from './harness';

const executable = await findChromium();

/** Height of the local site's top bar in a wide window, in px. */
const TOP_BAR = 48;
const WINDOW_HEIGHT = 900;

interface Box {
  y: number;
  height: number;
}

const boxOf = async (locator: Locator): Promise<Box> => (await locator.boundingBox()) ?? { y: Number.NaN, height: Number.NaN };

/** Whether the whole element is on the screen, below the top bar. Boxes of elements in frames are relative to the window. */
const isInSight = async (locator: Locator): Promise<boolean> => {
  const { y, height } = await boxOf(locator);
  return y >= TOP_BAR && y + height <= WINDOW_HEIGHT + 1;
};

const frameOf = (page: Page): Frame => {
  const frame = page.frames().find((f) => f.url().includes('/_forge/ui/'));
  if (!frame) throw new Error('no page of the app is open');
  return frame;
};

const scrollTo = (page: Page, top: number): Promise<void> => page.evaluate((y) => window.scrollTo(0, y), top);

/** Makes the app's page longer with an element of that height above everything else. */
const lengthen = (frame: Frame, height: number): Promise<void> =>
  frame.evaluate((px) => {
    const space = document.createElement('div');
    space.id = 'lengthened';
    space.style.height = `${px}px`;
    document.body.prepend(space);
  }, height);

interface History {
  location: { pathname: string; search: string; hash: string; state?: unknown };
  action: string;
  push(to: string | object, state?: unknown): Promise<void>;
  replace(to: string | object, state?: unknown): Promise<void>;
  goBack(): void;
  listen(listener: (location: History['location'], action: string) => void): () => void;
}
type AppWindow = { __bridge: { callBridge(command: string): Promise<History> }; appHistory: History; heard: string[] };

/** Opens a history in the app's frame and records what its listener hears. */
const openHistory = (frame: Frame): Promise<string> =>
  frame.evaluate(async () => {
    const app = window as unknown as AppWindow;
    app.appHistory = await app.__bridge.callBridge('createHistory');
    app.heard = [];
    app.appHistory.listen((location, action) => app.heard.push(`${action} ${location.pathname}${location.search}${location.hash}`));
    const { pathname, search, hash } = app.appHistory.location;
    return `${app.appHistory.action} ${pathname}${search}${hash}`;
  });
const heard = (frame: Frame) => () => frame.evaluate(() => (window as unknown as AppWindow).heard);
const pathOf = (page: Page): string => page.url().replace(/^https?:\/\/[^/]+/, '');

describe.skipIf(executable === null)('the frame of an app page', () => {
  const start = useBrowser(executable as string);
  const openAdmin = async (width: number): Promise<BrowserSite> => {
    const local = await start({ width });
    await local.openAdmin(ADMIN_ACCOUNT_ID);
    await local.page.frameLocator('iframe.app-frame').getByRole('button', { name: 'Save policy' }).waitFor();
    return local;
  };

  it('is as tall as its document, at least as tall as the window, and shrinks again', async () => {
    const { page } = await openAdmin(1280);
    const frame = frameOf(page);
    const iframe = page.locator('iframe.app-frame');
    const before = (await boxOf(iframe)).height;
    await lengthen(frame, 3000);
    await expect.poll(async () => (await boxOf(iframe)).height).toBeCloseTo(before + 3000, -1);
    expect(await frame.evaluate(() => document.documentElement.scrollHeight - window.innerHeight)).toBeLessThanOrEqual(0);
    await frame.evaluate(() => document.getElementById('lengthened')?.remove());
    await expect.poll(async () => (await boxOf(iframe)).height).toBeCloseTo(before, -1);
    await frame.evaluate(() => document.getElementById('root')?.replaceChildren());
    await expect.poll(async () => (await boxOf(iframe)).height + (await boxOf(iframe)).y).toBeCloseTo(WINDOW_HEIGHT, -1);
  });

  it.each([1280, 768])('keeps the save bar at the bottom of the window, however far it is scrolled (%i px)', async (width) => {
    const { page } = await openAdmin(width);
    const bar = page.frameLocator('iframe.app-frame').locator('.bar:visible');
    await frameOf(page).evaluate(() => {
      const panel = document.querySelector('.bar')?.parentElement;
      const space = document.createElement('div');
      space.style.height = '4000px';
      panel?.firstElementChild?.before(space);
    });
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollHeight)).toBeGreaterThan(4000);
    for (const top of [0, 37, 900, 2503, 1200, 0]) {
      await scrollTo(page, top);
      await expect.poll(() => boxOf(bar).then(({ y, height }) => Math.round(y + height))).toBe(WINDOW_HEIGHT);
    }
  });

  it('scrolls a focused element out from behind the save bar', async () => {
    const { page } = await openAdmin(768);
    const app = page.frameLocator('iframe.app-frame');
    await lengthen(frameOf(page), 2000);
    const field = app.getByLabel('Percentage of people');
    await field.waitFor();
    // Scroll it to just above the bottom of the window, where the bar covers it.
    const { y, height } = await boxOf(field);
    await page.evaluate((by) => window.scrollBy(0, by), y + height - WINDOW_HEIGHT + 4);
    const bar = app.locator('.bar:visible');
    await expect.poll(() => boxOf(bar).then((box) => Math.round(box.y + box.height))).toBe(WINDOW_HEIGHT);
    await field.evaluate((element) => element.focus());
    await expect.poll(async () => (await boxOf(bar)).y - (await boxOf(field)).y - height).toBeGreaterThan(0);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    expect((await boxOf(bar)).y - (await boxOf(field)).y - height).toBeGreaterThan(0);
  });

  it.each([1280, 768])(
    'shows the whole of a dialog opened at the bottom of a long page, even while the window scrolls (%i px)',
    async (width) => {
      const local = await openAdmin(width);
      const { page } = local;
      const app = page.frameLocator('iframe.app-frame');
      await lengthen(frameOf(page), 4000);
      await app.getByRole('button', { name: 'Add rule' }).click();
      const surface = app.getByRole('dialog', { name: 'New rule' }).locator('> div');
      await expect.poll(() => isInSight(surface)).toBe(true);
      expect((await boxOf(surface)).height).toBeGreaterThan(400);
      await expect.poll(() => isInSight(app.getByRole('button', { name: 'Done' }))).toBe(true);
      await local.picture(`frame-dialog-${width}`);
      await page.evaluate(() => window.scrollBy(0, -1500));
      await expect.poll(() => isInSight(surface)).toBe(true);
      await page.keyboard.press('Escape');
      await surface.waitFor({ state: 'detached' });
    },
  );

  it('looks the same where the frame itself scrolls', async () => {
    const { page } = await openAdmin(1280);
    const app = page.frameLocator('iframe.app-frame');
    await lengthen(frameOf(page), 3000);
    await page.addStyleTag({ content: '.app-frame { height: 800px !important; min-height: 0 !important; }' });
    await expect.poll(() => frameOf(page).evaluate(() => window.innerHeight)).toBe(800);
    await frameOf(page).evaluate(() => window.scrollTo(0, 3000));
    const bar = app.locator('.bar:visible');
    await expect.poll(async () => isInSight(bar)).toBe(true);
    await app.getByRole('button', { name: 'Add rule' }).click();
    await expect.poll(() => isInSight(app.getByRole('dialog', { name: 'New rule' }).locator('> div'))).toBe(true);
  });

  it('gives global pages a history with paths below their own address, including back, reload and listeners', async () => {
    const local = await start();
    const { page } = local;
    await local.openMySpace(accountIdOf(1));
    let frame = frameOf(page);
    expect(await openHistory(frame)).toBe('POP /');
    await frame.evaluate(() => (window as unknown as AppWindow).appHistory.push('/details?tab=2#end', { from: 'test' }));
    await expect.poll(heard(frame)).toEqual(['PUSH /details?tab=2#end']);
    expect(pathOf(page)).toBe('/wiki/apps/my-space/details?tab=2#end');
    expect(await frame.evaluate(() => (window as unknown as AppWindow).appHistory.location)).toMatchObject({
      pathname: '/details',
      search: '?tab=2',
      hash: '#end',
      state: { from: 'test' },
    });
    await frame.evaluate(() => (window as unknown as AppWindow).appHistory.replace({ pathname: '/other' }));
    await frame.evaluate(() => (window as unknown as AppWindow).appHistory.push('../../../../escape'));
    await expect.poll(() => pathOf(page)).toBe('/wiki/apps/my-space/escape');
    await frame.evaluate(() => (window as unknown as AppWindow).appHistory.goBack());
    await expect.poll(heard(frame)).toEqual(['PUSH /details?tab=2#end', 'REPLACE /other', 'PUSH /escape', 'POP /other']);
    await page.goBack();
    await expect.poll(() => pathOf(page)).toBe('/wiki/apps/my-space');
    await page.goForward();
    await page.reload();
    await page.frameLocator('iframe.app-frame').getByRole('heading', { level: 1 }).waitFor();
    frame = frameOf(page);
    expect(await openHistory(frame)).toBe('POP /other');
  });

  it('refuses a history to modules that do not have one', async () => {
    const { page } = await openAdmin(1280);
    const refusal = frameOf(page).evaluate(() => (window as unknown as AppWindow).__bridge.callBridge('createHistory'));
    await expect(refusal).rejects.toThrow('createHistory is not available in globalSettings modules');
  });

  it('shows flags next to the save button, not over it, with a button that closes them', async () => {
    const { page } = await openAdmin(1280);
    const show = () =>
      frameOf(page).evaluate(() =>
        (window as unknown as { __bridge: { callBridge(command: string, payload: object): Promise<unknown> } }).__bridge.callBridge(
          'showFlag',
          {
            id: 'done',
            title: 'It is done',
          },
        ),
      );
    await show();
    await page.getByText('It is done').waitFor();
    const [flag, save] = await Promise.all(
      [page.locator('.flag'), page.frameLocator('iframe.app-frame').getByRole('button', { name: 'Save policy' })].map((l) =>
        l.boundingBox(),
      ),
    );
    expect((flag?.x ?? Number.NaN) + (flag?.width ?? 0)).toBeLessThan(save?.x ?? 0);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.getByText('It is done').count()).toBe(0);
  });
});

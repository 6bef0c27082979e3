/** The frame that Confluence gives the app: as high as its content, in a window that scrolls; and the history of its own. */
import type { Frame, Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { type BrowserSite, useBrowser } from './harness';

const executable = await findChromium();

describe.skipIf(executable === null)('the frame of the app', () => {
  const start = useBrowser(executable as string);
  const frameOf = ({ page }: BrowserSite): Frame => {
    const frame = page.frames().find((f) => f.url().includes('/_forge/ui/'));
    if (!frame) throw new Error('no page of the app is open');
    return frame;
  };
  /** Top and bottom of an element in the window of the browser. */
  const edges = async (element: Locator): Promise<[number, number]> => {
    const box = await element.boundingBox();
    if (!box) throw new Error('not there');
    return [Math.round(box.y), Math.round(box.y + box.height)];
  };
  const HEIGHT = 900;

  it.each([1280, 768])('scrolls with the window, and what must stay in sight does (%i px)', async (width) => {
    const local = await start({ width });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('button', { name: 'Add rule' }).waitFor();
    const frame = frameOf(local);
    const size = (): Promise<[number, number]> => frame.evaluate(() => [document.documentElement.scrollHeight, window.innerHeight]);
    await expect.poll(async () => (await size())[0] - (await size())[1]).toBe(0);
    expect((await size())[1]).toBeGreaterThan(HEIGHT);
    const save = admin.getByRole('button', { name: 'Save policy' });
    for (const top of [0, 150, 99_999]) {
      await local.page.evaluate((y) => window.scrollTo(0, y), top);
      await expect.poll(async () => (await edges(save))[1]).toBeLessThanOrEqual(HEIGHT);
      expect((await edges(save))[0]).toBeGreaterThan(HEIGHT / 2);
    }
    // From the bottom of the page, without scrolling to the button.
    await admin.getByRole('button', { name: 'Add rule' }).evaluate((button: HTMLElement) => button.click());
    const dialog = admin.getByRole('dialog');
    await dialog.waitFor();
    await expect.poll(async () => (await edges(dialog))[0]).toBeGreaterThanOrEqual(0);
    await expect.poll(async () => (await edges(dialog))[1]).toBeLessThanOrEqual(HEIGHT);
    await dialog.getByRole('button', { name: 'Done' }).waitFor();
    expect((await edges(dialog.getByRole('button', { name: 'Done' })))[1]).toBeLessThanOrEqual(HEIGHT);
  });

  it('has a history of its own where the site gives one: shown in the address, kept by a reload, and walked back', async () => {
    const local = await start();
    await local.openMySpace(accountIdOf(2));
    const { page } = local;
    const path = (): string => new URL(page.url()).pathname + new URL(page.url()).search;
    await frameOf(local).evaluate(async () => {
      const { __bridge } = window as unknown as { __bridge: { callBridge(command: string): Promise<unknown> } };
      const history = (await __bridge.callBridge('createHistory')) as unknown as {
        location: { pathname: string };
        push(path: string): void;
        listen(listener: (location: { pathname: string }, action: string) => void): () => void;
      };
      Object.assign(window, { seen: [history.location.pathname] });
      history.listen((location, action) => (window as unknown as { seen: string[] }).seen.push(`${action} ${location.pathname}`));
      history.push('/details?open=1');
    });
    await expect.poll(path).toBe('/wiki/apps/my-space/details?open=1');
    await page.evaluate(() => window.history.back());
    await expect.poll(path).toBe('/wiki/apps/my-space');
    await expect
      .poll(() => frameOf(local).evaluate(() => (window as unknown as { seen: string[] }).seen))
      .toEqual(['/', 'PUSH /details', 'POP /']);
    await local.visit('/wiki/apps/my-space/details');
    await page.frameLocator('iframe.app-frame').getByRole('heading', { level: 1 }).waitFor();
  });

  it('has none on the admin page, as the site is set, and the app hears why', async () => {
    const local = await start();
    await local.openAdmin(ADMIN_ACCOUNT_ID);
    const answer = await frameOf(local).evaluate(() =>
      (window as unknown as { __bridge: { callBridge(command: string): Promise<unknown> } }).__bridge.callBridge('createHistory').then(
        () => 'given',
        (error: Error) => error.message,
      ),
    );
    expect(answer).toBe('createHistory is not available in confluence:globalSettings');
  });
});

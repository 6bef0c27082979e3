/** A local site over HTTP, and a browser that signs in, opens pages, and watches for console errors and CSP violations. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Frame, FrameLocator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { listen, type RunningServer } from '../emulator/http';
import { LocalSite, type SiteOptions } from '../emulator/site';
import { checkCall } from '../support/openapi';
import { launch } from './chromium';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** `npm run pictures` updates the ones in the README. */
const PICTURES = process.env.HOMESTEAD_PICTURES ?? resolve(import.meta.dirname, '../../.cache/screenshots');

/** How long Playwright waits for something to appear: enough for a machine that is three times slower. */
const APPEAR_MS = 20_000;

/** Longer than any page waits before it looks again. */
const LOOKS_AGAIN_MS = 30_000;

/** One theme and width is enough to test a scene. `npm run test:long` and `npm run pictures` run all of them. */
export function themes<T>(first: T, ...others: T[]): T[] {
  return process.env.HOMESTEAD_LONG || process.env.HOMESTEAD_PICTURES ? [first, ...others] : [first];
}

export class BrowserSite {
  readonly problems: string[] = [];
  /** Gzipped sizes of the scripts that the app's frame has loaded. */
  readonly scripts: Promise<number>[] = [];

  private constructor(
    readonly site: LocalSite,
    private readonly server: RunningServer,
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async open(browser: Browser, options: SiteOptions & { width?: number; dark?: boolean } = {}): Promise<BrowserSite> {
    const { width = 1280, dark = false, ...siteOptions } = options;
    const site = new LocalSite(siteOptions);
    const server = await listen(site, 0);
    const context = await browser.newContext({ viewport: { width, height: 900 }, locale: 'en-US' });
    context.setDefaultTimeout(APPEAR_MS);
    // Time passes as usual from the site's own, but a test may move it on: pages that wait for the site look again every few seconds.
    await context.clock.install({ time: site.clock.now() });
    const page = await context.newPage();
    const it = new BrowserSite(site, server, context, page);
    site.confluence.onAnswer = (request, answer) => it.problems.push(...checkCall(request, answer));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) =>
        console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    page.on('console', (message) => {
      // Chromium says this about every sandbox that Forge uses.
      if (message.text().includes('can escape its sandboxing')) return;
      if (message.type() === 'error' || message.type() === 'warning') it.problems.push(`console ${message.type()}: ${message.text()}`);
    });
    page.on('response', (response) => {
      const isScript = response.url().includes('/_forge/ui/admin/') && response.url().endsWith('.js');
      if (isScript) it.scripts.push(response.body().then((body) => gzipSync(body).length));
    });
    page.on('pageerror', (error) => it.problems.push(`page error: ${error.message}`));
    if (dark) await context.addCookies([{ name: 'color-mode', value: 'dark', url: server.url }]);
    return it;
  }

  /** Closes everything. Fails on console errors, CSP violations, and calls that the site does not model. */
  async close(): Promise<void> {
    await this.context.close();
    await this.server.close();
    this.site.stop();
    expect(this.problems).toEqual([]);
    expect(this.site.allNotModelled).toEqual([]);
  }

  /** The site's clock moves on, and then the page's own, so that it looks again at what it is waiting for. */
  async advance(duration: string): Promise<void> {
    await this.site.advance(duration);
    await this.context.clock.fastForward(LOOKS_AGAIN_MS);
  }

  /** Moves the clocks on, and further on until this is there: a click may reach the site after its clock has moved. */
  async advanceUntil(duration: string, isThere: () => Promise<boolean>): Promise<void> {
    await this.advance(duration);
    const look = async (): Promise<boolean> => {
      if (await isThere()) return true;
      await this.advance('PT5S');
      return false;
    };
    await expect.poll(look, { timeout: APPEAR_MS, interval: 100 }).toBe(true);
  }

  async signIn(accountId: string): Promise<void> {
    await this.context.addCookies([{ name: 'local-site-person', value: encodeURIComponent(accountId), url: this.server.url }]);
  }

  async visit(path: string): Promise<void> {
    await this.page.goto(`${this.server.url}${path}`);
  }

  /** Opens the app's admin page as this admin. */
  async openAdmin(accountId: string): Promise<FrameLocator> {
    await this.signIn(accountId);
    await this.visit('/wiki/apps/admin');
    const frame = this.page.frameLocator('iframe.app-frame');
    await frame.getByRole('heading', { name: 'Homestead', level: 1 }).waitFor();
    return frame;
  }

  /** Opens "My space" as this person. */
  async openMySpace(accountId: string): Promise<FrameLocator> {
    await this.signIn(accountId);
    await this.visit('/wiki/apps/my-space');
    const frame = this.page.frameLocator('iframe.app-frame');
    await frame.getByRole('heading', { level: 1 }).waitFor();
    return frame;
  }

  /** Takes a screenshot, for the README and for review. */
  async picture(name: string): Promise<void> {
    // Atlaskit fades in dialogs and flags; the screenshot should show the page at rest.
    await this.page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))));
    for (const frame of this.page.frames()) await settled(frame);
    await this.page.screenshot({ path: `${PICTURES}/${name}.png` });
  }

  /** Checks the accessibility of the app's own frame with axe. */
  async axe(): Promise<void> {
    const frame = this.page.frames().find((f) => /\/_forge\/ui\/(admin|my-space)\//.test(f.url()));
    if (!frame) throw new Error('no page of the app is open');
    // The page's CSP forbids inline scripts, so axe is injected through the debugger, as an extension would do.
    await frame.evaluate(readFileSync(AXE, 'utf8'));
    await settled(frame);
    const violations = await frame.evaluate(async () => {
      interface Results {
        violations: { id: string; nodes: { html: string }[] }[];
        passes: unknown[];
      }
      const { axe } = globalThis as unknown as { axe: { run(): Promise<Results> } };
      const result = await axe.run();
      // An empty frame would have no violations either.
      if (result.passes.length < 10) return [`axe passed ${result.passes.length} rules only`];
      return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`);
    });
    expect(violations).toEqual([]);
  }
}

/** Waits for transitions to end: colors in transit would spoil screenshots and contrast checks. */
async function settled(frame: Frame): Promise<void> {
  await frame.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((a) => a.effect?.getTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((a) => a.finished.catch(() => {})),
    ),
  );
}

/** Saves the policy on the page. What acts on more than 25 people, or on nobody knows how many, takes a reason. */
export async function savePolicy(admin: FrameLocator, reason?: string): Promise<void> {
  await admin.getByRole('button', { name: 'Save policy' }).click();
  if (reason !== undefined) await confirm(admin, 'Save policy', reason);
}

/** Gives the reason that a dialog asks for, and presses its button. */
export async function confirm(admin: FrameLocator, action: string, reason: string): Promise<void> {
  const dialog = admin.getByRole('dialog');
  await dialog.getByLabel(/^Reason/).fill(reason);
  await dialog.getByRole('button', { name: action }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Within a `describe`: launches one Chromium for all its tests. Returns a function that starts a site for one test. */
export function useBrowser(executable: string): (options?: Parameters<typeof BrowserSite.open>[1]) => Promise<BrowserSite> {
  let browser: Browser;
  let open: BrowserSite | undefined;
  beforeAll(async () => {
    browser = await launch(executable);
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    const last = open;
    open = undefined;
    await last?.close();
  });
  return async (options = {}) => {
    open = await BrowserSite.open(browser, options);
    return open;
  };
}

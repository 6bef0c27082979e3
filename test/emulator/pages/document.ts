/** The HTML document around a page's content: the strip, Confluence's chrome, flags, and the app's background scripts. */
import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import { type Person, SITE } from '../confluence/state';
import { titleOf, type UiModule, type UiType } from '../forge/manifest';
import type { LocalSite } from '../site';
import { settingsSidebar, sidebar, topBar } from './chrome';
import type { Journal } from './journal';
import { strip } from './strip';
import { STYLE } from './style';
import { THEME_ATTRIBUTE } from './theme';
import { colorModeOf, sessionPerson } from './visitor';

export type Html = ReturnType<typeof html>;
export type ShownModule = UiModule & { type: UiType };

export interface Shown {
  title: string;
  body: Html;
  status?: 200 | 403 | 404;
  /** What surrounds the body: Confluence, its settings, or neither. */
  around?: 'confluence' | 'settings' | 'nothing';
  /** The space and id of the page or blog post that is shown. */
  spaceKey?: string;
  contentId?: string;
}

export interface Deps {
  site: LocalSite;
  journal: Journal;
}

/** The app's pages that this person can navigate to. */
export function appPages(site: LocalSite, person: Person | undefined): ShownModule[] {
  return site.visibleModules(person?.accountId ?? null).filter((m) => m.type !== 'confluence:backgroundScript');
}

export function frame(site: LocalSite, module: ShownModule, person: Person | undefined, className: string): Html {
  const title = titleOf(site.platform.manifest, module.title, person?.locale) || module.key;
  return html`<iframe class="${className}" title="${title}" data-module="${module.key}" data-type="${module.type}" data-resource="${module.resource}"
    sandbox="allow-downloads allow-forms allow-modals allow-pointer-lock allow-same-origin allow-scripts"></iframe>`;
}

export function show({ site, journal }: Deps, c: Context, shown: Shown) {
  const person = sessionPerson(site, c);
  const mode = colorModeOf(c);
  const around = person ? (shown.around ?? 'confluence') : 'nothing';
  // Forge's docs name pages, blog posts and space homepages. Admin pages do not load background scripts (unverified).
  const background =
    shown.contentId === undefined
      ? []
      : site.visibleModules(person?.accountId ?? null).filter((m) => m.type === 'confluence:backgroundScript');
  const context = {
    createHistoryIn: site.settings.createHistoryIn,
    accountId: person?.accountId,
    cloudId: SITE.cloudId,
    locale: person?.locale,
    spaceKey: shown.spaceKey,
    contentId: shown.contentId,
  };
  const place = { path: new URL(c.req.url).pathname, spaceKey: shown.spaceKey, contentId: shown.contentId };
  const chrome =
    person && around !== 'nothing'
      ? html`${topBar(site, person, shown.spaceKey)}${
          around === 'settings' ? settingsSidebar(site, person, place) : sidebar(site, person, place, appPages(site, person))
        }`
      : '';
  const page = html`<!doctype html>
<html lang="en" data-color-mode="${mode}" data-theme="${THEME_ATTRIBUTE}">
<head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" /><title>${shown.title} - Confluence (local)</title>
<link rel="icon" href="data:," /><link rel="stylesheet" href="/_forge/theme.css" /><style>${raw(STYLE)}</style></head>
<body class="around-${around}"><a class="skip" href="#content">Skip to content</a>
${strip({ site, journal, person, mode })}
${chrome}
<main id="content" tabindex="-1">${shown.body}</main>
<div id="flags" role="status" aria-live="polite"></div>
${background.map((m) => frame(site, m, person, 'background-script'))}
<script>window.__context = ${raw(JSON.stringify(context).replace(/</g, '\\u003c'))};</script>
<script src="/_forge/host.js"></script><script src="/_forge/page.js"></script></body></html>`;
  return c.html(page, shown.status ?? 200);
}

export function notFound(deps: Deps, c: Context) {
  return show(deps, c, {
    title: 'Not found',
    status: 404,
    body: html`<div class="column"><h1>We can’t find this page</h1><p>It doesn’t exist, or you don’t have permission to see it.</p></div>`,
  });
}

export function notPermitted(deps: Deps, c: Context, why: string) {
  return show(deps, c, { title: 'Not permitted', status: 403, body: html`<div class="column"><h1>Not permitted</h1><p>${why}</p></div>` });
}

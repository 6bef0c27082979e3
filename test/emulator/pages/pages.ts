/** What people see of the local site, put together. */
import { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import type { LocalSite } from '../site';
import { adminSettings } from './admin-settings';
import { content } from './content';
import type { Deeds } from './deeds';
import { firstPage } from './first-page';
import { overview } from './overview';
import { people } from './people';
import { COLOR_MODE_COOKIE, cameFrom, colorModeOf } from './visitor';
import { timeText } from './words';

export function pages(site: LocalSite, deeds: Deeds): Hono {
  const desk = { site, deeds };
  const app = new Hono();
  app.get('/', (c) => c.redirect('/wiki'));
  app.post('/wiki/color-mode', (c) => {
    setCookie(c, COLOR_MODE_COOKIE, colorModeOf(c) === 'dark' ? 'light' : 'dark', { path: '/' });
    return c.redirect(cameFrom(c));
  });
  app.get('/wiki/clock', (c) => c.json({ now: site.clock.iso(), text: timeText(site.clock.now()) }));
  app.post('/wiki/clock', async (c) => {
    const { advance } = await c.req.parseBody();
    await site.advance(String(advance));
    return c.redirect(c.req.header('referer') ?? '/wiki');
  });

  app.get('/wiki/spaces', (c) => {
    const caller = callerOf(sessionPerson(site, c));
    const query = (c.req.query('q') ?? '').toLowerCase();
    const after = Number(c.req.query('after') ?? 0);
    const found: Space[] = [];
    let last = 0;
    for (const space of state.spaces) {
      if (space.id <= after) continue;
      if (found.length === PAGE_SIZE) break;
      if (space.status === 'trashed' || !maySee(state, caller, space)) continue;
      if (query !== '' && !space.name.toLowerCase().includes(query)) continue;
      found.push(space);
      last = space.id;
    }
    return page(
      c,
      'Spaces',
      html`<h1>Space directory</h1>
        <form class="row"><input name="q" aria-label="Find a space" placeholder="Find a space" value="${query}" /><button>Find</button></form>
        <table><thead><tr><th>Space</th><th>Kind</th><th>Status</th><th>Who can see it</th></tr></thead><tbody>
          ${found.map((s) => html`<tr><td><a href="${spaceUrl(s)}">${s.name}</a></td><td>${s.type}</td><td>${s.status}</td><td>${visibility(s)}</td></tr>`)}
        </tbody></table>
        ${found.length === PAGE_SIZE ? html`<p><a href="/wiki/spaces?q=${encodeURIComponent(query)}&after=${last}">Next</a></p>` : ''}`,
    );
  });

  const showContent = (c: Context, space: Space | undefined, item: Content | undefined) => {
    const person = sessionPerson(site, c);
    if (!space || !item || !maySeeContent(state, callerOf(person), item)) {
      return page(c, 'Not found', html`<h1>Not found</h1><p>There is nothing here, or you may not see it.</p>`, 404);
    }
    if (person) view(site.confluence, person, item);
    const mayEdit = person !== undefined && mayDo(state, callerOf(person), space, 'update/page');
    return page(
      c,
      item.title,
      html`<p class="crumbs"><a href="${spaceUrl(space)}">${space.name}</a> <span class="tag">${space.type}</span>
          ${space.status === 'current' ? '' : html`<span class="tag">${space.status}</span>`} <span class="tag">${visibility(space)}</span></p>
        <h1>${item.title}</h1>
        <article>${raw(renderStorage(item.body))}</article>
        <p class="muted">Version ${latest(item).number}, ${new Date(latest(item).at).toISOString().slice(0, 16).replace('T', ' ')}</p>
        ${mayEdit ? html`<form method="post" action="${contentUrl(space, item)}/edit"><button>Add a line to this page</button></form>` : ''}
        <h2>Pages in this space</h2><ul>${pagesOf(site, space, callerOf(person)).map((p) => html`<li><a href="${contentUrl(space, p)}">${p.title}</a></li>`)}</ul>`,
      200,
      { spaceKey: space.key, contentId: String(item.id) },
    );
  };
  app.get('/wiki/spaces/:key', (c) => c.redirect(`/wiki/spaces/${c.req.param('key')}/overview`));
  app.get('/wiki/spaces/:key/overview', (c) => {
    const space = state.spacesByKey.get(c.req.param('key'));
    return showContent(c, space, state.content.get(space?.homepageId ?? 0));
  });
  app.get('/wiki/spaces/:key/pages/:id', (c) =>
    showContent(c, state.spacesByKey.get(c.req.param('key')), state.content.get(Number(c.req.param('id')))),
  );
  app.post('/wiki/spaces/:key/pages/:id/edit', (c) => {
    const person = sessionPerson(site, c);
    const item = state.content.get(Number(c.req.param('id')));
    const space = state.spacesByKey.get(c.req.param('key'));
    if (!person || !item || !space || !mayDo(state, callerOf(person), space, 'update/page'))
      return page(c, 'Not permitted', html`<h1>Not permitted</h1>`, 403);
    item.body += '<p>A line added by hand.</p>';
    edit(site.confluence, person, item);
    return c.redirect(contentUrl(space, item));
  });
  app.post('/wiki/spaces/:key/status', async (c) => {
    const person = sessionPerson(site, c);
    const space = state.spacesByKey.get(c.req.param('key'));
    const { status } = await c.req.parseBody();
    if (!person || !space || !mayDo(state, callerOf(person), space, 'administer/space'))
      return page(c, 'Not permitted', html`<h1>Not permitted</h1>`, 403);
    if (status === 'current' || status === 'archived' || status === 'trashed')
      setSpaceStatus(site.confluence, space, status, callerOf(person));
    return c.redirect('/wiki');
  });

  // Below its own address an app has paths of its own, by `createHistory`.
  app.get('/wiki/apps/:module/*', (c) => {
    const person = sessionPerson(site, c);
    const module = appPages(site, person).find((m) => m.key === c.req.param('module'));
    // Confluence offers global settings to its administrators only; what the app's resolvers refuse is the app's to decide.
    if (!module || (module.type === 'confluence:globalSettings' && !(person && state.isAdmin(person)))) {
      return page(c, 'Not permitted', html`<h1>Not permitted</h1><p>This page is for Confluence administrators.</p>`, 403);
    }
    return page(c, titleOf(site.platform.manifest, module.title), frame(module, 'app-frame'));
  });
  for (const part of [firstPage, people, overview, content, adminSettings]) app.route('/', part(desk));
  return app;
}

function appPages(site: LocalSite, person: Person | undefined): (UiModule & { type: UiType })[] {
  return site.visibleModules(person?.accountId ?? null).filter((m) => m.type !== 'confluence:backgroundScript');
}

function frame(module: UiModule & { type: UiType }, className: string): Html {
  return html`<iframe class="${className}" title="${module.key}" data-module="${module.key}" data-type="${module.type}" data-resource="${module.resource}"
    sandbox="allow-downloads allow-forms allow-modals allow-pointer-lock allow-same-origin allow-scripts"></iframe>`;
}

function layout(o: {
  site: LocalSite;
  c: Context;
  person: Person | undefined;
  title: string;
  body: Html;
  mode: string;
  spaceKey?: string;
  contentId?: string;
}): Html {
  const { site, person, mode } = o;
  const { state } = site.confluence;
  const modules = appPages(site, person).filter(
    (m) => m.type !== 'confluence:globalSettings' || (person !== undefined && state.isAdmin(person)),
  );
  // Forge names pages, blog posts and space homes; admin pages do not load background scripts (unverified).
  const background =
    o.contentId === undefined ? [] : site.visibleModules(person?.accountId ?? null).filter((m) => m.type === 'confluence:backgroundScript');
  const context = {
    accountId: person?.accountId,
    cloudId: SITE.cloudId,
    locale: person?.locale,
    spaceKey: o.spaceKey,
    contentId: o.contentId,
    createHistoryIn: site.settings.createHistoryIn,
  };
  return html`<!doctype html>
<html lang="en" data-color-mode="${mode}" data-theme="${THEME_ATTRIBUTE}">
<head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" /><title>${o.title} - Confluence (local)</title>
<link rel="icon" href="data:," /><link rel="stylesheet" href="/_forge/theme.css" /><style>${raw(STYLE)}</style></head>
<body><header>
  <a class="brand" href="/wiki">Confluence <small>local site</small></a>
  <nav aria-label="Site"><a href="/wiki/spaces">Spaces</a><a href="/wiki/signin">People</a>
    ${modules.map((m) => html`<a href="/wiki/apps/${m.key}">${titleOf(site.platform.manifest, m.title)}</a>`)}</nav>
  <form method="post" action="/wiki/clock" class="row"><span class="muted">${site.clock.iso().slice(0, 16).replace('T', ' ')}</span><button name="advance" value="PT1H">+1 hour</button><button name="advance" value="P1D">+1 day</button></form>
  <form method="post" action="/wiki/color-mode"><button>${mode === 'dark' ? 'Light' : 'Dark'}</button></form>
  ${person ? html`<form method="post" action="/wiki/signout" class="row"><span>${person.displayName}</span><button>Sign out</button></form>` : html`<a href="/wiki/signin">Sign in</a>`}
</header>
<main>${o.body}</main>
<div id="flags" role="status" aria-live="polite"></div>
${background.map((m) => frame(m, 'background-script'))}
<script>window.__context = ${raw(JSON.stringify(context).replace(/</g, '\\u003c'))};</script>
<script src="/_forge/host.js"></script></body></html>`;
}

function standing(site: LocalSite, person: Person): string {
  const parts: string[] = [person.accountStatus];
  if (person.isGuest) parts.push('guest');
  if (site.confluence.state.isAdmin(person)) parts.push('administrator');
  else if (site.confluence.state.isLicensed(person)) parts.push('licensed');
  return parts.join(', ');
}

function visibility(space: Space): string {
  return space.grants.some((g) => g.principalType !== 'USER') ? 'open' : 'private';
}

const spaceUrl = (space: Space): string => `/wiki/spaces/${encodeURIComponent(space.key)}/overview`;
const contentUrl = (space: Space, item: Content): string => `/wiki/spaces/${encodeURIComponent(space.key)}/pages/${item.id}`;

function pagesOf(site: LocalSite, space: Space, caller: Caller): Content[] {
  const { state } = site.confluence;
  return (state.contentBySpace.get(space.id) ?? [])
    .filter((i) => i.type === 'page' && i.status === 'current' && maySeeContent(state, caller, i))
    .slice(0, PAGE_SIZE);
}

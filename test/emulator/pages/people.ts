/** Choosing who to be on this site, signing in, and signing out. */
import { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { Person } from '../confluence/state';
import type { LocalSite } from '../site';
import { type Deps, notFound, show } from './document';
import { icon } from './icons';
import { personRow } from './strip';
import { SESSION_COOKIE } from './visitor';
import { count } from './words';

const PAGE_SIZE = 50;
/** How many people fit in the panel. */
const PANEL_SIZE = 6;

/** People whose name contains the text or whose account id equals it. Skips the first `from` matches. */
function findPeople(site: LocalSite, query: string, from: number, limit: number): { found: Person[]; hasMore: boolean } {
  const text = query.trim().toLowerCase();
  const found: Person[] = [];
  let matching = 0;
  for (const person of site.confluence.state.people.values()) {
    if (text !== '' && !person.displayName.toLowerCase().includes(text) && person.accountId !== query.trim()) continue;
    matching += 1;
    if (matching <= from) continue;
    if (found.length === limit) return { found, hasMore: true };
    found.push(person);
  }
  return { found, hasMore: false };
}

export function people(deps: Deps): Hono {
  const { site } = deps;
  const { state } = site.confluence;
  const app = new Hono();

  app.get('/wiki/signin', (c) => {
    const query = c.req.query('q') ?? '';
    const from = Math.max(0, Math.floor(Number(c.req.query('from') ?? 0)) || 0);
    const { found, hasMore } = findPeople(site, query, from, PAGE_SIZE);
    return show(deps, c, {
      title: 'People',
      around: 'nothing',
      body: html`<div class="column"><h1>Who do you want to be?</h1>
        <form action="/wiki/signin" class="search-field" role="search">${icon('search')}<input type="search" name="q" aria-label="Name or account ID" placeholder="Name or account ID" value="${query}" /></form>
        <p class="subtle" role="status">${
          query === ''
            ? `All ${count(state.people.size, 'person', 'people')}`
            : found.length === 0
              ? `No one is called “${query}”.`
              : `People who match “${query}”`
        }</p>
        <form method="post" action="/wiki/signin"><ul class="plain people-list">${found.map((p) => personRow(site, p))}</ul></form>
        <p class="pager">${from > 0 ? html`<a href="/wiki/signin?q=${encodeURIComponent(query)}&from=${Math.max(0, from - PAGE_SIZE)}">Previous</a>` : ''}
          ${hasMore ? html`<a href="/wiki/signin?q=${encodeURIComponent(query)}&from=${from + PAGE_SIZE}">Next</a>` : ''}</p>
        <p><a href="/wiki/first-page">First page</a></p></div>`,
    });
  });
  app.get('/wiki/signin/matches', (c) => {
    const { found } = findPeople(site, c.req.query('q') ?? '', 0, PANEL_SIZE);
    return c.html(found.length === 0 ? html`<li class="subtle">Nobody matches.</li>` : html`${found.map((p) => personRow(site, p))}`);
  });
  app.post('/wiki/signin', async (c) => {
    const { accountId } = await c.req.parseBody();
    const person = state.people.get(String(accountId));
    if (!person) return notFound(deps, c);
    setCookie(c, SESSION_COOKIE, person.accountId, { path: '/', httpOnly: true, sameSite: 'Lax' });
    return c.redirect('/wiki');
  });
  app.post('/wiki/signout', (c) => {
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.redirect('/wiki');
  });
  return app;
}

/** Ways to find a page: For you, Recent, Search and the space directory. */
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { maySee, maySeeContent } from '../confluence/access';
import { type Content, latest, type Person, type Space } from '../confluence/state';
import { spaceAvatar } from './avatar';
import { pagesOf } from './chrome';
import { type Deps, type Html, show } from './document';
import { showFirstPage } from './first-page';
import { icon } from './icons';
import { callerOf, sessionPerson } from './visitor';
import { agoText, audienceText, contentUrl, count, spaceUrl, statusText, typeText } from './words';

const PAGE_SIZE = 50;
const SHORT_LIST = 8;
/** The pages of a space are counted up to this number. */
const COUNTED_PAGES = 1000;

const newestFirst = (a: Content, b: Content): number => latest(b).at - latest(a).at || b.id - a.id;

export function overview(deps: Deps): Hono {
  const { site, journal } = deps;
  const { state } = site.confluence;
  const app = new Hono();

  const visited = (person: Person, limit: number): Content[] =>
    journal
      .visits(person.accountId)
      .flatMap((id) => state.content.get(id) ?? [])
      .filter((item) => item.status === 'current' && maySeeContent(state, callerOf(person), item))
      .slice(0, limit);

  const changed = (person: Person): Content[] => {
    const found: Content[] = [];
    for (const item of state.contentOrderedBy('newest change', newestFirst)) {
      if (found.length === SHORT_LIST) break;
      const isShown = item.status === 'current' && (item.type === 'page' || item.type === 'blogpost');
      if (isShown && maySeeContent(state, callerOf(person), item)) found.push(item);
    }
    return found;
  };

  const list = (items: readonly Content[]): Html =>
    html`<ul class="plain page-list">${items.map((item) => {
      const space = state.spacesById.get(item.spaceId);
      return space
        ? html`<li>${icon('page')}<span class="grow"><a href="${contentUrl(space, item)}">${item.title}</a><span class="small subtle">${space.name}</span></span>
            <span class="small subtle">Changed ${agoText(latest(item).at, site.clock.now())}</span></li>`
        : '';
    })}</ul>`;

  app.get('/wiki', (c) => {
    const person = sessionPerson(site, c);
    if (!person) return showFirstPage(deps, c);
    const recent = visited(person, SHORT_LIST);
    return show(deps, c, {
      title: 'For you',
      body: html`<div class="column"><h1>For you</h1>
        ${recent.length === 0 ? '' : html`<h2>Pick up where you left off</h2>${list(recent)}`}
        <h2>Recently changed</h2>${list(changed(person))}</div>`,
    });
  });
  app.get('/wiki/recent', (c) => {
    const person = sessionPerson(site, c);
    const recent = person ? visited(person, PAGE_SIZE) : [];
    return show(deps, c, {
      title: 'Recent',
      body: html`<div class="column"><h1>Recent</h1>${
        recent.length === 0 ? html`<p class="subtle">Pages you open will be listed here.</p>` : list(recent)
      }</div>`,
    });
  });
  app.get('/wiki/search', (c) => {
    const query = (c.req.query('q') ?? '').trim();
    const found = query === '' ? [] : search(deps, sessionPerson(site, c), query);
    return show(deps, c, {
      title: 'Search',
      body: html`<div class="column"><h1>Search</h1>
        <form action="/wiki/search" role="search" class="search-field wide">${icon('search')}<input type="search" name="q" aria-label="Words in the title" placeholder="Words in the title" value="${query}" /></form>
        <p class="subtle" role="status">${query === '' ? '' : found.length === 0 ? `No title contains “${query}”.` : `Titles that contain “${query}”`}</p>${list(found)}</div>`,
    });
  });
  app.get('/wiki/spaces', (c) => directory(deps, c));
  return app;
}

function search({ site }: Deps, person: Person | undefined, query: string): Content[] {
  const { state } = site.confluence;
  const text = query.toLowerCase();
  const found: Content[] = [];
  for (const item of state.content.values()) {
    if (found.length === PAGE_SIZE) break;
    if (item.status !== 'current' || (item.type !== 'page' && item.type !== 'blogpost') || !item.title.toLowerCase().includes(text))
      continue;
    if (maySeeContent(state, callerOf(person), item)) found.push(item);
  }
  return found;
}

interface DirectoryFilter {
  query: string;
  type: string;
  status: string;
}

function directory(deps: Deps, c: Context) {
  const { site } = deps;
  const person = sessionPerson(site, c);
  const filter: DirectoryFilter = {
    query: (c.req.query('q') ?? '').trim(),
    type: c.req.query('type') ?? '',
    status: c.req.query('status') ?? 'current',
  };
  const after = Number(c.req.query('after') ?? 0) || 0;
  const { found, total, last } = visibleSpaces(deps, person, filter, after);
  const more = new URLSearchParams({ q: filter.query, type: filter.type, status: filter.status, after: String(last) });
  const option = (value: string, chosen: string, label: string): Html =>
    html`<option value="${value}" ${value === chosen ? 'selected' : ''}>${label}</option>`;
  return show(deps, c, {
    title: 'Spaces',
    body: html`<div class="column wide"><h1>Spaces</h1>
      <form class="filters" data-submit-on-change><span class="search-field">${icon('search')}<input type="search" name="q" aria-label="Find a space" placeholder="Find a space" value="${filter.query}" /></span>
        <select name="type" aria-label="Type">${option('', filter.type, 'All types')}${option('global', filter.type, 'Team spaces')}${option('personal', filter.type, 'Personal spaces')}</select>
        <select name="status" aria-label="Status">${option('current', filter.status, 'Current')}${option('archived', filter.status, 'Archived')}</select>
        <button class="button">Find</button>
        <span class="small subtle" role="status">${count(total, 'space')} that you can see</span></form>
      <div class="table-box"><table><thead><tr><th>Space</th><th>Type</th><th>Who can see it</th><th>Content</th></tr></thead><tbody>
        ${found.map(
          (s) =>
            html`<tr><td><a class="space-link" href="${spaceUrl(s)}">${spaceAvatar(s)}<span>${s.name}</span></a>${s.status === 'current' ? '' : html` <span class="tag">${statusText(s)}</span>`}</td>
            <td class="subtle">${typeText(s)}</td><td>${audienceText(site, s, person)}</td>
            <td class="subtle">${count(pagesOf(site, s, person, COUNTED_PAGES).length, 'page')}</td></tr>`,
        )}
      </tbody></table></div>
      ${last > 0 ? html`<p class="pager"><a href="/wiki/spaces?${more.toString()}">Next</a></p>` : ''}</div>`,
  });
}

/** One page of the directory. `last` is the id to continue after, or 0 at the end. */
function visibleSpaces({ site }: Deps, person: Person | undefined, filter: DirectoryFilter, after: number) {
  const { state } = site.confluence;
  const text = filter.query.toLowerCase();
  const found: Space[] = [];
  let total = 0;
  let hasMore = false;
  for (const space of state.spaces) {
    if (space.status !== filter.status || space.status === 'trashed') continue;
    if (filter.type !== '' && space.type !== filter.type) continue;
    if (text !== '' && !space.name.toLowerCase().includes(text)) continue;
    if (!maySee(state, callerOf(person), space)) continue;
    total += 1;
    if (space.id <= after) continue;
    if (found.length < PAGE_SIZE) found.push(space);
    else hasMore = true;
  }
  return { found, total, last: hasMore ? (found.at(-1)?.id ?? 0) : 0 };
}

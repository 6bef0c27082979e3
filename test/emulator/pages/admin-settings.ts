/** Confluence's settings, for administrators: people, groups, all spaces, trash, and the app's own pages. */
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { mayDo } from '../confluence/access';
import type { Person, Space } from '../confluence/state';
import { titleOf } from '../forge/manifest';
import { personAvatar, spaceAvatar } from './avatar';
import { appPages, type Deps, frame, type Html, notPermitted, show } from './document';
import { callerOf, sessionPerson } from './visitor';
import { audienceText, count, dayText, lastChange, spaceUrl, standingOf, statusText, typeText } from './words';

const PAGE_SIZE = 50;
const ADMINS_ONLY = 'This page is for Confluence administrators.';

export function adminSettings(deps: Deps): Hono {
  const { site, journal } = deps;
  const { state } = site.confluence;
  const app = new Hono();

  const settingsPage = (path: string, title: string, body: (admin: Person, from: number, c: Context) => Html): void => {
    app.get(path, (c) => {
      const person = sessionPerson(site, c);
      if (!person || !state.isAdmin(person)) return notPermitted(deps, c, ADMINS_ONLY);
      const from = Math.max(0, Math.floor(Number(c.req.query('from') ?? 0)) || 0);
      return show(deps, c, {
        title,
        around: 'settings',
        body: html`<div class="column wide"><h1>${title}</h1>${body(person, from, c)}</div>`,
      });
    });
  };

  settingsPage('/wiki/settings/people', 'People', (_admin, from, c) => {
    const people = [...state.people.values()];
    return html`<p class="subtle">${count(people.length, 'person', 'people')}</p>
      <div class="table-box"><table><thead><tr><th>Name</th><th>Status</th><th>Groups</th></tr></thead><tbody>${people
        .slice(from, from + PAGE_SIZE)
        .map(
          (p) =>
            html`<tr><td><span class="space-link">${personAvatar(p)}<span>${p.displayName}</span></span></td><td class="subtle">${standingOf(site, p)}</td>
            <td class="subtle">${[...p.groups].map((id) => state.groups.get(id)?.name ?? id).join(', ')}</td></tr>`,
        )}</tbody></table></div>${pager(c, from, people.length)}`;
  });
  settingsPage(
    '/wiki/settings/groups',
    'Groups',
    () =>
      html`<div class="table-box"><table><thead><tr><th>Group</th><th>Members</th><th>Access</th></tr></thead><tbody>${[
        ...state.groups.values(),
      ].map(
        (g) =>
          html`<tr><td>${g.name}</td><td class="subtle">${count(g.members.size, 'member')}</td><td class="subtle">${
            g.access === 'admin' ? 'Administers Confluence' : g.access === 'user' ? 'Uses Confluence' : 'No access by itself'
          }</td></tr>`,
      )}</tbody></table></div>`,
  );

  const spacesPage = (path: string, title: string, isTrash: boolean): void =>
    settingsPage(path, title, (admin, from, c) => {
      const spaces = state.spaces.filter((s) => (s.status === 'trashed') === isTrash);
      if (spaces.length === 0) return html`<p class="subtle">There are no spaces here.</p>`;
      return html`<p class="subtle">${count(spaces.length, 'space')}</p>
        <form method="post" class="table-box"><table><thead><tr><th>Space</th><th>Type</th><th>Status</th><th>Who can see it</th><th>Last change</th><th><span class="hidden-text">Actions</span></th></tr></thead><tbody>${spaces
          .slice(from, from + PAGE_SIZE)
          .map(
            (s) => html`<tr><td><a class="space-link" href="${spaceUrl(s)}">${spaceAvatar(s)}<span>${s.name}</span></a></td>
            <td class="subtle">${typeText(s)}</td><td class="subtle">${statusText(s)}</td><td class="subtle">${audienceText(site, s, admin)}</td>
            <td class="subtle">${dayText(lastChange(site, s), site.clock.now())}</td><td>${actionsOn(deps, admin, s)}</td></tr>`,
          )}</tbody></table></form>${pager(c, from, spaces.length)}`;
    });
  spacesPage('/wiki/settings/spaces', 'All spaces', false);
  spacesPage('/wiki/settings/trash', 'Trash', true);

  // The rest of the path belongs to the app, which sets it with `createHistory`.
  app.get('/wiki/apps/:module/:path{.*}?', (c) => {
    const person = sessionPerson(site, c);
    const module = appPages(site, person).find((m) => m.key === c.req.param('module'));
    const isSettings = module?.type === 'confluence:globalSettings';
    // Confluence shows global settings only to its administrators. What resolvers refuse is up to the app.
    if (!module || (isSettings && !(person && state.isAdmin(person)))) return notPermitted(deps, c, ADMINS_ONLY);
    if (person) journal.note(person.accountId, `opened ${module.key}`);
    return show(deps, c, {
      title: titleOf(site.platform.manifest, module.title, person?.locale),
      around: isSettings ? 'settings' : 'confluence',
      body: frame(site, module, person, 'app-frame'),
    });
  });
  return app;
}

/** Only what this administrator is allowed to do: administering Confluence gives no access to spaces. */
function actionsOn({ site }: Deps, admin: Person, space: Space): Html {
  if (!mayDo(site.confluence.state, callerOf(admin), space, 'administer/space')) return html``;
  const action = `/wiki/spaces/${encodeURIComponent(space.key)}/status`;
  const button = (status: string, label: string): Html =>
    html`<button class="button" formaction="${action}" name="status" value="${status}" aria-label="${label} ${space.name}">${label}</button>`;
  if (space.status !== 'current') return button('current', 'Restore');
  return html`<span class="row">${button('archived', 'Archive')}${button('trashed', 'Delete')}</span>`;
}

function pager(c: Context, from: number, total: number): Html {
  const { pathname } = new URL(c.req.url);
  return html`<p class="pager">${from > 0 ? html`<a href="${pathname}?from=${Math.max(0, from - PAGE_SIZE)}">Previous</a>` : ''}
    ${from + PAGE_SIZE < total ? html`<a href="${pathname}?from=${from + PAGE_SIZE}">Next</a>` : ''}</p>`;
}

/** What Confluence shows around a page: the top bar, the sidebar with the page tree, and the settings sidebar. */
import { html } from 'hono/html';
import { mayDo, maySee, maySeeContent } from '../confluence/access';
import type { Content, Person, Space } from '../confluence/state';
import { titleOf, type UiModule, type UiType } from '../forge/manifest';
import type { LocalSite } from '../site';
import { personAvatar, spaceAvatar } from './avatar';
import { type IconName, icon } from './icons';
import { bellPanel } from './strip';
import { callerOf } from './visitor';
import { contentUrl, spaceOf, spaceUrl, standingOf } from './words';

type Html = ReturnType<typeof html>;
type ShownModule = UiModule & { type: UiType };

/** How many team spaces the sidebar lists, and how many pages of the current space. */
const SIDEBAR_SPACES = 6;
const SIDEBAR_PAGES = 20;

export interface Place {
  path: string;
  spaceKey: string | undefined;
  contentId: string | undefined;
}

export function topBar(site: LocalSite, person: Person, spaceKey: string | undefined): Html {
  const { state } = site.confluence;
  const createUrl = spaceKey === undefined ? '/wiki/create' : `/wiki/create?space=${encodeURIComponent(spaceKey)}`;
  return html`<header class="top-bar">
    <button type="button" class="icon-button" id="sidebar-toggle" aria-controls="sidebar" aria-expanded="true" aria-label="Sidebar">${icon('sidebar')}</button>
    <a class="brand" href="/wiki"><span class="mark">${icon('spaces')}</span><span class="brand-name">Confluence</span></a>
    <div class="top-middle">
      <form action="/wiki/search" role="search" class="search-field">${icon('search')}<input type="search" name="q" aria-label="Search" placeholder="Search" /></form>
      ${mayWriteAnywhere(site, person) ? html`<a class="button primary" href="${createUrl}">${icon('plus')}<span class="create-label">Create</span></a>` : ''}
    </div>
    <button type="button" class="icon-button" popovertarget="bell-panel" aria-label="Notifications">${icon('bell')}</button>
    ${state.isAdmin(person) ? html`<a class="icon-button" href="/wiki/settings/people" aria-label="Settings">${icon('gear')}</a>` : ''}
    <button type="button" class="icon-button" popovertarget="profile-panel">${personAvatar(person)}<span class="hidden-text">Your profile: ${person.displayName}</span></button>
  </header>
  ${bellPanel(site, person)}
  <section id="profile-panel" class="panel panel-small" popover role="dialog" aria-label="Your profile">
    <p class="profile">${personAvatar(person, 'large')}<span><b>${person.displayName}</b><br /><span class="small subtle">${standingOf(site, person)}</span></span></p>
    <form method="post" action="/wiki/signout"><button class="button">Sign out</button></form>
  </section>`;
}

/** The first spaces in which the person can add a page, for a list to choose from. */
export function writableSpaces(site: LocalSite, person: Person, limit: number): Space[] {
  const { state } = site.confluence;
  const own = spaceOf(site, person);
  const found: Space[] = [];
  for (const space of [...state.spacesOf('global', 'current'), ...(own?.status === 'current' ? [own] : [])]) {
    if (found.length === limit) break;
    if (mayDo(state, callerOf(person), space, 'create/page')) found.push(space);
  }
  return found;
}

const mayWriteAnywhere = (site: LocalSite, person: Person): boolean => writableSpaces(site, person, 1).length > 0;

function navLink(href: string, isCurrent: boolean, before: Html | ReturnType<typeof icon>, label: string, className = ''): Html {
  return html`<li><a class="nav-link ${className}" href="${href}" ${isCurrent ? html`aria-current="page"` : ''}>${before}<span>${label}</span></a></li>`;
}

export function sidebar(site: LocalSite, person: Person, place: Place, apps: readonly ShownModule[]): Html {
  const pages = apps.filter((m) => m.type === 'confluence:globalPage');
  return html`<nav id="sidebar" class="sidebar" aria-label="Confluence"><ul>
    ${navLink('/wiki', place.path === '/wiki', icon('home'), 'For you')}
    ${navLink('/wiki/recent', place.path === '/wiki/recent', icon('clock'), 'Recent')}
    ${navLink('/wiki/spaces', place.path === '/wiki/spaces', icon('spaces'), 'Spaces')}
    ${sidebarSpaces(site, person, place).map((space) => spaceEntry(site, person, space, place))}
    ${navLink('/wiki/spaces', false, html``, 'View all spaces', 'nav-second subtle')}
  </ul>
  ${
    pages.length === 0
      ? ''
      : html`<hr /><h2 class="nav-heading">${icon('apps')} Apps</h2><ul>${pages.map((m) =>
          navLink(
            `/wiki/apps/${m.key}`,
            place.path === `/wiki/apps/${m.key}`,
            icon('app'),
            titleOf(site.platform.manifest, m.title, person.locale),
            'nav-second',
          ),
        )}</ul>`
  }</nav>`;
}

function sidebarSpaces(site: LocalSite, person: Person, place: Place): Space[] {
  const { state } = site.confluence;
  const own = spaceOf(site, person);
  const here = place.spaceKey === undefined ? undefined : state.spacesByKey.get(place.spaceKey);
  const team: Space[] = [];
  for (const space of state.spacesOf('global', 'current')) {
    if (team.length === SIDEBAR_SPACES) break;
    if (maySee(state, callerOf(person), space)) team.push(space);
  }
  return [...new Set([...team, ...(own?.status === 'current' ? [own] : []), ...(here ? [here] : [])])];
}

function spaceEntry(site: LocalSite, person: Person, space: Space, place: Place): Html {
  const isHere = space.key === place.spaceKey;
  const home = space.homepageId === null ? undefined : site.confluence.state.content.get(space.homepageId);
  const isHomeNamed = home !== undefined && home.title !== space.name;
  const isCurrent = isHere && !isHomeNamed && place.contentId === String(space.homepageId);
  const pages = isHere ? pagesOf(site, space, person, SIDEBAR_PAGES).filter((p) => isHomeNamed || p.id !== home?.id) : [];
  return html`${navLink(spaceUrl(space), isCurrent, spaceAvatar(space, 'small'), space.name, 'nav-second')}
    ${pages.map((p) => navLink(p.id === home?.id ? spaceUrl(space) : contentUrl(space, p), place.contentId === String(p.id), icon('page'), p.title, 'nav-third'))}`;
}

export function pagesOf(site: LocalSite, space: Space, person: Person | undefined, limit: number): Content[] {
  const { state } = site.confluence;
  return (state.contentBySpace.get(space.id) ?? [])
    .filter((i) => i.type === 'page' && i.status === 'current' && maySeeContent(state, callerOf(person), i))
    .slice(0, limit);
}

const SETTINGS: readonly { heading: string; links: readonly [path: string, icon: IconName, label: string][] }[] = [
  {
    heading: 'Users and security',
    links: [
      ['/wiki/settings/people', 'person', 'People'],
      ['/wiki/settings/groups', 'people', 'Groups'],
    ],
  },
  {
    heading: 'Spaces',
    links: [
      ['/wiki/settings/spaces', 'spaces', 'All spaces'],
      ['/wiki/settings/trash', 'trash', 'Trash'],
    ],
  },
];

export function settingsSidebar(site: LocalSite, person: Person, place: Place): Html {
  const apps = site.visibleModules(person.accountId).filter((m) => m.type === 'confluence:globalSettings');
  return html`<nav id="sidebar" class="sidebar" aria-label="Settings">
    <ul>${navLink('/wiki', false, icon('back'), 'Back to Confluence')}</ul>
    <p class="sidebar-title">Settings</p>
    ${SETTINGS.map(
      ({ heading, links }) =>
        html`<h2 class="nav-heading small">${heading}</h2><ul>${links.map(([path, name, label]) => navLink(path, place.path === path, icon(name), label))}</ul>`,
    )}
    ${
      apps.length === 0
        ? ''
        : html`<h2 class="nav-heading small">Apps</h2><ul>${apps.map((m) =>
            navLink(
              `/wiki/apps/${m.key}`,
              place.path === `/wiki/apps/${m.key}`,
              icon('app'),
              titleOf(site.platform.manifest, m.title, person.locale),
            ),
          )}</ul>`
    }</nav>`;
}

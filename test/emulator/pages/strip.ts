/** The purple strip above everything holds what is not Confluence: the clock, what to try, mail, switching person, light or dark. */
import { html } from 'hono/html';
import type { Person } from '../confluence/state';
import type { LocalSite } from '../site';
import { personAvatar } from './avatar';
import { type IconName, icon } from './icons';
import type { Journal } from './journal';
import { type Mention, mentionsOf } from './mentions';
import { rolesOf, type Step } from './what-to-try';
import { contentUrl, count, standingOf, timeText } from './words';

type Html = ReturnType<typeof html>;

/** How many people the panel suggests before anyone types. */
const SUGGESTIONS = 4;

const STEPS_OF_CLOCK = [
  ['PT1H', '+1 hour'],
  ['P1D', '+1 day'],
  ['P30D', '+30 days'],
] as const;

export interface StripInput {
  site: LocalSite;
  journal: Journal;
  person: Person | undefined;
  mode: 'light' | 'dark';
}

export function strip({ site, journal, person, mode }: StripInput): Html {
  const mail = person ? mentionsOf(site, person) : [];
  const now = site.clock.now();
  return html`<div class="strip" role="region" aria-label="Local site">
    <a class="strip-name" href="/wiki/first-page">${icon('flask')} Local site</a>
    <span class="strip-clock">${icon('clock')} <time id="site-clock" datetime="${new Date(now).toISOString()}">${timeText(now)}</time></span>
    <div class="strip-wide">${clockForm()}</div>
    <span id="clock-said" class="hidden-text" role="status"></span>
    <div class="strip-wide strip-actions">${actions(person, mail, mode)}</div>
    <button type="button" class="strip-button strip-narrow" popovertarget="strip-menu">${icon('menu')} Menu</button>
    <div id="strip-menu" class="panel strip-menu" popover aria-label="Local site" role="dialog">${clockForm()}${actions(person, mail, mode)}</div>
  </div>
  ${person ? html`${tryPanel(site, journal, person)}${mailPanel(mail)}${switchPanel(site, journal, person)}` : ''}`;
}

function clockForm(): Html {
  return html`<form method="post" action="/wiki/clock" class="clock-form" aria-label="Move the clock">${STEPS_OF_CLOCK.map(
    ([advance, label]) => html`<button class="strip-button" name="advance" value="${advance}">${label}</button>`,
  )}</form>`;
}

function actions(person: Person | undefined, mail: readonly Mention[], mode: 'light' | 'dark'): Html {
  const panel = (id: string, name: IconName, label: string): Html =>
    html`<button type="button" class="strip-button" popovertarget="${id}">${icon(name)} ${label}</button>`;
  return html`${
    person
      ? html`${panel('try-panel', 'bulb', 'What to try')}
        ${panel('mail-panel', 'mail', mail.length === 0 ? 'Mail' : `Mail (${mail.length})`)}
        ${panel('switch-panel', 'person', 'Switch person')}`
      : ''
  }
  <form method="post" action="/wiki/color-mode"><button class="strip-button">${icon('contrast')} ${mode === 'dark' ? 'Light' : 'Dark'}</button></form>`;
}

function tryPanel(site: LocalSite, journal: Journal, person: Person): Html {
  const roles = rolesOf(site, journal);
  const mine = roles.findIndex((role) => role.person.accountId === person.accountId);
  const role = roles[mine];
  const next = roles[(mine + 1) % roles.length];
  return html`<section id="try-panel" class="panel" popover role="dialog" aria-labelledby="try-title">
    <h2 id="try-title">What to try</h2>
    ${
      role
        ? html`<p class="subtle">You are ${person.displayName}, ${role.heading.charAt(0).toLowerCase()}${role.heading.slice(1)}.</p>
          <ul class="steps">${[...role.steps, ...role.later].map(stepItem)}</ul>`
        : html`<p class="subtle">You are ${person.displayName}. The first page suggests people and what to do as them.</p>`
    }
    <div class="panel-foot"><a href="/wiki/first-page">First page</a>
      ${next && next !== role ? beForm(next.person, `Be ${next.person.publicName}`, 'link-button') : ''}</div>
  </section>`;
}

function stepItem(step: Step): Html {
  return html`<li class="${step.isDone ? 'done' : ''}">${icon(step.isDone ? 'done' : 'open')}<span>${step.text}${
    step.isDone ? html` <span class="hidden-text">(done)</span>` : ''
  }</span></li>`;
}

/** Confluence emails the person who is mentioned; the local site only shows the mail. */
function mailPanel(mail: readonly Mention[]): Html {
  return html`<section id="mail-panel" class="panel" popover role="dialog" aria-labelledby="mail-title">
    <h2 id="mail-title">Mail that Confluence would have sent you</h2>
    ${mail.length === 0 ? html`<p class="subtle">None yet.</p>` : ''}
    <ul class="plain">${mail.map(
      ({ item, at, by }) =>
        html`<li class="mail">${icon('mail')}<span><b>${by} mentioned you on “${item.title}”</b></span><time class="small subtle">${timeText(at)}</time></li>`,
    )}</ul>
    <p class="small subtle">Nothing leaves this computer.</p>
  </section>`;
}

function switchPanel(site: LocalSite, journal: Journal, person: Person): Html {
  const { people } = site.confluence.state;
  const suggested = new Map(rolesOf(site, journal).map((role) => [role.person.accountId, role.person]));
  for (const other of people.values()) {
    if (suggested.size > SUGGESTIONS) break;
    if (other.isGuest || other.accountStatus !== 'active') suggested.set(other.accountId, other);
  }
  suggested.delete(person.accountId);
  return html`<section id="switch-panel" class="panel" popover role="dialog" aria-labelledby="switch-title">
    <h2 id="switch-title">Switch person</h2>
    <form action="/wiki/signin" class="search-field" role="search">${icon('search')}<input name="q" autocomplete="off"
      aria-label="Name or account ID" placeholder="Name or account ID" data-live-search="switch-list" /></form>
    <form method="post" action="/wiki/signin"><ul id="switch-list" class="plain people-list" aria-live="polite">${[...suggested.values()]
      .slice(0, SUGGESTIONS)
      .map((other) => personRow(site, other))}</ul></form>
    <div class="panel-foot"><a href="/wiki/signin">All ${count(people.size, 'person', 'people')}</a></div>
  </section>`;
}

/** A person with a button to sign in as them, for use in a form that posts to the sign-in page. */
export function personRow(site: LocalSite, person: Person): Html {
  return html`<li>${personAvatar(person)}<span class="grow"><span class="name">${person.displayName}</span><span class="small subtle">${standingOf(site, person)}</span></span>
    <button class="button" name="accountId" value="${person.accountId}" aria-label="Be ${person.displayName}">Be</button></li>`;
}

export function beForm(person: Person, label: string, className: string): Html {
  return html`<form method="post" action="/wiki/be"><button class="${className}" name="accountId" value="${person.accountId}">${label}</button></form>`;
}

/** The panel behind the bell. */
export function bellPanel(site: LocalSite, person: Person): Html {
  const mentions = mentionsOf(site, person);
  return html`<section id="bell-panel" class="panel" popover role="dialog" aria-labelledby="bell-title">
    <h2 id="bell-title">Notifications</h2>
    ${mentions.length === 0 ? html`<p class="subtle">Nobody has mentioned you yet.</p>` : ''}
    <ul class="plain">${mentions.map(({ item, at, by }) => {
      const space = site.confluence.state.spacesById.get(item.spaceId);
      return html`<li class="mail">${icon('person')}<span><b>${by}</b> mentioned you on ${
        space ? html`<a href="${contentUrl(space, item)}">${item.title}</a>` : item.title
      }</span><time class="small subtle">${timeText(at)}</time></li>`;
    })}</ul>
  </section>`;
}

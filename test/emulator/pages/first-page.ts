/** The first page of the local site, before Confluence itself: three people to sign in as, with one click each. */
import { type Context, Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { z } from 'zod';
import { view } from '../confluence/activity';
import type { Content, Person, Space } from '../confluence/state';
import { personAvatar } from './avatar';
import { type Deps, type Html, notFound, show } from './document';
import { icon } from './icons';
import { SESSION_COOKIE } from './visitor';
import { ADMIN, NEWCOMER, OLD_HAND, type Role, rolesOf } from './what-to-try';
import { contentUrl, count } from './words';

const PolicyAnswer = z.object({
  result: z.object({
    ok: z.literal(true),
    data: z.object({ version: z.number(), policy: z.looseObject({ everyoneElse: z.looseObject({}) }) }),
  }),
});

/** The app's policy, or null if there is no answer. Version 0 is the default, which no one has saved and which is off. */
async function policyOf({ site }: Deps) {
  if (!site.isAppInstalled) return null;
  const answer = PolicyAnswer.safeParse(await site.invoke({ module: 'admin', functionKey: 'policy.get', payload: {}, accountId: ADMIN }));
  return answer.success ? answer.data.result.data : null;
}

/** Saves the default policy with automatic creation, as the administrator would do on the admin page. */
async function switchOn({ site, journal }: Deps): Promise<void> {
  const state = await policyOf({ site, journal });
  if (state?.version !== 0) return;
  const policy = { ...state.policy, everyoneElse: { ...state.policy.everyoneElse, mode: 'auto' } };
  await site.invoke({ module: 'admin', functionKey: 'policy.save', payload: { policy, baseVersion: 0 }, accountId: ADMIN });
  journal.note(ADMIN, 'called admin.policy.save');
}

/** Where each suggested person starts. The newcomer's page is viewed first, so that the app hears of it. */
function landing({ site }: Deps, person: Person): string {
  if (person.accountId === ADMIN) return '/wiki/apps/admin';
  if (person.accountId === OLD_HAND) return '/wiki/apps/my-space';
  const welcome = person.accountId === NEWCOMER ? welcomePage(site) : undefined;
  if (!welcome) return '/wiki';
  view(site.confluence, person, welcome.item);
  return contentUrl(welcome.space, welcome.item);
}

function welcomePage(site: Deps['site']): { space: Space; item: Content } | undefined {
  const { state } = site.confluence;
  const space = state.spacesByKey.get('HELLO');
  const item = space && state.contentBySpace.get(space.id)?.find((i) => i.title === 'Welcome');
  return space && item ? { space, item } : undefined;
}

export async function showFirstPage(deps: Deps, c: Context) {
  const { site, journal } = deps;
  const policy = await policyOf(deps);
  const isOff = policy?.version === 0;
  const { people, spaces } = site.status();
  const personal = spaces.personal.current + spaces.personal.archived + spaces.personal.trashed;
  const stateText = !site.isAppInstalled
    ? 'Homestead is not installed.'
    : isOff
      ? 'Homestead is off until someone switches it on.'
      : 'Homestead is on.';
  return show(deps, c, {
    title: 'Local site',
    around: 'nothing',
    body: html`<div class="first-page">
      <h1>${site.isAppInstalled ? 'Your own Confluence, with Homestead installed' : 'Your own Confluence'}</h1>
      <p class="lead">The people, the pages and the clock are made up and live only on this computer. ${
        site.isAppInstalled ? 'Homestead itself is real.' : ''
      } Who do you want to be?</p>
      <div class="cards">${rolesOf(site, journal).map((role) => card(role, isOff))}</div>
      <div class="first-foot"><p class="subtle">${count(people, 'person', 'people')}, ${count(personal, 'personal space')}${
        personal > 1 ? ' in every state' : ''
      }, ${count(spaces.global, 'team space')}. ${stateText}</p>
        <form action="/wiki/signin" class="search-field" role="search">${icon('search')}<input type="search" name="q" aria-label="Be anyone else" placeholder="Be anyone else" /></form>
      </div></div>`,
  });
}

function card({ person, heading, sentence, steps }: Role, isOff: boolean): Html {
  const isAdmin = person.accountId === ADMIN;
  const label = isOff && !isAdmin ? `Switch Homestead on and be ${person.publicName}` : `Be ${person.publicName}`;
  return html`<section class="card">
    <div class="card-head">${personAvatar(person, 'large')}<div><h2>${heading}</h2><p class="subtle">${person.displayName}</p></div></div>
    <p>${sentence}</p>
    <h3>What to try</h3><ol>${steps.map((step) => html`<li>${step.text}</li>`)}</ol>
    <form method="post" action="/wiki/be">${isOff && !isAdmin ? html`<input type="hidden" name="switchOn" value="yes" />` : ''}
      <button class="button primary" name="accountId" value="${person.accountId}">${label}</button></form>
  </section>`;
}

export function firstPage(deps: Deps): Hono {
  const app = new Hono();
  app.get('/wiki/first-page', (c) => showFirstPage(deps, c));
  app.post('/wiki/be', async (c) => {
    const form = await c.req.parseBody();
    const person = deps.site.confluence.state.people.get(String(form.accountId));
    if (!person) return notFound(deps, c);
    if (form.switchOn === 'yes') await switchOn(deps);
    setCookie(c, SESSION_COOKIE, person.accountId, { path: '/', httpOnly: true, sameSite: 'Lax' });
    return c.redirect(landing(deps, person), 303);
  });
  return app;
}

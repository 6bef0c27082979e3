/** The three sites that `--seed` offers. Everything is made up; ids are derived from numbers, so that they are the same in every run. */
import { createHash } from 'node:crypto';
import type { ConfluenceSite } from './site';
import { type Content, type Group, openGrants, type Person, personalSpaceKey, privateGrants, type Space, type SpaceStatus } from './state';

export const USERS_GROUP = 'confluence-users-example';
export const ADMINS_GROUP = 'confluence-admins-example';
const DAY = 86_400_000;

/** A stable account id for the n-th person. */
export function accountIdOf(n: number): string {
  const h = createHash('sha256').update(`person ${n}`).digest('hex');
  return `712020:${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

export const ADMIN_ACCOUNT_ID = accountIdOf(0);

function groupId(name: string): string {
  const h = createHash('sha256').update(name).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

function addGroup(site: ConfluenceSite, name: string, access: Group['access']): void {
  site.state.addGroup({ id: groupId(name), name, access });
}

function addPerson(
  site: ConfluenceSite,
  n: number,
  displayName: string,
  changes: Partial<Omit<Person, 'groups'>> & { groups?: string[] } = {},
): Person {
  const first = displayName.split(' ')[0] as string;
  return site.state.addPerson({
    accountId: accountIdOf(n),
    displayName,
    publicName: first,
    email: `${displayName.toLowerCase().replace(/[^a-z]+/g, '.')}${n}@example.com`,
    accountStatus: 'active',
    accountType: 'atlassian',
    isGuest: false,
    locale: 'en_US',
    groups: [USERS_GROUP],
    ...changes,
  });
}

function addAdmin(site: ConfluenceSite): Person {
  return addPerson(site, 0, 'Ada Admin', { groups: [USERS_GROUP, ADMINS_GROUP] });
}

function addBasics(site: ConfluenceSite): Person {
  addGroup(site, USERS_GROUP, 'user');
  addGroup(site, ADMINS_GROUP, 'admin');
  return addAdmin(site);
}

function addGlobalSpace(site: ConfluenceSite, author: Person, key: string, name: string, pages: [title: string, body: string][]): Space {
  const at = site.clock.now() - 400 * DAY;
  const space = site.state.addSpace({
    key,
    name,
    type: 'global',
    status: 'current',
    authorId: author.accountId,
    ownerId: author.accountId,
    createdAt: at,
    description: '',
    grants: openGrants(author.accountId),
    homeTitle: name,
    homeBody: `<p>This is the home of ${name}.</p>`,
  });
  for (const [title, body] of pages) {
    site.state.addContent({ type: 'page', title, spaceId: space.id, parentId: space.homepageId, authorId: author.accountId, body, at });
  }
  return space;
}

interface PersonalSpaceSeed {
  owner: Person;
  status?: SpaceStatus;
  access: 'private' | 'licensed';
  createdAt: number;
  homeBody?: string;
}

export function addPersonalSpace(site: ConfluenceSite, seed: PersonalSpaceSeed): Space {
  const { owner } = seed;
  return site.state.addSpace({
    key: personalSpaceKey(owner.accountId),
    name: owner.displayName,
    type: 'personal',
    status: seed.status ?? 'current',
    authorId: owner.accountId,
    ownerId: owner.accountId,
    createdAt: seed.createdAt,
    description: '',
    grants: seed.access === 'private' ? privateGrants(owner.accountId) : openGrants(owner.accountId),
    homeTitle: 'Overview',
    homeBody: seed.homeBody ?? '<p>Welcome to your personal space.</p>',
  });
}

export function addPage(site: ConfluenceSite, space: Space, page: { title: string; at: number; authorId: string; body?: string }): Content {
  return site.state.addContent({
    type: 'page',
    title: page.title,
    spaceId: space.id,
    parentId: space.homepageId,
    authorId: page.authorId,
    body: page.body ?? '<p>Notes.</p>',
    at: page.at,
  });
}

const TEMPLATES = [
  {
    id: '425985',
    name: 'Personal space home',
    description: 'A warm start: who I am, what I work on, how to reach me',
    body: `<at:declarations><at:string at:name="name" /><at:string at:name="date" /><at:string at:name="role" /></at:declarations>
<h2>Hello, I am <at:var at:name="name" /></h2>
<p>This space was set up on <at:var at:name="date" />.</p>
<ac:structured-macro ac:name="info"><ac:rich-text-body><p>Only you can see this space until you share it.</p></ac:rich-text-body></ac:structured-macro>
<h3>What I work on</h3><ul><li><ac:placeholder>Add your current work</ac:placeholder></li></ul>
<h3>My role</h3><p><at:var at:name="role" /></p>
<h3>How to reach me</h3><p>&nbsp;</p>`,
  },
  {
    id: '425989',
    name: 'New joiner checklist',
    description: 'First week, first month, people to meet',
    body: `<at:declarations><at:string at:name="userFullName" /></at:declarations>
<h2>Welcome, <at:var at:name="userFullName" /></h2>
<ac:task-list><ac:task><ac:task-status>incomplete</ac:task-status><ac:task-body>Meet your buddy</ac:task-body></ac:task></ac:task-list>
<table><tbody><tr><th>First week</th><th>First month</th></tr><tr><td>Set up your machine</td><td>Ship something small</td></tr></tbody></table>`,
  },
  { id: '425993', name: 'Broken template', description: 'Someone saved half of it', body: '<h2>Welcome <p>unclosed' },
];

function addTemplates(site: ConfluenceSite): void {
  for (const template of TEMPLATES) site.state.templates.set(template.id, { ...template, spaceKey: null });
}

export function seedEmpty(site: ConfluenceSite): void {
  addBasics(site);
  site.state.forgetPast();
}

const FIRST =
  'Ana Bo Chen Dara Elif Femi Grace Hugo Ines Jonas Kira Luis Mina Noor Omar Pia Quinn Rosa Sven Tala Uma Viktor Wen Ximena Yusuf Zoe'.split(
    ' ',
  );
const LAST = 'Ruiz Lind Wei Okafor Demir Novak Silva Berg Costa Meyer Haddad Sato Rossi Kaya Patel Jensen Moreau Varga Ito Cruz'.split(' ');

export function nameOf(n: number): string {
  return `${FIRST[n % FIRST.length]} ${LAST[(n * 7 + Math.floor(n / FIRST.length)) % LAST.length]}`;
}

const toPage = (title: string): string => `<ac:link><ri:page ri:content-title="${title}" /><ac:link-body>${title}</ac:link-body></ac:link>`;

const HANDBOOK: [title: string, body: string][] = [
  [
    'Welcome',
    `<p>Everything you need in your first weeks: who does what, how we write things down, and where to find the rest.</p>
<h2>Before your first day</h2><ul><li>Read ${toPage('How we write')}</li><li>Look at the ${toPage('Holiday calendar')}</li></ul>
<h2>In your first week</h2>
<p>Meet your buddy, set up your machine, and ask anything. Keep your own notes in your personal space.</p>`,
  ],
  [
    'Holiday calendar',
    `<p>The offices are closed on these days. Everything else is a working day unless your team agrees otherwise.</p>
<table><tbody><tr><th>Office</th><th>Closed</th></tr><tr><td>Lisbon</td><td>April 25, June 10, December 25</td></tr>
<tr><td>Oslo</td><td>May 1, May 17, December 25</td></tr></tbody></table>`,
  ],
  [
    'How we write',
    `<p>Write for the person who reads it next year.</p>
<ul><li>Say what was decided, and why, in the first paragraph.</li><li>One page, one subject.</li><li>Link to a page instead of copying it.</li></ul>`,
  ],
  [
    'Travel',
    `<p>Book trains before planes, and book early.</p>
<h2>Getting your money back</h2><p>Keep every receipt and hand them in within 30 days.</p>`,
  ],
];

const PLATFORM_TEAM: [title: string, body: string][] = [
  ['Services we run', '<p>Builds, deployments, and the data store. Each has an owner and a page of its own.</p>'],
  ['How to ask us for help', '<p>Write in the team channel. If something is down, use the on-call guide instead.</p>'],
  ['Decisions', '<p>One line for each decision, newest first.</p>'],
];

/** The person whose space has not changed in a long time. The first page of the local site introduces them. */
const OLD_SPACE_OWNER = 4;
const MONTH = 30.44 * DAY;

/** Created 26 months ago, last changed 14 months ago. */
function seedOldSpace(site: ConfluenceSite, owner: Person, now: number): void {
  const space = addPersonalSpace(site, {
    owner,
    access: 'licensed',
    createdAt: now - 26 * MONTH,
    homeBody: `<p>I am ${owner.displayName}. Ask me anything.</p>`,
  });
  addPage(site, space, { title: 'Meeting notes', at: now - 18 * MONTH, authorId: owner.accountId });
  addPage(site, space, { title: 'Offsite ideas', at: now - 14 * MONTH, authorId: owner.accountId });
}

/**
 * A small company of `people` people. About half have a personal space: in use, idle for months, untouched
 * since the day Confluence created it, private, archived, in the trash, or left behind by someone who has gone.
 */
export function seedDemo(site: ConfluenceSite, people: number): void {
  const now = site.clock.now();
  addGroup(site, 'engineering', 'none');
  addGroup(site, 'sales', 'none');
  addGroup(site, 'contractors', 'none');
  const admin = addBasics(site);
  addTemplates(site);
  const handbook = addGlobalSpace(site, admin, 'HELLO', 'Company handbook', HANDBOOK);
  addGlobalSpace(site, admin, 'ENG', 'Engineering', [['On-call guide', '<p>Who to wake, and when not to.</p>']]);
  addGlobalSpace(site, admin, 'PLAT', 'Platform team', PLATFORM_TEAM);
  site.state.addContent({
    type: 'blogpost',
    title: 'We moved floors',
    spaceId: handbook.id,
    parentId: null,
    authorId: admin.accountId,
    body: '<p>Third floor now.</p>',
    at: now - 20 * DAY,
  });
  const homes = ['engineering', 'sales', 'contractors'];
  for (let n = 1; n < people; n += 1) {
    const isGuest = n % 23 === 0;
    const groups = isGuest ? [] : [USERS_GROUP, homes[n % homes.length] as string];
    const person = addPerson(site, n, nameOf(n), {
      groups,
      isGuest,
      accountStatus: n % 17 === 0 ? 'inactive' : n % 41 === 0 ? 'closed' : 'active',
      locale: n % 10 === 3 ? 'es_ES' : 'en_US',
    });
    if (isGuest || n % 2 === 1) continue;
    if (n === OLD_SPACE_OWNER) seedOldSpace(site, person, now);
    else seedDemoSpace(site, person, n, now);
  }
  site.state.forgetPast();
}

function seedDemoSpace(site: ConfluenceSite, person: Person, n: number, now: number): void {
  const age = (60 + ((n * 37) % 700)) * DAY;
  const status: SpaceStatus = n % 14 === 0 ? 'archived' : n % 38 === 0 ? 'trashed' : 'current';
  const space = addPersonalSpace(site, { owner: person, status, access: n % 10 === 0 ? 'private' : 'licensed', createdAt: now - age });
  const isUntouched = n % 6 === 0;
  if (isUntouched) return;
  const pages = 1 + (n % 4);
  for (let p = 0; p < pages; p += 1) {
    const at = now - age + Math.floor(((p + 1) / (pages + 1)) * age * (n % 4 === 2 ? 1 : 0.4));
    addPage(site, space, { title: `Notes ${p + 1}`, at, authorId: person.accountId });
  }
  if (n % 8 === 4 && status === 'current') {
    const home = site.state.content.get(space.homepageId as number) as Content;
    const body = `<p>I am ${person.displayName}. Ask me anything.</p>`;
    site.state.addVersion(home, { authorId: person.accountId, at: now - (n % 50) * DAY, message: '', body });
  }
}

/** Uniform: the first `spaces` people own an open space, and `active` is the share of those changed in the last 30 days. */
export function seedScale(site: ConfluenceSite, options: { people: number; spaces: number; active: number }): void {
  const now = site.clock.now();
  const admin = addBasics(site);
  addTemplates(site);
  addGlobalSpace(site, admin, 'HELLO', 'Company handbook', [['Welcome', '<p>Start here.</p>']]);
  for (let n = 1; n < options.people; n += 1) {
    const person = addPerson(site, n, nameOf(n));
    if (n > options.spaces) continue;
    const space = addPersonalSpace(site, { owner: person, access: 'licensed', createdAt: now - 400 * DAY });
    const isActive = Math.floor(n * options.active) > Math.floor((n - 1) * options.active);
    if (isActive) addPage(site, space, { title: 'Notes', at: now - (1 + (n % 28)) * DAY, authorId: person.accountId });
  }
  if (options.spaces >= options.people) {
    addPersonalSpace(site, { owner: admin, access: 'licensed', createdAt: now - 400 * DAY });
  }
  site.state.forgetPast();
}

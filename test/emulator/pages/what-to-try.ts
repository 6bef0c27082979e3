/** The three people that the site suggests to newcomers, and what each of them can try in the app so far. */
import { html } from 'hono/html';
import { accountIdOf } from '../confluence/seed';
import { isOpen, type Person } from '../confluence/state';
import type { LocalSite } from '../site';
import type { Journal } from './journal';
import { agoText, lastChange, spaceOf } from './words';

type Html = ReturnType<typeof html>;

export const ADMIN = accountIdOf(0);
export const NEWCOMER = accountIdOf(1);
export const OLD_HAND = accountIdOf(4);

export interface Step {
  text: Html;
  isDone: boolean;
}

export interface Role {
  person: Person;
  /** Who the person is, as a heading: "An administrator". */
  heading: string;
  sentence: string;
  steps: readonly Step[];
  /** Steps that someone else takes; the first page leaves them out. */
  later: readonly Step[];
}

/** A space that has not changed for this long is called old. */
const OLD_MS = 180 * 86_400_000;

/** The suggested people who exist on this site. The empty seed has only the administrator. */
export function rolesOf(site: LocalSite, journal: Journal): Role[] {
  const { people } = site.confluence.state;
  return [ADMIN, NEWCOMER, OLD_HAND].flatMap((accountId) => {
    const person = people.get(accountId);
    return person ? [roleOf(site, journal, person)] : [];
  });
}

function roleOf(site: LocalSite, journal: Journal, person: Person): Role {
  if (person.accountId === ADMIN) return administrator(journal, person);
  return person.accountId === NEWCOMER ? newcomer(site, journal, person) : oldHand(site, journal, person);
}

function administrator(journal: Journal, person: Person): Role {
  const did = (call: string): boolean => journal.has(person.accountId, `called ${call}`);
  return {
    person,
    heading: 'An administrator',
    sentence: `${person.publicName} decides who gets a space, and archives those nobody uses.`,
    steps: [
      { text: html`Open <b>Settings</b>, <b>Homestead</b>, and switch it on.`, isDone: did('admin.policy.save') },
      { text: html`Simulate a policy: see who would get a space, and why.`, isDone: did('admin.people.simulate') },
      {
        text: html`Preview a cleanup, run it, and restore the spaces.`,
        isDone: did('admin.cleanup.start') && did('admin.runs.undo'),
      },
    ],
    later: [],
  };
}

function newcomer(site: LocalSite, journal: Journal, person: Person): Role {
  const { accountId, publicName } = person;
  const hasSpace = person.personalSpaceId !== null;
  return {
    person,
    heading: hasSpace ? 'An employee with a space' : 'An employee without a space',
    sentence: hasSpace ? `${publicName} has a personal space.` : `${publicName} opens a page, and a moment later has a personal space.`,
    steps: [
      { text: html`Open any page. A notice appears at the bottom left.`, isDone: site.confluence.state.lastVisit.has(accountId) },
      { text: html`Go to your space and look at what’s in it.`, isDone: journal.has(accountId, 'opened own space') },
      { text: html`Under <b>Apps</b>, <b>My personal space</b>: who can see it?`, isDone: journal.has(accountId, 'opened my-space') },
    ],
    later: [
      {
        text: html`As Ada: find ${publicName} under <b>Explain</b> and read why ${publicName} has a space.`,
        isDone: journal.has(ADMIN, 'called admin.people.explain'),
      },
    ],
  };
}

function oldHand(site: LocalSite, journal: Journal, person: Person): Role {
  const { accountId, publicName } = person;
  const now = site.confluence.clock.now();
  const space = spaceOf(site, person);
  const changedAt = space ? lastChange(site, space) : now;
  const isOld = now - changedAt > OLD_MS;
  return {
    person,
    heading: isOld ? 'An employee whose space is old' : space ? 'An employee with a space' : 'Another employee',
    sentence: isOld
      ? `${publicName} hasn’t changed anything for ${agoText(changedAt, now).replace(' ago', '')}. The space stays until someone archives it.`
      : `${publicName} has something to say about the space, too.`,
    steps: [
      { text: html`Find out who can see your space, and make it private.`, isDone: space !== undefined && !isOpen(space) },
      { text: html`See what Homestead stores about you.`, isDone: journal.has(accountId, 'called my-space.me.data') },
    ],
    later: [
      {
        text: html`As Ada: find ${publicName}’s space under <b>Cleanup</b> and archive it.`,
        isDone: space?.status === 'archived',
      },
    ],
  };
}

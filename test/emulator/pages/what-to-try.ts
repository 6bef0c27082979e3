/** The three people that the site suggests to newcomers, and what each of them can try with the app today. */
import { html } from 'hono/html';
import { accountIdOf } from '../confluence/seed';
import { isOpen, type Person } from '../confluence/state';
import type { LocalSite } from '../site';
import type { Deeds } from './deeds';
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
  /** What the person is, as a heading: "An administrator". */
  heading: string;
  sentence: string;
  steps: readonly Step[];
  /** Steps that someone else takes; the first page leaves them out. */
  later: readonly Step[];
}

/** A space without a change for this long is called old. */
const OLD_MS = 180 * 86_400_000;

/** The suggested people that this site has: the empty one has the administrator only. */
export function rolesOf(site: LocalSite, deeds: Deeds): Role[] {
  const { people } = site.confluence.state;
  return [ADMIN, NEWCOMER, OLD_HAND].flatMap((accountId) => {
    const person = people.get(accountId);
    return person ? [roleOf(site, deeds, person)] : [];
  });
}

function roleOf(site: LocalSite, deeds: Deeds, person: Person): Role {
  if (person.accountId === ADMIN) return administrator(deeds, person);
  return person.accountId === NEWCOMER ? newcomer(site, deeds, person) : oldHand(site, deeds, person);
}

function administrator(deeds: Deeds, person: Person): Role {
  const did = (call: string): boolean => deeds.has(person.accountId, `called ${call}`);
  return {
    person,
    heading: 'An administrator',
    sentence: `${person.publicName} decides who gets a space, and archives those nobody uses.`,
    steps: [
      { text: html`Open <b>Settings</b>, <b>Homestead</b>, and switch it on.`, isDone: did('admin.policy.save') },
      { text: html`Simulate a policy: see who would get a space, and why.`, isDone: did('admin.people.simulate') },
      {
        text: html`Preview a clean-up, run it, and restore the spaces.`,
        isDone: did('admin.cleanup.start') && did('admin.cleanup.restore'),
      },
    ],
    later: [],
  };
}

function newcomer(site: LocalSite, deeds: Deeds, person: Person): Role {
  const { accountId, publicName } = person;
  const hasSpace = person.personalSpaceId !== null;
  return {
    person,
    heading: hasSpace ? 'An employee with a space' : 'An employee without a space',
    sentence: hasSpace ? `${publicName} has a personal space.` : `${publicName} opens a page, and a moment later has a personal space.`,
    steps: [
      { text: html`Open any page. A notice appears at the bottom left.`, isDone: site.confluence.state.lastVisit.has(accountId) },
      { text: html`Go to your space and look at what’s in it.`, isDone: deeds.has(accountId, 'opened own space') },
      { text: html`Under <b>Apps</b>, <b>My personal space</b>: who can see it?`, isDone: deeds.has(accountId, 'opened my-space') },
    ],
    later: [
      {
        text: html`As Ada: find ${publicName} under <b>Explain</b> and read why ${publicName} has a space.`,
        isDone: deeds.has(ADMIN, 'called admin.people.explain'),
      },
    ],
  };
}

function oldHand(site: LocalSite, deeds: Deeds, person: Person): Role {
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
      { text: html`See what Homestead stores about you.`, isDone: deeds.has(accountId, 'called my-space.me.data') },
    ],
    later: [
      {
        text: html`As Ada: find ${publicName}’s space under <b>Cleanup</b> and archive it.`,
        isDone: space?.status === 'archived',
      },
    ],
  };
}

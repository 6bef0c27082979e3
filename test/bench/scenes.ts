/** What has happened in the personal spaces of a large site before the app looks at them. */
import { accountIdOf } from '../emulator/confluence/seed';
import type { ConfluenceSite } from '../emulator/confluence/site';
import { EVERYONE_GRANT, personalSpaceKey, type Space } from '../emulator/confluence/state';
import { type Chance, chance } from '../emulator/random';

export interface Scene {
  /** Share of personal spaces in which something changed. */
  active: number;
  /** Changes of one of these. */
  changes: (dice: Chance) => number;
  /** `interleaved`: each change at any time. `runs`: all changes of one space in a row. */
  inTime: 'interleaved' | 'runs';
  /** Where the active ones are in the order of ids. */
  inOrder: 'anywhere' | 'first';
}

const DAY_MS = 86_400_000;
/** Everything happened in this many days, up to yesterday; the app's first question looks back a little further. */
const DAYS = 170;

export const times =
  (count: number): Scene['changes'] =>
  () =>
    count;
/** Most of them 1 to 3, one in twenty some hundreds. */
export const heavyTail: Scene['changes'] = (dice) => {
  const share = dice.share();
  return share < 0.75 ? 1 + dice.pick(3) : share < 0.95 ? 4 + dice.pick(20) : 100 + dice.pick(400);
};

/** How old every space is, in days. */
const AGE_DAYS = 400;

/** Personal spaces that everybody may read and nobody owns anymore, so that nothing has to be read of people. */
export function addSpacesAlone(site: ConfluenceSite, count: number): void {
  for (let n = 1; n <= count; n += 1) {
    const authorId = accountIdOf(n);
    site.state.addSpace({
      key: personalSpaceKey(authorId),
      name: `Person ${n}`,
      type: 'personal',
      status: 'current',
      authorId,
      ownerId: null,
      createdAt: site.clock.now() - AGE_DAYS * DAY_MS,
      description: '',
      grants: [EVERYONE_GRANT],
      homeTitle: 'Overview',
      homeBody: '',
    });
  }
  site.state.forgetPast();
}

/** Writes the scene into the site, as if it had been so for long. @returns the spaces in which something changed */
export function addChanges(site: ConfluenceSite, { active, changes, inTime, inOrder }: Scene): Space[] {
  const dice = chance(1);
  const { state } = site;
  const spaces = state.spaces.filter(({ type }) => type === 'personal');
  const count = Math.round(spaces.length * active);
  const chosen = dice.shuffled(inOrder === 'first' ? spaces.slice(0, count) : dice.shuffled(spaces).slice(0, count));
  const turns = chosen.flatMap((space) => Array<Space>(changes(dice)).fill(space));
  const inTurn = inTime === 'runs' ? turns : dice.shuffled(turns);
  const newest = site.clock.now() - DAY_MS;
  inTurn.forEach((space, i) => {
    const at = newest - Math.floor((i * DAYS * DAY_MS) / inTurn.length);
    const { id: spaceId, homepageId: parentId, authorId } = space;
    state.addContent({ type: 'page', title: `Note ${i}`, spaceId, parentId, authorId, body: '<p>Notes.</p>', at });
  });
  state.forgetPast();
  return chosen;
}

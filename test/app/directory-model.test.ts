/**
 * Random histories of a site: people come and go, spaces come, change and go, and events about it all are lost, late, doubled and
 * out of order. After whole readings the directory equals the site, and is unknown only where nothing could be known.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maySee } from '../emulator/confluence/access';
import type { LocalSite } from '../emulator/site';
import { dayOf, differences, directoryState, nextReading, passes, readDirectory } from '../support/directory';
import { ADMIN_ACCOUNT_ID, startSite } from '../support/site';

/** `npm run test:long` runs ten times as many. */
const SCALE = process.env.HOMESTEAD_LONG === undefined ? 1 : 10;
const PEOPLE = 30;
/** Events that are on their way arrive within this, whatever the delay. */
const LAST_EVENT = 'PT3H';

const who = fc.nat(PEOPLE + 5);
const Step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('joins' as const), isGuest: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('account' as const), who, status: fc.constantFrom('active', 'active', 'inactive', 'closed') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('license' as const), who, licensed: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('creates' as const), who, access: fc.constantFrom('private', 'licensed') }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('acts' as const), who, where: who, what: fc.constantFrom('edits', 'comments', 'views') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('status' as const), where: who, status: fc.constantFrom('current', 'archived', 'trashed') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('access' as const), where: who, access: fc.constantFrom('private', 'licensed') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge' as const), where: who }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('time' as const), passes: fc.constantFrom('PT10M', 'P1D', 'P3D', 'P9D', 'P40D') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('delivery' as const),
      drop: fc.constantFrom(0, 0.5, 1),
      times: fc.integer({ min: 1, max: 3 }),
      reorder: fc.boolean(),
      eventDelay: fc.constantFrom('PT2S', 'PT1H'),
    }),
  },
);
type Step = typeof Step extends fc.Arbitrary<infer S> ? S : never;
const History = fc.array(Step, { minLength: 5, maxLength: 40 });

/** The site, and what must be known of its past to say what the directory may still remember. */
interface Scene {
  site: LocalSite;
  owners: Map<string, string>;
}

async function begin(): Promise<Scene> {
  const site = startSite({ people: PEOPLE });
  // Each call is held against Atlassian's documents in the other tests.
  site.confluence.onAnswer = () => {};
  site.platform.appLog = () => {};
  await site.fillDirectory();
  return noteOwners({ site, owners: new Map() });
}

function noteOwners(scene: Scene): Scene {
  for (const { id, type, ownerId } of scene.site.confluence.state.spaces)
    if (type === 'personal' && ownerId !== null) scene.owners.set(String(id), ownerId);
  return scene;
}

/** One thing that happens; what is not allowed does not happen. */
async function happens(scene: Scene, step: Step, isDisturbed = true): Promise<void> {
  const { site } = scene;
  const people = [...site.confluence.state.people.keys()];
  const spaces = site.confluence.state.spaces.filter(({ type }) => type === 'personal');
  const person = (n: number): string => people[n % people.length] as string;
  const space = (n: number) => spaces[n % Math.max(1, spaces.length)];
  try {
    if (step.kind === 'joins') site.addPerson({ isGuest: step.isGuest });
    // The one who looks at the directory stays.
    else if (step.kind === 'account' && person(step.who) !== ADMIN_ACCOUNT_ID && site.person(person(step.who)).accountStatus !== 'closed')
      site.changePerson(person(step.who), { accountStatus: step.status });
    else if (step.kind === 'license' && person(step.who) !== ADMIN_ACCOUNT_ID)
      site.changePerson(person(step.who), { licensed: step.licensed });
    else if (step.kind === 'creates' && site.confluence.state.isLicensed(site.person(person(step.who))))
      site.addSpace({ owner: person(step.who), access: step.access });
    else if (step.kind === 'acts') site.activity({ accountId: person(step.who), spaceId: String(space(step.where)?.id), [step.what]: 1 });
    else if (step.kind === 'status') site.changeSpace(String(space(step.where)?.id), { by: ADMIN_ACCOUNT_ID, status: step.status });
    else if (step.kind === 'access') site.changeSpace(String(space(step.where)?.id), { by: ADMIN_ACCOUNT_ID, access: step.access });
    else if (step.kind === 'purge') purge(site, space(step.where)?.id ?? 0);
    else if (step.kind === 'time') await (step.passes === 'PT10M' ? site.advance(step.passes) : passes(site, step.passes));
    else if (step.kind === 'delivery' && isDisturbed) {
      const { drop, times, reorder, eventDelay } = step;
      site.changeSettings({ eventDelay, deliverEvents: { drop, times, reorder } });
    }
  } catch (error) {
    if (
      !(error instanceof Error) ||
      !/may not|has a personal|cannot|only admin|sees no page|does not administer|no such page/.test(error.message)
    )
      throw error;
  }
  noteOwners(scene);
}

function purge(site: LocalSite, id: number): void {
  const space = site.confluence.state.spacesById.get(id);
  if (space?.status !== 'trashed') return;
  site.confluence.state.removeSpace(space);
  site.confluence.tell.space('deleted', space, { kind: 'anonymous' });
}

/** What is on its way arrives, and everything is undisturbed from here on. */
async function calm(site: LocalSite): Promise<void> {
  site.changeSettings({ eventDelay: 'PT2S', deliverEvents: { drop: 0, times: 1, reorder: false } });
  await site.advance(LAST_EVENT);
}

/** Spaces that no list names: the app cannot see them, or may not ask any more whose they are. */
function remembers({ site, owners }: Scene): Set<string> {
  const { state } = site.confluence;
  const isClosed = (ownerId: string): boolean => state.people.get(ownerId)?.accountStatus === 'closed';
  const ids = [...owners].filter(([id, ownerId]) => {
    const space = state.spacesById.get(Number(id));
    return space ? !maySee(state, { kind: 'app' }, space) : isClosed(ownerId);
  });
  return new Set(ids.map(([id]) => id));
}

/** What two directories of the same site agree on, however events arrived. */
async function comparable(site: LocalSite): Promise<unknown> {
  const { spaces, people } = await readDirectory(site);
  return {
    spaces: [...spaces.values()].map(({ lastChangeBy, firstSeenOn, checkedAt, ...row }) => row),
    people: [...people.values()].map(({ seenOn, goneSince, ...row }) => row),
  };
}

it('equals the site after whole readings, whatever happened and whatever was heard of it', async () => {
  await fc.assert(
    fc.asyncProperty(History, async (history) => {
      const scene = await begin();
      const { site } = scene;
      try {
        for (const step of history) await happens(scene, step);
        await calm(site);
        const recent = dayOf(directoryState(site).begunAt ?? 0);
        await nextReading(site);
        expect(await differences(site, { recent, remembers: remembers(scene) })).toEqual([]);
        await nextReading(site);
        expect(await differences(site, { remembers: remembers(scene) })).toEqual([]);
      } finally {
        site.stop();
      }
    }),
    { numRuns: 20 * SCALE, seed: 9 },
  );
}, 600_000);

it('is the same in the end whether every event arrived once, in order and in time, or not', async () => {
  await fc.assert(
    fc.asyncProperty(History, async (history) => {
      const directories: unknown[] = [];
      for (const isDisturbed of [false, true]) {
        const scene = await begin();
        if (isDisturbed) scene.site.changeSettings({ deliverEvents: { drop: 0.4, times: 2, reorder: true } });
        for (const step of history) await happens(scene, step, isDisturbed);
        await calm(scene.site);
        await nextReading(scene.site);
        await nextReading(scene.site);
        directories.push(await comparable(scene.site));
        scene.site.stop();
      }
      expect(directories[1]).toEqual(directories[0]);
    }),
    { numRuns: 4 * SCALE, seed: 9 },
  );
}, 600_000);

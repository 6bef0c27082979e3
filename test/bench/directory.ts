/**
 * The directory at 100,000 people and personal spaces: what filling it and keeping it costs, beside the least that could do it and
 * a plain script. Counts and ratios, with the site's default latencies and points.
 */
import { createV2Client } from 'confluence.js';
import { edit } from '../emulator/confluence/activity';
import { ADMIN_ACCOUNT_ID, accountIdOf, USERS_GROUP } from '../emulator/confluence/seed';
import { privateGrants, type Space } from '../emulator/confluence/state';
import { listen } from '../emulator/http';
import { chance } from '../emulator/random';
import type { LocalSite } from '../emulator/site';
import { adminData, setPolicy } from '../support/site';
import { directoryState, endSite, type ReadingCost, sqlNumber, startQuietly, untilRead } from './filling';
import { addChanges, addSpacesAlone, heavyTail, type Scene, times } from './scenes';
import { against, counted, judged, per, row } from './table';

const SIZE = Number(process.env.BENCH_SIZE ?? 100_000);
const DAY_MS = 86_400_000;
const SEARCH = 'GET /wiki/rest/api/search';
const MEMBERS = 'GET /wiki/rest/api/group/{groupId}/membersByGroupId';
const USERS_BULK = 'POST /wiki/api/v2/users-bulk';

const pointsOf = (site: LocalSite, route: string): number => site.usage().rest.byRoute[route]?.points ?? 0;

// --- the last change of every space ----------------------------------------------------------------

interface SearchKind extends Pick<Scene, 'active' | 'changes'> {
  name: string;
  goals: Record<Scene['inTime'], number>;
}
const SEARCH_KINDS: readonly SearchKind[] = [
  { name: '10 % active, 1 change', active: 0.1, changes: times(1), goals: { interleaved: 0.13, runs: 0.13 } },
  { name: '10 % active, 12 changes', active: 0.1, changes: times(12), goals: { interleaved: 0.25, runs: 0.25 } },
  { name: '30 % active, heavy tail', active: 0.3, changes: heavyTail, goals: { interleaved: 0.5, runs: 0.65 } },
  { name: '60 % active, 12 changes', active: 0.6, changes: times(12), goals: { interleaved: 0.9, runs: 1.25 } },
];
/** Spaces per question that settles nobody but idle ones, at best. */
const IDLE_PER_ANSWER = 100;
/** Never more than this share of what the script's probe costs. */
const SHARE_OF_SCRIPT = 0.65;
/** Spaces that the script looks at; its cost is the same for every space. */
const SAMPLE = 1_000;
/** Where the active spaces come first, fewer tell the same. */
const CONTIGUOUS_SIZE = Math.min(SIZE, 20_000);

export async function search(): Promise<void> {
  console.log(`\nLast change of ${counted(SIZE)} spaces: points of search a space, beside the list of spaces`);
  row('changes in time, active spaces anywhere', 'Homestead', 'goal', '', 'floor', 'script', 'of script', 'untouched');
  for (const kind of SEARCH_KINDS) for (const inTime of ['interleaved', 'runs'] as const) await searchOne(kind, inTime, 'anywhere', SIZE);
  row(`active spaces first in the order of ids (${counted(CONTIGUOUS_SIZE)})`);
  for (const kind of SEARCH_KINDS) await searchOne(kind, 'interleaved', 'first', CONTIGUOUS_SIZE);
  console.log(
    `The floor names each active space by one hit and ${IDLE_PER_ANSWER} idle ones by an empty answer. The script (confluence.js) reads`,
  );
  console.log(
    `the newest page of each space: measured on ${counted(Math.min(SAMPLE, SIZE))} spaces, and scaled. "untouched" asks later, once in a space's life,`,
  );
  console.log('whether the others were ever changed; it is not in the column of Homestead.');
}

async function searchOne(kind: SearchKind, inTime: Scene['inTime'], inOrder: Scene['inOrder'], size: number): Promise<void> {
  const { name, active, changes, goals } = kind;
  const site = startQuietly({ seed: 'empty' });
  addSpacesAlone(site.confluence, size);
  const { length: activeSpaces } = addChanges(site.confluence, { active, changes, inTime, inOrder });
  const { points } = await untilRead(site);
  const { changes: asked = 0, untouched = 0, list = 0 } = points;
  if (asked + untouched !== pointsOf(site, SEARCH))
    throw new Error(`${asked} + ${untouched} points, but ${pointsOf(site, SEARCH)} were charged`);
  const found = sqlNumber(site, 'SELECT COUNT(*) FROM spaces WHERE changed_on IS NOT NULL AND untouched = 0');
  const idle = sqlNumber(site, 'SELECT COUNT(*) FROM spaces WHERE changed_on IS NULL AND untouched = 1 AND unchanged_since IS NOT NULL');
  if (found !== activeSpaces || found + idle !== size)
    throw new Error(`${found} of ${activeSpaces} changed spaces were found, ${idle} idle ones`);
  if (Math.abs(list / size - 1.004) > 0.01) throw new Error(`the list cost ${list / size} a space`);
  const script = await scriptPoints(site, Math.min(SAMPLE, size));
  endSite(site);
  const cost = asked / size;
  const floor = active + (1 - active) / IDLE_PER_ANSWER;
  const isKept = cost <= goals[inTime] && cost / script <= SHARE_OF_SCRIPT;
  row(
    `${name}, ${inTime === 'runs' ? 'clustered' : inTime}`,
    cost.toFixed(3),
    `≤ ${goals[inTime]}`,
    judged(isKept),
    floor.toFixed(3),
    script.toFixed(2),
    (cost / script).toFixed(2),
    (untouched / size).toFixed(3),
  );
}

/** What someone would write: the newest page of each space. Points that an app would pay; tokens pay none. */
async function scriptPoints(site: LocalSite, sample: number): Promise<number> {
  const server = await listen(site, 0);
  let points = 0;
  site.confluence.onAnswer = (request, answer) => {
    if (answer.status !== 200) throw new Error(`${request.url} answered ${answer.status}`);
    points += answer.points;
  };
  const auth = { type: 'basic' as const, email: site.person(ADMIN_ACCOUNT_ID).email, apiToken: 'any' };
  const client = createV2Client({ host: server.url, auth });
  const spaces = chance(2).shuffled(site.confluence.state.spaces.filter(({ type }) => type === 'personal'));
  for (const { id } of spaces.slice(0, sample)) await client.page.getPagesInSpace({ id, sort: '-modified-date', limit: 1 });
  site.confluence.onAnswer = () => {};
  await server.close();
  return points / sample;
}

// --- once more, a week later -----------------------------------------------------------------------

const WEEKLY_SEARCH = 0.05;

export async function weekly(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: SIZE, spaces: SIZE, active: 0 });
  const active = addChanges(site.confluence, { active: 0.1, changes: times(1), inTime: 'interleaved', inOrder: 'anywhere' });
  const first = await untilRead(site);
  const begunAt = directoryState(site)?.begunAt ?? 0;
  const dice = chance(3);
  const rest = begunAt + 7 * DAY_MS - site.clock.now();
  for (const space of active) site.clock.after(dice.pick(rest), () => changeByOwner(site, space));
  site.resetUsage();
  await site.advance(`PT${Math.floor(rest / 1000) - 60}S`);
  const heard = site.usage().invocations['trigger:content-of-personal-spaces']?.count ?? 0;
  site.resetUsage();
  const week = await untilRead(site, begunAt);
  endSite(site);

  console.log(
    `\nReading ${counted(SIZE)} spaces and people again after a week, in which ${counted(heard)} events told of ${counted(active.length)} changed spaces`,
  );
  row('points a space', 'first time', 'a week later');
  const parts = (cost: ReadingCost): [string, number][] => [
    ['list of spaces', cost.points.list ?? 0],
    ['search', (cost.points.changes ?? 0) + (cost.points.untouched ?? 0)],
    ['members of licensed groups', cost.points.members ?? 0],
    ['users-bulk', cost.points['look-up'] ?? 0],
  ];
  const [before, after] = [parts(first), parts(week)];
  for (const [i, [name, points]] of before.entries()) row(name, per(points, SIZE, 3), per(after[i]?.[1] ?? 0, SIZE, 3));
  against('search a week later, beside the list', (after[1]?.[1] ?? 0) / SIZE, WEEKLY_SEARCH, 3);
  row('site time of the reading, hours', per(first.took, 3_600_000, 1), per(week.took, 3_600_000, 1));
}

function changeByOwner(site: LocalSite, space: Space): void {
  const page = site.confluence.state.contentBySpace.get(space.id)?.at(-1);
  if (!page || space.ownerId === null) throw new Error(`nothing to change in ${space.key}`);
  edit(site.confluence, site.person(space.ownerId), page);
}

// --- people ----------------------------------------------------------------------------------------

/** Owners of spaces who are suspended and in no group; members whose space no list names, half of them because the app cannot see it. */
const LEAVERS = 0.2 * SIZE;
const UNLISTED = 0.3 * SIZE;
const NEW_GROUP = 500;
const POINTS_A_PERSON = 2.1;
const NEW_GROUP_POINTS = 1_100;

export async function people(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: SIZE, spaces: SIZE - UNLISTED / 2, active: 0 });
  const { state } = site.confluence;
  for (let n = 1; n <= LEAVERS; n += 1) {
    const leaver = site.person(accountIdOf(n));
    leaver.accountStatus = 'inactive';
    state.setGroups(leaver, []);
  }
  for (let n = LEAVERS + 1; n <= LEAVERS + UNLISTED / 2; n += 1) {
    const space = state.spacesById.get(site.person(accountIdOf(n)).personalSpaceId ?? 0);
    if (space) space.grants = privateGrants(accountIdOf(n));
  }
  state.peopleChanged();
  const first = await untilRead(site);
  const memberships = sqlNumber(site, 'SELECT COUNT(*) FROM memberships');
  const standing = (name: string): number => sqlNumber(site, `SELECT COUNT(*) FROM people WHERE standing = '${name}'`);
  const unlisted = sqlNumber(
    site,
    `SELECT COUNT(*) FROM people WHERE standing = 'active' AND (space_id IS NULL OR space_id IN (SELECT id FROM spaces WHERE visible = 0))`,
  );
  if (standing('deactivated') !== LEAVERS || unlisted !== UNLISTED || standing('active') !== SIZE - LEAVERS)
    throw new Error(`${standing('deactivated')} leavers, ${unlisted} members without a listed space, ${standing('active')} active`);
  const { members = 0, 'look-up': lookUps = 0 } = first.points;
  console.log(
    `\nPeople, first time: ${counted(memberships)} memberships, ${counted(LEAVERS)} leavers who own spaces, ${counted(UNLISTED)} members without a listed space`,
  );
  row('', 'points', 'goal');
  against('a membership', members / memberships, POINTS_A_PERSON, 3);
  against('each of those who had to be looked up (users-bulk)', lookUps / (LEAVERS + UNLISTED), POINTS_A_PERSON, 3);
  against('together', members + lookUps, POINTS_A_PERSON * (memberships + LEAVERS + UNLISTED));

  // As many of them without a listed space as among everybody.
  const present = [...state.people.values()].filter(
    ({ accountStatus, accountId }) => accountStatus === 'active' && accountId !== ADMIN_ACCOUNT_ID,
  );
  state.addGroup({ id: 'new-group', name: 'new-group', access: 'none' });
  const apart = Math.floor(present.length / NEW_GROUP);
  for (let i = 0; i < NEW_GROUP; i += 1) {
    const person = present[i * apart];
    if (person) state.setGroups(person, [USERS_GROUP, 'new-group']);
  }
  const { policy } = await adminData(site, 'policy.get', {});
  const rule = { id: 'new-group', name: 'New group', groups: ['new-group'], mode: 'auto' as const };
  await setPolicy(site, { rules: [{ ...policy.everyoneElse, exceptGroups: [], ...rule }] });
  site.resetUsage();
  await site.advance('PT1H');
  const inGroup = sqlNumber(site, `SELECT COUNT(*) FROM people WHERE rule_id = 'new-group'`);
  if (inGroup !== NEW_GROUP) throw new Error(`${inGroup} of ${NEW_GROUP} people are known to be in the new group`);
  against(`a new group of ${NEW_GROUP}, once the policy names it: everything`, site.usage().rest.points, NEW_GROUP_POINTS);
  row(
    '  of these, members · users-bulk · other',
    pointsOf(site, MEMBERS),
    pointsOf(site, USERS_BULK),
    site.usage().rest.points - pointsOf(site, MEMBERS) - pointsOf(site, USERS_BULK),
  );
  endSite(site);
}

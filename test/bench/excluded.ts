/** What people cost who get nothing, day after day, on a large site that the directory knows. */
import type { Policy } from '../../src/domain/policy/document';
import { shareOf } from '../../src/domain/provisioning/rollout';
import { ADMIN_ACCOUNT_ID, accountIdOf, USERS_GROUP } from '../emulator/confluence/seed';
import { EVERYONE_GRANT, type Person } from '../emulator/confluence/state';
import { chance } from '../emulator/random';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { pointsOfJobs } from '../support/herd';
import { adminData, person, setPolicy } from '../support/site';
import { endSite, readsOf, startQuietly } from './filling';
import { counted, judged, row } from './table';

const SIZE = Number(process.env.BENCH_SIZE ?? 100_000);
/** Enough to tell; what the site costs as a whole is charged to these alone, which is never to the app's favor. */
const VIEWERS = Math.min(2_000, SIZE / 10);
const DAYS = 3;
const VIEWS_A_DAY = 3;
const PILOTS = Math.min(500, SIZE / 10);
const PERCENT = 10;

const POINTS_A_DAY = 0.05;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const [MORNING_MS, WORKING_MS] = [9 * HOUR_MS, 8 * HOUR_MS];

interface Scene {
  name: string;
  settings?: SiteOptions['settings'];
  /** Before the directory is filled. */
  prepare?: (site: LocalSite) => void;
  policy: (policy: Policy) => Parameters<typeof setPolicy>[1];
  isViewer?: (person: Person) => boolean;
  /** What they do on the day before the first one that is counted; it is printed apart. */
  dayBefore?: (site: LocalSite, viewers: readonly Person[]) => Promise<void>;
}

const SCENES: readonly Scene[] = [
  {
    name: `by rule: a pilot of ${PILOTS}, everyone else off`,
    prepare: (site) => addToGroup(site, 'pilot', PILOTS, () => [USERS_GROUP, 'pilot']),
    policy: ({ everyoneElse }) => ({
      rules: [{ ...everyoneElse, id: 'pilot', name: 'Pilot', groups: ['pilot'], exceptGroups: [], mode: 'auto' }],
    }),
    isViewer: ({ groups }) => !groups.has('pilot'),
  },
  {
    name: `by roll-out: ${PERCENT} % of people`,
    policy: ({ rollout }) => ({ mode: 'auto', rollout: { ...rollout, percent: PERCENT } }),
    isViewer: ({ accountId }) => shareOf(accountId) >= PERCENT,
  },
  {
    name: 'guests',
    prepare: inviteGuests,
    policy: () => ({ mode: 'auto' }),
    isViewer: ({ isGuest }) => isGuest,
    // No list of licensed people names them: Confluence is asked about each of them, once.
    dayBefore: async (site, viewers) => oneDay(site, viewers, 1),
  },
  {
    name: 'refused: people without the right to create spaces',
    settings: { createSpaceGroups: [] },
    policy: () => ({ mode: 'auto' }),
    dayBefore: async (site, viewers) => oneDay(site, viewers),
  },
  {
    name: 'declined: asked, and answered never',
    policy: () => ({ mode: 'ask' }),
    dayBefore: async (site, viewers) => {
      await oneDay(site, viewers, 1);
      for (const { accountId } of viewers) await decline(site, accountId);
    },
  },
];

export async function excluded(): Promise<void> {
  console.log(
    `\nPeople who get nothing: points a person and day, ${counted(SIZE)} people, the directory filled; ${counted(VIEWERS)} of them at random view ${VIEWS_A_DAY} pages a day`,
  );
  row(
    '',
    'the day before',
    ...Array.from({ length: DAYS }, (_, day) => `day ${day + 1}`),
    'goal',
    '',
    'reads a day',
    'SQL a day',
    'schedule a day',
    'jobs, all days',
  );
  for (const scene of SCENES) await excludedIn(scene);
  console.log(
    'Spread over the working day. Points of the schedule and of jobs are apart: they are of the whole site, however many people there are;',
  );
  console.log('those of jobs are the sum of all days. While Confluence refuses spaces, the schedule has one person an hour try.');
}

async function excludedIn(scene: Scene): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: SIZE, spaces: 0, active: 0, settings: scene.settings });
  scene.prepare?.(site);
  const { policy } = await adminData(site, 'policy.get', {});
  await setPolicy(site, scene.policy(policy));
  await site.fillDirectory();
  const { isViewer = () => true } = scene;
  const possible = [...site.confluence.state.people.values()].filter((one) => one.accountId !== ADMIN_ACCOUNT_ID && isViewer(one));
  const viewers = chance(4).shuffled(possible).slice(0, VIEWERS);
  await toMorning(site);

  let before = '';
  if (scene.dayBefore) {
    site.resetUsage();
    await scene.dayBefore(site, viewers);
    await toMorning(site);
    before = (costOf(site).points / viewers.length).toFixed(3);
  }
  const days: ReturnType<typeof costOf>[] = [];
  for (let day = 0; day < DAYS; day += 1) {
    site.resetUsage();
    await oneDay(site, viewers);
    days.push(costOf(site));
  }
  const given = viewers.filter(({ personalSpaceId }) => personalSpaceId !== null).length;
  endSite(site);
  if (given > 0) throw new Error(`${given} people got a space in "${scene.name}"`);
  const points = days.map((day) => day.points / viewers.length);
  const mean = (of: (day: ReturnType<typeof costOf>) => number): string =>
    (days.reduce((sum, day) => sum + of(day), 0) / DAYS / viewers.length).toFixed(2);
  row(
    ...[scene.name, before, ...points.map((one) => one.toFixed(3)), `≤ ${POINTS_A_DAY}`],
    judged(Math.max(...points) <= POINTS_A_DAY),
    ...[mean(({ reads }) => reads), mean(({ statements }) => statements)],
    counted(Math.round(days.reduce((sum, { schedule }) => sum + schedule, 0) / DAYS)),
    counted(days.reduce((sum, { jobs }) => sum + jobs, 0)),
  );
}

/** Points of what people's own events and clicks cost; of the schedule, which are the same however many people there are; and of jobs. */
function costOf(site: LocalSite) {
  const usage = site.usage();
  const jobs = pointsOfJobs(usage);
  const schedule = Object.entries(usage.rest.byModule).reduce(
    (sum, [name, { points }]) => sum + (name.startsWith('scheduledTrigger:') ? points : 0),
    0,
  );
  return { points: usage.rest.points - jobs - schedule, schedule, jobs, reads: readsOf(usage), statements: usage.sql.statements };
}

/** From one morning to the next. */
async function oneDay(site: LocalSite, viewers: readonly Person[], views = VIEWS_A_DAY): Promise<void> {
  const dice = chance(site.clock.now() / DAY_MS);
  for (const { accountId } of viewers) {
    for (let i = 0; i < views; i += 1) site.clock.after(dice.pick(WORKING_MS), () => void site.activity({ accountId, views: 1 }));
  }
  await site.advance('P1D');
}

/** Clicks again when the app is busy. */
async function decline(site: LocalSite, accountId: string): Promise<void> {
  for (let click = 0; click < 5; click += 1) {
    const { ok } = await person(site, 'offer.never', accountId);
    if (ok) return;
    await site.advance('PT5S');
  }
  throw new Error(`${accountId} could not decline`);
}

async function toMorning(site: LocalSite): Promise<void> {
  const sinceMorning = (site.clock.now() - MORNING_MS) % DAY_MS;
  await site.advance(`PT${(DAY_MS - sinceMorning) / 1000}S`);
}

function addToGroup(site: LocalSite, name: string, count: number, groups: (person: Person) => string[]): void {
  const { state } = site.confluence;
  state.addGroup({ id: name, name, access: 'none' });
  const apart = Math.floor(SIZE / count);
  for (let i = 0; i < count; i += 1) {
    const person = site.person(accountIdOf(1 + i * apart));
    state.setGroups(person, groups(person));
  }
}

/** Guests are in no group that gives a license; the first global space is shared with their group. */
function inviteGuests(site: LocalSite): void {
  addToGroup(site, 'guests', VIEWERS, (person) => {
    person.isGuest = true;
    return ['guests'];
  });
  const shared = site.confluence.state.spaces.find(({ type }) => type === 'global');
  if (!shared) throw new Error('there is no global space');
  shared.grants = [...shared.grants, { ...EVERYONE_GRANT, principalType: 'GROUP', principalId: 'guests' }];
}

/** What page views cost when nothing is left to do: a month of them on a large site, and one of them in a process. */
import { view } from '../emulator/confluence/activity';
import { accountIdOf, USERS_GROUP } from '../emulator/confluence/seed';
import type { Content, Person } from '../emulator/confluence/state';
import { evaluateFilter } from '../emulator/forge/expressions';
import { memoryOf } from '../emulator/forge/manifest';
import { type Chance, chance } from '../emulator/random';
import type { LocalSite } from '../emulator/site';
import { noUsage, priceOf } from '../emulator/usage';
import { adminData, personData, setPolicy } from '../support/site';
import { copyRecords, endSite, type Owner, projectRecords, readsOf, startQuietly, untilRead } from './filling';
import { against, counted, row } from './table';

const USUAL_SIZE = 100_000;
const SIZE = Number(process.env.BENCH_SIZE ?? USUAL_SIZE);
const THIRD = Math.floor(SIZE / 3);
/** People who are really taken through what the others are said to have gone through. */
const [SETTLED_MODEL, DECLINED_MODEL, EXCLUDED_MODEL] = [SIZE + 1, SIZE + 2, SIZE + 3];

const KINDS = ['settled', 'declined', 'excluded'] as const;
type Kind = (typeof KINDS)[number];

const MILLION = 1_000_000;
const WORKING_S = 8 * 3_600;
const DAYS_A_MONTH = 30;
/** A stretch of the day at full rate, with everybody: so each person, process and minute has as many views as on a whole day. */
const WARM_UP_S = 600;
const STRETCH_S = 240;

const GOAL_MB = 128;
const DOLLARS = 7;
const USUAL_PROCESSES = 3;

const BASELINE_S = 60;
const FORGETFUL_VIEWS = 200;

const CPU_PEOPLE = 1_000;
const CPU_ROUNDS = 5;
const CPU_EVENTS = Math.min(4_000, SIZE / 10);
const CPU_RATIO = 1.3;

const VIEWED = 'avi:confluence:viewed:page';

// --- the site --------------------------------------------------------------------------------------

/** A third each: has a space by Homestead, declined one, gets none by the rules. */
async function steadySite(): Promise<LocalSite> {
  const site = startQuietly({ seed: 'scale', people: SIZE + 4, spaces: THIRD, active: 0 });
  joinGroups(site);
  const { policy } = await adminData(site, 'policy.get', {});
  const rule = { ...policy.everyoneElse, exceptGroups: [] };
  await setPolicy(site, {
    rules: [
      { ...rule, id: 'pilot', name: 'Pilot', groups: ['pilot'], mode: 'auto' },
      { ...rule, id: 'asked', name: 'Asked', groups: ['asked'], mode: 'ask' },
    ],
  });
  await untilRead(site);
  for (const n of [SETTLED_MODEL, DECLINED_MODEL, EXCLUDED_MODEL]) site.activity({ accountId: accountIdOf(n), views: 1 });
  await site.advance('PT1M');
  await personData(site, 'offer.never', accountIdOf(DECLINED_MODEL));
  remember(site, 'settled', SETTLED_MODEL, 'ready');
  remember(site, 'declined', DECLINED_MODEL, 'declined');
  remember(site, 'excluded', EXCLUDED_MODEL, null);
  await projectRecords(
    site,
    KINDS.flatMap((kind) => numbersOf(kind).map(accountIdOf)),
  );
  return site;
}

function joinGroups(site: LocalSite): void {
  const { state } = site.confluence;
  for (const id of ['pilot', 'asked']) state.addGroup({ id, name: id, access: 'none' });
  const join = (group: string, n: number): void => state.setGroups(site.person(accountIdOf(n)), [USERS_GROUP, group]);
  for (const n of [...numbersOf('settled'), SETTLED_MODEL]) join('pilot', n);
  for (const n of [...numbersOf('declined'), DECLINED_MODEL]) join('asked', n);
}

function numbersOf(kind: Kind): number[] {
  return Array.from({ length: THIRD }, (_, i) => 1 + KINDS.indexOf(kind) * THIRD + i);
}

/** @param state in which the model is expected; null = the app may remember nothing of people like this */
function remember(site: LocalSite, kind: Kind, model: number, state: string | null): void {
  const record = site.platform.kvs.dump().entities.person?.[accountIdOf(model)] as { state: string } | undefined;
  if (state !== null && record?.state !== state) throw new Error(`the model of ${kind} people is ${record?.state}`);
  copyRecords(
    site,
    ownerOf(site, model),
    numbersOf(kind).map((n) => ownerOf(site, n)),
  );
}

function ownerOf(site: LocalSite, n: number): Owner {
  const { accountId, personalSpaceId } = site.person(accountIdOf(n));
  const space = personalSpaceId === null ? undefined : site.confluence.state.spacesById.get(personalSpaceId);
  return { accountId, spaceId: space ? String(space.id) : null, key: space?.key ?? null };
}

// --- a month ---------------------------------------------------------------------------------------

/** Of one view. */
interface Cost {
  reads: number;
  statements: number;
  seconds: number;
  /** Dollars for everything but the time of functions. */
  besides: number;
  /** GB-seconds with the memory that the manifest gives. */
  gbSeconds: number;
}

/** Only triggers are part of what views cost; storage includes the little that the schedule reads. */
function costOf(site: LocalSite, views: number): Cost {
  const usage = site.usage();
  const { sql, invocations } = usage;
  const { manifest } = site.platform;
  let [milliseconds, gbMilliseconds] = [0, 0];
  for (const [name, { milliseconds: took }] of Object.entries(invocations)) {
    const [kind, key = ''] = name.split(':');
    if (kind !== 'trigger') continue;
    const functionKey = manifest.modules.trigger.find((trigger) => trigger.key === key)?.function ?? key;
    milliseconds += took;
    gbMilliseconds += (took * memoryOf(manifest, functionKey)) / 1024;
  }
  const price = priceOf(usage);
  return {
    reads: readsOf(usage) / views,
    statements: sql.statements / views,
    seconds: milliseconds / 1000 / views,
    besides: (price.total - price.functions) / views,
    gbSeconds: gbMilliseconds / 1000 / views,
  };
}

type Draw = (dice: Chance) => Person | null;

/** Views at this rate from now on, by whoever is drawn; null = an event without a person. @returns how many there will be */
function scheduleViews(site: LocalSite, perSecond: number, seconds: number, draw: Draw): number {
  const dice = chance(seconds);
  const page = firstPage(site);
  const send = (): void => {
    const person = draw(dice);
    if (person === null) site.sendEvent(viewBy(undefined));
    else view(site.confluence, person, page);
  };
  for (let second = 0; second < seconds; second += 1) {
    const count = Math.floor((second + 1) * perSecond) - Math.floor(second * perSecond);
    site.clock.after(second * 1000, () => {
      for (let i = 0; i < count; i += 1) site.clock.after(dice.pick(1000), send);
    });
  }
  return Math.floor(seconds * perSecond);
}

function firstPage(site: LocalSite): Content {
  const { spaces, content } = site.confluence.state;
  const page = content.get(spaces.find(({ type }) => type === 'global')?.homepageId ?? 0);
  if (!page) throw new Error('there is no page to view');
  return page;
}

async function stretch(site: LocalSite, perDay: number, draw: Draw, warmUp = WARM_UP_S, length = STRETCH_S): Promise<Cost> {
  // A smaller site has as many views a person.
  const perSecond = (perDay * SIZE) / USUAL_SIZE / WORKING_S;
  site.platform.restart();
  scheduleViews(site, perSecond, warmUp, draw);
  await site.advance(`PT${warmUp}S`);
  site.resetUsage();
  const views = scheduleViews(site, perSecond, length, draw);
  await site.advance(`PT${length}S`);
  return costOf(site, views);
}

/** The same in processes that have just started, without the time that starting takes. */
async function forgetful(site: LocalSite, draw: Draw): Promise<Cost> {
  const { coldStart } = site.settings.latency;
  site.changeSettings({ latency: { coldStart: 'PT0S' } });
  const dice = chance(5);
  // Events of the last stretch are still on their way.
  await site.advance('PT1M');
  site.resetUsage();
  for (let i = 0; i < FORGETFUL_VIEWS; i += 1) {
    site.platform.restart();
    await hear(site, draw(dice)?.accountId);
  }
  const cost = costOf(site, FORGETFUL_VIEWS);
  site.changeSettings({ latency: { coldStart } });
  return cost;
}

/** A page view in an ordinary space, as far as the app looks at it; without an account it concerns nobody. */
const viewBy = (atlassianId: string | undefined): Record<string, unknown> => ({
  eventType: VIEWED,
  selfGenerated: false,
  content: { space: { type: 'global' } },
  ...(atlassianId ? { atlassianId } : {}),
});

/** Runs the function that hears page views. */
async function hear(site: LocalSite, atlassianId: string | undefined): Promise<void> {
  const event = viewBy(atlassianId);
  const heardBy = site.platform.manifest.modules.trigger.find(
    ({ events, filter }) => events.includes(VIEWED) && (!filter?.expression || evaluateFilter(filter.expression, event)),
  );
  if (!heardBy) throw new Error('nothing hears page views');
  await site.platform.runFunction('trigger', heardBy.function, event);
}

function print(label: string, perDay: number, cost: Cost, hasGoal: boolean): void {
  const month = perDay * DAYS_A_MONTH;
  const atGoal = (cost.seconds * GOAL_MB) / 1024;
  const dollars = (gbSeconds: number): number => (cost.besides + priceOf({ ...noUsage(), gbSeconds }).functions) * DAYS_A_MONTH * MILLION;
  const more = [
    ...[(cost.reads * month) / MILLION, (cost.statements * month) / MILLION, (atGoal * month) / 1000].map((amount) => amount.toFixed(1)),
    ...[dollars(atGoal) * (perDay / MILLION), dollars(cost.gbSeconds)].map((amount) => amount.toFixed(2)),
  ];
  if (hasGoal) against(label, dollars(atGoal), DOLLARS, 2, '', ...more);
  else row(label, dollars(atGoal).toFixed(2), '', '', ...more);
}

export async function views(): Promise<void> {
  const site = await steadySite();
  const people = Object.fromEntries(KINDS.map((kind) => [kind, numbersOf(kind).map((n) => site.person(accountIdOf(n)))])) as Record<
    Kind,
    Person[]
  >;
  const one =
    (kind: Kind): Draw =>
    (dice) =>
      people[kind][dice.pick(THIRD)] ?? null;
  const any: Draw = (dice) => one(KINDS[dice.pick(KINDS.length)] ?? 'settled')(dice);

  console.log(
    `\nA month of page views by ${counted(SIZE)} people with nothing left to do (a third each: settled, declined, excluded by rule)`,
  );
  row(
    `$ a month for each million views a day, at ${GOAL_MB} MB`,
    `$ at ${GOAL_MB} MB`,
    'goal',
    '',
    'reads, M',
    'SQL, M',
    'GB-s, k',
    '$ in all',
    '$ by manifest',
  );
  for (const perDay of [MILLION, 3 * MILLION]) {
    row(`${perDay / MILLION} million views a day`);
    for (const processes of [1, USUAL_PROCESSES, 30]) {
      site.changeSettings({ warmProcesses: processes });
      print(`  all kinds, ${processes} kept warm`, perDay, await stretch(site, perDay, any), processes === USUAL_PROCESSES);
    }
    site.changeSettings({ warmProcesses: USUAL_PROCESSES });
    if (perDay === MILLION) {
      for (const kind of KINDS) print(`  ${kind}, ${USUAL_PROCESSES} kept warm`, perDay, await stretch(site, perDay, one(kind)), true);
      print('  doing nothing: events without a person', perDay, await stretch(site, perDay, () => null, BASELINE_S, BASELINE_S), false);
    }
  }
  row('remembering nothing: each view in a new process');
  for (const kind of KINDS) print(`  ${kind}`, MILLION, await forgetful(site, one(kind)), false);
  console.log(
    `Spread evenly over 8 hours. Sample: ${STRETCH_S / 60} minutes of such a day at full rate, with all people, after ${WARM_UP_S / 60} minutes of the same; so a person,`,
  );
  console.log(
    'a process and ten minutes have as many views as on a whole day. Processes start as needed beside those kept warm. Dollars are',
  );
  console.log(
    'without the free allowance. What the app would remember for longer than the sample is not in it. Reads, SQL and GB-seconds are of',
  );
  console.log(`the whole month, GB-seconds at ${GOAL_MB} MB. New processes: without the time that starting takes.`);

  await processorTime(site, people);
  endSite(site);
}

interface Sum {
  count: number;
  /** CPU (µs). */
  spent: number;
}
interface Sums {
  empty: Sum;
  /** Views that the process answers from memory, and those for which it reads. */
  known: Sum;
  reading: Sum;
}

/** Invocations so far of everything but triggers. */
const inBackground = (site: LocalSite): number =>
  Object.entries(site.usage().invocations).reduce((sum, [name, { count }]) => sum + (name.startsWith('trigger:') ? 0 : count), 0);

// --- one of them -----------------------------------------------------------------------------------

async function processorTime(site: LocalSite, people: Record<Kind, Person[]>): Promise<void> {
  site.changeSettings({ warmProcesses: 1 });
  console.log(
    `\nOne view in one warm process, ${counted(Math.min(CPU_PEOPLE, THIRD))} people of each kind in turn, beside an event that ends at once`,
  );
  row('', 'CPU, nothing read', 'goal', '', 'views that read', 'CPU, all');
  for (const kind of KINDS) {
    site.platform.restart();
    const someone = people[kind].slice(0, CPU_PEOPLE);
    let next = 0;
    /** One event. Those beside which the schedule was at work are left out of the sums: its time is not what this is about. */
    const time = async (sums: Sums, isEmpty: boolean): Promise<void> => {
      if (!isEmpty) next += 1;
      const [others, reads] = [inBackground(site), readsOf(site.usage())];
      const before = process.cpuUsage();
      await hear(site, isEmpty ? undefined : someone[next % someone.length]?.accountId);
      const { user, system } = process.cpuUsage(before);
      if (inBackground(site) !== others) return;
      const sum = isEmpty ? sums.empty : readsOf(site.usage()) === reads ? sums.known : sums.reading;
      sum.count += 1;
      sum.spent += user + system;
    };
    const nobody = (): Sum => ({ count: 0, spent: 0 });
    const events = async (count: number, sums: Sums, isEmpty: boolean): Promise<void> => {
      for (let i = 0; i < count; i += 1) await time(sums, isEmpty);
    };
    const warmUp: Sums = { empty: nobody(), known: nobody(), reading: nobody() };
    await events(someone.length + CPU_EVENTS, warmUp, false);
    await events(CPU_EVENTS, warmUp, true);
    site.resetUsage();
    const sums: Sums = { empty: nobody(), known: nobody(), reading: nobody() };
    for (let round = 0; round < CPU_ROUNDS; round += 1) {
      await events(CPU_EVENTS, sums, false);
      await events(CPU_EVENTS, sums, true);
    }
    const { known, reading, empty } = sums;
    const all = { count: known.count + reading.count, spent: known.spent + reading.spent };
    const ratio = (sum: Sum): number => sum.spent / sum.count / (empty.spent / empty.count);
    against(kind, ratio(known), CPU_RATIO, 2, '', `${((100 * reading.count) / all.count).toFixed(1)} %`, ratio(all).toFixed(2));
  }
}

/**
 * The directory at 100,000 people and personal spaces, once it is filled: what its pages, events and memory cost, and what is
 * stored. Site time where time is named, with the default latencies; core time is that of the functions alone.
 */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { PEOPLE_SORTS, type PeopleFilter, SPACE_SORTS, type SpaceFilter } from '../../src/directory/lists';
import { LIFECYCLES, LISTED_STATUSES, STANDINGS } from '../../src/domain/directory';
import { OUTCOMES } from '../../src/domain/provisioning/outcome';
import { comment, edit, view } from '../emulator/confluence/activity';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import type { Space } from '../emulator/confluence/state';
import { PROJECT_ROOT } from '../emulator/forge/manifest';
import { chance } from '../emulator/random';
import type { LocalSite } from '../emulator/site';
import { priceOf } from '../emulator/usage';
import { type Measured, runInChildProcesses } from '../support/child-process';
import { HAS_MARIADB, startMariaDb } from '../support/mariadb';
import { adminData, setPolicy } from '../support/site';
import { copyRecords, directoryState, endSite, type Owner, sqlNumber, startQuietly, untilRead } from './filling';
import { addChanges, times } from './scenes';
import { against, counted, judged, row } from './table';

const SIZE = Number(process.env.BENCH_SIZE ?? 100_000);
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

// --- pages, simulation, memory ---------------------------------------------------------------------

const PAGE_STATEMENTS = 3;
const PAGE_MS = 1_000;
const STORY_STATEMENTS = 4;
const OPERATIONS = 20;
const CORE_MS = 300;
const RSS_MB = 160;

interface CallCost {
  statements: number;
  operations: number;
  tookMs: number;
  coreMs: number;
  answer: { ok: boolean; data?: unknown; error?: unknown };
}

/** Everything that one call to the app's function costs. */
async function call(site: LocalSite, memory: Measured, functionKey: string, payload: unknown): Promise<CallCost> {
  site.resetUsage();
  const core = memory.cpuMs();
  const answer = await site.invoke({ module: 'admin', functionKey, payload, accountId: ADMIN_ACCOUNT_ID });
  if ('error' in answer) throw new Error(`${functionKey}: ${answer.error.message}`);
  const { sql, kvs, rest } = site.usage();
  const storage = kvs.gets + kvs.sets + kvs.deletes + kvs.queries + kvs.batches + kvs.transactions;
  return {
    statements: sql.statements,
    operations: sql.statements + storage + rest.requests,
    tookMs: answer.tookMs,
    coreMs: memory.cpuMs() - core,
    answer: answer.result as CallCost['answer'],
  };
}

async function must(site: LocalSite, memory: Measured, functionKey: string, payload: unknown): Promise<CallCost & { data: unknown }> {
  const cost = await call(site, memory, functionKey, payload);
  if (!cost.answer.ok) throw new Error(`${functionKey} ${JSON.stringify(payload)}: ${JSON.stringify(cost.answer.error)}`);
  return { ...cost, data: cost.answer.data };
}

/** Each filter alone, and all of them at once. */
const SPACE_FILTERS: readonly SpaceFilter[] = [
  { status: [...LISTED_STATUSES] },
  { ownerStanding: [...STANDINGS] },
  { access: ['private', 'licensed', 'open', 'unknown'] },
  { lifecycle: [...LIFECYCLES] },
  { origin: ['created', 'adopted'] },
  { unchangedForDays: 30 },
  { createdBefore: '2026-11-01' },
  { untouched: true },
  { visible: true },
  { ownerIds: Array.from({ length: Math.min(1_000, SIZE) }, (_, n) => accountIdOf(n)) },
  { spaceIds: Array.from({ length: 1_000 }, (_, n) => String(163_848 + 4 * n)) },
];
const ALL_SPACE_FILTERS: SpaceFilter = {
  status: ['current'],
  ownerStanding: [...STANDINGS],
  access: ['private', 'licensed', 'open', 'unknown'],
  lifecycle: [...LIFECYCLES],
  unchangedForDays: 30,
  createdBefore: '2026-11-01',
  untouched: true,
  visible: true,
};
const PEOPLE_FILTERS: readonly PeopleFilter[] = [
  { accountIds: Array.from({ length: Math.min(1_000, SIZE) }, (_, n) => accountIdOf(n)) },
  { standing: [...STANDINGS] },
  { outcome: [...OUTCOMES] },
  { reason: ['has-space', 'rule-auto'] },
  { ruleId: [null] },
  { hasSpace: true },
];
const ALL_PEOPLE_FILTERS: PeopleFilter = { standing: [...STANDINGS], outcome: [...OUTCOMES], ruleId: [null], hasSpace: true };
const BIGGEST_PAGE = 100;

/** The dearest page of a list: every sort in either direction with no filter and with all of them, first and second page; every filter alone. */
async function dearestPage(
  site: LocalSite,
  memory: Measured,
  name: 'spaces.list' | 'people.list',
): Promise<{ pages: number; statements: number; tookMs: number }> {
  const [sorts, filters, all] =
    name === 'spaces.list' ? [SPACE_SORTS, SPACE_FILTERS, ALL_SPACE_FILTERS] : [PEOPLE_SORTS, PEOPLE_FILTERS, ALL_PEOPLE_FILTERS];
  const dearest = { pages: 0, statements: 0, tookMs: 0 };
  const read = async (payload: object): Promise<string | null> => {
    const { statements, tookMs, data } = await must(site, memory, name, { ...payload, limit: BIGGEST_PAGE });
    dearest.pages += 1;
    dearest.statements = Math.max(dearest.statements, statements);
    dearest.tookMs = Math.max(dearest.tookMs, tookMs);
    return (data as { next: string | null }).next;
  };
  for (const by of sorts) {
    for (const direction of ['asc', 'desc'] as const) {
      for (const filter of [{}, all]) {
        const cursor = await read({ filter, sort: { by, direction } });
        if (cursor !== null) await read({ filter, sort: { by, direction }, cursor });
      }
    }
  }
  for (const filter of filters) await read({ filter });
  return dearest;
}

/** Bundles like those that are deployed: the local site's own leave out libraries, which would be loaded from files. */
function buildWhole(): string {
  execFileSync('npx', ['webpack', '--env', 'whole'], { cwd: PROJECT_ROOT, stdio: 'ignore' });
  return resolve(PROJECT_ROOT, '.cache/whole-functions');
}

/** Reads a whole export, page by page. */
async function exportAll(site: LocalSite, memory: Measured, name: string): Promise<number> {
  let rows = 0;
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
    const { data } = await must(site, memory, name, { filter: {}, cursor });
    const page = data as { rows: unknown[]; next: string | null };
    rows += page.rows.length;
    cursor = page.next;
  }
  return rows;
}

export async function pages(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: SIZE, spaces: SIZE, active: 0 });
  addChanges(site.confluence, { active: 0.1, changes: times(12), inTime: 'interleaved', inOrder: 'anywhere' });
  const memory = runInChildProcesses(site, buildWhole());
  const peaks: [string, number][] = [];
  const peak = (name: string): void => {
    peaks.push([name, memory.peakMb()]);
    memory.reset();
  };
  await untilRead(site);
  peak('reading the site, and every tick');

  console.log(`\nPages on a filled directory of ${counted(SIZE)} spaces and people`);
  row('', 'measured', 'goal');
  for (const name of ['spaces.list', 'people.list'] as const) {
    const { pages: read, statements, tookMs } = await dearestPage(site, memory, name);
    against(`${name}, the dearest of ${read} pages of ${BIGGEST_PAGE}: statements`, statements, PAGE_STATEMENTS);
    against('  site time of its handler, ms', tookMs, PAGE_MS);
  }
  peak('lists');
  const overview = await must(site, memory, 'overview.get', {});
  against('overview.get: statements', overview.statements, PAGE_STATEMENTS);
  const { rows } = (await must(site, memory, 'spaces.list', { limit: 1 })).data as { rows: { spaceId: string }[] };
  const story = await must(site, memory, 'spaces.story', { spaceId: rows[0]?.spaceId });
  against('spaces.story: statements', story.statements, STORY_STATEMENTS);
  peak('overview and story');
  if ((await exportAll(site, memory, 'spaces.export')) !== SIZE) throw new Error('the export is not whole');
  peak('export of every space');

  const { policy } = await adminData(site, 'policy.get', {});
  const another = {
    ...policy,
    everyoneElse: { ...policy.everyoneElse, mode: 'auto' as const },
    rollout: { ...policy.rollout, percent: 30 },
  };
  for (const [name, payload] of [
    ['people.simulate', { policy: another }],
    ['people.plan', {}],
  ] as const) {
    // The first one loads the code.
    await call(site, memory, name, payload);
    const { operations, coreMs, answer } = await call(site, memory, name, payload);
    if (!answer.ok) {
      row(`${name}: operations, ms of core`, 'not measured', '', `it answered ${JSON.stringify(answer.error)}`);
      continue;
    }
    against(`${name}: operations`, operations, OPERATIONS);
    against('  ms of core', coreMs, CORE_MS);
  }
  peak('simulate and plan');

  site.changeSettings({ warmProcesses: 1 });
  await adminData(site, 'settings.save', { settings: { visits: true } });
  memory.reset();
  const personal = site.confluence.state.spaces.filter(({ type }) => type === 'personal').slice(0, 25_000);
  for (const { id, key, ownerId } of personal) {
    const content = { space: { id, key, type: 'personal' } };
    const event = { eventType: 'avi:confluence:updated:page', eventCreatedDate: site.clock.iso(), atlassianId: ownerId, content };
    await site.platform.runFunction('trigger', 'on-content', event);
  }
  peak(`watching, ${counted(personal.length)} spaces in one process`);
  console.log('\nPeak memory of the functions, each group in processes of its own (RSS, MB)');
  for (const [name, mb] of peaks) against(name, mb, RSS_MB);
  endSite(site);
}

// --- a million events a day ------------------------------------------------------------------------

const WATCHED = Math.min(10_000, SIZE);
const CHANGES_A_DAY = 4;
const ORDINARY = 950_000;
/** On each of the two days. */
const ORDINARY_SAMPLE = 10_000;
const WATCH_GOALS = [
  { processes: 3, statements: 40_000 },
  { processes: 30, statements: 50_000 },
];
const WATCH = 'trigger:content-of-personal-spaces';
const GB = 0.25;
const GB_SECOND = 0.000_025;

export async function events(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: WATCHED, spaces: WATCHED, active: 0 });
  await untilRead(site);
  await adminData(site, 'settings.save', { settings: { visits: true } });
  console.log(
    `\nA day with 1,000,000 events: ${counted(WATCHED * (CHANGES_A_DAY + 1))} in ${counted(WATCHED)} personal spaces (${CHANGES_A_DAY} changes by the owner and 1 visit each)`,
  );
  row('', 'statements', 'goal', '', 'invocations', 'cold starts', '$ SQL', '$ watching', '$ all functions');
  for (const { processes, statements: goal } of WATCH_GOALS) await eventfulDay(site, processes, goal);
  endSite(site);
  console.log(
    `Statements of the whole day, those of the agenda included. Of the other ${counted(ORDINARY)} events, in ordinary spaces, ${counted(ORDINARY_SAMPLE)} were sent a day: the`,
  );
  console.log(
    'filter of the manifest let none of them through to the directory. Dollars without the free allowance; "all functions" are those of the',
  );
  console.log('events that were sent, with the trigger of provisioning, which hears page views wherever they are.');
}

async function eventfulDay(site: LocalSite, warmProcesses: number, goal: number): Promise<void> {
  site.changeSettings({ warmProcesses });
  site.platform.restart();
  const { clock } = site;
  const untilMidnight = DAY_MS - (clock.now() % DAY_MS);
  await site.advance(`PT${untilMidnight / 1000}S`);
  site.resetUsage();
  const dice = chance(warmProcesses);
  const { state } = site.confluence;
  const personal = state.spaces.filter(({ type }) => type === 'personal');
  const ordinary = state.spaces.find(({ type }) => type === 'global');
  const at = (run: () => void): void => {
    // The day's last minute is left for what is under way.
    clock.after(dice.pick(DAY_MS - 60_000), run);
  };
  for (const [n, space] of personal.entries()) {
    for (let i = 0; i < CHANGES_A_DAY / 2; i += 1) {
      at(() => edit(site.confluence, ownerOf(site, space), homeOf(site, space)));
      at(() => void comment(site.confluence, ownerOf(site, space), homeOf(site, space)));
    }
    const visitor = site.person(accountIdOf((n + 7) % WATCHED));
    at(() =>
      view(
        site.confluence,
        visitor.personalSpaceId === space.id ? site.person(accountIdOf((n + 8) % WATCHED)) : visitor,
        homeOf(site, space),
      ),
    );
  }
  for (let i = 0; i < ORDINARY_SAMPLE; i += 1) {
    const person = site.person(accountIdOf(dice.pick(WATCHED)));
    at(() => view(site.confluence, person, homeOf(site, ordinary as Space)));
  }
  await site.advance('P1D');
  const usage = site.usage();
  const watched = usage.invocations[WATCH] ?? { count: 0, errors: 0, killed: 0, milliseconds: 0 };
  const expected = personal.length * (CHANGES_A_DAY + 1);
  if (watched.count !== expected || watched.errors + watched.killed > 0)
    throw new Error(`${watched.count} of ${expected} events were heard, ${watched.errors} failed, ${watched.killed} were stopped`);
  const today = new Date(clock.now() - HOUR_MS).toISOString().slice(0, 10);
  const [changed, visited] = ['changed_on', 'visited_on'].map((column) =>
    sqlNumber(site, `SELECT COUNT(*) FROM spaces WHERE ${column} = '${today}'`),
  );
  if (changed !== personal.length || visited !== personal.length) throw new Error(`${changed} changes and ${visited} visits are known`);
  const { sql, coldStarts } = usage;
  const price = priceOf(usage);
  row(
    `${warmProcesses} processes kept warm`,
    counted(sql.statements),
    `≤ ${counted(goal)}`,
    judged(sql.statements <= goal),
    counted(watched.count),
    coldStarts,
    price.sql.toFixed(3),
    ((watched.milliseconds / 1000) * GB * GB_SECOND).toFixed(3),
    price.functions.toFixed(3),
  );
}

const ownerOf = (site: LocalSite, space: Space) => site.person(space.ownerId ?? '');
function homeOf(site: LocalSite, space: Space) {
  const home = site.confluence.state.content.get(space.homepageId ?? 0);
  if (!home) throw new Error(`${space.key} has no homepage`);
  return home;
}

// --- what is stored --------------------------------------------------------------------------------

const STORED_MB = 80;
const REBUILT_MINUTES = 60;
const MODELS = 5;
const ROWS_PER_INSERT = 1_000;
const MB = 1024 ** 2;
/** Each owner has a record of their own, one of the space, and one of the notice. */
const PROMISES = 3;

export async function storage(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: SIZE + MODELS + 1, spaces: SIZE });
  site.sqlLog = [];
  await setPolicy(site, { mode: 'auto' });
  await site.advance('PT6M');
  const tables = site.sqlLog.filter(({ path, status }) => path === 'execute/ddl' && status === 200).map(({ query }) => query);
  site.sqlLog = null;
  const model = await provisionOne(site);
  const records = multiply(site, model);
  site.loseSql();
  const lostAt = site.clock.now();
  while ((directoryState(site)?.promisesAt ?? 0) < lostAt) {
    if (site.clock.now() > lostAt + DAY_MS) throw new Error('the promises were not rebuilt within a day');
    await site.advance('PT1M');
  }
  const rebuilt = ((directoryState(site)?.promisesAt ?? 0) - lostAt) / 60_000;
  const known = sqlNumber(site, 'SELECT COUNT(*) FROM spaces WHERE origin IS NOT NULL');
  if (known < SIZE) throw new Error(`${known} promises about spaces were rebuilt`);
  await untilRead(site);

  console.log(
    `\nStored for ${counted(SIZE)} people with a space that Homestead made (${counted(records)} records, copies of one that was really made)`,
  );
  row('', 'measured', 'goal');
  against('promises rebuilt in a lost database, minutes of site time', rebuilt, REBUILT_MINUTES, 1);
  const { plain, entities } = site.platform.kvs.dump();
  const bytes = (values: Record<string, unknown>): number =>
    Object.entries(values).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value)), 0);
  const sizes = [...Object.entries(entities), ['plain keys', plain] as const].map(([name, values]) => [name, bytes(values)] as const);
  const inSql = await databaseBytes(site, tables);
  if (inSql === null) row('database, data and indexes', 'not measured', '', 'MariaDB is not installed');
  else against('database without trail, data and indexes in MariaDB, MB', inSql / MB, STORED_MB, 1);
  const promises = sizes.reduce((sum, [name, size]) => sum + (name === 'event' ? 0 : size), 0);
  row('key-value storage without trail: keys and values, MB', (promises / MB).toFixed(1));
  for (const [name, size] of sizes) if (size > MB) row(`  ${name}`, (size / MB).toFixed(1));
  endSite(site);
}

/** Has one person provisioned. */
async function provisionOne(site: LocalSite): Promise<Owner> {
  const accountId = accountIdOf(SIZE + MODELS);
  site.activity({ accountId, views: 1 });
  await site.advance('PT20M');
  const spaceId = site.person(accountId).personalSpaceId;
  const space = site.confluence.state.spacesById.get(spaceId ?? 0);
  if (!space) throw new Error('nobody got a space');
  return { accountId, spaceId: String(spaceId), key: space.key };
}

/** The same records for everybody who has a space. @returns how many were written */
function multiply(site: LocalSite, model: Owner): number {
  const owners = site.confluence.state.spaces.flatMap(({ id, key, ownerId, type }) =>
    type !== 'personal' || ownerId === null || String(id) === model.spaceId ? [] : [{ accountId: ownerId, spaceId: String(id), key }],
  );
  const written = copyRecords(site, model, owners);
  if (written < PROMISES * owners.length) throw new Error('the model lacks records');
  return written;
}

/** Bytes of the same tables and rows in a real MariaDB; null = there is none here. */
async function databaseBytes(site: LocalSite, definitions: readonly string[]): Promise<number | null> {
  if (!HAS_MARIADB) return null;
  const mariaDb = await startMariaDb();
  try {
    const connection = await mariaDb.fresh();
    for (const definition of definitions) await connection.query(definition);
    for (const [table, rows] of Object.entries(site.state().sql)) {
      const columns = Object.keys(rows[0] ?? {});
      for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
        const values = rows.slice(i, i + ROWS_PER_INSERT).map((one) => columns.map((column) => one[column]));
        await connection.query('INSERT INTO ?? (??) VALUES ?', [table, columns, values]);
      }
      await connection.query('ANALYZE TABLE ??', [table]);
    }
    const [sizes] = await connection.query(
      "SELECT CAST(SUM(data_length + index_length) AS CHAR) AS bytes FROM information_schema.tables WHERE table_schema = 'forge'",
    );
    return Number((sizes as { bytes: string }[])[0]?.bytes);
  } finally {
    await mariaDb.stop();
  }
}

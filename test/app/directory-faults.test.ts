/** The directory on bad days: readings that are cut off, refused or starved, and a database that is slow, full, missing or lost. */
import { expect, it } from 'vitest';
import type { LoggedStatement } from '../emulator/forge/sql';
import type { LocalSite } from '../emulator/site';
import { differences, directoryState, groupsInDirectory, nameGroup, nextReading, untilRead } from '../support/directory';
import {
  ANA,
  accountIdOf,
  admin,
  adminData,
  OWNER,
  personalSpacesOf,
  personData,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';
import { ONE_PROCESS, stopAtEachCall } from '../support/stops';

/** A site whose reading has every phase: leavers, guests, private, archived and trashed spaces. */
const SMALL = { people: 42 };

function quietSite(settings: Parameters<LocalSite['changeSettings']>[0] = {}): LocalSite {
  const site = startSite({ ...SMALL, settings: { ...ONE_PROCESS, ...(settings as object) } });
  // Each call is held against Atlassian's documents in the other tests.
  site.confluence.onAnswer = () => {};
  return site;
}

it.each([
  ['consumer', 12],
  ['scheduledTrigger', 10],
])(
  'a reading whose %s is stopped after any call goes on',
  async (invocation, every) => {
    const stops = await stopAtEachCall(
      invocation,
      async (stop) => {
        const site = quietSite();
        stop.order(site);
        await site.advance('PT10M');
        await untilRead(site);
        expect(await differences(site), stop.name).toEqual([]);
        site.stop();
      },
      every,
    );
    expect(stops).toBeGreaterThan(3);
  },
  300_000,
);

it('a weekly reading that is stopped in the middle is as good as a whole one', async () => {
  const stops = await stopAtEachCall(
    'consumer',
    async (stop) => {
      const site = quietSite();
      await site.fillDirectory();
      site.changePerson(OWNER, { accountStatus: 'inactive' });
      site.changePerson(accountIdOf(8), { accountStatus: 'closed' });
      site.changeSpace(personalSpacesOf(site, accountIdOf(6))[0]?.id ?? '', { by: accountIdOf(6), access: 'private' });
      site.activity({ accountId: accountIdOf(12), spaceId: personalSpacesOf(site, accountIdOf(12))[0]?.id, edits: 1 });
      stop.order(site);
      await nextReading(site);
      expect(await differences(site), stop.name).toEqual([]);
      site.stop();
    },
    18,
  );
  expect(stops).toBeGreaterThan(3);
}, 300_000);

it.each([
  ['Confluence', { target: 'confluence', respond: { status: 429, headers: { 'Retry-After': '30' } } }],
  ['the database', { target: 'sql', respond: { status: 429, body: { code: 'RATE_LIMIT_EXCEEDED', message: 'wait', suggestion: '' } } }],
])(
  'a refusal by %s at any call is waited out',
  async (_who, fault) => {
    const step = fault.target === 'sql' ? 14 : 2;
    for (let after = 0, isReached = true; isReached; after += step) {
      const site = quietSite();
      site.addFault({ ...fault, after });
      await site.advance('PT10M');
      await untilRead(site);
      expect(await differences(site), `after ${after} calls`).toEqual([]);
      const { byRoute } = site.usage().rest;
      const refusals =
        fault.target === 'sql'
          ? site.usage().sql.errors - 1
          : Object.values(byRoute).reduce((sum, { statuses }) => sum + (statuses['429'] ?? 0), 0);
      // The database's own refusals are faults of the site, and are not counted by it.
      isReached = fault.target === 'sql' ? after < 70 : refusals > 0;
      site.stop();
    }
  },
  300_000,
);

it('a search that is answered slowly is handed over in time, and comes to its end', async () => {
  const site = startSite({ seed: 'scale', people: 2_000, spaces: 2_000, active: 0.8, settings: ONE_PROCESS });
  site.confluence.onAnswer = () => {};
  site.changeSettings({ latency: { routes: { 'GET /wiki/rest/api/search': 'PT15S' } } });
  await site.advance('PT2H');
  await untilRead(site);
  expect(await differences(site)).toEqual([]);
  const { byRoute } = site.usage().rest;
  // More questions than fit into one invocation.
  expect(byRoute['GET /wiki/rest/api/search']?.requests).toBeGreaterThan(20);
  expect(site.usage().invocations['consumer:work-consumer']?.killed).toBe(0);
});

it.each(['slow', 'full', 'throttled', 'absent'] as const)(
  'with a database that is %s the rest of the app works, and readings wait',
  async (sql) => {
    const site = startSite({ settings: { sql } });
    await site.advance('PT30M');
    for (const name of ['directory.get', 'overview.get', 'spaces.list', 'people.list', 'spaces.export'] as const) {
      const answer = await admin(site, name, {});
      expect(answer, name).toMatchObject({ ok: false, error: { code: expect.stringMatching(/^(not-ready|busy)$/) } });
    }
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(await personData(site, 'me.get', ANA)).toMatchObject({ record: { state: 'ready' } });
    site.activity({ accountId: OWNER, spaceId: personalSpacesOf(site, OWNER)[0]?.id, edits: 1 });
    await site.advance('PT30M');
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ version: 1 });
    site.changeSettings({ sql: 'ready' });
    await site.advance('PT20M');
    await untilRead(site);
    expect(await differences(site)).toEqual([]);
    expect(await adminData(site, 'spaces.list', { filter: { ownerIds: [ANA] } })).toMatchObject({ rows: [{ access: 'private' }] });
  },
);

it.each(['slow', 'full', 'throttled', 'absent'] as const)(
  'a directory whose database becomes %s for an hour loses nothing',
  async (sql) => {
    const site = startSite();
    await site.fillDirectory();
    site.changeSettings({ sql });
    site.activity({ accountId: ANA, spaceId: personalSpacesOf(site, OWNER)[0]?.id, edits: 1 });
    site.changeSpace(personalSpacesOf(site, accountIdOf(6))[0]?.id ?? '', { by: accountIdOf(6), status: 'archived' });
    await site.advance('PT1H');
    site.changeSettings({ sql: 'ready' });
    await site.advance('PT30M');
    const { jobId } = directoryState(site);
    await nextReading(site);
    expect(directoryState(site).jobId).not.toBe(jobId);
    expect(await differences(site)).toEqual([]);
  },
);

/** The first reading has come to its first question of this kind. */
async function untilAsked(site: LocalSite, route: string): Promise<void> {
  await site.advance('PT5M');
  for (let tenths = 0; tenths < 200; tenths += 1) {
    if (site.usage().rest.byRoute[route] && site.usage().sql.rowsWritten > 50) return;
    await site.advance('PT0.1S');
  }
  throw new Error(`${route} was not asked`);
}
const untilMembersAreRead = (site: LocalSite): Promise<void> => untilAsked(site, 'GET /wiki/rest/api/group/{groupId}/membersByGroupId');

it.each([
  ['in the middle of a reading', untilMembersAreRead],
  ['when it was complete', async (site: LocalSite) => void (await site.fillDirectory())],
])('a database that is lost %s is rebuilt by itself, and the log says so', async (_when, until) => {
  const lines: string[] = [];
  const site = startSite();
  site.platform.appLog = (line: unknown) => void lines.push(JSON.stringify(line));
  await until(site);
  const before = directoryState(site);
  site.changePerson(OWNER, { accountStatus: 'inactive' });
  site.loseSql();
  expect(await admin(site, 'spaces.list', {})).toMatchObject({ ok: false, error: { code: 'not-ready' } });
  await site.advance('PT20M');
  await untilRead(site);
  expect(lines.join()).toContain('directory-lost');
  expect(directoryState(site).begunAt).toBeGreaterThan(before.begunAt ?? 0);
  expect(await differences(site)).toEqual([]);
  // Since when somebody is gone nobody knows any more: the wait begins anew.
  const [row] = (await adminData(site, 'people.list', { filter: { accountIds: [OWNER] } })).rows;
  expect(row).toMatchObject({ standing: 'deactivated', goneSince: site.clock.iso().slice(0, 10) });
});

it('a reading whose database was lost never says that the one in its place is complete', async () => {
  const site = quietSite();
  await untilAsked(site, 'GET /wiki/rest/api/search');
  site.loseSql();
  site.changeSettings({ latency: { rest: 'PT3S' } });
  const claims: { people: number[]; spaces: number[] } = { people: [], spaces: [] };
  // An admin's page makes the tables again, and another reading begins, while this one waits.
  for (let looks = 0; looks < 120; looks += 1) {
    const answer = await admin(site, 'directory.get', {});
    for (const part of ['people', 'spaces'] as const)
      if (answer.ok && answer.data[part].complete) claims[part].push(answer.data[part].rows);
    await site.advance('PT5S');
  }
  await untilRead(site);
  expect(await differences(site)).toEqual([]);
  const { people, spaces } = await adminData(site, 'directory.get', {});
  expect(claims.people.length).toBeGreaterThan(0);
  expect(new Set(claims.people)).toEqual(new Set([people.rows]));
  expect(new Set(claims.spaces)).toEqual(new Set([spaces.rows]));
});

it('a group that is read while another reading puts people together is not forgotten', async () => {
  const site = quietSite();
  const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
  const log: LoggedStatement[] = [];
  site.sqlLog = log;
  let isOver = false;
  // Between reading what rows are made of and writing them.
  site.platform.beforeCall = ({ name }, call) => {
    const isPuttingTogether = log.some(({ query }) => query.includes('WHERE changed > 0'));
    const hasRead = log.at(-1)?.query.startsWith('SELECT id, standing, group_set') ?? false;
    if (isOver || name !== 'consumer:work-consumer' || !call.startsWith('sql ') || !isPuttingTogether || !hasRead) return undefined;
    isOver = true;
    return nameGroup(site, group).then(() => new Promise<void>((done) => void site.clock.after(60_000, () => done())));
  };
  await site.advance('PT10M');
  expect(isOver).toBe(true);
  await untilRead(site);
  const members = [...groupsInDirectory(site)].filter(([, groups]) => groups.includes(group)).map(([accountId]) => accountId);
  expect(members.sort()).toEqual([...site.confluence.state.activeMembers(group)].sort());
});

/** Points an hour with which a reading of this many people takes most of a working day. With fewer than some 30, none can even begin. */
const STARVED = { hourlyPoints: 60, people: 300 };

it('with few points a reading takes its time, and the time it names is honest', async () => {
  const site = startSite({ people: STARVED.people, settings: { hourlyPoints: STARVED.hourlyPoints } });
  await site.advance('PT10M');
  const named: { at: number; doneAt: number }[] = [];
  let endedAt: number | null = null;
  for (let hour = 0; hour < 72 && endedAt === null; hour += 1) {
    const { spacesAt, peopleAt } = directoryState(site);
    const answer = await admin(site, 'directory.get', {});
    if (spacesAt !== null && peopleAt !== null) endedAt = Math.max(spacesAt, peopleAt);
    else if (answer.ok)
      named.push({ at: site.clock.now(), doneAt: Math.max(answer.data.spaces.doneAt ?? 0, answer.data.people.doneAt ?? 0) });
    await site.advance('PT1H');
  }
  if (endedAt === null) throw new Error('the reading has not come to its end');
  const [first] = named;
  const [HOUR, took] = [3_600_000, endedAt - (first?.at ?? 0)];
  expect(took).toBeGreaterThan(8 * HOUR);
  expect(named.length).toBeGreaterThan(3);
  for (const { at, doneAt } of named) {
    // Never much too early. It may come sooner than named: one page of members costs more than all of such an hour, and is read all the same.
    expect(doneAt, `${(at - (first?.at ?? 0)) / HOUR} hours after it began`).toBeGreaterThanOrEqual(endedAt - 2 * HOUR);
  }
  expect(new Set(named.map(({ doneAt }) => doneAt)).size).toBeGreaterThan(1);
  expect(await differences(site)).toEqual([]);
});

it('beside another customer who uses up the pool a reading waits, and goes on afterwards', async () => {
  const site = startSite({ settings: { hourlyPoints: 2_000, otherCustomersPoints: 2_000 } });
  await site.advance('PT3H');
  site.changeSettings({ otherCustomersPoints: 0 });
  await site.advance('PT1H');
  await untilRead(site);
  expect(await differences(site)).toEqual([]);
  expect(await adminData(site, 'directory.get', {})).toMatchObject({ spaces: { complete: true }, people: { complete: true } });
});

it('while a herd comes in and an admin exports all day, the herd goes first', async () => {
  const PEOPLE = 80;
  const site = startSite({ seed: 'scale', people: PEOPLE + 1, spaces: 0 });
  site.confluence.onAnswer = () => {};
  site.platform.appLog = () => {};
  await site.fillDirectory();
  await setPolicy(site, { mode: 'auto' });
  await site.advance('PT1M');
  // Every statement takes seconds, so the execution time of a minute is soon used up.
  site.changeSettings({ sql: 'slow' });
  site.activity({ count: PEOPLE, spread: 'PT1M', views: 1 });
  const answers = new Set<string>();
  const end = site.clock.now() + 2 * 60_000;
  while (site.clock.now() < end) {
    const exports = Array.from({ length: 2 }, () => admin(site, 'spaces.export', {}));
    for (const answer of await Promise.all(exports)) answers.add(answer.ok ? 'ok' : answer.error.code);
    await site.advance('PT1S');
  }
  expect([...answers]).toEqual(['busy']);
  await site.advance('PT1M');
  const people = [...site.confluence.state.people.values()].filter(({ accountType }) => accountType === 'atlassian');
  expect(people.filter(({ accountId }) => recordOf(site, accountId)?.state === 'ready')).toHaveLength(PEOPLE);
  site.changeSettings({ sql: 'ready' });
  await site.advance('PT20M');
  await nextReading(site);
  expect(await differences(site)).toEqual([]);
});

/** The directory: what it knows of a site, how it learns that, and what lists say. */
import { describe, expect, it } from 'vitest';
import { PEOPLE_SORTS, type PeopleFilter, type PeopleRow, SPACE_SORTS, type SpaceFilter, type SpaceRow } from '../../src/directory/lists';
import type { LocalSite } from '../emulator/site';
import { dayOf, daysAfter, differences, groupsInDirectory, nameGroup, nextReading, passes, readDirectory } from '../support/directory';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  ageSpace,
  OWNER,
  personalSpacesOf,
  personData,
  setPolicy,
  startSite,
} from '../support/site';

const filled = async (options: Parameters<typeof startSite>[0] = {}): Promise<LocalSite> => {
  const site = startSite(options);
  await site.fillDirectory();
  return site;
};
const spaceRow = (site: LocalSite, spaceId: string): Promise<SpaceRow | undefined> =>
  adminData(site, 'spaces.list', { filter: { spaceIds: [spaceId] } }).then(({ rows }) => rows[0]);
const personRow = (site: LocalSite, accountId: string): Promise<PeopleRow | undefined> =>
  adminData(site, 'people.list', { filter: { accountIds: [accountId] } }).then(({ rows }) => rows[0]);
const spaceOf = (site: LocalSite, accountId: string): string => personalSpacesOf(site, accountId)[0]?.id ?? '';
const today = (site: LocalSite): string => dayOf(site.clock.now());
const statements = (site: LocalSite): number => site.usage().sql.statements;

/** Events arrive, and what they set off runs. */
const SOON = 'PT10S';

describe('equals the site', () => {
  it('ten minutes after the app was installed, and a week later', async () => {
    const site = startSite();
    await site.advance('PT5M');
    await site.advance('PT5M');
    expect(await adminData(site, 'directory.get', {})).toMatchObject({ spaces: { complete: true }, people: { complete: true } });
    expect(await differences(site)).toEqual([]);
    await nextReading(site);
    expect(await differences(site)).toEqual([]);
  });

  it.each([
    ['archived spaces are not named by user records', { personalSpaceIdNamesArchived: false }],
    ['owners are not sent', { spaceOwnerIdSent: false }],
    ['the app administers every space', { appIsSpaceAdmin: 'always' }],
  ] as const)('where %s', async (_what, settings) => {
    const site = await filled({ settings });
    expect(await differences(site)).toEqual([]);
    await nextReading(site);
    expect(await differences(site)).toEqual([]);
  });
});

describe('lists', () => {
  /** Something of everything: promises, changes and visits by several, a closed account, a private space that was seen before. */
  async function fullSite(): Promise<LocalSite> {
    const site = await filled();
    await adminData(site, 'settings.save', { settings: { visits: true } });
    await setPolicy(site, { mode: 'auto', access: 'licensed' });
    for (const n of [1, 3, 5]) site.activity({ accountId: accountIdOf(n), views: 1 });
    site.activity({ accountId: ANA, spaceId: spaceOf(site, OWNER), edits: 1, views: 1 });
    site.activity({ accountId: accountIdOf(6), spaceId: spaceOf(site, accountIdOf(6)), edits: 1 });
    site.changePerson(accountIdOf(8), { accountStatus: 'closed' });
    site.changePerson(accountIdOf(12), { accountStatus: 'inactive' });
    site.changeSpace(spaceOf(site, accountIdOf(16)), { by: accountIdOf(16), access: 'private' });
    await site.advance('PT20M');
    await nextReading(site);
    return site;
  }

  it('give every row once, in order, unknown last, whatever the sort and the filter', async () => {
    const site = await fullSite();
    const all = await readDirectory(site);
    const spaces = [...all.spaces.values()];
    const people = [...all.people.values()];
    for (const direction of ['asc', 'desc'] as const) {
      for (const by of SPACE_SORTS) {
        const rows = await pages(site, 'spaces.list', {}, { by, direction }, 25);
        expect(rows, `${by} ${direction}`).toEqual(sorted(spaces, by, direction, (row) => row.spaceId));
      }
      for (const by of PEOPLE_SORTS) {
        const rows = await pages(site, 'people.list', {}, { by, direction }, 60);
        expect(rows, `${by} ${direction}`).toEqual(sorted(people, by, direction, (row) => row.accountId));
      }
    }
    const day = today(site);
    const quietFor = (days: number) => (row: SpaceRow) => {
      const since = row.lastChangeOn ?? row.unchangedSince;
      return since !== null && since <= daysAfter(day, -days);
    };
    const ids = spaces.slice(3, 9).map(({ spaceId }) => spaceId);
    const owners = spaces.flatMap(({ ownerId }) => ownerId ?? []).slice(0, 4);
    const spaceFilters: [SpaceFilter, (row: SpaceRow) => boolean][] = [
      [{ spaceIds: ids }, (row) => ids.includes(row.spaceId)],
      [{ spaceIds: [] }, () => false],
      [{ status: ['archived', 'trashed'] }, (row) => row.status === 'archived' || row.status === 'trashed'],
      [{ ownerIds: owners }, (row) => owners.includes(row.ownerId ?? '')],
      [{ ownerStanding: ['deactivated', 'closed'] }, (row) => ['deactivated', 'closed'].includes(row.ownerStanding)],
      [{ access: ['unknown'] }, (row) => row.access === 'unknown'],
      [{ access: ['licensed', 'open'] }, (row) => ['licensed', 'open'].includes(row.access)],
      [{ lifecycle: ['unused'] }, (row) => row.lifecycle === 'unused'],
      [{ lifecycle: ['in-use', 'unknown'] }, (row) => row.lifecycle === 'in-use' || row.lifecycle === 'unknown'],
      [{ origin: ['created'] }, (row) => row.origin === 'created'],
      [{ unchangedForDays: 90 }, quietFor(90)],
      [{ unchangedForDays: 365 }, quietFor(365)],
      [{ createdBefore: '2026-01-01' }, (row) => row.createdOn !== null && row.createdOn < '2026-01-01'],
      [{ untouched: true }, (row) => row.untouched === true],
      [{ visible: false }, (row) => !row.visible],
      [
        { status: ['current'], unchangedForDays: 180, untouched: false },
        (row) => row.status === 'current' && row.untouched === false && quietFor(180)(row),
      ],
    ];
    for (const [filter, matches] of spaceFilters) {
      const name = JSON.stringify(filter).slice(0, 80);
      const wanted = spaces.filter(matches);
      if (filter.spaceIds?.length !== 0) expect(wanted.length, name).toBeGreaterThan(0);
      const sort = { by: 'lastChangeOn', direction: 'desc' } as const;
      expect(await pages(site, 'spaces.list', filter, sort, 7), name).toEqual(sorted(wanted, 'lastChangeOn', 'desc', (row) => row.spaceId));
    }
    const members = people.slice(2, 9).map(({ accountId }) => accountId);
    const peopleFilters: [PeopleFilter, (row: PeopleRow) => boolean][] = [
      [{ accountIds: members }, (row) => members.includes(row.accountId)],
      [{ standing: ['deactivated'] }, (row) => row.standing === 'deactivated'],
      [{ outcome: ['create'] }, (row) => row.outcome === 'create'],
      [{ reason: people.slice(0, 1).flatMap(({ reason }) => reason ?? []) }, (row) => row.reason === people[0]?.reason],
      [{ ruleId: [null] }, (row) => row.ruleId === null],
      [{ hasSpace: true }, (row) => row.spaceId !== null],
      [{ hasSpace: false, standing: ['active'] }, (row) => row.spaceId === null && row.standing === 'active'],
    ];
    for (const [filter, matches] of peopleFilters) {
      const name = JSON.stringify(filter).slice(0, 80);
      const wanted = people.filter(matches);
      expect(wanted.length, name).toBeGreaterThan(0);
      const sort = { by: 'spaceId', direction: 'asc' } as const;
      expect(await pages(site, 'people.list', filter, sort, 30), name).toEqual(sorted(wanted, 'spaceId', 'asc', (row) => row.accountId));
    }
  });

  it('take at most three statements, a story four, and the overview three', async () => {
    const site = await filled();
    await adminData(site, 'directory.get', {});
    const cost = async (run: () => Promise<unknown>): Promise<number> => {
      const before = statements(site);
      await run();
      return statements(site) - before;
    };
    const filter: SpaceFilter = { status: ['current'], unchangedForDays: 90 };
    const first = await adminData(site, 'spaces.list', { filter, sort: { by: 'lastChangeOn' }, limit: 5 });
    expect(
      await cost(() => adminData(site, 'spaces.list', { filter, sort: { by: 'lastChangeOn' }, limit: 5, cursor: first.next })),
    ).toBeLessThanOrEqual(3);
    expect(await cost(() => adminData(site, 'people.list', { filter: { hasSpace: true }, sort: { by: 'outcome' } }))).toBeLessThanOrEqual(
      3,
    );
    expect(await cost(() => adminData(site, 'spaces.export', { filter }))).toBeLessThanOrEqual(3);
    expect(await cost(() => adminData(site, 'spaces.story', { spaceId: spaceOf(site, OWNER) }))).toBeLessThanOrEqual(4);
    expect(await cost(() => adminData(site, 'overview.get', {}))).toBeLessThanOrEqual(3);
  });

  it('refuse the cursor of another list', async () => {
    const site = await filled();
    const { next } = await adminData(site, 'spaces.list', { sort: { by: 'createdOn' }, limit: 5 });
    expect(next).not.toBeNull();
    const refused = { ok: false, error: { code: 'bad-request' } };
    expect(await admin(site, 'spaces.list', { sort: { by: 'status' }, cursor: next })).toMatchObject(refused);
    expect(await admin(site, 'spaces.list', { sort: { by: 'createdOn', direction: 'desc' }, cursor: next })).toMatchObject(refused);
    expect(await admin(site, 'spaces.list', { filter: { untouched: true }, sort: { by: 'createdOn' }, cursor: next })).toMatchObject(
      refused,
    );
    expect(await admin(site, 'people.list', { cursor: next })).toMatchObject(refused);
    expect(await admin(site, 'spaces.list', { cursor: 'nothing of the kind' })).toMatchObject(refused);
    expect(await admin(site, 'spaces.list', { sort: { by: 'createdOn' }, cursor: next })).toMatchObject({ ok: true });
  });

  it('are for administrators only', async () => {
    const site = await filled();
    for (const name of ['spaces.list', 'people.list', 'spaces.export', 'people.export', 'overview.get', 'directory.get'] as const)
      expect(await admin(site, name, {}, OWNER), name).toMatchObject({ ok: false, error: { code: 'not-admin' } });
  });
});

type Sort = { by: string; direction: 'asc' | 'desc' };

/** All pages of a list. Each says how many there are in all. */
async function pages(site: LocalSite, name: 'spaces.list' | 'people.list', filter: object, sort: Sort, limit: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  let cursor: string | null = null;
  const totals = new Set<number>();
  do {
    const page: { rows: unknown[]; next: string | null; total: number } = await adminData(site, name, {
      filter,
      sort,
      limit,
      cursor,
    } as never);
    rows.push(...page.rows);
    totals.add(page.total);
    cursor = page.next;
  } while (cursor !== null);
  expect([...totals]).toEqual([rows.length]);
  return rows;
}

/** In the order that the contract names: by the value, unknown last in both directions, and then by the id. */
function sorted<R>(rows: readonly R[], by: keyof R, direction: 'asc' | 'desc', idOf: (row: R) => string): R[] {
  const sign = direction === 'asc' ? 1 : -1;
  const compare = (a: unknown, b: unknown): number => (a === b ? 0 : (a as string) < (b as string) ? -1 : 1);
  return [...rows].sort((a, b) => {
    const [left, right] = [a[by], b[by]].map((value) => (value === 'unknown' ? null : (value as unknown)));
    if (left === null || right === null) return left === right ? compare(idOf(a), idOf(b)) : left === null ? 1 : -1;
    return sign * compare(left, right) || compare(idOf(a), idOf(b));
  });
}

describe('learns from events, for no points', () => {
  it('a new space and an archive by hand within seconds', async () => {
    const site = await filled();
    const space = site.createNatively(ANA);
    const id = String(space?.id);
    await site.advance(SOON);
    expect(await spaceRow(site, id)).toMatchObject({ ownerId: ANA, ownerStanding: 'active', status: 'current', createdOn: today(site) });
    expect(await personRow(site, ANA)).toMatchObject({ spaceId: id });
    site.changeSpace(id, { by: ADMIN_ACCOUNT_ID, status: 'archived' });
    await site.advance(SOON);
    expect(await spaceRow(site, id)).toMatchObject({ status: 'archived', lifecycle: 'archived' });
    site.changeSpace(id, { by: ADMIN_ACCOUNT_ID, status: 'current' });
    await site.advance(SOON);
    expect(await spaceRow(site, id)).toMatchObject({ status: 'current' });
  });

  it('who changed a space last, and nobody where only a search says that it changed', async () => {
    const site = await filled();
    const [own, other] = [spaceOf(site, OWNER), spaceOf(site, accountIdOf(6))];
    expect(await spaceRow(site, own)).toMatchObject({ lastChangeBy: null });
    const { points } = site.usage().rest;
    site.activity({ accountId: OWNER, spaceId: own, edits: 1 });
    site.activity({ accountId: OWNER, spaceId: other, comments: 1 });
    await site.advance(SOON);
    const day = today(site);
    expect(await spaceRow(site, own)).toMatchObject({ lastChangeOn: day, lastChangeBy: 'owner', unchangedSince: null });
    expect(await spaceRow(site, other)).toMatchObject({ lastChangeOn: day, lastChangeBy: 'others' });
    expect(site.usage().rest.points).toBe(points);
    await passes(site, 'P1D');
    // The event of this change is lost, so that only the search knows of it.
    site.activity({ accountId: ANA, spaceId: own, edits: 1, at: site.clock.iso().replace(/\.\d+Z/, 'Z') });
    await passes(site, 'PT1M');
    const changedOn = today(site);
    await nextReading(site);
    await nextReading(site);
    expect(await spaceRow(site, own)).toMatchObject({ lastChangeOn: changedOn, lastChangeBy: null });
  });

  it('visits by others, only if the admin keeps them', async () => {
    const site = await filled();
    const space = spaceOf(site, OWNER);
    site.activity({ accountId: ANA, spaceId: space, views: 1 });
    await site.advance(SOON);
    expect(await spaceRow(site, space)).toMatchObject({ lastVisitOn: null });
    await adminData(site, 'settings.save', { settings: { visits: true } });
    // A process remembers the setting for a quarter of an hour.
    await site.advance('PT16M');
    site.activity({ accountId: OWNER, spaceId: space, views: 1 });
    await site.advance(SOON);
    expect(await spaceRow(site, space)).toMatchObject({ lastVisitOn: null });
    site.activity({ accountId: ANA, spaceId: space, views: 1 });
    await site.advance(SOON);
    expect(await spaceRow(site, space)).toMatchObject({ lastVisitOn: today(site) });
  });

  it('with at most one statement for each process, space, day and kind', async () => {
    const site = await filled({ settings: { warmProcesses: 2 } });
    await adminData(site, 'settings.save', { settings: { visits: true } });
    await site.advance('PT16M');
    const space = spaceOf(site, OWNER);
    site.sqlLog = [];
    site.resetUsage();
    const visitor = accountIdOf(6);
    for (let i = 0; i < 10; i += 1) {
      for (const did of [
        { accountId: OWNER, edits: 1 },
        { accountId: visitor, edits: 1 },
        { accountId: OWNER, views: 1 },
        { accountId: visitor, views: 1 },
      ]) {
        site.activity({ spaceId: space, ...did });
        await site.advance('PT3S');
      }
    }
    const heard = site.usage().invocations['trigger:content-of-personal-spaces']?.count ?? 0;
    const noted = site.sqlLog.filter(({ query }) => query.startsWith('INSERT INTO spaces')).length;
    const KINDS = 3;
    expect(heard).toBe(40);
    expect(noted).toBeGreaterThanOrEqual(KINDS);
    expect(noted).toBeLessThanOrEqual(KINDS * (site.settings.warmProcesses + site.usage().coldStarts));
    expect(noted).toBeLessThan(heard / 2);
  });

  it('of personal spaces only: others cause no invocation', async () => {
    const site = await filled();
    const global = String(site.confluence.state.spaces.find(({ type }) => type === 'global')?.id);
    const heard = (): number => site.usage().invocations['trigger:content-of-personal-spaces']?.count ?? 0;
    site.activity({ accountId: ANA, spaceId: global, views: 3, edits: 1, comments: 1 });
    await site.advance(SOON);
    expect(heard()).toBe(0);
    site.activity({ accountId: OWNER, spaceId: spaceOf(site, OWNER), edits: 1 });
    await site.advance(SOON);
    expect(heard()).toBe(1);
  });

  it('the same of one day, in whatever order they arrive', async () => {
    const site = await filled();
    const [first, second] = [spaceOf(site, OWNER), spaceOf(site, accountIdOf(6))];
    site.activity({ accountId: OWNER, spaceId: first, edits: 1 });
    site.activity({ accountId: ANA, spaceId: second, edits: 1 });
    await site.advance(SOON);
    site.activity({ accountId: ANA, spaceId: first, edits: 1 });
    site.activity({ accountId: accountIdOf(6), spaceId: second, edits: 1 });
    await site.advance(SOON);
    expect(await spaceRow(site, first)).toMatchObject({ lastChangeBy: 'owner' });
    expect(await spaceRow(site, second)).toMatchObject({ lastChangeBy: 'owner' });
  });
});

describe('follows', () => {
  it('a space that becomes private, and one that is opened', async () => {
    const site = await filled();
    const opened = spaceOf(site, accountIdOf(10));
    const closed = spaceOf(site, OWNER);
    expect(await spaceRow(site, opened)).toMatchObject({ visible: false, status: 'unknown', lifecycle: 'unknown' });
    site.changeSpace(opened, { by: accountIdOf(10), access: 'licensed' });
    site.changeSpace(closed, { by: OWNER, access: 'private' });
    await site.advance(SOON);
    await nextReading(site);
    expect(await spaceRow(site, opened)).toMatchObject({ visible: true, status: 'current' });
    expect(await spaceRow(site, closed)).toMatchObject({
      ...{ visible: false, status: 'unknown', lastChangeOn: null, unchangedSince: null, untouched: null, lifecycle: 'unknown' },
    });
    expect(await personRow(site, OWNER)).toMatchObject({ spaceId: closed, standing: 'active' });
    expect(await differences(site)).toEqual([]);
  });

  it('a space that is purged, also when nobody hears of it', async () => {
    const site = await filled();
    const [heard, missed] = [spaceOf(site, OWNER), spaceOf(site, accountIdOf(6))];
    for (const id of [heard, missed]) site.changeSpace(id, { by: ADMIN_ACCOUNT_ID, status: 'trashed' });
    await passes(site, 'PT5H');
    const { state } = site.confluence;
    const [one, two] = [heard, missed].map((id) => state.spacesById.get(Number(id)));
    if (!one || !two) throw new Error('the spaces are not there');
    state.removeSpace(one);
    site.confluence.tell.space('deleted', one, { kind: 'anonymous' });
    await site.advance(SOON);
    expect(await spaceRow(site, heard)).toBeUndefined();
    expect(await personRow(site, OWNER)).toMatchObject({ spaceId: null });
    state.removeSpace(two);
    await nextReading(site);
    expect(await spaceRow(site, missed)).toBeUndefined();
    expect(await differences(site)).toEqual([]);
  });

  it('people who leave, come back, and lose and get licenses', async () => {
    const site = await filled();
    const [leaver, unlicensed, backAgain] = [OWNER, accountIdOf(6), accountIdOf(12)];
    site.changePerson(leaver, { accountStatus: 'inactive' });
    site.changePerson(unlicensed, { licensed: false });
    site.changePerson(backAgain, { accountStatus: 'inactive' });
    site.changePerson(ANA, { accountStatus: 'inactive' });
    await nextReading(site);
    expect(await personRow(site, leaver)).toMatchObject({ standing: 'deactivated', goneSince: today(site) });
    expect(await spaceRow(site, spaceOf(site, leaver))).toMatchObject({ ownerStanding: 'deactivated' });
    expect(await personRow(site, unlicensed)).toMatchObject({ standing: 'unlicensed' });
    expect(await personRow(site, ANA)).toBeUndefined();
    expect(await differences(site)).toEqual([]);
    site.changePerson(backAgain, { accountStatus: 'active' });
    site.changePerson(unlicensed, { licensed: true });
    site.changePerson(ANA, { accountStatus: 'active' });
    await nextReading(site);
    expect(await personRow(site, backAgain)).toMatchObject({ standing: 'active', goneSince: null });
    expect(await spaceRow(site, spaceOf(site, unlicensed))).toMatchObject({ ownerStanding: 'active' });
    expect(await differences(site)).toEqual([]);
  });

  it('a closed account: its row goes, its space stays without it, and no later reading puts it back', async () => {
    const site = await filled();
    const space = spaceOf(site, OWNER);
    const { lastChangeOn, createdOn } = (await spaceRow(site, space)) as SpaceRow;
    expect(lastChangeOn).not.toBeNull();
    site.changePerson(OWNER, { accountStatus: 'closed' });
    await site.advance(SOON);
    for (let week = 0; week < 2; week += 1) {
      await nextReading(site);
      expect(await personRow(site, OWNER), `week ${week}`).toBeUndefined();
      expect(await spaceRow(site, space), `week ${week}`).toMatchObject({
        ...{ spaceId: space, ownerId: null, key: null, ownerStanding: 'closed', lastChangeOn, createdOn },
      });
    }
    // An event about it does not put them back either.
    site.changeSpace(space, { by: ADMIN_ACCOUNT_ID, status: 'current' });
    await site.advance(SOON);
    expect(await spaceRow(site, space)).toMatchObject({ ownerId: null, key: null, ownerStanding: 'closed', status: 'current' });
    const everything = JSON.stringify(site.state().sql);
    expect(everything).not.toContain(OWNER);
    expect(everything).not.toContain(OWNER.replace(/[:-]/g, ''));
  });

  it('the groups that the policy names, from one day to the next', async () => {
    const site = await filled();
    const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    await nameGroup(site, group);
    await site.advance('PT30M');
    expect(groupsInDirectory(site).get(accountIdOf(3))).toContain(group);
    expect(groupsInDirectory(site).get(ANA)).not.toContain(group);
    site.changePerson(ANA, { groups: ['confluence-users-example', 'engineering'] });
    site.changePerson(accountIdOf(3), { groups: ['confluence-users-example'] });
    await site.advance('P1DT30M');
    expect(groupsInDirectory(site).get(accountIdOf(3))).not.toContain(group);
    expect(groupsInDirectory(site).get(ANA)).toContain(group);
    expect(await differences(site, { namedGroups: [group] })).toEqual([]);
  });

  it('what it knows of somebody, which their own page shows, groups included', async () => {
    const site = await filled();
    const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    await nameGroup(site, group);
    await site.advance('PT30M');
    const { directory } = await personData(site, 'me.data', OWNER);
    expect(directory.person).toMatchObject({ accountId: OWNER, standing: 'active', spaceId: spaceOf(site, OWNER) });
    expect(directory.groups).toEqual(groupsInDirectory(site).get(OWNER));
    expect(directory.spaces).toMatchObject([{ spaceId: spaceOf(site, OWNER), ownerId: OWNER }]);
  });

  it('everybody else, when a group that the policy names is gone', async () => {
    const site = startSite();
    const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    await nameGroup(site, group);
    const { policy } = await adminData(site, 'policy.get', {});
    const gone = { target: 'confluence', path: `/wiki/rest/api/group/${group}/membersByGroupId**`, times: 1_000, respond: { status: 404 } };
    site.addFault(gone);
    site.confluence.onAnswer = () => {};
    await site.fillDirectory();
    expect((await adminData(site, 'people.list', { filter: { standing: ['active'] } })).total).toBeGreaterThan(90);
    expect(await adminData(site, 'people.simulate', { policy })).toMatchObject({ unread: [group], exact: false });
    site.clearFaults();
    await site.advance('P1DT1H');
    expect(await adminData(site, 'people.simulate', { policy })).toMatchObject({ unread: [], exact: true });
  });

  it('a group that the policy has just named: only that one is read, for at most 2.2 points a member', async () => {
    const site = await filled();
    const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    const members = site.confluence.state.activeMembers(group).length;
    await nameGroup(site, group);
    site.resetUsage();
    await site.advance('PT40M');
    const { byRoute, points } = site.usage().rest;
    const routes = Object.keys(byRoute);
    expect(routes.filter((route) => /spaces|search|users-bulk/.test(route))).toEqual([]);
    expect(groupsInDirectory(site).get(accountIdOf(3))).toContain(group);
    // What any group costs: which groups there are.
    expect(points).toBeLessThanOrEqual(2.2 * members + 6);
    expect(await differences(site, { namedGroups: [group] })).toEqual([]);
  });
});

/** A rule about this group: nobody in it gets a space. */
it('a space that nobody touched after its making is told from one that somebody did', async () => {
  const site = await filled();
  const made = site.createNatively(ANA);
  const id = String(made?.id);
  await site.advance(SOON);
  site.activity({ accountId: ANA, spaceId: id, edits: 1 });
  await site.advance(SOON);
  await nextReading(site);
  expect(await spaceRow(site, id)).toMatchObject({ untouched: true });
  ageSpace(site, id, 0);
  site.activity({ accountId: ANA, spaceId: id, edits: 1 });
  await site.advance(SOON);
  expect(await spaceRow(site, id)).toMatchObject({ untouched: false, lastChangeOn: today(site), lastChangeBy: 'owner' });
});

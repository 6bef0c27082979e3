/** What the directory should say of a site, worked out from the site itself, and what it does say. */
import type { PeopleRow, SpaceRow } from '../../src/directory/lists';
import { maySee, maySeeContent } from '../emulator/confluence/access';
import type { Person, Space } from '../emulator/confluence/state';
import type { LocalSite } from '../emulator/site';
import { adminData } from './site';

const DAY_MS = 86_400_000;
/** Days after its creation during which changes belong to the making of a space. */
const SETTLING_DAYS = 2;
const APP = { kind: 'app' } as const;

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
export const daysAfter = (day: string, days: number): string => dayOf(Date.parse(day) + days * DAY_MS);

export interface Directory {
  spaces: Map<string, SpaceRow>;
  people: Map<string, PeopleRow>;
}

/** Every row, page by page as an admin's page would ask. */
export async function readDirectory(site: LocalSite): Promise<Directory> {
  const spaces = new Map<string, SpaceRow>();
  const people = new Map<string, PeopleRow>();
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
    const page: { rows: SpaceRow[]; next: string | null } = await adminData(site, 'spaces.export', { cursor });
    for (const row of page.rows) spaces.set(row.spaceId, row);
    cursor = page.next;
  }
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
    const page: { rows: PeopleRow[]; next: string | null } = await adminData(site, 'people.export', { cursor });
    for (const row of page.rows) people.set(row.accountId, row);
    cursor = page.next;
  }
  return { spaces, people };
}

/** The ids of the groups that each person is in, as the directory has them. */
export function groupsInDirectory(site: LocalSite): Map<string, string[]> {
  const ids = new Map(
    site
      .sql({ query: 'SELECT id, group_number FROM read_groups', params: [] })
      .rows.map((row) => [String(row.group_number), String(row.id)]),
  );
  const { rows } = site.sql({ query: 'SELECT id, group_set FROM people', params: [] });
  return new Map(
    rows.map((row) => [
      String(row.id),
      String(row.group_set)
        .split(',')
        .filter((number) => number !== '')
        .map((number) => ids.get(number) ?? number)
        .sort(),
    ]),
  );
}

const personalSpaces = (site: LocalSite): Space[] => site.confluence.state.spaces.filter(({ type }) => type === 'personal');

/** The day of the newest change that the app could find by searching; null = it sees no content there. */
export function lastChangeOf(site: LocalSite, space: Space): string | null {
  const { state } = site.confluence;
  const times = (state.contentBySpace.get(space.id) ?? [])
    .filter((item) => ['current', 'archived'].includes(item.status) && maySeeContent(state, APP, item))
    .map((item) => Math.max(...item.versions.map(({ at }) => at)));
  return times.length === 0 ? null : dayOf(Math.max(...times));
}

function standingOf(site: LocalSite, person: Person): string {
  if (person.accountStatus === 'inactive') return 'deactivated';
  if (person.accountStatus !== 'active') return person.accountStatus;
  if (person.isGuest) return 'guest';
  return site.confluence.state.isLicensed(person) ? 'active' : 'unlicensed';
}

/** @param namedGroups ids of groups that the policy names */
function groupsOf(site: LocalSite, person: Person, namedGroups: readonly string[]): string[] {
  if (person.accountStatus !== 'active') return [];
  const { groups } = site.confluence.state;
  return [...person.groups].filter((id) => groups.get(id)?.access !== 'none' || namedGroups.includes(id)).sort();
}

export interface ExpectedSpace {
  space: Space;
  ownerStanding: string;
  isVisible: boolean;
}

/** Spaces that a whole reading can find: those that the app sees, and those that the record of somebody in its lists names. */
export function expectedSpaces(site: LocalSite, namedGroups: readonly string[] = []): Map<string, ExpectedSpace> {
  const { state } = site.confluence;
  const expected = new Map<string, ExpectedSpace>();
  for (const space of personalSpaces(site)) {
    const isVisible = maySee(state, APP, space);
    const owner = state.people.get(space.ownerId ?? '');
    const isNamed = owner !== undefined && groupsOf(site, owner, namedGroups).length > 0 && bulkSpaceId(site, owner) === space.id;
    if (isVisible || isNamed)
      expected.set(String(space.id), { space, ownerStanding: owner ? standingOf(site, owner) : 'unknown', isVisible });
  }
  return expected;
}

/** The space that Confluence's own record of a person names. */
function bulkSpaceId(site: LocalSite, person: Person): number | null {
  const space = site.confluence.state.spacesById.get(person.personalSpaceId ?? 0);
  if (!space) return null;
  return space.status === 'current' || site.settings.personalSpaceIdNamesArchived ? space.id : null;
}

export interface ExpectedPerson {
  standing: string;
  groups: string[];
  spaceId: string | null;
}

/** Whom a whole reading can find: members of the groups that it reads, and owners of the spaces that it finds. */
export function expectedPeople(site: LocalSite, namedGroups: readonly string[] = []): Map<string, ExpectedPerson> {
  const spaceOf = new Map<string, string>();
  for (const [id, { space }] of expectedSpaces(site, namedGroups)) if (space.ownerId !== null) spaceOf.set(space.ownerId, id);
  const expected = new Map<string, ExpectedPerson>();
  for (const person of site.confluence.state.people.values()) {
    const standing = standingOf(site, person);
    const groups = groupsOf(site, person, namedGroups);
    const spaceId = spaceOf.get(person.accountId) ?? null;
    if (standing === 'closed' || (groups.length === 0 && spaceId === null)) continue;
    expected.set(person.accountId, { standing, groups, spaceId });
  }
  return expected;
}

/**
 * What is wrong in the directory right after a whole reading; empty = it equals the site.
 * @param options.recent a day since which an event spares the question, so that a later lost event is found a reading later
 * @param options.remembers spaces that may still be known although no list and no user record names them
 */
export async function differences(
  site: LocalSite,
  options: { namedGroups?: readonly string[]; recent?: string; remembers?: ReadonlySet<string> } = {},
): Promise<string[]> {
  const { namedGroups = [], recent, remembers = new Set() } = options;
  const { spaces, people } = await readDirectory(site);
  const wrong: string[] = [];
  const expected = expectedSpaces(site, namedGroups);
  for (const [id, wanted] of expected) {
    const row = spaces.get(id);
    if (row) wrong.push(...wrongOfSpace(site, row, wanted, recent).map((what) => `space ${id}: ${what}`));
    else wrong.push(`space ${id} is missing`);
  }
  for (const [id, row] of spaces) {
    if (expected.has(id)) continue;
    if (!remembers.has(id)) wrong.push(`space ${id} should not be there`);
    else if (row.visible) wrong.push(`space ${id} cannot be visible`);
  }
  const wantedPeople = expectedPeople(site, namedGroups);
  const groups = groupsInDirectory(site);
  for (const [id, { standing, spaceId, groups: wantedGroups }] of wantedPeople) {
    const row = people.get(id);
    const found = row && { standing: row.standing, spaceId: row.spaceId, groups: groups.get(id) };
    const wanted = { standing, spaceId, groups: wantedGroups };
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      wrong.push(`person ${id}: ${JSON.stringify(found)} should be ${JSON.stringify(wanted)}`);
  }
  for (const [id, { spaceId }] of people)
    if (!wantedPeople.has(id) && !(spaceId !== null && remembers.has(spaceId))) wrong.push(`person ${id} should not be there`);
  return wrong;
}

function wrongOfSpace(
  site: LocalSite,
  row: SpaceRow,
  { space, ownerStanding, isVisible }: ExpectedSpace,
  recent: string | undefined,
): string[] {
  const isClosed = ownerStanding === 'closed';
  const wanted: Partial<SpaceRow> = {
    visible: isVisible,
    ownerId: isClosed ? null : space.ownerId,
    ownerStanding: ownerStanding as SpaceRow['ownerStanding'],
    status: isVisible ? space.status : 'unknown',
    ...(isVisible || isClosed ? { key: isClosed ? null : space.key } : {}),
    ...(isVisible ? { createdOn: dayOf(space.createdAt) } : {}),
  };
  const wrong = Object.entries(wanted).flatMap(([name, value]) =>
    row[name as keyof SpaceRow] === value ? [] : [`${name} is ${row[name as keyof SpaceRow]}, should be ${value}`],
  );
  const change = changeProblem(site, row, space, isVisible && space.status !== 'trashed' && !isClosed, recent);
  return change === null ? wrong : [...wrong, change];
}

/** Whether what a row says of the last change is as much as could be known, and not more. */
function changeProblem(site: LocalSite, row: SpaceRow, space: Space, isAskable: boolean, recent: string | undefined): string | null {
  const { lastChangeOn, unchangedSince, untouched, checkedAt } = row;
  const said = `changed ${lastChangeOn}, unchanged since ${unchangedSince}, untouched ${untouched}, checked ${checkedAt}`;
  const truth = lastChangeOf(site, space);
  const problem = `${said}; the last change was on ${truth}`;
  if (lastChangeOn !== null && unchangedSince !== null) return problem;
  // What was never true is wrong of any space.
  if (lastChangeOn !== null && truth !== null && lastChangeOn > truth) return problem;
  if (!isAskable) return null;
  if (truth === null) return unchangedSince === null ? problem : null;
  const settledOn = daysAfter(dayOf(space.createdAt), SETTLING_DAYS);
  if (lastChangeOn !== truth) {
    const isSpared = lastChangeOn !== null && recent !== undefined && lastChangeOn >= recent;
    const isVerified = unchangedSince !== null && truth < unchangedSince && truth <= settledOn;
    if (!isSpared && !isVerified) return problem;
  } else if (untouched !== truth <= settledOn) return problem;
  if (lastChangeOn === null && untouched !== true) return problem;
  return checkedAt === null ? problem : null;
}

/** Moves the clock without waking the app: ticks are lost on the way, and so are events. */
export async function passes(site: LocalSite, duration: string): Promise<void> {
  const { drop } = site.settings.deliverEvents;
  site.changeSettings({ deliverEvents: { drop: 1 } });
  await site.advance(duration);
  site.changeSettings({ deliverEvents: { drop } });
}

/** How far the directory is, in storage. */
export function directoryState(site: LocalSite): {
  jobId: string | null;
  begunAt: number | null;
  spacesAt: number | null;
  peopleAt: number | null;
  pass: number;
} {
  const stored = site.platform.kvs.dump().entities.register?.directory as { data: ReturnType<typeof directoryState> } | undefined;
  return stored?.data ?? { jobId: null, begunAt: null, spacesAt: null, peopleAt: null, pass: 0 };
}

/** Moves the clock until the present reading is over. */
export async function untilRead(site: LocalSite, hours = 24): Promise<void> {
  for (let turn = 0; turn < hours * 12; turn += 1) {
    await site.advance('PT5M');
    const { jobId, spacesAt, peopleAt } = directoryState(site);
    const job = site.platform.kvs.dump().entities.job?.[jobId ?? ''] as { state: string } | undefined;
    if (job?.state === 'done' && spacesAt !== null && peopleAt !== null) return;
  }
  throw new Error(`the directory is not complete after ${hours} hours`);
}

/** Lets a week end and reads everything once more. */
export async function nextReading(site: LocalSite): Promise<void> {
  const { begunAt, jobId } = directoryState(site);
  const left = (begunAt ?? 0) + 7 * DAY_MS - site.clock.now();
  if (left > 0) await passes(site, `PT${Math.ceil(left / 1_000)}S`);
  for (let turn = 0; directoryState(site).jobId === jobId; turn += 1) {
    if (turn > 12) throw new Error('no new reading has begun');
    await site.advance('PT5M');
  }
  await untilRead(site);
}

/** Saves a policy with a rule for this group. */
export async function nameGroup(site: LocalSite, group: string): Promise<void> {
  const { policy, version } = await adminData(site, 'policy.get', {});
  const rule = { ...policy.everyoneElse, id: 'engineers', name: 'Engineers', groups: [group], exceptGroups: [] };
  await adminData(site, 'policy.save', { policy: { ...policy, rules: [rule] }, baseVersion: version });
}

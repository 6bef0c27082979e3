/** What the lists say of people, put together: how they stand, their groups, their space. */
import type { BulkUser } from '../confluence/people';
import { type Standing, standingOf } from '../domain/directory';
import { DEFAULT_POLICY } from '../domain/policy/document';
import { dayOf } from '../domain/time';
import { wakeLeftOut } from '../store/people';
import { readPolicy } from '../store/policy';
import {
  listReadGroups,
  type Memberships,
  notePeople,
  type PersonRow,
  type ReadGroup,
  readMemberships,
  readPeopleRows,
  removePeople,
  setOfGroups,
  type Yardstick,
} from './people';
import { copyStandings, findSpacesOf, forgetOwners, noteInvisible, type OwnSpace } from './spaces';

export interface Context extends Yardstick {
  /** Numbers of the groups that give a license. */
  licensed: ReadonlySet<number>;
  groups: readonly ReadGroup[];
  pass: number;
}

/** Of outcomes while the policy cannot be read. */
export const UNREADABLE_VERSION = -1;

/** What outcomes are decided by. An unreadable policy lets nothing happen, and counts as no version. */
export async function readContext(pass: number): Promise<Context> {
  const [state, groups] = [await readPolicy(), await listReadGroups()];
  return {
    policy: state.kind === 'unreadable' ? DEFAULT_POLICY : state.policy,
    version: state.kind === 'unreadable' ? UNREADABLE_VERSION : state.version,
    groupIds: new Map(groups.map(({ number, id }) => [number, id])),
    groups,
    licensed: new Set(groups.filter(({ isLicensed }) => isLicensed).map(({ number }) => number)),
    pass,
  };
}

/** What their rows are made of. */
interface Sources {
  memberships: Map<string, Memberships>;
  spaces: Map<string, OwnSpace>;
  rows: Map<string, PersonRow>;
}

const readSources = async (accountIds: readonly string[]): Promise<Sources> => ({
  memberships: await readMemberships(accountIds),
  spaces: await findSpacesOf(accountIds),
  rows: await readPeopleRows(accountIds),
});

/** All that somebody's row would have to follow. */
function sourceOf(accountId: string, { memberships, spaces, rows }: Sources): string {
  const { id, isVisible } = spaces.get(accountId) ?? {};
  return JSON.stringify([memberships.get(accountId), id, isVisible, rows.get(accountId)?.remembered]);
}

/** How often rows are written again because their sources were changed meanwhile; the next reading does the rest. */
const MAX_ROUNDS = 3;

/**
 * Their rows anew, from memberships and spaces. Whom these do not settle, and nobody has looked up yet, is marked for that.
 * Other readings and events write the same rows: whose sources have changed by the time they are written is put together again, so
 * that the last one to write knows everything.
 */
export async function derivePeople(accountIds: readonly string[], context: Context, now: number): Promise<void> {
  let left = accountIds;
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round += 1) {
    const sources = await readSources(left);
    const people = left.map((accountId) => derivedRow(accountId, sources, context));
    await writeDerived(people, context, now);
    await wakeLeftOut(changedAmong(people, sources), now);
    left = await changedSince(left, sources);
  }
}

/** Who was left without a space, and is in other groups or stands otherwise than then: only such a change can matter to them. */
const changedAmong = (people: readonly PersonRow[], { rows }: Sources): string[] =>
  people.flatMap((person) => {
    const before = rows.get(person.accountId);
    const isSame = before?.standing === person.standing && setOfGroups(before.groups) === setOfGroups(person.groups);
    return before?.remembered?.state !== 'excluded' || isSame ? [] : [person.accountId];
  });

async function changedSince(accountIds: readonly string[], before: Sources): Promise<string[]> {
  const after = await readSources(accountIds);
  return accountIds.filter((accountId) => after.rows.has(accountId) && sourceOf(accountId, after) !== sourceOf(accountId, before));
}

function derivedRow(accountId: string, { memberships, spaces, rows }: Sources, context: Context): PersonRow {
  const { groups = [], isGuest = false } = memberships.get(accountId) ?? {};
  const isLicensed = groups.some((number) => context.licensed.has(number));
  const space = spaces.get(accountId);
  const spaceId = space?.id ?? null;
  const row = rows.get(accountId);
  // Who was looked up, and of whom the lists say nothing else since, is settled until everybody is asked about again.
  const isSettled = row !== undefined && !row.look && isPresent(row.standing) === isLicensed && row.spaceId === spaceId;
  return {
    accountId,
    // Whoever left the groups may have left the company, or only lost the license.
    standing: isLicensed ? (isGuest ? 'guest' : 'active') : row && !isPresent(row.standing) ? row.standing : 'unknown',
    groups,
    spaceId,
    remembered: row?.remembered ?? null,
    look: !isSettled && (!isLicensed || !space?.isVisible),
  };
}

const isPresent = (standing: Standing): boolean => standing === 'active' || standing === 'guest';

/** What Confluence's own records say of people who were marked. @param users may lack some: Confluence does not know them */
export async function settlePeople(
  accountIds: readonly string[],
  users: readonly BulkUser[],
  context: Context,
  now: number,
): Promise<void> {
  const found = new Map(users.map((user) => [user.accountId, user]));
  const sources = await readSources(accountIds);
  const { memberships, spaces, rows } = sources;
  const invisible: { id: string; ownerId: string }[] = [];
  const people: PersonRow[] = [];
  const closed: string[] = [];
  const gone: string[] = [];
  for (const accountId of accountIds) {
    const user = found.get(accountId);
    const { groups = [] } = memberships.get(accountId) ?? {};
    const isLicensed = groups.some((number) => context.licensed.has(number));
    const listed = spaces.get(accountId);
    const spaceId = user?.personalSpaceId ?? (listed?.isVisible ? listed.id : null);
    const standing = user ? standingOf(user) : 'unknown';
    if (spaceId !== null && spaceId !== listed?.id) invisible.push({ id: spaceId, ownerId: accountId });
    else if (spaceId !== null && listed && !listed.isVisible) invisible.push({ id: spaceId, ownerId: accountId });
    const remembered = rows.get(accountId)?.remembered ?? null;
    if (standing === 'closed') closed.push(accountId);
    else if (groups.length === 0 && spaceId === null && remembered === null) gone.push(accountId);
    else
      people.push({
        accountId,
        standing: isLicensed && standing === 'unlicensed' ? 'active' : standing,
        groups,
        spaceId,
        remembered,
        look: false,
      });
  }
  await noteInvisible(invisible, context.pass, now);
  const settled = { ...sources, spaces: await findSpacesOf(accountIds) };
  await writeDerived(people, context, now);
  await wakeLeftOut(changedAmong(people, sources), now);
  await eraseFromDirectory(closed);
  await removePeople(gone);
  await derivePeople(await changedSince(accountIds, settled), context, now);
}

async function writeDerived(people: readonly PersonRow[], context: Context, now: number): Promise<void> {
  const standings = new Map<string, string[]>();
  for (const { accountId, standing, spaceId } of people) {
    if (spaceId === null) continue;
    const same = standings.get(standing);
    if (same) same.push(accountId);
    else standings.set(standing, [accountId]);
  }
  // What says that somebody is settled is written last: whoever is stopped before that begins again.
  await copyStandings(standings);
  await notePeople(people, context, dayOf(now), now);
}

/** Takes closed accounts out of everything that the directory holds; what it knows of their spaces stays without them. */
export async function eraseFromDirectory(accountIds: readonly string[]): Promise<void> {
  await forgetOwners(accountIds);
  await removePeople(accountIds);
}

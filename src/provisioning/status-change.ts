/** Remembers who archived, trashed, deleted or restored a space, and when, so that none is created again. */
import { asApp, asPerson } from '../confluence/call';
import { readPerson } from '../confluence/people';
import { readSpace } from '../confluence/spaces';
import { clearNotice } from '../confluence/user-properties';
import { isIn, type Person, recordRemoval, returned, spaceIdOf } from '../domain/person';
import { type SpaceStatus, seenAs } from '../domain/space';
import { PlatformRefusal } from '../forge/errors';
import { findPeopleBySpace, readPersonRecord, writePerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';

export interface NotedSpace {
  spaceId: string;
  /** null where the caller does not know it. */
  key: string | null;
  /** Account id, where the caller knows it. */
  ownerId: string | null;
}

export interface NotedBy {
  /** Account id, `app` or `unknown`. */
  by: string;
  /** ms */
  at: number;
  /** The run that did it. */
  runId?: string | null;
}

/** What Confluence's events may say of a space. */
const STATUSES: readonly string[] = ['current', 'archived', 'trashed', 'deleted'] satisfies SpaceStatus[];
export const isStatus = (status: string): status is SpaceStatus => STATUSES.includes(status);

/**
 * Remembers a status that is certain, also while the policy is off: what an admin removed then must not come back when
 * it is switched on.
 * @returns account ids of those whose space it is
 */
export async function noteStatus(space: NotedSpace, status: SpaceStatus, noted: NotedBy): Promise<string[]> {
  const owners = await ownersOf(space);
  for (const owner of owners) await applyStatus(owner, space, status, noted);
  return owners.map(({ accountId }) => accountId);
}

/**
 * An event claims a status. Events come late, out of order, or not at all, so the space itself is asked.
 * @returns account ids of those whose space it is
 */
export async function followEvent(space: NotedSpace, claimed: SpaceStatus, noted: NotedBy): Promise<string[]> {
  const owners = await ownersOf(space);
  if (owners.length === 0) return [];
  const status = await askForStatus(space.spaceId, owners[0]?.accountId ?? space.ownerId, claimed);
  if (status !== null) for (const owner of owners) await applyStatus(owner, space, status, noted);
  return owners.map(({ accountId }) => accountId);
}

/** The status as the app or the owner sees it; null = the claim is not true, or cannot be checked. */
async function askForStatus(spaceId: string, ownerId: string | null, claimed: SpaceStatus): Promise<SpaceStatus | null> {
  const seen = await readSpace(asApp(), spaceId);
  if (seen) return isStatus(seen.status) ? seen.status : null;
  if (ownerId === null) return claimed === 'current' ? null : claimed;
  try {
    const own = await readSpace(asPerson(ownerId), spaceId);
    if (own) return isStatus(own.status) ? own.status : null;
    // Not even its owner sees it.
    return claimed === 'current' ? null : claimed;
  } catch (error) {
    if (!(error instanceof PlatformRefusal) || error.isTransient) throw error;
    // Nobody can be asked as the owner, who may have left: Confluence still names a space that exists.
    if (claimed !== 'deleted') return claimed;
    return (await readPerson(ownerId))?.personalSpaceId === spaceId ? null : 'deleted';
  }
}

interface Owner {
  accountId: string;
  person: Person | null;
}

async function applyStatus(
  { accountId, person }: Owner,
  noted: NotedSpace,
  status: SpaceStatus,
  { by, at, runId }: NotedBy,
): Promise<void> {
  const { spaceId } = noted;
  const own = await readSpaceRecord(spaceId);
  const spaceKey = noted.key ?? own?.key ?? null;
  const space = own && seenAs(own, status, at);
  if (status === 'current') {
    if (!isIn(person, 'removed') || person.spaceId !== spaceId) return;
    const transition = returned(person, { spaceId, spaceKey, origin: own?.origin ?? null }, at);
    await writePerson(person, transition, { by, at, runId: runId ?? null, space });
    return;
  }
  if (isIn(person, 'removed') && person.how === status && person.spaceId === spaceId) return;
  const transition = recordRemoval(person, accountId, { spaceId, spaceKey, how: status, by }, at);
  const { hadNotice } = await writePerson(person, transition, { by, at, runId: runId ?? null, space });
  if (hadNotice) await clearNotice(accountId);
}

/**
 * Whose space it is: those recorded with it, or who created it. Keys are not trusted (older ones do not hold the account
 * id), nor is an event about another space than the one the person has now.
 */
async function ownersOf({ spaceId, ownerId }: NotedSpace): Promise<Owner[]> {
  const recorded = await findPeopleBySpace(spaceId);
  if (recorded.length > 0) return recorded.map((person) => ({ accountId: person.accountId, person }));
  const owner = ownerId ?? (await readSpaceRecord(spaceId))?.ownerId ?? null;
  if (owner === null) return [];
  const person = await readPersonRecord(owner);
  const known = person && spaceIdOf(person);
  if (known !== null && known !== spaceId) return [];
  const personalSpaceId = (await readPerson(owner))?.personalSpaceId ?? null;
  return personalSpaceId === null || personalSpaceId === spaceId ? [{ accountId: owner, person }] : [];
}

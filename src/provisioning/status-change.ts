/** Spaces that were put away are remembered, by whom and when, so that they are not made again. */

import { readPerson } from '../confluence/people';
import { clearNotice } from '../confluence/user-properties';
import type { Reason } from '../domain/provisioning/decide';
import { findPeopleBySpace, newPerson, provisioningAudit, readPersonRecord, type StoredPersonRecord, writePerson } from '../store/people';

export interface PutAway {
  spaceId: string;
  key: string;
  /** Account id, where the caller knows it. */
  ownerId: string | null;
}

const REASONS = {
  archived: 'space-archived',
  trashed: 'space-trashed',
  deleted: 'space-removed',
} as const satisfies Record<string, Reason>;

/**
 * A personal space was archived, trashed, deleted, or is back. Remembered also while the policy is off:
 * what an admin removed then must not come back when it is switched on.
 * @param by account id of who did it, or `unknown`
 * @param at when it happened (ms); what is older than what is remembered is left out
 * @returns account ids of those whose space it is
 */
export async function noteStatus(
  space: PutAway,
  status: 'archived' | 'trashed' | 'deleted' | 'current',
  by: string,
  at: number,
): Promise<string[]> {
  const owners = await ownersOf(space);
  for (const person of owners) {
    // Deleted is for good, whenever the word of it comes.
    if (status !== 'deleted' && at < person.changedAt) continue;
    if (status === 'current') await bringBack(person, space, by, at);
    else await bury(person, space, REASONS[status], by, at);
  }
  return owners.map((person) => person.accountId);
}

async function bury(person: StoredPersonRecord, { spaceId, key }: PutAway, reason: Reason, by: string, now: number): Promise<void> {
  // What is known to be deleted is not made "archived" by an event that arrives late.
  if (person.state === 'removed' && (person.reason === reason || person.reason === 'space-removed')) return;
  const hadNotice = person.notice !== 'done';
  const gone = { state: 'removed', reason, changedAt: now, recheckAt: null, notice: 'done', by } as const;
  const removed = { ...person, ...gone, spaceId, spaceKey: key };
  await writePerson(removed, { audit: provisioningAudit(removed, 'removed', by, now) });
  if (hadNotice) await clearNotice(person.accountId);
}

/** A restored space is as it was: Homestead's own, or one that is looked at anew. */
async function bringBack(person: StoredPersonRecord, { spaceId }: PutAway, by: string, now: number): Promise<void> {
  if (person.state !== 'removed' || person.reason === 'space-removed' || person.spaceId !== spaceId) return;
  const back: StoredPersonRecord =
    person.templateKey === null
      ? { ...person, state: 'excluded', reason: 'tombstone-lifted', changedAt: now, recheckAt: null, by: null }
      : { ...person, state: 'ready', reason: 'space-made', changedAt: now, recheckAt: null, by: null };
  await writePerson(back, { audit: provisioningAudit(back, 'returned', by, now) });
}

/**
 * Whose space it is: those recorded with it, or who made it. Keys are not trusted (older ones are not made of
 * the account id), nor is an event about another space than the one the person has now.
 */
async function ownersOf({ spaceId, ownerId }: PutAway): Promise<StoredPersonRecord[]> {
  const recorded = await findPeopleBySpace(spaceId);
  if (recorded.length > 0 || ownerId === null) return recorded;
  const person = await readPersonRecord(ownerId);
  if (person && person.spaceId !== null && person.spaceId !== spaceId) return [];
  const personalSpaceId = (await readPerson(ownerId))?.personalSpaceId ?? null;
  return personalSpaceId === null || personalSpaceId === spaceId ? [person ?? newPerson(ownerId)] : [];
}

/** Spaces that were put away are remembered, by whom and when, so that they are not made again. */
import { clearNotice } from '../confluence/notices';
import type { Reason } from '../domain/provisioning';
import { findPeopleBySpace, newPerson, provisioningAudit, readPersonRecord, type StoredPersonRecord, writePerson } from '../store/people';
import { personalSpaceKey } from './strategies';

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
 */
export async function noteStatus(
  space: PutAway,
  status: 'archived' | 'trashed' | 'deleted' | 'current',
  by: string,
  now: number,
): Promise<void> {
  for (const person of await ownersOf(space)) {
    if (status === 'current') await bringBack(person, space, by, now);
    else await bury(person, space, REASONS[status], by, now);
  }
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

/** Whose space it is: those recorded with it, its known owner, or whose account id the key is made of. */
async function ownersOf({ spaceId, key, ownerId }: PutAway): Promise<StoredPersonRecord[]> {
  const recorded = await findPeopleBySpace(spaceId);
  if (recorded.length > 0 || ownerId === null || personalSpaceKey(ownerId) !== key) return recorded;
  return [(await readPersonRecord(ownerId)) ?? newPerson(ownerId)];
}

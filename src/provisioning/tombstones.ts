/** What keeps a space from being created again, and how an admin allows one: lifting, and repairing what cannot be read. */
import { asApp } from '../confluence/call';
import { readPerson } from '../confluence/people';
import { readSpace } from '../confluence/spaces';
import { isIn, lift, lookAgain, type Person, returned } from '../domain/person';
import { seenAs } from '../domain/space';
import { AppError, UnreadableRecord } from '../forge/errors';
import { deletePerson, readPersonRecord, writePerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';

/**
 * The person is looked at anew at their next activity. What they declined themselves an admin may lift too.
 * @throws AppError not-found, or space-there when the space has to be restored or deleted first
 */
export async function liftTombstone(accountId: string, by: string): Promise<Person> {
  const person = await readPersonRecord(accountId);
  if (!isIn(person, 'removed', 'declined')) throw new AppError('not-found');
  const now = Date.now();
  if (isIn(person, 'removed')) {
    const personalSpaceId = (await readPerson(accountId))?.personalSpaceId ?? null;
    if (personalSpaceId !== null) {
      const space = await readSpace(asApp(), personalSpaceId);
      // The app does not see private spaces: it is looked at as its owner, as soon as they come.
      if (!space) return (await writePerson(person, lookAgain(person, now), { by, at: now })).person;
      if (space.status !== 'current' || space.id !== person.spaceId) throw new AppError('space-there');
      // It is back, and no event said so.
      const own = await readSpaceRecord(personalSpaceId);
      const back = returned(person, { spaceId: space.id, spaceKey: space.key, origin: own?.origin ?? null }, now);
      return (await writePerson(person, back, { by, at: now, space: own && seenAs(own, 'current', now) })).person;
    }
  }
  return (await writePerson(person, lift(person, now), { by, at: now })).person;
}

/**
 * Removes a record that cannot be read, so that its person is looked at anew. Only such a record: anything else is lifted.
 * @throws AppError not-found
 */
export async function forgetUnreadable(accountId: string, by: string): Promise<void> {
  try {
    await readPersonRecord(accountId);
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    await deletePerson(accountId, { by, at: Date.now() });
    return;
  }
  throw new AppError('not-found');
}

/** Who can see a space, and making it private. */
import { closeToAllButOwner, hasOtherReaders, type Requester, readRoleMode } from '../forge/confluence';
import { isFinal } from '../forge/errors';

export type Access = 'private' | 'open' | 'unknown';

/** Closes a space that others may read, where the site lets an app do it, and says what it is then. */
export async function closeSpace(as: Requester, spaceId: string, ownerId: string): Promise<Access> {
  if ((await readRoleMode()) === 'PRE_ROLES') return (await hasOtherReaders(as, spaceId, ownerId)) === true ? 'open' : 'unknown';
  try {
    await closeToAllButOwner(as, spaceId, ownerId);
  } catch (error) {
    if (!isFinal(error)) throw error;
    return 'open';
  }
  const isShared = await hasOtherReaders(as, spaceId, ownerId);
  return isShared === null ? 'unknown' : isShared ? 'open' : 'private';
}

/** Who can see a space: finding out, and keeping the policy's promise where the site lets an app do it. */
import { assignReaders, type Readers, readReaders, readRoleMode } from '../confluence/access';
import type { Requester } from '../confluence/call';
import type { Treatment } from '../domain/policy/document';
import type { RoleMode } from '../domain/provisioning/decide';
import { isFinal } from '../forge/errors';
import type { Access } from '../store/people';

/**
 * Brings a space from what it is to what the policy promises, and says what it is then.
 * @param current what is known of its readers; `default` = as Confluence makes spaces on this site
 */
export async function settleAccess(
  as: Requester,
  spaceId: string,
  ownerId: string,
  wanted: Treatment['access'],
  current: Readers | 'default',
  mode: RoleMode | null,
): Promise<Access> {
  const isPromised =
    wanted === 'site-default' || (wanted === 'private' && current === 'nobody') || (wanted === 'licensed' && current === 'licensed');
  // There, permissions are closed to apps: what it is, it stays.
  if (isPromised || (mode ?? (await readRoleMode())) === 'PRE_ROLES') return accessOf(current);
  try {
    if (await assignReaders(as, spaceId, ownerId, wanted === 'licensed' ? 'licensed' : 'nobody'))
      return accessOf(await readReaders(as, spaceId, ownerId, mode ?? (await readRoleMode())));
  } catch (error) {
    if (!isFinal(error)) throw error;
  }
  return accessOf(current);
}

export function accessOf(readers: Readers | 'default'): Access {
  if (readers === 'nobody') return 'private';
  if (readers === 'licensed') return 'licensed';
  return readers === 'unknown' ? 'unknown' : 'open';
}

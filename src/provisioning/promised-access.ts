/** Who can see a space: finding out, and keeping the policy's promise where the site lets an app do it. */
import { type AppRoleChange, assignReaders, type Readers, readReaders, readRoleMode } from '../confluence/access';
import type { Requester } from '../confluence/call';
import type { Treatment } from '../domain/policy/document';
import type { RoleMode } from '../domain/provisioning/decide';
import type { Access, PromisedSpace } from '../domain/space';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { commit, newTransaction } from '../forge/kvs';
import { setSpace } from '../store/spaces';
import { addEvent } from '../store/trail';

export interface Settled {
  actual: Access;
  /** A call to change access failed, where the site lets apps do that: worth trying again. */
  failure: ConfluenceError | PlatformRefusal | null;
  /** Whether the app got its role in the same call; null = it was not asked for, or there was no such call. */
  app: 'given' | 'refused' | null;
}

/**
 * Changes who can see a space from what it is to what the policy promises. A failure is an answer, because the promise
 * has to be written down before anything is tried again.
 * @param current what is known of its readers; `default` = as Confluence creates spaces on this site
 * @param appRole what becomes of the app's own role, if others change
 */
export async function settleAccess(
  as: Requester,
  spaceId: string,
  ownerId: string,
  promised: Treatment['access'],
  current: Readers | 'default',
  mode: RoleMode | null,
  appRole: AppRoleChange,
): Promise<Settled> {
  const asItIs = { actual: accessOf(current), failure: null, app: null };
  const isKept =
    promised === 'site-default' || (promised === 'private' && current === 'nobody') || (promised === 'licensed' && current === 'licensed');
  if (isKept) return asItIs;
  try {
    const site = mode ?? (await readRoleMode());
    // Permissions are closed to apps there: the access stays what it is.
    if (site === 'PRE_ROLES') return asItIs;
    const assigned = await assignReaders(as, spaceId, ownerId, promised === 'licensed' ? 'licensed' : 'nobody', appRole);
    if (assigned.kind === 'no-reader-role') return asItIs;
    return { actual: accessOf(await readReaders(as, spaceId, ownerId, site)), failure: null, app: assigned.app };
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    return { ...asItIs, failure: error };
  }
}

export function accessOf(readers: Readers | 'default'): Access {
  if (readers === 'nobody') return 'private';
  if (readers === 'licensed') return 'licensed';
  return readers === 'unknown' ? 'unknown' : 'open';
}

/** Writes a space's record alone, and what the trail says of its access. @throws StaleRecord */
export async function writePromise(space: PromisedSpace, kind: 'access-broken' | 'access-kept' | null, at: number): Promise<PromisedSpace> {
  const transaction = newTransaction();
  const written = setSpace(transaction, space);
  if (kind !== null) {
    const { spaceId, ownerId: accountId, access } = space;
    const frame = { at, by: 'app', accountId, spaceId, runId: null, reason: null, policyVersion: null };
    const body = { kind, promised: access.promised, actual: access.actual } as const;
    addEvent(transaction, `space:${spaceId}:${written.revision}`, { ...frame, body });
  }
  await commit(transaction);
  return written;
}

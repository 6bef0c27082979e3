/** Who can see a space: finding out, and keeping the policy's promise where the site lets an app do it. */
import { type AppRoleChange, assignReaders, type Readers, readReaders } from '../confluence/access';
import type { Requester } from '../confluence/call';
import type { Treatment } from '../domain/policy/document';
import type { RoleMode } from '../domain/provisioning/decide';
import type { Access, PromisedSpace } from '../domain/space';
import { DAY_MS } from '../domain/time';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { commit, newTransaction } from '../forge/kvs';
import { knownClosing, writeClosing } from '../store/site-facts';
import { setSpace } from '../store/spaces';
import { addEvent } from '../store/trail';
import { knownRoleMode } from './app-role';

export interface Settled {
  actual: Access;
  /** A call to change access failed, where the site lets apps do that: worth trying again. */
  failure: ConfluenceError | PlatformRefusal | null;
  /** Whether the app got its role in the same call; null = it was not asked for, or there was no such call. */
  app: 'given' | 'refused' | null;
  /** Somebody was let in by name, so everything was left as it was. */
  isKept: boolean;
}

interface Subject {
  as: Requester;
  spaceId: string;
  ownerId: string;
  /** How permissions work on this site; null = it is found out when it matters. */
  mode: RoleMode | null;
  now: number;
}

/**
 * How it is made sure that Confluence did what it said: by reading who can see the space, which may cost hundreds of points where
 * classic permissions hold beside roles, or by having read that of another space on this site.
 */
type Assurance = 'read' | 'sample';
/** Another space is read after this. */
const SAMPLE_MS = 30 * DAY_MS;

/**
 * Changes who can see a space from what it is to what the policy promises. A failure is an answer, because the promise
 * has to be written down before anything is tried again.
 * @param current what is known of its readers; `default` = as Confluence creates spaces on this site: then nobody has looked whether
 *   somebody was let in by name, and whoever was stays
 * @param appRole what becomes of the app's own role, if others change
 */
export async function settleAccess(
  subject: Subject,
  promised: Treatment['access'],
  current: Readers | 'default',
  appRole: AppRoleChange,
  assurance: Assurance,
): Promise<Settled> {
  const asItIs: Settled = { actual: accessOf(current), failure: null, app: null, isKept: false };
  const isKept =
    promised === 'site-default' || (promised === 'private' && current === 'nobody') || (promised === 'licensed' && current === 'licensed');
  if (isKept) return asItIs;
  const { as, spaceId, ownerId } = subject;
  try {
    const mode = subject.mode ?? (await knownRoleMode(subject.now));
    // Where apps cannot change permissions, the access stays what it is.
    if (mode === 'PRE_ROLES') return asItIs;
    const assigned = await assignReaders(
      as,
      spaceId,
      ownerId,
      promised === 'licensed' ? 'licensed' : 'nobody',
      appRole,
      current === 'default',
    );
    if (assigned.kind === 'no-reader-role') return asItIs;
    if (assigned.kind === 'people') return { ...asItIs, actual: 'open', isKept: true };
    const actual = assurance === 'read' ? await readAccess(subject, mode) : await sampledAccess(subject, mode, promised);
    return { ...asItIs, actual, app: assigned.app };
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    return { ...asItIs, failure: error };
  }
}

const readAccess = async ({ as, spaceId, ownerId }: Subject, mode: RoleMode): Promise<Access> =>
  accessOf(await readReaders(as, spaceId, ownerId, mode));

/** What came of the same change in a space that was read. While classic permissions hold beside roles, that is not certain of this one. */
async function sampledAccess(subject: Subject, mode: RoleMode, promised: 'private' | 'licensed'): Promise<Access> {
  const { now } = subject;
  const sample = await knownClosing(promised);
  if (sample && sample.mode === mode && now - sample.at < SAMPLE_MS) {
    return mode === 'ROLES_TRANSITION' && sample.actual === promised ? 'sampled' : sample.actual;
  }
  const actual = await readAccess(subject, mode);
  if (actual !== 'unknown' && actual !== 'sampled') await writeClosing({ mode, promised, actual, at: now });
  return actual;
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

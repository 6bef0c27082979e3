/** The site's policy, and every version of it. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import type { EventBody, TrailEvent } from '../domain/event';
import { DEFAULT_POLICY, Policy, type PolicyState } from '../domain/policy/document';
import { problemText } from '../domain/problems';
import { StaleRecord } from '../forge/errors';
import { commit, whileRevision } from '../forge/kvs';
import { addEvent, listEvents } from './trail';

export const POLICY = 'policy';
export const POLICY_KEY = 'site';

const StoredPolicy = z.object({
  revision: z.number().int(),
  data: z.object({
    /** Of this envelope; the document has its own. */
    schemaVersion: z.literal(1),
    savedBy: z.string(),
    savedAt: z.number(),
    /** Why, in the admin's words. */
    reason: z.string().nullable(),
    /** The earlier version that this one brings back. */
    restores: z.number().nullable(),
    document: z.unknown(),
  }),
});

type SavedPolicy = PolicyState & { kind: 'saved' };
export type PolicyVersion = SavedPolicy & { reason: string | null; restores: number | null };

const versionKey = (version: number): string => `version:${version}`;

export function toPolicyState(stored: unknown): PolicyState {
  if (stored === undefined) return { kind: 'unset', policy: DEFAULT_POLICY, version: 0 };
  const parsed = parseStored(stored);
  if (parsed.kind === 'unreadable') return parsed;
  const { reason, restores, ...state } = parsed;
  return state;
}

function parseStored(stored: unknown): PolicyVersion | (PolicyState & { kind: 'unreadable' }) {
  const envelope = StoredPolicy.safeParse(stored);
  if (!envelope.success) return { kind: 'unreadable', problem: problemText(envelope.error) };
  const { savedBy, savedAt, reason, restores, document } = envelope.data.data;
  const policy = Policy.safeParse(document);
  if (!policy.success) return { kind: 'unreadable', problem: problemText(policy.error) };
  return { kind: 'saved', policy: policy.data, version: envelope.data.revision, savedBy, savedAt, reason, restores };
}

export async function readPolicy(): Promise<PolicyState> {
  return toPolicyState(await kvs.entity<unknown>(POLICY).get(POLICY_KEY));
}

/** One version as it was saved; null = there is none, or it cannot be read any more. */
export async function readPolicyVersion(version: number): Promise<PolicyVersion | null> {
  const stored = parseStored(await kvs.entity<unknown>(POLICY).get(versionKey(version)));
  return stored.kind === 'saved' ? stored : null;
}

interface NewVersion {
  policy: Policy;
  savedBy: string;
  now: number;
  reason: string | null;
  restores: number | null;
  /** For the trail, when nothing but the pause was changed. */
  pause?: { paused: boolean; administratorSince: number | null };
}

/** Writes a new version over `baseVersion`. @throws StaleRecord if it was saved in between */
export async function writePolicy(baseVersion: number, version: NewVersion): Promise<SavedPolicy> {
  const unchanged = whileRevision(POLICY, baseVersion);
  try {
    return await writeVersion(baseVersion + 1, version, unchanged);
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    // The policy may be unchanged and the number taken, if the policy's record was once lost.
    const newest = await readNewestVersion(baseVersion);
    if (newest === baseVersion) throw error;
    return writeVersion(newest + 1, version, unchanged);
  }
}

/**
 * Keeps the unreadable policy under a key of its own and starts over with the default, as a new version.
 * @returns null when the policy can be read
 * @throws StaleRecord if the policy was written in between
 */
export async function replaceUnreadablePolicy(savedBy: string, now: number): Promise<SavedPolicy | null> {
  const unreadable = await kvs.entity<{ revision?: number }>(POLICY).get(POLICY_KEY);
  if (unreadable === undefined || toPolicyState(unreadable).kind !== 'unreadable') return null;
  const revision = typeof unreadable.revision === 'number' ? unreadable.revision : 0;
  const version = (await readNewestVersion(Number.isSafeInteger(revision) ? revision : 0)) + 1;
  const startOver = { policy: DEFAULT_POLICY, savedBy, now, reason: null, restores: null };
  return writeVersion(version, startOver, whileRevision(POLICY, revision), unreadable);
}

async function writeVersion(
  revision: number,
  { policy, savedBy, now, reason, restores, pause }: NewVersion,
  unchanged: ReturnType<typeof whileRevision>,
  unreadable?: object,
): Promise<SavedPolicy> {
  const stored = { revision, data: { schemaVersion: 1, savedBy, savedAt: now, reason, restores, document: policy } };
  const transaction = kvs.transact().set(POLICY_KEY, stored, unchanged).set(versionKey(revision), stored, whileRevision(POLICY, 0));
  if (unreadable !== undefined) transaction.set(`policy-unreadable:${now}`, withoutSaver(unreadable));
  const frame = { at: now, by: savedBy, accountId: null, spaceId: null, runId: null, reason: null, policyVersion: revision };
  const body: EventBody = pause
    ? { kind: 'policy-paused', version: revision, ...pause }
    : { kind: 'policy-saved', version: revision, restores, note: reason };
  const event: TrailEvent = { ...frame, body };
  addEvent(transaction, `policy:${revision}`, event);
  await commit(transaction);
  return { kind: 'saved', policy, version: revision, savedBy, savedAt: now };
}

/** Kept for troubleshooting only. Without the account id, because nothing would remove it once the account is closed. */
function withoutSaver(unreadable: object): object {
  const { data } = unreadable as { data?: unknown };
  return typeof data === 'object' && data !== null ? { ...unreadable, data: { ...data, savedBy: 'unknown' } } : unreadable;
}

/** Trail entries looked at for the newest version. */
const ENTRIES_READ = 100;
/** Version numbers looked at beyond the newest one found so far. */
const MAX_GAP = 10;

/** The highest number that a version has, or once had: `known`, the trail's, or one with a record of its own. */
export async function readNewestVersion(known = 0): Promise<number> {
  const { events } = await listEvents({ topic: 'policy' }, ENTRIES_READ);
  const revisions = events.map(({ policyVersion }) => policyVersion ?? 0);
  let newest = Math.max(known, ...revisions);
  for (;;) {
    const next = Array.from({ length: MAX_GAP }, (_, i) => newest + 1 + i);
    const found = await Promise.all(next.map((version) => kvs.entity<unknown>(POLICY).get(versionKey(version))));
    const last = found.findLastIndex((stored) => stored !== undefined);
    if (last < 0) return newest;
    newest = next[last] as number;
  }
}

/** The account that saved this version was closed, so it is forgotten. Nothing else changes, not even the version number. */
export async function forgetSaver(version: number, accountId: string): Promise<void> {
  for (const key of [versionKey(version), POLICY_KEY]) {
    const stored = StoredPolicy.safeParse(await kvs.entity<unknown>(POLICY).get(key));
    if (!stored.success || stored.data.data.savedBy !== accountId) continue;
    const { revision, data } = stored.data;
    await commit(kvs.transact().set(key, { revision, data: { ...data, savedBy: 'unknown' } }, whileRevision(POLICY, revision)));
  }
}

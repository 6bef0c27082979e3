/** The site's policy, and every version of it. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import type { TrailEvent } from '../domain/event';
import { DEFAULT_POLICY, Policy, type PolicyState } from '../domain/policy/document';
import { commit, whileRevision } from '../forge/kvs';
import { addEvent } from './trail';

export const POLICY = 'policy';
export const POLICY_KEY = 'site';

const StoredPolicy = z.object({ revision: z.number().int(), savedBy: z.string(), savedAt: z.number(), document: z.unknown() });

const versionKey = (version: number): string => `version:${version}`;

export function toPolicyState(stored: unknown): PolicyState {
  if (stored === undefined) return { kind: 'unset', policy: DEFAULT_POLICY, version: 0 };
  const envelope = StoredPolicy.safeParse(stored);
  if (!envelope.success) return { kind: 'unreadable', problem: z.prettifyError(envelope.error) };
  const policy = Policy.safeParse(envelope.data.document);
  if (!policy.success) return { kind: 'unreadable', problem: z.prettifyError(policy.error) };
  const { revision, savedBy, savedAt } = envelope.data;
  return { kind: 'saved', policy: policy.data, version: revision, savedBy, savedAt };
}

export async function readPolicy(): Promise<PolicyState> {
  return toPolicyState(await kvs.entity<unknown>(POLICY).get(POLICY_KEY));
}

interface NewVersion {
  policy: Policy;
  baseVersion: number;
  savedBy: string;
  now: number;
  /** The earlier version that this one brings back. */
  restores: number | null;
}

/** Writes the version after `baseVersion`. @throws StaleRecord when somebody saved in between */
export async function writePolicy({ policy, baseVersion, savedBy, now, restores }: NewVersion): Promise<PolicyState> {
  const revision = baseVersion + 1;
  const stored = { revision, savedBy, savedAt: now, document: policy };
  const transaction = kvs
    .transact()
    .set(POLICY_KEY, stored, whileRevision(POLICY, baseVersion))
    .set(versionKey(revision), stored, { entityName: POLICY });
  addEvent(transaction, `policy:${revision}`, savedEvent(revision, savedBy, now, restores));
  await commit(transaction);
  return toPolicyState(stored);
}

/** Keeps the unreadable policy under a key of its own and starts over with the default. */
export async function replaceUnreadablePolicy(savedBy: string, now: number): Promise<PolicyState> {
  const unreadable = await kvs.entity<{ revision?: unknown }>(POLICY).get(POLICY_KEY);
  const revision = typeof unreadable?.revision === 'number' ? unreadable.revision + 1 : 1;
  const stored = { revision, savedBy, savedAt: now, document: DEFAULT_POLICY };
  const transaction = kvs
    .transact()
    .set(`policy-unreadable:${now}`, unreadable ?? {})
    .set(POLICY_KEY, stored, { entityName: POLICY })
    .set(versionKey(revision), stored, { entityName: POLICY });
  addEvent(transaction, `policy:${revision}`, savedEvent(revision, savedBy, now, null));
  await commit(transaction);
  return toPolicyState(stored);
}

/** The trail names the version; what changed is told by the versions themselves. */
function savedEvent(version: number, by: string, at: number, restores: number | null): TrailEvent {
  const frame = { at, by, accountId: null, spaceId: null, runId: null, reason: null, policyVersion: version };
  return { ...frame, body: { kind: 'policy-saved', version, restores, note: null } };
}

/** One version as it was saved; null = there is none, or it cannot be read any more. */
export async function readPolicyVersion(version: number): Promise<(PolicyState & { kind: 'saved' }) | null> {
  const state = toPolicyState(await kvs.entity<unknown>(POLICY).get(versionKey(version)));
  return state.kind === 'saved' ? state : null;
}

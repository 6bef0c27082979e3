/** The site's policy, and every version of it. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { DEFAULT_POLICY, Policy, type PolicyState } from '../domain/policy/document';
import { commit, whileRevision } from '../forge/kvs';
import { addAudit } from './trail';

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
  /** For the trail, when it is more than a version that was saved. */
  trail?: { kind: 'paused' | 'resumed'; details: Record<string, string | number | null> };
}

/** Writes the version after `baseVersion`. @throws StaleRecord when somebody saved in between */
export async function writePolicy({ policy, baseVersion, savedBy, now, restores, trail }: NewVersion): Promise<PolicyState> {
  const revision = baseVersion + 1;
  const stored = { revision, savedBy, savedAt: now, document: policy };
  const transaction = kvs
    .transact()
    .set(POLICY_KEY, stored, whileRevision(POLICY, baseVersion))
    .set(versionKey(revision), stored, { entityName: POLICY });
  const saved = policyAudit(revision, savedBy, now, restores);
  addAudit(transaction, trail ? { ...saved, kind: trail.kind, details: { ...saved.details, ...trail.details } } : saved);
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
  addAudit(transaction, policyAudit(revision, savedBy, now, null));
  await commit(transaction);
  return toPolicyState(stored);
}

/** The audit trail names the version; what changed is told by the versions themselves. */
function policyAudit(revision: number, savedBy: string, now: number, restores: number | null) {
  return { key: `policy:${revision}`, scope: 'policy', kind: 'saved', at: now, actor: savedBy, details: { revision, restores } } as const;
}

/** One version as it was saved; null = there is none, or it cannot be read any more. */
export async function readPolicyVersion(version: number): Promise<(PolicyState & { kind: 'saved' }) | null> {
  const state = toPolicyState(await kvs.entity<unknown>(POLICY).get(versionKey(version)));
  return state.kind === 'saved' ? state : null;
}

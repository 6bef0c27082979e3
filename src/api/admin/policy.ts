/** The policy: reading, saving, text, history. */
import { z } from 'zod';
import { followPolicy } from '../../directory/keep';
import { comparePolicies, type PolicyChange } from '../../domain/policy/compare';
import { DEFAULT_POLICY, Policy, type PolicyState, parsePolicyText } from '../../domain/policy/document';
import { AppError, ConfluenceError, PlatformRefusal, StaleRecord } from '../../forge/errors';
import { readPolicyAfterFirstStart } from '../../privacy/first-start';
import { readNewestVersion, readPolicy, readPolicyVersion, replaceUnreadablePolicy, writePolicy } from '../../store/policy';
import { define } from '../define';
import { Nothing, Version } from '../inputs';
import { MAX_POLICY_TEXT_CHARS } from '../limits';
import { Reason } from '../reason';
import { administers } from '../standing';

export interface PolicyView {
  kind: PolicyState['kind'];
  policy: Policy;
  version: number;
  savedBy: string | null;
  savedAt: number | null;
  /** Why the stored policy cannot be read. */
  problem: string | null;
}

export interface VersionView {
  version: number;
  savedBy: string;
  savedAt: number;
  /** Why, in the admin's words. */
  reason: string | null;
  /** The version that this one brought back. */
  restores: number | null;
  /** How it differs from the version before; null when that cannot be read any more. */
  changes: PolicyChange[] | null;
}

/** Versions on one page of the history; each may be 230 KB. */
const VERSIONS_PER_PAGE = 10;

export const policyFunctions = {
  'policy.get': define({ input: Nothing, authorise: administers, handle: get }),
  'policy.save': define({
    input: z.strictObject({ policy: Policy, baseVersion: Version, reason: Reason.optional() }),
    authorise: administers,
    handle: ({ policy, baseVersion, reason }, { accountId: savedBy }) =>
      save(baseVersion, { policy, savedBy, reason: reason || null, restores: null }),
  }),
  'policy.startOver': define({ input: Nothing, authorise: administers, handle: (_input, { accountId }) => startOver(accountId) }),
  'policy.check': define({
    input: z.strictObject({ text: z.string().max(MAX_POLICY_TEXT_CHARS), locale: z.string().max(20).optional() }),
    authorise: administers,
    handle: async ({ text, locale }) => parsePolicyText(text, locale),
  }),
  'policy.history': define({
    input: z.strictObject({ before: Version.optional() }),
    authorise: administers,
    handle: async ({ before }) => history(before),
  }),
  'policy.version': define({
    input: z.strictObject({ version: Version }),
    authorise: administers,
    handle: async ({ version }) => ({ policy: await existingVersion(version) }),
  }),
  'policy.restore': define({
    input: z.strictObject({ version: Version, baseVersion: Version, reason: Reason.optional() }),
    authorise: administers,
    handle: async ({ version, baseVersion, reason }, { accountId: savedBy }) =>
      save(baseVersion, { policy: await existingVersion(version), savedBy, reason: reason || null, restores: version }),
  }),
};

async function get(): Promise<PolicyView> {
  try {
    return policyView(await readPolicyAfterFirstStart());
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    // The page opens all the same; saving asks again.
    return policyView(await readPolicy());
  }
}

async function save(baseVersion: number, version: Omit<Parameters<typeof writePolicy>[1], 'now'>): Promise<PolicyView> {
  const stored = await readPolicyAfterFirstStart();
  if (stored.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: stored.problem });
  try {
    const saved = await writePolicy(baseVersion, { ...version, now: Date.now() });
    await followPolicy(Date.now());
    return policyView(saved);
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    const newest = policyView(await readPolicy());
    throw new AppError('conflict', { version: newest.version, savedBy: newest.savedBy ?? '', savedAt: newest.savedAt ?? 0 });
  }
}

async function startOver(savedBy: string): Promise<PolicyView> {
  try {
    const started = await replaceUnreadablePolicy(savedBy, Date.now());
    if (started) {
      await followPolicy(Date.now());
      return policyView(started);
    }
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
  }
  throw new AppError('conflict');
}

export function policyView(state: PolicyState): PolicyView {
  const none = { policy: DEFAULT_POLICY, version: 0, savedBy: null, savedAt: null, problem: null };
  if (state.kind === 'unreadable') return { ...none, kind: 'unreadable', problem: state.problem };
  if (state.kind === 'unset') return { ...none, kind: 'unset' };
  return { ...state, problem: null };
}

async function existingVersion(version: number): Promise<Policy> {
  const found = await readPolicyVersion(version);
  if (!found) throw new AppError('not-found');
  return found.policy;
}

/** Versions below `before`, newest first, each with what it changed. */
async function history(before: number | undefined): Promise<{ versions: VersionView[]; next: number | null }> {
  const state = await readPolicy();
  const newest = state.kind === 'unreadable' ? await readNewestVersion() : state.version;
  const from = Math.min(newest, (before ?? Number.POSITIVE_INFINITY) - 1);
  const last = Math.max(0, from - VERSIONS_PER_PAGE);
  const numbers = Array.from({ length: from - last }, (_, i) => from - i);
  const found = await Promise.all([...numbers, last].map((n) => (n === 0 ? null : readPolicyVersion(n))));
  const versions = numbers.flatMap((version, i): VersionView[] => {
    const now = found[i];
    if (!now) return [];
    const earlier = version === 1 ? DEFAULT_POLICY : found[i + 1]?.policy;
    const changes = earlier ? comparePolicies(earlier, now.policy) : null;
    const { savedBy, savedAt, reason, restores } = now;
    return [{ version, savedBy, savedAt, reason, restores, changes }];
  });
  return { versions, next: last > 0 ? last + 1 : null };
}

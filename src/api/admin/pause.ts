/** Pausing and resuming everything, at once and whatever state the hour is in. */
import { AppError, StaleRecord } from '../../forge/errors';
import { readPolicy, writePolicy } from '../../store/policy';
import type { PolicyView } from '../contract';
import type { AdminMethods, Caller } from '../define';
import { administersNow, standingOf } from '../standing';
import { policyView } from './policy';

/** How often it is tried again because somebody saved the policy in between. */
const MAX_ATTEMPTS = 8;

export const pauseMethods: AdminMethods<'policy.pause'> = {
  'policy.pause': ({ paused }, caller) => setPaused(paused, caller),
};

/** Changes nothing else of the policy. Who already has what they ask for gets the version that says so. */
async function setPaused(paused: boolean, caller: Caller): Promise<PolicyView> {
  // Only pausing is safe for somebody whom Confluence has not just confirmed.
  if (!paused) await administersNow(caller);
  const trail = { kind: paused ? 'paused' : 'resumed', details: await standingOf(caller) } as const;
  for (let attempt = 1; ; attempt += 1) {
    const stored = await readPolicy();
    if (stored.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: stored.problem });
    if (stored.policy.paused === paused) return policyView(stored);
    const policy = { ...stored.policy, paused };
    const version = { policy, baseVersion: stored.version, savedBy: caller.accountId, now: Date.now(), restores: null, trail };
    try {
      return policyView(await writePolicy(version));
    } catch (error) {
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

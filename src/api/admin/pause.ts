/** Pausing and resuming everything, at once and whatever state the hour is in. */
import { z } from 'zod';
import { followPolicy } from '../../directory/keep';
import { AppError } from '../../forge/errors';
import { retryStale } from '../../forge/kvs';
import { readPolicy, writePolicy } from '../../store/policy';
import { type Caller, define } from '../define';
import { Reason } from '../reason';
import { administersNow, mayPause, standingOf } from '../standing';
import { type PolicyView, policyView } from './policy';

/** How many times it is tried again because the policy was saved in between. */
const MAX_ATTEMPTS = 8;

export const pauseFunctions = {
  'policy.pause': define({
    input: z.strictObject({ paused: z.boolean(), reason: Reason.optional() }),
    authorise: mayPause,
    handle: ({ paused, reason }, caller) => setPaused(paused, reason || null, caller),
  }),
};

/** Changes nothing else in the policy. If it already is what the caller asks for, the current version is the answer. */
async function setPaused(paused: boolean, reason: string | null, caller: Caller): Promise<PolicyView> {
  // A caller whom Confluence has not just confirmed may only pause.
  if (!paused) await administersNow(caller);
  const { standing, standingSince } = await standingOf(caller);
  const pause = { paused, administratorSince: standing === 'remembered' ? standingSince : null };
  return retryStale(MAX_ATTEMPTS, async () => {
    const stored = await readPolicy();
    if (stored.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: stored.problem });
    if (stored.policy.paused === paused) return policyView(stored);
    const version = {
      policy: { ...stored.policy, paused },
      savedBy: caller.accountId,
      now: Date.now(),
      reason,
      restores: null,
      pause,
    };
    const saved = await writePolicy(stored.version, version);
    await followPolicy(Date.now());
    return policyView(saved);
  });
}

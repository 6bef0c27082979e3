/** Whose turn it is: percentage, start days, waves, a limit a day. Pure. */
import type { Rollout } from '../policy/document';
import { DAY_MS, startOfDay } from '../time';

export type RolloutDecision =
  | { kind: 'now' }
  /** `until` (ms): when it is worth looking again; null = when the policy changes. */
  | { kind: 'wait'; reason: 'rollout-not-started' | 'rollout-percent' | 'rollout-day-full'; until: number | null }
  /** How many people began today has to be read first. */
  | { kind: 'look-up' };

/** `begunToday`: people who automatically got a space or an offer since 00:00 UTC; null = not read. */
export function decideRollout(
  rollout: Rollout,
  accountId: string,
  groups: ReadonlySet<string>,
  begunToday: number | null,
  now: number,
): RolloutDecision {
  const wave = rollout.waves.find((w) => w.groups.some((id) => groups.has(id)));
  const startsOn = wave ? wave.startsOn : rollout.startsOn;
  const startsAt = startsOn === null ? null : Date.parse(startsOn);
  if (startsAt !== null && now < startsAt) return { kind: 'wait', reason: 'rollout-not-started', until: startsAt };
  if (shareOf(accountId) >= rollout.percent) return { kind: 'wait', reason: 'rollout-percent', until: null };
  if (rollout.perDay === null) return { kind: 'now' };
  if (begunToday === null) return { kind: 'look-up' };
  return begunToday < rollout.perDay ? { kind: 'now' } : { kind: 'wait', reason: 'rollout-day-full', until: startOfDay(now) + DAY_MS };
}

/** Where this person stands in the percentage, 0 to under 100: always the same, and even over many people. */
export const shareOf = (accountId: string): number => shareOfBucket(bucketOf(accountId));

/** How many buckets people are spread over. */
const BUCKETS = 2 ** 32;
const shareOfBucket = (bucket: number): number => (bucket / BUCKETS) * 100;

/** The bucket that a person is in, 0 to 2^32 - 1 (FNV-1a with a final mix). */
export function bucketOf(accountId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < accountId.length; i += 1) hash = Math.imul(hash ^ accountId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The first bucket that is not in the first `percent` of people: for a comparison in the database that agrees with `shareOf` to the last person. */
export function firstBucketOutside(percent: number): number {
  let bucket = Math.ceil((percent / 100) * BUCKETS);
  while (bucket > 0 && shareOfBucket(bucket - 1) >= percent) bucket -= 1;
  while (bucket < BUCKETS && shareOfBucket(bucket) < percent) bucket += 1;
  return bucket;
}

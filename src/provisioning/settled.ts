/**
 * Whom this process knows to be settled: their next activity cannot matter, so it needs no storage for them. Other processes do not
 * hear of what changes, so nothing of it may hold for long. It concerns leaving people alone only: whoever acts reads everything first.
 */
import { LRUCache } from 'lru-cache';
import { readSettledBuckets } from '../directory/settled';
import { bucketOf } from '../domain/provisioning/rollout';
import { MINUTE_MS } from '../domain/time';
import type { Installation } from '../events/listen';
import { log } from '../forge/log';

const SETTLED_MS = 10 * MINUTE_MS;

/** What somebody is settled by. */
export interface Settled {
  until: number;
  /** The policy's version; null: whatever the policy says. */
  version: number | null;
}

/**
 * 25,000 people: more than come by in ten minutes of a busy day, for three processes on a site of 100,000. Bounded by size, because
 * a bound by number sets room for all of them aside at once, which takes longer than most processes need to start.
 */
const people = new LRUCache<string, Settled>({ maxSize: 25_000, sizeCalculation: () => 1 });
const keyOf = ({ installContext }: Installation, accountId: string): string => `${installContext} ${accountId}`;

/** @param recheckAt they are looked at again by then (ms); null = nothing says when */
export function settle(installation: Installation, accountId: string, version: number | null, recheckAt: number | null, now: number): void {
  const until = Math.min(recheckAt ?? Number.POSITIVE_INFINITY, now + SETTLED_MS);
  people.set(keyOf(installation, accountId), { until, version });
}

export const unsettle = (installation: Installation, accountId: string): boolean => people.delete(keyOf(installation, accountId));

/** How this person is settled; undefined = this process does not know that they are. */
export function findSettled(installation: Installation, accountId: string, now: number): Settled | undefined {
  const own = people.get(keyOf(installation, accountId));
  if (own && now < own.until) return own;
  const list = lists.get(installation.installContext);
  return list && now < list.until && includes(list.buckets, bucketOf(accountId)) ? list : undefined;
}

// --- everybody at once -----------------------------------------------------------------------------

/** The directory follows what happens within five minutes, so that both together are as late as what is known of one person. */
const LISTED_MS = 5 * MINUTE_MS;
/**
 * A process that reads the records of so many settled people within the life of a list takes the list instead. It costs 16 statements
 * and, at 100,000 people, 400 KB; without it three million views a day read more than storage gives (Forge: 4,000 units a minute).
 */
const WORTH_A_LIST = 500;

interface List extends Settled {
  /** Ascending. */
  buckets: Uint32Array;
}
/** For each installation; a process rarely serves many that are large. */
const lists = new LRUCache<string, List>({ max: 20 });
const reads = new LRUCache<string, { count: number; until: number }>({ max: 100 });

/** A record was read, and nothing was left to do: from some number on, all of them are read at once. */
export async function countSettledRead({ installContext }: Installation, version: number, now: number): Promise<void> {
  const known = reads.get(installContext);
  const counted = known && now < known.until ? known : { count: 0, until: now + LISTED_MS };
  counted.count += 1;
  reads.set(installContext, counted);
  if (counted.count < WORTH_A_LIST) return;
  reads.delete(installContext);
  const until = now + LISTED_MS;
  const buckets = await readSettledBuckets(version, until);
  if (buckets) lists.set(installContext, { buckets, version, until });
  log('settled-people-listed', { count: buckets?.length ?? null });
}

function includes(sorted: Uint32Array, bucket: number): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] as number) < bucket) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === bucket;
}

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
/** Where the directory could not answer either, it is not asked again at every event. */
const UNLISTED_MS = MINUTE_MS;

interface List extends Settled {
  /** Ascending. */
  buckets: Uint32Array;
}
/** For each installation; a process rarely serves many that are large. */
const lists = new LRUCache<string, List>({ max: 20 });

/**
 * Storage refuses to be asked about each person (Forge: 4,000 units a minute; on a site of 100,000, three million views a day come to
 * more): the directory is asked about all of them at once, by four statements and for some 400 KB. It would cost more than it saves
 * where storage answers.
 */
export async function listSettled({ installContext }: Installation, version: number, now: number): Promise<void> {
  const known = lists.get(installContext);
  if (known && now < known.until && known.version === version) return;
  const buckets = await readSettledBuckets(version, now + LISTED_MS);
  log('settled-people-listed', { count: buckets?.length ?? null });
  if (buckets) lists.set(installContext, { buckets, version, until: now + LISTED_MS });
  else lists.set(installContext, { buckets: NOBODY, version, until: now + UNLISTED_MS });
}
const NOBODY = new Uint32Array();

function includes(sorted: Uint32Array, bucket: number): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] as number) < bucket) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === bucket;
}

/**
 * Whom this process knows to be settled: their next activity cannot matter, so it needs no storage for them. Other processes do not
 * hear of what changes, so nothing of it may hold for long. It concerns leaving people alone only: whoever acts reads everything first.
 */
import { LRUCache } from 'lru-cache';
import { bucketOf } from '../domain/provisioning/rollout';
import { MINUTE_MS } from '../domain/time';
import type { Installation } from '../events/listen';
import { pageOf, readSettledPage, type SettledPage } from '../store/settled';

const SETTLED_MS = 10 * MINUTE_MS;

type Where = Pick<Installation, 'installContext'>;

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
const keyOf = ({ installContext }: Where, accountId: string): string => `${installContext} ${accountId}`;

/** @param recheckAt they are looked at again by then (ms); null = nothing says when */
export function settle(installation: Installation, accountId: string, version: number | null, recheckAt: number | null, now: number): void {
  const until = Math.min(recheckAt ?? Number.POSITIVE_INFINITY, now + SETTLED_MS);
  people.set(keyOf(installation, accountId), { until, version });
}

export const unsettle = (installation: Installation, accountId: string): boolean => people.delete(keyOf(installation, accountId));

/** How this person is settled; undefined = this process does not know that they are. */
export function findSettled(installation: Where, accountId: string, now: number): Settled | undefined {
  const own = people.get(keyOf(installation, accountId));
  if (own && now < own.until) return own;
  const bucket = bucketOf(accountId);
  return findOn(knownPage(installation, pageOf(bucket), now), bucket);
}

// --- many at once ----------------------------------------------------------------------------------

/** A page follows what happens within five minutes, so that both together are as late as what is known of one person. */
const PAGE_MS = 5 * MINUTE_MS;
/** A page that is missing is being made, or cannot be. */
const MISSING_MS = MINUTE_MS;
interface Known {
  page: SettledPage | null;
  until: number;
}
/** Some 6 KB each at 100,000 people; of an installation there are 64. */
const pages = new LRUCache<string, Known>({ max: 640 });

/**
 * People in a row for whom nothing was left to do, for each installation. While people get spaces, most of those who come by are on
 * no page, and asking for one would only cost a read.
 */
const streaks = new LRUCache<string, number>({ max: 100 });
const LONG_STREAK = 10;

/** What came of reading somebody's record. */
export function noteRead({ installContext }: Installation, wasSettled: boolean): void {
  streaks.set(installContext, wasSettled ? (streaks.get(installContext) ?? 0) + 1 : 0);
}

/** Like `findSettled`, from the page that this person would be on, where that is worth a read. */
export async function lookUpSettled(installation: Installation, accountId: string, now: number): Promise<Settled | undefined> {
  const { installContext } = installation;
  if ((streaks.get(installContext) ?? 0) < LONG_STREAK) return undefined;
  const bucket = bucketOf(accountId);
  const number = pageOf(bucket);
  // Whoever is not on a page that is known was not found there a moment ago.
  if (knownPage(installation, number, now)) return undefined;
  const page = await readSettledPage(number);
  const until = page ? Math.min(page.until, now + PAGE_MS) : now + MISSING_MS;
  pages.set(`${installContext} ${number}`, { page, until });
  return findOn({ page, until }, bucket);
}

function knownPage({ installContext }: Where, number: number, now: number): Known | undefined {
  const known = pages.get(`${installContext} ${number}`);
  return known && now < known.until ? known : undefined;
}

function findOn(known: Known | undefined, bucket: number): Settled | undefined {
  if (!known?.page) return undefined;
  const { page, until } = known;
  if (includes(page.always, bucket)) return { until, version: null };
  return includes(page.byPolicy, bucket) ? { until, version: page.version } : undefined;
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

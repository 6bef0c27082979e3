/** The points that Confluence gives the app in an hour, and who may spend them. Pure. */

import { HOUR_MS } from './time';

/** Highest first. A class never spends what is kept for those above it. */
export const BUDGET_CLASSES = ['admin', 'person', 'undo', 'events', 'jobs'] as const;
export type BudgetClass = (typeof BUDGET_CLASSES)[number];

/**
 * Kept for each class, as a share of the quota. Together 25 %: jobs can have the rest. The numbers below are for a
 * tenth of the usual quota, 6,500 points an hour, which must still work.
 */
const RESERVES: Record<BudgetClass, number> = {
  /** 325 points: a whole site check, or the admin page opened a hundred times. */
  admin: 0.05,
  /** 650 points: fifty people create their space by a click (12 points each). */
  person: 0.1,
  /** 325 points: forty spaces are restored (7 points each). */
  undo: 0.05,
  /** 325 points: jobs at the largest share still leave room for a newcomer every two minutes. */
  events: 0.05,
  /** Nobody is below jobs. */
  jobs: 0,
};

/**
 * What is kept for others is needed less, the less of the hour is left; at its end this share of it is still kept. Without that, a
 * quarter of every hour would pass unused while people wait.
 */
const KEPT_AT_THE_END = 0.2;
export const shareKept = (now: number): number => KEPT_AT_THE_END + (1 - KEPT_AT_THE_END) * (1 - (now % HOUR_MS) / HOUR_MS);

/** The most that a class may spend in an hour, as a share of the quota, whatever is left: a herd of clicks leaves room for others. */
const MOST: Partial<Record<BudgetClass, number>> = { person: 0.5 };

/** A lease is at most this share of the quota: what a process leaves unused is lost to the hour, so it must be little. */
const LARGEST_LEASE = 1 / 200;
/** Toward the end leases shrink, so that the last points are not stuck in processes that do not need them. */
const SHARE_OF_ROOM = 1 / 16;

/** Work that nobody watches; it stops as soon as Confluence has refused the app for its quota. */
const BACKGROUND: readonly BudgetClass[] = ['undo', 'events', 'jobs'];
export const isBackground = (name: BudgetClass): boolean => BACKGROUND.includes(name);

export interface Hour {
  /** Points that the whole app has. */
  quota: number;
  /** Points spent, or handed out to be spent. */
  byClass: Record<BudgetClass, number>;
  /** At least this much was used by others: other sites of the app share its quota. */
  others: number;
  /** Until then Confluence refuses the app (ms). */
  blockedUntil: number | null;
}

export const newHour = (quota: number): Hour => ({
  quota,
  byClass: { admin: 0, person: 0, undo: 0, events: 0, jobs: 0 },
  others: 0,
  blockedUntil: null,
});

export function totalSpent({ byClass }: Hour): number {
  return BUDGET_CLASSES.reduce((sum, name) => sum + byClass[name], 0);
}

const above = (name: BudgetClass): readonly BudgetClass[] => BUDGET_CLASSES.slice(0, BUDGET_CLASSES.indexOf(name));

/** The most that a class may have in an hour in which nobody else needs anything. */
export function limitOf(name: BudgetClass, quota: number, jobShare: number): number {
  const kept = above(name).reduce((sum, other) => sum + RESERVES[other], 0);
  const most = Math.floor(quota * Math.min(1 - kept, MOST[name] ?? 1));
  return name === 'jobs' ? Math.min(most, Math.floor((quota * jobShare) / 100)) : most;
}

/** How much a class may still take. `jobShare` is the admin's, in percent. */
export function roomFor(name: BudgetClass, hour: Hour, jobShare: number, now: number): number {
  const { quota, byClass, blockedUntil } = hour;
  if (isBackground(name) && blockedUntil !== null && now < blockedUntil) return 0;
  // What others use is an estimate: a person waiting for an answer may try, and Confluence itself says no.
  const others = isBackground(name) ? hour.others : 0;
  const share = shareKept(now);
  const kept = above(name).reduce((sum, other) => sum + Math.max(0, quota * RESERVES[other] - byClass[other]) * share, 0);
  const free = quota - others - totalSpent(hour) - kept;
  const isBounded = name === 'jobs' || MOST[name] !== undefined;
  const room = isBounded ? Math.min(free, limitOf(name, quota, jobShare) - byClass[name]) : free;
  return Math.max(0, Math.floor(room));
}

/** How many points a process takes at once; 0 = there are not enough for what it is about to do. */
export function leaseSize(room: number, needed: number, quota: number): number {
  if (room < needed) return 0;
  return Math.max(needed, Math.min(Math.floor(quota * LARGEST_LEASE), Math.floor(room * SHARE_OF_ROOM)));
}

/**
 * What to set aside for a step of a job; null = it waits. A step that costs more than an hour could ever give has to
 * run nevertheless: it goes first in its hour, while half of the limit is there.
 */
export function stepSize(room: number, atMost: number, limit: number, spent: number): number | null {
  if (atMost <= limit) return room >= atMost ? atMost : null;
  return spent === 0 && room > 0 && room >= limit / 2 ? Math.min(room, limit) : null;
}

/** What Confluence says of the quota in its headers; null = it did not say. */
export interface Reported {
  quota: number | null;
  /** What is left for the whole app; told only above about 80 % of use. */
  left: number | null;
}

/** Takes in what was reported. `unspent` is what the reader itself has taken and not yet used. */
export function learn(hour: Hour, { quota, left }: Reported, unspent: number): Hour {
  const known = { ...hour, quota: quota ?? hour.quota };
  if (left === null) return known;
  // Whatever other processes hold unspent counts as spent here: others are never estimated too high.
  const others = known.quota - left - (totalSpent(known) - unspent);
  return { ...known, others: Math.max(known.others, others) };
}

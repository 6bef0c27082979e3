/**
 * One budget for everything the app asks of Confluence. The hour's points are counted in one record for the whole
 * site; a process takes a few at a time (a lease), spends them from memory and then takes more, so that counting
 * costs one read and one write a lease. `domain/budget.ts` says how many there are for whom.
 */
import { LRUCache } from 'lru-cache';
import {
  BUDGET_CLASSES,
  type BudgetClass,
  type Hour,
  isBackground,
  learn,
  leaseSize,
  limitOf,
  newHour,
  type Reported,
  roomFor,
  stepSize,
  totalSpent,
} from '../domain/budget';
import { DEFAULT_POLICY } from '../domain/policy/document';
import { HOUR_MS } from '../domain/time';
import { readHour, writeHour } from '../store/counters';
import { readPolicy } from '../store/policy';
import { readQuota, writeQuota } from '../store/site-facts';
import { NoPoints, StaleRecord } from './errors';
import { currentInstallation } from './installation';
import { describe, log } from './log';
import { currentScope, scoped } from './meter';

/** What Atlassian gives an app in an hour unless its headers say otherwise (Tier 1, shared by all its sites). */
export const DEFAULT_QUOTA = 65_000;
/** How many times a write of the hour's record is tried while other processes are faster, and the waits in between (ms). */
const MAX_ATTEMPTS = 10;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 3_200;
/** How long it may take a process to hear that another one was refused for the quota. */
const HEARSAY_MS = 30_000;
/** Background work that found no points does not look again before this. */
const REFUSAL_MS = 60_000;

/**
 * Points that must be there before the first request, so that whatever has begun can be finished: what a person's
 * space costs (README, "What it costs"), and for an admin the question who is asking.
 */
const ESTIMATES: Record<BudgetClass, number> = { admin: 3, person: 9, undo: 7, events: 9, jobs: 7 };

/** Quotas reset at the full UTC hour. */
const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;
export const nextHour = (at: number): number => hourOf(at) + HOUR_MS;

/** What this process knows and holds of the present hour. */
interface Holding {
  hourStart: number;
  /** As last read or written. */
  hour: Hour | null;
  readAt: number;
  /** Points taken and not yet spent, by class; negative = more was spent than taken, which the next lease makes up for. */
  leases: Record<BudgetClass, number>;
  reported: Reported;
  refusedUntil: number;
}

const holdings = new LRUCache<string, Holding>({ max: 100 });

/** What is left of a lease when its hour ends is lost; what was spent too much is forgotten with the hour. */
function holdingNow(now: number): Holding {
  const installation = currentInstallation();
  const hourStart = hourOf(now);
  const known = holdings.get(installation);
  if (known?.hourStart === hourStart) return known;
  const fresh: Holding = {
    hourStart,
    hour: null,
    readAt: 0,
    leases: newHour(DEFAULT_QUOTA).byClass,
    reported: { quota: known?.reported.quota ?? null, left: null },
    refusedUntil: 0,
  };
  holdings.set(installation, fresh);
  return fresh;
}

const unspent = ({ leases }: Holding): number => BUDGET_CLASSES.reduce((sum, name) => sum + Math.max(0, leases[name]), 0);

/**
 * Changes the hour's record, with what this process has heard since; conflicts are tried again.
 * @param change null = leave it as it is
 */
async function changeHour(held: Holding, change: (hour: Hour) => Hour | null): Promise<Hour | null> {
  for (let attempt = 1; ; attempt += 1) {
    const { revision, hour: stored } = await readHour(held.hourStart);
    const known = stored ?? newHour((await readQuota()) ?? DEFAULT_QUOTA);
    held.hour = known;
    held.readAt = Date.now();
    const next = change(learn(known, held.reported, unspent(held)));
    if (!next) return null;
    try {
      await writeHour(held.hourStart, revision, next);
      held.hour = next;
      if (next.quota !== known.quota) await writeQuota(next.quota);
      return next;
    } catch (error) {
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
    // When many processes start in the same second, one can write at a time: the others make room.
    const longest = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  }
}

async function readJobShare(): Promise<number> {
  const state = await readPolicy();
  return (state.kind === 'unreadable' ? DEFAULT_POLICY : state.policy).jobShare;
}

/** What is left of the last lease goes back with the next one. @returns whether there were enough points */
async function takeLease(name: BudgetClass, needed: number, held: Holding): Promise<boolean> {
  let [size, left] = [0, 0];
  const jobShare = name === 'jobs' ? await readJobShare() : 0;
  const taken = await changeHour(held, (hour) => {
    left = held.leases[name];
    const returned = add(hour, name, -left);
    size = leaseSize(roomFor(name, returned, jobShare, Date.now()), needed, returned.quota);
    return size === 0 ? null : add(returned, name, size);
  });
  // Other calls of this invocation may have spent in the meantime.
  if (taken) held.leases[name] += size - left;
  return taken !== null;
}

function add(hour: Hour, name: BudgetClass, points: number): Hour {
  return { ...hour, byClass: { ...hour.byClass, [name]: hour.byClass[name] + points } };
}

/**
 * Everything in `run` that asks Confluence goes on the account of `name`. The first request needs the points of an
 * estimate; whatever has begun is finished, if need be with points that are not there.
 */
export function within<T>(name: BudgetClass, run: () => Promise<T>): Promise<T> {
  let entry: Promise<void> | null = null;
  let renewal: Promise<void> | null = null;
  let isExhausted = false;
  const renew = async (held: Holding): Promise<void> => {
    try {
      if (!(await takeLease(name, 1, held))) isExhausted = true;
    } catch (error) {
      // Nothing that has begun is stopped by a count that could not be written.
      isExhausted = true;
      log('budget-not-counted', { class: name, ...describe(error) });
    }
  };
  const beforeCall = async (operation: string): Promise<void> => {
    if (entry === null) {
      entry = enter(name, operation);
      return entry;
    }
    await entry;
    const held = holdingNow(Date.now());
    if (held.leases[name] > 0 || isExhausted) return;
    renewal ??= renew(held).finally(() => {
      renewal = null;
    });
    await renewal;
  };
  const spend = (points: number): void => {
    holdingNow(Date.now()).leases[name] -= points;
  };
  return scoped({ name, beforeCall, spend }, run);
}

/** @throws NoPoints when this class has to wait */
async function enter(name: BudgetClass, operation: string): Promise<void> {
  const now = Date.now();
  const held = holdingNow(now);
  if (isBackground(name)) {
    if (held.refusedUntil > now) throw new NoPoints(operation, nextHour(now), now);
    // Another process may have been refused since this one took its lease.
    if (now - held.readAt > HEARSAY_MS) await changeHour(held, () => null);
    refuseWhileBlocked(held, operation, now);
  }
  const hasHeard = held.reported.quota !== null && held.reported.quota !== held.hour?.quota;
  if (held.leases[name] >= ESTIMATES[name] && !hasHeard) return;
  try {
    if (await takeLease(name, ESTIMATES[name], held)) return;
  } catch (error) {
    if (isBackground(name) || !(error instanceof StaleRecord)) throw error;
    // Nobody who waits for an answer is sent away because the record is busy: the next lease makes up for it.
    return;
  }
  if (isBackground(name)) {
    refuseWhileBlocked(held, operation, now);
    held.refusedUntil = Math.min(now + REFUSAL_MS, nextHour(now));
  }
  throw new NoPoints(operation, nextHour(now), now);
}

function refuseWhileBlocked(held: Holding, operation: string, now: number): void {
  const until = held.hour?.blockedUntil ?? null;
  if (until !== null && now < until) throw new NoPoints(operation, until, now);
}

/**
 * Runs something that costs at most `atMost` points, if the hour has them. They are set aside first, and what was not
 * used is given back.
 * @returns null when it has to wait for the next hour
 */
export async function withinBudget<T>(
  atMost: number,
  now: number,
  run: () => Promise<T>,
  name: BudgetClass = 'jobs',
): Promise<{ result: T } | null> {
  const held = holdingNow(now);
  const jobShare = await readJobShare();
  let reserved = 0;
  const taken = await changeHour(held, (hour) => {
    const size = stepSize(roomFor(name, hour, jobShare, now), atMost, limitOf(name, hour.quota, jobShare), hour.byClass[name]);
    reserved = size ?? 0;
    return size === null ? null : add(hour, name, size);
  });
  if (!taken) return null;
  return scoped({ name, beforeCall: async () => {}, spend: () => {} }, async (scope) => {
    try {
      return { result: await run() };
    } finally {
      // A run that stops before this leaves its reservation spent: too little is used, never too much. So does one
      // that went on into the next hour, where all of it is counted once more.
      const last = holdingNow(Date.now());
      const points = last.hourStart === held.hourStart ? scope.points - reserved : scope.points;
      if (points !== 0) await changeHour(last, (hour) => add(hour, name, points));
    }
  });
}

/** Confluence refused the app for its quota: until then background work of the whole site does not ask. */
export async function noteRefusal(seconds: number): Promise<void> {
  const now = Date.now();
  const held = holdingNow(now);
  const until = Math.min(now + seconds * 1000, nextHour(now));
  // Everything else that is refused in this hour says the same.
  if ((held.hour?.blockedUntil ?? 0) >= until - HEARSAY_MS) return;
  try {
    await changeHour(held, (hour) => ((hour.blockedUntil ?? 0) >= until - HEARSAY_MS ? null : { ...hour, blockedUntil: until }));
  } catch (error) {
    // The refusal itself is what the caller has to hear of.
    log('budget-not-counted', { class: currentScope().name, ...describe(error) });
  }
}

/** `RateLimit-Policy: "global-app-quota";q=65000;w=3600` and `RateLimit: "global-app-quota";r=11000;t=600`, also as `Beta-...`. */
const QUOTA = /"(?:global-app|tenant-app)-quota"[^,]*;q=(\d+)/;
const LEFT = /"(?:global-app|tenant-app)-quota"[^,]*;r=(\d+)/;

export function noteHeaders(headers: { get(name: string): string | null }): void {
  const find = (name: string, pattern: RegExp): number | null => {
    const found = pattern.exec(headers.get(name) ?? headers.get(`Beta-${name}`) ?? '')?.[1];
    return found === undefined ? null : Number(found);
  };
  const quota = find('RateLimit-Policy', QUOTA);
  const left = find('RateLimit', LEFT);
  for (const reported of [currentScope().reported, holdingNow(Date.now()).reported]) {
    if (quota !== null && quota > 0) reported.quota = quota;
    if (left !== null) reported.left = left;
  }
}

async function readPresentHour(now: number): Promise<Hour> {
  return (await readHour(hourOf(now))).hour ?? newHour((await readQuota()) ?? DEFAULT_QUOTA);
}

export interface Budget {
  /** Points that jobs may spend in an hour. */
  limit: number;
  /** Points an hour that the whole app has. */
  quota: number;
  /** Points that jobs have spent, or set aside, in this hour. */
  spent: number;
}

export async function readBudget(now: number): Promise<Budget> {
  const [hour, jobShare] = await Promise.all([readPresentHour(now), readJobShare()]);
  return { limit: limitOf('jobs', hour.quota, jobShare), quota: hour.quota, spent: hour.byClass.jobs };
}

/** Points that a class may still spend in this hour, and in a whole hour in which nobody else needs any. */
export async function readRoom(name: BudgetClass, now: number): Promise<{ now: number; perHour: number }> {
  const [hour, jobShare] = await Promise.all([readPresentHour(now), readJobShare()]);
  return { now: roomFor(name, hour, jobShare, now), perHour: limitOf(name, hour.quota, jobShare) };
}

export interface HourReport {
  /** Points that are there for everything the app does: the quota without what others have used. */
  limit: number;
  spent: number;
  byClass: { class: BudgetClass; spent: number; limit: number }[];
  quota: number;
  resetsAt: number;
  /** Confluence has refused the app for its quota: background work waits until then (ms). */
  blockedUntil: number | null;
}

/** The present hour by class. Leases that processes hold count as spent. */
export async function reportHour(now: number): Promise<HourReport> {
  const [hour, jobShare] = await Promise.all([readPresentHour(now), readJobShare()]);
  const isBlocked = hour.blockedUntil !== null && now < hour.blockedUntil;
  return {
    limit: hour.quota - hour.others,
    spent: totalSpent(hour),
    byClass: BUDGET_CLASSES.map((name) => ({ class: name, spent: hour.byClass[name], limit: limitOf(name, hour.quota, jobShare) })),
    quota: hour.quota,
    resetsAt: nextHour(now),
    blockedUntil: isBlocked ? hour.blockedUntil : null,
  };
}

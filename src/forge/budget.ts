/**
 * The points that jobs may spend in an hour: the admin's share of the quota. Points are reserved before
 * they are spent and what was not used is given back, so that jobs together never go over.
 */
import { DEFAULT_POLICY } from '../domain/policy/document';
import { readSpent, spendPoints } from '../store/counters';
import { readPolicy } from '../store/policy';
import { readQuota, writeQuota } from '../store/site-facts';
import { StaleRecord } from './errors';
import { metered } from './meter';

const HOUR_MS = 3_600_000;
/** What Atlassian gives an app in an hour unless its headers say otherwise (Tier 1, shared by all its sites). */
export const DEFAULT_QUOTA = 65_000;
const MAX_ATTEMPTS = 5;

/** Quotas reset at the full UTC hour. */
export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;
export const nextHour = (at: number): number => hourOf(at) + HOUR_MS;

export interface Budget {
  /** Points that jobs may spend in an hour. */
  limit: number;
  /** Points an hour that the whole app has. */
  quota: number;
  /** Points that jobs have spent, or set aside, in this hour. */
  spent: number;
}

export async function readBudget(now: number): Promise<Budget> {
  const [quota, state, spent] = await Promise.all([readQuota(), readPolicy(), readSpent(hourOf(now))]);
  const { jobShare } = state.kind === 'unreadable' ? DEFAULT_POLICY : state.policy;
  const points = quota ?? DEFAULT_QUOTA;
  return { limit: Math.floor((points * jobShare) / 100), quota: points, spent };
}

/**
 * Runs something that costs at most `atMost` points, if the hour has them. More than an hour could ever
 * give is run at the beginning of an hour that is still whole; no step of a job is that dear under the quota above.
 * @returns null when it has to wait for the next hour
 */
export async function withinBudget<T>(atMost: number, now: number, run: () => Promise<T>): Promise<{ result: T } | null> {
  const hour = hourOf(now);
  const { limit, quota } = await readBudget(now);
  const reserved = Math.min(atMost, limit);
  if (!(await add(hour, reserved, limit))) return null;
  let used = 0;
  try {
    return await metered(async (meter) => {
      try {
        return { result: await run() };
      } finally {
        used = meter.points;
        if (meter.quota !== null && meter.quota !== quota) await writeQuota(meter.quota);
      }
    });
  } finally {
    // A run that stops before this leaves its reservation spent: too little is used, never too much. So does one
    // that went on into the next hour, where all of it is counted once more.
    const last = hourOf(Date.now());
    await add(last, last === hour ? used - reserved : used, Number.POSITIVE_INFINITY);
  }
}

async function add(hour: number, points: number, limit: number): Promise<boolean> {
  if (points === 0) return true;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await spendPoints(hour, points, limit);
    } catch (error) {
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

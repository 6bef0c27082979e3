/** Counts that several invocations share: people begun in a day, points spent by jobs in an hour. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { startOfDay } from '../domain/time';
import { StaleRecord } from '../forge/errors';
import { commit, type Transaction, whileRevision } from '../forge/kvs';

const COUNTER = 'counter';
/** Nobody asks for yesterday's count. */
const TTL = { ttl: { value: 3, unit: 'DAYS' } } as const;

const Counter = z.object({ revision: z.number().int(), count: z.number() });

async function readCounter(key: string): Promise<z.infer<typeof Counter>> {
  const stored = await kvs.entity<unknown>(COUNTER).get(key);
  return stored === undefined ? { revision: 0, count: 0 } : Counter.parse(stored);
}

const dayKey = (at: number): string => `begun:${new Date(startOfDay(at)).toISOString().slice(0, 10)}`;

/** People who got a space or an offer by themselves in the UTC day of `at` (ms); counted only under a daily limit. */
export async function readBegun(at: number): Promise<number> {
  return (await readCounter(dayKey(at))).count;
}

/** Adds one to the day's count, in the transaction of the person's record. @throws StaleRecord when the day is full by now */
export async function countBegun(transaction: Transaction, at: number, perDay: number): Promise<void> {
  const key = dayKey(at);
  const { revision, count } = await readCounter(key);
  if (count >= perDay) throw new StaleRecord();
  transaction.set(key, { revision: revision + 1, count: count + 1 }, whileRevision(COUNTER, revision), TTL);
}

const hourKey = (hourStart: number): string => `points:${new Date(hourStart).toISOString().slice(0, 13)}`;

/** Points that jobs have reserved or spent in the hour that begins at `hourStart` (ms). */
export async function readSpent(hourStart: number): Promise<number> {
  return (await readCounter(hourKey(hourStart))).count;
}

/** Changes the hour's count if the result stays within `limit`. @throws StaleRecord when another job was faster */
export async function spendPoints(hourStart: number, points: number, limit: number): Promise<boolean> {
  const key = hourKey(hourStart);
  const { revision, count } = await readCounter(key);
  const next = Math.max(0, count + points);
  if (points > 0 && next > limit) return false;
  await commit(kvs.transact().set(key, { revision: revision + 1, count: next }, whileRevision(COUNTER, revision), TTL));
  return true;
}

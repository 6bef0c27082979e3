/** Counts that several invocations share: people begun in a day, points of an hour. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { BUDGET_CLASSES, type Hour } from '../domain/budget';
import { dayOf } from '../domain/time';
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

const dayKey = (at: number): string => `begun:${dayOf(at)}`;

/** People who automatically got a space or an offer in the UTC day of `at` (ms); counted only under a daily limit. */
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

const StoredHour = z.object({ revision: z.number().int(), data: z.unknown() });
const HourData = z.object({
  schemaVersion: z.literal(1),
  quota: z.number().positive(),
  byClass: z.record(z.enum(BUDGET_CLASSES), z.number()),
  others: z.number(),
  blockedUntil: z.number().nullable(),
});

const hourKey = (hourStart: number): string => `hour:${new Date(hourStart).toISOString().slice(0, 13)}`;

/** What is known of the hour that begins at `hourStart` (ms); null = nothing that this version of the app can read. */
export async function readHour(hourStart: number): Promise<{ revision: number; hour: Hour | null }> {
  const stored = await kvs.entity<unknown>(COUNTER).get(hourKey(hourStart));
  if (stored === undefined) return { revision: 0, hour: null };
  const { revision, data } = StoredHour.parse(stored);
  const parsed = HourData.safeParse(data);
  if (!parsed.success) return { revision, hour: null };
  const { schemaVersion: _version, ...hour } = parsed.data;
  return { revision, hour };
}

/** @throws StaleRecord when another process was faster */
export async function writeHour(hourStart: number, revision: number, hour: Hour): Promise<void> {
  const stored = { revision: revision + 1, data: { schemaVersion: 1, ...hour } };
  await commit(kvs.transact().set(hourKey(hourStart), stored, whileRevision(COUNTER, revision), TTL));
}

/** The rows a job works through, a batch at a time: plain keys `batch:<job>:<number>`. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { KEYS_PER_BATCH, readBatch } from '../forge/kvs';
import type { Job } from './record';

/** Rows name people by account id, so they are kept only as long as a job can be undone. */
export const KEPT_DAYS = 180;

export const BATCH_PREFIX = 'batch:';

/** The job whose batch has this key. */
export const jobOfBatch = (key: string): string => key.slice(BATCH_PREFIX.length).split(':')[0] ?? '';

/** @param days for how many days the rows have been kept */
export async function writeBatch(key: string, rows: readonly unknown[], days = 0): Promise<void> {
  const left = Math.max(1, KEPT_DAYS - Math.floor(days));
  await kvs.set(key, { schemaVersion: 1, rows }, { ttl: { value: left, unit: 'DAYS' } });
}

export interface Batches<Row> {
  /** null = there is no such batch. */
  read(number: number): Promise<Row[] | null>;
  /** Batches `from` to `to` (not included), those that exist, in order. */
  readMany(from: number, to: number): Promise<Row[][]>;
  write(number: number, rows: Row[]): Promise<void>;
}

/** @param list a second list of the same job has a name of its own */
export function batchesOf<Row>(row: z.ZodType<Row>, jobId: string, list?: string): Batches<Row> {
  const schema = z.object({ schemaVersion: z.literal(1), rows: z.array(row) });
  const keyOf = (number: number): string => `${BATCH_PREFIX}${jobId}:${list ? `${list}-` : ''}${String(number).padStart(6, '0')}`;
  return {
    read: async (number) => {
      const stored = await kvs.get<unknown>(keyOf(number));
      return stored === undefined ? null : schema.parse(stored).rows;
    },
    readMany: async (from, to) => {
      const batches: Row[][] = [];
      for (let start = from; start < to; start += KEYS_PER_BATCH) {
        const keys = Array.from({ length: Math.min(KEYS_PER_BATCH, to - start) }, (_, i) => keyOf(start + i));
        const found = await readBatch(keys.map((key) => ({ key })));
        for (const key of keys) if (found.has(key)) batches.push(schema.parse(found.get(key)).rows);
      }
      return batches;
    },
    write: (number, rows) => writeBatch(keyOf(number), rows),
  };
}

export type Counts = Record<string, number>;

export function add(counts: Counts, more: Counts): Counts {
  const sum = { ...counts };
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Rows that have come to an end, however they ended. */
export const sumOf = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Outcome of a row whose action is about to be taken, or was cut off: nobody knows yet how it ended. */
export const ACTING = 'acting';

/** How often each outcome occurs among the rows that have one. */
export function countOutcomes(rows: readonly { outcome?: string | undefined }[]): Counts {
  const counts: Counts = {};
  for (const { outcome } of rows) if (outcome !== undefined && outcome !== ACTING) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Rows of any job, as far as counting goes; what is not an object has no outcome. */
const AnyRow = z.union([z.object({ outcome: z.string().optional() }), z.unknown().transform(() => ({}))]);

/** What the batch that the job is at has come to. */
export async function countOpenBatch(job: Job): Promise<Counts> {
  return countOutcomes((await batchesOf<{ outcome?: string | undefined }>(AnyRow, job.id).read(job.batches)) ?? []);
}

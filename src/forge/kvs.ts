/**
 * How records are kept. Those that two invocations may write are entities with a `revision`: a write
 * names the revision it read, and fails when that is no longer the newest (Forge has conditions for
 * entities only).
 */
import { Filter, ForgeKvsAPIError, FilterConditions as If, kvs } from '@forge/kvs';
import { StaleRecord } from './errors';

export type Transaction = ReturnType<typeof kvs.transact>;

export const newTransaction = (): Transaction => kvs.transact();

/** Runs again if another writer was faster; `run` has to read again whatever it bases its decision on. */
export async function retryStale<T>(attempts: number, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof StaleRecord) || attempt === attempts) throw error;
    }
  }
}

/** For a `catch`: whoever was faster has done, or will do, what was to be done. */
export function ignoreStale(error: unknown): void {
  if (!(error instanceof StaleRecord)) throw error;
}

/** Codes of a transaction whose condition was false, and of a key that exists. */
const CONFLICT_CODES = ['CONDITIONAL_CHECK_FAILED', 'KEY_CONFLICT'];

/** @throws StaleRecord if one of the records was written in the meantime */
export async function commit(transaction: Transaction): Promise<void> {
  try {
    await transaction.execute();
  } catch (error) {
    if (error instanceof ForgeKvsAPIError && CONFLICT_CODES.includes(error.code)) throw new StaleRecord();
    throw error;
  }
}

/** The record may be written if its revision is still the one that was read; 0 = there was none. */
export function whileRevision(entityName: string, revision: number) {
  const filter = new Filter<{ revision: number }>();
  return {
    entityName,
    conditions: revision === 0 ? filter.and('revision', If.notExists()) : filter.and('revision', If.equalTo(revision)),
  };
}

/** Largest number of keys in one batch or transaction (Forge: KVS limits). */
export const KEYS_PER_BATCH = 25;

/** Values by key, those that exist. @throws Error when a value that exists was not read */
export async function readBatch(keys: { key: string; entityName?: string }[]): Promise<Map<string, unknown>> {
  const { successfulKeys, failedKeys } = await kvs.batchGet<unknown>(keys);
  const broken = failedKeys.find((failed) => failed.error.code !== 'KEY_NOT_FOUND');
  if (broken) throw new Error(`cannot read ${broken.entityName ?? broken.key}: ${broken.error.code}`);
  return new Map(successfulKeys.map(({ key, value }) => [key, value]));
}

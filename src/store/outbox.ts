/**
 * The outbox: the transaction that changes a record also leaves a key here, so that a projection of the records hears
 * of every change. Until there is a projection the keys are only deleted.
 */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { defineWork, HOURLY_MS } from '../agenda/define';
import { MINUTE_MS } from '../domain/time';
import { KEYS_PER_BATCH, type Transaction } from '../forge/kvs';

const PREFIX = 'outbox:';

/** The key holds the revision: deleting it cannot lose a change that came later. */
export function addToOutbox(transaction: Transaction, entity: 'person' | 'space', id: string, revision: number): void {
  transaction.set(`${PREFIX}${entity}:${id}:${revision}`, { entity, id, revision });
}

/** Keys of one query (Forge: at most 100). */
const KEYS_PER_QUERY = 100;

export const outbox = defineWork({ kind: 'outbox', everyMs: HOURLY_MS, leaseMs: MINUTE_MS, run: drain });

/** Deletes what is in the outbox, until nothing is left or the deadline (ms) has come. */
async function drain(_now: number, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    const { results } = await kvs.query().where('key', Where.beginsWith(PREFIX)).limit(KEYS_PER_QUERY).getMany();
    if (results.length === 0) return;
    for (let from = 0; from < results.length; from += KEYS_PER_BATCH) {
      const transaction = kvs.transact();
      for (const { key } of results.slice(from, from + KEYS_PER_BATCH)) transaction.delete(key);
      await transaction.execute();
    }
  }
}

/**
 * The outbox: the transaction that changes a record also leaves a key here, so that a projection of the records hears
 * of every change.
 */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import { KEYS_PER_BATCH, type Transaction } from '../forge/kvs';

const PREFIX = 'outbox:';

/** The key holds the revision: deleting it cannot lose a change that came later. */
export function addToOutbox(transaction: Transaction, entity: OutboxEntry['entity'], id: string, revision: number): void {
  transaction.set(`${PREFIX}${entity}:${id}:${revision}`, { entity, id, revision });
}

const Entry = z.object({ entity: z.enum(['person', 'space']), id: z.string() });
export type OutboxEntry = z.infer<typeof Entry> & { key: string };

/** Keys of one query (Forge: at most 100). */
const KEYS_PER_QUERY = 100;

/**
 * Some changes of people or spaces that nobody has heard of yet; a query, so it may lag by seconds, and goes on naming what was just
 * removed: the cursor (null = that was all) leads past that.
 */
export async function readOutbox(
  entity: OutboxEntry['entity'],
  cursor: string | null,
): Promise<{ entries: OutboxEntry[]; cursor: string | null }> {
  const query = kvs
    .query()
    .where('key', Where.beginsWith(`${PREFIX}${entity}:`))
    .limit(KEYS_PER_QUERY);
  const { results, nextCursor } = await (cursor === null ? query : query.cursor(cursor)).getMany();
  // What cannot be read is taken as a change of nobody, so that it is removed.
  const entries = results.map(({ key, value }) => ({ key, entity, id: Entry.safeParse(value).data?.id ?? '' }));
  return { entries, cursor: nextCursor ?? null };
}

export async function removeFromOutbox(entries: readonly OutboxEntry[]): Promise<void> {
  for (let from = 0; from < entries.length; from += KEYS_PER_BATCH) {
    const transaction = kvs.transact();
    for (const { key } of entries.slice(from, from + KEYS_PER_BATCH)) transaction.delete(key);
    await transaction.execute();
  }
}

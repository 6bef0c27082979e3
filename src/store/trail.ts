/** The trail. An entry is written in the transaction of what it tells about, under a key that holds that record's revision. */
import { randomUUID } from 'node:crypto';
import { Filter, FilterConditions as If, kvs, Sort } from '@forge/kvs';
import { z } from 'zod';
import { EventBody, EventFrame, type Topic, type TrailEvent, topicOf, withoutAccount } from '../domain/event';
import { commit, KEYS_PER_BATCH, readBatch, type Transaction } from '../forge/kvs';

const EVENT = 'event';

const Stored = z.object({ data: z.object({ schemaVersion: z.literal(1), frame: EventFrame, body: EventBody }) });

/** `key` names the record and its revision, so that nothing is ever overwritten and a repeat adds nothing. */
export function addEvent(transaction: Transaction, key: string, { body, ...frame }: TrailEvent): void {
  const { at, by, accountId, spaceId, runId } = frame;
  transaction.set(
    key,
    {
      topic: topicOf(body.kind),
      at,
      actor: by,
      ...(accountId === null ? {} : { accountId }),
      ...(spaceId === null ? {} : { spaceId }),
      ...(runId === null ? {} : { runId }),
      data: { schemaVersion: 1, frame, body },
    },
    { entityName: EVENT },
  );
}

export type ListedEvent = TrailEvent & { key: string };
interface EventPage {
  events: ListedEvent[];
  cursor: string | null;
}

/** One index of the trail: everything of a topic, or about a space, an account, an actor, a run. */
export type TrailFilter = { topic: Topic } | { spaceId: string } | { accountId: string } | { actor: string } | { runId: string };
const INDEXES = { topic: 'by-topic', spaceId: 'by-space', accountId: 'by-account', actor: 'by-actor', runId: 'by-run' } as const;

/** Newest first. Entries that cannot be read are left out. */
export async function listEvents(filter: TrailFilter, limit: number, cursor?: string): Promise<EventPage> {
  const [[name, value]] = Object.entries(filter) as [[keyof typeof INDEXES, string]];
  const query = kvs
    .entity<unknown>(EVENT)
    .query()
    .index(INDEXES[name], { partition: [value] })
    .sort(Sort.DESC)
    .limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const events = page.results.flatMap(({ key, value: stored }) => {
    const parsed = Stored.safeParse(stored);
    return parsed.success ? [{ key, ...parsed.data.data.frame, body: parsed.data.data.body }] : [];
  });
  return { events, cursor: page.nextCursor ?? null };
}

/** An entry that moves to another key takes two of a transaction's operations. */
const ERASED_PER_TRANSACTION = Math.floor(KEYS_PER_BATCH / 2);

/** `event` is null for an entry that cannot be read. */
interface StoredEntry {
  key: string;
  event: TrailEvent | null;
}

/**
 * Some entries about an account (`accountId`), or by it (`actor`), as many as one transaction can erase. They are read
 * by their keys: a query may still name what was erased a moment ago.
 */
export async function readEntriesOf(
  filter: 'accountId' | 'actor',
  accountId: string,
  cursor: string | null,
): Promise<{ entries: StoredEntry[]; cursor: string | null }> {
  const query = kvs
    .entity<unknown>(EVENT)
    .query()
    .index(INDEXES[filter], { partition: [accountId] })
    .limit(ERASED_PER_TRANSACTION);
  const page = await (cursor === null ? query : query.cursor(cursor)).getMany();
  const keys = page.results.map(({ key }) => ({ key, entityName: EVENT }));
  const found = keys.length === 0 ? new Map<string, unknown>() : await readBatch(keys);
  const entries = [...found].map(([key, value]) => {
    const parsed = Stored.safeParse(value);
    return { key, event: parsed.success ? { ...parsed.data.data.frame, body: parsed.data.data.body } : null };
  });
  return { entries, cursor: page.nextCursor ?? null };
}

/**
 * Takes the id of a closed account out of these entries, and out of their keys. One that cannot be read is deleted: it
 * may name the account anywhere.
 */
export async function eraseFromEntries(entries: readonly StoredEntry[], accountId: string): Promise<void> {
  if (entries.length === 0) return;
  const transaction = kvs.transact();
  for (const { key, event } of entries) {
    const isNamed = key.includes(accountId);
    // Moved once only, however often this is repeated.
    const whileThere = { entityName: EVENT, conditions: new Filter<{ at: number }>().and('at', If.exists()) };
    if (event === null || isNamed) transaction.delete(key, whileThere);
    if (event !== null) addEvent(transaction, isNamed ? `closed:${randomUUID()}` : key, withoutAccount(event, accountId));
  }
  await commit(transaction);
}

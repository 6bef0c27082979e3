/** The trail. An entry is written in the transaction of what it tells about, under a key that holds that record's revision. */
import { kvs, Sort } from '@forge/kvs';
import { z } from 'zod';
import { EventBody, EventFrame, type Topic, type TrailEvent, topicOf } from '../domain/event';
import type { Transaction } from '../forge/kvs';

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

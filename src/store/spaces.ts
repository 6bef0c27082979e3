/** What Homestead promised or did to a space; the key is the space's id. It outlives its owner's account. */
import { kvs, Sort, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import { ACCESSES } from '../domain/policy/document';
import { APP_ROLE_OUTCOMES, dueAt, NO_APP_ROLE, type PromisedSpace, SEEN_ACCESSES } from '../domain/space';
import { KEYS_PER_BATCH, readBatch, type Transaction, whileRevision } from '../forge/kvs';
import { addToOutbox } from './outbox';

const SPACE = 'space';
/** Partition of the index of what is due. */
const DUE_ACCESS = 'access';

const AppRole = z.object({
  outcome: z.enum(APP_ROLE_OUTCOMES),
  due: z.object({ retryAt: z.number(), failures: z.number().int() }).nullable(),
});

const SpaceData = z.object({
  schemaVersion: z.literal(1),
  ownerId: z.string().nullable(),
  key: z.string().nullable(),
  origin: z.enum(['created', 'adopted']),
  call: z.string().nullable(),
  status: z.enum(['current', 'archived', 'trashed', 'deleted']),
  statusSince: z.number(),
  since: z.number(),
  access: z.object({
    promised: z.enum(ACCESSES),
    actual: z.enum(SEEN_ACCESSES),
    broken: z.object({ since: z.number(), retryAt: z.number(), failures: z.number().int() }).nullable(),
  }),
  /** Missing in records from before there was such a role. */
  appRole: AppRole.default(NO_APP_ROLE),
  template: z.object({ key: z.string(), source: z.enum(['builtin', 'confluence', 'kept']), problem: z.string().nullable() }),
  lacksDetails: z.boolean(),
});
const Stored = z.object({ revision: z.number().int(), data: SpaceData });

function toSpace(spaceId: string, stored: unknown): PromisedSpace | null {
  if (stored === undefined) return null;
  const { revision, data } = Stored.parse(stored);
  const { schemaVersion, ...space } = data;
  return { spaceId, revision, ...space };
}

/** @throws ZodError for a record that cannot be read */
export async function readSpaceRecord(spaceId: string): Promise<PromisedSpace | null> {
  return toSpace(spaceId, await kvs.entity<unknown>(SPACE).get(spaceId));
}

/** The records of these spaces, those that exist and can be read. */
export async function readSpaceRecords(spaceIds: readonly string[]): Promise<PromisedSpace[]> {
  const records: PromisedSpace[] = [];
  for (let i = 0; i < spaceIds.length; i += KEYS_PER_BATCH) {
    const keys = spaceIds.slice(i, i + KEYS_PER_BATCH).map((key) => ({ key, entityName: SPACE }));
    for (const [id, stored] of await readBatch(keys)) {
      const space = Stored.safeParse(stored).success ? toSpace(id, stored) : null;
      if (space) records.push(space);
    }
  }
  return records;
}

/** Adds the record to a transaction, which fails if it has changed since it was read. */
export function setSpace(transaction: Transaction, promised: PromisedSpace): PromisedSpace {
  const { spaceId, revision, ...space } = promised;
  const next = revision + 1;
  const { ownerId, status, statusSince } = space;
  const due = dueAt(promised);
  transaction.set(
    spaceId,
    {
      revision: next,
      status,
      since: statusSince,
      ...(ownerId === null ? {} : { ownerId }),
      ...(due === null ? {} : { due: DUE_ACCESS, dueAt: due }),
      data: { schemaVersion: 1, ...space },
    },
    whileRevision(SPACE, revision),
  );
  addToOutbox(transaction, 'space', spaceId, next);
  return { spaceId, revision: next, ...space };
}

/** Spaces with a promise (access, the app's role) that is due to be tried again at `now` (ms), longest due first; `Infinity` = all of them. */
export async function listBrokenPromises(now: number, limit: number): Promise<PromisedSpace[]> {
  return (await readBrokenPromises(now, limit, null)).spaces;
}

async function readBrokenPromises(
  now: number,
  limit: number,
  cursor: string | null,
): Promise<{ spaces: PromisedSpace[]; cursor: string | null }> {
  const query = kvs
    .entity<unknown>(SPACE)
    .query()
    .index('by-due', { partition: [DUE_ACCESS] });
  const due = (Number.isFinite(now) ? query.where(Where.lessThanEqualTo(now)) : query).limit(limit);
  const { results, nextCursor } = await (cursor === null ? due : due.cursor(cursor)).getMany();
  const spaces = results.flatMap(({ key, value }) => {
    const parsed = Stored.safeParse(value);
    return parsed.success ? (toSpace(key, value) ?? []) : [];
  });
  return { spaces, cursor: nextCursor ?? null };
}

/** Spaces of a page when they are counted. */
const COUNTED_AT_ONCE = 100;
/** Pages that are counted at most: a thousand say as much as more would. */
const PAGES_COUNTED = 10;

/** How many spaces are more open than promised, or less; at most a thousand. */
export async function countBrokenAccess(): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_COUNTED; page += 1) {
    const found = await readBrokenPromises(Number.POSITIVE_INFINITY, COUNTED_AT_ONCE, cursor);
    count += found.spaces.filter(({ access }) => access.broken !== null).length;
    cursor = found.cursor;
    if (cursor === null) break;
  }
  return count;
}

/** Spaces of Homestead's that are current, latest first. */
export async function listCurrentSpaces(limit: number): Promise<PromisedSpace[]> {
  const { results } = await kvs
    .entity<unknown>(SPACE)
    .query()
    .index('by-status', { partition: ['current'] })
    .sort(Sort.DESC)
    .limit(limit)
    .getMany();
  return results.flatMap(({ key, value }) => (Stored.safeParse(value).success ? (toSpace(key, value) ?? []) : []));
}

/** Spaces whose owner this is; a query, so it may lag by seconds. */
export async function listSpacesOf(ownerId: string, limit: number): Promise<PromisedSpace[]> {
  const { results } = await kvs.entity<unknown>(SPACE).query().index('ownerId').where(Where.equalTo(ownerId)).limit(limit).getMany();
  return results.flatMap(({ key, value }) => (Stored.safeParse(value).success ? (toSpace(key, value) ?? []) : []));
}

export const PromisedSpaceRecord = SpaceData.omit({ schemaVersion: true }).extend({ spaceId: z.string() });

/** Every space on record, a page at a time. One that cannot be read is left out. */
export async function listSpaces(limit: number, cursor?: string): Promise<{ spaces: PromisedSpace[]; cursor: string | null }> {
  const query = kvs.entity<unknown>(SPACE).query().index('by-key').limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const spaces = page.results.flatMap(({ key, value }) => (Stored.safeParse(value).success ? (toSpace(key, value) ?? []) : []));
  return { spaces, cursor: page.nextCursor ?? null };
}

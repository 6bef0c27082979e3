/** A local site whose directory the app fills by itself, and what the app's own records say of that. */
import { z } from 'zod';
import { LocalSite, type SiteOptions } from '../emulator/site';
import type { Usage } from '../emulator/usage';

const Spent = z.object({ points: z.number(), done: z.number() });
const Stored = z.object({ value: z.unknown() });
const State = z.object({
  data: z.object({
    jobId: z.string().nullable(),
    begunAt: z.number().nullable(),
    promisesAt: z.number().nullable(),
    spacesAt: z.number().nullable(),
    peopleAt: z.number().nullable(),
  }),
});
const Reading = z.object({ state: z.string(), data: z.object({ work: z.object({ spent: z.record(z.string(), Spent) }) }) });

/** Nothing is expected to take longer. */
const PATIENCE_STEPS = 24 * 30;

export function startQuietly(options: SiteOptions): LocalSite {
  const site = new LocalSite(options);
  site.platform.appLog = () => {};
  return site;
}

/** @throws Error when the site was asked something that it does not model: the numbers would be of another app */
export function endSite(site: LocalSite): void {
  site.stop();
  if (site.allNotModelled.length > 0) throw new Error(`not modelled: ${site.allNotModelled.join('; ')}`);
}

/** What the app has stored under this key, without moving the site's clock. */
function stored(site: LocalSite, entityName: string, key: string): unknown {
  const answer = site.platform.kvs.handle('/api/v1/entity/get', JSON.stringify({ entityName, key }));
  return answer?.status === 200 ? Stored.parse(answer.body).value : null;
}

export function directoryState(site: LocalSite): z.infer<typeof State>['data'] | null {
  const value = stored(site, 'register', 'directory');
  return value === null ? null : State.parse(value).data;
}

export interface ReadingCost {
  /** Points of each phase, by the app's own account. */
  points: Record<string, number>;
  /** Site time from its beginning to its end (ms). */
  took: number;
}

/** Moves the clock until a whole reading that began after `after` (ms) has ended. @throws Error when it does not, or fails */
export async function untilRead(site: LocalSite, after = 0): Promise<ReadingCost> {
  for (let step = 0; step < PATIENCE_STEPS; step += 1) {
    await site.advance(step === 0 ? 'PT10M' : 'PT1H');
    const { jobId = null, begunAt = null } = directoryState(site) ?? {};
    if (jobId === null || begunAt === null || begunAt <= after) continue;
    const reading = Reading.parse(stored(site, 'job', jobId));
    if (reading.state === 'failed') throw new Error(`${jobId} failed`);
    if (reading.state !== 'done') continue;
    const { spent } = reading.data.work;
    return {
      points: Object.fromEntries(Object.entries(spent).map(([phase, { points }]) => [phase, points])),
      took: site.clock.now() - begunAt,
    };
  }
  throw new Error('the directory was never read to its end');
}

/** Calls to storage that only read. */
export const readsOf = ({ kvs }: Usage): number => kvs.gets + kvs.queries + kvs.batches;

export const sqlNumber = (site: LocalSite, query: string): number => Number(Object.values(site.sql({ query }).rows[0] ?? {})[0] ?? 0);

export interface Owner {
  accountId: string;
  /** Those of the personal space; null = there is none. */
  spaceId: string | null;
  key: string | null;
}

/** Entities with a record for each person or space; the key of each is or begins with its id. */
const COPIED = ['person', 'space', 'notice'];

/** Has the app remember of others what it remembers of one person. @returns how many records were written */
export function copyRecords(site: LocalSite, model: Owner, others: readonly Owner[]): number {
  const { entities } = site.platform.kvs.dump();
  const models = COPIED.flatMap((entity) =>
    Object.entries(entities[entity] ?? {}).flatMap(([key, value]) => {
      const text = JSON.stringify([key, value]);
      return text.includes(model.accountId) ? [{ entity, text }] : [];
    }),
  );
  for (const other of others) {
    for (const { entity, text } of models) {
      const [key, value] = JSON.parse(asOf(other, text, model)) as [string, unknown];
      site.platform.kvs.put(entity, key, value);
    }
  }
  return models.length * others.length;
}

/** Entries at a time: fewer than the app takes up in three ticks, because the local site looks through all keys for each page of them. */
const ENTRIES_AT_ONCE = 1_400;

/** The app hears of the records of these people, as if it had written them, and moves on until its directory has them. */
export async function projectRecords(site: LocalSite, accountIds: readonly string[]): Promise<void> {
  const { kvs } = site.platform;
  for (let from = 0; from < accountIds.length; from += ENTRIES_AT_ONCE) {
    for (const id of accountIds.slice(from, from + ENTRIES_AT_ONCE))
      kvs.put(null, `outbox:person:${id}:1`, { entity: 'person', id, revision: 1 });
    await site.advance('PT15M');
  }
  await site.advance('PT1H');
  const left = Object.keys(kvs.dump().plain).filter((key) => key.startsWith('outbox:')).length;
  if (left > 0) throw new Error(`the directory has not heard of ${left} records`);
  const last = accountIds.at(-1);
  if (sqlNumber(site, `SELECT COUNT(*) FROM people WHERE id = '${last}' AND state IS NOT NULL`) !== 1)
    throw new Error('the directory never heard of all records');
}

function asOf(other: Owner, text: string, model: Owner): string {
  const own = text.replaceAll(model.accountId, other.accountId);
  if (model.spaceId === null || model.key === null) return own;
  return own.replaceAll(`"${model.spaceId}"`, `"${other.spaceId}"`).replaceAll(model.key, other.key ?? '');
}

/**
 * People whose turn has not come yet, and those for whom somebody is at work: one record each, so that nobody is served twice
 * and nobody is forgotten, wherever an invocation ends.
 */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import { isHeld, LANES, type Lane, type LineCount, type Waiting } from '../domain/turn';
import { StaleRecord } from '../forge/errors';
import { commit, ignoreStale, newTransaction, readBatch, type Transaction, whileRevision } from '../forge/kvs';
import { log } from '../forge/log';
import { parseRegister, REGISTER } from './register';
import { addToWorklist, listForWork, NOTHING_LISTED, takeOffList, Worklist } from './worklist';

const WAITING = 'waiting';

const Stored = z.object({
  revision: z.number().int(),
  lane: z.enum(LANES),
  dueAt: z.number(),
  data: z.object({
    schemaVersion: z.literal(1),
    /** Also here, for the weekly report of accounts. */
    accountId: z.string(),
    occasion: z.enum(['activity', 'arrival', 'click']),
    cloudId: z.string(),
    since: z.number(),
    heldUntil: z.number().nullable(),
  }),
});

/** The worklist by which the tick, and every event, hears that people wait. */
export const LINE = 'waiting';
/** Points are short: whoever comes now stands behind those who came before. */
export const IN_LINE = 'in-line';
/** Somebody is to be tried again, or was left behind by an invocation that ended early. */
export const LATER = 'later';
/** Confluence refuses to create spaces: nobody is served but a few who try. */
export const REFUSED = 'refused';
type Mark = typeof IN_LINE | typeof LATER | typeof REFUSED;

/** A prefix, because one batch also reads the person's own record, which has the account id for a key. */
const PREFIX = 'waiting:';
const keyOf = (accountId: string): string => `${PREFIX}${accountId}`;

/** How somebody who comes by finds the line. */
export interface Place {
  waiting: Waiting | null;
  marks: readonly string[];
}

/** What `toPlace` is made from, for a batch that reads more. */
export const placeKeys = (accountId: string): { key: string; entityName: string }[] => [
  { key: keyOf(accountId), entityName: WAITING },
  { key: LINE, entityName: REGISTER },
];

export const readPlace = async (accountId: string): Promise<Place> => toPlace(accountId, await readBatch(placeKeys(accountId)));

export const toPlace = (accountId: string, found: ReadonlyMap<string, unknown>): Place => ({
  waiting: toWaiting(accountId, found.get(keyOf(accountId))),
  marks: marksOf(found.get(LINE)),
});

const marksOf = (stored: unknown): readonly string[] => parseRegister(LINE, Worklist, NOTHING_LISTED, stored).data.ids;

/** One that cannot be read counts as none: it only orders people, and is written over. */
function toWaiting(accountId: string, stored: unknown): Waiting | null {
  if (stored === undefined) return null;
  const parsed = Stored.safeParse(stored);
  if (!parsed.success) {
    log('waiting-unreadable', { accountId });
    return { ...NOBODY, accountId, revision: UNREADABLE };
  }
  const { revision, lane, dueAt, data } = parsed.data;
  const { schemaVersion: _version, ...rest } = data;
  return { ...rest, accountId, revision, lane, dueAt };
}

/** Marks a record that is there and says nothing. */
const UNREADABLE = -1;
const NOBODY = { lane: 'arrivals', occasion: 'activity', cloudId: '', since: 0, dueAt: 0, heldUntil: null } as const;

const whileSame = ({ revision }: Pick<Waiting, 'revision'>) =>
  revision === UNREADABLE ? { entityName: WAITING } : whileRevision(WAITING, revision);

function setWaiting(transaction: Transaction, waiting: Waiting): Waiting {
  const { revision, lane, dueAt, ...data } = waiting;
  const next = Math.max(0, revision) + 1;
  transaction.set(keyOf(waiting.accountId), { revision: next, lane, dueAt, data: { schemaVersion: 1, ...data } }, whileSame(waiting));
  return { ...waiting, revision: next };
}

export async function readWaiting(accountId: string): Promise<Waiting | null> {
  return toWaiting(accountId, await kvs.entity<unknown>(WAITING).get(keyOf(accountId)));
}

/** @throws StaleRecord when somebody else was faster */
async function write(waiting: Waiting): Promise<Waiting> {
  const transaction = newTransaction();
  const written = setWaiting(transaction, waiting);
  await commit(transaction);
  return written;
}

/** Nobody else works for them until then (ms). @throws StaleRecord when somebody else was faster */
export const hold = (waiting: Waiting, until: number): Promise<Waiting> => write({ ...waiting, heldUntil: until });

/** How often a mark is written again because others wrote the list at the same time. */
const MAX_ATTEMPTS = 6;

/** They wait from now on, with this place. @throws StaleRecord when their record was written since it was read */
export async function wait(waiting: Waiting, mark: Mark): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const transaction = newTransaction();
    setWaiting(transaction, { ...waiting, heldUntil: null });
    const isListed = !(await addToWorklist(transaction, LINE, mark));
    try {
      await commit(transaction);
      return;
    } catch (error) {
      // Either somebody else wrote the list, which is tried again, or the person's own record, which is not.
      if (!(error instanceof StaleRecord) || isListed || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Where the list says already that people wait, one write is enough. Whoever is in the line by now keeps their place. */
export const joinLine = (waiting: Waiting): Promise<unknown> => write({ ...waiting, heldUntil: null }).catch(ignoreStale);

/** There is news of a person who waits or is being served: they are looked at once more after that. */
export const noteNews = (waiting: Waiting): Promise<unknown> => write({ ...waiting, occasion: 'arrival' }).catch(ignoreStale);

/**
 * The work for them is done.
 * @param isSettled nothing that was heard meanwhile can matter; else it keeps them in the line
 */
export async function leave(waiting: Waiting, isSettled = false): Promise<void> {
  const transaction = newTransaction();
  if (isSettled) return commit(deleteWaiting(transaction, waiting.accountId));
  try {
    await commit(transaction.delete(keyOf(waiting.accountId), whileSame(waiting)));
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    const news = await readWaiting(waiting.accountId);
    if (news && isHeld(news, Date.now())) await wait(news, LATER).catch(ignoreStale);
  }
}

/** One page of a query (Forge: at most 100). */
const WAITING_PER_PAGE = 100;

/** Those of a lane whose turn came from `from` on and by `until` (ms), first come first; a query, so it may lag by seconds. */
export async function listWaiting(lane: Lane, from: number, until: number): Promise<Waiting[]> {
  const { results } = await kvs
    .entity<unknown>(WAITING)
    .query()
    .index('by-lane', { partition: [lane] })
    .where(Where.between(from, until))
    .limit(WAITING_PER_PAGE)
    .getMany();
  return results.flatMap(({ key, value }) => toWaiting(key.slice(PREFIX.length), value) ?? []);
}

/**
 * Everybody in a lane whose turn came from `from` on and by `until` (ms, asked for each page), a page at a time, each person once.
 * @param most pages
 */
export async function* pagesOf(lane: Lane, from: number, until: () => number, most = Number.POSITIVE_INFINITY): AsyncGenerator<Waiting[]> {
  const seen = new Set<string>();
  let start = from;
  for (let pages = 0; pages < most; pages += 1) {
    const page = await listWaiting(lane, start, until());
    yield page.filter(({ accountId }) => !seen.has(accountId));
    const last = page.at(-1);
    if (last === undefined || page.length < WAITING_PER_PAGE) return;
    for (const { accountId } of page) seen.add(accountId);
    // The next page begins with those who came in the same moment. A whole page of them is not turned for ever.
    start = last.dueAt > start ? last.dueAt : start + 1;
  }
}

export async function readMarks(): Promise<readonly string[]> {
  return marksOf(await kvs.entity<unknown>(REGISTER).get(LINE));
}

export const addMark = (mark: Mark): Promise<void> => listForWork(LINE, mark);
export const removeMarks = (marks: readonly Mark[]): Promise<void> => takeOffList(LINE, marks);

/** Adds the erasure of a closed account's place. */
export const deleteWaiting = (transaction: Transaction, accountId: string): Transaction =>
  transaction.delete(keyOf(accountId), { entityName: WAITING });

const COUNT_KEY = 'line-count';
const Count = z.object({
  at: z.number(),
  count: z.number().int(),
  served: z.number().int(),
  marks: z.array(z.tuple([z.number(), z.number()])),
  pointsPerPerson: z.number().positive(),
});

/** The line as the schedule last counted it; null = it has not yet. */
export async function readLineCount(): Promise<LineCount | null> {
  const parsed = Count.safeParse(await kvs.get<unknown>(COUNT_KEY));
  return parsed.success ? parsed.data : null;
}

export async function writeLineCount(count: LineCount): Promise<void> {
  await kvs.set(COUNT_KEY, count);
}

/** Notices; the key is the account id and the kind, so a person has at most one of each. */
import { Filter, FilterConditions as If, kvs, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import { NOTICE_KINDS, type Notice, type NoticeKind, type NoticeState } from '../domain/notice';
import { StaleRecord } from '../forge/errors';
import { commit, readBatch, type Transaction } from '../forge/kvs';

const NOTICE = 'notice';

const Stored = z.object({
  state: z.enum(['due', 'raised', 'held', 'answered']),
  dueAt: z.number(),
  data: z.object({
    schemaVersion: z.literal(1),
    accountId: z.string(),
    kind: z.enum(NOTICE_KINDS),
    subject: z.string().nullable(),
    raisedAt: z.number().nullable(),
    answeredAt: z.number().nullable(),
  }),
});

const keyOf = (accountId: string, kind: NoticeKind): string => `${accountId}:${kind}`;

function toNotice(stored: unknown): Notice | null {
  const parsed = Stored.safeParse(stored);
  if (!parsed.success) return null;
  const { state, dueAt, data } = parsed.data;
  const { schemaVersion, ...notice } = data;
  return { state, dueAt, ...notice };
}

const fromNotice = ({ state, dueAt, ...data }: Notice) => ({ state, dueAt, data: { schemaVersion: 1, ...data } });

/** Every notice of a person, answered ones included; one read. One that cannot be read counts as none. */
export async function readNotices(accountId: string, kinds: readonly NoticeKind[] = NOTICE_KINDS): Promise<Notice[]> {
  const found = await readBatch(kinds.map((kind) => ({ key: keyOf(accountId, kind), entityName: NOTICE })));
  return [...found.values()].flatMap((stored) => toNotice(stored) ?? []);
}

export function setNotice(transaction: Transaction, notice: Notice): void {
  transaction.set(keyOf(notice.accountId, notice.kind), fromNotice(notice), { entityName: NOTICE });
}

/** @returns false if it was answered or raised in the meantime */
export async function changeNotice(notice: Notice, from: NoticeState): Promise<boolean> {
  const condition = { entityName: NOTICE, conditions: new Filter<{ state: string }>().and('state', If.equalTo(from)) };
  try {
    await commit(kvs.transact().set(keyOf(notice.accountId, notice.kind), fromNotice(notice), condition));
    return true;
  } catch (error) {
    if (error instanceof StaleRecord) return false;
    throw error;
  }
}

/** Notices in this state that were due by `until` (ms), longest first. */
export async function listNotices(state: NoticeState, until: number, limit: number): Promise<Notice[]> {
  const { results } = await kvs
    .entity<unknown>(NOTICE)
    .query()
    .index('by-state', { partition: [state] })
    .where(Where.lessThanEqualTo(until))
    .limit(limit)
    .getMany();
  return results.flatMap(({ value }) => toNotice(value) ?? []);
}

/** Deletes every notice of a person, also one that cannot be read. */
export function deleteNotices(transaction: Transaction, accountId: string): void {
  for (const kind of NOTICE_KINDS) transaction.delete(keyOf(accountId, kind), { entityName: NOTICE });
}

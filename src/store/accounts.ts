/** Every account id that is stored, and where the weekly report of them stands. */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';

const Named = z.object({
  changedAt: z.number().optional(),
  at: z.number().optional(),
  data: z
    .object({
      accountId: z.string().nullish(),
      ownerId: z.string().nullish(),
      by: z.string().optional(),
      savedBy: z.string().optional(),
      startedBy: z.string().optional(),
      frame: z.object({ accountId: z.string().nullable(), by: z.string() }).optional(),
    })
    .optional(),
});

/** Entities whose records name accounts. A record may name two. */
export const ACCOUNT_SOURCES = ['person', 'space', 'notice', 'waiting', 'event', 'policy', 'job'] as const;
export type AccountSource = (typeof ACCOUNT_SOURCES)[number];
/** What the report walks through: the records, remembered administrators, the rows of jobs, and the directory. */
export const REPORTED = [...ACCOUNT_SOURCES, 'admins', 'rows', 'directory'] as const;

/** Ids that may appear in place of an account id. */
const NOBODY = ['app', 'unknown', ''];

/** Account ids named by one page of an entity's records, and when they were stored (ms). */
export async function listAccounts(
  source: AccountSource,
  limit: number,
  cursor: string | null,
  now: number,
): Promise<{ accounts: Map<string, number>; cursor: string | null }> {
  const query = kvs.entity<unknown>(source).query().index('by-key').limit(limit);
  const page = await (cursor === null ? query : query.cursor(cursor)).getMany();
  const accounts = new Map<string, number>();
  for (const { key, value } of page.results) {
    const named = Named.safeParse(value);
    const { data, changedAt, at } = named.success ? named.data : {};
    const { frame, accountId, ownerId, by, savedBy, startedBy } = data ?? {};
    for (const id of [source === 'person' ? key : '', frame?.accountId, frame?.by, accountId, ownerId, by, savedBy, startedBy]) {
      if (id && !NOBODY.includes(id)) accounts.set(id, changedAt ?? at ?? now);
    }
  }
  return { accounts, cursor: page.nextCursor ?? null };
}

const REPORT_KEY = 'privacy-report';
const Report = z.object({
  /** When the last report was complete; at first, when Homestead began to run here (ms). */
  doneAt: z.number(),
  /** The report under way. */
  walk: z.object({ startedAt: z.number(), source: z.enum(REPORTED), cursor: z.string().nullable() }).nullable(),
});
export type Report = z.infer<typeof Report>;

export async function readReport(): Promise<Report | null> {
  const parsed = Report.safeParse(await kvs.get<unknown>(REPORT_KEY));
  return parsed.success ? parsed.data : null;
}

export async function writeReport(report: Report): Promise<void> {
  await kvs.set(REPORT_KEY, report);
}

const CLOSED_PREFIX = 'closed-account:';

/** Marks the account for erasure. The key stays until that is done. */
export async function addClosedAccount(accountId: string): Promise<void> {
  await kvs.set(`${CLOSED_PREFIX}${accountId}`, { accountId });
}

export async function listClosedAccounts(limit: number): Promise<string[]> {
  const { results } = await kvs.query().where('key', Where.beginsWith(CLOSED_PREFIX)).limit(limit).getMany();
  return results.map(({ key }) => key.slice(CLOSED_PREFIX.length));
}

export async function removeClosedAccount(accountId: string): Promise<void> {
  await kvs.delete(`${CLOSED_PREFIX}${accountId}`);
}

const ROWS_KEY = 'erasure-rows';
const RowsWalk = z.object({
  /** Closed accounts that are in no record any more, and are being taken out of the rows of jobs. */
  accountIds: z.array(z.string()),
  cursor: z.string().nullable(),
  /** Rows of running jobs were left, so there is another round. */
  hasLeft: z.boolean(),
});
export type RowsWalk = z.infer<typeof RowsWalk>;

export async function readRowsWalk(): Promise<RowsWalk | null> {
  const parsed = RowsWalk.safeParse(await kvs.get<unknown>(ROWS_KEY));
  return parsed.success ? parsed.data : null;
}

export async function writeRowsWalk(walk: RowsWalk | null): Promise<void> {
  if (walk === null) await kvs.delete(ROWS_KEY);
  else await kvs.set(ROWS_KEY, walk);
}

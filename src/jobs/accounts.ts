/** The accounts that rows of jobs name: for the weekly report, and for the erasure of those that are closed. */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import { DAY_MS } from '../domain/time';
import { BATCH_PREFIX, jobOfBatch, writeBatch } from './batches';
import { isActive, readJobs } from './record';

/** Rows of any job, as far as they name accounts: the person a row is about, or the owner of a space. */
const Row = z.looseObject({
  accountId: z.string().optional(),
  ownerId: z.string().nullish(),
  outcome: z.string().optional(),
});
type Row = z.infer<typeof Row>;
const Batch = z.object({ rows: z.array(z.unknown()) });

/** Batches in one page of the report and of the erasure: one holds some hundred people. */
const BATCHES_PER_PAGE = 5;
/** In one page of a person's search for their own rows: about a megabyte. */
const BATCHES_PER_SEARCH = 25;

interface BatchPage {
  batches: { key: string; rows: unknown[] }[];
  cursor: string | null;
}

async function listBatches(cursor: string | null, limit = BATCHES_PER_PAGE): Promise<BatchPage> {
  const query = kvs.query().where('key', Where.beginsWith(BATCH_PREFIX)).limit(limit);
  const page = await (cursor === null ? query : query.cursor(cursor)).getMany();
  const batches = page.results.map(({ key, value }) => ({ key, rows: Batch.safeParse(value).data?.rows ?? [] }));
  return { batches, cursor: page.nextCursor ?? null };
}

function accountsOf(row: unknown): string[] {
  const { accountId, ownerId } = Row.safeParse(row).data ?? {};
  return [accountId, ownerId].filter((id) => typeof id === 'string');
}

/** Account ids in some batches of rows. */
export async function listAccountsInRows(cursor: string | null): Promise<{ accountIds: string[]; cursor: string | null }> {
  const page = await listBatches(cursor);
  const accountIds = page.batches.flatMap((batch) => batch.rows.flatMap(accountsOf));
  return { accountIds: [...new Set(accountIds)], cursor: page.cursor };
}

export interface OwnRows {
  rows: { jobId: string; row: unknown }[];
  /** Where to go on; null = these were the last. */
  next: string | null;
}

/** The rows that name this account in some batches; there may be none in these and more in the next. */
export async function findRowsOf(accountId: string, cursor: string | null): Promise<OwnRows> {
  const page = await listBatches(cursor, BATCHES_PER_SEARCH);
  const rows = page.batches.flatMap(({ key, rows: stored }) =>
    stored.filter((row) => accountsOf(row).includes(accountId)).map((row) => ({ jobId: jobOfBatch(key), row })),
  );
  return { rows, next: page.cursor };
}

/**
 * The row without closed accounts; null = nothing is left of it: a person whom nothing has been done about. A space stays, whoever
 * owned it: it can still be archived or restored. A personal space's key holds its owner's account id.
 */
function withoutAccounts(row: Row, closed: ReadonlySet<string>): Row | null {
  const { accountId, ownerId } = row;
  const isAbout = accountId !== undefined && closed.has(accountId);
  const isOwned = typeof ownerId === 'string' && closed.has(ownerId);
  if (!isAbout && !isOwned) return row;
  if (isOwned) return { ...row, ownerId: null, key: '' };
  return row.outcome === undefined ? null : { ...row, accountId: 'unknown' };
}

/**
 * Takes closed accounts out of one page of batches. Jobs that are running write their own rows, so theirs are left.
 * @returns where to go on (null = this was the last page), and whether rows of running jobs were left
 */
export async function eraseFromRows(
  closed: ReadonlySet<string>,
  cursor: string | null,
  now: number,
): Promise<{ cursor: string | null; hasLeft: boolean }> {
  const page = await listBatches(cursor);
  const naming = page.batches.filter(({ rows }) => rows.some((row) => accountsOf(row).some((id) => closed.has(id))));
  const jobs = new Map((await readJobs([...new Set(naming.map(({ key }) => jobOfBatch(key)))])).map((job) => [job.id, job]));
  let hasLeft = false;
  for (const { key, rows } of naming) {
    const job = jobs.get(jobOfBatch(key));
    if (job && isActive(job)) {
      hasLeft = true;
      continue;
    }
    const left = rows.flatMap((row) => {
      const { data } = Row.safeParse(row);
      return data ? (withoutAccounts(data, closed) ?? []) : [row];
    });
    await writeBatch(key, left, job ? (now - job.createdAt) / DAY_MS : 0);
  }
  return { cursor: page.cursor, hasLeft };
}

/** Forge SQL: one statement at a time, and every row of an answer is parsed. */
import sql, { ForgeSQLAPIError } from '@forge/sql';
import { z } from 'zod';
import { SqlError, TIMED_OUT } from './errors';

export type SqlValue = string | number | null;

/** MySQL as TiDB takes it. `params` stand for the question marks, in order. */
export interface Statement {
  sql: string;
  params: readonly SqlValue[];
}

/** Rows of one bulk statement: with 20 values each they stay under a tenth of the largest request (Forge SQL: 1 MiB). */
export const ROWS_PER_STATEMENT = 500;

/** @throws SqlError */
export async function select<T>({ sql: query, params }: Statement, row: z.ZodType<T>): Promise<T[]> {
  const { rows } = await guarded(() =>
    sql
      .prepare<unknown>(query)
      .bindParams(...params)
      .execute(),
  );
  const parsed = z.array(row).safeParse(rows);
  if (!parsed.success) throw new SqlError('failed', 'UNREADABLE', z.prettifyError(parsed.error));
  return parsed.data;
}

const Changed = z.object({ affectedRows: z.coerce.number() });

/**
 * @returns how many rows the database says were affected; whether it counts those that were already as asked is unverified
 * @throws SqlError
 */
export async function change({ sql: query, params }: Statement): Promise<number> {
  const { rows } = await guarded(() =>
    sql
      .prepare<unknown>(query)
      .bindParams(...params)
      .execute(),
  );
  return Changed.safeParse(rows).data?.affectedRows ?? 0;
}

/** Rows changed by one statement: a third of the memory that it is given (Forge SQL: 16 MiB), at some 250 bytes each (assumed). */
const ROWS_PER_CHANGE = 20_000;

/** Changes all rows that the statement names, some at a time; it must not name those that it has changed. @throws SqlError */
export async function changeAll({ sql: query, params }: Statement): Promise<void> {
  const some = { sql: `${query} LIMIT ${ROWS_PER_CHANGE}`, params };
  while ((await change(some)) >= ROWS_PER_CHANGE);
}

/** COUNT, SUM and BIGINT come as strings (Forge SQL). */
export const SqlNumber = z.coerce.number();
export const SqlFlag = z.union([z.literal(0), z.literal(1)]).transform((value) => value === 1);

/** `?, ?, ?` for an IN or a row of VALUES. */
export const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/** `(?, ?), (?, ?)` for a bulk statement. */
export const rowMarks = (rows: readonly (readonly unknown[])[]): string => rows.map((row) => `(${marks(row)})`).join(', ');

/** Slices for bulk statements. */
export function slices<T>(items: readonly T[], size = ROWS_PER_STATEMENT): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** What the database itself said: in `debug` on live sites. */
const Debug = z.object({ debug: z.object({ errno: z.number().optional(), code: z.string().optional() }) });
const NO_SUCH_TABLE = 1146;
/** ER_RECORD_FILE_FULL; which code a full database gives is unverified. It passes when rows expire, or an admin gets more room. */
const FULL = 1114;
/** Codes of what passes by itself; `RATE_LIMIT_EXCEEDED` is not in the package's list. */
const PASSING_CODES = ['RATE_LIMIT_EXCEEDED', TIMED_OUT];

async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toSqlError(error);
  }
}

export function toSqlError(error: unknown): unknown {
  if (!(error instanceof ForgeSQLAPIError)) return error;
  const { code, responseDetails, context } = error;
  const errno = Debug.safeParse(context).data?.debug.errno;
  const detail = errno === undefined ? code : `${code} ${errno}`;
  if (errno === NO_SUCH_TABLE || code === 'APP_NOT_ENABLED') return new SqlError('missing', detail, error.message);
  if (errno === FULL || responseDetails.status === 429 || responseDetails.status >= 500 || PASSING_CODES.includes(code))
    return new SqlError('busy', detail, error.message);
  return new SqlError('failed', detail, error.message);
}

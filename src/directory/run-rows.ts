/**
 * What a plan has frozen: the ids of the spaces or people that a run will take up, in order of their ids. Only the choice is
 * here; what was done is in storage. Should the database be lost, the plan is made again.
 */
import { z } from 'zod';
import { addDays, dayOf } from '../domain/time';
import { orWhenMissing } from '../forge/errors';
import { describe, log } from '../forge/log';
import { change, changeAll, marks, rowMarks, SqlNumber, type SqlValue, select, slices } from '../forge/sql';
import { type Condition, where } from './lists';

/** A run that waits for points may take days. */
const KEPT_DAYS = 90;
/** Rows frozen at a time, by two statements: half of the memory that Forge SQL gives one (16 MiB), at some 250 bytes each. */
const ROWS_PER_FREEZE = 30_000;

const SliceRow = z.object({ last: z.string().nullable(), size: SqlNumber });

/** Freezes whatever the conditions name, a slice at a time. May be stopped and repeated. @param from ids up to this one are left out @returns how many there are */
export async function freezeChosen(
  runId: string,
  table: 'spaces' | 'people',
  conditions: readonly Condition[],
  now: number,
  from = '',
): Promise<number> {
  const chosen = where(conditions);
  const expiresOn = addDays(dayOf(now), KEPT_DAYS);
  let after = from;
  let frozen = 0;
  for (;;) {
    const ids = `SELECT id FROM ${table} WHERE ${chosen.sql} AND id > ? ORDER BY id LIMIT ${ROWS_PER_FREEZE}`;
    const params: SqlValue[] = [...chosen.params, after];
    const [slice] = await select({ sql: `SELECT MAX(id) AS last, COUNT(*) AS size FROM (${ids}) chosen`, params }, SliceRow);
    if (!slice?.last) return frozen;
    await change({
      sql: `INSERT INTO run_rows (run_id, subject, expires_on) SELECT ?, id, ? FROM ${table} WHERE ${chosen.sql} AND id > ? AND id <= ?
        ON DUPLICATE KEY UPDATE expires_on = VALUES(expires_on)`,
      params: [runId, expiresOn, ...params, slice.last],
    });
    frozen += slice.size;
    if (slice.size < ROWS_PER_FREEZE) return frozen;
    after = slice.last;
  }
}

/** Freezes these ids. */
export async function freezeIds(runId: string, ids: readonly string[], now: number): Promise<number> {
  const expiresOn = addDays(dayOf(now), KEPT_DAYS);
  for (const few of slices(ids)) {
    const rows = few.map((id): SqlValue[] => [runId, id, expiresOn]);
    await change({
      sql: `INSERT INTO run_rows (run_id, subject, expires_on) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE expires_on = VALUES(expires_on)`,
      params: rows.flat(),
    });
  }
  return countFrozen(runId);
}

async function countFrozen(runId: string): Promise<number> {
  const [row] = await select(
    { sql: 'SELECT COUNT(*) AS frozen FROM run_rows WHERE run_id = ?', params: [runId] },
    z.object({ frozen: SqlNumber }),
  );
  return row?.frozen ?? 0;
}

/** Like `countFrozen`; none when the database was lost. */
export const countLeft = (runId: string): Promise<number> => orWhenMissing(0, () => countFrozen(runId));

const SubjectRow = z.object({ subject: z.string() });

/** The next few of a run. */
export async function readFrozen(runId: string, after: string, limit: number): Promise<string[]> {
  const rows = await select(
    { sql: `SELECT subject FROM run_rows WHERE run_id = ? AND subject > ? ORDER BY subject LIMIT ${limit}`, params: [runId, after] },
    SubjectRow,
  );
  return rows.map(({ subject }) => subject);
}

/** These are done, or are not wanted. */
export async function leaveOut(runId: string, ids: readonly string[]): Promise<void> {
  for (const few of slices(ids))
    await change({ sql: `DELETE FROM run_rows WHERE run_id = ? AND subject IN (${marks(few)})`, params: [runId, ...few] });
}

/** The run is over, or its plan is made again. */
export async function thaw(runId: string): Promise<void> {
  await changeAll({ sql: 'DELETE FROM run_rows WHERE run_id = ?', params: [runId] });
}

/** Like `thaw`. What nobody needs expires by itself, so this may fail. */
export async function forgetFrozen(runId: string): Promise<void> {
  try {
    await thaw(runId);
  } catch (error) {
    log('frozen-not-forgotten', { runId, ...describe(error) });
  }
}

/** Rows of plans that nobody started. */
export async function removeExpired(now: number): Promise<void> {
  await changeAll({ sql: 'DELETE FROM run_rows WHERE expires_on < ?', params: [dayOf(now)] });
}

/** A closed account is not taken up by any run. */
export async function thawAccounts(accountIds: readonly string[]): Promise<void> {
  for (const few of slices(accountIds)) await change({ sql: `DELETE FROM run_rows WHERE subject IN (${marks(few)})`, params: few });
}

/**
 * What the directory learns of spaces. Statements say the same on every engine whatever the order of their assignments: none
 * reads a column that it has just assigned.
 */
import { z } from 'zod';
import { settledOn } from '../domain/directory';
import type { SpaceStatus } from '../domain/space';
import { type Day, dayOf, MINUTE_MS } from '../domain/time';
import { change, changeAll, marks, rowMarks, SqlFlag, type SqlValue, select, slices } from '../forge/sql';

/** Lists lag behind (Confluence: seconds); whatever is younger than this may be missing from them. */
export const LIST_LAG_MS = 10 * MINUTE_MS;

/** A space as a list names it. */
export interface ListedSpace {
  id: string;
  key: string;
  ownerId: string | null;
  status: Exclude<SpaceStatus, 'deleted'>;
  /** ms */
  createdAt: number;
}

/** What a new row begins with, besides what is known of it. */
const COLUMNS =
  'id, space_key, owner_id, owner_standing, status, status_at, visible, access, created_on, settled_on, changed_on, changed_by, ' +
  'changed_by_on, visited_on, first_seen_on, record_revision, listed_pass, asked_pass';

interface NewRow {
  id: string;
  key: string | null;
  ownerId: string | null;
  status: string;
  /** When that was so (ms); 0 = nobody has said. */
  statusAt: number;
  isVisible: boolean;
  createdAt: number | null;
  changedOn?: Day | null;
  changedBy?: Author | null;
  visitedOn?: Day | null;
  listedPass?: number;
  access?: string;
  revision?: number;
}

export type Author = 'owner' | 'others';

function rowOf(row: NewRow, now: number): SqlValue[] {
  const createdOn = row.createdAt === null ? null : dayOf(row.createdAt);
  const changedOn = row.changedOn ?? null;
  return [
    row.id,
    row.key,
    row.ownerId,
    'unknown',
    row.status,
    row.statusAt,
    row.isVisible ? 1 : 0,
    row.access ?? 'unknown',
    createdOn,
    createdOn && settledOn(createdOn),
    changedOn,
    row.changedBy ?? null,
    row.changedBy ? changedOn : null,
    row.visitedOn ?? null,
    dayOf(now),
    row.revision ?? 0,
    row.listedPass ?? 0,
    0,
  ];
}

/** A closed account's row has lost its owner and key, and later readings do not put them back. */
const KEEP_FORGOTTEN = `
  space_key = CASE WHEN owner_standing = 'closed' THEN NULL ELSE COALESCE(VALUES(space_key), space_key) END,
  owner_id = CASE WHEN owner_standing = 'closed' THEN NULL ELSE COALESCE(VALUES(owner_id), owner_id) END`;

/** What is known later about a status wins, in whatever order it arrives. */
const NEWEST_STATUS = `
  status = CASE WHEN VALUES(status_at) >= status_at THEN VALUES(status) ELSE status END,
  status_at = CASE WHEN VALUES(status_at) >= status_at THEN VALUES(status_at) ELSE status_at END`;

/** A page of a list. @param asOf the moment that the list is sure to show (ms) */
export async function noteListed(spaces: readonly ListedSpace[], pass: number, asOf: number, now: number): Promise<void> {
  for (const few of slices(spaces)) {
    const rows = few.map((space) => rowOf({ ...space, statusAt: asOf, isVisible: true, listedPass: pass }, now));
    await change({
      sql: `INSERT INTO spaces (${COLUMNS}) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE ${KEEP_FORGOTTEN}, ${NEWEST_STATUS},
        visible = 1, created_on = VALUES(created_on), settled_on = VALUES(settled_on), listed_pass = VALUES(listed_pass)`,
      params: rows.flat(),
    });
  }
}

/** A space of which somebody has said what its status is. */
export type StatedSpace = Pick<ListedSpace, 'id' | 'ownerId' | 'status'> & { key: string | null; createdAt: number | null };

/**
 * These came to be, or their status changed.
 * @param at when that was so (ms)
 * @param isSeen the app has just seen them. Events come from spaces that it cannot see, too: then it is for the lists to say
 */
export async function noteStatuses(spaces: readonly StatedSpace[], at: number, isSeen: boolean): Promise<void> {
  for (const few of slices(spaces)) {
    const rows = few.map((space) => rowOf({ ...space, statusAt: at, isVisible: true }, at));
    await change({
      sql: `INSERT INTO spaces (${COLUMNS}) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE ${KEEP_FORGOTTEN}, ${NEWEST_STATUS},
        ${isSeen ? 'visible = 1,' : ''} created_on = COALESCE(created_on, VALUES(created_on)),
        settled_on = COALESCE(settled_on, VALUES(settled_on))`,
      params: rows.flat(),
    });
  }
}

export interface Touch {
  spaceId: string;
  key: string;
  /** Who did it: an account id. */
  by: string;
  /** Whether the key says that it is theirs; where the directory knows the owner, it decides. */
  looksOwn: boolean;
  day: Day;
}

/**
 * Somebody changed something. Only the latest day is kept, and by whom that was. Of a day on which the owner and others did, the
 * owner's counts, because events arrive in any order.
 */
export async function noteChange({ spaceId, key, by, looksOwn, day }: Touch, now: number): Promise<void> {
  const changedBy = looksOwn ? 'owner' : 'others';
  const row = rowOf({ ...UNLISTED, id: spaceId, key, changedOn: day, changedBy }, now);
  const author = "CASE WHEN owner_id IS NULL THEN VALUES(changed_by) WHEN owner_id = ? THEN 'owner' ELSE 'others' END";
  await change({
    sql: `INSERT INTO spaces (${COLUMNS}) VALUES (${marks(row)}) ON DUPLICATE KEY UPDATE
      changed_by = CASE WHEN VALUES(changed_on) < changed_on THEN changed_by
        WHEN VALUES(changed_on) = changed_by_on AND changed_by = 'owner' THEN changed_by ELSE ${author} END,
      changed_by_on = CASE WHEN VALUES(changed_on) < changed_on THEN changed_by_on ELSE VALUES(changed_on) END,
      untouched = CASE WHEN VALUES(changed_on) > settled_on THEN 0 ELSE untouched END,
      changed_on = CASE WHEN changed_on IS NULL OR VALUES(changed_on) > changed_on THEN VALUES(changed_on) ELSE changed_on END`,
    params: [...row, by],
  });
}

/** Somebody looked at it. The owner's own visits are none. */
export async function noteVisit({ spaceId, key, by, day }: Touch, now: number): Promise<void> {
  const row = rowOf({ ...UNLISTED, id: spaceId, key, visitedOn: day }, now);
  await change({
    sql: `INSERT INTO spaces (${COLUMNS}) VALUES (${marks(row)}) ON DUPLICATE KEY UPDATE
      visited_on = CASE WHEN owner_id = ? THEN visited_on WHEN visited_on IS NULL OR VALUES(visited_on) > visited_on THEN VALUES(visited_on)
        ELSE visited_on END`,
    params: [...row, by],
  });
}

const NotedRow = z.object({
  id: z.string(),
  changed_by: z.enum(['owner', 'others']).nullable(),
  changed_by_on: z.string().nullable(),
  visited_on: z.string().nullable(),
});

/** Spaces of which events have told that day, by whichever process: who changed it last, and whether anybody visited it. */
export async function listNoted(day: Day, limit: number): Promise<{ spaceId: string; changedBy: Author | null; isVisited: boolean }[]> {
  const rows = await select(
    {
      sql: `SELECT id, changed_by, changed_by_on, visited_on FROM spaces WHERE changed_by_on = ? OR visited_on = ? LIMIT ${limit}`,
      params: [day, day],
    },
    NotedRow,
  );
  return rows.map(({ id, changed_by, changed_by_on, visited_on }) => ({
    spaceId: id,
    changedBy: changed_by_on === day ? changed_by : null,
    isVisited: visited_on === day,
  }));
}

/** A space that only an event has named so far. */
const UNLISTED = { ownerId: null, status: 'unknown', statusAt: 0, isVisible: true, createdAt: null } as const;

/** A space that the app cannot see: only its owner's user record names it. */
export async function noteInvisible(spaces: readonly { id: string; ownerId: string }[], pass: number, now: number): Promise<void> {
  for (const few of slices(spaces)) {
    const rows = few.map(({ id, ownerId }) =>
      rowOf({ ...UNLISTED, id, key: null, ownerId, statusAt: now - LIST_LAG_MS, isVisible: false, listedPass: pass }, now),
    );
    await change({
      // An event may have told its status once, and what is promised about it is the record's to say.
      sql: `INSERT INTO spaces (${COLUMNS}) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE ${KEEP_FORGOTTEN},
        status = CASE WHEN visible = 0 AND record_revision = 0 AND VALUES(status_at) > status_at THEN 'unknown' ELSE status END,
        listed_pass = VALUES(listed_pass)`,
      params: rows.flat(),
    });
  }
}

const IdRow = z.object({ id: z.string() });

/** Spaces that a whole reading of the lists did not name: gone, or no longer visible. @param before younger ones may be missing from lists yet (ms) */
export async function listVanished(pass: number, before: number, limit: number): Promise<string[]> {
  const rows = await select(
    {
      sql: `SELECT id FROM spaces WHERE visible = 1 AND listed_pass < ? AND status_at < ? ORDER BY id LIMIT ${limit}`,
      params: [pass, before],
    },
    IdRow,
  );
  return rows.map(({ id }) => id);
}

/**
 * Spaces that no list and no owner's record named in this pass are gone. Whose owner is forgotten could not be asked about, and stays
 * unknown; of one with a promise, the record says when it is gone.
 */
export async function removeGone(pass: number, before: number): Promise<void> {
  await changeAll({
    sql: `DELETE FROM spaces WHERE visible = 0 AND listed_pass < ? AND status_at < ? AND owner_standing <> 'closed' AND record_revision = 0`,
    params: [pass, before],
  });
}

/** What is known of them is not known any more, but for what was promised. */
export async function hideSpaces(ids: readonly string[], now: number): Promise<void> {
  for (const few of slices(ids)) {
    await change({
      sql: `UPDATE spaces SET visible = 0, status = 'unknown', status_at = ?,
        access = CASE WHEN record_revision > 0 THEN access ELSE 'unknown' END, changed_on = NULL, changed_by = NULL,
        changed_by_on = NULL, unchanged_since = NULL, checked_on = NULL, untouched = NULL, pages = NULL
        WHERE id IN (${marks(few)})`,
      params: [now, ...few],
    });
  }
}

export async function removeSpaces(ids: readonly string[]): Promise<void> {
  for (const few of slices(ids)) await change({ sql: `DELETE FROM spaces WHERE id IN (${marks(few)})`, params: few });
}

const UNASKED_COLUMNS = 'id, space_key, created_on, settled_on, changed_on, checked_on';
const Unasked = z.object({
  id: z.string(),
  space_key: z.string(),
  created_on: z.string(),
  settled_on: z.string(),
  changed_on: z.string().nullable(),
  checked_on: z.string().nullable(),
});
export interface Unasked {
  id: string;
  key: string;
  createdOn: Day;
  settledOn: Day;
  /** The newest change seen so far. */
  changedOn: Day | null;
  checkedOn: Day | null;
}
const toUnasked = (row: z.infer<typeof Unasked>): Unasked => ({
  id: row.id,
  key: row.space_key,
  createdOn: row.created_on,
  settledOn: row.settled_on,
  changedOn: row.changed_on,
  checkedOn: row.checked_on,
});
/** Search names no content of a trashed space, and nothing in one that the app cannot see. */
const ASKABLE = "visible = 1 AND status IN ('current', 'archived') AND space_key IS NOT NULL AND settled_on IS NOT NULL";

/** Spaces to ask about in this pass, by id. Those with a change since `recent` need no question. */
export async function listUnasked(pass: number, recent: Day, after: string, limit: number): Promise<Unasked[]> {
  const rows = await select(
    {
      sql: `SELECT ${UNASKED_COLUMNS} FROM spaces WHERE ${ASKABLE} AND asked_pass < ?
        AND (changed_on IS NULL OR changed_on < ?) AND id > ? ORDER BY id LIMIT ${limit}`,
      params: [pass, recent, after],
    },
    Unasked,
  );
  return rows.map(toUnasked);
}

/** Spaces of which nobody knows yet whether anything was changed in them after their making, by id. */
export async function listUndecided(after: string, limit: number): Promise<Unasked[]> {
  const rows = await select(
    {
      sql: `SELECT ${UNASKED_COLUMNS} FROM spaces WHERE ${ASKABLE} AND untouched IS NULL
        AND (changed_on IS NULL OR changed_on <= settled_on) AND id > ? ORDER BY id LIMIT ${limit}`,
      params: [after],
    },
    Unasked,
  );
  return rows.map(toUnasked);
}

/** `CASE id WHEN ? THEN ? ... END` for a statement that writes another value to each row. */
const byId = (pairs: readonly unknown[]): string => `CASE id ${pairs.map(() => 'WHEN ? THEN ?').join(' ')} END`;

/** The newest change of each, as search names it: nothing came after it. An event may have told of a later one meanwhile. */
export async function noteNewest(changed: readonly { id: string; day: Day }[], pass: number, today: Day): Promise<void> {
  for (const few of slices(changed)) {
    const pairs = few.flatMap(({ id, day }) => [id, day]);
    await change({
      sql: `UPDATE spaces SET untouched = CASE WHEN ${byId(few)} > settled_on THEN 0 WHEN untouched = 0 THEN 0 ELSE 1 END,
        unchanged_since = CASE WHEN ${byId(few)} < unchanged_since THEN NULL ELSE unchanged_since END,
        changed_on = CASE WHEN changed_on IS NULL OR ${byId(few)} > changed_on THEN ${byId(few)} ELSE changed_on END,
        checked_on = ?, asked_pass = ? WHERE id IN (${marks(few)})`,
      params: [...pairs, ...pairs, ...pairs, ...pairs, today, pass, ...few.map(({ id }) => id)],
    });
  }
}

/**
 * Nothing has changed in them since that day of each, as far as search knows. The days follow on those that were verified before,
 * so the earlier of two stays, and a change that was the newest when it was checked still is.
 * @param isWhole everything since their making was asked about, so they are untouched
 */
export async function noteUnchanged(
  idle: readonly { id: string; since: Day }[],
  isWhole: boolean,
  pass: number,
  today: Day,
): Promise<void> {
  for (const few of slices(idle)) {
    const pairs = few.flatMap(({ id, since }) => [id, since]);
    const untouched = isWhole ? 'untouched = CASE WHEN untouched = 0 THEN 0 ELSE 1 END,' : '';
    await change({
      sql: `UPDATE spaces SET ${untouched}
        unchanged_since = CASE WHEN unchanged_since IS NULL AND changed_on IS NOT NULL AND checked_on IS NOT NULL THEN NULL
          WHEN unchanged_since IS NULL OR ${byId(few)} < unchanged_since THEN ${byId(few)} ELSE unchanged_since END,
        checked_on = ?, asked_pass = ? WHERE id IN (${marks(few)})`,
      params: [...pairs, ...pairs, today, pass, ...few.map(({ id }) => id)],
    });
  }
}

/**
 * Spaces whose newest change is recent are known to be in use, and nobody is asked about them. They count as checked up to that
 * change only: a later one whose event was lost is found when they are asked about again.
 */
export async function noteRecent(pass: number, recent: Day): Promise<void> {
  await changeAll({
    sql: `UPDATE spaces SET checked_on = changed_on, asked_pass = ?, untouched = CASE WHEN changed_on > settled_on THEN 0 ELSE untouched END
      WHERE ${ASKABLE} AND asked_pass < ? AND changed_on >= ?`,
    params: [pass, pass, recent],
  });
}

/** A space's promises, as its record tells them. An older record than the one seen last changes nothing. */
export interface Promised {
  id: string;
  key: string | null;
  ownerId: string | null;
  status: Exclude<SpaceStatus, 'deleted'>;
  statusSince: number;
  access: string;
  origin: 'created' | 'adopted';
  template: string;
  revision: number;
}

export async function notePromises(promises: readonly Promised[], now: number): Promise<void> {
  for (const few of slices(promises)) {
    const rows = few.map(({ statusSince, origin, template, ...space }) => [
      // Whether the app sees it is for the lists to say.
      ...rowOf({ ...space, statusAt: statusSince, isVisible: false, createdAt: null }, now),
      origin,
      template,
    ]);
    const isNewer = 'VALUES(record_revision) > record_revision';
    await change({
      sql: `INSERT INTO spaces (${COLUMNS}, origin, template) VALUES ${rowMarks(rows)}
        ON DUPLICATE KEY UPDATE ${KEEP_FORGOTTEN}, ${NEWEST_STATUS},
        access = CASE WHEN ${isNewer} THEN VALUES(access) ELSE access END,
        origin = CASE WHEN ${isNewer} THEN VALUES(origin) ELSE origin END,
        template = CASE WHEN ${isNewer} THEN VALUES(template) ELSE template END,
        record_revision = CASE WHEN ${isNewer} THEN VALUES(record_revision) ELSE record_revision END`,
      params: rows.flat(),
    });
  }
}

/** The standing of these owners, as their people's rows have it now. */
export async function copyStandings(standings: ReadonlyMap<string, readonly string[]>): Promise<void> {
  for (const [standing, ownerIds] of standings) {
    for (const few of slices(ownerIds)) {
      await change({
        sql: `UPDATE spaces SET owner_standing = ? WHERE owner_id IN (${marks(few)}) AND owner_standing <> ?`,
        params: [standing, ...few, standing],
      });
    }
  }
}

/** Closed accounts are taken out of their spaces' rows for good. */
export async function forgetOwners(accountIds: readonly string[]): Promise<void> {
  for (const few of slices(accountIds)) {
    await change({
      sql: `UPDATE spaces SET owner_standing = 'closed', owner_id = NULL, space_key = NULL, changed_by = NULL, changed_by_on = NULL
        WHERE owner_id IN (${marks(few)})`,
      params: few,
    });
  }
}

const Named = z.object({
  id: z.string(),
  space_key: z.string().nullable(),
  owner_id: z.string().nullable(),
  created_on: z.string().nullable(),
});
export interface NamedSpace {
  /** Both null once the owner's account was closed. */
  key: string | null;
  ownerId: string | null;
  createdOn: Day | null;
}

/** Key, owner and age of these spaces, by id, those that the directory knows. */
export async function nameSpaces(ids: readonly string[]): Promise<Map<string, NamedSpace>> {
  const named = new Map<string, NamedSpace>();
  for (const few of slices(ids)) {
    const rows = await select(
      { sql: `SELECT id, space_key, owner_id, created_on FROM spaces WHERE id IN (${marks(few)})`, params: few },
      Named,
    );
    for (const row of rows) named.set(row.id, { key: row.space_key, ownerId: row.owner_id, createdOn: row.created_on });
  }
  return named;
}

/** Who may see a space, as it was just read. */
export async function noteAccess(spaceId: string, access: string, pages: 'one' | 'several'): Promise<void> {
  await change({ sql: 'UPDATE spaces SET access = ?, pages = ? WHERE id = ?', params: [access, pages, spaceId] });
}

const Owned = z.object({ id: z.string(), owner_id: z.string(), owner_standing: z.string(), status: z.string(), visible: SqlFlag });
export interface OwnSpace {
  id: string;
  status: string;
  ownerStanding: string;
  isVisible: boolean;
}
/** Of several spaces of one owner, the one that is in their hands counts. */
const BY_STATUS = ['current', 'archived', 'trashed', 'unknown'];

/** The space of each of these people, by account id, those that have one. */
export async function findSpacesOf(ownerIds: readonly string[]): Promise<Map<string, OwnSpace>> {
  const found = new Map<string, OwnSpace>();
  for (const few of slices(ownerIds)) {
    const rows = await select(
      { sql: `SELECT id, owner_id, owner_standing, status, visible FROM spaces WHERE owner_id IN (${marks(few)})`, params: few },
      Owned,
    );
    for (const { id, owner_id, owner_standing, status, visible } of rows) {
      const other = found.get(owner_id);
      if (!other || BY_STATUS.indexOf(status) < BY_STATUS.indexOf(other.status))
        found.set(owner_id, { id, status, ownerStanding: owner_standing, isVisible: visible });
    }
  }
  return found;
}

/** Ids of all spaces of these people. */
export async function listSpacesOf(ownerIds: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const few of slices(ownerIds))
    ids.push(...(await select({ sql: `SELECT id FROM spaces WHERE owner_id IN (${marks(few)})`, params: few }, IdRow)).map(({ id }) => id));
  return ids;
}

/** Account ids of owners, for the weekly report. */
export async function listOwnerIds(after: string, limit: number): Promise<string[]> {
  const rows = await select(
    { sql: `SELECT DISTINCT owner_id AS id FROM spaces WHERE owner_id > ? ORDER BY owner_id LIMIT ${limit}`, params: [after] },
    IdRow,
  );
  return rows.map(({ id }) => id);
}

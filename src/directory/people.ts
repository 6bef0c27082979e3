/** What the directory learns of people: which groups they are in, how they stand, what Homestead remembers of them. */
import { z } from 'zod';
import { outcomeFor, type Remembered, STANDINGS, type Standing } from '../domain/directory';
import type { Policy } from '../domain/policy/document';
import { bucketOf } from '../domain/provisioning/rollout';
import type { Day } from '../domain/time';
import { change, changeAll, marks, rowMarks, SqlFlag, SqlNumber, type SqlValue, select, slices } from '../forge/sql';
import { copyStandings } from './spaces';

/** A group that gives a license, or that the policy names. */
export interface ReadGroup {
  id: string;
  number: number;
  isLicensed: boolean;
  /** As last counted, and when its members were last read; that is 0 for a group that is gone. */
  members: number;
  readMembers: number | null;
  /** When its members were last read, or only counted (ms); null = never. */
  readAt: number | null;
  countedAt: number | null;
}

const GroupRow = z.object({
  id: z.string(),
  group_number: z.number(),
  is_licensed: SqlFlag,
  members: z.number(),
  read_members: z.number().nullable(),
  read_at: SqlNumber.nullable(),
  counted_at: SqlNumber.nullable(),
});

export async function listReadGroups(): Promise<ReadGroup[]> {
  const rows = await select(
    { sql: 'SELECT id, group_number, is_licensed, members, read_members, read_at, counted_at FROM read_groups', params: [] },
    GroupRow,
  );
  return rows.map((row) => ({
    id: row.id,
    number: row.group_number,
    isLicensed: row.is_licensed,
    members: row.members,
    readMembers: row.read_members,
    readAt: row.read_at,
    countedAt: row.counted_at,
  }));
}

/** Writes how these groups were found. A number is a group's for good, and what its reading has noted stays. */
export async function writeGroups(groups: readonly Omit<ReadGroup, 'readMembers' | 'readAt'>[]): Promise<void> {
  for (const few of slices(groups)) {
    const rows = few.map((g): SqlValue[] => [g.id, g.number, g.isLicensed ? 1 : 0, g.members, g.countedAt]);
    await change({
      sql: `INSERT INTO read_groups (id, group_number, is_licensed, members, counted_at) VALUES ${rowMarks(rows)}
        ON DUPLICATE KEY UPDATE is_licensed = VALUES(is_licensed), members = VALUES(members), counted_at = VALUES(counted_at)`,
      params: rows.flat(),
    });
  }
}

/** All of its members were read. */
export async function noteGroupRead(number: number, members: number, now: number): Promise<void> {
  await change({
    sql: 'UPDATE read_groups SET members = ?, read_members = ?, read_at = ?, counted_at = ? WHERE group_number = ?',
    params: [members, members, now, now, number],
  });
}

/** Confluence does not know it: nobody has read its members, and nobody looks for them again before tomorrow. */
export async function noteGroupGone(number: number, now: number): Promise<void> {
  await change({
    sql: 'UPDATE read_groups SET members = 0, read_members = 0, counted_at = ? WHERE group_number = ?',
    params: [now, number],
  });
}

/** Nobody asks about these groups any more: their members are looked at without them. */
export async function forgetGroups(groups: readonly ReadGroup[]): Promise<void> {
  for (const { id, number } of groups) {
    await changeAll({ sql: 'UPDATE memberships SET changed = 2 WHERE group_number = ? AND changed <> 2', params: [number] });
    await change({ sql: 'DELETE FROM read_groups WHERE id = ?', params: [id] });
  }
}

/** A page of a group's members. */
export async function noteMembers(group: number, members: readonly { accountId: string; isGuest: boolean }[], pass: number): Promise<void> {
  for (const few of slices(members)) {
    const rows = few.map(({ accountId, isGuest }): SqlValue[] => [accountId, group, isGuest ? 1 : 0, pass, 1]);
    await change({
      sql: `INSERT INTO memberships (account_id, group_number, is_guest, pass, changed) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE
        changed = CASE WHEN changed IN (2, 4) OR is_guest <> VALUES(is_guest) THEN 1 ELSE changed END,
        is_guest = VALUES(is_guest), pass = CASE WHEN VALUES(pass) > pass THEN VALUES(pass) ELSE pass END`,
      params: rows.flat(),
    });
  }
}

/** The group was read to its end: whoever was not named has left it. */
export async function noteLeft(group: number, pass: number): Promise<void> {
  await changeAll({
    sql: 'UPDATE memberships SET changed = 2 WHERE group_number = ? AND pass < ? AND changed <> 2',
    params: [group, pass],
  });
}

const AccountRow = z.object({ account_id: z.string() });

/** People whose memberships have changed, by account id. */
export async function listChangedMembers(after: string, limit: number): Promise<string[]> {
  const rows = await select(
    {
      sql: `SELECT DISTINCT account_id FROM memberships WHERE changed > 0 AND account_id > ? ORDER BY account_id LIMIT ${limit}`,
      params: [after],
    },
    AccountRow,
  );
  return rows.map((row) => row.account_id);
}

const MembershipRow = z.object({ account_id: z.string(), group_number: z.number(), is_guest: SqlFlag });
export interface Memberships {
  /** Numbers of groups, ascending. */
  groups: number[];
  isGuest: boolean;
}

/** The groups of each of these people. */
export async function readMemberships(accountIds: readonly string[]): Promise<Map<string, Memberships>> {
  const found = new Map<string, Memberships>();
  for (const few of slices(accountIds)) {
    const rows = await select(
      {
        sql: `SELECT account_id, group_number, is_guest FROM memberships WHERE account_id IN (${marks(few)}) AND changed NOT IN (2, 4)
          ORDER BY account_id, group_number`,
        params: few,
      },
      MembershipRow,
    );
    for (const { account_id, group_number, is_guest } of rows) {
      const own = found.get(account_id) ?? { groups: [], isGuest: false };
      own.groups.push(group_number);
      own.isGuest ||= is_guest;
      found.set(account_id, own);
    }
  }
  return found;
}

/** What has changed for these people is being put into their rows; what changes from now on is marked anew. */
export async function takeUpMemberships(accountIds: readonly string[]): Promise<void> {
  for (const few of slices(accountIds))
    await change({
      sql: `UPDATE memberships SET changed = changed + 2 WHERE changed IN (1, 2) AND account_id IN (${marks(few)})`,
      params: few,
    });
}

/** Their rows say by now what the memberships said when they were taken up. */
export async function settleMemberships(accountIds: readonly string[]): Promise<void> {
  for (const few of slices(accountIds)) {
    await change({ sql: `DELETE FROM memberships WHERE changed = 4 AND account_id IN (${marks(few)})`, params: few });
    await change({ sql: `UPDATE memberships SET changed = 0 WHERE changed = 3 AND account_id IN (${marks(few)})`, params: few });
  }
}

/** A person as their row has them. */
export interface PersonRow {
  accountId: string;
  standing: Standing;
  /** Numbers of groups, ascending. */
  groups: readonly number[];
  spaceId: string | null;
  remembered: Remembered | null;
  /** Waits to be looked up. */
  look: boolean;
}

/** Columns of a remembered state. */
export const RememberedColumns = {
  state: z.string().nullable(),
  state_reason: z.string().nullable(),
  state_until: SqlNumber.nullable(),
  state_how: z.string().nullable(),
};
export function toRemembered(row: {
  state: string | null;
  state_reason: string | null;
  state_until: number | null;
  state_how: string | null;
}) {
  const { state, state_reason, state_until, state_how } = row;
  // The words are our own: they were written by `notePeople`.
  return state === null ? null : ({ state, reason: state_reason, until: state_until, how: state_how } as Remembered);
}

const StoredPerson = z.object({
  id: z.string(),
  standing: z.enum(STANDINGS),
  group_set: z.string(),
  space_id: z.string().nullable(),
  look: SqlFlag,
  ...RememberedColumns,
});

export const setOfGroups = (groups: readonly number[]): string => groups.join(',');
export const groupsOfSet = (set: string): number[] => (set === '' ? [] : set.split(',').map(Number));

/** The rows of these people by account id, those that exist. */
export async function readPeopleRows(accountIds: readonly string[]): Promise<Map<string, PersonRow>> {
  const found = new Map<string, PersonRow>();
  for (const few of slices(accountIds)) {
    const rows = await select(
      {
        sql: `SELECT id, standing, group_set, space_id, look, state, state_reason, state_until, state_how FROM people WHERE id IN (${marks(few)})`,
        params: few,
      },
      StoredPerson,
    );
    for (const row of rows) {
      const { id, standing, space_id } = row;
      found.set(id, {
        accountId: id,
        standing,
        groups: groupsOfSet(row.group_set),
        spaceId: space_id,
        look: row.look,
        remembered: toRemembered(row),
      });
    }
  }
  return found;
}

/** The policy that outcomes are decided by, and the ids of the groups that rows name by number. */
export interface Yardstick {
  policy: Policy;
  version: number;
  groupIds: ReadonlyMap<number, string>;
}

export const idsOf = (groups: readonly number[], { groupIds }: Pick<Yardstick, 'groupIds'>): Set<string> =>
  new Set(groups.flatMap((number) => groupIds.get(number) ?? []));

function outcomeColumns({ accountId, standing, groups, spaceId, remembered }: PersonRow, by: Yardstick, now: number): SqlValue[] {
  const known = { accountId, standing, groups: idsOf(groups, by), hasSpace: spaceId !== null, remembered };
  const { kind, reason, ruleId } = outcomeFor(known, by.policy, now);
  return [kind, reason, ruleId, by.version];
}

const OUTCOME_COLUMNS = 'outcome, reason, rule_id, policy_version';
const NEW_OUTCOME =
  'outcome = VALUES(outcome), reason = VALUES(reason), rule_id = VALUES(rule_id), policy_version = VALUES(policy_version)';
/** Standings that mean that nobody is there any more to use a space. */
const GONE: readonly Standing[] = ['deactivated', 'closed', 'unlicensed'];
const GONE_WORDS = `(${GONE.map((standing) => `'${standing}'`).join(', ')})`;

/** Those with `look` have to be looked up by their ids: the groups do not tell, or no list names their space. */
export async function notePeople(people: readonly PersonRow[], by: Yardstick, today: Day, now: number): Promise<void> {
  for (const few of slices(people)) {
    const rows = few.map((person): SqlValue[] => [
      person.accountId,
      person.standing,
      setOfGroups(person.groups),
      bucketOf(person.accountId),
      person.spaceId,
      person.look ? 1 : 0,
      0,
      GONE.includes(person.standing) ? today : null,
      today,
      ...outcomeColumns(person, by, now),
    ]);
    await change({
      sql: `INSERT INTO people (id, standing, group_set, bucket, space_id, look, record_revision, gone_since, seen_on, ${OUTCOME_COLUMNS})
        VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE
        gone_since = CASE WHEN VALUES(standing) NOT IN ${GONE_WORDS} THEN NULL WHEN gone_since IS NULL THEN VALUES(gone_since) ELSE gone_since END,
        standing = VALUES(standing), group_set = VALUES(group_set), space_id = VALUES(space_id), look = VALUES(look),
        seen_on = VALUES(seen_on), ${NEW_OUTCOME}`,
      params: rows.flat(),
    });
  }
}

/** What Homestead remembers of these people, and by which version of the policy. Somebody in no list yet is looked up. */
export async function noteRemembered(
  people: readonly { accountId: string; revision: number; spaceId: string | null; remembered: Remembered; version: number | null }[],
  by: Yardstick,
  today: Day,
  now: number,
): Promise<void> {
  for (const few of slices(people)) {
    const known = await readPeopleRows(few.map(({ accountId }) => accountId));
    const rows = few.map(({ accountId, revision, spaceId, remembered, version }): SqlValue[] => {
      const row = known.get(accountId) ?? { accountId, standing: 'unknown', groups: [], spaceId: null, look: true, remembered };
      const { state, reason, until, how } = remembered;
      const outcome = outcomeColumns({ ...row, spaceId: row.spaceId ?? spaceId, remembered }, by, now);
      return [accountId, 'unknown', '', bucketOf(accountId), spaceId, 1, state, reason, until, how, version, revision, today, ...outcome];
    });
    const isNewer = 'VALUES(record_revision) > record_revision';
    const newer = (column: string): string => `${column} = CASE WHEN ${isNewer} THEN VALUES(${column}) ELSE ${column} END`;
    await change({
      sql: `INSERT INTO people (id, standing, group_set, bucket, space_id, look, state, state_reason, state_until, state_how, state_version,
        record_revision, seen_on, ${OUTCOME_COLUMNS}) VALUES ${rowMarks(rows)} ON DUPLICATE KEY UPDATE space_id = COALESCE(space_id, VALUES(space_id)),
        ${['state', 'state_reason', 'state_until', 'state_how', 'state_version', ...OUTCOME_COLUMNS.split(', '), 'record_revision'].map(newer).join(', ')}`,
      params: rows.flat(),
    });
  }
}

const IdRow = z.object({ id: z.string() });
const ids = async (sql: string, params: readonly SqlValue[]): Promise<string[]> =>
  (await select({ sql, params }, IdRow)).map(({ id }) => id);

/** People to be looked up by their ids. */
export const listToLookUp = (after: string, limit: number): Promise<string[]> =>
  ids(`SELECT id FROM people WHERE look = 1 AND id > ? ORDER BY id LIMIT ${limit}`, [after]);

const CountsRow = z.object({ spaces: SqlNumber, people: SqlNumber, toLookUp: SqlNumber });

/** How many rows there are, and how many people are to be looked up. */
export async function countRows(): Promise<z.infer<typeof CountsRow>> {
  const [row] = await select(
    {
      sql: `SELECT (SELECT COUNT(*) FROM spaces) AS spaces, (SELECT COUNT(*) FROM people) AS people,
        (SELECT COUNT(*) FROM people WHERE look = 1) AS toLookUp`,
      params: [],
    },
    CountsRow,
  );
  return row ?? { spaces: 0, people: 0, toLookUp: 0 };
}

/** People who are to get a space and have none; offers do not count. */
export async function countWaiting(): Promise<number> {
  const [row] = await select(
    { sql: "SELECT COUNT(*) AS waiting FROM people WHERE outcome = 'create' AND space_id IS NULL", params: [] },
    z.object({ waiting: SqlNumber }),
  );
  return row?.waiting ?? 0;
}

/** Whether anybody's outcome was decided by another version of the policy, or has to be decided anew. */
export async function hasStaleOutcomes(version: number): Promise<boolean> {
  return (await ids('SELECT id FROM people WHERE policy_version IS NULL OR policy_version <> ? LIMIT 1', [version])).length > 0;
}

/** Owners of spaces who have no row of their own yet. */
export const listUnknownOwners = (after: string, limit: number): Promise<string[]> =>
  ids(
    `SELECT DISTINCT s.owner_id AS id FROM spaces s LEFT JOIN people p ON p.id = s.owner_id
      WHERE s.owner_id IS NOT NULL AND p.id IS NULL AND s.owner_id > ? ORDER BY s.owner_id LIMIT ${limit}`,
    [after],
  );

/** Once a week everybody whom the groups do not settle is looked up: leavers may be back or closed, and spaces may have become visible. */
export async function askAgain(): Promise<void> {
  await changeAll({
    sql: `UPDATE people SET look = 1 WHERE look = 0 AND (standing NOT IN ('active', 'guest') OR space_id IS NULL
      OR space_id NOT IN (SELECT id FROM spaces WHERE visible = 1))`,
    params: [],
  });
}

export async function removePeople(accountIds: readonly string[]): Promise<void> {
  for (const few of slices(accountIds)) {
    await change({ sql: `DELETE FROM people WHERE id IN (${marks(few)})`, params: few });
    await change({ sql: `DELETE FROM memberships WHERE account_id IN (${marks(few)})`, params: few });
  }
}

/** Their space came to be. */
export async function noteOwnSpace(accountId: string, spaceId: string): Promise<void> {
  await change({
    sql: 'UPDATE people SET space_id = ?, policy_version = NULL WHERE id = ? AND space_id IS NULL',
    params: [spaceId, accountId],
  });
  const standing = (await readPeopleRows([accountId])).get(accountId)?.standing;
  if (standing !== undefined) await copyStandings(new Map([[standing, [accountId]]]));
}

/** Their space is gone. */
export async function noteSpacesGone(spaceIds: readonly string[]): Promise<void> {
  for (const few of slices(spaceIds))
    await change({ sql: `UPDATE people SET space_id = NULL, policy_version = NULL WHERE space_id IN (${marks(few)})`, params: few });
}

/** Nothing is remembered of them any more. */
export async function forgetRemembered(accountId: string): Promise<void> {
  await change({
    sql: `UPDATE people SET state = NULL, state_reason = NULL, state_until = NULL, state_how = NULL, state_version = NULL,
      record_revision = 0, policy_version = NULL WHERE id = ?`,
    params: [accountId],
  });
}

/** Account ids of everybody here, for the weekly report. */
export const listPeopleIds = (after: string, limit: number): Promise<string[]> =>
  ids(`SELECT id FROM people WHERE id > ? ORDER BY id LIMIT ${limit}`, [after]);

export const listMemberIds = (after: string, limit: number): Promise<string[]> =>
  ids(`SELECT DISTINCT account_id AS id FROM memberships WHERE account_id > ? ORDER BY account_id LIMIT ${limit}`, [after]);

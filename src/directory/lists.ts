/** Lists of spaces and people: any filter, any order, page by page without counting off what came before. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LIFECYCLES, LISTED_STATUSES, STANDINGS, UNUSED_DAYS } from '../domain/directory';
import { OUTCOMES } from '../domain/provisioning/outcome';
import { SEEN_ACCESSES } from '../domain/space';
import { addDays, type Day, dayOf } from '../domain/time';
import { AppError } from '../forge/errors';
import { marks, SqlFlag, SqlNumber, type SqlValue, type Statement, select } from '../forge/sql';

/** The SQL expression behind each column of a list. */
type Columns<K extends string> = Record<K, string>;

/** Columns that say "unknown" in a word. In any order it comes last, as null does. */
const SAYS_UNKNOWN: readonly string[] = ['ownerStanding', 'standing', 'status', 'access', 'lifecycle'];
const UNKNOWN = 'unknown';
const sortable = <K extends string>(columns: Columns<K>, by: K): string =>
  SAYS_UNKNOWN.includes(by) ? `NULLIF(${columns[by]}, '${UNKNOWN}')` : columns[by];

/** A condition and its parameters. */
export type Condition = Statement;

/** The newest change that was seen; null when only a day is known since which there was none. */
const CHANGED_ON = 'CASE WHEN unchanged_since IS NULL OR changed_on >= unchanged_since THEN changed_on ELSE NULL END';
const UNCHANGED_SINCE = 'CASE WHEN changed_on IS NULL OR changed_on < unchanged_since THEN unchanged_since ELSE NULL END';
/** Either of the two; null = nobody knows. */
const QUIET_SINCE =
  'CASE WHEN changed_on IS NULL THEN unchanged_since WHEN unchanged_since IS NULL OR changed_on >= unchanged_since THEN changed_on ELSE unchanged_since END';

/** @param unusedBefore a space without a change after this day counts as unused */
const lifecycle = (unusedBefore: Day): string =>
  `CASE WHEN status IN ('archived', 'trashed') THEN status WHEN promise IS NOT NULL THEN promise
    WHEN visible = 0 OR status = 'unknown' OR ${QUIET_SINCE} IS NULL THEN 'unknown'
    WHEN ${QUIET_SINCE} <= '${unusedBefore}' THEN 'unused' ELSE 'in-use' END`;

const SPACE_COLUMNS = {
  spaceId: 'id',
  key: 'space_key',
  ownerId: 'owner_id',
  ownerStanding: 'owner_standing',
  status: 'status',
  access: 'access',
  createdOn: 'created_on',
  lastChangeOn: CHANGED_ON,
  lastChangeBy: `CASE WHEN changed_by_on = changed_on AND (unchanged_since IS NULL OR changed_on >= unchanged_since) THEN changed_by ELSE NULL END`,
  unchangedSince: UNCHANGED_SINCE,
  checkedAt: 'checked_on',
  lastVisitOn: 'visited_on',
  untouched: 'untouched',
  pages: 'pages',
  origin: 'origin',
  template: 'template',
  visible: 'visible',
  firstSeenOn: 'first_seen_on',
  deadline: 'deadline_on',
} as const;
const spaceColumns = (now: number) => ({ ...SPACE_COLUMNS, lifecycle: lifecycle(addDays(dayOf(now), -UNUSED_DAYS)) });
export const SPACE_SORTS = [...(Object.keys(SPACE_COLUMNS) as (keyof typeof SPACE_COLUMNS)[]), 'lifecycle'] as const;
type SpaceColumn = keyof ReturnType<typeof spaceColumns>;

const text = z.string().nullable();
export const SpaceRow = z.object({
  spaceId: z.string(),
  key: text,
  ownerId: text,
  ownerStanding: z.enum(STANDINGS),
  status: z.enum(LISTED_STATUSES),
  access: z.string(),
  createdOn: text,
  lastChangeOn: text,
  lastChangeBy: z.enum(['owner', 'others']).nullable(),
  unchangedSince: text,
  checkedAt: text,
  lastVisitOn: text,
  untouched: SqlFlag.nullable(),
  pages: text,
  origin: text,
  template: text,
  visible: SqlFlag,
  firstSeenOn: z.string(),
  lifecycle: z.enum(LIFECYCLES),
  deadline: text,
});
export type SpaceRow = z.infer<typeof SpaceRow>;

/** Ids named in one filter. */
export const MAX_IDS = 1_000;
const Ids = z.array(z.string().min(1).max(128)).max(MAX_IDS);

/** Every part narrows the list; an empty filter is everything. */
export const SpaceFilter = z.strictObject({
  spaceIds: Ids.optional(),
  status: z.array(z.enum(LISTED_STATUSES)).max(LISTED_STATUSES.length).optional(),
  ownerIds: Ids.optional(),
  ownerStanding: z.array(z.enum(STANDINGS)).max(STANDINGS.length).optional(),
  access: z.array(z.enum(SEEN_ACCESSES)).max(4).optional(),
  lifecycle: z.array(z.enum(LIFECYCLES)).max(LIFECYCLES.length).optional(),
  origin: z
    .array(z.enum(['created', 'adopted']))
    .max(2)
    .optional(),
  /** Matches the day of the last change, or the day since which no change has been seen. */
  unchangedForDays: z.number().int().min(0).max(36_500).optional(),
  createdBefore: z.iso.date().optional(),
  untouched: z.boolean().optional(),
  visible: z.boolean().optional(),
});
export type SpaceFilter = z.infer<typeof SpaceFilter>;

const oneOf = (column: string, values: readonly SqlValue[] | undefined): Condition[] => {
  if (values === undefined) return [];
  // Nothing is one of none.
  return [values.length === 0 ? { sql: '1 = 0', params: [] } : { sql: `${column} IN (${marks(values)})`, params: values }];
};
/** All but these. */
export const allBut = (ids: readonly string[]): Condition[] =>
  ids.length === 0 ? [] : [{ sql: `id NOT IN (${marks(ids)})`, params: ids }];
const flag = (column: string, value: boolean | undefined): Condition[] =>
  value === undefined ? [] : [{ sql: `${column} = ?`, params: [value ? 1 : 0] }];

/** The conditions of a filter, for lists and for whatever is frozen from one. */
export function spaceConditions(filter: SpaceFilter, now: number): Condition[] {
  const columns = spaceColumns(now);
  const { unchangedForDays: days, createdBefore } = filter;
  return [
    ...oneOf('id', filter.spaceIds),
    ...oneOf('status', filter.status),
    ...oneOf('owner_id', filter.ownerIds),
    ...oneOf('owner_standing', filter.ownerStanding),
    ...oneOf('access', filter.access),
    ...oneOf('origin', filter.origin),
    ...oneOf(columns.lifecycle, filter.lifecycle),
    ...(days === undefined ? [] : [{ sql: `${QUIET_SINCE} <= ?`, params: [addDays(dayOf(now), -days)] }]),
    ...(createdBefore === undefined ? [] : [{ sql: 'created_on < ?', params: [createdBefore] }]),
    ...flag('untouched', filter.untouched),
    ...flag('visible', filter.visible),
  ];
}

/** What stands against archiving a space, as far as the directory knows; `unused` = nothing does. */
export const VERDICTS = [
  'unused',
  'not-visible',
  'already-archived',
  'not-current',
  'asked',
  'told',
  'kept',
  'protected',
  'activity-unknown',
  'changed-since',
] as const;
export type Verdict = (typeof VERDICTS)[number];

const verdict = (unusedBefore: Day): string =>
  `CASE WHEN visible = 0 OR status = 'unknown' THEN 'not-visible' WHEN status = 'archived' THEN 'already-archived'
    WHEN status <> 'current' THEN 'not-current' WHEN promise IS NOT NULL THEN promise WHEN ${QUIET_SINCE} IS NULL THEN 'activity-unknown'
    WHEN ${QUIET_SINCE} <= '${unusedBefore}' THEN 'unused' ELSE 'changed-since' END`;

/** Those of the spaces that might be archived. @param unusedBefore a space without a change after this day is unused */
export const archivable = (spaces: readonly Condition[], unusedBefore: Day): Condition[] => [
  ...spaces,
  { sql: `${verdict(unusedBefore)} = 'unused'`, params: [] },
];

/** Current spaces that Homestead created on these days, or on a day that no list has told yet. */
export const createdBetween = (from: Day, to: Day): Condition[] => [
  { sql: "status = 'current' AND origin = 'created' AND (created_on IS NULL OR created_on BETWEEN ? AND ?)", params: [from, to] },
];

const VerdictRow = z.object({ verdict: z.enum(VERDICTS), spaces: SqlNumber });

/** How many of the spaces have which verdict, those that occur. */
export async function countVerdicts(spaces: readonly Condition[], unusedBefore: Day): Promise<{ verdict: Verdict; count: number }[]> {
  const { sql, params } = where(spaces);
  const rows = await select(
    { sql: `SELECT ${verdict(unusedBefore)} AS verdict, COUNT(*) AS spaces FROM spaces WHERE ${sql} GROUP BY verdict`, params },
    VerdictRow,
  );
  return rows.map((row) => ({ verdict: row.verdict, count: row.spaces }));
}

const PEOPLE_COLUMNS = {
  accountId: 'id',
  standing: 'standing',
  outcome: 'outcome',
  reason: 'reason',
  ruleId: 'rule_id',
  policyVersion: 'policy_version',
  spaceId: 'space_id',
  state: 'state',
  goneSince: 'gone_since',
  seenOn: 'seen_on',
} as const;
type PeopleColumn = keyof typeof PEOPLE_COLUMNS;
export const PEOPLE_SORTS = Object.keys(PEOPLE_COLUMNS) as PeopleColumn[];

export const PeopleRow = z.object({
  accountId: z.string(),
  standing: z.enum(STANDINGS),
  outcome: z.enum(OUTCOMES).nullable(),
  reason: text,
  ruleId: text,
  /** The version that the outcome was decided by; an older one than the policy's says that it is being decided anew. */
  policyVersion: z.number().nullable(),
  spaceId: text,
  state: text,
  goneSince: text,
  seenOn: z.string(),
});
export type PeopleRow = z.infer<typeof PeopleRow>;

export const PeopleFilter = z.strictObject({
  accountIds: Ids.optional(),
  standing: z.array(z.enum(STANDINGS)).max(STANDINGS.length).optional(),
  outcome: z.array(z.enum(OUTCOMES)).max(OUTCOMES.length).optional(),
  reason: z.array(z.string().max(40)).max(50).optional(),
  /** null = nobody's rule: "everyone else". */
  ruleId: z.array(z.string().max(40).nullable()).max(200).optional(),
  hasSpace: z.boolean().optional(),
});
export type PeopleFilter = z.infer<typeof PeopleFilter>;

export function peopleConditions(filter: PeopleFilter): Condition[] {
  const named = filter.ruleId?.filter((id) => id !== null);
  const rules = named && oneOf('rule_id', named);
  const [rule] = rules ?? [];
  return [
    ...oneOf('id', filter.accountIds),
    ...oneOf('standing', filter.standing),
    ...oneOf('outcome', filter.outcome),
    ...oneOf('reason', filter.reason),
    ...(rule ? [filter.ruleId?.includes(null) ? { ...rule, sql: `(${rule.sql} OR rule_id IS NULL)` } : rule] : []),
    ...(filter.hasSpace === undefined ? [] : [{ sql: `space_id IS ${filter.hasSpace ? 'NOT NULL' : 'NULL'}`, params: [] }]),
  ];
}

export const where = (conditions: readonly Condition[]): Statement => ({
  sql: conditions.length === 0 ? '1 = 1' : conditions.map(({ sql }) => sql).join(' AND '),
  params: conditions.flatMap(({ params }) => params),
});

export interface Order<C extends string> {
  by: C;
  direction: 'asc' | 'desc';
}

/** Which list a cursor is of; and where the next page begins: the last row's value in the order's column, and its id. */
const Position = z.tuple([z.string(), z.union([z.string(), z.number(), z.null()]), z.string()]);
/** Characters of a list's name that tell it from another. */
const NAME_LENGTH = 12;

export interface ListPage<R> {
  rows: R[];
  next: string | null;
  /** How many rows the filter has in all. */
  total: number;
}

interface ListQuery<C extends string> {
  table: 'spaces' | 'people';
  columns: Columns<C>;
  conditions: readonly Condition[];
  filter: unknown;
  order: Order<C>;
  cursor: string | null;
  limit: number;
}

function nameOf<C extends string>({ table, filter, order }: ListQuery<C>): string {
  return createHash('sha256')
    .update(JSON.stringify([table, order.by, order.direction, filter]))
    .digest('base64')
    .slice(0, NAME_LENGTH);
}

/** Rows after the cursor: those with a later value, those with the same and a later id, and the unknown ones, which come last. */
function after<C extends string>(query: ListQuery<C>): Condition[] {
  const { columns, order, cursor } = query;
  if (cursor === null) return [];
  const position = Position.safeParse(parsedJson(cursor));
  if (!position.success || position.data[0] !== nameOf(query)) throw new AppError('bad-request', { problem: 'cursor' });
  const [, value, id] = position.data;
  const column = sortable(columns, order.by);
  if (value === null) return [{ sql: `(${column} IS NULL AND id > ?)`, params: [id] }];
  const later = order.direction === 'asc' ? '>' : '<';
  return [{ sql: `(${column} ${later} ? OR (${column} = ? AND id > ?) OR ${column} IS NULL)`, params: [value, value, id] }];
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const TotalRow = z.object({ total: SqlNumber });

/** Two statements: the page, and how many there are. @throws AppError bad-request for a cursor of another list */
async function list<C extends string, R>(
  query: ListQuery<C>,
  row: z.ZodType<R>,
  positionOf: (row: R, by: C) => [SqlValue, string],
): Promise<ListPage<R>> {
  const { table, columns, conditions, order, limit } = query;
  const page = where([...conditions, ...after(query)]);
  const column = sortable(columns, order.by);
  const orderBy = `CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END, ${column} ${order.direction === 'asc' ? 'ASC' : 'DESC'}, id`;
  const rows = await select(
    { sql: `SELECT ${named(columns)} FROM ${table} WHERE ${page.sql} ORDER BY ${orderBy} LIMIT ${limit + 1}`, params: page.params },
    row,
  );
  const all = where(conditions);
  const [counted] = await select({ sql: `SELECT COUNT(*) AS total FROM ${table} WHERE ${all.sql}`, params: all.params }, TotalRow);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown,
    next: rows.length > limit && last !== undefined ? JSON.stringify([nameOf(query), ...positionOf(last, order.by)]) : null,
    total: counted?.total ?? 0,
  };
}

/** A column's value as the database sorts it. */
function asSorted(by: string, value: string | number | boolean | null): SqlValue {
  if (value === UNKNOWN && SAYS_UNKNOWN.includes(by)) return null;
  return typeof value === 'boolean' ? Number(value) : value;
}

interface PageRequest<F, C extends string> {
  filter: F;
  order: Order<C>;
  cursor: string | null;
  limit: number;
}

export function listSpaces({ filter, ...page }: PageRequest<SpaceFilter, SpaceColumn>, now: number): Promise<ListPage<SpaceRow>> {
  const query = { table: 'spaces' as const, columns: spaceColumns(now), conditions: spaceConditions(filter, now), filter, ...page };
  return list(query, SpaceRow, (row, by) => [asSorted(by, row[by]), row.spaceId]);
}

export function listPeople({ filter, ...page }: PageRequest<PeopleFilter, PeopleColumn>): Promise<ListPage<PeopleRow>> {
  const query = { table: 'people' as const, columns: PEOPLE_COLUMNS, conditions: peopleConditions(filter), filter, ...page };
  return list(query, PeopleRow, (row, by) => [asSorted(by, row[by]), row.accountId]);
}

const named = (columns: Columns<string>): string =>
  Object.entries(columns)
    .map(([name, sql]) => `${sql} AS \`${name}\``)
    .join(', ');

const spacesWhere = (column: 'id' | 'owner_id', value: string, now: number): Promise<SpaceRow[]> =>
  select({ sql: `SELECT ${named(spaceColumns(now))} FROM spaces WHERE ${column} = ?`, params: [value] }, SpaceRow);

/** One space's row; null = the directory does not know it. */
export const findSpace = async (spaceId: string, now: number): Promise<SpaceRow | null> =>
  (await spacesWhere('id', spaceId, now))[0] ?? null;

export const findSpacesOfOwner = (ownerId: string, now: number): Promise<SpaceRow[]> => spacesWhere('owner_id', ownerId, now);

/** One person's row; null = the directory does not know them. */
export async function findPerson(accountId: string): Promise<PeopleRow | null> {
  const [row] = await select({ sql: `SELECT ${named(PEOPLE_COLUMNS)} FROM people WHERE id = ?`, params: [accountId] }, PeopleRow);
  return row ?? null;
}

const CountRow = z.object({ name: z.string(), visible: SqlFlag, people: SqlNumber });

/** Spaces by status, and those that the app cannot see. */
export async function countSpaces(): Promise<Record<'current' | 'archived' | 'trashed' | 'unknown', number>> {
  const rows = await select(
    { sql: 'SELECT status AS name, visible, COUNT(*) AS people FROM spaces GROUP BY status, visible', params: [] },
    CountRow,
  );
  const counts = { current: 0, archived: 0, trashed: 0, unknown: 0 };
  for (const { name, visible, people } of rows) counts[visible ? (name as keyof typeof counts) : 'unknown'] += people;
  return counts;
}

/**
 * Everybody at once: people who are alike in all that a decision looks at are one class, and one decision is made for
 * each class. Exact but for the day's limit, which nobody can know in advance.
 */
import { z } from 'zod';
import { type KnownPerson, type ListedOutcome, outcomeFor, STANDINGS } from '../domain/directory';
import type { Policy } from '../domain/policy/document';
import { firstBucketOutside } from '../domain/provisioning/rollout';
import { changeAll, SqlNumber, type SqlValue, select, slices } from '../forge/sql';
import { groupsOfSet, idsOf, RememberedColumns, toRemembered, type Yardstick } from './people';

/** Whom a policy can be about; of everybody else it is only known how they stand. */
export const PRESENT = "standing IN ('active', 'guest')";

const ClassRow = z.object({
  standing: z.enum(STANDINGS),
  group_set: z.string(),
  /** Whatever is computed comes as text. */
  has_space: SqlNumber.transform((value) => value === 1),
  state: RememberedColumns.state,
  state_reason: RememberedColumns.state_reason,
  state_how: RememberedColumns.state_how,
  /** 0 = never, 1 = is due, 2 = is not due yet. */
  due: SqlNumber,
  band: SqlNumber,
  people: SqlNumber,
  example: z.string(),
});

/** Classes as they are written in rows: people of one may differ in what was decided about them. */
const StoredClassRow = ClassRow.extend({
  outcome: z.string().nullable(),
  reason: z.string().nullable(),
  rule_id: z.string().nullable(),
  policy_version: z.number().nullable(),
});
type StoredClass = z.infer<typeof StoredClassRow>;

/** An expression that people who are alike have in common. */
interface Trait {
  name: keyof StoredClass;
  sql: string;
  params: readonly SqlValue[];
}

const column = (name: Trait['name']): Trait => ({ name, sql: name, params: [] });
const STORED = [column('outcome'), column('reason'), column('rule_id'), column('policy_version')];

/** @param policies whose percentages divide people */
function traitsOf(policies: readonly Policy[], now: number): Trait[] {
  const limits = [...new Set(policies.map(({ rollout }) => firstBucketOutside(rollout.percent)))].sort((a, b) => a - b);
  const bands = limits.map((_, i) => `WHEN bucket < ? THEN ${i}`).join(' ');
  return [
    column('standing'),
    column('group_set'),
    { name: 'has_space', sql: 'CASE WHEN space_id IS NULL THEN 0 ELSE 1 END', params: [] },
    column('state'),
    column('state_reason'),
    column('state_how'),
    { name: 'due', sql: 'CASE WHEN state_until IS NULL THEN 0 WHEN state_until <= ? THEN 1 ELSE 2 END', params: [now] },
    { name: 'band', sql: `CASE ${bands} ELSE ${limits.length} END`, params: limits },
  ];
}

export type PeopleClass = z.infer<typeof ClassRow>;

/** Classes that one statement reads; their answer stays well under the 4 MiB that Forge SQL gives. */
const CLASSES_PER_READING = 10_000;

async function readAll<Row extends PeopleClass>(row: z.ZodType<Row>, traits: readonly Trait[], conditions: string): Promise<Row[]> {
  const columns = traits.map(({ name, sql }) => (name === sql ? sql : `${sql} AS ${name}`));
  const params = traits.flatMap((trait) => trait.params);
  const all: Row[] = [];
  for (let few: Row[] | null = null; few === null || few.length === CLASSES_PER_READING; ) {
    const last: string | undefined = all.at(-1)?.example;
    few = await select(
      {
        // One of them stands for all: whoever is in the same class is in the same part of every percentage.
        sql: `SELECT ${columns.join(', ')}, COUNT(*) AS people, MIN(id) AS example FROM people WHERE ${conditions}
          GROUP BY ${traits.map(({ name }) => name).join(', ')} ${last === undefined ? '' : 'HAVING MIN(id) > ?'}
          ORDER BY MIN(id) LIMIT ${CLASSES_PER_READING}`,
        params: last === undefined ? params : [...params, last],
      },
      row,
    );
    all.push(...few);
  }
  return all;
}

/** Everybody whom these policies can be about. */
export const readClasses = (policies: readonly Policy[], now: number): Promise<PeopleClass[]> =>
  readAll(ClassRow, traitsOf(policies, now), PRESENT);

/** Somebody of the class, who stands for all of it. */
export function knownOf(row: PeopleClass, groupIds: Yardstick['groupIds'], now: number): KnownPerson {
  // Only whether it is due counts.
  const until = row.due === 0 ? null : row.due === 1 ? now : now + 1;
  return {
    accountId: row.example,
    standing: row.standing,
    groups: idsOf(groupsOfSet(row.group_set), { groupIds }),
    hasSpace: row.has_space,
    remembered: toRemembered({ ...row, state_until: until }),
  };
}

/** What a policy means for everybody in the class. */
export const outcomeOfClass = (row: PeopleClass, policy: Policy, groupIds: Yardstick['groupIds'], now: number): ListedOutcome =>
  outcomeFor(knownOf(row, groupIds, now), policy, now);

/** Classes named in one UPDATE. */
const CLASSES_PER_UPDATE = 20;

/**
 * Writes what the policy means now into the rows that say something else: they were decided by another version, or time has
 * passed since. One statement for classes of the same outcome, or a few where they are large.
 * @returns whether there is more
 */
export async function writeOutcomes(by: Yardstick, now: number, limit: number): Promise<boolean> {
  const traits = [...traitsOf([by.policy], now), ...STORED];
  const differing = new Map<string, { outcome: ListedOutcome; rows: StoredClass[] }>();
  let count = 0;
  for (const row of await readAll(StoredClassRow, traits, '1 = 1')) {
    const outcome = outcomeOfClass(row, by.policy, by.groupIds, now);
    if (isAsStored(outcome, by.version, row)) continue;
    count += 1;
    if (count > limit) break;
    const key = `${outcome.kind} ${outcome.reason} ${outcome.ruleId}`;
    const alike = differing.get(key);
    if (alike) alike.rows.push(row);
    else differing.set(key, { outcome, rows: [row] });
  }
  for (const { outcome, rows } of differing.values()) {
    for (const few of slices(rows, CLASSES_PER_UPDATE)) {
      const classes = few.map((row) => traits.map((trait) => sameAs(trait, row[trait.name])));
      // Classes are told by what is stored, too, so that none of them is still one once it is written.
      await changeAll({
        sql: `UPDATE people SET outcome = ?, reason = ?, rule_id = ?, policy_version = ?
          WHERE ${classes.map((alike) => `(${alike.map(({ sql }) => sql).join(' AND ')})`).join(' OR ')}`,
        params: [
          outcome.kind,
          outcome.reason,
          outcome.ruleId,
          by.version,
          ...classes.flatMap((alike) => alike.flatMap(({ params }) => params)),
        ],
      });
    }
  }
  return count > limit;
}

const isAsStored = ({ kind, reason, ruleId }: ListedOutcome, version: number, row: StoredClass): boolean =>
  row.outcome === kind && row.reason === reason && row.rule_id === ruleId && row.policy_version === version;

function sameAs({ sql, params }: Trait, value: string | number | boolean | null): { sql: string; params: SqlValue[] } {
  if (value === null) return { sql: `${sql} IS NULL`, params: [...params] };
  return { sql: `${sql} = ?`, params: [...params, typeof value === 'boolean' ? Number(value) : value] };
}

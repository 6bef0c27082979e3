/**
 * Everybody at once: people who are alike in all that a decision looks at are one class, and one decision is made for
 * each class. Exact but for the day's limit, which nobody can know in advance.
 */
import { z } from 'zod';
import { type ListedOutcome, outcomeFor, STANDINGS } from '../domain/directory';
import type { Policy } from '../domain/policy/document';
import { firstBucketOutside } from '../domain/provisioning/rollout';
import { change, SqlNumber, type SqlValue, select } from '../forge/sql';
import { groupsOfSet, idsOf, RememberedColumns, toRemembered, type Yardstick } from './people';

/** Whom a policy can be about; of everybody else it is only known how they stand. */
const PRESENT = "standing IN ('active', 'guest')";

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

/** An expression that people who are alike have in common. */
interface Trait {
  name: keyof z.infer<typeof ClassRow>;
  sql: string;
  params: readonly SqlValue[];
}

/** @param policies whose percentages divide people */
function traitsOf(policies: readonly Policy[], now: number): Trait[] {
  const limits = [...new Set(policies.map(({ rollout }) => firstBucketOutside(rollout.percent)))].sort((a, b) => a - b);
  const bands = limits.map((_, i) => `WHEN bucket < ? THEN ${i}`).join(' ');
  const column = (name: Trait['name']): Trait => ({ name, sql: name, params: [] });
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

/** Classes that one reading takes; their answer stays well under the 4 MiB that Forge SQL gives. */
const CLASSES_PER_READING = 10_000;

async function readSome(traits: readonly Trait[], conditions: string, params: readonly SqlValue[]): Promise<PeopleClass[]> {
  const columns = traits.map(({ name, sql }) => (name === sql ? sql : `${sql} AS ${name}`));
  const rows = await select(
    {
      // One of them stands for all: whoever is in the same class is in the same part of every percentage.
      sql: `SELECT ${columns.join(', ')}, COUNT(*) AS people, MIN(id) AS example FROM people WHERE ${conditions}
        GROUP BY ${traits.map(({ name }) => name).join(', ')} LIMIT ${CLASSES_PER_READING}`,
      params: [...traits.flatMap((trait) => trait.params), ...params],
    },
    ClassRow,
  );
  return rows;
}

/** Everybody whom these policies can be about. */
export const readClasses = (policies: readonly Policy[], now: number): Promise<PeopleClass[]> =>
  readSome(traitsOf(policies, now), PRESENT, []);

/** What a policy means for everybody in the class. */
export function outcomeOfClass(row: PeopleClass, policy: Policy, groupIds: Yardstick['groupIds'], now: number): ListedOutcome {
  // Only whether it is due counts.
  const until = row.due === 0 ? null : row.due === 1 ? now : now + 1;
  const known = {
    accountId: row.example,
    standing: row.standing,
    groups: idsOf(groupsOfSet(row.group_set), { groupIds }),
    hasSpace: row.has_space,
    remembered: toRemembered({ ...row, state_until: until }),
  };
  return outcomeFor(known, policy, now);
}

/**
 * Writes what the policy means into the rows of people whose outcome was decided by another version: one statement a class.
 * @returns whether there may be more
 */
export async function writeOutcomes(by: Yardstick, now: number, limit: number): Promise<boolean> {
  const traits = traitsOf([by.policy], now);
  const isStale = '(policy_version IS NULL OR policy_version <> ?)';
  const stale = await readSome(traits, isStale, [by.version]);
  for (const row of stale.slice(0, limit)) {
    const { kind, reason, ruleId } = outcomeOfClass(row, by.policy, by.groupIds, now);
    const alike = traits.map((trait) => sameAs(trait, row[trait.name]));
    await change({
      sql: `UPDATE people SET outcome = ?, reason = ?, rule_id = ?, policy_version = ? WHERE ${alike.map(({ sql }) => sql).join(' AND ')}`,
      params: [kind, reason, ruleId, by.version, ...alike.flatMap(({ params }) => params)],
    });
  }
  return stale.length > limit;
}

function sameAs({ sql, params }: Trait, value: string | number | boolean | null): { sql: string; params: SqlValue[] } {
  if (value === null) return { sql: `${sql} IS NULL`, params: [...params] };
  return { sql: `${sql} = ?`, params: [...params, typeof value === 'boolean' ? Number(value) : value] };
}

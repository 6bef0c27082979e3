/** What becomes of the people who are chosen: counted, sampled and frozen by the outcomes in their rows. */
import { z } from 'zod';
import { OUTCOMES, type Outcome, STANDING_OFFERS } from '../domain/provisioning/outcome';
import { marks, SqlNumber, select } from '../forge/sql';
import { PRESENT } from './classes';
import type { Context } from './derive';
import { allBut, type Condition, type PeopleFilter, peopleConditions, where } from './lists';
import { freezeChosen } from './run-rows';

/** Some people, as an admin chooses them. */
export interface Selection {
  filter: PeopleFilter;
  except: readonly string[];
}

const chosen = ({ filter, except }: Selection): Condition[] => [
  { sql: PRESENT, params: [] },
  ...peopleConditions(filter),
  ...allBut(except),
];

/** Of those who are chosen: a space to create, or an offer to make. */
const toDo = (version: number): Condition => ({
  sql: `outcome IN ('create', 'offer') AND reason NOT IN (${marks(STANDING_OFFERS)}) AND policy_version = ?`,
  params: [...STANDING_OFFERS, version],
});

export const isToDo = ({ outcome, reason }: Pick<OutcomeCount, 'outcome' | 'reason'>): boolean =>
  (outcome === 'create' || outcome === 'offer') && !STANDING_OFFERS.some((offer) => offer === reason);

/** After `writeOutcomes`. May be stopped and repeated. @returns for how many there is something to do */
export function freezePeople(runId: string, selection: Selection, { version }: Context, now: number): Promise<number> {
  return freezeChosen(runId, 'people', [...chosen(selection), toDo(version)], now);
}

/** The words are our own: they were written by `writeOutcomes`. */
const ReasonWord = z.custom<Outcome['reason']>((value) => typeof value === 'string');
const OutcomeRow = z.object({
  outcome: z.enum(OUTCOMES),
  reason: ReasonWord,
  ruleId: z.string().nullable(),
  count: SqlNumber,
});
export type OutcomeCount = z.infer<typeof OutcomeRow>;

/** What happens to those who are chosen, by outcome and rule. After `writeOutcomes`. */
export async function countOutcomes(selection: Selection): Promise<OutcomeCount[]> {
  const people = where(chosen(selection));
  return select(
    {
      sql: `SELECT outcome, reason, rule_id AS ruleId, COUNT(*) AS count FROM people WHERE ${people.sql}
        GROUP BY outcome, reason, rule_id ORDER BY COUNT(*) DESC`,
      params: people.params,
    },
    OutcomeRow,
  );
}

/** Everybody whom a policy can be about. */
export async function countPresent(): Promise<number> {
  const [row] = await select(
    { sql: `SELECT COUNT(*) AS people FROM people WHERE ${PRESENT}`, params: [] },
    z.object({ people: SqlNumber }),
  );
  return row?.people ?? 0;
}

const SampleRow = OutcomeRow.omit({ count: true }).extend({ accountId: z.string() });
export type SampledPerson = z.infer<typeof SampleRow>;

/** Some of those whom the run acts on. */
export async function samplePeople(selection: Selection, { version }: Context, limit: number): Promise<SampledPerson[]> {
  const people = where([...chosen(selection), toDo(version)]);
  return select(
    {
      sql: `SELECT id AS accountId, outcome, reason, rule_id AS ruleId FROM people WHERE ${people.sql} ORDER BY id LIMIT ${limit}`,
      params: people.params,
    },
    SampleRow,
  );
}

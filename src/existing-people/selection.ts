/** Whom an admin has chosen, and who of them the job acts on: counted and frozen in the directory. */
import { z } from 'zod';
import { writeOutcomes } from '../directory/classes';
import type { Context } from '../directory/derive';
import { type Condition, PeopleFilter, peopleConditions, where } from '../directory/lists';
import { freezeChosen } from '../directory/run-rows';
import { OUTCOMES, type Outcome, STANDING_OFFERS } from '../domain/provisioning/outcome';
import { hasTime } from '../forge/deadline';
import { marks, SqlNumber, select } from '../forge/sql';
import { batchesOf } from '../jobs/batches';

export interface Selection {
  filter: PeopleFilter;
  except: readonly string[];
}
export const EVERYBODY: Selection = { filter: {}, except: [] };
export const namesEverybody = ({ filter, except }: Selection): boolean =>
  except.length === 0 && Object.values(filter).every((part) => part === undefined);

/** In a plan and its job: the accounts that a selection names are rows of the job, as all accounts are that jobs name. */
export const StoredSelection = z.object({ filter: PeopleFilter.omit({ accountIds: true }), namesAccounts: z.boolean() });
export type StoredSelection = z.infer<typeof StoredSelection>;

const NamedRow = z.object({ accountId: z.string(), part: z.enum(['only', 'except']) });
const namedIn = (jobId: string) => batchesOf(NamedRow, jobId, 'selection');

export async function storeSelection(jobId: string, { filter: { accountIds, ...filter }, except }: Selection): Promise<StoredSelection> {
  const rows = [
    ...(accountIds ?? []).map((accountId) => ({ accountId, part: 'only' as const })),
    ...except.map((accountId) => ({ accountId, part: 'except' as const })),
  ];
  if (rows.length > 0) await namedIn(jobId).write(0, rows);
  return { filter, namesAccounts: accountIds !== undefined };
}

export async function readSelection(jobId: string, { filter, namesAccounts }: StoredSelection): Promise<Selection> {
  const rows = (await namedIn(jobId).read(0)) ?? [];
  const idsOf = (part: 'only' | 'except'): string[] => rows.filter((row) => row.part === part).map(({ accountId }) => accountId);
  return { filter: namesAccounts ? { ...filter, accountIds: idsOf('only') } : filter, except: idsOf('except') };
}

/** Classes of people decided anew between two looks at the time. */
const CLASSES_AT_ONCE = 500;

/** The outcomes in the directory say what the policy means now. @returns false when time ran out first */
export async function decideEverybody(by: Context, now: number): Promise<boolean> {
  while (await writeOutcomes(by, now, CLASSES_AT_ONCE)) if (!hasTime()) return false;
  return true;
}

/** Whom a policy can be about. */
const PRESENT: Condition = { sql: "standing IN ('active', 'guest')", params: [] };

function chosen({ filter, except }: Selection): Condition[] {
  const left = except.length === 0 ? [] : [{ sql: `id NOT IN (${marks(except)})`, params: except }];
  return [PRESENT, ...peopleConditions(filter), ...left];
}

/** Of those who are chosen: a space to create, or an offer to make. */
const toDo = (version: number): Condition => ({
  sql: `outcome IN ('create', 'offer') AND reason NOT IN (${marks(STANDING_OFFERS)}) AND policy_version = ?`,
  params: [...STANDING_OFFERS, version],
});

export const isToDo = ({ outcome, reason }: Pick<OutcomeCount, 'outcome' | 'reason'>): boolean =>
  (outcome === 'create' || outcome === 'offer') && !STANDING_OFFERS.some((offer) => offer === reason);

/** After `decideEverybody`. May be stopped and repeated. @returns for how many there is something to do */
export function freezePeople(runId: string, selection: Selection, { version }: Context, now: number): Promise<number> {
  return freezeChosen(runId, 'people', where([...chosen(selection), toDo(version)]), [], now);
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

/** What happens to those who are chosen, by outcome and rule. After `decideEverybody`. */
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
    { sql: `SELECT COUNT(*) AS people FROM people WHERE ${PRESENT.sql}`, params: [] },
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

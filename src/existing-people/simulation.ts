/** What a policy means for everybody: counted over a census, by the decision that everything else uses. */
import type { Policy } from '../domain/policy/document';
import { decideProvisioning, isSwitchedOff, type ProvisioningDecision } from '../domain/provisioning/decide';
import type { Reason } from '../domain/reasons';
import { type Census, factsOf, readCensus, readGroups, requireGroups } from './census';
import type { PersonRow } from './rows';

/** What happens to a person: `space` = they have one, which is looked at when their turn comes. */
export type OutcomeKind = 'create' | 'offer' | 'space' | 'nothing';
export interface Outcome {
  kind: OutcomeKind;
  /** `space-looked-at`: an untouched one is adopted, one in use is left alone. */
  reason: Reason | 'space-looked-at';
}

/** People shown for each change. */
const EXAMPLES = 5;

export interface Transition {
  from: Outcome;
  to: Outcome;
  count: number;
  examples: string[];
}

export interface Simulation {
  people: number;
  changed: number;
  transitions: Transition[];
  /** Everybody under the second policy. */
  outcomes: (Outcome & { count: number })[];
}

/** No record was written under this version, so what rests on a policy is decided anew. */
const ANY_VERSION = -1;

/** The decision a job would make about a person in the census. */
export function decideRow(groups: readonly string[], row: PersonRow, policy: Policy, now: number): ProvisioningDecision {
  return decideProvisioning(factsOf(groups, row), policy, ANY_VERSION, now);
}

export function outcomeOf(decision: ProvisioningDecision, row: Pick<PersonRow, 'spaceId' | 'record'>): Outcome {
  // With everything known that a census knows, only a look into the space is left.
  if (decision.kind === 'needs') return { kind: 'space', reason: 'space-looked-at' };
  const { reason } = decision;
  // Nobody loses an existing space because of a policy.
  if (row.spaceId !== null && decision.action === 'exclude') return { kind: 'space', reason: 'has-space' };
  switch (decision.action) {
    case 'create':
    case 'offer':
      return { kind: decision.action, reason };
    case 'keep':
      return { kind: reason === 'offer-open' || reason === 'offer-postponed' ? 'offer' : 'nothing', reason };
    default:
      if (reason === 'offer-open') return { kind: 'offer', reason };
      if (row.spaceId !== null && isSwitchedOff(decision)) return { kind: 'space', reason: 'has-space' };
      return { kind: row.record?.state === 'ready' || row.record?.state === 'has-space' ? 'space' : 'nothing', reason };
  }
}

/** How many people change outcome between two policies, from what to what. @throws AppError census-lacks-groups */
export async function simulate(census: Census, before: Policy, after: Policy, now: number): Promise<Simulation> {
  const transitions = new Map<string, Transition>();
  const outcomes = new Map<string, Outcome & { count: number }>();
  let people = 0;
  let changed = 0;
  const groups = await readGroups(census);
  requireGroups(groups, before, after);
  for await (const rows of readCensus(census)) {
    for (const row of rows) {
      const from = outcomeOf(decideRow(groups, row, before, now), row);
      const to = outcomeOf(decideRow(groups, row, after, now), row);
      people += 1;
      count(outcomes, `${to.kind} ${to.reason}`, to);
      if (from.kind === to.kind && from.reason === to.reason) continue;
      changed += 1;
      const key = `${from.kind} ${from.reason} ${to.kind} ${to.reason}`;
      const transition = transitions.get(key) ?? { from, to, count: 0, examples: [] };
      transition.count += 1;
      if (transition.examples.length < EXAMPLES) transition.examples.push(row.accountId);
      transitions.set(key, transition);
    }
  }
  const byCount = (a: { count: number }, b: { count: number }): number => b.count - a.count;
  return { people, changed, transitions: [...transitions.values()].sort(byCount), outcomes: [...outcomes.values()].sort(byCount) };
}

function count(outcomes: Map<string, Outcome & { count: number }>, key: string, outcome: Outcome): void {
  const entry = outcomes.get(key);
  if (entry) entry.count += 1;
  else outcomes.set(key, { ...outcome, count: 1 });
}

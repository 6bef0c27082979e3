/** What a policy can mean for somebody while nobody knows which of some groups they are in. Pure. */
import { type KnownPerson, type ListedOutcome, outcomeFor } from './directory';
import type { Policy, Rule, Treatment } from './policy/document';

const NONE: ReadonlySet<string> = new Set();

/**
 * Whoever is in some of the unread groups, or in none: their outcome is one of these. There may be more of them than can
 * really be, because each rule is looked at by itself; there are never fewer.
 * @param unread ids of groups whose members nobody has read
 */
export function makePossibleOutcomes(policy: Policy, unread: ReadonlySet<string>, now: number): (known: KnownPerson) => ListedOutcome[] {
  const active = [...policy.rules, policy.everyoneElse].find(({ mode }) => mode !== 'off') ?? policy.everyoneElse;
  // A policy says the same to everybody when one rule and one first day are for all; each is made once.
  const forced = new Map<string, Policy>();
  const force = (position: number, startsOn: string | null): Policy => {
    const key = `${position} ${startsOn}`;
    const known = forced.get(key);
    if (known) return known;
    const treatment: Treatment = policy.rules[position] ?? policy.everyoneElse;
    const rule: Rule = { ...treatment, id: FORCED, name: FORCED, groups: [], exceptGroups: [] };
    // Whether anything happens at all is still for the whole policy to say.
    const one = { ...policy, rules: [rule], everyoneElse: active, rollout: { ...policy.rollout, startsOn, waves: [] } };
    forced.set(key, one);
    return one;
  };
  return (known) => {
    const starts = possibleStarts(policy, known.groups, unread);
    return possibleRules(policy.rules, known.groups, unread).flatMap((position) =>
      starts.map((startsOn) => {
        const outcome = outcomeFor({ ...known, groups: NONE }, force(position, startsOn), now);
        return { ...outcome, ruleId: policy.rules[position]?.id ?? null };
      }),
    );
  };
}

const FORCED = 'forced';

type Groups = ReadonlySet<string>;
const meets = (ids: readonly string[], groups: Groups): boolean => ids.some((id) => groups.has(id));

/** Positions of the rules that may be the one for a person; one past the end = everyone else. */
function possibleRules(rules: readonly Rule[], groups: Groups, unread: Groups): number[] {
  const possible: number[] = [];
  for (const [position, { groups: included, exceptGroups }] of rules.entries()) {
    const isFor = included.length === 0 || meets(included, groups);
    if ((!isFor && !meets(included, unread)) || meets(exceptGroups, groups)) continue;
    possible.push(position);
    if (isFor && !meets(exceptGroups, unread)) return possible;
  }
  return [...possible, rules.length];
}

/** First days that a person's rollout may have. */
function possibleStarts({ rollout }: Policy, groups: Groups, unread: Groups): (string | null)[] {
  const possible = new Set<string | null>();
  for (const { groups: named, startsOn } of rollout.waves) {
    const isIn = meets(named, groups);
    if (isIn || meets(named, unread)) possible.add(startsOn);
    if (isIn) return [...possible];
  }
  return [...possible.add(rollout.startsOn)];
}

/** Which rule of a policy is the one for a person. Pure. */
import { type Policy, type Rule, type SpaceTemplate, STANDARD_TEMPLATE, type Treatment } from './document';

/** Why a rule is, or is not, the one for a person. */
export type RuleVerdict = 'matched' | 'not-in-groups' | 'excepted';

export interface RuleMatch {
  /** null: no rule matched, so it is "everyone else". */
  ruleId: string | null;
  treatment: Treatment;
  /** One verdict a rule, up to the one that matched; later rules were not looked at. */
  verdicts: RuleVerdict[];
}

/** The rule for a person in these groups: the first that matches. Within a rule, exclusion beats inclusion. */
export function matchRule(policy: Policy, groups: ReadonlySet<string>): RuleMatch {
  const { included, excepted } = indexOf(policy.rules);
  const [isIncluded, isExcepted] = [new Set<number>(), new Set<number>()];
  for (const id of groups) {
    for (const position of included.get(id) ?? []) isIncluded.add(position);
    for (const position of excepted.get(id) ?? []) isExcepted.add(position);
  }
  const verdicts: RuleVerdict[] = [];
  for (const [position, rule] of policy.rules.entries()) {
    const isFor = rule.groups.length === 0 || isIncluded.has(position);
    const verdict = isExcepted.has(position) ? 'excepted' : isFor ? 'matched' : 'not-in-groups';
    verdicts.push(verdict);
    if (verdict === 'matched') return { ruleId: rule.id, treatment: rule, verdicts };
  }
  return { ruleId: null, treatment: policy.everyoneElse, verdicts };
}

interface RuleIndex {
  included: Map<string, number[]>;
  excepted: Map<string, number[]>;
}

/** Which rules name a group, so that a person in five groups is not compared with 5,000; kept as long as the rules are. */
const indexes = new WeakMap<readonly Rule[], RuleIndex>();

function indexOf(rules: readonly Rule[]): RuleIndex {
  let index = indexes.get(rules);
  if (!index) {
    index = { included: new Map(), excepted: new Map() };
    for (const [position, rule] of rules.entries()) {
      for (const id of rule.groups) addTo(index.included, id, position);
      for (const id of rule.exceptGroups) addTo(index.excepted, id, position);
    }
    indexes.set(rules, index);
  }
  return index;
}

function addTo(index: Map<string, number[]>, id: string, position: number): void {
  const positions = index.get(id);
  if (positions) positions.push(position);
  else index.set(id, [position]);
}

/** Every group that the policy asks about; with none, nobody's groups need to be read. */
export function groupsOf(policy: Policy): string[] {
  const { rules, rollout } = policy;
  return [
    ...new Set([...rules.flatMap((rule) => [...rule.groups, ...rule.exceptGroups]), ...rollout.waves.flatMap((wave) => wave.groups)]),
  ];
}

/** Under this policy nothing happens on its own, to anyone. */
export function isIdle(policy: Policy): boolean {
  return policy.paused || [...policy.rules, policy.everyoneElse].every((treatment) => treatment.mode === 'off');
}

/** The template a treatment names; a policy that was parsed has it. */
export function templateOf(policy: Policy, key: string): SpaceTemplate {
  return policy.templates.find((template) => template.key === key) ?? policy.templates[0] ?? STANDARD_TEMPLATE;
}

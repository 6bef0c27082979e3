/** Why a person gets a space, or not: the decision itself, for people to read. */
import { readGroupsOf } from '../confluence/people';
import { isIn, type Person, type PersonStateName, reasonOf, recheckOf, spaceIdOf } from '../domain/person';
import type { Policy, PolicyState, Treatment } from '../domain/policy/document';
import { matchRule, type RuleMatch, type RuleVerdict, templateOf } from '../domain/policy/match';
import { type ActionName, asksForGroups, type Caveat, type ProvisioningFacts } from '../domain/provisioning/decide';
import type { Reason } from '../domain/reasons';
import type { Access } from '../domain/space';
import { readSpaceRecord } from '../store/spaces';
import { consider, type Subject } from './facts';

/** A decision about one person, as the admin and the person see it. */
export interface Explanation {
  /** `look-up`: it depends on a look into the person's space. */
  action: ActionName | 'look-up';
  /** null for a decision that waits for a look into the person's space. */
  reason: Reason | null;
  caveats: Caveat[];
  /** Until when it holds (ms); null = until something changes. */
  until: number | null;
  hasSpace: boolean;
  /** The rule that decides; null = none does, or the policy cannot be read. */
  ruleId: string | null;
  /** The rules in order, up to the one that matched; null when none was needed. */
  rules: { id: string; name: string; verdict: RuleVerdict }[] | null;
  matched: {
    name: string;
    /** No rule matched. */
    isEveryoneElse: boolean;
    mode: Treatment['mode'];
    selfService: boolean;
    access: Treatment['access'];
    template: string;
  } | null;
  record: PersonView | null;
}

export interface PersonView {
  accountId: string;
  state: PersonStateName;
  reason: Reason;
  changedAt: number;
  recheckAt: number | null;
  spaceKey: string | null;
  access: Access | null;
  /** The promised access could not be set yet; it is tried again. */
  isPromiseBroken: boolean;
  /** Required details have no value. */
  lacksDetails: boolean;
  /** Who removed the space or declined: an account id, `app` or `unknown`. */
  by: string | null;
}

export async function explain(
  subject: Subject,
  state: PolicyState,
  record: Person | null,
  known: Partial<ProvisioningFacts> = {},
): Promise<Explanation> {
  const { decision, facts } = await consider(subject, state, record, known);
  const policy = state.kind === 'unreadable' ? null : state.policy;
  // A settled person is decided without the rules; which one matches them is still worth knowing.
  const match =
    (decision.kind === 'decided' ? decision.match : null) ?? (policy && (await matchFor(policy, subject.accountId, facts.groups)));
  return {
    action: decision.kind === 'needs' ? 'look-up' : decision.action,
    reason: decision.kind === 'needs' ? null : decision.reason,
    caveats: decision.kind === 'needs' ? [] : decision.caveats,
    until: 'recheckAt' in decision ? decision.recheckAt : null,
    hasSpace: (facts.person?.personalSpaceId ?? null) !== null || isIn(record, 'ready', 'has-space'),
    ruleId: match?.ruleId ?? null,
    rules: policy === null || match === null ? null : match.verdicts.map((verdict, i) => ({ ...nameOf(policy, i), verdict })),
    matched: policy && match && matchedBy(policy, match),
    record: record && (await personView(record)),
  };
}

/** The rule that matches a person's current groups. @param known their groups, if already read */
export async function matchFor(policy: Policy, accountId: string, known: ReadonlySet<string> | null = null): Promise<RuleMatch> {
  return matchRule(policy, known ?? (asksForGroups(policy) ? await readGroupsOf(accountId) : new Set()));
}

function nameOf(policy: Policy, position: number): { id: string; name: string } {
  const rule = policy.rules[position];
  return { id: rule?.id ?? '', name: rule?.name ?? '' };
}

function matchedBy(policy: Policy, { ruleId, treatment }: RuleMatch): Explanation['matched'] {
  const rule = policy.rules.find(({ id }) => id === ruleId);
  const { mode, selfService, access } = treatment;
  return {
    name: rule?.name ?? '',
    isEveryoneElse: !rule,
    mode,
    selfService,
    access,
    template: templateOf(policy, treatment.template).name,
  };
}

/** The part of the record that is shown, with what is on record about its space. */
export async function personView(person: Person): Promise<PersonView> {
  const { accountId, state, since } = person;
  const spaceId = spaceIdOf(person);
  const space = state === 'ready' && spaceId !== null ? await readSpaceRecord(spaceId) : null;
  return {
    accountId,
    state,
    reason: reasonOf(person),
    changedAt: since,
    recheckAt: recheckOf(person),
    spaceKey: space?.key ?? (isIn(person, 'removed', 'has-space') ? person.spaceKey : null),
    access: space?.access.actual ?? null,
    isPromiseBroken: space?.access.broken != null,
    lacksDetails: space?.lacksDetails ?? false,
    by: isIn(person, 'removed') ? person.by : isIn(person, 'declined') ? accountId : null,
  };
}

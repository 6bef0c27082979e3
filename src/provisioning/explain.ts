/** Why a person gets a space, or not: the decision itself, for people to read. */
import { readGroupsOf } from '../confluence/people';
import type { Policy, PolicyState, Treatment } from '../domain/policy/document';
import { matchRule, type RuleMatch, type RuleVerdict, templateOf } from '../domain/policy/match';
import {
  asksForGroups,
  type Caveat,
  type PersonState,
  type ProvisioningAction,
  type ProvisioningFacts,
  type Reason,
} from '../domain/provisioning/decide';
import type { Access, StoredPersonRecord } from '../store/people';
import { consider, type Subject } from './facts';

/** A decision about one person, as the admin and the person see it. */
export interface Explanation {
  action: ProvisioningAction['action'];
  /** null for a decision that waits for a look into the person's space. */
  reason: Reason | null;
  caveats: Caveat[];
  /** Until when it holds (ms); null = until something changes. */
  until: number | null;
  hasSpace: boolean;
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
  state: PersonState;
  reason: Reason;
  changedAt: number;
  recheckAt: number | null;
  spaceKey: string | null;
  access: Access | null;
  /** Who removed the space or declined: an account id, `app` or `unknown`. */
  by: string | null;
}

export async function explain(
  subject: Subject,
  state: PolicyState,
  record: StoredPersonRecord | null,
  known: Partial<ProvisioningFacts> = {},
): Promise<Explanation> {
  const { decision, facts } = await consider(subject, state, record, known);
  const policy = state.kind === 'unreadable' ? null : state.policy;
  // A settled person is decided without the rules; which one matches them is still worth knowing.
  const match = decision.match ?? (policy && (await matchFor(policy, subject.accountId, facts.groups)));
  return {
    action: decision.action,
    reason: decision.action === 'look-up' ? null : decision.reason,
    caveats: decision.caveats,
    until: 'recheckAt' in decision ? decision.recheckAt : null,
    hasSpace: (facts.person?.personalSpaceId ?? null) !== null || record?.state === 'ready' || record?.state === 'has-space',
    rules: policy === null || match === null ? null : match.verdicts.map((verdict, i) => ({ ...nameOf(policy, i), verdict })),
    matched: policy && match && matchedBy(policy, match),
    record: record && personView(record),
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

/** The part of a record that pages show. */
export function personView(person: StoredPersonRecord): PersonView {
  const { accountId, state, reason, changedAt, recheckAt, spaceKey, access, by } = person;
  return { accountId, state, reason, changedAt, recheckAt, spaceKey, access, by };
}

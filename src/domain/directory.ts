/** What the directory knows of spaces and people, and in which words. It knows facts; no act rests on them alone. Pure. */
import { type Person, type PersonState, type PersonStateName, recheckOf } from './person';
import type { Policy } from './policy/document';
import { matchRule } from './policy/match';
import {
  decideProvisioning,
  dependsOnPolicy,
  NO_FACTS,
  type PersonFacts,
  type ProvisioningDecision,
  type ProvisioningFacts,
} from './provisioning/decide';
import { ANY_VERSION, type Outcome, outcomeOf } from './provisioning/outcome';
import { shareOf } from './provisioning/rollout';
import type { Reason } from './reasons';
import type { SpaceStatus } from './space';
import { addDays, DAY_MS, type Day } from './time';

/** `unlicensed`: a good account in no group that gives a license. `unknown`: Confluence does not say. */
export const STANDINGS = ['active', 'guest', 'deactivated', 'closed', 'unlicensed', 'unknown'] as const;
export type Standing = (typeof STANDINGS)[number];

/** `unknown`: the app cannot see it. */
export const LISTED_STATUSES = ['current', 'archived', 'trashed', 'unknown'] as const;

/**
 * Where a space is in its life. Without a promise the facts say: `unused` = nothing changed for so long that a clean-up
 * would look at it; `unknown` = nobody can say.
 */
export const LIFECYCLES = ['in-use', 'unused', 'asked', 'told', 'kept', 'protected', 'archived', 'trashed', 'unknown'] as const;

/** Days without a change after which a space counts as unused in lists. */
export const UNUSED_DAYS = 180;

/** Changes up to the end of the second day after its creation belong to the making of a space. */
const SETTLING_DAYS = 2;
/** The last day whose changes still count as part of its making. */
export const settledOn = (createdOn: Day): Day => addDays(createdOn, SETTLING_DAYS);

/** The standing of a person who is in no licensed group, worked out from their Confluence user record. */
export function standingOf(person: Pick<PersonFacts, 'accountType' | 'accountStatus' | 'isGuest'>): Standing {
  if (person.accountStatus === 'inactive') return 'deactivated';
  if (person.accountStatus === 'closed') return 'closed';
  if (person.accountStatus !== 'active') return 'unknown';
  return person.isGuest ? 'guest' : 'unlicensed';
}

/** The part of a person's record that the directory keeps: enough to decide about them without reading the record. */
export interface Remembered {
  state: PersonStateName;
  reason: Reason | null;
  /** Looked at again then (ms). */
  until: number | null;
  how: Exclude<SpaceStatus, 'current'> | null;
}

export function rememberedOf(person: PersonState): Remembered {
  const { state } = person;
  const reason = 'reason' in person ? person.reason : 'cause' in person ? person.cause : null;
  return { state, reason, until: recheckOf(person), how: state === 'removed' ? person.how : null };
}

/** The state that a decision is told. What rests on a version of the policy is decided anew; which space it was is looked up. */
export function stateOf({ state, reason, until, how }: Remembered): PersonState {
  const policyVersion = Number.NEGATIVE_INFINITY;
  const spaceId = '';
  const why = reason ?? 'confluence-error';
  switch (state) {
    case 'excluded':
      return { state, reason: why, recheckAt: until, policyVersion };
    case 'offered':
      return { state, policyVersion };
    case 'postponed':
      return { state, until: until ?? 0, policyVersion };
    case 'declined':
      return { state };
    case 'creating':
      return { state, cause: why, call: '', failures: 0, retryAt: until };
    case 'adopting':
      return { state, cause: why, adopted: { spaceId, keepsPages: true, keepsAccess: true }, failures: 0, retryAt: until };
    case 'ready':
      return { state, spaceId, origin: 'created', remindAt: null };
    case 'has-space':
      return { state, spaceId, spaceKey: null, reason: why, recheckAt: until };
    case 'removed':
      return { state, spaceId, spaceKey: null, how: how ?? 'deleted', by: 'unknown', recheckAt: until ?? 0 };
    case 'refused':
      return { state, reason: why, recheckAt: until ?? 0, failures: 0, policyVersion };
  }
}

/** Somebody as the directory knows them; whoever acts asks Confluence again. */
export interface KnownPerson {
  /** Decides the place in a rollout by percentage. */
  accountId: string;
  standing: Standing;
  /** Ids of groups. */
  groups: ReadonlySet<string>;
  hasSpace: boolean;
  remembered: Remembered | null;
}

/** What the policy would do about somebody now, as far as lists tell. The day's limit is left to the day. */
export function decideListed(known: KnownPerson, policy: Policy, now: number): ProvisioningDecision {
  const { accountId, standing, groups, hasSpace, remembered } = known;
  const record = remembered && ({ accountId, revision: 0, since: 0, ...stateOf(remembered) } as Person);
  const facts: ProvisioningFacts = {
    ...NO_FACTS,
    accountId,
    occasion: 'job',
    record,
    person: accountOf(standing, hasSpace),
    groups,
    standing: { kind: 'known', canUse: standing === 'active' || standing === 'guest' },
    begunToday: 0,
    // Matters for a sentence only.
    roleMode: 'ROLES',
  };
  return decideProvisioning(facts, policy, ANY_VERSION, now);
}

export interface Exclusion {
  reason: Reason;
  /** When to look again (ms). */
  recheckAt: number;
}

/** The directory tells when somebody's groups or standing change; this is in case that was missed. */
const RECHECK_EVERY_MS = 7 * DAY_MS;

/** Each person has their own moment of the week, so that not everybody is looked at again on the same day. */
function nextRecheck(accountId: string, now: number): number {
  const offset = (shareOf(accountId) / 100) * RECHECK_EVERY_MS;
  const weeks = Math.floor((now - offset) / RECHECK_EVERY_MS) + 1;
  const next = weeks * RECHECK_EVERY_MS + offset;
  return Math.round(next - now < DAY_MS ? next + RECHECK_EVERY_MS : next);
}

/** Standings by which somebody who has just been active may be judged: the others say that they could not have been. */
const CREDIBLE: readonly Standing[] = ['active', 'guest'];

/** Why somebody gets no space; null = they may get one, or have to be asked about. Leaving alone is all that rests on this. */
export function decideExclusion(known: Omit<KnownPerson, 'remembered'>, policy: Policy, now: number): Exclusion | null {
  if (!CREDIBLE.includes(known.standing)) return null;
  const decision = decideListed({ ...known, remembered: null }, policy, now);
  if (decision.kind === 'needs' || decision.action !== 'exclude') return null;
  const recheckAt = nextRecheck(known.accountId, now);
  // A rollout that begins on a day says so itself.
  const until = dependsOnPolicy(decision.reason) && decision.reason !== 'rule-off' ? decision.recheckAt : null;
  return { reason: decision.reason, recheckAt: Math.min(until ?? recheckAt, recheckAt) };
}

export interface ListedOutcome extends Outcome {
  /** null: no rule, or it did not come to that. */
  ruleId: string | null;
}

export function outcomeFor(known: KnownPerson, policy: Policy, now: number): ListedOutcome {
  const decision = decideListed(known, policy, now);
  const outcome = outcomeOf(decision, { hasSpace: known.hasSpace, state: known.remembered?.state ?? null });
  return { ...outcome, ruleId: matchRule(policy, known.groups).ruleId };
}

/** A standing as the account facts that `decideProvisioning` takes. */
function accountOf(standing: Standing, hasSpace: boolean): PersonFacts {
  const accountStatus = standing === 'deactivated' ? 'inactive' : standing === 'closed' || standing === 'unknown' ? standing : 'active';
  return { accountType: 'atlassian', accountStatus, isGuest: standing === 'guest', personalSpaceId: hasSpace ? '-' : null };
}

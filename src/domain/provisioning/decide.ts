/** Who gets a personal space, and what happens to one that exists. The only place that decides; pure. */
import { type Adopted, isIn, type Person, type PersonIn, reasonOf, recheckOf } from '../person';
import type { Policy, Treatment } from '../policy/document';
import { isIdle, matchRule, type RuleMatch } from '../policy/match';
import type { Reason } from '../reasons';
import type { SpaceStatus } from '../space';
import { DAY_MS, MINUTE_MS } from '../time';
import { decideAdoption, depthFor, type SpaceContents } from './adoption';
import { decideRollout } from './rollout';

/** From Confluence's user record (v2 users-bulk). */
export interface PersonFacts {
  accountType: string;
  accountStatus: string;
  isGuest: boolean;
  personalSpaceId: string | null;
}

/** What Confluence says when asked as the person (v1 user/current). */
export type StandingFacts =
  | { kind: 'known'; canUse: boolean }
  /** The platform does not act as this person: no access, a guest, deactivated. */
  | { kind: 'not-permitted' }
  /** The platform does not act as anybody in this kind of invocation. */
  | { kind: 'impersonation-unavailable' };

/** The person's space, read as the person. */
export type SpaceFacts =
  | { kind: 'invisible' }
  | { kind: 'seen'; spaceId: string; status: string; createdAt: number; homepageId: string | null };

/** How a site's permissions work: decides what an app can change. */
export type RoleMode = 'PRE_ROLES' | 'ROLES_TRANSITION' | 'ROLES';

/** Why the question is asked: the person was active, a space of theirs appeared, an admin's job reached them, or they clicked. */
export type Occasion = 'activity' | 'arrival' | 'job' | 'click';

/** null = not read yet. */
export interface ProvisioningFacts {
  accountId: string;
  occasion: Occasion;
  record: Person | null;
  person: PersonFacts | null;
  groups: ReadonlySet<string> | null;
  begunToday: number | null;
  standing: StandingFacts | null;
  space: SpaceFacts | null;
  contents: SpaceContents | null;
  roleMode: RoleMode | null;
}

/** Nothing is read yet. */
export const NO_FACTS = {
  person: null,
  groups: null,
  begunToday: null,
  standing: null,
  space: null,
  contents: null,
  roleMode: null,
} as const;

/** The parts of the policy that this site does not let Homestead keep. */
export type Caveat =
  /** Apps cannot change who sees an existing space here. */
  | 'access-not-changeable'
  /** "Everyone with a license" is a list of groups here, as they are when the space is created. */
  | 'access-by-groups';

/** A fact that a decision needs and does not have. */
export type Fact = 'person' | 'groups' | 'begun-today' | 'standing' | 'space' | 'contents' | 'role-mode';

type Action =
  /** Nothing to do. */
  | { action: 'none' }
  /** No space now: remember, and look again at `recheckAt` (ms), or when the policy changes (null). */
  | { action: 'exclude'; recheckAt: number | null }
  | { action: 'offer' }
  | { action: 'create'; treatment: Treatment }
  /** A space exists that an interrupted run created. */
  | { action: 'finish'; treatment: Treatment; spaceId: string }
  /** A space exists that someone else created: bring it in line with the policy. */
  | ({ action: 'adopt'; treatment: Treatment } & Adopted)
  /** A space exists and is left as it is: remember. */
  | { action: 'leave'; spaceId: string; recheckAt: number | null }
  /** A space was archived, trashed or deleted: remember, so that no new one is created. */
  | { action: 'record-removal'; spaceId: string; how: Exclude<SpaceStatus, 'current'> }
  /** A removed space is current again. */
  | { action: 'return'; spaceId: string }
  /** Still as remembered: remember that it was checked. */
  | { action: 'keep' }
  /** Tell the person that required details are missing. */
  | { action: 'remind' };

export type ActionName = Action['action'];

export type Decided = {
  kind: 'decided';
  reason: Reason;
  /** The rule that applies to this person; null when it did not come to that. */
  match: RuleMatch | null;
  caveats: Caveat[];
} & Action;

/** A question is not an action: either a fact is missing, or it is decided. */
export type ProvisioningDecision = { kind: 'needs'; fact: Fact } | Decided;

const needs = (fact: Fact): ProvisioningDecision => ({ kind: 'needs', fact });
const decided = (reason: Reason, action: Action, match: RuleMatch | null = null, caveats: Caveat[] = []): ProvisioningDecision => ({
  kind: 'decided',
  reason,
  match,
  caveats,
  ...action,
});
const nothing = (reason: Reason, match: RuleMatch | null = null): ProvisioningDecision => decided(reason, { action: 'none' }, match);

/** The policy lets nothing happen, to anybody. */
export function isSwitchedOff(decision: ProvisioningDecision): boolean {
  return (
    decision.kind === 'decided' &&
    decision.action === 'none' &&
    ['policy-off', 'policy-paused', 'policy-unreadable'].includes(decision.reason)
  );
}

/** Guests may get a license, leavers return, groups change: look again, but not at every page view. */
const EXCLUDED_RECHECK_MS = DAY_MS;

/**
 * Decides with the facts so far, cheapest first: a settled person needs none. `policy` is 'unreadable' when the stored
 * one cannot be read, which means off.
 */
export function decideProvisioning(
  facts: ProvisioningFacts,
  policy: Policy | 'unreadable',
  policyVersion: number,
  now: number,
): ProvisioningDecision {
  if (policy === 'unreadable') return nothing('policy-unreadable');
  if (policy.paused) return nothing('policy-paused');
  const { record, person, occasion } = facts;
  // What was begun under an earlier policy is finished.
  const isOpen = isIn(record, 'creating', 'adopting', 'ready');
  if (occasion !== 'click' && isIdle(policy) && !isOpen) return nothing('policy-off');
  if (isIn(record, 'removed')) return decideRemoved(facts, record, policy, now);

  const remembered = record && decideByRecord(record, occasion, policyVersion, now);
  // A new space is looked at, whatever the record says about its owner having none. A "never" holds for it as well.
  const isNews = occasion === 'arrival' && isIn(record, 'offered', 'postponed', 'excluded', 'refused');
  if (remembered && !isNews) return remembered;

  if (!person) return needs('person');
  // It is someone else's, or not listed yet: the owner's next activity will tell.
  if (occasion === 'arrival' && person.personalSpaceId === null) return remembered ?? nothing('has-space');
  const decision = decideUnsettled(facts, person, policy, now);
  const isAgainst = decision.kind === 'decided' && (decision.action === 'exclude' || decision.action === 'record-removal');
  return remembered && isAgainst ? remembered : decision;
}

/** The space itself tells whether it is back; events come late, out of order, or never. */
function decideRemoved(facts: ProvisioningFacts, record: PersonIn<'removed'>, policy: Policy, now: number): ProvisioningDecision {
  const { occasion, person, space } = facts;
  const reason = reasonOf(record);
  const isDue = now >= record.recheckAt;
  if (!isDue && occasion !== 'click' && occasion !== 'arrival') return nothing(reason);
  if (!person) return needs('person');
  const asBefore = isDue ? decided(reason, { action: 'keep' }) : nothing(reason);
  const { personalSpaceId } = person;
  if (accountProblem(person) || personalSpaceId === null) return asBefore;
  if (!space) return needs('space');
  if (space.kind === 'invisible') return asBefore;
  if (space.status !== 'current') {
    const how = space.status === 'archived' ? 'archived' : 'trashed';
    if (how === record.how && personalSpaceId === record.spaceId) return asBefore;
    return decided(how === 'archived' ? 'space-archived' : 'space-trashed', { action: 'record-removal', spaceId: personalSpaceId, how });
  }
  if (personalSpaceId === record.spaceId) return decided('space-returned', { action: 'return', spaceId: personalSpaceId });
  // A different space from the one that was removed.
  const decision = decideUnsettled(facts, person, policy, now);
  return decision.kind === 'decided' && decision.action === 'exclude' ? asBefore : decision;
}

/** About a person for whom nothing has been settled yet. */
function decideUnsettled(facts: ProvisioningFacts, person: PersonFacts, policy: Policy, now: number): ProvisioningDecision {
  const { record } = facts;
  const account = accountProblem(person);
  if (account) return decided(account, { action: 'exclude', recheckAt: now + EXCLUDED_RECHECK_MS });

  if (!facts.groups && asksForGroups(policy)) return needs('groups');
  const groups = facts.groups ?? NO_GROUPS;
  const match = matchRule(policy, groups);
  // What was begun is finished, whatever the policy says by now.
  const isBegun = isIn(record, 'creating', 'adopting');
  const obstacle = isBegun ? null : decideTurn(facts, policy, match, groups, now);
  if (obstacle) return obstacle;
  const spaceId = person.personalSpaceId ?? (isIn(record, 'adopting') ? record.adopted.spaceId : null);
  if (spaceId !== null) return decideExisting(facts, spaceId, match, now);
  const decision = decideNew(facts, match, isBegun, now);
  if (decision.kind !== 'decided' || decision.action !== 'create' || match.treatment.access !== 'licensed') return decision;
  if (!facts.roleMode) return needs('role-mode');
  return { ...decision, caveats: facts.roleMode === 'PRE_ROLES' ? ['access-by-groups'] : [] };
}

const NO_GROUPS: ReadonlySet<string> = new Set();

/** Whether anything in the policy depends on a person's groups. */
export function asksForGroups({ rules, rollout }: Policy): boolean {
  return rollout.waves.length > 0 || rules.some((rule) => rule.groups.length > 0 || rule.exceptGroups.length > 0);
}

/** Whether it is this person's turn; null = it is. */
function decideTurn(
  facts: ProvisioningFacts,
  policy: Policy,
  match: RuleMatch,
  groups: ReadonlySet<string>,
  now: number,
): ProvisioningDecision | null {
  const { occasion, record, person, accountId } = facts;
  const { treatment } = match;
  if (occasion === 'click') {
    if (treatment.selfService) return null;
    if (treatment.mode === 'off') return nothing('self-service-off', match);
  } else if (treatment.mode === 'off') {
    return decided('rule-off', { action: 'exclude', recheckAt: now + EXCLUDED_RECHECK_MS }, match);
  }
  // They have had their turn.
  if (isIn(record, 'offered', 'postponed')) return null;
  // A space that exists does not count as one of the day's.
  const begunToday = person?.personalSpaceId ? 0 : facts.begunToday;
  const turn = decideRollout(policy.rollout, accountId, groups, begunToday, now);
  if (turn.kind === 'now') return null;
  if (turn.kind === 'look-up') return needs('begun-today');
  if (occasion === 'click') return nothing(turn.reason, match);
  return decided(turn.reason, { action: 'exclude', recheckAt: turn.until }, match);
}

function decideExisting(facts: ProvisioningFacts, spaceId: string, match: RuleMatch, now: number): ProvisioningDecision {
  const { space, contents, record, roleMode } = facts;
  const { treatment } = match;
  if (!space) return needs('space');
  const adopted = isIn(record, 'adopting') && record.adopted.spaceId === spaceId ? record.adopted : null;
  if (space.kind === 'invisible') {
    // Its owner sees their own space, unless it is gone.
    if (adopted) return decided('space-removed', { action: 'record-removal', spaceId, how: 'deleted' }, match);
    return decided('space-invisible', { action: 'leave', spaceId, recheckAt: null }, match);
  }
  if (space.status === 'archived') return decided('space-archived', { action: 'record-removal', spaceId, how: 'archived' }, match);
  if (space.status !== 'current') return decided('space-trashed', { action: 'record-removal', spaceId, how: 'trashed' }, match);
  if (isIn(record, 'creating') && isFromInterruptedRun(record, space.createdAt))
    return decided('interrupted', { action: 'finish', treatment, spaceId }, match);

  if (!roleMode) return needs('role-mode');
  // Begun and interrupted: what has changed since is Homestead's own doing, so it is not looked at again.
  if (adopted) return decided('interrupted', { action: 'adopt', treatment, ...adopted }, match);
  const isKnown = contents !== null || depthFor(space, now) === 'nothing';
  if (!isKnown) return needs('contents');
  const adoption = decideAdoption(space, contents, now);
  if (adoption.kind === 'leave') {
    const recheckAt = adoption.reason === 'space-unreadable' ? now + EXCLUDED_RECHECK_MS : null;
    return decided(adoption.reason, { action: 'leave', spaceId, recheckAt }, match);
  }
  const { reason, keepsPages, keepsAccess } = adoption;
  const isPromised = treatment.access === 'private' ? contents?.sharedWith === 'nobody' : treatment.access === 'site-default';
  const caveats: Caveat[] = roleMode === 'PRE_ROLES' && !isPromised && !keepsAccess ? ['access-not-changeable'] : [];
  return decided(reason, { action: 'adopt', treatment, spaceId, keepsPages, keepsAccess }, match, caveats);
}

function decideNew(facts: ProvisioningFacts, match: RuleMatch, isBegun: boolean, now: number): ProvisioningDecision {
  const { standing, occasion, record } = facts;
  const { treatment } = match;
  const exclude = (reason: Reason): ProvisioningDecision =>
    decided(reason, { action: 'exclude', recheckAt: now + EXCLUDED_RECHECK_MS }, match);
  const offer = (): ProvisioningDecision => decided('rule-ask', { action: 'offer' }, match);
  const create = (reason: Reason): ProvisioningDecision => decided(reason, { action: 'create', treatment }, match);
  const isOffer = treatment.mode === 'ask' && occasion !== 'click' && !isBegun;
  if (isOffer && isIn(record, 'offered')) return decided('offer-open', { action: 'keep' }, match);
  // "Not now" holds whatever the policy has become.
  if (occasion !== 'click' && isIn(record, 'postponed') && now < record.until) return decided('offer-postponed', { action: 'keep' }, match);
  if (!standing) return needs('standing');
  if (standing.kind === 'impersonation-unavailable') {
    // An offer needs nobody to be impersonated: the person's own click creates the space.
    return isOffer ? offer() : exclude('impersonation-unavailable');
  }
  if (standing.kind === 'not-permitted' || !standing.canUse) return exclude('account-unlicensed');
  if (occasion === 'click') return create('person-asked');
  if (isBegun) return create('interrupted');
  return isOffer ? offer() : create('rule-auto');
}

/** A space created within this long of a run's beginning is what that run was about. */
const OWN_WORK_MS = 10 * MINUTE_MS;

/**
 * Whether a space that was found is the one that an interrupted run set out to create, or that won the race against it.
 * One created long before or after is someone else's.
 */
export function isFromInterruptedRun(record: Pick<Person, 'since'>, createdAt: number): boolean {
  return Math.abs(createdAt - record.since) <= OWN_WORK_MS;
}

/** Reasons that another policy may end. */
export const POLICY_REASONS: readonly Reason[] = ['rule-off', 'rollout-not-started', 'rollout-percent', 'rollout-day-full'];
export const dependsOnPolicy = (reason: Reason): boolean => POLICY_REASONS.includes(reason);

/** What the record alone settles; null = it has to be decided anew. */
function decideByRecord(record: Person, occasion: Occasion, policyVersion: number, now: number): ProvisioningDecision | null {
  const isClick = occasion === 'click';
  const recheckAt = recheckOf(record);
  const isWaiting = recheckAt !== null && now < recheckAt;
  const settled = nothing(reasonOf(record));
  switch (record.state) {
    case 'ready':
      return recheckAt !== null && !isWaiting && occasion === 'activity' ? decided('details-missing', { action: 'remind' }) : settled;
    case 'has-space':
      return recheckAt === null || isWaiting ? settled : null;
    case 'declined':
    case 'removed':
      return settled;
    case 'excluded':
      if (dependsOnPolicy(record.reason)) {
        const isCurrent = record.policyVersion === policyVersion && (isWaiting || recheckAt === null);
        return isCurrent && !isClick ? settled : null;
      }
      // What keeps the app from acting for a person need not keep them from asking.
      return isWaiting && !isClick ? settled : null;
    case 'refused':
      if (record.reason === 'no-private-way' && record.policyVersion !== policyVersion) return null;
      // A failure may be over when the person asks. A refusal is not asked for again on the same day, even at a click.
      return isWaiting && !(isClick && (record.reason === 'confluence-error' || now >= record.since + DAY_MS)) ? settled : null;
    case 'offered':
      return !isClick && record.policyVersion === policyVersion ? nothing('offer-open') : null;
    case 'postponed':
      return !isClick && record.policyVersion === policyVersion && isWaiting ? settled : null;
    case 'creating':
    case 'adopting':
      return isWaiting && !isClick ? settled : null;
  }
}

/** Why this account gets no space whatever the policy says; null = it may. */
export function accountProblem(person: PersonFacts): Reason | null {
  if (person.accountType === 'app' || person.accountType === 'customer') return 'account-app';
  if (person.accountType !== 'atlassian') return 'account-unknown';
  if (person.isGuest) return 'account-guest';
  if (person.accountStatus === 'inactive' || person.accountStatus === 'closed') return 'account-inactive';
  // Anything but a plain "active" is unknown, and unknown gets nothing.
  if (person.accountStatus !== 'active') return 'account-unknown';
  return null;
}

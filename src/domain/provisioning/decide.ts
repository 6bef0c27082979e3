/** Who gets a personal space, and what happens to one that is there. The only place that decides; pure. */

import type { Policy } from '../policy/document';
import { isIdle, matchRule, type RuleMatch } from '../policy/match';
import { decideAdoption, type SpaceContents } from './adoption';
import { decideRollout } from './rollout';

/** What Homestead remembers of a person. `recheckAt` (ms) ends a settled state, null never does. */
export interface PersonRecord {
  accountId: string;
  state: PersonState;
  reason: Reason;
  changedAt: number;
  recheckAt: number | null;
  /** Version of the policy that led here; another version may lead elsewhere. */
  policyVersion: number;
  /** Required fields of the template that have no value. */
  lacksDetails: boolean;
  /** Of `creating`: the space that somebody else made and that is being brought to policy. */
  adopts: Adopted | null;
}

/** What is done with a space that somebody else made, and what of it is left as it is. */
export interface Adopted {
  spaceId: string;
  keepsPages: boolean;
  keepsAccess: boolean;
}

export type PersonState =
  /** Has been offered a space and has not answered. */
  | 'offered'
  /** Answered "not now". */
  | 'postponed'
  /** Answered "never". */
  | 'declined'
  /** Homestead began to make the space; whatever is found is finished, not made again. */
  | 'creating'
  /** Homestead made the space, or brought it to policy. */
  | 'ready'
  /** Has a space that is left as it is. */
  | 'has-space'
  /** Had a space that was archived, trashed or deleted: the tombstone. */
  | 'removed'
  /** Confluence, or the platform, did not let this person create one. */
  | 'refused'
  /** Not somebody who gets one, or not now: a guest, inactive, no rule, not their turn ... */
  | 'excluded';

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

/** The personal space that Confluence names for the person. */
export type SpaceFacts =
  | { kind: 'invisible' }
  | { kind: 'seen'; spaceId: string; status: string; createdAt: number; homepageId: string | null };

/** How a site's permissions work: decides what an app can change. */
export type RoleMode = 'PRE_ROLES' | 'ROLES_TRANSITION' | 'ROLES';

/**
 * Why the question is asked: somebody was active, a space of theirs appeared, an admin's job reached them, or
 * they pressed "Create".
 */
export type Wish = 'activity' | 'arrival' | 'job' | 'create';

/** null = not read yet. */
export interface ProvisioningFacts {
  accountId: string;
  wish: Wish;
  record: PersonRecord | null;
  person: PersonFacts | null;
  groups: ReadonlySet<string> | null;
  begunToday: number | null;
  standing: StandingFacts | null;
  space: SpaceFacts | null;
  contents: SpaceContents | null;
  roleMode: RoleMode | null;
}

export const REASONS = [
  'policy-off',
  'policy-paused',
  'policy-unreadable',
  'rule-off',
  'self-service-off',
  'rule-ask',
  'rule-auto',
  'rollout-not-started',
  'rollout-percent',
  'rollout-day-full',
  'person-asked',
  'interrupted',
  'space-made',
  'space-adopted',
  'space-untouched',
  'space-young',
  'has-space',
  'space-in-use',
  'space-unreadable',
  'space-archived',
  'space-trashed',
  'space-invisible',
  'space-removed',
  'tombstone-lifted',
  'decline-undone',
  'offer-open',
  'offer-postponed',
  'offer-declined',
  'details-missing',
  'account-app',
  'account-guest',
  'account-inactive',
  'account-unknown',
  'account-unlicensed',
  'impersonation-unavailable',
  'creation-refused',
  'no-private-way',
  'confluence-error',
] as const;
export type Reason = (typeof REASONS)[number];

/** What the site will not let Homestead keep of the policy, though it goes on. */
export type Caveat =
  /** Who sees a space that exists cannot be changed by an app here. */
  | 'access-not-changeable'
  /** "Everyone with a licence" is a list of groups here, as they are when the space is made. */
  | 'access-by-groups';

export type ProvisioningAction =
  /** Nothing to do. */
  | { action: 'none'; reason: Reason }
  /** No space now: remember, and look again at `recheckAt` (ms), or when the policy changes (null). */
  | { action: 'exclude'; reason: Reason; recheckAt: number | null }
  /** A fact is missing; read it and ask again. */
  | { action: 'look-up'; what: 'person' | 'groups' | 'begun-today' | 'standing' | 'space' | 'contents' | 'role-mode' }
  | { action: 'offer'; reason: Reason }
  | { action: 'create'; reason: Reason }
  /** A space exists that a stopped run began: finish it. */
  | { action: 'finish'; reason: Reason; spaceId: string }
  /** A space exists that somebody else made: bring it to policy. */
  | ({ action: 'adopt'; reason: Reason } & Adopted)
  /** A space exists and is left as it is: remember. */
  | { action: 'leave'; reason: Reason; spaceId: string; recheckAt: number | null }
  /** A space was put away: remember that, so that it is not made again. */
  | { action: 'bury'; reason: Reason; spaceId: string }
  /** As it is, also under the newest policy: remember that. */
  | { action: 'keep'; reason: Reason }
  /** Tell the person that required details are missing. */
  | { action: 'remind'; reason: Reason };

export type ProvisioningDecision = ProvisioningAction & {
  /** The rule that counts for this person; null when it did not come to that. */
  match: RuleMatch | null;
  caveats: Caveat[];
};

/** The policy lets nothing happen, to anybody. */
export function isSwitchedOff(decision: ProvisioningAction): boolean {
  return decision.action === 'none' && ['policy-off', 'policy-paused', 'policy-unreadable'].includes(decision.reason);
}

const DAY_MS = 86_400_000;
/** Guests may get a licence, leavers return, groups change: look again, but not at every page view. */
const EXCLUDED_RECHECK_MS = DAY_MS;

/**
 * Decides with the facts so far, cheapest first: a settled person costs no look-up. `policy` is
 * 'unreadable' when the stored one cannot be read, which means off.
 */
export function decideProvisioning(
  facts: ProvisioningFacts,
  policy: Policy | 'unreadable',
  policyVersion: number,
  now: number,
): ProvisioningDecision {
  const plain = (action: ProvisioningAction, match: RuleMatch | null = null): ProvisioningDecision => ({ ...action, match, caveats: [] });
  if (policy === 'unreadable') return plain({ action: 'none', reason: 'policy-unreadable' });
  if (policy.paused) return plain({ action: 'none', reason: 'policy-paused' });
  const { record, person, wish } = facts;
  // What was begun under an earlier policy is finished, and told.
  const isOpen = record?.state === 'creating' || record?.state === 'ready';
  if (wish !== 'create' && isIdle(policy) && !isOpen) return plain({ action: 'none', reason: 'policy-off' });

  const remembered = record && decideByRecord(record, facts.wish, policyVersion, now);
  // A space that appeared is looked at whatever was remembered of somebody without one.
  const isNews = wish === 'arrival' && record && !['ready', 'has-space', 'creating'].includes(record.state);
  if (remembered && !isNews) return plain(remembered);

  if (!person) return plain({ action: 'look-up', what: 'person' });
  // It is somebody else's, or not listed yet: the owner's next activity will tell.
  if (wish === 'arrival' && person.personalSpaceId === null) return plain(remembered ?? { action: 'none', reason: 'has-space' });
  const decision = decideUnsettled(facts, person, policy, now);
  // A space that is not theirs to use does not undo what an admin removed, or what they declined.
  const isUndoing = decision.action === 'exclude' || decision.action === 'bury';
  return remembered && isUndoing ? plain(remembered) : decision;
}

/** About somebody of whom nothing is settled. */
function decideUnsettled(facts: ProvisioningFacts, person: PersonFacts, policy: Policy, now: number): ProvisioningDecision {
  const plain = (action: ProvisioningAction, match: RuleMatch | null = null): ProvisioningDecision => ({ ...action, match, caveats: [] });
  const { record } = facts;
  const account = accountProblem(person);
  if (account) return plain({ action: 'exclude', reason: account, recheckAt: now + EXCLUDED_RECHECK_MS });

  if (!facts.groups && asksForGroups(policy)) return plain({ action: 'look-up', what: 'groups' });
  const groups = facts.groups ?? NO_GROUPS;
  const match = matchRule(policy, groups);
  // What was begun is finished, whatever the policy says by now.
  const isBegun = record?.state === 'creating';
  if (isBegun && record.adopts && person.personalSpaceId === null)
    return plain({ action: 'bury', reason: 'space-removed', spaceId: record.adopts.spaceId }, match);
  const obstacle = isBegun ? null : decideTurn(facts, policy, match, groups, now);
  if (obstacle) return plain(obstacle, match);
  if (person.personalSpaceId !== null) return decideExisting(facts, person.personalSpaceId, match, now);
  const action = decideNew(facts, match, isBegun, now);
  if (action.action !== 'create' || match.treatment.access !== 'licensed') return plain(action, match);
  if (!facts.roleMode) return plain({ action: 'look-up', what: 'role-mode' }, match);
  return { ...action, match, caveats: facts.roleMode === 'PRE_ROLES' ? ['access-by-groups'] : [] };
}

const NO_GROUPS: ReadonlySet<string> = new Set();

/** Whether anything in the policy depends on somebody's groups. */
export function asksForGroups({ rules, rollout }: Policy): boolean {
  return rollout.waves.length > 0 || rules.some((rule) => rule.groups.length > 0 || rule.exceptGroups.length > 0);
}

/** Whether it is this person's turn; null = it is. */
function decideTurn(
  facts: ProvisioningFacts,
  policy: Policy,
  { treatment }: RuleMatch,
  groups: ReadonlySet<string>,
  now: number,
): ProvisioningAction | null {
  const { wish, record, person, accountId } = facts;
  if (wish === 'create') {
    if (treatment.selfService) return null;
    if (treatment.mode === 'off') return { action: 'none', reason: 'self-service-off' };
  } else if (treatment.mode === 'off') {
    return { action: 'exclude', reason: 'rule-off', recheckAt: now + EXCLUDED_RECHECK_MS };
  }
  // They have had their turn.
  if (record?.state === 'offered' || record?.state === 'postponed') return null;
  // A space that is there does not count as one of the day's.
  const begunToday = person?.personalSpaceId ? 0 : facts.begunToday;
  const turn = decideRollout(policy.rollout, accountId, groups, begunToday, now);
  if (turn.kind === 'now') return null;
  if (turn.kind === 'look-up') return { action: 'look-up', what: 'begun-today' };
  if (wish === 'create') return { action: 'none', reason: turn.reason };
  return { action: 'exclude', reason: turn.reason, recheckAt: turn.until };
}

function decideExisting(facts: ProvisioningFacts, spaceId: string, match: RuleMatch, now: number): ProvisioningDecision {
  const { space, contents, record, roleMode } = facts;
  const plain = (action: ProvisioningAction): ProvisioningDecision => ({ ...action, match, caveats: [] });
  if (!space) return plain({ action: 'look-up', what: 'space' });
  if (space.kind === 'invisible') return plain({ action: 'leave', reason: 'space-invisible', spaceId, recheckAt: null });
  if (space.status === 'archived') return plain({ action: 'bury', reason: 'space-archived', spaceId });
  if (space.status !== 'current') return plain({ action: 'bury', reason: 'space-trashed', spaceId });
  const begun = record?.state === 'creating' ? record : null;
  const adopts = begun?.adopts?.spaceId === spaceId ? begun.adopts : null;
  if (begun && !adopts && isFromInterruptedRun(begun, space.createdAt)) return plain({ action: 'finish', reason: 'interrupted', spaceId });

  if (!roleMode) return plain({ action: 'look-up', what: 'role-mode' });
  // Begun and stopped: what it has changed since is its own doing, so it is not looked at again.
  if (adopts) return plain({ action: 'adopt', reason: 'interrupted', ...adopts });
  if (!contents) return plain({ action: 'look-up', what: 'contents' });
  const adoption = decideAdoption(space, contents, now);
  if (adoption.kind === 'leave') {
    const recheckAt = adoption.reason === 'space-unreadable' ? now + EXCLUDED_RECHECK_MS : null;
    return plain({ action: 'leave', reason: adoption.reason, spaceId, recheckAt });
  }
  const { reason, keepsPages, keepsAccess } = adoption;
  const isPromised = match.treatment.access === 'private' ? contents.sharedWith === 'nobody' : match.treatment.access === 'site-default';
  const caveats: Caveat[] = roleMode === 'PRE_ROLES' && !isPromised && !keepsAccess ? ['access-not-changeable'] : [];
  return { action: 'adopt', reason, spaceId, keepsPages, keepsAccess, match, caveats };
}

function decideNew(facts: ProvisioningFacts, { treatment }: RuleMatch, isBegun: boolean, now: number): ProvisioningAction {
  const { standing, wish, record } = facts;
  const exclude = (reason: Reason): ProvisioningAction => ({ action: 'exclude', reason, recheckAt: now + EXCLUDED_RECHECK_MS });
  const isOffer = treatment.mode === 'ask' && wish !== 'create' && !isBegun;
  if (isOffer && record?.state === 'offered') return { action: 'keep', reason: 'offer-open' };
  // "Not now" holds whatever the policy has become.
  if (wish !== 'create' && record?.state === 'postponed' && record.recheckAt !== null && now < record.recheckAt)
    return { action: 'keep', reason: 'offer-postponed' };
  if (!standing) return { action: 'look-up', what: 'standing' };
  if (standing.kind === 'impersonation-unavailable') {
    // An offer needs nobody to be impersonated: the person's own click makes the space.
    return isOffer ? { action: 'offer', reason: 'rule-ask' } : exclude('impersonation-unavailable');
  }
  if (standing.kind === 'not-permitted' || !standing.canUse) return exclude('account-unlicensed');
  if (wish === 'create') return { action: 'create', reason: 'person-asked' };
  if (isBegun) return { action: 'create', reason: 'interrupted' };
  return isOffer ? { action: 'offer', reason: 'rule-ask' } : { action: 'create', reason: 'rule-auto' };
}

/** A space made within this long of a run's beginning is what that run was about. */
const OWN_WORK_MS = 10 * 60_000;

/**
 * Whether a space that was found is the one that an interrupted run set out to make, or that won the
 * race against it. One made long before or after is somebody else's doing.
 */
export function isFromInterruptedRun(record: Pick<PersonRecord, 'changedAt'>, createdAt: number): boolean {
  return Math.abs(createdAt - record.changedAt) <= OWN_WORK_MS;
}

/** Reasons that another policy may end. */
const POLICY_REASONS: readonly Reason[] = ['rule-off', 'rollout-not-started', 'rollout-percent', 'rollout-day-full'];
export const restsOnPolicy = (reason: Reason): boolean => POLICY_REASONS.includes(reason);

function decideByRecord(record: PersonRecord, wish: Wish, policyVersion: number, now: number): ProvisioningAction | null {
  const isWaiting = record.recheckAt !== null && now < record.recheckAt;
  const settled: ProvisioningAction = { action: 'none', reason: record.reason };
  switch (record.state) {
    case 'ready':
      return record.lacksDetails && record.recheckAt !== null && !isWaiting && wish === 'activity'
        ? { action: 'remind', reason: 'details-missing' }
        : settled;
    case 'has-space':
      return record.recheckAt === null || isWaiting ? settled : null;
    case 'declined':
    case 'removed':
      return settled;
    case 'excluded':
      if (restsOnPolicy(record.reason)) {
        const isCurrent = record.policyVersion === policyVersion && (isWaiting || record.recheckAt === null);
        return isCurrent && wish !== 'create' ? settled : null;
      }
      // What keeps the app from acting for somebody need not keep them from asking.
      return isWaiting && wish !== 'create' ? settled : null;
    case 'refused':
      if (record.reason === 'no-private-way' && record.policyVersion !== policyVersion) return null;
      // Also when the person asks: Confluence has just said no, and is not hammered.
      return isWaiting ? settled : null;
    case 'offered':
      return wish !== 'create' && record.policyVersion === policyVersion ? { action: 'none', reason: 'offer-open' } : null;
    case 'postponed':
      return wish !== 'create' && record.policyVersion === policyVersion && isWaiting
        ? { action: 'none', reason: 'offer-postponed' }
        : null;
    case 'creating':
      return isWaiting && wish !== 'create' ? settled : null;
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

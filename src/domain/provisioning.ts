/** Who gets a personal space. The only place that decides; pure. */
import type { Policy } from './policy';

/** What Homestead remembers of a person. `recheckAt` (ms) ends a settled state, null never does. */
export interface PersonRecord {
  accountId: string;
  state: PersonState;
  reason: Reason;
  changedAt: number;
  recheckAt: number | null;
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
  /** Homestead made the space. */
  | 'ready'
  /** Had a space that Homestead did not make. */
  | 'has-space'
  /** Had a space that was deleted. */
  | 'removed'
  /** Confluence, or the platform, did not let this person create one. */
  | 'refused'
  /** Not somebody who gets one: a guest, inactive, unlicensed ... */
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

export interface ProvisioningFacts {
  /** Why the question is asked: somebody was active, or pressed "Create". */
  wish: 'activity' | 'create';
  record: PersonRecord | null;
  /** null = not read yet. */
  person: PersonFacts | null;
  standing: StandingFacts | null;
}

export type Reason =
  | 'policy-off'
  | 'policy-unreadable'
  | 'policy-ask'
  | 'policy-auto'
  | 'person-asked'
  | 'interrupted'
  | 'space-made'
  | 'has-space'
  | 'space-trashed'
  | 'space-invisible'
  | 'space-removed'
  | 'offer-open'
  | 'offer-postponed'
  | 'offer-declined'
  | 'account-app'
  | 'account-guest'
  | 'account-inactive'
  | 'account-unknown'
  | 'account-unlicensed'
  | 'impersonation-unavailable'
  | 'creation-refused'
  | 'no-private-way'
  | 'confluence-error';

export type ProvisioningDecision =
  /** Nothing to do. */
  | { action: 'none'; reason: Reason }
  /** Nobody for a space now: remember, and look again after the recheck time. */
  | { action: 'exclude'; reason: Reason }
  /** Has one already: remember. */
  | { action: 'note-space'; reason: Reason; spaceId: string }
  /** A fact is missing; read it and ask again. */
  | { action: 'look-up'; what: 'person' | 'standing' }
  | { action: 'offer'; reason: Reason }
  | { action: 'create'; reason: Reason }
  /** A space exists that a stopped run began: finish it. */
  | { action: 'finish'; reason: Reason; spaceId: string };

/** The policy lets nothing happen, to anybody. */
export function isSwitchedOff(decision: ProvisioningDecision): boolean {
  return decision.action === 'none' && (decision.reason === 'policy-off' || decision.reason === 'policy-unreadable');
}

const SETTLED_STATES: readonly PersonState[] = ['ready', 'has-space', 'declined', 'removed'];

/**
 * Decides with the facts so far, cheapest first: a settled person costs no look-up. `mode` is the
 * policy's, or 'unreadable' when the stored policy cannot be read, which means off.
 */
export function decideProvisioning(facts: ProvisioningFacts, mode: Policy['mode'] | 'unreadable', now: number): ProvisioningDecision {
  const { record, person, standing, wish } = facts;
  if (mode === 'unreadable') return { action: 'none', reason: 'policy-unreadable' };
  if (mode === 'off') return { action: 'none', reason: 'policy-off' };

  const remembered = record && decideByRecord(record, wish, mode, now);
  if (remembered) return remembered;

  if (!person) return { action: 'look-up', what: 'person' };
  const account = accountProblem(person);
  if (account) return { action: 'exclude', reason: account };
  if (person.personalSpaceId !== null) {
    return record?.state === 'creating'
      ? { action: 'finish', reason: 'interrupted', spaceId: person.personalSpaceId }
      : { action: 'note-space', reason: 'has-space', spaceId: person.personalSpaceId };
  }

  if (!standing) return { action: 'look-up', what: 'standing' };
  if (standing.kind === 'impersonation-unavailable') {
    // An offer needs nobody to be impersonated: the person's own click makes the space.
    return mode === 'ask' ? { action: 'offer', reason: 'policy-ask' } : { action: 'exclude', reason: 'impersonation-unavailable' };
  }
  if (standing.kind === 'not-permitted' || !standing.canUse) return { action: 'exclude', reason: 'account-unlicensed' };

  if (wish === 'create') return { action: 'create', reason: 'person-asked' };
  if (record?.state === 'creating') return { action: 'create', reason: 'interrupted' };
  return mode === 'auto' ? { action: 'create', reason: 'policy-auto' } : { action: 'offer', reason: 'policy-ask' };
}

/** A space made within this long of a run's beginning is what that run was about. */
const OWN_WORK_MS = 10 * 60_000;

/**
 * Whether a space that was found is the one that an interrupted run set out to make, or that won the
 * race against it. One made long before or after is the person's own doing, and is left alone.
 */
export function isFromInterruptedRun(record: Pick<PersonRecord, 'changedAt'>, createdAt: number): boolean {
  return Math.abs(createdAt - record.changedAt) <= OWN_WORK_MS;
}

function decideByRecord(record: PersonRecord, wish: 'activity' | 'create', mode: 'ask' | 'auto', now: number): ProvisioningDecision | null {
  if (SETTLED_STATES.includes(record.state)) return { action: 'none', reason: record.reason };
  const isWaiting = record.recheckAt !== null && now < record.recheckAt;
  switch (record.state) {
    case 'excluded':
    case 'refused':
      // Also when the person asks: Confluence has just said no, and is not hammered.
      return isWaiting ? { action: 'none', reason: record.reason } : null;
    case 'offered':
      return wish === 'activity' && mode === 'ask' ? { action: 'none', reason: 'offer-open' } : null;
    case 'postponed':
      return wish === 'activity' && mode === 'ask' && isWaiting ? { action: 'none', reason: 'offer-postponed' } : null;
    case 'creating':
      return isWaiting ? { action: 'none', reason: record.reason } : null;
    default:
      return null;
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

/**
 * What Homestead remembers of a person: one shape per state, and the transitions between them. A transition is a
 * pure function that answers the next record and what the trail and the person are told of it.
 */
import type { NoticeKind } from './notice';
import type { Reason } from './reasons';
import type { SpaceStatus } from './space';
import { DAY_MS, MINUTE_MS } from './time';

/** A space that someone else created and that Homestead is bringing in line with the policy. */
export interface Adopted {
  spaceId: string;
  /** The pages stay as they are. */
  keepsPages: boolean;
  /** Who can see it stays as it is. */
  keepsAccess: boolean;
}

/** A space that is gone from a person's hands. */
export interface Removal {
  spaceId: string;
  spaceKey: string | null;
  how: Exclude<SpaceStatus, 'current'>;
  /** Who did it: an account id, `app`, or `unknown`. */
  by: string;
}

/** Times in ms. `policyVersion` is the one that led here; another may lead elsewhere. */
export type PersonState =
  /** Gets no space, or not now: a guest, inactive, no rule, not their turn ... null = until the policy changes. */
  | { state: 'excluded'; reason: Reason; recheckAt: number | null; policyVersion: number }
  /** Has been offered a space and has not answered. */
  | { state: 'offered'; policyVersion: number }
  /** Answered "not now". */
  | { state: 'postponed'; until: number; policyVersion: number }
  /** Answered "never". */
  | { state: 'declined' }
  /** Homestead began to create the space; whatever is found is finished, not created again. */
  | {
      state: 'creating';
      cause: Reason;
      /** The run that began it. */
      runId?: string | undefined;
      /** The creation call tried last. */
      call: string;
      failures: number;
      /** Given up until then. */
      retryAt: number | null;
    }
  /** Homestead began to adopt a space. */
  | { state: 'adopting'; cause: Reason; adopted: Adopted; failures: number; retryAt: number | null }
  /** Homestead created the space, or adopted it. */
  | { state: 'ready'; spaceId: string; origin: 'created' | 'adopted'; remindAt: number | null }
  /** Has a space that is left as it is. */
  | { state: 'has-space'; spaceId: string; spaceKey: string | null; reason: Reason; recheckAt: number | null }
  /** Had a space that was archived, trashed or deleted: no new one is created. Looked at again at `recheckAt`. */
  | ({ state: 'removed'; recheckAt: number } & Removal)
  /** Confluence or the platform refused, or keeps failing for this person. */
  | { state: 'refused'; reason: Reason; recheckAt: number; failures: number; policyVersion: number };

export type Person = { accountId: string; revision: number; since: number } & PersonState;
export type PersonStateName = PersonState['state'];
export type PersonIn<S extends PersonStateName> = Extract<Person, { state: S }>;

export function isIn<S extends PersonStateName>(person: Person | null, ...states: S[]): person is PersonIn<S> {
  return person !== null && (states as readonly PersonStateName[]).includes(person.state);
}

const REMOVAL_REASONS = { archived: 'space-archived', trashed: 'space-trashed', deleted: 'space-removed' } as const;

/** Why the person is where they are. */
export function reasonOf(person: PersonState): Reason {
  switch (person.state) {
    case 'excluded':
    case 'has-space':
    case 'refused':
      return person.reason;
    case 'offered':
      return 'rule-ask';
    case 'postponed':
      return 'offer-postponed';
    case 'declined':
      return 'offer-declined';
    case 'creating':
    case 'adopting':
      return person.retryAt === null ? person.cause : 'confluence-error';
    case 'ready':
      return person.origin === 'created' ? 'space-created' : 'space-adopted';
    case 'removed':
      return REMOVAL_REASONS[person.how];
  }
}

/** The space a person's record points at; null where there is none. */
export function spaceIdOf(person: PersonState): string | null {
  if (person.state === 'adopting') return person.adopted.spaceId;
  return 'spaceId' in person ? person.spaceId : null;
}

/** When the state is looked at again (ms); null = when something else changes. */
export function recheckOf(person: PersonState): number | null {
  switch (person.state) {
    case 'excluded':
    case 'has-space':
    case 'removed':
    case 'refused':
      return person.recheckAt;
    case 'postponed':
      return person.until;
    case 'creating':
    case 'adopting':
      return person.retryAt;
    case 'ready':
      return person.remindAt;
    default:
      return null;
  }
}

/** What the trail says of a transition; who did it and when are added by the store. */
export interface PersonNews {
  kind: PersonNewsKind;
  reason: Reason;
  spaceId: string | null;
  /** What Confluence said, or what was lifted. */
  detail: string | null;
}
export type PersonNewsKind =
  | 'provisioned'
  | 'adopted'
  | 'offered'
  | 'postponed'
  | 'declined'
  | 'undone'
  | 'refused'
  | 'removed'
  | 'returned'
  | 'lifted'
  | 'imported';

/** A transition: the next record of the person, and what the trail and the person are told. */
export interface Transition {
  person: Person;
  news: PersonNews | null;
  /** A notice to raise; every other notice of the person is answered by the transition. null = answer them all. `keep` = leave them. */
  notice: NoticeKind | null | 'keep';
}

/** Whose record is written. Revision 0: there is none yet. */
interface Subject {
  accountId: string;
  revision: number;
}
const subjectOf = (person: Person | null, accountId: string): Subject => ({ accountId, revision: person?.revision ?? 0 });

function move(
  { accountId, revision }: Subject,
  now: number,
  next: PersonState,
  news: PersonNewsKind | null,
  {
    notice = null,
    detail = null,
    reason = reasonOf(next),
  }: { notice?: Transition['notice']; detail?: string | null; reason?: Reason } = {},
): Transition {
  return {
    person: { accountId, revision, since: now, ...next },
    news: news && { kind: news, reason, spaceId: spaceIdOf(next), detail },
    notice,
  };
}

export const exclude = (
  person: Person | null,
  accountId: string,
  { reason, recheckAt, policyVersion, now }: { reason: Reason; recheckAt: number | null; policyVersion: number; now: number },
): Transition =>
  // Worth telling an admin: the person should have got a space, and Confluence refused.
  move(
    subjectOf(person, accountId),
    now,
    { state: 'excluded', reason, recheckAt, policyVersion },
    reason === 'account-unlicensed' || reason === 'impersonation-unavailable' ? 'refused' : null,
  );

export const offer = (person: Person | null, accountId: string, policyVersion: number, now: number): Transition =>
  move(subjectOf(person, accountId), now, { state: 'offered', policyVersion }, 'offered', { notice: 'offer' });

/** The policy changed, and the open offer or the "not now" holds under it as well. */
export const holdsUnder = (person: PersonIn<'offered' | 'postponed'>, policyVersion: number): Transition => ({
  person: { ...person, policyVersion },
  news: null,
  notice: 'keep',
});

/** "Not now" holds this long. */
export const POSTPONED_MS = 30 * DAY_MS;

export const postpone = (person: PersonIn<'offered'>, now: number): Transition =>
  move(person, now, { state: 'postponed', until: now + POSTPONED_MS, policyVersion: person.policyVersion }, 'postponed');

export const decline = (person: Person | null, accountId: string, now: number): Transition =>
  move(subjectOf(person, accountId), now, { state: 'declined' }, 'declined');

export const undoDecline = (person: PersonIn<'declined'>, now: number): Transition =>
  move(person, now, { state: 'excluded', reason: 'decline-undone', recheckAt: now, policyVersion: 0 }, 'undone');

/** Keep `since` while creating: it is matched against the creation time of a space that is found. */
export function beginCreation(
  person: Person | null,
  accountId: string,
  { cause, runId, call }: Pick<PersonIn<'creating'>, 'cause' | 'runId' | 'call'>,
  now: number,
): Transition {
  const failures = isIn(person, 'creating') ? person.failures : 0;
  return move(subjectOf(person, accountId), now, { state: 'creating', cause, runId, call, failures, retryAt: null }, null);
}

export function beginAdoption(person: Person | null, accountId: string, cause: Reason, adopted: Adopted, now: number): Transition {
  const failures = isIn(person, 'adopting') ? person.failures : 0;
  return move(subjectOf(person, accountId), now, { state: 'adopting', cause, adopted, failures, retryAt: null }, null);
}

/** Required details that are missing are asked for once more after this. */
export const REMIND_MS = 3 * DAY_MS;

/** The trail tells why it was begun. */
export const complete = (
  person: Person,
  { spaceId, origin, lacksDetails, now }: { spaceId: string; origin: 'created' | 'adopted'; lacksDetails: boolean; now: number },
): Transition =>
  move(
    person,
    now,
    { state: 'ready', spaceId, origin, remindAt: lacksDetails ? now + REMIND_MS : null },
    origin === 'created' ? 'provisioned' : 'adopted',
    { notice: origin === 'created' ? 'ready' : 'adopted', ...(isIn(person, 'creating') ? { reason: person.cause } : {}) },
  );

/** Asks for missing details; once, and not while another notice is still open. */
export const remind = (person: PersonIn<'ready'>, isBusy: boolean, now: number): Transition =>
  isBusy
    ? { person: { ...person, remindAt: now + REMIND_MS }, news: null, notice: 'keep' }
    : { person: { ...person, remindAt: null }, news: null, notice: 'details' };

export const detailsGiven = (person: PersonIn<'ready'>): Transition => ({
  person: { ...person, remindAt: null },
  news: null,
  notice: 'keep',
});

export function leaveAlone(
  person: Person | null,
  accountId: string,
  space: { spaceId: string; spaceKey: string | null; reason: Reason; recheckAt: number | null },
  now: number,
): Transition {
  const isNews = space.reason === 'space-invisible' && isIn(person, 'creating', 'adopting');
  return move(subjectOf(person, accountId), now, { state: 'has-space', ...space }, isNews ? 'refused' : null);
}

/** A removed person's space is looked at again after this, in case an event that told of its return was lost. */
const REMOVED_RECHECK_MS = DAY_MS;

/** A space was archived, trashed or deleted: from now on no new one is created. */
export const recordRemoval = (person: Person | null, accountId: string, removal: Removal, now: number): Transition =>
  move(subjectOf(person, accountId), now, { state: 'removed', ...removal, recheckAt: now + REMOVED_RECHECK_MS }, 'removed');

/** Looked at again, and nothing has changed. */
export const stillRemoved = (person: PersonIn<'removed'>, now: number): Transition => ({
  person: { ...person, recheckAt: now + REMOVED_RECHECK_MS },
  news: null,
  notice: 'keep',
});

/** The space is looked at again at the person's next activity. */
export const lookAgain = (person: PersonIn<'removed'>, now: number): Transition => ({
  person: { ...person, recheckAt: now },
  news: null,
  notice: 'keep',
});

/** Known from an earlier installation; nothing is remembered of the person in this one. */
export const imported = (accountId: string, state: Extract<PersonState, { state: 'declined' | 'removed' }>, since: number): Transition =>
  move({ accountId, revision: 0 }, since, state, 'imported');

/** The account that removed the space was closed. */
export const forgetRemover = (person: PersonIn<'removed'>): Transition => ({
  person: { ...person, by: 'unknown' },
  news: null,
  notice: 'keep',
});

/** A removed space is current again: as it was when it is Homestead's own, otherwise looked at anew. */
export const returned = (
  person: PersonIn<'removed'>,
  space: { spaceId: string; spaceKey: string | null; origin: 'created' | 'adopted' | null },
  now: number,
): Transition =>
  move(
    person,
    now,
    space.origin === null
      ? { state: 'has-space', spaceId: space.spaceId, spaceKey: space.spaceKey, reason: 'space-returned', recheckAt: now }
      : { state: 'ready', spaceId: space.spaceId, origin: space.origin, remindAt: null },
    'returned',
  );

/** An admin allows a space again: the person is looked at anew at their next activity. */
export const lift = (person: PersonIn<'removed' | 'declined'>, now: number): Transition => {
  const lifted = move(person, now, { state: 'excluded', reason: 'tombstone-lifted', recheckAt: now, policyVersion: 0 }, null);
  return { ...lifted, news: { kind: 'lifted', reason: reasonOf(person), spaceId: spaceIdOf(person), detail: null } };
};

export const refuse = (
  person: Person | null,
  accountId: string,
  {
    reason,
    detail,
    recheckAt,
    policyVersion,
    now,
  }: {
    reason: Reason;
    detail: string | null;
    recheckAt: number;
    policyVersion: number;
    now: number;
  },
): Transition =>
  move(subjectOf(person, accountId), now, { state: 'refused', reason, recheckAt, failures: 0, policyVersion }, 'refused', { detail });

/** Waits between failures of Confluence for one person; the last one is told to admins. */
const FAILURE_WAITS_MS = [MINUTE_MS / 2, 2 * MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, DAY_MS] as const;

/**
 * Confluence failed for this person: they wait, longer each time. Somebody whose space was begun stays so: what exists
 * is finished when the wait is over.
 * @param isRefusal Confluence refused, so that trying again soon is pointless
 */
export function recordFailure(
  person: Person | null,
  accountId: string,
  { isRefusal, detail, policyVersion, now }: { isRefusal: boolean; detail: string; policyVersion: number; now: number },
): Transition {
  const failures = 1 + (isIn(person, 'creating', 'adopting', 'refused') ? person.failures : 0);
  const isGivenUp = isRefusal || failures >= FAILURE_WAITS_MS.length;
  const wait = isGivenUp ? DAY_MS : (FAILURE_WAITS_MS[failures - 1] ?? DAY_MS);
  const news: PersonNews | null = isGivenUp ? { kind: 'refused', reason: 'confluence-error', spaceId: null, detail } : null;
  if (isIn(person, 'creating', 'adopting')) {
    // `since` stays: it says which space is this run's own work.
    const next = { ...person, failures: isGivenUp ? 0 : failures, retryAt: isGivenUp ? now + wait : null };
    return { person: next, news, notice: null };
  }
  const next = {
    state: 'refused',
    reason: 'confluence-error',
    recheckAt: now + wait,
    failures: isGivenUp ? 0 : failures,
    policyVersion,
  } as const;
  return { person: { ...subjectOf(person, accountId), since: now, ...next }, news, notice: null };
}

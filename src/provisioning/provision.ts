/**
 * From "this person was active" to "they have a private space, a homepage and a notice", or to a
 * recorded reason why not. Every step may be the last before the process stops: whatever is run
 * next reads what exists and goes on from there, so nothing is made twice.
 */

import type { Policy } from '../domain/policy';
import {
  decideProvisioning,
  isFromInterruptedRun,
  isSwitchedOff,
  type PersonFacts,
  type ProvisioningDecision,
  type Reason,
  type StandingFacts,
} from '../domain/provisioning';
import { type CurrentUser, hasOtherReaders, type Requester, raiseNotice, readPerson, readSpace, readStanding } from '../forge/confluence';
import { ConfluenceError, isFinal, PlatformRefusal, StaleRecord } from '../forge/errors';
import { newPerson, provisioningAudit, readPersonRecord, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../forge/store';
import { type Access, closeSpace } from './access';
import { personName, templateValues, writeHomepage } from './homepage';
import { makePersonalSpace, personalSpaceKey, rememberStrategy, type StrategyName } from './strategies';

const DAY_MS = 86_400_000;
/** A refusal by Confluence is not tried again before this. */
const REFUSED_RECHECK_MS = 7 * DAY_MS;
/** An error that a repair of the site or the app may end. */
const ERROR_RECHECK_MS = DAY_MS;
/** Guests may get a licence, leavers return: look again, but not at every page view. */
const EXCLUDED_RECHECK_MS = DAY_MS;
/** "Not now" holds this long. */
export const POSTPONED_MS = 30 * DAY_MS;
/** Seconds until Confluence is asked again for a space that it has just made. */
const NOT_LISTED_RETRY_S = 30;
/** How often one run starts over because another one wrote the same person's record. */
const MAX_ATTEMPTS = 4;
/** Failures of Confluence while one space is made, after which it is left for a day. */
const MAX_TRIES = 5;

export interface Subject {
  accountId: string;
  /** Acts as the person: impersonation in a trigger, themselves in a resolver. */
  as: Requester;
  cloudId: string;
  wish: 'activity' | 'create';
  /** Site time in ms. */
  now: number;
}

export interface ProvisionResult {
  decision: ProvisioningDecision;
  /** The record after the run, null when nothing is remembered of this person. */
  record: StoredPersonRecord | null;
}

/** Decides and acts for one person. @throws ConfluenceError, PlatformRefusal when it should be tried again */
export async function provision(subject: Subject): Promise<ProvisionResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptProvision(subject);
    } catch (error) {
      if (error instanceof ConfluenceError || error instanceof PlatformRefusal) {
        const result = await recordFailure(subject, error);
        if (result) return result;
        throw error;
      }
      // Somebody else moved this person on (a second event, a click): look again at what is there.
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/**
 * Without a record the next page view would make the same calls again. A refusal is recorded at once,
 * a failure when it keeps happening while the space is made; null = try again soon. Somebody who began
 * to get a space stays so: whatever was made is finished then.
 */
async function recordFailure(subject: Subject, error: ConfluenceError | PlatformRefusal): Promise<ProvisionResult | null> {
  const person = await readPersonRecord(subject.accountId);
  const record = person ?? newPerson(subject.accountId);
  // An answer of the person, or another run, came first.
  if (person && !['offered', 'creating', 'excluded', 'refused'].includes(person.state)) return null;
  const isCreating = record.state === 'creating';
  if (error.isTransient) {
    if (!isCreating || error.status === 429) return null;
    if (record.tries + 1 < MAX_TRIES) {
      await writePerson({ ...record, tries: record.tries + 1 });
      return null;
    }
  }
  const failed: StoredPersonRecord = {
    ...record,
    state: isCreating ? 'creating' : 'refused',
    reason: 'confluence-error',
    recheckAt: subject.now + ERROR_RECHECK_MS,
    notice: 'done',
    tries: 0,
    // Of somebody who began: when that was says which space is theirs.
    changedAt: isCreating ? record.changedAt : subject.now,
  };
  const written = await writePerson(
    failed,
    provisioningAudit(failed, 'refused', 'app', subject.now, `${error.operation}: ${error.status}`),
  );
  return { decision: { action: 'none', reason: 'confluence-error' }, record: written };
}

async function attemptProvision(subject: Subject): Promise<ProvisionResult> {
  const { policy: state, person: stored } = await readPolicyAndPerson(subject.accountId);
  const mode = state.kind === 'unreadable' ? 'unreadable' : state.policy.mode;
  let person: PersonFacts | null = null;
  let standing: StandingFacts | null = null;
  let user: CurrentUser | null = null;
  for (;;) {
    const decision = decideProvisioning({ wish: subject.wish, record: stored, person, standing }, mode, subject.now);
    if (decision.action !== 'look-up') {
      const record = state.kind === 'unreadable' ? stored : await act(decision, subject, stored, state.policy, user);
      return { decision, record };
    }
    if (decision.what === 'person') {
      person = (await readPerson(subject.accountId)) ?? {
        accountType: 'unknown',
        accountStatus: 'unknown',
        isGuest: false,
        personalSpaceId: null,
      };
    } else {
      const answer = await readStanding(subject.as);
      standing = answer.facts;
      user = answer.user;
    }
  }
}

async function act(
  decision: Exclude<ProvisioningDecision, { action: 'look-up' }>,
  subject: Subject,
  stored: StoredPersonRecord | null,
  policy: Policy,
  user: CurrentUser | null,
): Promise<StoredPersonRecord | null> {
  const { now } = subject;
  const record = stored ?? newPerson(subject.accountId);
  switch (decision.action) {
    case 'none':
      // A run that stopped between recording and telling: tell now.
      return stored?.notice === 'due' && !isSwitchedOff(decision) ? giveNotice(stored) : stored;
    case 'exclude': {
      const isNews = decision.reason === 'account-unlicensed' || decision.reason === 'impersonation-unavailable';
      return move(
        record,
        { state: 'excluded', reason: decision.reason, recheckAt: now + EXCLUDED_RECHECK_MS, notice: 'done' },
        now,
        isNews ? 'refused' : null,
      );
    }
    case 'note-space':
      return move(
        record,
        { state: 'has-space', reason: decision.reason, recheckAt: null, notice: 'done', spaceId: decision.spaceId },
        now,
        null,
      );
    case 'offer':
      return giveNotice(await move(record, { state: 'offered', reason: decision.reason, recheckAt: null, notice: 'due' }, now, 'offered'));
    case 'create':
      return create(subject, record, decision.reason, policy, user);
    case 'finish':
      return resume(subject, record, policy, user, decision.spaceId);
  }
}

async function create(
  subject: Subject,
  stored: StoredPersonRecord,
  reason: Reason,
  policy: Policy,
  user: CurrentUser | null,
): Promise<StoredPersonRecord> {
  const { accountId, now } = subject;
  const name = personName(user, accountId);
  let record = stored;
  // What is about to be tried is written first: a run that stops leaves behind how far it came.
  const begin = async (strategy: StrategyName): Promise<void> => {
    // The time is renewed too: it says which spaces may be this run's own work.
    if (record.state === 'creating' && record.strategy === strategy && isFromInterruptedRun(record, now)) return;
    record = await move(record, { state: 'creating', reason, recheckAt: null, notice: 'done', strategy }, now, null);
  };
  const begun = stored.state === 'creating' ? stored.strategy : null;
  const made = await makePersonalSpace(subject.as, subject.cloudId, { accountId, key: personalSpaceKey(accountId), name }, begun, begin);
  const refuse = (why: Reason, detail: string | null = null): Promise<StoredPersonRecord> =>
    move(record, { state: 'refused', reason: why, recheckAt: now + REFUSED_RECHECK_MS, strategy: null }, now, 'refused', detail);
  switch (made.kind) {
    case 'made': {
      // Only what Confluence itself calls this person's space counts.
      const personalSpaceId = (await readPerson(accountId))?.personalSpaceId ?? null;
      if (personalSpaceId === null) throw new ConfluenceError('users-bulk', 503, 'the new space is not listed yet', NOT_LISTED_RETRY_S);
      if (personalSpaceId !== made.spaceId) return refuse('creation-refused', 'the new space is not the personal space');
      return finish(subject, record, policy, user, {
        spaceId: made.spaceId,
        spaceKey: personalSpaceKey(accountId),
        homepageId: made.homepageId,
        access: made.isOpen ? await closeSpace(subject.as, made.spaceId, accountId) : 'private',
      });
    }
    case 'exists':
      return resume(subject, record, policy, user, made.spaceId);
    case 'trashed':
      return move(
        record,
        { state: 'has-space', reason: 'space-trashed', recheckAt: null, spaceId: made.spaceId, strategy: null },
        now,
        'refused',
      );
    case 'no-private-way':
      return refuse('no-private-way', made.detail);
    case 'refused':
      return refuse('creation-refused', made.detail);
  }
}

/**
 * A space is there that this run did not see being made: by a run that stopped, or by Confluence,
 * which won the race with an open one. Closed where the site lets an app close it.
 */
async function resume(
  subject: Subject,
  record: StoredPersonRecord,
  policy: Policy,
  user: CurrentUser | null,
  spaceId: string,
): Promise<StoredPersonRecord> {
  const { as, accountId, now } = subject;
  const space = await readSpace(as, spaceId);
  if (!space)
    return move(record, { state: 'has-space', reason: 'space-invisible', recheckAt: null, spaceId, strategy: null }, now, 'refused');
  const isOurs = space.type === 'personal' && space.status === 'current' && isFromInterruptedRun(record, space.createdAt);
  if (!isOurs) {
    return move(
      record,
      { state: 'has-space', reason: 'has-space', recheckAt: null, spaceId, spaceKey: space.key, strategy: null },
      now,
      null,
    );
  }
  const isShared = await hasOtherReaders(as, spaceId, accountId);
  // Homestead's own calls make private spaces, so a shared one is Confluence's.
  const origin = isShared === true && record.strategy !== 'graphql' ? { ...record, strategy: null } : record;
  const access = isShared === false ? 'private' : await closeSpace(as, spaceId, accountId);
  return finish(subject, origin, policy, user, { spaceId, spaceKey: space.key, homepageId: space.homepageId, access });
}

/** Homepage, record, notice. */
async function finish(
  subject: Subject,
  record: StoredPersonRecord,
  policy: Policy,
  known: CurrentUser | null,
  made: { spaceId: string; spaceKey: string; homepageId: string | null; access: Access },
): Promise<StoredPersonRecord> {
  const { accountId, as, now } = subject;
  const user = known ?? (await readStanding(as)).user;
  const { spaceKey } = made;
  const values = templateValues(user, accountId, spaceKey, now);
  const homepageId = made.homepageId ?? (await readSpace(as, made.spaceId))?.homepageId ?? null;
  const written = await writeHomepage(as, homepageId, policy.template, values);
  if (record.strategy !== null) await rememberStrategy(record.strategy);
  const ready = await move(
    record,
    {
      state: 'ready',
      reason: 'space-made',
      recheckAt: null,
      notice: 'due',
      tries: 0,
      spaceId: made.spaceId,
      spaceKey,
      access: made.access,
      ...written,
    },
    now,
    'provisioned',
  );
  return giveNotice(ready);
}

async function giveNotice(record: StoredPersonRecord): Promise<StoredPersonRecord> {
  try {
    await raiseNotice(record.accountId);
  } catch (error) {
    if (!isFinal(error)) throw error;
    // A notice that cannot be raised is not tried at every page view. An offer that nobody sees is none.
    if (record.state !== 'offered') return writePerson({ ...record, notice: 'done' });
    const recheckAt = record.changedAt + ERROR_RECHECK_MS;
    return writePerson({ ...record, state: 'refused', reason: 'confluence-error', recheckAt, notice: 'done' });
  }
  return writePerson({ ...record, notice: 'open' });
}

/** Writes the person's next state, and into the audit trail if it is news. @throws StaleRecord */
function move(
  record: StoredPersonRecord,
  change: Partial<StoredPersonRecord> & Pick<StoredPersonRecord, 'state' | 'reason' | 'recheckAt'>,
  now: number,
  kind: 'provisioned' | 'offered' | 'refused' | null,
  detail: string | null = null,
): Promise<StoredPersonRecord> {
  const next = { ...record, ...change, changedAt: now };
  if (kind === null) return writePerson(next);
  return writePerson(next, provisioningAudit(next, kind, 'app', now, detail));
}

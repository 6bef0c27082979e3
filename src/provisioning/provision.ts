/**
 * From "this person was active" to "they have a private space, a homepage and a notice", or to a
 * recorded reason why not. Every step may be the last before the process stops: whatever is run
 * next reads what exists and goes on from there, so nothing is made twice.
 */

import type { Policy, PolicyState } from '../domain/policy';
import {
  decideProvisioning,
  isFromInterruptedRun,
  type PersonFacts,
  type ProvisioningDecision,
  type Reason,
  type StandingFacts,
} from '../domain/provisioning';
import {
  type CurrentUser,
  closeToAllButOwner,
  hasOtherReaders,
  type Page,
  type Requester,
  raiseNotice,
  readPage,
  readPerson,
  readRoleMode,
  readSpace,
  readStanding,
  writePageBody,
} from '../forge/confluence';
import { ConfluenceError, PlatformRefusal, StaleRecord } from '../forge/errors';
import { newPerson, provisioningAudit, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../forge/store';
import { composeHomepage } from './homepage';
import { makePersonalSpace, personalSpaceKey, rememberStrategy, type StrategyName } from './strategies';
import type { TemplateValues } from './template';
import { formatDay, HOMEPAGE_MESSAGE } from './text';

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

type Access = 'private' | 'open' | 'unknown';

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
  policyKind: PolicyState['kind'];
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

/** Confluence or the platform said no in a way that asking again will not change. */
function isFinal(error: unknown): error is ConfluenceError | PlatformRefusal {
  return (error instanceof ConfluenceError || error instanceof PlatformRefusal) && !error.isTransient;
}

/**
 * Without a record the next page view would make the same calls again. A refusal is recorded at once,
 * a failure when it keeps happening while the space is made; null = try again soon. Somebody who began
 * to get a space stays so: whatever was made is finished then.
 */
async function recordFailure(subject: Subject, error: ConfluenceError | PlatformRefusal): Promise<ProvisionResult | null> {
  const { policy, person } = await readPolicyAndPerson(subject.accountId);
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
  return { decision: { action: 'none', reason: 'confluence-error' }, record: written, policyKind: policy.kind };
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
      return { decision, record, policyKind: state.kind };
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
      return stored?.notice === 'due' && decision.reason !== 'policy-off' && decision.reason !== 'policy-unreadable'
        ? giveNotice(stored)
        : stored;
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
  const name = user?.displayName || user?.publicName || accountId;
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
        access: made.isOpen ? await close(subject.as, made.spaceId, accountId) : 'private',
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
  const access = isShared === false ? 'private' : await close(as, spaceId, accountId);
  return finish(subject, origin, policy, user, { spaceId, spaceKey: space.key, homepageId: space.homepageId, access });
}

/** Closes a space that others may read, where the site lets an app do it, and says what it is then. */
async function close(as: Requester, spaceId: string, ownerId: string): Promise<Access> {
  if ((await readRoleMode()) === 'PRE_ROLES') return (await hasOtherReaders(as, spaceId, ownerId)) === true ? 'open' : 'unknown';
  try {
    await closeToAllButOwner(as, spaceId, ownerId);
  } catch (error) {
    if (!isFinal(error)) throw error;
    return 'open';
  }
  const isShared = await hasOtherReaders(as, spaceId, ownerId);
  return isShared === null ? 'unknown' : isShared ? 'open' : 'private';
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
  const name = user?.displayName || user?.publicName || accountId;
  const { spaceKey } = made;
  const locale = user?.locale ?? 'en_US';
  const values = { name, date: formatDay(now, locale), spaceName: name, spaceKey };
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

type Written = Pick<StoredPersonRecord, 'template' | 'templateProblem'>;

/** Writes the homepage only while nobody else has; a template that Confluence does not take gives way to the built-in one. */
async function writeHomepage(as: Requester, pageId: string | null, template: Policy['template'], values: TemplateValues): Promise<Written> {
  const chosen = await composeHomepage(template, values);
  const problem = chosen.problem ?? (chosen.unfilled.length > 0 ? `template-unfilled: ${chosen.unfilled.join(', ')}` : null);
  const kept: Written = { template: 'kept', templateProblem: null };
  if (pageId === null) return kept;
  const page = await readPage(as, pageId);
  if (!page) return kept;
  if (page.version.number > 1) return isOwnVersion(page) ? { template: chosen.source, templateProblem: problem } : kept;
  if ((await writePageBody(as, page, chosen.body, HOMEPAGE_MESSAGE)) === 'written')
    return { template: chosen.source, templateProblem: problem };
  // Refused: somebody was faster, or Confluence does not take this text.
  const now = await readPage(as, pageId);
  if (!now) return kept;
  if (now.version.number > 1) return isOwnVersion(now) ? { template: chosen.source, templateProblem: problem } : kept;
  if (chosen.source === 'confluence') {
    const builtin = await composeHomepage({ kind: 'builtin' }, values);
    if ((await writePageBody(as, now, builtin.body, HOMEPAGE_MESSAGE)) === 'written')
      return { template: 'builtin', templateProblem: 'template-refused' };
  }
  return { template: 'kept', templateProblem: 'homepage-refused' };
}

const isOwnVersion = (page: Page): boolean => page.version.number === 2 && page.version.message === HOMEPAGE_MESSAGE;

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

/**
 * From "this person was active" to "they have a private space, a homepage and a notice", or to a
 * recorded reason why not. Every step may be the last before the process stops: whatever is run
 * next reads what exists and goes on from there, so nothing is made twice.
 */

import type { Policy, PolicyState } from '../domain/policy';
import { decideProvisioning, type PersonFacts, type ProvisioningDecision, type Reason, type StandingFacts } from '../domain/provisioning';
import {
  type CurrentUser,
  closeToAllButOwner,
  hasOtherReaders,
  type Requester,
  raiseNotice,
  readPage,
  readPerson,
  readRoleMode,
  readSpace,
  readStanding,
  writePageBody,
} from '../forge/confluence';
import { StaleRecord } from '../forge/errors';
import { type AuditEntry, newPerson, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../forge/store';
import { formatDay, HOMEPAGE_MESSAGE } from '../text';
import { composeHomepage } from './homepage';
import { makePersonalSpace, personalSpaceKey, rememberStrategy, type StrategyName } from './strategies';

const DAY_MS = 86_400_000;
/** A refusal by Confluence is not tried again before this. */
const REFUSED_RECHECK_MS = 7 * DAY_MS;
/** Guests may get a licence, leavers return: look again, but not at every page view. */
const EXCLUDED_RECHECK_MS = DAY_MS;
/** "Not now" holds this long. */
export const POSTPONED_MS = 30 * DAY_MS;
/** How often one run starts over because another one wrote the same person's record. */
const MAX_ATTEMPTS = 4;

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
      // Somebody else moved this person on (a second event, a click): look again at what is there.
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
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
      return stored?.notice === 'due' && decision.reason !== 'policy-off' ? giveNotice(stored) : stored;
    case 'exclude': {
      const isNews = decision.reason === 'account-unlicensed' || decision.reason === 'impersonation-unavailable';
      return move(
        record,
        { state: 'excluded', reason: decision.reason, recheckAt: now + EXCLUDED_RECHECK_MS },
        now,
        isNews ? 'refused' : null,
      );
    }
    case 'note-space':
      return move(record, { state: 'has-space', reason: decision.reason, recheckAt: null }, now, null);
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
    if (record.state === 'creating' && record.strategy === strategy) return;
    record = await move(record, { state: 'creating', reason, recheckAt: null, notice: 'done', strategy }, now, null);
  };
  const begun = stored.state === 'creating' ? stored.strategy : null;
  const made = await makePersonalSpace(subject.as, subject.cloudId, { accountId, key: personalSpaceKey(accountId), name }, begun, begin);
  const refuse = (why: Reason, detail: string | null = null): Promise<StoredPersonRecord> =>
    move(record, { state: 'refused', reason: why, recheckAt: now + REFUSED_RECHECK_MS, strategy: null }, now, 'refused', detail);
  switch (made.kind) {
    case 'made': {
      // Only what Confluence itself calls this person's space counts.
      const personalSpaceId = (await readPerson(accountId))?.personalSpaceId;
      if (personalSpaceId !== made.spaceId) return refuse('creation-refused', 'the new space is not the personal space');
      return finish(subject, record, policy, user, { spaceId: made.spaceId, homepageId: made.homepageId, access: 'private' });
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
      return refuse('no-private-way');
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
  if (space.status !== 'current') {
    return move(
      record,
      { state: 'has-space', reason: 'has-space', recheckAt: null, spaceId, spaceKey: space.key, strategy: null },
      now,
      null,
    );
  }
  const isShared = await hasOtherReaders(as, spaceId, accountId);
  // Homestead's own calls make private spaces, so a shared one is Confluence's.
  const origin = isShared && record.strategy !== 'graphql' ? { ...record, strategy: null } : record;
  let access: 'private' | 'open' = 'private';
  if (isShared) {
    if ((await readRoleMode()) === 'PRE_ROLES') access = 'open';
    else await closeToAllButOwner(as, spaceId, accountId);
  }
  return finish(subject, origin, policy, user, { spaceId, homepageId: space.homepageId, access });
}

/** Homepage, record, notice. */
async function finish(
  subject: Subject,
  record: StoredPersonRecord,
  policy: Policy,
  known: CurrentUser | null,
  made: { spaceId: string; homepageId: string | null; access: 'private' | 'open' },
): Promise<StoredPersonRecord> {
  const { accountId, as, now } = subject;
  const user = known ?? (await readStanding(as)).user;
  const name = user?.displayName || user?.publicName || accountId;
  const spaceKey = personalSpaceKey(accountId);
  const locale = user?.locale ?? 'en_US';
  const homepage = await composeHomepage(policy.template, { name, date: formatDay(now, locale), spaceName: name, spaceKey });
  const homepageId = made.homepageId ?? (await readSpace(as, made.spaceId))?.homepageId ?? null;
  const isWritten = homepageId !== null && (await writeHomepage(as, homepageId, homepage.body));
  if (record.strategy !== null) await rememberStrategy(record.strategy, now);
  const ready = await move(
    record,
    {
      state: 'ready',
      reason: 'space-made',
      recheckAt: null,
      notice: 'due',
      spaceId: made.spaceId,
      spaceKey,
      access: made.access,
      template: isWritten ? homepage.source : 'kept',
      templateProblem: homepage.problem ?? (homepage.unfilled.length > 0 ? `template-unfilled: ${homepage.unfilled.join(', ')}` : null),
    },
    now,
    'provisioned',
  );
  return giveNotice(ready);
}

/** Writes the homepage only while nobody else has. true: it holds what Homestead wrote. */
async function writeHomepage(as: Requester, pageId: string, body: string): Promise<boolean> {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const page = await readPage(as, pageId);
    if (!page) return false;
    if (page.version.number > 1) return page.version.number === 2 && page.version.message === HOMEPAGE_MESSAGE;
    if (await writePageBody(as, page, body, HOMEPAGE_MESSAGE)) return true;
  }
  return false;
}

async function giveNotice(record: StoredPersonRecord): Promise<StoredPersonRecord> {
  await raiseNotice(record.accountId);
  return writePerson({ ...record, notice: 'open' });
}

type AuditKind = 'provisioned' | 'offered' | 'refused';

/** Writes the person's next state, and into the audit trail if it is news. @throws StaleRecord */
function move(
  record: StoredPersonRecord,
  change: Partial<StoredPersonRecord> & Pick<StoredPersonRecord, 'state' | 'reason' | 'recheckAt'>,
  now: number,
  kind: AuditKind | null,
  detail: string | null = null,
): Promise<StoredPersonRecord> {
  const next = { ...record, ...change, changedAt: now };
  if (kind === null) return writePerson(next);
  const audit: AuditEntry = {
    key: `provisioning:${record.accountId}:${kind}:${next.spaceId ?? next.reason}`,
    scope: 'provisioning',
    kind,
    at: now,
    actor: 'app',
    details: {
      accountId: next.accountId,
      reason: next.reason,
      spaceKey: next.spaceKey,
      access: next.access,
      template: next.template,
      templateProblem: next.templateProblem,
      strategy: next.strategy,
      detail,
    },
  };
  return writePerson(next, audit);
}

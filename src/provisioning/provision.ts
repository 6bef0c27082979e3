/**
 * From "this person was active" to "they have a space as the policy says, its pages and a notice", or to
 * a recorded reason why not. Every step may be the last before the process stops: whatever is run next
 * reads what exists and goes on from there, so nothing is made twice.
 */

import { type Readers, readReaders, readRoleMode } from '../confluence/access';
import { type CurrentUser, readPerson, readStanding } from '../confluence/people';
import { readSpace, type SpaceRecord } from '../confluence/spaces';
import { clearNotice, raiseNotice } from '../confluence/user-properties';
import { lacksDetails } from '../domain/fields';
import { DEFAULT_POLICY, type Policy, type SpaceTemplate, type Treatment } from '../domain/policy/document';
import { templateOf } from '../domain/policy/match';
import {
  isFromInterruptedRun,
  isSwitchedOff,
  type ProvisioningDecision,
  type ProvisioningFacts,
  type Reason,
} from '../domain/provisioning/decide';
import { ConfluenceError, isFinal, PlatformRefusal, StaleRecord } from '../forge/errors';
import { personName, readerOf, writeChildren, writeHomepage } from '../page-templates/pages';
import {
  newPerson,
  type ProvisioningKind,
  provisioningAudit,
  readPersonRecord,
  readPolicyAndPerson,
  type StoredPersonRecord,
  writePerson,
} from '../store/people';
import { makePersonalSpace, personalSpaceKey, rememberStrategy, type StrategyName } from './creation-calls';
import { consider, type Subject } from './facts';
import { settleAccess } from './promised-access';

const DAY_MS = 86_400_000;
/** A refusal by Confluence is not tried again before this. */
const REFUSED_RECHECK_MS = 7 * DAY_MS;
/** An error that a repair of the site or the app may end. */
const ERROR_RECHECK_MS = DAY_MS;
/** "Not now" holds this long. */
export const POSTPONED_MS = 30 * DAY_MS;
/** Required details that are missing are asked for once more after this. */
export const REMIND_MS = 3 * DAY_MS;
/** Seconds until Confluence is asked again for a space that it has just made. */
const NOT_LISTED_RETRY_S = 30;
/** How often one run starts over because another one wrote the same person's record. */
const MAX_ATTEMPTS = 4;
/** Failures of Confluence while one space is made, after which it is left for a day. */
const MAX_TRIES = 5;

export interface ProvisionSubject extends Subject {
  cloudId: string;
}

export interface ProvisionResult {
  decision: ProvisioningDecision;
  /** The record after the run, null when nothing is remembered of this person. */
  record: StoredPersonRecord | null;
}

/** What is settled before anything is done for a person. */
interface Run {
  subject: ProvisionSubject;
  decision: ProvisioningDecision;
  policy: Policy;
  policyVersion: number;
  treatment: Treatment;
  template: SpaceTemplate;
  facts: ProvisioningFacts;
  user: CurrentUser | null;
  space: SpaceRecord | null;
}

/** Decides and acts for one person. @throws ConfluenceError, PlatformRefusal when it should be tried again */
export async function provision(subject: ProvisionSubject): Promise<ProvisionResult> {
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
async function recordFailure(subject: ProvisionSubject, error: ConfluenceError | PlatformRefusal): Promise<ProvisionResult | null> {
  const person = await readPersonRecord(subject.accountId);
  const record = person ?? newPerson(subject.accountId);
  // An answer of the person, or another run, came first.
  if (person && !['offered', 'creating', 'excluded', 'refused'].includes(person.state)) return null;
  const isCreating = record.state === 'creating';
  if (error.isTransient) {
    // A rate limit, or Confluence being down, is not about this person.
    const isTheirs = isCreating || (error instanceof ConfluenceError && error.isOwnFinding);
    if (!isTheirs || error.status === 429) return null;
    if (record.tries + 1 < MAX_TRIES) {
      const tried = { ...record, tries: record.tries + 1 };
      await writePerson(isCreating ? tried : { ...tried, state: 'refused', reason: 'confluence-error', recheckAt: subject.now });
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
  const audit = provisioningAudit(failed, 'refused', 'app', subject.now, `${error.operation}: ${error.status}`);
  const written = await writePerson(failed, { audit });
  return { decision: { action: 'none', reason: 'confluence-error', match: null, caveats: [] }, record: written };
}

async function attemptProvision(subject: ProvisionSubject): Promise<ProvisionResult> {
  const { policy: state, person: stored } = await readPolicyAndPerson(subject.accountId);
  const { decision, facts, user, space } = await consider(subject, state, stored);
  if (state.kind === 'unreadable' || decision.action === 'look-up') return { decision, record: stored };
  const { policy, version: policyVersion } = state;
  const treatment = decision.match?.treatment ?? DEFAULT_POLICY.everyoneElse;
  const template = templateOf(policy, treatment.template);
  const run: Run = { subject, decision, policy, policyVersion, treatment, template, facts, user, space };
  return { decision, record: await act(run, stored) };
}

async function act(run: Run, stored: StoredPersonRecord | null): Promise<StoredPersonRecord | null> {
  const { decision } = run;
  const record = stored ?? newPerson(run.subject.accountId);
  switch (decision.action) {
    case 'look-up':
      return stored;
    case 'none':
      // A run that stopped between recording and telling: tell now.
      return stored?.notice === 'due' && !isSwitchedOff(decision) ? giveNotice(stored) : stored;
    case 'keep': {
      const kept = await writePerson({ ...record, policyVersion: run.policyVersion });
      return kept.notice === 'due' ? giveNotice(kept) : kept;
    }
    case 'exclude': {
      const { reason, recheckAt } = decision;
      const isNews = reason === 'account-unlicensed' || reason === 'impersonation-unavailable';
      return withdraw(record, await move(run, record, { state: 'excluded', reason, recheckAt, notice: 'done' }, isNews ? 'refused' : null));
    }
    case 'leave': {
      const { reason, recheckAt, spaceId } = decision;
      const spaceKey = run.space?.key ?? null;
      const kind = reason === 'space-invisible' && record.state === 'creating' ? 'refused' : null;
      const left = { state: 'has-space', reason, recheckAt, notice: 'done', spaceId, spaceKey, strategy: null } as const;
      return withdraw(record, await move(run, record, left, kind));
    }
    case 'bury': {
      const { reason, spaceId } = decision;
      const spaceKey = run.space?.key ?? record.spaceKey;
      const buried = {
        state: 'removed',
        reason,
        recheckAt: null,
        notice: 'done',
        spaceId,
        spaceKey,
        strategy: null,
        by: 'unknown',
      } as const;
      return withdraw(record, await move(run, record, buried, 'removed'));
    }
    case 'offer': {
      const offered = { state: 'offered', reason: decision.reason, recheckAt: null, notice: 'due' } as const;
      return giveNotice(await move(run, record, offered, 'offered'));
    }
    case 'remind':
      // Whoever has not even seen that the space is ready is not told a second thing.
      if (record.notice !== 'done') return writePerson({ ...record, recheckAt: run.subject.now + REMIND_MS });
      return giveNotice(await writePerson({ ...record, recheckAt: null, notice: 'due', isReminded: true }));
    case 'create':
      return create(run, record);
    case 'finish':
      return resume(run, record, decision.spaceId);
    case 'adopt':
      return adopt(run, record, decision);
  }
}

async function create(run: Run, stored: StoredPersonRecord): Promise<StoredPersonRecord> {
  const { subject, user, treatment } = run;
  const { accountId, now, as, cloudId } = subject;
  const key = personalSpaceKey(accountId);
  let record = stored;
  // What is about to be tried is written first: a run that stops leaves behind how far it came.
  const begin = async (strategy: StrategyName): Promise<void> => {
    // The time is renewed too: it says which spaces may be this run's own work.
    if (record.state === 'creating' && record.strategy === strategy && isFromInterruptedRun(record, now)) return;
    const reason = run.decision.action === 'create' ? run.decision.reason : 'interrupted';
    record = await move(run, record, { state: 'creating', reason, recheckAt: null, notice: 'done', strategy, adopts: null }, null);
  };
  const begun = stored.state === 'creating' ? stored.strategy : null;
  const wanted = { accountId, key, name: personName(user, accountId) };
  const made = await makePersonalSpace({ as, cloudId, space: wanted, access: treatment.access, begun, begin });
  const refuse = (why: Reason, detail: string | null = null): Promise<StoredPersonRecord> =>
    move(run, record, { state: 'refused', reason: why, recheckAt: now + REFUSED_RECHECK_MS, strategy: null }, 'refused', detail);
  switch (made.kind) {
    case 'made': {
      // Only what Confluence itself calls this person's space counts. The space tells at once; the person's profile lags.
      const space = await readSpace(as, made.spaceId);
      if (space?.type !== 'personal' || space.ownerId !== accountId) {
        const personalSpaceId = (await readPerson(accountId))?.personalSpaceId ?? null;
        if (personalSpaceId === null) throw notListedYet();
        if (personalSpaceId !== made.spaceId) return refuse('creation-refused', 'the new space is not the personal space');
      }
      const { spaceId, homepageId, readers } = made;
      return finish(run, record, { spaceId, spaceKey: key, homepageId, readers, isNew: homepageId !== null, keepsPages: false });
    }
    case 'exists':
      return resume(run, record, made.spaceId);
    case 'unlisted':
      throw notListedYet();
    case 'put-away': {
      const { reason, spaceId } = made;
      return move(run, record, { state: 'removed', reason, recheckAt: null, spaceId, strategy: null, by: 'unknown' }, 'removed');
    }
    case 'no-private-way':
      return refuse('no-private-way', made.detail);
    case 'refused':
      return refuse('creation-refused', made.detail);
  }
}

/**
 * A space is there that this run did not see being made: by a run that stopped, or by Confluence, which
 * won the race with one of its own.
 */
async function resume(run: Run, record: StoredPersonRecord, spaceId: string): Promise<StoredPersonRecord> {
  const { as, accountId } = run.subject;
  const space = await readSpace(as, spaceId);
  const isOurs =
    space?.type === 'personal' &&
    space.status === 'current' &&
    record.state === 'creating' &&
    isFromInterruptedRun(record, space.createdAt);
  // What it is now is decided anew, with this space among the facts.
  if (!space || !isOurs) {
    if (((await readPerson(accountId))?.personalSpaceId ?? null) === null) throw notListedYet();
    const restart = { state: 'excluded', reason: 'interrupted', recheckAt: null, notice: 'done', strategy: null, adopts: null } as const;
    await move(run, record, restart, null);
    throw new StaleRecord();
  }
  const readers = await readReaders(as, spaceId, accountId, await readRoleMode());
  // Homestead's own calls make private spaces, so a shared one is Confluence's.
  const isNative = readers !== 'nobody' && record.strategy === 'private-call';
  const origin = isNative ? { ...record, strategy: null } : record;
  const { key: spaceKey, homepageId } = space;
  // Whoever was let in by name was let in by somebody.
  const access = readers === 'people' ? 'site-default' : run.treatment.access;
  return finish({ ...run, treatment: { ...run.treatment, access } }, origin, {
    spaceId,
    spaceKey,
    homepageId,
    readers,
    isNew: false,
    keepsPages: false,
  });
}

const notListedYet = (): ConfluenceError =>
  new ConfluenceError('users-bulk', 503, 'the new space is not listed yet', NOT_LISTED_RETRY_S, true);

/** A space that somebody else made is brought to policy, as far as the decision says. */
async function adopt(
  run: Run,
  stored: StoredPersonRecord,
  decision: Extract<ProvisioningDecision, { action: 'adopt' }>,
): Promise<StoredPersonRecord> {
  const { space, treatment, facts } = run;
  if (!space || !facts.roleMode) throw new Error('a space is read before it is adopted');
  const { id: spaceId, key: spaceKey, homepageId } = space;
  const { keepsPages, keepsAccess } = decision;
  // First what is about to be done: a run that stops half-way must know its own traces.
  const begun: Partial<StoredPersonRecord> & Pick<StoredPersonRecord, 'state' | 'reason' | 'recheckAt'> = {
    state: 'creating',
    reason: decision.reason,
    recheckAt: null,
    notice: 'done',
    strategy: null,
    adopts: { spaceId, keepsPages, keepsAccess },
  };
  const record = stored.adopts?.spaceId === spaceId && stored.state === 'creating' ? stored : await move(run, stored, begun, null);
  const sharedWith = facts.contents?.sharedWith ?? 'unknown';
  // Not read: as Confluence makes spaces on this site.
  const readers: Found['readers'] = sharedWith === 'unknown' ? 'default' : sharedWith;
  const wanted = keepsAccess ? 'site-default' : treatment.access;
  const adopted = { spaceId, spaceKey, homepageId, readers, isNew: false, keepsPages };
  const own = { ...run, treatment: { ...treatment, access: wanted } };
  return finish(own, record, adopted);
}

interface Found {
  spaceId: string;
  spaceKey: string;
  homepageId: string | null;
  readers: Readers | 'default';
  /** This very run made it: its homepage is as Confluence makes them. */
  isNew: boolean;
  keepsPages: boolean;
}

/** Access, pages, record, notice. */
async function finish(run: Run, record: StoredPersonRecord, found: Found): Promise<StoredPersonRecord> {
  const { subject, treatment, template, decision } = run;
  const { accountId, as, now } = subject;
  const { spaceId, spaceKey } = found;
  const access = await settleAccess(as, spaceId, accountId, treatment.access, found.readers, run.facts.roleMode);
  const user = run.user ?? (await readStanding(as)).user;
  const reader = readerOf(user, accountId, spaceKey, now);
  const homepageId = found.homepageId ?? (await readSpace(as, spaceId))?.homepageId ?? null;
  const isKept = found.keepsPages;
  const written = isKept
    ? ({ template: 'kept', templateProblem: null } as const)
    : await writeHomepage(as, homepageId, template, reader, found.isNew);
  // Where somebody has begun to write, no pages appear beside their own.
  const childProblem = written.template === 'kept' ? null : await writeChildren(as, { spaceId, homepageId }, template, reader);
  if (record.strategy !== null) await rememberStrategy(record.strategy);
  const lacks = lacksDetails(template.fields, {});
  const isAdopted = decision.action === 'adopt' || record.strategy === null;
  const ready = await move(
    run,
    record,
    {
      state: 'ready',
      reason: isAdopted ? 'space-adopted' : 'space-made',
      recheckAt: lacks ? now + REMIND_MS : null,
      notice: 'due',
      tries: 0,
      adopts: null,
      spaceId,
      spaceKey,
      access,
      templateKey: template.key,
      lacksDetails: lacks,
      isReminded: false,
      template: written.template,
      templateProblem: written.templateProblem ?? childProblem,
    },
    isAdopted ? 'adopted' : 'provisioned',
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

/** A notice that was raised before has nothing to tell any more. */
async function withdraw(before: StoredPersonRecord, after: StoredPersonRecord): Promise<StoredPersonRecord> {
  if (before.notice !== 'done') await clearNotice(before.accountId);
  return after;
}

/** Writes the person's next state, and into the audit trail if it is news. @throws StaleRecord */
function move(
  { subject, policyVersion, policy }: Run,
  record: StoredPersonRecord,
  change: Partial<StoredPersonRecord> & Pick<StoredPersonRecord, 'state' | 'reason' | 'recheckAt'>,
  kind: ProvisioningKind | null,
  detail: string | null = null,
): Promise<StoredPersonRecord> {
  const { now, wish } = subject;
  const next = { ...record, ...change, changedAt: now, policyVersion };
  const { perDay } = policy.rollout;
  // Each person once; a space that was there is none of the day's, nor what people ask for themselves.
  const isBeginning = (change.state === 'creating' && !change.adopts) || change.state === 'offered';
  const hasBegun = ['creating', 'offered', 'postponed'].includes(record.state) || record.reason === 'interrupted';
  const begunOn = isBeginning && !hasBegun && wish !== 'create' && perDay !== null ? { at: now, perDay } : undefined;
  const audit = kind === null ? undefined : provisioningAudit(next, kind, 'app', now, detail);
  return writePerson(next, { audit, begunOn });
}

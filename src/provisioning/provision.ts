/**
 * From "this person was active" to "they have a space as the policy says, its pages and a notice", or to a recorded
 * reason why not: decide, carry out, record, tell. The process may stop after any step; whatever runs
 * next reads what exists and continues from there, so nothing is created twice.
 */
import { readReadersAndApp } from '../confluence/access';
import { type CurrentUser, readPerson, readStanding } from '../confluence/people';
import { readSpace, type SpaceRecord } from '../confluence/spaces';
import { clearNotice } from '../confluence/user-properties';
import { lacksDetails } from '../domain/fields';
import { isOpen, type Notice } from '../domain/notice';
import {
  beginAdoption,
  beginCreation,
  complete,
  exclude,
  holdsUnder,
  isIn,
  leaveAlone,
  offer,
  type Person,
  type PersonIn,
  recheckOf,
  recordFailure,
  recordRemoval,
  refuse,
  remind,
  returned,
  stillRemoved,
  type Transition,
} from '../domain/person';
import { personalSpaceKey } from '../domain/personal-space-key';
import type { Policy, Treatment } from '../domain/policy/document';
import { templateOf } from '../domain/policy/match';
import { type Decided, isFromInterruptedRun, type ProvisioningDecision, type ProvisioningFacts } from '../domain/provisioning/decide';
import type { Reason } from '../domain/reasons';
import { brokenPromise, NO_APP_ROLE, type PromisedSpace, seenAs } from '../domain/space';
import { DAY_MS } from '../domain/time';
import { ConfluenceError, PlatformRefusal, StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { raise } from '../notices/notices';
import { personName, readerOf, writeChildren, writeHomepage } from '../page-templates/pages';
import { readNotices } from '../store/notices';
import { type Remembered, readPolicyAndPerson, wakeRefused, writePerson } from '../store/people';
import { rememberRefusal } from '../store/site-facts';
import { readSpaceRecord } from '../store/spaces';
import { addMark, REFUSED, removeMarks } from '../store/waiting';
import { type AppRoleWay, appToLetIn, changeOf, findAppRoleWay, knownRoleMode, settleAppRole } from './app-role';
import { createPersonalSpace, rememberCall } from './creation-calls';
import { consider, type Subject } from './facts';
import { offerSample } from './identity';
import { settleAccess, writePromise } from './promised-access';

/** A refusal by Confluence is not tried again before this, unless their groups or standing change, they ask, or the site refuses no more. */
const REFUSED_RECHECK_MS = 60 * DAY_MS;
/** As many different people one after another: the site refuses, not they, and the others wait until it no longer does. */
const REFUSALS_IN_A_ROW = 5;
/** Seconds until Confluence is asked again for a space that it has just created. */
const NOT_LISTED_RETRY_S = 30;
/** How many times one run starts over because another one wrote the same person's record. */
const MAX_ATTEMPTS = 4;
/** How many times one run decides anew because a space turned up. */
const MAX_LOOKS = 3;

export interface ProvisionSubject extends Subject {
  cloudId: string;
  /** The person sees the answer at once, so that no notice tells them. */
  isWatching?: boolean;
  /** The run that this is part of. */
  runId?: string;
}

export interface ProvisionResult {
  decision: ProvisioningDecision;
  /** The record after the run; null when nothing is remembered of this person. */
  person: Person | null;
  /** Confluence failed and the person waits; null = it did not, or trying again soon is pointless. */
  failed?: { error: ConfluenceError | PlatformRefusal; retryAt: number } | null;
}

/** What is settled before anything is done for a person. */
interface Run {
  subject: ProvisionSubject;
  policy: Policy;
  policyVersion: number;
  decision: Decided;
  facts: ProvisioningFacts;
  user: CurrentUser | null;
  space: SpaceRecord | null;
}

/** `look-again`: a space turned up that the decision did not know of. */
type Outcome = { kind: 'done'; person: Person | null } | { kind: 'look-again'; person: Person | null; spaceId: string };
const done = (person: Person | null): Outcome => ({ kind: 'done', person });

/**
 * Decides and acts for one person.
 * @param known what the caller has just read
 * @throws ConfluenceError, PlatformRefusal when it should be tried again
 */
export async function provision(subject: ProvisionSubject, known?: Remembered): Promise<ProvisionResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await decideAndAct(subject, attempt === 1 ? known : undefined);
    } catch (error) {
      if (error instanceof ConfluenceError || error instanceof PlatformRefusal) {
        const result = await rememberFailure(subject, error);
        if (result) return result;
        throw error;
      }
      // Somebody else moved this person on (a second event, a click): look again at what is there.
      if (!(error instanceof StaleRecord) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function decideAndAct(subject: ProvisionSubject, read?: Remembered): Promise<ProvisionResult> {
  const { policy: state, person: remembered } = read ?? (await readPolicyAndPerson(subject.accountId));
  let person = remembered;
  let known: Partial<ProvisioningFacts> = {};
  let user: CurrentUser | null = null;
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const { decision, ...considered } = await consider(subject, state, person, known);
    user = considered.user ?? user;
    if (state.kind === 'unreadable' || decision.kind === 'needs') return { decision, person };
    const outcome = await carryOut({ subject, policy: state.policy, policyVersion: state.version, decision, ...considered, user }, person);
    if (outcome.kind === 'done') return { decision, person: outcome.person };
    person = outcome.person;
    const { person: account, groups, begunToday, standing } = considered.facts;
    known = { person: account && { ...account, personalSpaceId: outcome.spaceId }, groups, begunToday, standing };
  }
  throw notListedYet();
}

async function carryOut(run: Run, before: Person | null): Promise<Outcome> {
  const { decision, policyVersion, subject } = run;
  const { accountId, now } = subject;
  switch (decision.action) {
    case 'none':
      return done(before);
    case 'keep':
      if (isIn(before, 'removed')) return done(await record(run, before, stillRemoved(before, now)));
      return done(isIn(before, 'offered', 'postponed') ? await record(run, before, holdsUnder(before, policyVersion)) : before);
    case 'exclude': {
      const { reason, recheckAt } = decision;
      return done(await record(run, before, exclude(before, accountId, { reason, recheckAt, policyVersion, now })));
    }
    case 'leave': {
      const { reason, recheckAt, spaceId } = decision;
      const space = { spaceId, spaceKey: run.space?.key ?? null, reason, recheckAt };
      return done(await record(run, before, leaveAlone(before, accountId, space, now)));
    }
    case 'record-removal': {
      const { spaceId, how } = decision;
      const removal = { spaceId, spaceKey: run.space?.key ?? null, how, by: 'unknown' };
      return done(await record(run, before, recordRemoval(before, accountId, removal, now)));
    }
    case 'return':
      return done(isIn(before, 'removed') ? await bringBack(run, before) : before);
    case 'offer':
      return done(await record(run, before, offer(before, accountId, policyVersion, now), { isCounted: true }));
    case 'remind':
      return done(isIn(before, 'ready') ? await remindOfDetails(run, before) : before);
    case 'create':
      return createSpace(run, decision.treatment, before);
    case 'finish':
      return isIn(before, 'creating') ? finishInterrupted(run, decision.treatment, before) : done(before);
    case 'adopt':
      return done(await adoptSpace(run, decision, before));
  }
}

async function bringBack(run: Run, before: PersonIn<'removed'>): Promise<Person> {
  const own = await readSpaceRecord(before.spaceId);
  const space = { spaceId: before.spaceId, spaceKey: run.space?.key ?? before.spaceKey, origin: own?.origin ?? null };
  return record(run, before, returned(before, space, run.subject.now), { space: own && seenAs(own, 'current', run.subject.now) });
}

async function remindOfDetails(run: Run, before: PersonIn<'ready'>): Promise<Person> {
  // Someone who has not yet seen that the space is ready is not told anything else.
  const isBusy = (await readNotices(before.accountId)).some(isOpen);
  return record(run, before, remind(before, isBusy, run.subject.now));
}

async function createSpace(run: Run, treatment: Treatment, before: Person | null): Promise<Outcome> {
  const { subject, user, decision, policyVersion } = run;
  const { accountId, now, as, cloudId } = subject;
  const key = personalSpaceKey(accountId);
  let person = before;
  // What is about to be tried is written first: a run that stops leaves behind how far it came.
  const begin = async (call: string): Promise<void> => {
    if (isIn(person, 'creating') && person.call === call && isFromInterruptedRun(person, now)) return;
    // Whoever goes on with what was begun does so for the same reason, and for the same run.
    const { cause, runId } = isIn(person, 'creating') ? person : { cause: decision.reason, runId: subject.runId };
    person = await record(run, person, beginCreation(person, accountId, { cause, runId, call }, now), { isCounted: true });
  };
  const begun = isIn(before, 'creating') ? before.call : null;
  const wanted = { accountId, key, name: personName(user, accountId) };
  const way = await findAppRoleWay(run.policy, now);
  const { access } = treatment;
  const result = await createPersonalSpace({ as, cloudId, space: wanted, access, appId: appToLetIn(way), begun, begin });
  const refused = async (reason: Reason, detail: string): Promise<Outcome> => {
    if ((await rememberRefusal()) >= REFUSALS_IN_A_ROW) await addMark(REFUSED);
    return done(
      await record(run, person, refuse(person, accountId, { reason, detail, recheckAt: now + REFUSED_RECHECK_MS, policyVersion, now })),
    );
  };
  switch (result.kind) {
    case 'created': {
      const { spaceId, homepageId, readers, call, app } = result;
      if (!(await isOwnPersonalSpace(run, spaceId))) return refused('creation-refused', 'the new space is not the personal space');
      const isNew = homepageId !== null;
      const found: FoundSpace = { spaceId, key, homepageId, readers, way, app, isAdmin: true, isNew, record: null };
      return done(await completeSpace(run, treatment, person, found, { origin: 'created', call, keepsPages: false }));
    }
    case 'exists':
      return { kind: 'look-again', person, spaceId: result.spaceId };
    case 'unlisted':
      throw notListedYet();
    case 'removed': {
      const { spaceId, how } = result;
      return done(await record(run, person, recordRemoval(person, accountId, { spaceId, spaceKey: key, how, by: 'unknown' }, now)));
    }
    case 'no-private-way':
      return refused('no-private-way', result.detail);
    case 'refused':
      return refused('creation-refused', result.detail);
  }
}

/** Only what Confluence itself calls this person's space counts. The space tells at once; the person's profile lags. */
async function isOwnPersonalSpace({ subject }: Run, spaceId: string): Promise<boolean> {
  const space = await readSpace(subject.as, spaceId);
  if (space?.type === 'personal' && space.ownerId === subject.accountId) return true;
  const personalSpaceId = (await readPerson(subject.accountId))?.personalSpaceId ?? null;
  if (personalSpaceId === null) throw notListedYet();
  return personalSpaceId === spaceId;
}

const notListedYet = (): ConfluenceError =>
  new ConfluenceError('users-bulk', 503, 'the new space is not listed yet', NOT_LISTED_RETRY_S, true);

/** A space exists that this run did not see created: by a run that stopped, or by Confluence, which won the race with one of its own. */
async function finishInterrupted(run: Run, treatment: Treatment, before: PersonIn<'creating'>): Promise<Outcome> {
  const { as, accountId } = run.subject;
  const { space } = run;
  if (space?.type !== 'personal') throw notListedYet();
  const { readers, hasApp } = await readReadersAndApp(as, space.id, accountId, await knownRoleMode(run.subject.now));
  // Homestead's own call creates private spaces, so a shared one is Confluence's.
  const isPrivateCall = before.call === 'private-call' || (before.call === 'permission-list' && treatment.access === 'private');
  const isNative = readers !== 'nobody' && isPrivateCall;
  // In an open space, what lets the app in may be the site's way with open spaces.
  const isLetIn = hasApp === true && !isNative && (readers === 'nobody' || before.call === 'permission-list');
  // People who have access by name were let in by someone, so they keep it.
  const access = readers === 'people' ? 'site-default' : treatment.access;
  const found: FoundSpace = {
    spaceId: space.id,
    key: space.key,
    homepageId: space.homepageId,
    readers,
    way: await findAppRoleWay(run.policy, run.subject.now),
    app: isLetIn ? 'given' : null,
    isAdmin: space.canAdminister === true,
    isNew: false,
    record: await readSpaceRecord(space.id),
  };
  const how = { origin: isNative ? 'adopted' : 'created', call: isNative ? null : before.call, keepsPages: false } as const;
  return done(await completeSpace(run, { ...treatment, access }, before, found, how));
}

/** Brings a space that someone else created in line with the policy, as far as the decision says. */
async function adoptSpace(run: Run, decision: Extract<Decided, { action: 'adopt' }>, before: Person | null): Promise<Person> {
  const { space, facts, subject } = run;
  if (!space || !facts.roleMode) throw new Error('a space is read before it is adopted');
  const { treatment, spaceId, keepsPages, keepsAccess } = decision;
  const adopted = { spaceId, keepsPages, keepsAccess };
  // First what is about to be done: a run that stops half-way must recognize its own traces.
  const isBegun = isIn(before, 'adopting') && before.adopted.spaceId === spaceId;
  const person = isBegun
    ? before
    : await record(run, before, beginAdoption(before, subject.accountId, decision.reason, adopted, subject.now));
  const sharedWith = facts.contents?.sharedWith ?? 'unknown';
  const found: FoundSpace = {
    spaceId,
    key: space.key,
    homepageId: space.homepageId,
    // Not read: as Confluence creates spaces on this site.
    readers: sharedWith === 'unknown' ? 'default' : sharedWith,
    way: await findAppRoleWay(run.policy, subject.now),
    app: null,
    isAdmin: space.canAdminister === true,
    // Where that turns out to be wrong, Confluence refuses the version, and the page is read.
    isNew: decision.reason === 'space-new',
    record: await readSpaceRecord(spaceId),
  };
  const access = keepsAccess ? 'site-default' : treatment.access;
  return completeSpace(run, { ...treatment, access }, person, found, { origin: 'adopted', call: null, keepsPages });
}

interface FoundSpace {
  spaceId: string;
  key: string;
  homepageId: string | null;
  readers: Parameters<typeof settleAccess>[2];
  /** How the app can be let in, and whether the creation did. */
  way: AppRoleWay;
  app: 'given' | 'refused' | null;
  /** The owner administers it. */
  isAdmin: boolean;
  /** Its homepage is as Confluence creates them: this very run created it, or Confluence did, a short while ago. */
  isNew: boolean;
  /** What Homestead has on record of it. */
  record: PromisedSpace | null;
}

/** Access, the app's role, pages, record, notice. */
async function completeSpace(
  run: Run,
  treatment: Treatment,
  person: Person | null,
  found: FoundSpace,
  { origin, call, keepsPages }: { origin: 'created' | 'adopted'; call: string | null; keepsPages: boolean },
): Promise<Person> {
  const { subject, policy } = run;
  const { accountId, as, now } = subject;
  const { spaceId, key } = found;
  if (!person) throw new Error('a space is completed after it was begun');
  const template = templateOf(policy, treatment.template);
  const blank: PromisedSpace = found.record ?? {
    ...{ spaceId, revision: 0, ownerId: accountId, key, origin, call, status: 'current', statusSince: now, since: now },
    access: { promised: treatment.access, actual: 'unknown', broken: null },
    appRole: NO_APP_ROLE,
    template: { key: template.key, source: 'kept', problem: null },
    lacksDetails: false,
  };
  let space: PromisedSpace = { ...blank, ownerId: accountId, key, origin, call, access: { ...blank.access, promised: treatment.access } };
  // What the owner may have taken away is not given again.
  const change = space.appRole.outcome === 'given' ? 'keep' : changeOf(found.way);
  const mode = run.facts.roleMode;
  const settled = await settleAccess({ as, spaceId, ownerId: accountId, mode, now }, treatment.access, found.readers, change, 'sample');
  const { actual, failure } = settled;
  // Somebody let them in, so what was promised is to leave it as it is.
  if (settled.isKept) space = { ...space, access: { ...space.access, promised: 'site-default' } };
  const acting = { as, spaceId, isAdmin: found.isAdmin, now };
  // While Confluence fails, nothing more is asked of it.
  const way: AppRoleWay = failure?.isTransient && found.way.kind === 'role' ? { kind: 'unknown' } : found.way;
  space = { ...space, appRole: await settleAppRole(acting, way, found.app ?? settled.app, space.appRole) };
  // Written down at once: whatever fails from here on, the schedule keeps the promise.
  if (failure) space = await writePromise(brokenPromise(space, actual, now), space.access.broken ? null : 'access-broken', now);
  else space = { ...space, access: { ...space.access, actual, broken: null } };

  const user = run.user ?? (await readStanding(as)).user;
  const reader = readerOf(user, accountId, key, now);
  const homepageId = found.homepageId ?? (await readSpace(as, spaceId))?.homepageId ?? null;
  const homepage = keepsPages
    ? ({ template: 'kept', templateProblem: null } as const)
    : await writeHomepage(as, homepageId, template, reader, found.isNew);
  // Once the owner has begun to write, no pages are added beside theirs.
  const childProblem = homepage.template === 'kept' ? null : await writeChildren(as, { spaceId, homepageId }, template, reader);
  // Others had been refused before: each of them gets another try.
  if (call !== null && (await rememberCall(call))) await Promise.all([removeMarks([REFUSED]), wakeRefused()]);
  await offerSample(spaceId, now);
  const lacks = lacksDetails(template.fields, {});
  const source = homepage.template;
  space = {
    ...space,
    status: 'current',
    template: { key: template.key, source, problem: homepage.templateProblem ?? childProblem },
    lacksDetails: lacks,
  };
  // Whoever asks for what was begun has asked for it.
  const asked = subject.occasion === 'click' && isIn(person, 'creating') ? { ...person, cause: 'person-asked' as const } : person;
  return record(run, person, complete(asked, { spaceId, origin, lacksDetails: lacks, now }), { space });
}

/** Writes a transition and tells the person. What the person asked for themselves is told by the answer to their click. */
async function record(
  { subject, policy, policyVersion }: Run,
  before: Person | null,
  transition: Transition,
  { space = null, isCounted = false }: { space?: PromisedSpace | null; isCounted?: boolean } = {},
): Promise<Person> {
  const { now, occasion, accountId, isWatching = false } = subject;
  const runId = (isIn(before, 'creating') ? before.runId : null) ?? subject.runId ?? null;
  const { perDay } = policy.rollout;
  // Each person once, and not what people ask for themselves.
  const isBeginning = isCounted && !isIn(before, 'creating', 'offered', 'postponed') && occasion !== 'click';
  const begunOn = isBeginning && perDay !== null ? { at: now, perDay } : undefined;
  const told: Transition = isWatching && transition.notice !== 'keep' ? { ...transition, notice: null } : transition;
  const moved = await writePerson(before, told, { by: 'app', at: now, policyVersion, runId, space, begunOn });
  if (moved.raise) await tell(moved.raise);
  else if (moved.hadNotice) await clearNotice(accountId);
  return moved.person;
}

/** What was done is done, also when the notice cannot be raised at this moment: then the schedule raises it. */
async function tell(notice: Notice): Promise<void> {
  try {
    await raise(notice);
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    log('notice-postponed', { accountId: notice.accountId, ...describe(error) });
  }
}

/**
 * Without a record the next page view would make the same calls again. A refusal is recorded at once; after a failure the
 * person waits, longer each time; null = try again soon. Somebody whose space was begun stays so: what exists is finished.
 */
async function rememberFailure(subject: ProvisionSubject, error: ConfluenceError | PlatformRefusal): Promise<ProvisionResult | null> {
  const { accountId, occasion, now } = subject;
  // A rate limit is about everybody.
  if (error.status === 429) return null;
  const { policy, person: before } = await readPolicyAndPerson(accountId);
  const isRefusal = !error.isTransient;
  const mayRecord =
    before === null || isIn(before, 'creating', 'adopting', 'excluded', 'refused') || (isRefusal && isIn(before, 'offered'));
  // An answer from the person, or another run, came first.
  if (!mayRecord) return null;
  const isBegun = isIn(before, 'creating', 'adopting');
  if (!isRefusal && !isBegun && (occasion === 'click' || occasion === 'job')) return null;
  const policyVersion = policy.kind === 'unreadable' ? 0 : policy.version;
  const failure = { isRefusal, detail: `${error.operation}: ${error.status}`, policyVersion, now };
  const transition = recordFailure(before, accountId, failure);
  const { person, hadNotice } = await writePerson(before, transition, { by: 'app', at: now, policyVersion });
  if (hadNotice) await clearNotice(accountId);
  const decision: Decided = { kind: 'decided', action: 'none', reason: 'confluence-error', match: null, caveats: [] };
  if (transition.news) return { decision, person, failed: null };
  // A click is answered at once, and a job counts its own attempts.
  if (occasion === 'click' || occasion === 'job') return null;
  return { decision, person, failed: { error, retryAt: recheckOf(person) ?? now + NOT_LISTED_RETRY_S * 1000 } };
}

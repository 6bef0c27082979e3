/**
 * What provisioning does when a person is active, or a personal space appears, changes or disappears. Most people are settled: for
 * them a process remembers that there is nothing to do. Whoever cannot be served now is written into the line, once.
 */
import { LRUCache } from 'lru-cache';
import { asPerson } from '../confluence/call';
import { findExclusion } from '../directory/known';
import { exclude, isIn, type Person, recheckOf } from '../domain/person';
import { personalSpaceKey } from '../domain/personal-space-key';
import type { PolicyState } from '../domain/policy/document';
import {
  decideProvisioning,
  dependsOnPolicy,
  isSwitchedOff,
  NO_FACTS,
  type Occasion,
  type ProvisioningDecision,
} from '../domain/provisioning/decide';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { isHeld, newcomer, type Waiting } from '../domain/turn';
import type { Activity } from '../events/content';
import type { Installation, Reaction } from '../events/listen';
import type { RetryLater } from '../events/retry';
import type { SpaceChange } from '../events/space';
import { within } from '../forge/budget';
import { isRateLimit } from '../forge/errors';
import { readPersonAndPlace, readPersonRecord, readPolicyAndPerson, writePerson } from '../store/people';
import { readPolicy } from '../store/policy';
import { isTrialSpace, readNativeCreation, writeNativeCreation } from '../store/site-facts';
import { IN_LINE, joinLine, noteNews, type Place, REFUSED, readPlace } from '../store/waiting';
import { findSettled, lookUpSettled, noteRead, settle, unsettle } from './settled';
import { followEvent, isStatus } from './status-change';

/** How long the policy is known to a process that acts on nothing. */
const POLICY_MS = 30_000;
/** The same while nothing happens to anybody: whoever has just switched it on does not wait for long. */
const OFF_MS = 5_000;
interface KnownPolicy {
  state: PolicyState;
  /** Nothing happens to anybody for whom nothing was begun. */
  isOff: boolean;
  until: number;
}
const policies = new LRUCache<string, KnownPolicy>({ max: 100 });

const versionOf = (state: PolicyState): number => (state.kind === 'unreadable' ? 0 : state.version);

function decide(state: PolicyState, record: Person | null, accountId: string, occasion: Occasion, now: number): ProvisioningDecision {
  const facts = { ...NO_FACTS, accountId, occasion, record };
  return decideProvisioning(facts, state.kind === 'unreadable' ? 'unreadable' : state.policy, versionOf(state), now);
}

const isNothing = (decision: ProvisioningDecision): boolean => decision.kind === 'decided' && decision.action === 'none';

function remember(installContext: string, state: PolicyState, now: number): KnownPolicy {
  const isOff = isSwitchedOff(decide(state, null, '', 'activity', now));
  const known = { state, isOff, until: now + (isOff ? OFF_MS : POLICY_MS) };
  policies.set(installContext, known);
  return known;
}

/** Whether this process knows, without reading anything, that nothing is left to do for this person. */
export function isLeftAlone({ accountId }: Activity, installation: Pick<Installation, 'installContext'>): boolean {
  const now = Date.now();
  const known = findSettled(installation, accountId, now);
  if (known?.version === null) return true;
  const policy = freshPolicy(installation.installContext, now);
  return policy !== null && (policy.isOff || (known !== undefined && known.version === versionOf(policy.state)));
}

/** For whomever `isLeftAlone` does not answer. */
export const provisionOnActivity: Reaction<Activity> = async ({ accountId }, installation) => {
  const now = Date.now();
  const { installContext } = installation;
  const known = findSettled(installation, accountId, now);
  const fresh = (freshPolicy(installContext, now) ?? (known ? remember(installContext, await readPolicy(), now) : null))?.state;
  if (known && fresh && known.version === versionOf(fresh)) return undefined;
  const listed = fresh && (await lookUpSettled(installation, accountId, now));
  if (listed && (listed.version === null || listed.version === versionOf(fresh))) return undefined;
  const { policy, person } = fresh ? { policy: fresh, person: await readPersonRecord(accountId) } : await readPolicyAndPerson(accountId);
  if (!fresh) remember(installContext, policy, now);
  const decision = decide(policy, person, accountId, 'activity', now);
  noteRead(installation, isNothing(decision));
  if (!isNothing(decision)) {
    const isOpen = decision.kind === 'needs' && decision.fact === 'person' && (person === null || isIn(person, 'excluded'));
    return look({ accountId, occasion: 'activity', policy, person, isOpen, ...(await readPlace(accountId)) }, installation, now);
  }
  if (!isSwitchedOff(decision)) settleBy(installation, accountId, person, versionOf(policy), now);
  return undefined;
};

function freshPolicy(installContext: string, now: number): KnownPolicy | null {
  const cached = policies.get(installContext);
  return cached && now < cached.until ? cached : null;
}

function settleBy(installation: Installation, accountId: string, person: Person | null, version: number, now: number): void {
  settle(installation, accountId, person && restsOnRecord(person) ? null : version, person && recheckOf(person), now);
}

/** No policy can change what happens to them at their next activity. */
function restsOnRecord(person: Person): boolean {
  if (isIn(person, 'ready', 'has-space', 'declined', 'removed')) return true;
  return isIn(person, 'excluded') && !dependsOnPolicy(person.reason);
}

/** Somebody for whom there may be something to do, as far as was read. */
interface Found extends Place {
  accountId: string;
  occasion: 'activity' | 'arrival';
  policy: PolicyState;
  person: Person | null;
  /** Nobody has begun anything for them, so the first question would be who they are. */
  isOpen: boolean;
}

/** Serves them, if it is their turn. Up to then nothing is done, so what was read a moment ago is good enough. */
async function look(found: Found, installation: Installation, now: number): Promise<RetryLater | undefined> {
  const { accountId, occasion, policy, person, waiting, marks, isOpen } = found;
  const { cloudId } = installation;
  const version = versionOf(policy);
  const leftOut = isOpen && waiting === null && (await leaveOut(accountId, policy, person, now));
  if (leftOut) {
    settleBy(installation, accountId, leftOut, version, now);
    return undefined;
  }
  const place = waiting ?? newcomer(accountId, cloudId, occasion, now);
  if (await staysInLine(place, marks, occasion, now)) {
    // They come to their turn without any more activity of theirs.
    settle(installation, accountId, version, null, now);
    return undefined;
  }
  // Eager: part of the same file, because a bundler that deploys one file a function loses the others.
  const [{ serve }, { provision }] = await Promise.all([
    import(/* webpackMode: "eager" */ './serve'),
    import(/* webpackMode: "eager" */ './provision'),
  ]);
  const subject = { accountId, as: asPerson(accountId), isPerson: true, cloudId, occasion, now };
  const turn = await within('events', () => serve(place, () => provision(subject)));
  if (turn.kind === 'waits') return sooner(turn.dueAt, turn.error, now);
  const after = turn.kind === 'served' ? turn.result.person : null;
  if (after && isNothing(decide(policy, after, accountId, 'activity', now))) settleBy(installation, accountId, after, version, now);
  return undefined;
}

/** Whom the directory knows to get nothing under this policy is remembered so, and nobody is asked. @returns their record; null = it does not */
async function leaveOut(accountId: string, state: PolicyState, before: Person | null, now: number): Promise<Person | null> {
  const exclusion = state.kind === 'unreadable' ? null : await findExclusion(accountId, state.policy, now);
  if (!exclusion) return null;
  const policyVersion = versionOf(state);
  const transition = exclude(before, accountId, { ...exclusion, policyVersion, now });
  return (await writePerson(before, transition, { by: 'app', at: now, policyVersion })).person;
}

/** @returns whether this is not their turn: somebody is at work for them, or others have come before them */
async function staysInLine(place: Waiting, marks: readonly string[], occasion: 'activity' | 'arrival', now: number): Promise<boolean> {
  const othersWait = marks.includes(IN_LINE) || marks.includes(REFUSED);
  if (place.revision === 0) {
    if (othersWait) await joinLine(place);
    return othersWait;
  }
  const isNotYet = isHeld(place, now) || place.dueAt > now || othersWait;
  if (isNotYet && occasion === 'arrival' && place.occasion === 'activity') await noteNews(place);
  return isNotYet;
}

/** Somebody alone in the line, who is due before the schedule comes, is better served by the event, which is heard again then. */
const SOON_MS = 2 * MINUTE_MS;

function sooner(dueAt: number, error: unknown, now: number): RetryLater | undefined {
  const isSoon = dueAt > now && dueAt - now <= SOON_MS;
  return isSoon && !isRateLimit(error) ? { seconds: (dueAt - now) / 1000 } : undefined;
}

/** How often to note that Confluence creates spaces on its own. */
const NATIVE_NOTED_MS = DAY_MS;
/** When this process last saw that it is noted, for each installation. */
const nativeNoted = new LRUCache<string, number>({ max: 100 });

async function noteNativeCreation({ installContext }: Installation, now: number): Promise<void> {
  if (now - (nativeNoted.get(installContext) ?? 0) < NATIVE_NOTED_MS) return;
  const last = await readNativeCreation();
  if (last === null || now - last > NATIVE_NOTED_MS) await writeNativeCreation(now);
  nativeNoted.set(installContext, now);
}

/** Whoever has a space from elsewhere is looked at as at any other activity: it is adopted, or left alone. */
export const meetNewSpace: Reaction<SpaceChange> = async (change, installation) => {
  if (change.kind !== 'created') return undefined;
  const now = Date.now();
  const owner = change.ownerId ?? change.by;
  if (owner === null) return undefined;
  const { person, ...place } = await readPersonAndPlace(owner);
  if (isOwnCreation(person, owner, change)) return undefined;
  // While people wait, every read counts; a trial space is gone by the time its owner's turn comes.
  if (!place.marks.includes(IN_LINE) && (await isTrialSpace(change.key))) return undefined;
  await noteNativeCreation(installation, now);
  const { installContext } = installation;
  const { state: policy } = freshPolicy(installContext, now) ?? remember(installContext, await readPolicy(), now);
  if (isNothing(decide(policy, person, owner, 'arrival', now))) return undefined;
  return look({ accountId: owner, occasion: 'arrival', policy, person, isOpen: false, ...place }, installation, now);
};

/** What Homestead creates as a person is not marked as its own on every site; the run that began it also finishes it. */
function isOwnCreation(person: Person | null, owner: string, { spaceId, key }: SpaceChange): boolean {
  if (isIn(person, 'creating')) return key === personalSpaceKey(owner);
  return isIn(person, 'ready') && person.origin === 'created' && person.spaceId === spaceId;
}

/** The owner of a space that was archived, trashed or deleted is not given another one. */
export const followSpace: Reaction<SpaceChange> = async (change, installation) => {
  const { kind, spaceId, key, ownerId, status, by, at } = change;
  const claimed = kind === 'deleted' ? 'deleted' : (status ?? '');
  if (kind === 'created' || !isStatus(claimed) || (await isTrialSpace(key))) return undefined;
  const owners = await within('events', () => followEvent({ spaceId, key, ownerId }, claimed, { by: by ?? 'unknown', at }));
  // Whoever was settled with this space is looked at anew.
  for (const accountId of owners) unsettle(installation, accountId);
  return undefined;
};

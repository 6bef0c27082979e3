/** What provisioning does when a person is active, or a personal space appears, changes or disappears. */
import { LRUCache } from 'lru-cache';
import { asPerson } from '../confluence/call';
import { isIn, type Person, reasonOf, recheckOf } from '../domain/person';
import { personalSpaceKey } from '../domain/personal-space-key';
import { decideProvisioning, dependsOnPolicy, isSwitchedOff, NO_FACTS, type Occasion } from '../domain/provisioning/decide';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import type { Activity } from '../events/content';
import type { Installation, Reaction } from '../events/listen';
import { type RetryLater, spread } from '../events/retry';
import type { SpaceChange } from '../events/space';
import { ConfluenceError } from '../forge/errors';
import { describe, log } from '../forge/log';
import { readPersonRecord, readPolicyAndPerson } from '../store/people';
import { isTrialSpace, readNativeCreation, writeNativeCreation } from '../store/site-facts';
import type { ProvisionResult } from './provision';
import { followEvent, isStatus } from './status-change';

/**
 * People whose next activity cannot matter, so that a warm process needs no storage for them. Other processes do not
 * hear of what changes, so it must not be remembered for long: what an admin allows again works by then.
 */
const SETTLED_MS = 15 * MINUTE_MS;
const settledUntil = new LRUCache<string, number>({ max: 10_000 });
/** When the policy is off, it is looked at again after this. */
const OFF_CACHE_MS = 5_000;
const offUntil = new LRUCache<string, number>({ max: 100 });

/** While Confluence fails, or asks the app to wait, nobody's activity is worth another request. */
const FAILURE_PAUSE_S = 20;
const pausedUntil = new LRUCache<string, number>({ max: 100 });
/** One person's failure is their own. If this many different people fail within a minute, it is the site's. */
const PEOPLE_FOR_PAUSE = 3;
const FAILURE_WINDOW_MS = MINUTE_MS;
const failedPeople = new LRUCache<string, Map<string, number>>({ max: 100 });

const settledKey = ({ installContext }: Installation, accountId: string): string => `${installContext} ${accountId}`;

export const provisionOnActivity: Reaction<Activity> = ({ accountId }, installation) => look(accountId, installation, 'activity');

/** Looks at one person, unless this process already knows that it would be in vain. */
async function look(accountId: string, installation: Installation, occasion: Occasion): Promise<RetryLater | undefined> {
  const now = Date.now();
  const { installContext, cloudId } = installation;
  const key = settledKey(installation, accountId);
  const isSettled = occasion === 'activity' && (settledUntil.get(key) ?? 0) > now;
  if (isSettled || (offUntil.get(installContext) ?? 0) > now) return undefined;

  const pause = (pausedUntil.get(installContext) ?? 0) - now;
  if (pause > 0) return { seconds: spread(pause / 1000) };

  try {
    const { decision, person, failed } = await decideAndProvision(accountId, cloudId, occasion, now);
    if (failed) {
      noteFailure(installContext, accountId, failed.error, now);
      log('person-postponed', { accountId, ...describe(failed.error) });
      return { seconds: (failed.retryAt - now) / 1000 };
    }
    if (isSwitchedOff(decision)) offUntil.set(installContext, now + OFF_CACHE_MS);
    else if (person && isAtRest(person)) settledUntil.set(key, Math.min(recheckOf(person) ?? Number.POSITIVE_INFINITY, now + SETTLED_MS));
    return undefined;
  } catch (error) {
    noteFailure(installContext, accountId, error, now);
    throw error;
  }
}

/** Most people are settled, and what decides that loads fast; the rest of provisioning is evaluated only where it is needed. */
async function decideAndProvision(accountId: string, cloudId: string, occasion: Occasion, now: number): Promise<ProvisionResult> {
  const remembered = await readPolicyAndPerson(accountId);
  const { policy, person } = remembered;
  const facts = { ...NO_FACTS, accountId, occasion, record: person };
  const [document, version] = policy.kind === 'unreadable' ? (['unreadable', 0] as const) : [policy.policy, policy.version];
  const decision = decideProvisioning(facts, document, version, now);
  if (decision.kind === 'decided' && decision.action === 'none') return { decision, person };
  // Eager: part of the same file, because a bundler that deploys one file a function loses the others.
  const { provision } = await import(/* webpackMode: "eager" */ './provision');
  return provision({ accountId, as: asPerson(accountId), isPerson: true, cloudId, occasion, now }, remembered);
}

/** Remembers a rate limit, or a failure for several people, for everybody on the site. */
function noteFailure(installContext: string, accountId: string, error: unknown, now: number): void {
  // An answer that the app cannot use is not a failure of the site.
  if (!(error instanceof ConfluenceError) || !error.isTransient || error.isOwnFinding) return;
  const people = failedPeople.get(installContext) ?? new Map<string, number>();
  for (const [id, at] of people) if (at < now - FAILURE_WINDOW_MS) people.delete(id);
  people.set(accountId, now);
  failedPeople.set(installContext, people);
  if (error.status === 429 || people.size >= PEOPLE_FOR_PAUSE)
    pausedUntil.set(installContext, now + (error.retryAfterSeconds ?? FAILURE_PAUSE_S) * 1000);
}

/** Nothing left to do or to tell; neither an admin nor the person can change that with a click. */
function isAtRest(person: Person): boolean {
  if (isIn(person, 'ready', 'has-space')) return true;
  return isIn(person, 'excluded', 'refused') && recheckOf(person) !== null && !dependsOnPolicy(reasonOf(person));
}

/** How often to note that Confluence creates spaces on its own. */
const NATIVE_NOTED_MS = DAY_MS;

/** Whoever has a space from elsewhere is looked at as at any other activity: it is adopted, or left alone. */
export const meetNewSpace: Reaction<SpaceChange> = async (change, installation) => {
  if (change.kind !== 'created') return undefined;
  const owner = change.ownerId ?? change.by;
  if (owner === null || (await isOwnCreation(owner, change)) || (await isTrialSpace(change.key))) return undefined;
  const last = await readNativeCreation();
  if (last === null || Date.now() - last > NATIVE_NOTED_MS) await writeNativeCreation(Date.now());
  return look(owner, installation, 'arrival');
};

/** What Homestead creates as a person is not marked as its own on every site; the run that began it also finishes it. */
async function isOwnCreation(owner: string, { spaceId, key }: SpaceChange): Promise<boolean> {
  const person = await readPersonRecord(owner);
  if (isIn(person, 'creating')) return key === personalSpaceKey(owner);
  return isIn(person, 'ready') && person.origin === 'created' && person.spaceId === spaceId;
}

/** The owner of a space that was archived, trashed or deleted is not given another one. */
export const followSpace: Reaction<SpaceChange> = async (change, installation) => {
  const { kind, spaceId, key, ownerId, status, by, at } = change;
  const claimed = kind === 'deleted' ? 'deleted' : (status ?? '');
  if (kind === 'created' || !isStatus(claimed) || (await isTrialSpace(key))) return undefined;
  const owners = await followEvent({ spaceId, key, ownerId }, claimed, { by: by ?? 'unknown', at });
  // Whoever was settled with this space is looked at anew.
  for (const accountId of owners) settledUntil.delete(settledKey(installation, accountId));
  return undefined;
};

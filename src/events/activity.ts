/** Event triggers: somebody was active; a personal space came or went. */
import type { InvocationError } from '@forge/events';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { asPerson } from '../confluence/call';
import { isSwitchedOff, restsOnPolicy } from '../domain/provisioning/decide';
import { within } from '../forge/budget';
import { ConfluenceError } from '../forge/errors';
import { cloudIdOf } from '../forge/installation';
import { log } from '../forge/log';
import { personalSpaceKey } from '../provisioning/creation-calls';
import { provision } from '../provisioning/provision';
import { noteStatus } from '../provisioning/status-change';
import { readPersonRecord, type StoredPersonRecord } from '../store/people';
import { isTrialSpace, readNativeCreation, writeNativeCreation } from '../store/site-facts';
import { retryAfter, retryingLater } from './retry';

/** Content events, of which only who did it is used; without `atlassianId` it was an anonymous view. */
const ActivityEvent = z.object({
  eventType: z.string(),
  atlassianId: z.string().min(1).max(128).optional(),
  selfGenerated: z.boolean().optional(),
});
const SpaceEvent = z.object({
  eventType: z.string(),
  eventCreatedDate: z.string().optional(),
  selfGenerated: z.boolean().optional(),
  atlassianId: z.string().optional(),
  space: z.object({
    id: z.number(),
    key: z.string(),
    type: z.string(),
    status: z.string().optional(),
    history: z.object({ createdBy: z.object({ accountId: z.string().optional() }).optional() }).optional(),
  }),
});
type SpaceEvent = z.infer<typeof SpaceEvent>;
const Context = z.object({ installContext: z.string() });

/**
 * People whose next activity cannot matter, so that a warm process needs no storage for them. Other processes
 * do not hear of what changes, so it must not be remembered for long: what an admin allows again works by then.
 */
const SETTLED_MS = 15 * 60_000;
const settledUntil = new LRUCache<string, number>({ max: 50_000 });
/** When the policy is off, it is looked at again after this. */
const OFF_CACHE_MS = 5_000;
const offUntil = new LRUCache<string, number>({ max: 1_000 });
/** While Confluence fails, or asks the app to wait, nobody's activity is worth another request. */
const FAILURE_PAUSE_S = 20;
const MAX_JITTER_S = 30;
const pausedUntil = new LRUCache<string, number>({ max: 1_000 });

export async function onActivity(event: unknown, context: unknown): Promise<InvocationError | undefined> {
  const activity = ActivityEvent.safeParse(event);
  const install = Context.safeParse(context);
  if (!activity.success || !install.success) {
    log('event-unreadable', { function: 'onActivity' });
    return undefined;
  }
  const { atlassianId: accountId, selfGenerated } = activity.data;
  // What the app does in a person's name is not that person's activity.
  if (accountId === undefined || selfGenerated === true) return undefined;
  return consider(accountId, install.data.installContext, 'activity');
}

/** Looks at one person, unless this process already knows that it would be in vain. */
async function consider(accountId: string, installContext: string, wish: 'activity' | 'arrival'): Promise<InvocationError | undefined> {
  const now = Date.now();
  // One process may serve several sites: what it remembers is keyed by installation.
  const key = `${installContext} ${accountId}`;
  const isSettled = wish === 'activity' && (settledUntil.get(key) ?? 0) > now;
  if (isSettled || (offUntil.get(installContext) ?? 0) > now) return undefined;

  const pause = (pausedUntil.get(installContext) ?? 0) - now;
  // Not all at the same second when the wait is over.
  if (pause > 0) return retryAfter(pause / 1000 + Math.random() * MAX_JITTER_S);

  return retryingLater('onActivity', async () => {
    const cloudId = cloudIdOf(installContext);
    const subject = { accountId, as: asPerson(accountId), isPerson: true, cloudId, wish, now };
    const { decision, record } = await pausing(installContext, now, () => within('events', () => provision(subject)));
    if (isSwitchedOff(decision)) {
      offUntil.set(installContext, now + OFF_CACHE_MS);
    } else if (record && isAtRest(record)) {
      settledUntil.set(key, Math.min(record.recheckAt ?? Number.POSITIVE_INFINITY, now + SETTLED_MS));
    }
  });
}

/** Remembers a rate limit or a failure for everybody on the site. */
async function pausing<T>(installContext: string, now: number, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ConfluenceError && error.isTransient && !error.isOwnFinding) {
      pausedUntil.set(installContext, now + (error.retryAfterSeconds ?? FAILURE_PAUSE_S) * 1000);
    }
    throw error;
  }
}

/** Nothing left to do or to tell; neither an admin nor the person can change that with a click. */
function isAtRest(record: StoredPersonRecord): boolean {
  if (record.notice === 'due') return false;
  if (record.state === 'ready' || record.state === 'has-space') return true;
  return (record.state === 'excluded' || record.state === 'refused') && record.recheckAt !== null && !restsOnPolicy(record.reason);
}

/** A personal space came to be without Homestead, was put away or brought back, or is gone for good. */
export async function onPersonalSpace(event: unknown, context: unknown): Promise<InvocationError | undefined> {
  const parsed = SpaceEvent.safeParse(event);
  const install = Context.safeParse(context);
  if (!parsed.success || !install.success) {
    log('event-unreadable', { function: 'onPersonalSpace' });
    return undefined;
  }
  const { eventType, selfGenerated, space } = parsed.data;
  if (space.type !== 'personal' || selfGenerated === true) return undefined;
  if (eventType.includes(':created:')) return noteCreation(parsed.data, install.data.installContext);
  return retryingLater('onPersonalSpace', async () => {
    if (await isTrialSpace(space.key)) return;
    // Whoever was settled with this space is looked at anew.
    for (const accountId of await within('events', () => noteChange(parsed.data)))
      settledUntil.delete(`${install.data.installContext} ${accountId}`);
  });
}

/** How often it is noted that Confluence makes spaces by itself. */
const NATIVE_NOTED_MS = 86_400_000;

/** Whoever has a space from elsewhere is looked at as at any other activity: it is adopted, or left alone. */
async function noteCreation({ space, atlassianId }: SpaceEvent, installContext: string): Promise<InvocationError | undefined> {
  const owner = space.history?.createdBy?.accountId ?? atlassianId;
  if (owner === undefined) return undefined;
  let isOwn = false;
  const noted = await retryingLater('onPersonalSpace', async () => {
    isOwn = (await isOwnCreation(owner, space)) || (await isTrialSpace(space.key));
    if (isOwn) return;
    const last = await readNativeCreation();
    if (last === null || Date.now() - last > NATIVE_NOTED_MS) await writeNativeCreation(Date.now());
  });
  if (isOwn) return undefined;
  return noted ?? consider(owner, installContext, 'arrival');
}

/** What Homestead creates as a person is not marked as its own on every site; whoever began it also finishes it. */
async function isOwnCreation(owner: string, { id, key }: SpaceEvent['space']): Promise<boolean> {
  const person = await readPersonRecord(owner);
  if (!person || person.strategy === null) return false;
  return person.state === 'creating' ? key === personalSpaceKey(owner) : person.spaceId === String(id);
}

/** The owner of a space that was put away is not given another one. @returns whose space it was */
async function noteChange({ eventType, space, atlassianId, eventCreatedDate }: SpaceEvent): Promise<string[]> {
  const ownerId = space.history?.createdBy?.accountId ?? null;
  const status = eventType.includes(':deleted:') ? 'deleted' : space.status;
  if (status !== 'deleted' && status !== 'archived' && status !== 'trashed' && status !== 'current') return [];
  const at = Date.parse(eventCreatedDate ?? '');
  // Events come in any order: what happened before what is remembered says nothing new.
  return noteStatus(
    { spaceId: String(space.id), key: space.key, ownerId },
    status,
    atlassianId ?? 'unknown',
    Number.isNaN(at) ? Date.now() : at,
  );
}

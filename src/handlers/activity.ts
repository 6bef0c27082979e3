/** Event triggers: somebody was active; a personal space came or went. */
import type { InvocationError } from '@forge/events';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { isSwitchedOff } from '../domain/provisioning';
import { asPerson, clearNotice } from '../forge/confluence';
import { ConfluenceError } from '../forge/errors';
import { findPeopleBySpace, newPerson, provisioningAudit, readPersonRecord, type StoredPersonRecord, writePerson } from '../forge/store';
import { provision } from '../provisioning/provision';
import { personalSpaceKey } from '../provisioning/strategies';
import { cloudIdOf, log, retryAfter, retryingLater } from './boundary';

/** Content events, of which only who did it is used; without `atlassianId` it was an anonymous view. */
const ActivityEvent = z.object({
  eventType: z.string(),
  atlassianId: z.string().min(1).max(128).optional(),
  selfGenerated: z.boolean().optional(),
});
const SpaceEvent = z.object({
  eventType: z.string(),
  selfGenerated: z.boolean().optional(),
  atlassianId: z.string().optional(),
  space: z.object({
    id: z.number(),
    key: z.string(),
    type: z.string(),
    history: z.object({ createdBy: z.object({ accountId: z.string().optional() }).optional() }).optional(),
  }),
});
const Context = z.object({ installContext: z.string() });

const HOUR_MS = 3_600_000;
/** People whose next activity cannot matter, so that a warm process needs no storage for them. */
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
  const { installContext } = install.data;
  const now = Date.now();
  // One process may serve several sites: what it remembers is keyed by installation.
  const key = `${installContext} ${accountId}`;
  if ((settledUntil.get(key) ?? 0) > now || (offUntil.get(installContext) ?? 0) > now) return undefined;

  const pause = (pausedUntil.get(installContext) ?? 0) - now;
  // Not all at the same second when the wait is over.
  if (pause > 0) return retryAfter(pause / 1000 + Math.random() * MAX_JITTER_S);

  return retryingLater('onActivity', async () => {
    const cloudId = cloudIdOf(installContext);
    const subject = { accountId, as: asPerson(accountId), cloudId, wish: 'activity' as const, now };
    const { decision, record } = await pausing(installContext, now, () => provision(subject));
    if (isSwitchedOff(decision)) {
      offUntil.set(installContext, now + OFF_CACHE_MS);
    } else if (record && isAtRest(record)) {
      settledUntil.set(key, Math.min(record.recheckAt ?? Number.POSITIVE_INFINITY, now + HOUR_MS));
    }
  });
}

/** Remembers a rate limit or a failure for everybody on the site. */
async function pausing<T>(installContext: string, now: number, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ConfluenceError && error.isTransient) {
      pausedUntil.set(installContext, now + (error.retryAfterSeconds ?? FAILURE_PAUSE_S) * 1000);
    }
    throw error;
  }
}

/** Nothing left to do or to tell, unless the policy changes what it means. */
function isAtRest(record: StoredPersonRecord): boolean {
  return record.notice !== 'due' && ['ready', 'has-space', 'declined', 'removed', 'excluded', 'refused'].includes(record.state);
}

/** A personal space came to be without Homestead, or is gone for good. */
export async function onPersonalSpace(event: unknown): Promise<InvocationError | undefined> {
  const parsed = SpaceEvent.safeParse(event);
  if (!parsed.success) {
    log('event-unreadable', { function: 'onPersonalSpace' });
    return undefined;
  }
  const { eventType, selfGenerated, space } = parsed.data;
  if (space.type !== 'personal' || selfGenerated === true) return undefined;
  const isDeleted = eventType.includes(':deleted:');
  return retryingLater('onPersonalSpace', () => (isDeleted ? noteDeletion(parsed.data) : withdrawOffer(parsed.data)));
}

/** Whoever made a space themselves is not offered one any more. */
async function withdrawOffer({ space }: z.infer<typeof SpaceEvent>): Promise<void> {
  const creator = space.history?.createdBy?.accountId;
  const person = creator === undefined ? null : await readPersonRecord(creator);
  if (person?.state !== 'offered' && person?.state !== 'postponed') return;
  const noted = { state: 'has-space', reason: 'has-space', changedAt: Date.now(), recheckAt: null, notice: 'done' } as const;
  await writePerson({ ...person, ...noted, spaceId: String(space.id), spaceKey: space.key });
  await clearNotice(person.accountId);
}

/**
 * The owner of a deleted space is not given another one. Remembered also while the policy is off: what an
 * admin removed then must not come back when it is switched on.
 */
async function noteDeletion({ space, atlassianId }: z.infer<typeof SpaceEvent>): Promise<void> {
  const now = Date.now();
  for (const person of await ownersOf(space)) {
    if (person.state === 'removed') continue;
    const gone = { state: 'removed', reason: 'space-removed', changedAt: now, recheckAt: null, notice: 'done' } as const;
    const removed = { ...person, ...gone, spaceId: String(space.id), spaceKey: space.key };
    await writePerson(removed, provisioningAudit(removed, 'removed', atlassianId ?? 'unknown', now, null));
  }
}

/** Whose space it was: those recorded with it, and its creator when the key is made of their account id. */
async function ownersOf(space: z.infer<typeof SpaceEvent>['space']): Promise<StoredPersonRecord[]> {
  const recorded = await findPeopleBySpace(String(space.id));
  const creator = space.history?.createdBy?.accountId;
  if (recorded.length > 0 || creator === undefined || personalSpaceKey(creator) !== space.key) return recorded;
  return [(await readPersonRecord(creator)) ?? newPerson(creator)];
}

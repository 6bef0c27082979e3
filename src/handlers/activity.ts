/** Event triggers: somebody was active; a personal space was deleted. */
import type { InvocationError } from '@forge/events';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { asPerson } from '../forge/confluence';
import { findPeopleBySpace, type StoredPersonRecord, writePerson } from '../forge/store';
import { provision } from '../provisioning/provision';
import { cloudIdOf, log, retryingLater } from './boundary';

/** Content events, of which only who did it is used; without `atlassianId` it was an anonymous view. */
const ActivityEvent = z.object({
  eventType: z.string(),
  atlassianId: z.string().min(1).max(128).optional(),
  selfGenerated: z.boolean().optional(),
});
const DeletedSpaceEvent = z.object({
  atlassianId: z.string().optional(),
  space: z.object({ id: z.number(), key: z.string(), type: z.string() }),
});
const Context = z.object({ installContext: z.string() });

const HOUR_MS = 3_600_000;
/** People whose next activity cannot matter, so that a warm process needs no storage for them. */
const settledUntil = new LRUCache<string, number>({ max: 50_000 });
/** When the policy is off, it is looked at again after this. */
const OFF_CACHE_MS = 60_000;
const offUntil = new LRUCache<string, number>({ max: 1_000 });

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

  return retryingLater('onActivity', async () => {
    const { decision, record } = await provision({
      accountId,
      as: asPerson(accountId),
      cloudId: cloudIdOf(installContext),
      wish: 'activity',
      now,
    });
    if (decision.action === 'none' && (decision.reason === 'policy-off' || decision.reason === 'policy-unreadable')) {
      offUntil.set(installContext, now + OFF_CACHE_MS);
    } else if (record && isAtRest(record)) {
      settledUntil.set(key, Math.min(record.recheckAt ?? Number.POSITIVE_INFINITY, now + HOUR_MS));
    }
  });
}

/** Nothing left to do or to tell, unless the policy changes what it means. */
function isAtRest(record: StoredPersonRecord): boolean {
  return record.notice !== 'due' && ['ready', 'has-space', 'declined', 'removed', 'excluded', 'refused'].includes(record.state);
}

/** A personal space is gone for good: its owner is not given another one. */
export async function onSpaceDeleted(event: unknown): Promise<InvocationError | undefined> {
  const deleted = DeletedSpaceEvent.safeParse(event);
  if (!deleted.success) {
    log('event-unreadable', { function: 'onSpaceDeleted' });
    return undefined;
  }
  const { space, atlassianId } = deleted.data;
  if (space.type !== 'personal') return undefined;
  return retryingLater('onSpaceDeleted', async () => {
    const now = Date.now();
    for (const person of await findPeopleBySpace(String(space.id))) {
      if (person.state === 'removed') continue;
      await writePerson(
        { ...person, state: 'removed', reason: 'space-removed', changedAt: now, recheckAt: null, notice: 'done' },
        {
          key: `provisioning:${person.accountId}:removed:${space.id}`,
          scope: 'provisioning',
          kind: 'removed',
          at: now,
          actor: atlassianId ?? 'unknown',
          details: {
            accountId: person.accountId,
            reason: 'space-removed',
            spaceKey: space.key,
            access: null,
            template: null,
            templateProblem: null,
            strategy: null,
            detail: null,
          },
        },
      );
    }
  });
}

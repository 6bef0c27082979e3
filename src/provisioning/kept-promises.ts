/**
 * What could not be done when a space was created is tried again by the schedule: the promised access until it holds, the app's own
 * role a few times.
 */
import { defineWork, EVERY_THIRD_TICK_MS } from '../agenda/define';
import { readReaders, readRoleMode } from '../confluence/access';
import { asApp, asPerson, type Requester } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { brokenPromise, type PromisedSpace, postponedRole, seenAs, withAccess } from '../domain/space';
import { MINUTE_MS } from '../domain/time';
import { within } from '../forge/budget';
import { ConfluenceError, PlatformRefusal, StaleRecord } from '../forge/errors';
import { log } from '../forge/log';
import { readPolicy } from '../store/policy';
import { listBrokenPromises } from '../store/spaces';
import { findAppRoleWay, settleAppRole } from './app-role';
import { settleAccess, writePromise } from './promised-access';

/** Spaces tried in one turn of the schedule; the rest comes with the next. */
const SPACES_PER_TURN = 50;

export const keptPromises = defineWork({ kind: 'promises', everyMs: EVERY_THIRD_TICK_MS, leaseMs: MINUTE_MS, run: keepPromises });

async function keepPromises(now: number, deadline: number): Promise<void> {
  for (const space of await listBrokenPromises(now, SPACES_PER_TURN)) {
    if (Date.now() >= deadline) return;
    try {
      await within('events', () => keepPromise(space, now));
    } catch (error) {
      // Its owner changed it, or the space is being worked on: it stays due.
      if (!(error instanceof StaleRecord)) throw error;
    }
  }
}

async function keepPromise(space: PromisedSpace, now: number): Promise<void> {
  const { spaceId, ownerId } = space;
  const as = ownerId === null ? asApp() : asPerson(ownerId);
  try {
    const seen = await readSpace(as, spaceId);
    if (seen?.status !== 'current') {
      await writePromise(seenAs(space, seen?.status === 'archived' ? 'archived' : seen ? 'trashed' : 'deleted', now), null, now);
      return;
    }
    const acting: Acting = { as, isAdmin: seen.canAdminister === true, now };
    if (space.access.broken) await keepAccess(space, acting);
    else await writePromise(await withRole(space, acting), null, now);
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    log('promise-not-kept', { spaceId, operation: error.operation, status: error.status });
    // A rate limit is about everybody.
    if (error.status === 429) throw error;
    const later = roleLater(space, now);
    await writePromise(space.access.broken ? brokenPromise(later, space.access.actual, now) : later, null, now);
  }
}

const roleLater = (space: PromisedSpace, now: number): PromisedSpace =>
  space.appRole.due ? { ...space, appRole: postponedRole(space.appRole, now) } : space;

interface Acting {
  as: Requester;
  /** Whoever acts administers the space. */
  isAdmin: boolean;
  now: number;
}

async function keepAccess(space: PromisedSpace, acting: Acting): Promise<void> {
  const { as, now } = acting;
  const { spaceId, ownerId, access, appRole } = space;
  const mode = await readRoleMode();
  const readers = await readReaders(as, spaceId, ownerId ?? '', mode);
  const change = appRole.outcome === 'given' ? 'keep' : 'unnamed';
  const subject = { as, spaceId, ownerId: ownerId ?? '', mode, now };
  const { actual, failure } = await settleAccess(subject, access.promised, readers, change, 'read');
  if (failure) {
    await writePromise(brokenPromise(roleLater(space, now), actual, now), null, now);
    return;
  }
  await writePromise(await withRole(withAccess(space, actual), acting), 'access-kept', now);
}

/** The space with its app's role, if that is still to be given. */
async function withRole(space: PromisedSpace, { as, isAdmin, now }: Acting): Promise<PromisedSpace> {
  const { spaceId, appRole } = space;
  if (appRole.due === null) return space;
  const state = await readPolicy();
  const way = state.kind === 'unreadable' ? ({ kind: 'unknown' } as const) : await findAppRoleWay(state.policy, now);
  return { ...space, appRole: await settleAppRole({ as, spaceId, isAdmin, now }, way, null, appRole) };
}

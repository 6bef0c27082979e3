/** Promised access that could not be set when a space was created is tried again by the schedule until it holds. */
import { defineWork, EVERY_THIRD_TICK_MS } from '../agenda/define';
import { readReaders, readRoleMode } from '../confluence/access';
import { asApp, asPerson } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { brokenPromise, type PromisedSpace, seenAs, withAccess } from '../domain/space';
import { MINUTE_MS } from '../domain/time';
import { within } from '../forge/budget';
import { ConfluenceError, PlatformRefusal, StaleRecord } from '../forge/errors';
import { log } from '../forge/log';
import { listBrokenPromises } from '../store/spaces';
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
  const { spaceId, ownerId, access } = space;
  const as = ownerId === null ? asApp() : asPerson(ownerId);
  try {
    const seen = await readSpace(as, spaceId);
    if (seen?.status !== 'current') {
      await writePromise(seenAs(space, seen?.status === 'archived' ? 'archived' : seen ? 'trashed' : 'deleted', now), null, now);
      return;
    }
    const mode = await readRoleMode();
    const readers = await readReaders(as, spaceId, ownerId ?? '', mode);
    const { actual, failure } = await settleAccess(as, spaceId, ownerId ?? '', access.promised, readers, mode);
    if (failure) await writePromise(brokenPromise(space, actual, now), null, now);
    else await writePromise(withAccess(space, actual), 'access-kept', now);
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    log('promise-not-kept', { spaceId, operation: error.operation, status: error.status });
    // A rate limit is about everybody.
    if (error.status === 429) throw error;
    await writePromise(brokenPromise(space, access.actual, now), null, now);
  }
}

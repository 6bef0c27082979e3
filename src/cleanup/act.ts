/** Archives or restores one space, after a fresh look at it. */
import { asApp } from '../confluence/call';
import { readNewestChange } from '../confluence/pages';
import { readSpace, type SpaceRecord, setSpaceStatus } from '../confluence/spaces';
import { decideCleanup, decideRestore, type SpaceFacts } from '../domain/cleanup';
import { ConfluenceError, UnreadableRecord } from '../forge/errors';
import { log } from '../forge/log';
import { noteStatus } from '../provisioning/status-change';
import { listEvents } from '../store/trail';
import type { Activity } from './activity';
import type { RowReason, SpaceRow } from './rows';

/** How many times one space may fail before the run continues without it. */
const MAX_TRIES = 3;
/** Entries of a space's trail among which a return is looked for. */
const ENTRIES_READ = 20;

interface Outcome {
  outcome: 'archived' | 'restored' | 'kept' | 'failed';
  reason: RowReason;
  archivedAt?: number;
}

export interface Task {
  action: 'archive' | 'restore';
  /** A change since then (ms) keeps a space from being archived. */
  unchangedSince: number;
  startedBy: string;
  runId: string;
}

interface Known {
  /** An earlier step announced this row and was cut off: what it was about to do may have been done. */
  isResumed: boolean;
  /** What the search index says: changes of some kinds are not read by id. */
  activity: Activity;
}

/**
 * Counts failed tries in the row.
 * @throws ConfluenceError when it should be tried again later, or when a scope is missing
 */
export async function actOn(task: Task, row: SpaceRow, known: Known): Promise<Outcome> {
  try {
    const done = task.action === 'restore' ? await restore(row, known) : await archive(row, task.unchangedSince, known);
    return await noted(task, row, done);
  } catch (error) {
    if (!(error instanceof ConfluenceError) || error.status === 429 || error.status === 401) throw error;
    row.tries = (row.tries ?? 0) + 1;
    if (error.isTransient && row.tries < MAX_TRIES) throw error;
    return { outcome: 'failed', reason: 'confluence-failed' };
  }
}

/** Finds out what a step that was cut off has done to a space. @returns null when it did nothing */
export async function settleRow(task: Task, row: SpaceRow): Promise<Outcome | null> {
  const status = (await readSpace(asApp(), row.spaceId))?.status;
  if (task.action === 'archive' && status === 'archived') return noted(task, row, { outcome: 'archived', reason: 'unused' });
  if (task.action === 'restore' && status === 'current') return noted(task, row, { outcome: 'restored', reason: 'archived-by-job' });
  return null;
}

/** An archived space is not created again, and a restored one may be: the owner's record and the trail say so. */
async function noted({ startedBy, runId }: Task, row: SpaceRow, done: Outcome): Promise<Outcome> {
  if (done.outcome !== 'archived' && done.outcome !== 'restored') return done;
  const at = Date.now();
  const dated = done.outcome === 'archived' ? { ...done, archivedAt: at } : done;
  try {
    await noteStatus({ ...row, key: row.key || null }, done.outcome === 'archived' ? 'archived' : 'current', { by: startedBy, at, runId });
    return dated;
  } catch (error) {
    // One owner's unreadable record does not stop the others' spaces.
    if (!(error instanceof UnreadableRecord)) throw error;
    log('record-unreadable', { spaceId: row.spaceId });
    return { ...dated, reason: 'record-unreadable' };
  }
}

async function archive(row: SpaceRow, unchangedSince: number, { isResumed, activity }: Known): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'archived') return { outcome: 'archived', reason: 'unused' };
  if (activity === 'active') return { outcome: 'kept', reason: 'changed-since' };
  let facts: SpaceFacts | null = null;
  if (space) {
    const lastChangedAt = space.status === 'current' ? await readNewestChange(space.id) : null;
    facts = { type: space.type, status: space.status, canAdminister: space.canAdminister, lastChangedAt };
  }
  const decision = decideCleanup(facts, unchangedSince);
  if (decision.action === 'keep' || !space) return { outcome: 'kept', reason: decision.reason };
  if (activity === 'unknown') return { outcome: 'kept', reason: 'activity-unknown' };
  await changeStatus(space, 'archived');
  return { outcome: 'archived', reason: decision.reason };
}

async function restore(row: SpaceRow, { isResumed }: Known): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'current') return { outcome: 'restored', reason: 'archived-by-job' };
  const decision = decideRestore(space);
  if (decision.action === 'keep' || !space) return { outcome: 'kept', reason: decision.reason };
  if (await wasReturned(row)) return { outcome: 'kept', reason: 'archived-again' };
  await changeStatus(space, 'current');
  return { outcome: 'restored', reason: decision.reason };
}

/** Somebody restored it after the run had archived it. What the trail does not tell did not happen as far as Homestead knows. */
async function wasReturned({ spaceId, archivedAt }: SpaceRow): Promise<boolean> {
  if (archivedAt === undefined) return false;
  const { events } = await listEvents({ spaceId }, ENTRIES_READ);
  return events.some(({ at, body }) => body.kind === 'returned' && at > archivedAt);
}

/** An error of the change does not say that nothing was changed: the space does. */
async function changeStatus(space: SpaceRecord, status: 'current' | 'archived'): Promise<void> {
  try {
    await setSpaceStatus(space.key, status);
  } catch (error) {
    if (!(error instanceof ConfluenceError) || error.status === 429) throw error;
    if ((await readSpace(asApp(), space.id))?.status !== status) throw error;
  }
}

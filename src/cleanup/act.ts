/** Archives or restores one space, after a fresh look at it. */
import { ZodError } from 'zod';
import { asApp, asPerson } from '../confluence/call';
import { countBlogPosts, listNewestPages, readNewestChange } from '../confluence/pages';
import { countOthers } from '../confluence/search';
import { readSpace, type SpaceRecord, setSpaceStatus } from '../confluence/spaces';
import { decideCleanup, decideRestore, type SpaceFacts } from '../domain/cleanup';
import type { Policy } from '../domain/policy/document';
import { type CreatedContents, type Creation, childTitles, decideUndo, type Found, whyKept } from '../domain/undo';
import { ConfluenceError, PlatformRefusal, UnreadableRecord } from '../forge/errors';
import { log } from '../forge/log';
import { isOwnMessage } from '../page-templates/builtin';
import { noteStatus } from '../provisioning/status-change';
import { readPersonRecord } from '../store/people';
import { readPolicyVersion } from '../store/policy';
import { readSpaceRecord } from '../store/spaces';
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

export type Task = { startedBy: string; runId: string } & (
  | {
      action: 'archive';
      /** A change since then (ms) keeps a space from being archived. */
      unchangedSince: number;
    }
  /** Archives what another run, or the policy, has created and nobody has touched; `policies` are those that it may have followed. */
  | { action: 'undo-creation'; creation: Creation; policies: Policy[] }
  | { action: 'restore' }
);

/** What a space of a run is when the run has acted on it, and why. */
const RESULTS = {
  archive: { outcome: 'archived', status: 'archived', reason: 'unused' },
  'undo-creation': { outcome: 'archived', status: 'archived', reason: 'space-untouched' },
  restore: { outcome: 'restored', status: 'current', reason: 'archived-by-job' },
} as const;
export const resultOf = ({ action }: Pick<Task, 'action'>) => RESULTS[action];

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
    return await noted(task, row, await carryOut(task, row, known));
  } catch (error) {
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    if (error.status === 429 || error.status === 401) throw error;
    row.tries = (row.tries ?? 0) + 1;
    if (error.isTransient && row.tries < MAX_TRIES) throw error;
    return { outcome: 'failed', reason: 'confluence-failed' };
  }
}

function carryOut(task: Task, row: SpaceRow, known: Known): Promise<Outcome> {
  switch (task.action) {
    case 'archive':
      return archive(row, task.unchangedSince, known);
    case 'undo-creation':
      return undoCreation(row, task, known);
    case 'restore':
      return restore(row, known);
  }
}

/** Finds out what a step that was cut off has done to a space. @returns null when it did nothing */
export async function settleRow(task: Task, row: SpaceRow): Promise<Outcome | null> {
  const { status, outcome, reason } = resultOf(task);
  const isDone = (await readSpace(asApp(), row.spaceId))?.status === status;
  return isDone ? noted(task, row, { outcome, reason }) : null;
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

async function undoCreation(
  row: SpaceRow,
  { creation, policies }: Extract<Task, { action: 'undo-creation' }>,
  { isResumed }: Known,
): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'archived') return { outcome: 'archived', reason: 'space-untouched' };
  const known = await readKnown(row);
  if (known === null) return { outcome: 'kept', reason: 'record-unreadable' };
  const found: Found = { space, ...known };
  const kept = whyKept(creation, found);
  if (kept !== null || !space) return { outcome: 'kept', reason: kept ?? 'not-visible' };
  const { policyVersion = null } = known.made ?? {};
  const ofItsTime = policyVersion === null ? null : await readPolicyVersion(policyVersion);
  const titles = childTitles(ofItsTime ? [...policies, ofItsTime.policy] : policies, known.promise?.template.key ?? '');
  const contents = await readContentsAsOwner(space, row.ownerId, titles.size);
  const decision = decideUndo(creation, found, contents, titles);
  if (decision.action === 'keep') return { outcome: 'kept', reason: decision.reason };
  await changeStatus(space, 'archived');
  return { outcome: 'archived', reason: decision.reason };
}

/** null = a record cannot be read, so nobody can tell whose the space is. */
async function readKnown({ spaceId, ownerId }: SpaceRow): Promise<Omit<Found, 'space'> | null> {
  try {
    const { events } = await listEvents({ spaceId }, ENTRIES_READ);
    const made = events.find(({ body }) => body.kind === 'provisioned');
    return {
      made: made ? { runId: made.runId, reason: made.reason, policyVersion: made.policyVersion } : null,
      person: ownerId === null ? null : await readPersonRecord(ownerId),
      promise: await readSpaceRecord(spaceId),
      wasReturned: events.some(({ body, runId }) => body.kind === 'returned' && runId === null),
    };
  } catch (error) {
    if (!(error instanceof UnreadableRecord || error instanceof ZodError)) throw error;
    log('record-unreadable', { spaceId });
    return null;
  }
}

/** A person who has left, or lost the license, cannot be asked. */
const NOT_ASKED_STATUSES = [401, 403, 404];

/**
 * What is in the space as its owner sees it: they may have pages that nobody else sees, not even the app.
 * @param children how many child pages Homestead may have created: one page more is someone's work
 * @returns null when the owner cannot be asked
 */
async function readContentsAsOwner(space: SpaceRecord, ownerId: string | null, children: number): Promise<CreatedContents | null> {
  if (ownerId === null) return null;
  const owner = asPerson(ownerId);
  try {
    const pages = (await listNewestPages(owner, space.id, children + 2)).map((page) => ({
      id: page.id,
      title: page.title,
      versions: page.version.number,
      createdAt: Date.parse(page.createdAt),
      isOwnVersion: isOwnMessage(page.version.message),
    }));
    return { pages, blogPosts: await countBlogPosts(owner, space.id), others: await countOthers(owner, space.key) };
  } catch (error) {
    if (error instanceof PlatformRefusal && !error.isTransient) return null;
    if (error instanceof ConfluenceError && NOT_ASKED_STATUSES.includes(error.status)) return null;
    throw error;
  }
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

/** Archives or restores one space, looking again at the last moment. */

import { asApp } from '../confluence/call';
import { readNewestChange } from '../confluence/pages';
import { readSpace, type SpaceRecord, setSpaceStatus } from '../confluence/spaces';
import { type CleanupReason, decideCleanup, decideRestore, type RestoreReason, type SpaceFacts } from '../domain/cleanup';
import { ConfluenceError } from '../forge/errors';
import type { JobOf, SpaceRow } from '../jobs/store';
import { noteStatus } from '../provisioning/status-change';

/** How often one space may fail before the job goes on without it. */
const MAX_TRIES = 3;

interface Outcome {
  outcome: 'archived' | 'restored' | 'kept' | 'failed';
  reason: CleanupReason | RestoreReason | 'confluence-failed';
}

interface Known {
  /** An earlier run announced this row and stopped: what it was about to do may be done. */
  isResumed: boolean;
  /** The search index names a change, which may be of a kind that is not read by id. */
  isActive: boolean;
}

/**
 * Counts failed tries in the row.
 * @throws ConfluenceError when it should be tried again later, or when a scope is missing
 */
export async function actOn(job: JobOf<'cleanup'>, row: SpaceRow, known: Known): Promise<Outcome> {
  try {
    const done = job.kind === 'restore' ? await restore(row, known) : await archive(row, job.work.unchangedSince, known);
    if (done.outcome === 'archived' || done.outcome === 'restored')
      await noteStatus(row, done.outcome === 'archived' ? 'archived' : 'current', { by: job.startedBy, at: Date.now(), runId: job.id });
    return done;
  } catch (error) {
    if (!(error instanceof ConfluenceError) || error.status === 429 || error.status === 401) throw error;
    row.tries = (row.tries ?? 0) + 1;
    if (error.isTransient && row.tries < MAX_TRIES) throw error;
    return { outcome: 'failed', reason: 'confluence-failed' };
  }
}

async function archive(row: SpaceRow, unchangedSince: number, { isResumed, isActive }: Known): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'archived') return { outcome: 'archived', reason: 'unused' };
  if (isActive) return { outcome: 'kept', reason: 'changed-since' };
  let facts: SpaceFacts | null = null;
  if (space) {
    const lastChangedAt = space.status === 'current' ? await readNewestChange(space.id) : null;
    facts = { type: space.type, status: space.status, canAdminister: space.canAdminister, lastChangedAt };
  }
  const decision = decideCleanup(facts, unchangedSince);
  if (decision.action === 'keep' || !space) return { outcome: 'kept', reason: decision.reason };
  await changeStatus(space, 'archived');
  return { outcome: 'archived', reason: decision.reason };
}

async function restore(row: SpaceRow, { isResumed }: Known): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'current') return { outcome: 'restored', reason: 'archived-by-job' };
  const decision = decideRestore(space);
  if (decision.action === 'keep' || !space) return { outcome: 'kept', reason: decision.reason };
  await changeStatus(space, 'current');
  return { outcome: 'restored', reason: decision.reason };
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

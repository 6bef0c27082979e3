/** Archives or restores one space, looking again at the last moment. */
import { type CleanupReason, decideCleanup, decideRestore, type RestoreReason, type SpaceFacts } from '../domain/cleanup';
import { asApp, readNewestChange, readSpace, setSpaceStatus } from '../forge/confluence';
import { ConfluenceError } from '../forge/errors';
import type { Job, Row } from '../forge/store';

export interface Outcome {
  outcome: 'archived' | 'restored' | 'kept' | 'failed';
  reason: CleanupReason | RestoreReason | 'confluence-failed';
}

export interface Known {
  /** An earlier run announced this row and stopped: what it was about to do may be done. */
  isResumed: boolean;
  /** The search index names a change, which may be of a kind that is not read by id. */
  isActive: boolean;
}

/** @throws ConfluenceError when Confluence asks to wait (429) */
export async function actOn(job: Pick<Job, 'kind' | 'unchangedSince'>, row: Row, known: Known): Promise<Outcome> {
  try {
    return job.kind === 'restore' ? await restore(row, known) : await archive(row, job.unchangedSince, known);
  } catch (error) {
    if (error instanceof ConfluenceError && error.status !== 429 && error.status !== 401)
      return { outcome: 'failed', reason: 'confluence-failed' };
    throw error;
  }
}

async function archive(row: Row, unchangedSince: number, { isResumed, isActive }: Known): Promise<Outcome> {
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
  await setSpaceStatus(space.key, 'archived');
  return { outcome: 'archived', reason: decision.reason };
}

async function restore(row: Row, { isResumed }: Known): Promise<Outcome> {
  const space = await readSpace(asApp(), row.spaceId);
  if (isResumed && space?.status === 'current') return { outcome: 'restored', reason: 'archived-by-job' };
  const decision = decideRestore(space);
  if (decision.action === 'keep' || !space) return { outcome: 'kept', reason: decision.reason };
  await setSpaceStatus(space.key, 'current');
  return { outcome: 'restored', reason: decision.reason };
}

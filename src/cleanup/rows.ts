/** A space in the list of an archive or a restore run. */
import { z } from 'zod';
import type { CleanupReason, RestoreReason } from '../domain/cleanup';
import type { UndoReason } from '../domain/undo';

export const SpaceRow = z.object({
  /** Empty when nobody knows any more which space it was: a run is undone that created it for an account that was closed. */
  spaceId: z.string(),
  /** Empty once its owner's account was closed: the key holds the account id. */
  key: z.string(),
  ownerId: z.string().nullable(),
  /** `acting` = the call was about to be made when this was written. */
  outcome: z.enum(['acting', 'archived', 'restored', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  /** When the run archived it (ms); of a restore, when the run that it undoes did. */
  archivedAt: z.number().optional(),
  /** How many times acting on this space has failed. */
  tries: z.number().int().optional(),
});
export type SpaceRow = z.infer<typeof SpaceRow>;

/**
 * `archived-again`: somebody restored it meanwhile, and it was archived anew, which is not this run's doing.
 * `record-unreadable`: done, but what Homestead remembers of the owner cannot be read, so it is not noted there; kept where it is
 * needed to decide. `space-adopted`: the run that is undone did not create it.
 */
export type RowReason =
  | CleanupReason
  | UndoReason
  | RestoreReason
  | 'space-adopted'
  | 'archived-again'
  | 'confluence-failed'
  | 'record-unreadable';

/** A space in the list of an archive or a restore run. */
import { z } from 'zod';
import type { CleanupReason, RestoreReason } from '../domain/cleanup';

export const SpaceRow = z.object({
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
 * `record-unreadable`: done, but what Homestead remembers of the owner cannot be read, so it is not noted there.
 */
export type RowReason = CleanupReason | RestoreReason | 'archived-again' | 'confluence-failed' | 'record-unreadable';

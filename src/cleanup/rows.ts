/** A space in the list of a survey, an archive or a restore job. */
import { z } from 'zod';
import type { CleanupReason, RestoreReason } from '../domain/cleanup';

export const SpaceRow = z.object({
  spaceId: z.string(),
  /** Empty once its owner's account was closed: the key holds the account id. */
  key: z.string(),
  ownerId: z.string().nullable(),
  createdAt: z.number(),
  /** Of archive and restore jobs. `acting` = the call was about to be made when this was written. */
  outcome: z.enum(['acting', 'archived', 'restored', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  /** How many times acting on this space has failed. */
  tries: z.number().int().optional(),
});
export type SpaceRow = z.infer<typeof SpaceRow>;

/** `record-unreadable`: done, but what Homestead remembers of the owner cannot be read, so it is not noted there. */
export type RowReason = CleanupReason | RestoreReason | 'confluence-failed' | 'record-unreadable';

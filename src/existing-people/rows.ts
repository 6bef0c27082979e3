/** What the jobs for existing people list: a person as a census found them, and one that a job acts on. */
import { z } from 'zod';
import { StoredState } from '../store/people';

/** Short names, because there are 100,000. */
export const PersonRow = z.object({
  accountId: z.string(),
  type: z.string(),
  status: z.string(),
  isGuest: z.boolean(),
  spaceId: z.string().nullable(),
  /** Positions in the census's list of groups. */
  groups: z.array(z.number().int()),
  /** What Homestead remembered of them. */
  record: z.intersection(z.object({ since: z.number() }), StoredState).nullable(),
});
export type PersonRow = z.infer<typeof PersonRow>;

export const ProvisionRow = z.object({
  accountId: z.string(),
  outcome: z.enum(['created', 'offered', 'adopted', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  tries: z.number().int().optional(),
});
export type ProvisionRow = z.infer<typeof ProvisionRow>;

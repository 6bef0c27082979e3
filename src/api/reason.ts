/** Why an admin does something, in a sentence or two; kept in the trail. */
import { z } from 'zod';
import { AppError } from '../forge/errors';
import { MAX_REASON_CHARS, MAX_WITHOUT_REASON } from './limits';

export const Reason = z.string().trim().max(MAX_REASON_CHARS);

/** @param count what the admin was told; starting a plan of another size is refused @throws AppError bad-request */
export function requireReason(count: number, reason: string | null | undefined): void {
  if (count > MAX_WITHOUT_REASON && !reason) throw new AppError('bad-request', { problem: 'reason-missing', max: MAX_WITHOUT_REASON });
}

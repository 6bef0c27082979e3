/** What an event trigger or a consumer answers when something failed. */
import { InvocationError, InvocationErrorCode } from '@forge/events';
import {
  ConfluenceError,
  isRateLimit,
  isStorageError,
  NoPoints,
  PlatformRefusal,
  QueueError,
  SqlError,
  StaleRecord,
  willPass,
} from '../forge/errors';
import { describe, log } from '../forge/log';

/** Seconds to wait when Confluence failed without saying how long. */
const DEFAULT_RETRY_S = 30;
/** The platform's limit for `retryAfter`. */
const MAX_RETRY_S = 900;
/** Storage counts by the minute, and what used one up is likely to use up the next. */
const MINUTE_S = 60;
const MIN_JITTER_S = 30;
const MAX_JITTER_S = 300;

/**
 * For event triggers: a passing failure becomes a retry, which the platform grants at most four times;
 * anything else is logged and dropped, because a thrown error is not retried.
 */
export async function retryingLater(name: string, run: () => Promise<void>): Promise<InvocationError | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    const seconds = retrySeconds(error);
    if (seconds === null) {
      log('event-dropped', { function: name, ...describe(error) });
      return undefined;
    }
    log('event-postponed', { function: name, seconds, ...describe(error) });
    return retryAfter(seconds);
  }
}

/** Thousands may wait for the same moment: they are spread over the minutes after it instead of all arriving in its first second. */
export const spread = (seconds: number): number => seconds + Math.random() * Math.min(MAX_JITTER_S, Math.max(MIN_JITTER_S, seconds));

/** For a trigger or consumer to return. */
export function retryAfter(seconds: number): InvocationError {
  return new InvocationError({
    retryAfter: Math.min(Math.max(1, Math.ceil(seconds)), MAX_RETRY_S),
    retryReason: InvocationErrorCode.FUNCTION_UPSTREAM_RATE_LIMITED,
  });
}

/** To be heard again after this. */
export interface RetryLater {
  seconds: number;
}

/** null = trying again would not help. */
export function retrySeconds(error: unknown): number | null {
  if (error instanceof StaleRecord) return DEFAULT_RETRY_S;
  if (error instanceof NoPoints) return spread(error.retryAfterSeconds ?? DEFAULT_RETRY_S);
  if (error instanceof ConfluenceError) return error.isTransient ? (error.retryAfterSeconds ?? DEFAULT_RETRY_S) : null;
  if (error instanceof PlatformRefusal) return error.isTransient ? DEFAULT_RETRY_S : null;
  // Without tables there is nothing to note; the first reading of the site makes up for it.
  if (error instanceof SqlError) return error.kind === 'busy' ? spread(DEFAULT_RETRY_S) : null;
  if (isStorageError(error) && willPass(error))
    return isRateLimit(error) ? MINUTE_S + Math.random() * MAX_JITTER_S : spread(DEFAULT_RETRY_S);
  return error instanceof QueueError ? spread(DEFAULT_RETRY_S) : null;
}

/** How calls to the platform fail, as values the rest of the app can decide by. */
import type { ForgeKvsAPIError } from '@forge/kvs';

/** Confluence answered, but not with what was asked for. */
export class ConfluenceError extends Error {
  override readonly name: string = 'ConfluenceError';
  constructor(
    readonly operation: string,
    readonly status: number,
    readonly detail: string,
    /** From `Retry-After`, clamped; null when the answer had none. */
    readonly retryAfterSeconds: number | null,
    /** Not Confluence's word: its answer could not be read, or is not what it must become. */
    readonly isOwnFinding = false,
  ) {
    super(`${operation} answered ${status}: ${detail}`);
  }

  /** Worth asking again later: rate limits and failures on Confluence's side. */
  get isTransient(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** The hour has no points left for this kind of work. It waits as it would for a 429, which the next request would get. */
export class NoPoints extends ConfluenceError {
  override readonly name = 'NoPoints';
  constructor(
    operation: string,
    /** When there are points again (ms). */
    readonly until: number,
    now: number,
  ) {
    super(operation, 429, 'no points are left in this hour', Math.max(1, Math.ceil((until - now) / 1000)));
  }
}

/** The platform refused before Confluence was asked (Forge sets `forge-proxy-error`). */
export class PlatformRefusal extends Error {
  override readonly name = 'PlatformRefusal';
  constructor(
    readonly operation: string,
    readonly status: number,
    /** `AUTH_TYPE_UNAVAILABLE` = nobody can be impersonated in this kind of invocation (unverified). */
    readonly code: string,
  ) {
    super(`${operation} was refused by the platform: ${status} ${code}`);
  }

  get isTransient(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** Confluence or the platform said no in a way that asking again will not change. */
export function isFinal(error: unknown): error is ConfluenceError | PlatformRefusal {
  return (error instanceof ConfluenceError || error instanceof PlatformRefusal) && !error.isTransient;
}

/** A message could not be put on the queue. */
export class QueueError extends Error {
  override readonly name = 'QueueError';
}

/** Forge SQL did not answer as asked. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  constructor(
    /** missing: there are no tables (yet, or any more). busy: it passes. failed: asking again does not help. */
    readonly kind: 'missing' | 'busy' | 'failed',
    readonly code: string,
    detail: string,
  ) {
    super(`${code}: ${detail}`);
  }

  /** It may pass, and it may be the statement itself. */
  get isTimeout(): boolean {
    return this.code.startsWith(TIMED_OUT);
  }
}

export const TIMED_OUT = 'QUERY_TIMED_OUT';

/** @returns `nothing` while there are no tables: nothing is stored in them @throws SqlError busy or failed */
export async function orWhenMissing<T>(nothing: T, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SqlError && error.kind === 'missing') return nothing;
    throw error;
  }
}

/** Forge's storage did not answer as it should; every error of @forge/kvs carries these details. */
export function isStorageError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'responseDetails' in error;
}

/** 4xx caused by the moment, not by the request: no valid token, too slow, too many. */
const PASSING_4XX = [401, 403, 408, 429];

/** Storage will never take this: a value too large or too deep, a key or an attribute it does not allow. */
export function isStorageRefusal(error: unknown): boolean {
  const status = storageStatus(error);
  return status !== null && status >= 400 && status < 500 && !PASSING_4XX.includes(status);
}

function storageStatus(error: unknown): number | null {
  return isStorageError(error) ? (error as ForgeKvsAPIError).responseDetails.status : null;
}

/** Trying again later may help. */
export function willPass(error: unknown): boolean {
  if (error instanceof SqlError) return error.kind !== 'failed';
  return !isFinal(error) && !isStorageRefusal(error);
}

/** Somebody asks us to wait: that is not a failure. */
export function isRateLimit(error: unknown): boolean {
  if (error instanceof SqlError) return error.kind === 'busy' && !error.isTimeout;
  const status = error instanceof ConfluenceError || error instanceof PlatformRefusal ? error.status : storageStatus(error);
  return status === 429;
}

/** What failed, in a few words for an admin and the log; nothing of what was said. */
export function problemOf(error: unknown): string {
  if (error instanceof SqlError) return `sql: ${error.code}`;
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return `${error.operation}: ${error.status}`;
  if (isStorageError(error)) return `storage: ${(error as ForgeKvsAPIError).code}`;
  return error instanceof Error ? error.name : 'unknown';
}

/** A stored record was changed between reading and writing. */
export class StaleRecord extends Error {
  override readonly name = 'StaleRecord';
}

/** A stored record does not have the shape it must have. It stops its own subject, and nothing else. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
  constructor(
    readonly entity: string,
    readonly key: string,
  ) {
    super(`the ${entity} record of ${key} cannot be read`);
  }
}

/** Something a person or admin must be told. `code` is a key of the catalogue's `error.*`. */
export class AppError extends Error {
  override readonly name = 'AppError';
  constructor(
    readonly code: ErrorCode,
    readonly details: Record<string, string | number> = {},
  ) {
    super(code);
  }
}

export type ErrorCode =
  | 'not-signed-in'
  | 'not-admin'
  | 'bad-request'
  | 'conflict'
  | 'policy-unreadable'
  | 'stale'
  | 'plan-changed'
  | 'not-ready'
  | 'not-changeable'
  | 'space-there'
  | 'record-unreadable'
  | 'not-found'
  | 'busy'
  | 'rate-limited'
  | 'no-points'
  | 'confluence-failed'
  | 'internal';

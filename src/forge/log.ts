/** Log lines: a static event name and fields. */
import { ConfluenceError, isStorageError, PlatformRefusal, problemOf } from './errors';

/** Static event name and fields; never personal data beyond account ids, never a payload. */
export function log(event: string, fields: Record<string, string | number | null> = {}): void {
  console.log(JSON.stringify({ event, ...fields }));
}

/** What may stand in a log: which call and which status, nothing of what was said. */
export function describe(error: unknown): Record<string, string | number> {
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return { operation: error.operation, status: error.status };
  if (isStorageError(error)) return { name: 'StorageError', problem: problemOf(error) };
  return { name: error instanceof Error ? error.name : 'unknown' };
}

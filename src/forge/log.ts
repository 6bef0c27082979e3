/** Log lines: a static event name and fields. Never personal data beyond account ids, never a payload. */
import { ConfluenceError, isStorageError, PlatformRefusal, SqlError } from './errors';

type Fields = Record<string, string | number | null>;

export function log(event: string, fields: Fields = {}): void {
  console.log(JSON.stringify({ event, ...fields }));
}

/** Forge shows the last lines of a log first; a stack deeper than this says nothing more. */
const MAX_STACK_CHARS = 2_000;

/** What a log may say about an error: which call failed and how, or where it was thrown. Never its message: that may quote data. */
export function describe(error: unknown): Fields {
  if (error instanceof ConfluenceError || error instanceof PlatformRefusal) return { operation: error.operation, status: error.status };
  if (!(error instanceof Error)) return { name: typeof error };
  if (error instanceof SqlError) return { name: error.name, code: error.code };
  if (isStorageError(error)) return { name: error.name, code: 'code' in error ? String(error.code) : null };
  return { name: error.name, stack: framesOf(error) };
}

/** The frames of our own bundle, without its folder. */
function framesOf({ stack = '', message }: Error): string {
  const frames = stack.slice(stack.indexOf(message) + message.length).split('\n');
  return frames
    .filter((frame) => /^\s+at /.test(frame) && !/node:|node_modules/.test(frame))
    .map((frame) => frame.trim().replace(/(\(| )[^()\s]*\//, '$1'))
    .join('\n')
    .slice(0, MAX_STACK_CHARS);
}

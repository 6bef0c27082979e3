/** What is wrong with an input, in words of a bounded length: an input may be large, and wrong in every part of it. */
import { z } from 'zod';

/** Of one problem as text; a page shows it in a message. */
export const MAX_PROBLEM_CHARS = 1_000;
/** Of one input; nobody mends more at a time. */
const MAX_PROBLEMS = 50;

/** A mistake in an input: where (`rules.2.template`, empty = the whole) and what. */
export interface Problem {
  path: string;
  reason: string;
}

export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => ({ path: clip(path.map(String).join('.')), reason: clip(message) }));
}

export function problemText(error: z.ZodError): string {
  return clip(z.prettifyError({ issues: error.issues.slice(0, MAX_PROBLEMS) }));
}

export function clip(text: string, max = MAX_PROBLEM_CHARS): string {
  if (text.length <= max) return text;
  // Half of a surrogate pair is no character.
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

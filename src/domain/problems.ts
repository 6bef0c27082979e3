/** What is wrong with an input, in words of a bounded length: an input may be large, and wrong in every part of it. */
import { z } from 'zod';

/** Length of one problem as text; a page shows it in a message. */
export const MAX_PROBLEM_CHARS = 1_000;
/** Problems reported for one input; nobody fixes more at a time. */
const MAX_PROBLEMS = 50;

/** A mistake in an input: where (`rules.2.template`, empty = the whole) and what. */
export interface Problem {
  path: string;
  /** In zod's words for the reader's language, unless there is a `code`. */
  reason: string;
  /** Of a rule of our own: the catalogue says it (`policy.problem.<code>`), with these values. */
  code?: string;
  values?: Record<string, string | number>;
}

/** What a check of our own hands to zod as `params`. */
const Params = z.object({ problem: z.string(), values: z.record(z.string(), z.union([z.string(), z.number()])) });

export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.slice(0, MAX_PROBLEMS).map((issue) => {
    const problem = { path: clip(issue.path.map(String).join('.')), reason: clip(issue.message) };
    const own = issue.code === 'custom' ? Params.safeParse(issue.params).data : undefined;
    if (!own) return problem;
    const values = Object.entries(own.values).map(([name, value]) => [name, typeof value === 'string' ? clip(value) : value]);
    return { ...problem, code: own.problem, values: Object.fromEntries(values) };
  });
}

export function problemText(error: z.ZodError): string {
  return clip(z.prettifyError({ issues: error.issues.slice(0, MAX_PROBLEMS) }));
}

export function clip(text: string, max = MAX_PROBLEM_CHARS): string {
  if (text.length <= max) return text;
  // Half of a surrogate pair is not a character.
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

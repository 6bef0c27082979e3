/** What an owner fills in: the admin's fields, and whether an answer fits. Pure. */
import { z } from 'zod';
import type { Field } from './policy/document';
import { withoutNonXml } from './text';

export type FieldValues = Record<string, string>;
export type FieldProblem =
  | 'required'
  | 'too-long'
  | 'not-a-day'
  | 'not-an-option'
  /** Somebody edited it on the page since the form showed it. */
  | 'changed-on-page'
  /** The page has more there than text, or more text than the form takes. */
  | 'rich-on-page';

const MAX_TEXT = 200;
/** With 30 fields still well under the 32 KB of a space property. */
export const MAX_LONG_TEXT = 900;
const Day = z.iso.date();

/** Keeps the values of known fields, trimmed, and says what is wrong by field. */
export function checkFields(
  fields: readonly Field[],
  given: Readonly<FieldValues>,
): { values: FieldValues; problems: Record<string, FieldProblem> } {
  const values: FieldValues = {};
  const problems: Record<string, FieldProblem> = {};
  for (const field of fields) {
    const value = Object.hasOwn(given, field.key) ? withoutNonXml(given[field.key] ?? '').trim() : '';
    const problem = problemOf(field, value);
    if (problem) problems[field.key] = problem;
    if (value !== '') values[field.key] = value;
  }
  return { values, problems };
}

function problemOf(field: Field, value: string): FieldProblem | null {
  if (value === '') return field.required ? 'required' : null;
  if (field.kind === 'date') return Day.safeParse(value).success ? null : 'not-a-day';
  if (field.kind === 'select') return field.options.includes(value) ? null : 'not-an-option';
  return value.length > (field.kind === 'text' ? MAX_TEXT : MAX_LONG_TEXT) ? 'too-long' : null;
}

/** A required field has no value. */
export function lacksDetails(fields: readonly Field[], values: Readonly<FieldValues>): boolean {
  return fields.some((field) => field.required && !(Object.hasOwn(values, field.key) && values[field.key]));
}

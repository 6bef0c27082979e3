/** What a save changes on a page that its owner may have edited meanwhile. Pure. */
import { type FieldProblem, type FieldValues, MAX_LONG_TEXT } from '../domain/fields';
import type { Field } from '../domain/policy/document';
import { shorten } from '../domain/text';
import { type Cell, type DetailsOnPage, readsAs } from '../page-templates/details-table';

export interface DetailsMerge {
  /** What differs from the page and may be written. */
  changes: FieldValues;
  /** Fields whose words on the page stay, and why. */
  problems: Record<string, Extract<FieldProblem, 'changed-on-page' | 'rich-on-page'>>;
  /** The page's words of those fields. */
  onPage: FieldValues;
  /** Fields for which the page says the same already. */
  unchanged: Set<string>;
}

const EMPTY: Cell = { text: '', isPlain: true };

const cellOf = (page: DetailsOnPage, key: string): Cell => (page.kind === 'table' ? page.cells.get(key) : undefined) ?? EMPTY;

/** A cell's words as the form shows them; the property that keeps the values has room for no more. */
const shownOf = (cell: Cell): string => shorten(cell.text, MAX_LONG_TEXT);

/** Admins choose the keys: one may be a name that every object has. */
const own = (values: Readonly<FieldValues>, key: string): string => (Object.hasOwn(values, key) ? (values[key] ?? '') : '');

/** The values that the page shows, or the stored ones when it has no table. */
export function shownDetails(fields: readonly Field[], page: DetailsOnPage, stored: Readonly<FieldValues>): FieldValues {
  const values: FieldValues = {};
  for (const field of fields) {
    const kept = own(stored, field.key);
    const cell = cellOf(page, field.key);
    // A page holds no blank lines; where it says the same, they are shown as they were typed.
    const value = page.kind !== 'table' || readsAs(field, kept) === cell.text ? kept : shownOf(cell);
    if (value !== '') values[field.key] = value;
  }
  return values;
}

/**
 * A cell is written only while it is empty, or still says what the form showed or what Homestead last wrote.
 * @param last what Homestead wrote last
 * @param seen what the form showed; null = not said
 */
export function mergeDetails(
  fields: readonly Field[],
  page: DetailsOnPage,
  { last, seen, given }: { last: Readonly<FieldValues>; seen: Readonly<FieldValues> | null; given: Readonly<FieldValues> },
): DetailsMerge {
  const merge: DetailsMerge = { changes: {}, problems: {}, onPage: {}, unchanged: new Set() };
  for (const field of fields) {
    const { key } = field;
    const cell = cellOf(page, key);
    const words = shownOf(cell);
    const isKnown = (values: Readonly<FieldValues> | null): boolean => values !== null && readsAs(field, own(values, key)) === words;
    const isRewritable = cell.isPlain && cell.text === words;
    if (isKnown(given)) merge.unchanged.add(key);
    else if (isRewritable && (words === '' || isKnown(seen) || isKnown(last))) merge.changes[key] = own(given, key);
    else {
      merge.problems[key] = isRewritable ? 'changed-on-page' : 'rich-on-page';
      merge.onPage[key] = words;
    }
  }
  return merge;
}

/**
 * The details table: Confluence's page-properties macro on the homepage, which its own report macro can
 * list, filled with the values of the admin's fields. Owners may edit it like the rest of their page.
 */
import type { FieldValues } from '../domain/fields';
import type { Field } from '../domain/policy/document';
import {
  applyEdits,
  childrenOf,
  type Edit,
  elementsIn,
  escapeXml,
  parseStorage,
  type StorageElement,
  textOf,
  tidyLines,
} from './storage-format';

/** The macro's own id tells Homestead's table from any other page properties on the page. */
const MACRO_ID = 'homestead';

/** What a page says for one field. */
export interface Cell {
  text: string;
  /** Nothing but lines of text, as Homestead writes them; a link or a list would be lost in a rewrite. */
  isPlain: boolean;
}

/** What the details table on a page says, by the key of the field; a field without a row is left out. */
export type DetailsOnPage = { kind: 'table'; cells: Map<string, Cell> } | { kind: 'none' } | { kind: 'invalid' };

/** Storage format of the table; a value that is missing leaves an empty cell to be seen. */
export function detailsTable(fields: readonly Field[], values: Readonly<FieldValues>): string {
  if (fields.length === 0) return '';
  return [
    '<ac:structured-macro ac:name="details" ac:schema-version="1">',
    `<ac:parameter ac:name="id">${MACRO_ID}</ac:parameter>`,
    `<ac:rich-text-body>${tableOf(fields, values)}</ac:rich-text-body>`,
    '</ac:structured-macro>',
  ].join('');
}

const tableOf = (fields: readonly Field[], values: Readonly<FieldValues>): string =>
  `<table><tbody>${rowsOf(fields, values)}</tbody></table>`;

const rowsOf = (fields: readonly Field[], values: Readonly<FieldValues>): string =>
  fields.map((field) => `<tr><th>${escapeXml(field.label)}</th><td>${contentOf(field, own(values, field.key))}</td></tr>`).join('');

/** Admins choose the keys: one may be a name that every object has. */
const own = (values: Readonly<FieldValues>, key: string): string => (Object.hasOwn(values, key) ? (values[key] ?? '') : '');

function contentOf(field: Field, value: string): string {
  if (value === '') return '';
  if (field.kind === 'date') return `<time datetime="${escapeXml(value)}" />`;
  const paragraphs = value.split(/\n+/).map((line) => `<p>${escapeXml(line)}</p>`);
  return field.kind === 'long-text' ? paragraphs.join('') : escapeXml(value);
}

/** The value as it reads on the page; two values that read the same are the same. */
export function readsAs(field: Pick<Field, 'kind'>, value: string): string {
  const lines = tidyLines(value);
  return field.kind === 'long-text' ? lines : lines.replaceAll('\n', ' ');
}

export function readDetails(storage: string, fields: readonly Field[]): DetailsOnPage {
  const parsed = parseStorage(storage);
  if (parsed.kind === 'invalid') return parsed;
  const body = bodyOfTable(parsed.root);
  if (!body) return { kind: 'none' };
  const cells = new Map<string, Cell>();
  for (const [field, { value }] of matchRows(body, fields)) {
    cells.set(field.key, value ? { text: readsAs(field, textOf(value)), isPlain: isPlain(value) } : { text: '', isPlain: true });
  }
  return { kind: 'table', cells };
}

/**
 * The page with these values in its details table, and all else as it is: other fields, rows that the owner
 * added. A table that is not there is put at the end.
 * @param changes values by the key of the field; every other field keeps its cell
 * @param all what a new table shows
 * @returns null when the page cannot be read as storage format
 */
export function writeDetails(
  storage: string,
  fields: readonly Field[],
  changes: Readonly<FieldValues>,
  all: Readonly<FieldValues>,
): string | null {
  const parsed = parseStorage(storage);
  if (parsed.kind === 'invalid') return null;
  const body = bodyOfTable(parsed.root);
  if (!body) return storage + detailsTable(fields, all);
  const rows = matchRows(body, fields);
  const changed = fields.filter((field) => Object.hasOwn(changes, field.key));
  const edits = changed.flatMap((field) => {
    const row = rows.get(field);
    return row ? [editOf(row, contentOf(field, own(changes, field.key)), storage)] : [];
  });
  const added = changed.filter((field) => !rows.has(field) && own(changes, field.key) !== '');
  if (added.length > 0) edits.push(additionTo(body, added, changes));
  return applyEdits(storage, edits);
}

type Body = StorageElement & { content: NonNullable<StorageElement['content']> };

/** The content of the first table that is Homestead's; a copy of it, pasted by the owner, is theirs. */
function bodyOfTable(root: StorageElement): Body | null {
  for (const element of elementsIn(root)) {
    if (!isMacroElement(element, 'structured-macro') || element.attribute('name') !== 'details') continue;
    const parts = childrenOf(element);
    if (!parts.some((part) => isMacroElement(part, 'parameter') && part.attribute('name') === 'id' && textOf(part) === MACRO_ID)) continue;
    const body = parts.find((part) => isMacroElement(part, 'rich-text-body'));
    if (body?.content) return { ...body, content: body.content };
  }
  return null;
}

const isMacroElement = ({ prefix, local }: StorageElement, name: string): boolean => prefix === 'ac' && local === name;
const isHtml = ({ prefix, local }: StorageElement, ...names: string[]): boolean => prefix === '' && names.includes(local);

interface Row {
  row: StorageElement;
  /** null: the row has a label and nothing beside it. */
  value: StorageElement | null;
}

/** The first row of each field's label, as it reads: the editor writes entities and markup in its own way. */
function matchRows(body: StorageElement, fields: readonly Field[]): Map<Field, Row> {
  const rows = new Map<Field, Row>();
  for (const row of outermostRows(body)) {
    const cells = childrenOf(row).filter((cell) => isHtml(cell, 'th', 'td'));
    const head = cells.find((cell) => isHtml(cell, 'th')) ?? cells[0];
    if (!head) continue;
    const label = oneLine(textOf(head));
    const field = fields.find((known) => !rows.has(known) && oneLine(known.label) === label);
    if (field) rows.set(field, { row, value: cells[cells.indexOf(head) + 1] ?? null });
  }
  return rows;
}

const oneLine = (text: string): string => readsAs({ kind: 'text' }, text);

/** Rows of a table that stands inside a cell are that cell's content. */
function* outermostRows(parent: StorageElement): Generator<StorageElement> {
  for (const child of childrenOf(parent)) {
    if (isHtml(child, 'tr')) yield child;
    else yield* outermostRows(child);
  }
}

const isPlain = (cell: StorageElement): boolean =>
  [...elementsIn(cell)].every((element) => isHtml(element, 'p', 'br', 'div', 'span', 'time') || isMacroElement(element, 'placeholder'));

/** In the row, only the content of the value's cell changes. */
function editOf({ row, value }: Row, text: string, storage: string): Edit {
  if (value?.content) return { from: value.content.start, to: value.content.end, text };
  if (value)
    return {
      from: value.start,
      to: value.end,
      text: `${storage.slice(value.start, value.end).replace(/\s*\/>$/, '>')}${text}</${value.local}>`,
    };
  const end = row.content?.end ?? row.end;
  return { from: end, to: end, text: `<td>${text}</td>` };
}

/** New rows stand after the last one. */
function additionTo(body: Body, fields: readonly Field[], values: Readonly<FieldValues>): Edit {
  const last = [...outermostRows(body)].at(-1);
  if (last) return { from: last.end, to: last.end, text: rowsOf(fields, values) };
  return { from: body.content.end, to: body.content.end, text: tableOf(fields, values) };
}

/**
 * The details table: Confluence's page-properties macro on the homepage, which its own report macro can
 * list, filled with the values of the admin's fields.
 */
import type { FieldValues } from '../domain/fields';
import type { Field } from '../domain/policy/document';
import { catalogueOf } from './builtin';
import { escapeXml, rewriteElements } from './storage-format';

/** The macro's own id tells Homestead's table from any other page properties on the page. */
const MACRO_ID = 'homestead';

/** Storage format of the table; a value that is missing stays an empty place to be seen. */
export function detailsTable(fields: readonly Field[], values: Readonly<FieldValues>): string {
  if (fields.length === 0) return '';
  const rows = fields.map((field) => rowOf(field, values));
  return [
    '<ac:structured-macro ac:name="details" ac:schema-version="1">',
    `<ac:parameter ac:name="id">${MACRO_ID}</ac:parameter>`,
    `<ac:rich-text-body><table><tbody>${rows.join('')}</tbody></table></ac:rich-text-body>`,
    '</ac:structured-macro>',
  ].join('');
}

const rowOf = (field: Field, values: Readonly<FieldValues>): string =>
  `<tr><th>${escapeXml(field.label)}</th><td>${cellOf(field, own(values, field.key))}</td></tr>`;

/** Keys are the admin's: one may be called like something every object has. */
const own = (values: Readonly<FieldValues>, key: string): string => (Object.hasOwn(values, key) ? (values[key] ?? '') : '');

function cellOf(field: Field, value: string): string {
  if (value === '') return '';
  if (field.kind === 'date') return `<time datetime="${escapeXml(value)}" />`;
  const paragraphs = value.split(/\n+/).map((line) => `<p>${escapeXml(line)}</p>`);
  return field.kind === 'long-text' ? paragraphs.join('') : escapeXml(value);
}

/**
 * The page with the changed values in its details table, or with a table at its end when the owner has removed
 * it. Rows that the owner added stay, and so does what they wrote into a row whose value did not change. null:
 * the page's text cannot be read as storage format, so it is better left alone.
 */
export function replaceDetails(
  storage: string,
  fields: readonly Field[],
  before: Readonly<FieldValues>,
  values: Readonly<FieldValues>,
): string | null {
  let isDone = false;
  const rewritten = rewriteElements(storage, ({ prefix, local, attribute, inner, whole }) => {
    if (prefix !== 'ac' || local !== 'structured-macro' || attribute('name') !== 'details') return null;
    // A second copy, pasted by the owner, is theirs.
    if (isDone || !inner.includes(`<ac:parameter ac:name="id">${MACRO_ID}</ac:parameter>`)) return null;
    isDone = true;
    return whole.replace(inner, () => replaceRows(inner, fields, before, values));
  });
  if (rewritten.kind === 'invalid') return null;
  return isDone ? rewritten.storage : `${rewritten.storage}${detailsTable(fields, values)}`;
}

function replaceRows(table: string, fields: readonly Field[], before: Readonly<FieldValues>, values: Readonly<FieldValues>): string {
  const missing = new Map(fields.map((field) => [escapeXml(field.label), field]));
  const rewritten = rewriteElements(table, ({ prefix, local, inner }) => {
    if (prefix !== '' || local !== 'tr') return null;
    const label =
      /<th[^>]*>([\s\S]*?)<\/th>/
        .exec(inner)?.[1]
        ?.replace(/<[^>]*>/g, '')
        .trim() ?? '';
    const field = missing.get(label);
    if (!field) return null;
    missing.delete(label);
    return own(values, field.key) === own(before, field.key) ? null : rowOf(field, values);
  });
  if (rewritten.kind === 'invalid') return table;
  const added = [...missing.values()].map((field) => rowOf(field, values)).join('');
  const end = rewritten.storage.lastIndexOf('</tbody>');
  return end < 0 ? rewritten.storage : `${rewritten.storage.slice(0, end)}${added}${rewritten.storage.slice(end)}`;
}

/** Version message of a homepage on which the owner's details were written. */
export const detailsMessage = (locale: string): string => catalogueOf(locale)['page.details.message'];

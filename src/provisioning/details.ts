/**
 * The details table: Confluence's page-properties macro on the homepage, which its own report macro can
 * list, filled with the values of the admin's fields.
 */
import type { FieldValues } from '../domain/fields';
import type { Field } from '../domain/policy';
import { escapeXml, rewriteElements } from './storage-format';
import { catalogueOf } from './text';

/** The macro's own id tells Homestead's table from any other page properties on the page. */
const MACRO_ID = 'homestead';

/** Storage format of the table; a value that is missing stays an empty place to be seen. */
export function detailsTable(fields: readonly Field[], values: Readonly<FieldValues>): string {
  if (fields.length === 0) return '';
  const rows = fields.map((field) => `<tr><th>${escapeXml(field.label)}</th><td>${valueOf(field, values[field.key] ?? '')}</td></tr>`);
  return [
    '<ac:structured-macro ac:name="details" ac:schema-version="1">',
    `<ac:parameter ac:name="id">${MACRO_ID}</ac:parameter>`,
    `<ac:rich-text-body><table><tbody>${rows.join('')}</tbody></table></ac:rich-text-body>`,
    '</ac:structured-macro>',
  ].join('');
}

function valueOf(field: Field, value: string): string {
  if (value === '') return '';
  if (field.kind === 'date') return `<time datetime="${escapeXml(value)}" />`;
  const paragraphs = value.split(/\n+/).map((line) => `<p>${escapeXml(line)}</p>`);
  return field.kind === 'long-text' ? paragraphs.join('') : escapeXml(value);
}

/**
 * The page with its details table replaced, or with one at its end when the owner has removed it. null: the
 * page's text cannot be read as storage format, so it is better left alone.
 */
export function replaceDetails(storage: string, fields: readonly Field[], values: Readonly<FieldValues>): string | null {
  const table = detailsTable(fields, values);
  let isDone = false;
  const rewritten = rewriteElements(storage, ({ prefix, local, attribute, inner }) => {
    if (prefix !== 'ac' || local !== 'structured-macro' || attribute('name') !== 'details') return null;
    if (!inner.includes(`<ac:parameter ac:name="id">${MACRO_ID}</ac:parameter>`)) return null;
    // A second copy, pasted by the owner, is theirs.
    if (isDone) return null;
    isDone = true;
    return table;
  });
  if (rewritten.kind === 'invalid') return null;
  return rewritten.count > 0 ? rewritten.storage : `${rewritten.storage}${table}`;
}

/** Version message of a homepage on which the owner's details were written. */
export const detailsMessage = (locale: string): string => catalogueOf(locale)['page.details.message'];

/** Text that other systems limit: what XML can hold, and how long a name may be. Pure. */

/**
 * What XML 1.0 cannot hold: control characters, halves of surrogate pairs, U+FFFE and U+FFFF
 * (https://www.w3.org/TR/xml/#charsets). Not even a numeric reference may name them.
 */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** The text without the characters that would make a page malformed. */
export function withoutNonXml(text: string): string {
  return text.replace(NOT_IN_XML, '');
}

const ELLIPSIS = '…';

/** At most `maxLength` UTF-16 units, the way Confluence counts; a longer text ends in an ellipsis, never in half a character. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let kept = '';
  for (const character of text) {
    if (kept.length + character.length > maxLength - ELLIPSIS.length) break;
    kept += character;
  }
  return `${kept.trimEnd()}${ELLIPSIS}`;
}

/** Text for systems that limit it: characters of XML, length of names. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shorten, withoutNonXml } from '../../src/domain/text';
import { builtinHomepage, homepageTitle, isOwnMessage } from '../../src/page-templates/builtin';
import { detailsTable } from '../../src/page-templates/details-table';
import { renderTemplate } from '../../src/page-templates/render';
import { parseStorage } from '../../src/page-templates/storage-format';

const anything = fc.string({ unit: 'binary', maxLength: 40 });
/** What XML cannot hold is rare among all characters. */
const nasty = fc.string({
  unit: fc.constantFrom('\v', '\u0007', '\u0000', '\ufffe', '\uffff', '\ud800', '\udc00', '&', '<', '"', 'ñ', '😀', ' '),
});

describe('text that enters a page', () => {
  it('never makes it malformed', () => {
    fc.assert(
      fc.property(fc.oneof(anything, nasty), fc.oneof(anything, nasty), (label, value) => {
        const values = { name: value, date: value, spaceName: value, spaceKey: '~7' };
        const rendered = renderTemplate('<p><at:var at:name="name" /></p>', values);
        const fields = (['text', 'long-text', 'date'] as const).map((kind) => ({ key: kind, label, kind, required: false, help: '' }));
        const texts = [
          rendered.kind === 'ok' ? rendered.body : '<',
          builtinHomepage(values, 'es'),
          detailsTable(fields, { text: value, 'long-text': value, date: value }),
        ];
        for (const text of texts) expect(parseStorage(text)).toMatchObject({ kind: 'ok' });
      }),
    );
  });

  it('loses what XML cannot hold, and nothing else', () => {
    expect(withoutNonXml('a\v\u0007b\ufffe\uffff\ud800c\udc00\t\n\r\u007f\u0085ñ😀')).toBe('abc\t\n\r\u007f\u0085ñ😀');
  });
});

describe('shorten', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['ab😀d', 4, 'ab…'],
    ['a b c', 4, 'a b…'],
    ['a  bcd', 4, 'a…'],
  ])('%j to %i', (text, length, shortened) => {
    expect(shorten(text, length)).toBe(shortened);
  });

  it('never exceeds the length or splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, length) => {
        const shortened = shorten(text, length);
        expect(shortened.length).toBeLessThanOrEqual(length);
        // Half of a surrogate pair cannot be encoded.
        expect(() => encodeURIComponent(shortened)).not.toThrow();
      }),
    );
  });
});

describe('homepageTitle', () => {
  it.each([
    ['en_US', "Jo's space"],
    ['es_ES', 'Espacio de Jo'],
  ])('is a sentence in %s, shortened inside a long name only', (locale, short) => {
    expect(homepageTitle('Jo', locale)).toBe(short);
    const title = homepageTitle('Jo'.repeat(200), locale);
    expect(title).toHaveLength(255);
    expect(title).toMatch(locale === 'en_US' ? /^Jo.*…'s space$/ : /^Espacio de Jo.*…$/);
  });
});

describe('isOwnMessage', () => {
  it.each([
    ['Set up by Homestead #homestead', true],
    ['In some other language #homestead', true],
    ['Set up by Homestead', false],
    ['Details filled in with Homestead #homestead-details', false],
    ['', false],
    [null, false],
    [undefined, false],
  ])('%j: %s', (message, isOwn) => {
    expect(isOwnMessage(message)).toBe(isOwn);
  });
});

/** The details table on a page that its owner edits: what is read, what is written, what stays. */
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/domain/policy/document';
import { mergeDetails, shownDetails } from '../../src/own-space/merge-details';
import { detailsTable, readDetails, writeDetails } from '../../src/page-templates/details-table';

const base = { required: false, help: '' };
const ROLE: Field = { key: 'role', label: 'My role', kind: 'text', ...base };
const ABOUT: Field = { key: 'about', label: 'About', kind: 'long-text', ...base };
const SINCE: Field = { key: 'since', label: 'Since', kind: 'date', ...base };
const ODD: Field = { key: 'odd', label: 'A "quoted" <año> & co', kind: 'text', ...base };
const FIELDS = [ROLE, ABOUT, SINCE, ODD];

const macro = (rows: string, id = 'homestead'): string =>
  `<ac:structured-macro ac:name="details"><ac:parameter ac:name="id">${id}</ac:parameter><ac:rich-text-body>${rows}</ac:rich-text-body></ac:structured-macro>`;
const table = (rows: string): string => macro(`<table><tbody>${rows}</tbody></table>`);
const textsOn = (storage: string, fields: Field[] = FIELDS): Record<string, string> => {
  const found = readDetails(storage, fields);
  return found.kind === 'table' ? Object.fromEntries([...found.cells].map(([key, cell]) => [key, cell.text])) : { [found.kind]: '' };
};

describe('readDetails', () => {
  it('reads back what was written', () => {
    const values = { role: 'R&D <lead>', about: 'One\nTwo "quoted"', since: '2020-02-29', odd: 'x' };
    expect(textsOn(`<p>Hello</p>${detailsTable(FIELDS, values)}`)).toEqual(values);
  });

  it.each([
    ['<tr><th>A "quoted" &lt;año> &amp; co</th><td>x</td></tr>', { odd: 'x' }],
    ['<tr><th>A &quot;quoted&quot; &lt;a&ntilde;o&gt; &amp; co</th><td>x</td></tr>', { odd: 'x' }],
    ['<tr><th>A &#34;quoted&#x22; &#60;a&#xF1;o&#62; &#38; co</th><td>x</td></tr>', { odd: 'x' }],
    ['<tr><th><p local-id="1"><strong>My&nbsp;</strong>role </p></th><td><p>Lead &ndash; design</p></td></tr>', { role: 'Lead – design' }],
    ['<tr><td>My role</td><td>x</td></tr>', { role: 'x' }],
    ['<tr><th>My role</th><th>x</th></tr>', { role: 'x' }],
    ['<tr><th>My role</th><td/></tr>', { role: '' }],
    ['<tr><th>My role</th></tr>', { role: '' }],
    ['<tr><th>About</th><td><p>One</p><p><br /></p><p>Two<br />Three</p></td></tr>', { about: 'One\nTwo\nThree' }],
    ['<tr><th>Since</th><td><p><time datetime="2026-01-02" /> </p></td></tr>', { since: '2026-01-02' }],
    ['<tr><th>My role</th><td><ac:placeholder>Type here</ac:placeholder></td></tr>', { role: '' }],
    ['<tr><th>My role</th><td>first</td></tr><tr><th>My role</th><td>second</td></tr>', { role: 'first' }],
    ['<tr><th>Other</th><td><table><tbody><tr><th>My role</th><td>nested</td></tr></tbody></table></td></tr>', {}],
  ])('%s', (rows, values) => {
    expect(textsOn(table(rows))).toEqual(values);
  });

  it('takes the first table of its own, and no other', () => {
    const row = (text: string): string => `<table><tbody><tr><th>My role</th><td>${text}</td></tr></tbody></table>`;
    expect(textsOn(macro(row('theirs'), 'mine') + macro(row('ours')) + macro(row('copy')))).toEqual({ role: 'ours' });
    expect(textsOn(macro(row('theirs'), 'mine'))).toEqual({ none: '' });
    expect(textsOn('<p>broken')).toEqual({ invalid: '' });
  });
});

describe('writeDetails', () => {
  it('changes the named cells, and not a byte around them', () => {
    const page = (role: string, about: string): string =>
      `<p>Hi&nbsp;there</p>${table(`<tr class="x"><th scope="row">My&nbsp;role</th><td colspan="1">${role}</td></tr><tr><th>Pet</th><td>Rex <ac:emoticon ac:name="smile" /></td></tr><tr><th>About</th><td><p>${about}</p></td></tr>`)}<p>&eacute;</p>`;
    expect(writeDetails(page('<p>old</p>', 'kept'), FIELDS, { role: 'a < b' }, {})).toBe(page('a &lt; b', 'kept'));
    expect(writeDetails(page('<p>old</p>', 'kept'), FIELDS, {}, {})).toBe(page('<p>old</p>', 'kept'));
    expect(writeDetails(page('old', 'kept'), FIELDS, { role: '' }, {})).toBe(page('', 'kept'));
  });

  it('fills a cell that closes itself, or is not there', () => {
    expect(writeDetails(table('<tr><th>My role</th><td class="a" /></tr>'), FIELDS, { role: 'x' }, {})).toBe(
      table('<tr><th>My role</th><td class="a">x</td></tr>'),
    );
    expect(writeDetails(table('<tr><th>My role</th></tr>'), FIELDS, { role: 'x' }, {})).toBe(table('<tr><th>My role</th><td>x</td></tr>'));
  });

  it('adds a row only for a value, after the last one', () => {
    expect(writeDetails(table('<tr><th>Pet</th><td>Rex</td></tr>'), FIELDS, { role: 'x', about: '' }, {})).toBe(
      table('<tr><th>Pet</th><td>Rex</td></tr><tr><th>My role</th><td>x</td></tr>'),
    );
    expect(writeDetails(macro('<p>gone</p>'), [ROLE], { role: 'x' }, {})).toBe(
      macro('<p>gone</p><table><tbody><tr><th>My role</th><td>x</td></tr></tbody></table>'),
    );
  });

  it('puts a whole table at the end of a page that has none, and leaves an unreadable page alone', () => {
    expect(writeDetails('<p>a</p>', [ROLE], { role: 'x' }, { role: 'x' })).toBe(`<p>a</p>${detailsTable([ROLE], { role: 'x' })}`);
    expect(writeDetails('<p>a', [ROLE], { role: 'x' }, { role: 'x' })).toBeNull();
  });

  it('needs no second row for a label that the editor has written in its own way', () => {
    const edited = detailsTable([ODD], { odd: 'a' }).replace('&quot;quoted&quot; &lt;año&gt;', '"quoted" &lt;a&ntilde;o>');
    const written = writeDetails(edited, [ODD], { odd: 'b' }, {});
    expect(written?.match(/<tr>/g)).toHaveLength(1);
    expect(textsOn(written ?? '')).toEqual({ odd: 'b' });
  });
});

describe('mergeDetails', () => {
  const LINK = '<ac:link><ri:user ri:account-id="1" /></ac:link>';
  const long = 'x'.repeat(901);
  it.each([
    ['what the page lacks is written', '', { given: 'new' }, { role: 'new' }, {}],
    ['what the page lacks is written again, though it was kept before', '', { last: 'new', given: 'new' }, { role: 'new' }, {}],
    ['what the form showed is replaced', 'shown', { seen: 'shown', given: 'new' }, { role: 'new' }, {}],
    ['what Homestead wrote is replaced', 'ours', { last: 'ours', given: 'new' }, { role: 'new' }, {}],
    ['a value may be emptied', 'ours', { seen: 'ours', given: '' }, { role: '' }, {}],
    ['the same words in other markup are no change', '<p>A&nbsp;&amp; B</p>', { given: 'A & B' }, {}, {}],
    ['the owner’s words stay', 'theirs', { last: 'ours', seen: 'ours', given: 'new' }, {}, { role: 'changed-on-page' }],
    ['... also when the form was not touched', 'theirs', { last: 'ours', seen: 'ours', given: 'ours' }, {}, { role: 'changed-on-page' }],
    ['... also when nobody says what the form showed', 'theirs', { given: 'new' }, {}, { role: 'changed-on-page' }],
    ['... until the form has shown them', 'theirs', { last: 'ours', seen: 'theirs', given: 'new' }, { role: 'new' }, {}],
    ['a link stays', `a ${LINK}`, { last: 'a', seen: 'a', given: 'new' }, {}, { role: 'rich-on-page' }],
    ['... and is no problem while nothing is to change', `a ${LINK}`, { seen: 'a', given: 'a' }, {}, {}],
    ['more text than the form takes stays', long, { seen: `${'x'.repeat(899)}…`, given: 'new' }, {}, { role: 'rich-on-page' }],
    ['... and is no problem while nothing is to change', long, { seen: null, given: `${'x'.repeat(899)}…` }, {}, {}],
  ] as [string, string, { last?: string; seen?: string | null; given: string }, object, object][])(
    '%s',
    (_what, cell, { last = '', seen = null, given }, changes, problems) => {
      const page = readDetails(table(`<tr><th>My role</th><td>${cell}</td></tr>`), [ROLE]);
      const merged = mergeDetails([ROLE], page, {
        last: { role: last },
        seen: seen === null ? null : { role: seen },
        given: { role: given },
      });
      expect(merged).toMatchObject({ changes, problems });
      expect(Object.keys(merged.changes)).toEqual(Object.keys(changes));
      expect(Object.keys(merged.onPage)).toEqual(Object.keys(problems));
    },
  );
});

describe('shownDetails', () => {
  it('shows the page, with the blank lines that were typed, or what is stored when it has no table', () => {
    const stored = { role: 'ours', about: 'a\n\nb', since: '2020-01-01' };
    const page = readDetails(table('<tr><th>My role</th><td>theirs</td></tr><tr><th>About</th><td><p>a</p><p>b</p></td></tr>'), FIELDS);
    expect(shownDetails(FIELDS, page, stored)).toEqual({ role: 'theirs', about: 'a\n\nb' });
    expect(shownDetails(FIELDS, { kind: 'none' }, stored)).toEqual(stored);
    expect(shownDetails(FIELDS, { kind: 'invalid' }, stored)).toEqual(stored);
  });
});

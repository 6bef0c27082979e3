/** Details: which values fit a field, and which details are missing. */
import { describe, expect, it } from 'vitest';
import { checkFields, lacksDetails } from '../../src/domain/fields';
import type { Field } from '../../src/domain/policy/document';

const base = { required: false, help: '' };
const FIELDS: Field[] = [
  { key: 'role', label: 'Role', kind: 'text', ...base, required: true },
  { key: 'about', label: 'About', kind: 'long-text', ...base },
  { key: 'office', label: 'Office', kind: 'select', ...base, options: ['Lisbon', 'Oslo'] },
  { key: 'since', label: 'Since', kind: 'date', ...base },
];

describe('checkFields', () => {
  it.each([
    [{ role: ' Engineer ' }, { role: 'Engineer' }, {}],
    [{}, {}, { role: 'required' }],
    [{ role: '   ' }, {}, { role: 'required' }],
    [{ role: 'x'.repeat(201) }, { role: 'x'.repeat(201) }, { role: 'too-long' }],
    [{ role: 'x', about: 'y'.repeat(901) }, { role: 'x', about: 'y'.repeat(901) }, { about: 'too-long' }],
    [{ role: 'x', office: 'Paris' }, { role: 'x', office: 'Paris' }, { office: 'not-an-option' }],
    [{ role: 'x', since: '2026-02-30' }, { role: 'x', since: '2026-02-30' }, { since: 'not-a-day' }],
    [{ role: 'x', since: '2026-02-28', office: 'Oslo' }, { role: 'x', since: '2026-02-28', office: 'Oslo' }, {}],
    [{ role: 'x', unknown: 'y', ['__proto__']: 'z' }, { role: 'x' }, {}],
  ])('%j', (given, values, problems) => {
    expect(checkFields(FIELDS, given as Record<string, string>)).toEqual({ values, problems });
  });

  it('counts only required details as missing', () => {
    expect(lacksDetails(FIELDS, {})).toBe(true);
    expect(lacksDetails(FIELDS, { role: 'x' })).toBe(false);
    expect(lacksDetails([], {})).toBe(false);
  });
});

/** The policy document: what it accepts, what it refuses and where, how versions differ, and that matching stays fast. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePolicies } from '../../src/domain/policy/compare';
import { DEFAULT_POLICY, MAX_POLICY_BYTES, Policy, parsePolicyText } from '../../src/domain/policy/document';
import { groupsOf, isIdle, matchRule } from '../../src/domain/policy/match';

const problemsOf = (document: unknown): { path: string; reason: string }[] => {
  const parsed = parsePolicyText(JSON.stringify(document));
  return 'problems' in parsed ? parsed.problems : [];
};

describe('the document', () => {
  it('has a default for everything, and it is off by default', () => {
    expect(DEFAULT_POLICY.everyoneElse).toEqual({ mode: 'off', selfService: false, template: 'standard', access: 'private' });
    expect(isIdle(DEFAULT_POLICY)).toBe(true);
  });

  it('reads its own text back unchanged', () => {
    const policy = Policy.parse({
      rules: [{ id: 'a', name: 'A', groups: ['g'] }],
      templates: [{ key: 'standard', name: 'S', fields: [{ key: 'f', label: 'F', kind: 'date' }] }],
    });
    expect(parsePolicyText(JSON.stringify(policy, null, 2))).toEqual({ policy });
  });

  it('migrates a document of the first version', () => {
    const old = { schemaVersion: 1, mode: 'ask', template: { kind: 'confluence', templateId: '425985' } };
    const { policy } = parsePolicyText(JSON.stringify(old)) as { policy: Policy };
    expect(policy.everyoneElse.mode).toBe('ask');
    expect(policy.templates[0]?.homepage).toEqual({ kind: 'confluence', templateId: '425985' });
  });

  it.each([
    ['an unknown key', { modus: 'ask' }, ''],
    ['a wrong mode', { everyoneElse: { mode: 'sometimes' } }, 'everyoneElse.mode'],
    ['a rule without a name', { rules: [{ id: 'a' }] }, 'rules.0.name'],
    [
      'two rules with the same id',
      {
        rules: [
          { id: 'a', name: 'A' },
          { id: 'a', name: 'B' },
        ],
      },
      'rules.1.id',
    ],
    ['a template that does not exist', { rules: [{ id: 'a', name: 'A', template: 'zz' }] }, 'rules.0.template'],
    [
      'a select without options',
      { templates: [{ key: 'standard', name: 'S', fields: [{ key: 'f', label: 'F', kind: 'select', options: [] }] }] },
      'templates.0.fields.0.options',
    ],
    [
      'two fields with the same label',
      {
        templates: [
          {
            key: 'standard',
            name: 'S',
            fields: [
              { key: 'f', label: 'F', kind: 'text' },
              { key: 'g', label: 'F', kind: 'text' },
            ],
          },
        ],
      },
      'templates.0.fields.1.label',
    ],
    ['a day that does not exist', { rollout: { startsOn: '2026-02-30' } }, 'rollout.startsOn'],
    ['more than 100 percent', { rollout: { percent: 101 } }, 'rollout.percent'],
    ['a wave for nobody', { rollout: { waves: [{ name: 'W', groups: [], startsOn: '2026-01-01' }] } }, 'rollout.waves.0.groups'],
    ['a later version', { schemaVersion: 3 }, 'schemaVersion'],
  ])('gives the path of %s', (_name, document, path) => {
    expect(problemsOf(document).map((problem) => problem.path)).toContain(path);
    for (const problem of problemsOf(document)) expect(problem.reason).not.toBe('');
  });

  it('says what is wrong with text that is not JSON', () => {
    expect(parsePolicyText('{"rules": [}')).toMatchObject({ problems: [{ path: '', reason: expect.stringContaining('JSON') }] });
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Object.keys(parsePolicyText(text))).toHaveLength(1);
      }),
    );
  });

  it('refuses a policy that is too large for storage', () => {
    const groups = Array.from({ length: 5_000 }, (_, i) => `35e417ad-bcb1-45fe-9be0-${String(i).padStart(12, '0')}`);
    const rule = (id: string) => ({ id, name: id, groups });
    expect(problemsOf({ rules: [rule('a')] })).toEqual([]);
    expect(problemsOf({ rules: [rule('a'), rule('b')] })[0]?.reason).toContain(String(MAX_POLICY_BYTES));
  });
});

describe('rules', () => {
  it('are matched by looking only at the groups a person is in, even with 200 rules and 5,000 groups', () => {
    const id = (n: number): string => `35e417ad-bcb1-45fe-9be0-${String(n).padStart(12, '0')}`;
    const rules = Array.from({ length: 200 }, (_, r) => ({
      id: `r${r}`,
      name: `Rule ${r}`,
      groups: Array.from({ length: 25 }, (_, g) => id(r * 25 + g)),
    }));
    const policy = Policy.parse({ rules, everyoneElse: { mode: 'auto' } });
    expect(groupsOf(policy)).toHaveLength(5_000);
    let read = 0;
    const groups: ReadonlySet<string> = new Set([id(4_999), id(6_000)]);
    const counting = {
      has: () => {
        throw new Error('asks about a group of the policy, not of the person');
      },
      *[Symbol.iterator]() {
        for (const group of groups) {
          read += 1;
          yield group;
        }
      },
    };
    expect(matchRule(policy, counting as unknown as ReadonlySet<string>)).toMatchObject({ ruleId: 'r199', verdicts: { length: 200 } });
    expect(read).toBe(2);
  });
});

describe('what changed between two versions', () => {
  const before = Policy.parse({
    rules: [
      { id: 'a', name: 'A' },
      { id: 'b', name: 'B' },
    ],
    everyoneElse: { mode: 'ask' },
  });

  it.each([
    [
      'a mode',
      { ...before, everyoneElse: { ...before.everyoneElse, mode: 'auto' as const } },
      [{ path: 'everyoneElse.mode', before: 'ask', after: 'auto' }],
    ],
    ['the order of rules', { ...before, rules: [...before.rules].reverse() }, [{ path: 'rules', before: 'a, b', after: 'b, a' }]],
    [
      'a rule that was removed',
      { ...before, rules: before.rules.slice(0, 1) },
      [{ path: 'rules.b', before: expect.stringContaining('"B"'), after: null }],
    ],
    ['nothing', before, []],
  ])('names %s', (_name, after, expected) => {
    expect(comparePolicies(before, after)).toEqual(expected);
  });
});

/** What is archived when a run that created spaces is undone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Person } from '../../src/domain/person';
import { DEFAULT_POLICY } from '../../src/domain/policy/document';
import { NO_APP_ROLE, type PromisedSpace } from '../../src/domain/space';
import { type CreatedContents, childTitles, decideUndo, type Found, isKeptForGood, leftAlone } from '../../src/domain/undo';

const MINUTE_MS = 60_000;
const FROM = Date.UTC(2026, 10, 23, 9);
const CREATION = { from: FROM, to: FROM + 60 * MINUTE_MS, by: 'run' as const };
const AT = FROM + MINUTE_MS;
const TITLES = new Set(['Notes']);

const space = { id: '7', type: 'personal', status: 'current', createdAt: AT + 1_000, homepageId: '8', canAdminister: true };
const person: Person = { accountId: 'a', revision: 2, since: AT, state: 'ready', spaceId: '7', origin: 'created', remindAt: null };
const promise: PromisedSpace = {
  ...{ spaceId: '7', revision: 1, ownerId: 'a', key: '~a', origin: 'created', call: 'private-call' },
  ...{ status: 'current', statusSince: AT, since: AT },
  access: { promised: 'private', actual: 'private', broken: null },
  appRole: NO_APP_ROLE,
  template: { key: 'standard', source: 'builtin', problem: null },
  lacksDetails: false,
};
const found: Found = { space, person, promise, wasReturned: false, made: { runId: null, reason: 'rule-auto', policyVersion: 1 } };
const home = { id: '8', title: 'Ana', versions: 2, createdAt: AT + 1_000, isOwnVersion: true };
const notes = { id: '9', title: 'Notes', versions: 1, createdAt: AT + 9_000, isOwnVersion: false };
const contents: CreatedContents = { pages: [notes, home], blogPosts: 0, others: 0 };

const decide = (change: Partial<Found>, inIt: CreatedContents | null = contents) =>
  decideUndo(CREATION, { ...found, ...change }, inIt, TITLES);

describe('decideUndo', () => {
  it.each([
    ['space-untouched', {}, 'archive'],
    ['not-visible', { space: null }, 'keep'],
    ['not-personal', { space: { ...space, type: 'global' } }, 'keep'],
    ['already-archived', { space: { ...space, status: 'archived' } }, 'keep'],
    ['not-current', { space: { ...space, status: 'trashed' } }, 'keep'],
    ['not-administrator', { space: { ...space, canAdminister: null } }, 'keep'],
    ['space-returned', { wasReturned: true }, 'keep'],
  ] as const)('%s', (reason, change, action) => {
    expect(decide(change)).toEqual({ action, reason });
  });

  it.each([
    ['by a run', { runId: 'r', reason: 'rule-auto' as const, policyVersion: 1 }],
    ['because somebody asked', { runId: null, reason: 'person-asked' as const, policyVersion: 1 }],
    ['for a reason that nobody knows', { runId: null, reason: null, policyVersion: null }],
    ['before there was a trail', null],
  ])('of what a policy gave people, keeps a space that was created %s', (_why, made) => {
    const creation = { ...CREATION, by: 'policy' as const };
    expect(decideUndo(creation, found, contents, TITLES)).toEqual({ action: 'archive', reason: 'space-untouched' });
    expect(decideUndo(creation, { ...found, made }, contents, TITLES)).toEqual({ action: 'keep', reason: 'not-created-by-policy' });
    expect(decide({ made })).toEqual({ action: 'archive', reason: 'space-untouched' });
  });

  it.each([
    ['of another person’s record', { person: null }],
    ['of another state', { person: { ...person, state: 'declined' } as Person }],
    ['of another space', { person: { ...person, spaceId: '6' } as Person }],
    ['adopted', { person: { ...person, origin: 'adopted' } as Person }],
    ['not on record', { promise: null }],
    ['on record as adopted', { promise: { ...promise, origin: 'adopted' } as PromisedSpace }],
    ['recorded earlier', { promise: { ...promise, since: FROM - 1 } }],
    ['recorded later', { promise: { ...promise, since: CREATION.to + 1 } }],
    ['created earlier', { space: { ...space, createdAt: FROM - 1 } }],
    ['created later', { space: { ...space, createdAt: CREATION.to + 1 } }],
  ])('keeps a space %s', (_what, change) => {
    expect(decide(change)).toEqual({ action: 'keep', reason: 'not-created-by-run' });
  });

  it.each([
    ['an edited homepage', { pages: [notes, { ...home, versions: 3 }] }],
    ['a homepage with another message', { pages: [notes, { ...home, isOwnVersion: false }] }],
    ['an edited child page', { pages: [{ ...notes, versions: 2, isOwnVersion: true }, home] }],
    ['a page of another title', { pages: [{ ...notes, title: 'Mine' }, home] }],
    ['a page that came later', { pages: [{ ...notes, createdAt: AT + 6 * MINUTE_MS }, home] }],
    ['a page of before', { pages: [{ ...notes, createdAt: AT }, home] }],
    ['a blog post', { blogPosts: 1 }],
    ['a comment', { others: 1 }],
  ])('keeps a space with %s', (_what, change) => {
    expect(decide({}, { ...contents, ...change })).toEqual({ action: 'keep', reason: 'space-in-use' });
  });

  it('keeps what nobody can look into', () => {
    expect(decide({}, null)).toEqual({ action: 'keep', reason: 'activity-unknown' });
    expect(decide({}, { ...contents, pages: [] })).toEqual({ action: 'keep', reason: 'activity-unknown' });
    expect(decide({ space: { ...space, homepageId: null } }, { ...contents, pages: [] }).action).toBe('keep');
    expect(decide({}, { ...contents, pages: [notes] })).toEqual({ action: 'keep', reason: 'activity-unknown' });
  });

  it('never archives a space with a page that Homestead cannot have left there', () => {
    const page = fc.record({
      id: fc.constantFrom('8', '9', '10'),
      title: fc.constantFrom('Ana', 'Notes', 'Mine'),
      versions: fc.integer({ min: 1, max: 3 }),
      createdAt: fc.integer({ min: AT - 2 * MINUTE_MS, max: AT + 8 * MINUTE_MS }),
      isOwnVersion: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(page, { maxLength: 4 }), fc.nat(1), fc.nat(1), (pages, blogPosts, others) => {
        if (decide({}, { pages, blogPosts, others }).action !== 'archive') return;
        expect(blogPosts + others).toBe(0);
        for (const { id, title, versions, isOwnVersion } of pages) {
          if (id === '8') expect(versions === 1 || (versions === 2 && isOwnVersion)).toBe(true);
          else expect({ title, versions }).toEqual({ title: 'Notes', versions: 1 });
        }
      }),
    );
  });
});

it('knows the child pages of a template in every version of the policy', () => {
  const [standard] = DEFAULT_POLICY.templates;
  const policyWith = (title: string, key = 'standard') => ({
    ...DEFAULT_POLICY,
    templates: [{ ...(standard as NonNullable<typeof standard>), key, children: [{ title, source: { kind: 'builtin' as const } }] }],
  });
  const titles = childTitles([policyWith('Notes'), policyWith('Plans'), policyWith('Other', 'other')], 'standard');
  expect([...titles]).toEqual(['Notes', 'Plans']);
});

it('says what an undo leaves alone, and what it will never archive', () => {
  expect(leftAlone({ created: 3, adopted: 2, offered: 1 })).toEqual([
    { reason: 'space-adopted', count: 2 },
    { reason: 'offer-open', count: 1 },
  ]);
  expect(leftAlone({ created: 3 })).toEqual([]);
  expect(isKeptForGood({ outcome: 'kept', reason: 'space-in-use' })).toBe(true);
  expect(isKeptForGood({ outcome: 'kept', reason: 'not-visible' })).toBe(false);
  expect(isKeptForGood({ outcome: 'failed', reason: 'confluence-failed' })).toBe(false);
});

/** What may be archived and restored. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideCleanup, decideRestore, pointsOf, type SpaceFacts, unchangedSince } from '../../src/domain/cleanup';

const SINCE = Date.UTC(2026, 4, 27);
const unused: SpaceFacts = { type: 'personal', status: 'current', canAdminister: true, lastChangedAt: SINCE - 1 };

describe('decideCleanup', () => {
  it.each([
    ['unused', unused, 'archive'],
    ['unused', { ...unused, lastChangedAt: 0 }, 'archive'],
    ['changed-since', { ...unused, lastChangedAt: SINCE }, 'keep'],
    ['not-personal', { ...unused, type: 'global' }, 'keep'],
    ['already-archived', { ...unused, status: 'archived' }, 'keep'],
    ['not-current', { ...unused, status: 'trashed' }, 'keep'],
    ['not-current', { ...unused, status: 'a-new-status' }, 'keep'],
    ['activity-unknown', { ...unused, lastChangedAt: null }, 'keep'],
    ['not-administrator', { ...unused, canAdminister: false }, 'keep'],
    ['not-administrator', { ...unused, canAdminister: null }, 'keep'],
    ['not-visible', null, 'keep'],
  ] as const)('%s', (reason, space, action) => {
    expect(decideCleanup(space, SINCE)).toEqual({ action, reason });
  });

  it('archives only when every fact is certain', () => {
    const anySpace = fc.option(
      fc.record({
        type: fc.constantFrom('personal', 'global', 'other'),
        status: fc.constantFrom('current', 'archived', 'trashed', 'other'),
        canAdminister: fc.option(fc.boolean()),
        lastChangedAt: fc.option(fc.integer({ min: SINCE - 5, max: SINCE + 5 })),
      }),
    );
    fc.assert(
      fc.property(anySpace, (space) => {
        if (decideCleanup(space, SINCE).action !== 'archive') return;
        expect(space).toMatchObject({ type: 'personal', status: 'current', canAdminister: true });
        expect(space?.lastChangedAt).toBeLessThan(SINCE);
      }),
    );
  });
});

describe('decideRestore', () => {
  it.each([
    [{ status: 'archived', canAdminister: true }, 'restore', 'archived-by-job'],
    [{ status: 'current', canAdminister: true }, 'keep', 'not-archived'],
    [{ status: 'archived', canAdminister: false }, 'keep', 'not-administrator'],
    [null, 'keep', 'not-visible'],
  ] as const)('%j', (space, action, reason) => {
    expect(decideRestore(space)).toEqual({ action, reason });
  });
});

it('says what archiving and restoring 100,000 spaces cost', () => {
  expect(pointsOf('archive', 100_000)).toBe(710_000);
  expect(pointsOf('archive', 1)).toBe(8);
  expect(pointsOf('restore', 100_000)).toBe(300_000);
  expect(pointsOf('archive', 0)).toBe(0);
});

it('counts whole days back from the moment of the preview', () => {
  expect(new Date(unchangedSince(180, Date.UTC(2026, 10, 23, 9))).toISOString()).toBe('2026-05-27T09:00:00.000Z');
});

/** Whose turn comes when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineCount, placeOf, servedBy } from '../../src/domain/turn';

const NOW = Date.UTC(2026, 10, 23, 9, 10);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NEXT_HOUR = NOW + 50 * MINUTE;

describe('when people are served', () => {
  const room = { now: 900, perHour: 5_400, nextHourAt: NEXT_HOUR };

  it('is within this hour as long as its points last', () => {
    expect(servedBy(100, 9, room, NOW)).toBeLessThan(NOW + 2 * MINUTE);
    expect(servedBy(101, 9, room, NOW)).toBeGreaterThanOrEqual(NEXT_HOUR);
  });

  it('goes on hour by hour', () => {
    // 100 now, 600 in each hour that follows.
    expect(servedBy(700, 9, room, NOW)).toBeLessThan(NEXT_HOUR + HOUR);
    expect(servedBy(701, 9, room, NOW)).toBeGreaterThanOrEqual(NEXT_HOUR + HOUR);
    expect(servedBy(1_301, 9, room, NOW)).toBeGreaterThanOrEqual(NEXT_HOUR + 2 * HOUR);
  });

  it('is never earlier for whoever stands further back', () => {
    fc.assert(
      fc.property(fc.nat(50_000), fc.nat(50_000), fc.nat(65_000), fc.integer({ min: 0, max: 65_000 }), (a, b, now, perHour) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        const at = (people: number): number => servedBy(people, 9, { now, perHour, nextHourAt: NEXT_HOUR }, NOW);
        expect(at(less)).toBeLessThanOrEqual(at(more));
        expect(at(less)).toBeGreaterThanOrEqual(NOW);
      }),
    );
  });
});

describe('the place in a counted line', () => {
  const count: LineCount = {
    at: NOW,
    count: 300,
    served: 0,
    marks: [
      [NOW - 3 * MINUTE, 0],
      [NOW - 2 * MINUTE, 100],
      [NOW - MINUTE, 200],
    ],
    pointsPerPerson: 9,
  };

  it('is read off the marks, and between them in proportion', () => {
    expect(placeOf(count, NOW - 3 * MINUTE)).toBe(0);
    expect(placeOf(count, NOW - 2.5 * MINUTE)).toBe(50);
    expect(placeOf(count, NOW - MINUTE)).toBe(200);
  });

  it('moves up as others are served, and is behind everybody for whoever came later', () => {
    expect(placeOf({ ...count, served: 120 }, NOW - 2.5 * MINUTE)).toBe(0);
    expect(placeOf({ ...count, served: 120 }, NOW - MINUTE)).toBe(80);
    expect(placeOf(count, NOW + MINUTE)).toBe(300);
    expect(placeOf({ ...count, marks: [] }, NOW)).toBe(0);
  });
});

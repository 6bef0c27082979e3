/** How the points of an hour are shared out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUDGET_CLASSES,
  type BudgetClass,
  learn,
  leaseSize,
  limitOf,
  newHour,
  roomFor,
  stepSize,
  totalSpent,
} from '../../src/domain/budget';

/** The beginning of an hour, when the most is kept for others. */
const NOW = Date.UTC(2026, 10, 23, 9);
const MINUTE = 60_000;
const SHARE = 50;
const spent = (quota: number, byClass: Partial<Record<BudgetClass, number>>) => {
  const hour = newHour(quota);
  return { ...hour, byClass: { ...hour.byClass, ...byClass } };
};

describe('the points of an hour', () => {
  it.each([65_000, 6_500])('of %i are kept for each class against those below it', (quota) => {
    let hour = newHour(quota);
    const left: [BudgetClass, number][] = [];
    // The lowest class takes all it can get first.
    for (const name of [...BUDGET_CLASSES].reverse()) {
      const room = roomFor(name, hour, 90, NOW);
      left.push([name, room / quota]);
      hour = { ...hour, byClass: { ...hour.byClass, [name]: room } };
    }
    expect(left).toEqual([
      ['jobs', 0.75],
      ['events', 0.05],
      ['undo', 0.05],
      ['person', 0.1],
      ['admin', 0.05],
    ]);
    expect(totalSpent(hour)).toBe(quota);
  });

  it('are all there for the highest class, and what it spends is no longer kept for it', () => {
    expect(roomFor('admin', newHour(6_500), SHARE, NOW)).toBe(6_500);
    expect(roomFor('undo', newHour(6_500), SHARE, NOW)).toBe(5_525);
    expect(roomFor('undo', spent(6_500, { admin: 200 }), SHARE, NOW)).toBe(5_525);
    expect(roomFor('undo', spent(6_500, { admin: 1_000 }), SHARE, NOW)).toBe(4_850);
  });

  it('are kept for others less and less toward the end of the hour, and never not at all', () => {
    const room = (minute: number) => roomFor('events', newHour(10_000), SHARE, NOW + minute * MINUTE);
    expect([room(0), room(30), room(59.999)]).toEqual([8_000, 8_800, 9_599]);
    // Nothing is kept that its class has spent.
    expect(roomFor('events', spent(10_000, { person: 1_000 }), SHARE, NOW + 30 * MINUTE)).toBe(8_400);
  });

  it('go to the clicks of people for a half at most, so that a herd of them leaves room for others', () => {
    expect(roomFor('person', newHour(6_500), SHARE, NOW)).toBe(3_250);
    expect(roomFor('person', spent(6_500, { person: 3_200 }), SHARE, NOW)).toBe(50);
    expect(limitOf('person', 65_000, SHARE)).toBe(32_500);
  });

  it('go to jobs by the share of the admin', () => {
    expect(roomFor('jobs', spent(6_500, { jobs: 1_000 }), 20, NOW)).toBe(300);
    expect(limitOf('jobs', 65_000, 90)).toBe(48_750);
  });

  it('are less for background work by what others use; whoever waits for an answer may try', () => {
    const hour = { ...newHour(6_500), others: 6_000 };
    expect(BUDGET_CLASSES.map((name) => roomFor(name, hour, SHARE, NOW) > 0)).toEqual([true, true, false, false, false]);
  });

  it('are not asked for in the background while Confluence refuses the app', () => {
    const hour = { ...newHour(6_500), blockedUntil: NOW + 1 };
    expect(BUDGET_CLASSES.map((name) => roomFor(name, hour, SHARE, NOW) > 0)).toEqual([true, true, false, false, false]);
    expect(roomFor('events', hour, SHARE, NOW + 1)).toBeGreaterThan(0);
  });

  it('are never handed out twice, however many processes take leases', () => {
    const take = fc.record({ name: fc.constantFrom(...BUDGET_CLASSES), needed: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.constantFrom(40, 600, 6_500), fc.array(take, { maxLength: 400 }), (quota, takes) => {
        let hour = newHour(quota);
        for (const { name, needed } of takes) {
          const size = leaseSize(roomFor(name, hour, SHARE, NOW), needed, quota);
          expect(size === 0 || size >= needed).toBe(true);
          hour = { ...hour, byClass: { ...hour.byClass, [name]: hour.byClass[name] + size } };
        }
        expect(totalSpent(hour)).toBeLessThanOrEqual(quota);
      }),
      { numRuns: 200 },
    );
  });

  it('are leased in small parts, smaller toward the end', () => {
    expect([65_000, 3_000, 400, 20].map((room) => leaseSize(room, 12, 65_000))).toEqual([325, 187, 25, 12]);
    expect(leaseSize(11, 12, 65_000)).toBe(0);
  });

  it('are set aside for a step of a job; one that costs more than an hour gives goes first in its hour', () => {
    expect(stepSize(1_000, 400, 3_250, 0)).toBe(400);
    expect(stepSize(399, 400, 3_250, 0)).toBe(null);
    expect(stepSize(300, 1_526, 300, 0)).toBe(300);
    expect(stepSize(200, 1_526, 300, 0)).toBe(200);
    expect(stepSize(100, 1_526, 300, 0)).toBe(null);
    expect(stepSize(299, 1_526, 300, 1)).toBe(null);
  });
});

describe('what Confluence reports', () => {
  it('changes the quota, and says what others have used', () => {
    const hour = spent(65_000, { events: 3_000 });
    expect(learn(hour, { quota: 6_500, left: null }, 0)).toEqual({ ...hour, quota: 6_500 });
    // 5,500 are used: 2,900 by this site, of which this process has not spent 100.
    expect(learn(hour, { quota: 6_500, left: 1_000 }, 100).others).toBe(2_600);
  });

  it('does not make others give back what they have used', () => {
    const hour = { ...spent(6_500, { events: 3_000 }), others: 2_600 };
    expect(learn(hour, { quota: null, left: 3_000 }, 0).others).toBe(2_600);
  });
});

/** When a run stops to be looked at. */
import { expect, it } from 'vitest';
import { afterActing, FIRST_WAVE, leftInWave } from '../../src/domain/waves';

it('a run is looked at after 25, then after 275 in all, then after each thousand', () => {
  const ends: number[] = [];
  let wave = FIRST_WAVE;
  for (let acted = 0; acted <= 2_500; acted += 1) {
    const next = afterActing(wave, acted, 0);
    expect(next.haveManyFailed).toBe(false);
    if (next.wave !== wave) ends.push(acted);
    wave = next.wave;
    expect(leftInWave(wave, acted)).toBeGreaterThan(0);
  }
  expect(ends).toEqual([25, 275, 1_275, 2_275]);
});

it.each([
  [5, false],
  [6, true],
])('of the first 25, %i failed: an admin looks at it: %s', (failed, haveManyFailed) => {
  expect(afterActing(FIRST_WAVE, 25, failed)).toEqual({ wave: { waveStart: 25, failedBefore: failed }, haveManyFailed });
});

it('what failed in an earlier wave is not counted again', () => {
  const wave = { waveStart: 25, failedBefore: 20 };
  expect(afterActing(wave, 275, 70).haveManyFailed).toBe(false);
  expect(afterActing(wave, 275, 71).haveManyFailed).toBe(true);
});

/** Randomness on the local site: the same seed gives the same run. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Chance {
  /** Starts over, so that all that follows depends only on this number. */
  seed(seed: number): void;
  /** A whole number from 0 to `below`, not including `below`. */
  pick(below: number): number;
  /** A number from 0 to 1. */
  share(): number;
  /** The same items in a random order. */
  shuffled<T>(items: readonly T[]): T[];
}

export function chance(seed: number): Chance {
  let generator = xoroshiro128plus(seed);
  const pick = (below: number): number => uniformInt(generator, 0, below - 1);
  return {
    seed: (next) => {
      generator = xoroshiro128plus(next);
    },
    pick,
    share: () => uniformFloat64(generator),
    shuffled: (items) => {
      const result = [...items];
      for (let i = result.length - 1; i > 0; i -= 1) {
        const j = pick(i + 1);
        [result[i], result[j]] = [result[j] as (typeof result)[number], result[i] as (typeof result)[number]];
      }
      return result;
    },
  };
}

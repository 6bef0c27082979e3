/** Work that comes due on its own. Each kind is defined beside its feature; the tick gets the list from `index.ts`. */
import { MINUTE_MS } from '../domain/time';

export const MORE = 'more';

/** Due by the clock, at one tick only. */
export interface TimedWork {
  kind: string;
  /** How soon after it began it is due again. Ticks come roughly every five minutes, so for every third tick this is under fifteen. */
  everyMs: number;
  /** The most it may take of one tick. */
  leaseMs: number;
  /**
   * Must stop by `deadline` (ms), which is also before the platform ends the tick. What it throws is logged, and it is
   * tried again at the next tick. It may be cut off anywhere; then it is due again when it would have been anyway.
   * @returns `MORE` when there is more to do than one tick should: the next one continues
   */
  run(now: number, deadline: number): Promise<unknown>;
}

/** Due at every tick at which something is on its worklist. It keeps its own leases and gets the rest of the tick. */
export interface ListedWork {
  kind: string;
  /** Name of the worklist. */
  list: string;
  /** Like that of timed work; `ids` are what is on the list, oldest first. */
  run(ids: readonly string[], now: number): Promise<void>;
}

/** The schedule's interval (manifest.yml). */
export const TICK_MS = 5 * MINUTE_MS;

/** Due at every tick, which may come a little early. */
export const EVERY_TICK_MS = 4 * MINUTE_MS;

/** Due at every third tick: what an interruption left unfinished for a person is picked up within a quarter of an hour. */
export const EVERY_THIRD_TICK_MS = 14 * MINUTE_MS;

/** Due once an hour: nobody waits for it, and idle ticks stay cheap. */
export const HOURLY_MS = 59 * MINUTE_MS;

export const defineWork = (work: TimedWork): TimedWork => work;
export const defineListedWork = (work: ListedWork): ListedWork => work;

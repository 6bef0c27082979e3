/** Work that comes due by itself. Each kind is defined beside its feature; the tick gets the list from `index.ts`. */
import { MINUTE_MS } from '../domain/time';

export interface AgendaWork {
  kind: string;
  /**
   * How long after it began it is due again; 0 = at every tick, for work that keeps its own leases. Ticks come every
   * five minutes, give or take, so every third tick says less than fifteen.
   */
  everyMs: number;
  /** The most it may take of one tick. */
  leaseMs: number;
  /**
   * Must stop by `deadline` (ms), which is also before the platform ends the tick, and may be cut off anywhere:
   * what it throws is logged, and it is tried again at the next tick.
   */
  run(now: number, deadline: number): Promise<void>;
}

/** Due at every third tick: what an interruption left behind for a person waits a quarter of an hour. */
export const EVERY_THIRD_TICK_MS = 14 * MINUTE_MS;

/** Due once an hour: nobody waits for it, and idle ticks stay cheap. */
export const HOURLY_MS = 59 * MINUTE_MS;

export const defineWork = (work: AgendaWork): AgendaWork => work;

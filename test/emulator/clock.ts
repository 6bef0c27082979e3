/**
 * The site's clock. Everything on the local site that waits (event delivery, queue delays, retries,
 * scheduled triggers, index lag) waits on this clock, so a test never sleeps.
 *
 * - manual: time stands still until `advance`.
 * - live (`npm start`): time follows the wall clock plus whatever has been advanced.
 */
import { parse } from 'tinyduration';

interface Task {
  at: number;
  order: number;
  run: () => Promise<void> | void;
}

/** How many tasks that fall due at the same instant run side by side: enough to race, not to swamp. */
const PARALLEL_TASKS = 10;

export class Clock {
  private time: number;
  private liveOffset: number | undefined;
  private tasks: Task[] = [];
  private nextOrder = 0;
  private timer: NodeJS.Timeout | undefined;
  private pumping: Promise<void> = Promise.resolve();

  constructor(start: number) {
    this.time = start;
  }

  /** Milliseconds since the epoch, in the site's time. */
  now(): number {
    return this.liveOffset === undefined ? this.time : Math.max(this.time, Date.now() + this.liveOffset);
  }

  iso(): string {
    return new Date(this.now()).toISOString();
  }

  /** Runs `run` when the clock reaches now + delayMs. Answers a function that takes it back. */
  after(delayMs: number, run: Task['run']): () => void {
    const task: Task = { at: this.now() + Math.max(0, delayMs), order: this.nextOrder++, run };
    // Binary insertion keeps the list ordered by (at, order) with 100,000 tasks waiting.
    let low = 0;
    let high = this.tasks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.tasks[middle] as Task).at <= task.at) low = middle + 1;
      else high = middle;
    }
    this.tasks.splice(low, 0, task);
    this.armTimer();
    return () => {
      const index = this.tasks.indexOf(task);
      if (index >= 0) this.tasks.splice(index, 1);
    };
  }

  /** Moves the clock through everything that falls due on the way; resolves when nothing is due. */
  advance(ms: number): Promise<void> {
    const target = this.now() + ms;
    const run = this.pumping.then(() => this.runUntil(target));
    // One task that fails must not stop the clock for everything after it.
    this.pumping = run.catch(() => {}).then(() => this.armTimer());
    return run;
  }

  /** Follows the wall clock from now on (for `npm start`). */
  goLive(): void {
    this.liveOffset = this.time - Date.now();
    this.armTimer();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.tasks = [];
    this.liveOffset = undefined;
  }

  private async runUntil(target: number): Promise<void> {
    for (;;) {
      const next = this.tasks[0];
      if (!next || next.at > target) break;
      this.time = Math.max(this.time, next.at);
      const due: Task[] = [];
      while (due.length < PARALLEL_TASKS && this.tasks[0] && this.tasks[0].at <= next.at) {
        due.push(this.tasks.shift() as Task);
      }
      await Promise.all(due.map((task) => task.run()));
    }
    this.time = Math.max(this.time, target);
    if (this.liveOffset !== undefined) this.liveOffset = Math.max(this.liveOffset, target - Date.now());
  }

  private armTimer(): void {
    if (this.liveOffset === undefined) return;
    clearTimeout(this.timer);
    const next = this.tasks[0];
    if (!next) return;
    this.timer = setTimeout(
      () => {
        this.advance(0).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
      },
      Math.min(Math.max(0, next.at - this.now()), 60_000),
    );
    this.timer.unref();
  }
}

/** ISO 8601 duration to milliseconds. @throws Error when the text is not one. */
export function durationMs(text: string): number {
  const d = parse(text);
  const days = (d.years ?? 0) * 365 + (d.months ?? 0) * 30 + (d.weeks ?? 0) * 7 + (d.days ?? 0);
  const seconds = ((days * 24 + (d.hours ?? 0)) * 60 + (d.minutes ?? 0)) * 60 + (d.seconds ?? 0);
  return Math.round(seconds * 1000) * (d.negative ? -1 : 1);
}

/**
 * The site's clock. Everything on the local site that takes or waits for time (platform calls, the app's
 * timers, event delivery, queue delays, retries, schedules, lags) waits on this clock, so a test never sleeps.
 *
 * - manual: time stands still until someone moves it (`advance`, `until`).
 * - live (`npm start`): time follows the wall clock, plus whatever it has been advanced by.
 *
 * Work overlaps as it does in the cloud: what falls due is started, not awaited, and time moves on only
 * when everything that runs is itself waiting for time.
 */
import { parse } from 'tinyduration';
import TinyQueue from 'tinyqueue';
import { type Chance, chance } from './random';

interface Task {
  at: number;
  order: number;
  run: () => Promise<void> | void;
}

/** Something that runs in site time: an invocation. Time stands still unless every runner is waiting. */
export interface Runner {
  /** How many of its calls and timers are waiting for site time. */
  parked: number;
  hasLeft: boolean;
}

interface Demand {
  /** The time to reach; Infinity = however far it takes. */
  target: number;
  isMet: boolean;
  settle: (error?: unknown) => void;
}

/** Tasks that fall due within this many milliseconds of each other start in a random order, and race. */
const WINDOW_MS = 5;
/**
 * A runner that has nothing parked and makes no call for this many turns of the event loop, and this many
 * milliseconds of wall time, is hanging: it waits for something outside the site. Only its deadline ends it.
 */
const HANGING_TURNS = 50;
const HANGING_WALL_MS = 20;
const TURNS_AFTER_WAIT = 10;
/** The longest wait of a live timer, after which it checks again. */
const MAX_TIMER_MS = 60_000;

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

export class Clock {
  private time: number;
  private liveOffset: number | undefined;
  private tasks = new TinyQueue<Task>([], (a, b) => a.at - b.at || a.order - b.order);
  private nextOrder = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly demands = new Set<Demand>();
  private isMoving = false;
  private readonly runners = new Set<Runner>();
  /** Runners that are not waiting, and how many of them are known to hang. */
  private awake = 0;
  private hanging = 0;
  /** Increases with everything that happens at the boundary between the app and the site. */
  private activity = 0;
  private failure: { error: unknown } | undefined;

  constructor(
    start: number,
    /** Decides the order in which tasks that fall due together start. */
    private readonly dice: Chance = chance(1),
  ) {
    this.time = start;
  }

  /** Milliseconds since the epoch, in the site's time. */
  now(): number {
    return this.liveOffset === undefined ? this.time : Math.max(this.time, Date.now() + this.liveOffset);
  }

  iso(): string {
    return new Date(this.now()).toISOString();
  }

  /** Runs `run` when the clock reaches now + delayMs. Returns a function that cancels it. */
  after(delayMs: number, run: Task['run']): () => void {
    const task: Task = { at: this.now() + Math.max(0, delayMs), order: this.nextOrder++, run };
    this.tasks.push(task);
    this.armTimer();
    return () => {
      // The task stays in the queue until it is due, which is cheaper than finding and removing it.
      task.run = () => {};
    };
  }

  // --- running in site time ------------------------------------------------------------------------

  /** From now on, the clock waits for this runner whenever the runner is not waiting for the clock. */
  enter(): Runner {
    const runner: Runner = { parked: 0, hasLeft: false };
    this.runners.add(runner);
    this.awake += 1;
    this.activity += 1;
    return runner;
  }

  leave(runner: Runner): void {
    if (runner.hasLeft) return;
    runner.hasLeft = true;
    this.runners.delete(runner);
    if (runner.parked === 0) this.awake -= 1;
    this.activity += 1;
  }

  /** Marks the runner as waiting for site time until the returned function is called. */
  park(runner: Runner): () => void {
    this.activity += 1;
    runner.parked += 1;
    if (runner.parked === 1 && !runner.hasLeft) this.awake -= 1;
    let isParked = true;
    return () => {
      if (!isParked) return;
      isParked = false;
      this.activity += 1;
      runner.parked -= 1;
      if (runner.parked === 0 && !runner.hasLeft) this.awake += 1;
    };
  }

  /** Resolves for the runner once this much site time has passed. */
  spend(runner: Runner, ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    const unpark = this.park(runner);
    return new Promise((resolve) => {
      this.after(ms, () => {
        unpark();
        resolve();
      });
    });
  }

  /** Reports activity outside this process, so that no runner counts as hanging. */
  touch(): void {
    this.activity += 1;
  }

  /** How many invocations are running or waiting for time. */
  get running(): number {
    return this.runners.size;
  }

  // --- moving --------------------------------------------------------------------------------------

  /** Moves the clock through everything that falls due on the way. What is still waiting at the target stays suspended. */
  async advance(ms: number): Promise<void> {
    const target = this.now() + ms;
    await this.demand(target).promise;
    if (this.liveOffset !== undefined) this.liveOffset = Math.max(this.liveOffset, target - Date.now());
    this.armTimer();
  }

  /** Moves the clock until the work is done, and returns its result. A live clock moves by itself. */
  async until<T>(work: Promise<T>): Promise<T> {
    if (this.liveOffset !== undefined) return work;
    const { demand, promise } = this.demand(Number.POSITIVE_INFINITY);
    const meet = (): void => {
      demand.isMet = true;
      this.activity += 1;
    };
    work.then(meet, meet);
    await Promise.race([promise, work.catch(() => {})]);
    return work;
  }

  private demand(target: number): { demand: Demand; promise: Promise<void> } {
    let settle: Demand['settle'] = () => {};
    const promise = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    const demand: Demand = { target, isMet: false, settle };
    this.demands.add(demand);
    void this.move();
    return { demand, promise };
  }

  private finish(demand: Demand, error?: unknown): void {
    this.demands.delete(demand);
    demand.settle(error);
  }

  private async move(): Promise<void> {
    if (this.isMoving) return;
    this.isMoving = true;
    try {
      while (this.demands.size > 0) {
        await this.quiet();
        this.step();
      }
    } finally {
      this.isMoving = false;
    }
  }

  /** Settles the demands that are met at the current time, or else moves the clock to the next task. */
  private step(): void {
    const next = this.tasks.peek()?.at ?? Number.POSITIVE_INFINITY;
    let target = Number.POSITIVE_INFINITY;
    for (const demand of this.demands) {
      if (this.failure) this.finish(demand, this.failure.error);
      else if (demand.isMet) this.finish(demand);
      else target = Math.min(target, demand.target);
    }
    this.failure = undefined;
    if (this.demands.size === 0) return;
    if (next > target || next === Number.POSITIVE_INFINITY) {
      if (target === Number.POSITIVE_INFINITY) {
        for (const demand of this.demands) this.finish(demand, new Error('nothing is due anymore, but something is still waiting'));
        return;
      }
      this.time = Math.max(this.time, target);
      for (const demand of this.demands) if (demand.target === target) this.finish(demand);
      return;
    }
    this.startDue(Math.min(next + WINDOW_MS, target));
  }

  private startDue(until: number): void {
    const due: Task[] = [];
    for (let task = this.tasks.peek(); task && task.at <= until; task = this.tasks.peek()) {
      this.tasks.pop();
      this.time = Math.max(this.time, task.at);
      due.push(task);
    }
    for (const task of due.length > 1 ? this.dice.shuffled(due) : due) {
      this.activity += 1;
      try {
        const running = task.run();
        if (running) running.catch((error: unknown) => this.fail(error));
      } catch (error) {
        this.fail(error);
      }
    }
  }

  /** An error in the site itself is passed on to whoever moves the clock. */
  private fail(error: unknown): void {
    this.failure ??= { error };
    this.activity += 1;
    if (this.liveOffset !== undefined) process.stderr.write(`${String(error)}\n`);
  }

  /** Resolves when every runner is waiting for time, after a turn of the event loop in which nothing happened. */
  private async quiet(): Promise<void> {
    let idleTurns = 0;
    let idleSince = 0;
    let turnsAfterWait = 0;
    for (;;) {
      const seen = this.activity;
      await turn();
      this.hanging = Math.min(this.hanging, this.awake);
      if (this.awake === 0) return;
      if (this.activity !== seen) {
        idleTurns = 0;
        turnsAfterWait = 0;
        continue;
      }
      if (this.awake <= this.hanging) return;
      if (idleTurns === 0) idleSince = performance.now();
      idleTurns += 1;
      if (performance.now() - idleSince < HANGING_WALL_MS) continue;
      // This process itself may have been held up: give whatever arrived in the meantime its turns.
      turnsAfterWait += 1;
      if (idleTurns > HANGING_TURNS && turnsAfterWait > TURNS_AFTER_WAIT) this.hanging = this.awake;
    }
  }

  // --- live ----------------------------------------------------------------------------------------

  /** Follows the wall clock from now on (for `npm start`). */
  goLive(): void {
    this.liveOffset = this.time - Date.now();
    this.armTimer();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.tasks = new TinyQueue<Task>([], (a, b) => a.at - b.at || a.order - b.order);
    this.liveOffset = undefined;
  }

  private armTimer(): void {
    if (this.liveOffset === undefined) return;
    clearTimeout(this.timer);
    const next = this.tasks.peek();
    if (!next) return;
    this.timer = setTimeout(
      () => {
        if (this.demands.size === 0) this.startDue(this.now());
        this.armTimer();
      },
      Math.min(Math.max(0, next.at - this.now()), MAX_TIMER_MS),
    );
    this.timer.unref();
  }
}

/** Converts an ISO 8601 duration to milliseconds. @throws Error if the text is not a duration */
export function durationMs(text: string): number {
  const known = durations.get(text);
  if (known !== undefined) return known;
  const d = parse(text);
  const days = (d.years ?? 0) * 365 + (d.months ?? 0) * 30 + (d.weeks ?? 0) * 7 + (d.days ?? 0);
  const seconds = ((days * 24 + (d.hours ?? 0)) * 60 + (d.minutes ?? 0)) * 60 + (d.seconds ?? 0);
  const ms = Math.round(seconds * 1000) * (d.negative ? -1 : 1);
  durations.set(text, ms);
  return ms;
}

/** Cached, because latencies are read at every call. */
const durations = new Map<string, number>();

/**
 * The processes that the functions run in. Each runs one invocation at a time and has its own memory.
 * How the platform chooses among idle processes is not published, so any of them may be next.
 */
import type { Clock } from '../clock';
import type { Chance } from '../random';
import type { SiteSettings } from '../settings';
import type { FunctionProcess } from './runtime';

/** How long an idle process lives unless it is kept warm: not published, assumed. */
const IDLE_MS = 10 * 60_000;

interface Member {
  process: FunctionProcess;
  idleSince: number;
}

export interface Lease {
  process: FunctionProcess;
  isCold: boolean;
  /** Call this when the invocation has ended; `false` if its process ended with it. */
  release(isAlive: boolean): void;
}

export class Processes {
  private idle: Member[] = [];
  private busy = 0;
  private generation = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly dice: Chance,
    /** Replaceable, so that a test can run the functions in child processes and measure them. */
    public start: () => FunctionProcess,
  ) {}

  /** Takes a process for one invocation: any idle one, or a new one if none is idle or fewer exist than are kept warm. */
  lease(): Lease {
    this.endIdle();
    const alive = this.idle.length + this.busy;
    const mayStart = this.idle.length === 0 || alive < this.settings.warmProcesses;
    const choice = this.dice.pick(this.idle.length + (mayStart ? 1 : 0));
    const [member] = this.idle.splice(choice, 1);
    const process = member?.process ?? this.start();
    const { generation } = this;
    this.busy += 1;
    return {
      process,
      isCold: member === undefined,
      release: (isAlive) => {
        if (generation !== this.generation) {
          process.end?.();
          return;
        }
        this.busy -= 1;
        if (isAlive) this.idle.push({ process, idleSince: this.clock.now() });
        else process.end?.();
      },
    };
  }

  /** From now on everything starts cold: a new version was deployed, or a test needs fresh memory. */
  replaceAll(): void {
    for (const { process } of this.idle) process.end?.();
    this.idle = [];
    this.busy = 0;
    this.generation += 1;
  }

  private endIdle(): void {
    const old = this.clock.now() - IDLE_MS;
    // The list is ordered by when they became idle, so the ones idle the longest end first.
    while (this.idle.length > this.settings.warmProcesses && (this.idle[0] as Member).idleSince < old) this.idle.shift()?.process.end?.();
  }
}

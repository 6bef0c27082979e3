/**
 * The two globals through which the real `@forge/*` packages reach the platform, one value per
 * invocation, and the app's function bundle evaluated as a warm process would hold it.
 *
 * Import this before anything imports a `@forge/*` package.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import type { Clock } from '../clock';

export interface FetchTarget {
  type: string;
  provider?: 'app' | 'user' | 'none';
  accountId?: string;
  remote?: string;
}

export type ModuleKind = 'trigger' | 'consumer' | 'scheduledTrigger' | 'resolver';

/** One running function. Its token dies with it: afterwards nothing it does has an effect. */
export class Invocation {
  readonly id = randomUUID();
  state: 'running' | 'ended' | 'killed' = 'running';
  calls = 0;
  /** Site time spent waiting for slow answers; the deadline counts it. */
  waitedMs = 0;
  private stop: (() => void) | undefined;
  /** Settles when the platform stops the invocation. */
  readonly stopped: Promise<'killed'> = new Promise((resolve) => {
    this.stop = () => resolve('killed');
  });
  private readonly startedAt: number;

  constructor(
    readonly kind: ModuleKind,
    readonly moduleKey: string,
    readonly functionKey: string,
    /** Account id of the person who made it, in resolvers only. */
    readonly accountId: string | null,
    readonly timeoutMs: number,
    private readonly clock: Clock,
    readonly platform: PlatformSeam,
  ) {
    this.startedAt = clock.now();
  }

  remainingMs(): number {
    return Math.max(0, this.timeoutMs - this.waitedMs - (this.clock.now() - this.startedAt));
  }

  kill(): void {
    if (this.state !== 'running') return;
    this.state = 'killed';
    this.stop?.();
  }
}

/** What an invocation needs of the platform it runs on. */
export interface PlatformSeam {
  fetch(invocation: Invocation, target: FetchTarget, path: string, init: RequestInit): Promise<Response>;
  runtimeOf(invocation: Invocation): Record<string, unknown>;
}

const current = new AsyncLocalStorage<Invocation>();

Object.defineProperty(globalThis, '__forge_runtime__', {
  configurable: true,
  get: () => {
    const invocation = current.getStore();
    return invocation?.platform.runtimeOf(invocation);
  },
});
Object.defineProperty(globalThis, '__forge_fetch__', {
  configurable: true,
  value: (target: FetchTarget, path: string, init: RequestInit) => {
    const invocation = current.getStore();
    if (!invocation) return Promise.reject(new Error('__forge_fetch__ outside of an invocation'));
    return invocation.platform.fetch(invocation, target, path, init);
  },
});

export function runInside<T>(invocation: Invocation, run: () => T): T {
  return current.run(invocation, run);
}

type Handler = (payload: unknown, context: unknown) => unknown;

const scripts = new Map<string, Script>();

/**
 * Evaluates the function bundle anew, as a cold start does. Its `Date` is the site's clock; nothing
 * else of the process is replaced, except that plain egress is refused.
 */
export function coldStart(bundlePath: string, clock: Clock): Record<string, Handler> {
  let script = scripts.get(bundlePath);
  if (!script) {
    const source = readFileSync(bundlePath, 'utf8');
    script = new Script(`(function (exports, require, module, Date, fetch) {${source}\n})`, { filename: bundlePath });
    scripts.set(bundlePath, script);
  }
  const module = { exports: {} as Record<string, Handler> };
  const refuseEgress = (): Promise<never> => Promise.reject(new Error('not modelled: egress by fetch'));
  (script.runInThisContext() as (...args: unknown[]) => void)(
    module.exports,
    createRequire(bundlePath),
    module,
    siteDate(clock),
    refuseEgress,
  );
  return module.exports;
}

function siteDate(clock: Clock): DateConstructor {
  return class SiteDate extends Date {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(clock.now());
      else super(...(args as [number]));
    }
    static override now(): number {
      return clock.now();
    }
  } as unknown as DateConstructor;
}

/**
 * The two globals through which the real `@forge/*` packages reach the platform, with one value per
 * invocation, and the processes that run the app's function bundle.
 *
 * Must be imported before any `@forge/*` package.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { config } from 'zod';
import type { Clock, Runner } from '../clock';
import type { Chance } from '../random';

export interface FetchTarget {
  type: string;
  provider?: 'app' | 'user' | 'none';
  accountId?: string;
  remote?: string;
}

export type ModuleKind = 'trigger' | 'consumer' | 'scheduledTrigger' | 'resolver';

/** Counts together all pushes that descend from one invocation. */
export interface Lineage {
  pushes: number;
}

/** One run of a function. Once it has ended, its token is invalid and nothing it does has an effect. */
export class Invocation {
  readonly id = randomUUID();
  state: 'running' | 'ended' | 'killed' = 'running';
  calls = 0;
  logLines = 0;
  logBytes = 0;
  /** People for whom this invocation holds a token. */
  readonly impersonated = new Set<string>();
  private stop: (() => void) | undefined;
  /** Resolves when the platform stops the invocation. */
  readonly stopped: Promise<'killed'> = new Promise((resolve) => {
    this.stop = () => resolve('killed');
  });
  readonly startedAt: number;
  private runtime: Record<string, unknown> | undefined;

  constructor(
    readonly kind: ModuleKind,
    readonly moduleKey: string,
    readonly functionKey: string,
    /** Account id of the person who called it; in resolvers only. */
    readonly accountId: string | null,
    readonly timeoutMs: number,
    readonly lineage: Lineage,
    readonly clock: Clock,
    readonly runner: Runner,
    readonly platform: PlatformSeam,
  ) {
    this.startedAt = clock.now();
  }

  /** The name that usage, faults and the site's log use. */
  get name(): string {
    return `${this.kind}:${this.moduleKey}`;
  }

  get spentMs(): number {
    return Math.min(this.timeoutMs, this.clock.now() - this.startedAt);
  }

  remainingMs(): number {
    return this.timeoutMs - this.spentMs;
  }

  kill(): void {
    if (this.state !== 'running') return;
    this.state = 'killed';
    this.stop?.();
  }

  /** What the packages read as `__forge_runtime__`. Cached, because they read it many times per call. */
  get forgeRuntime(): Record<string, unknown> {
    this.runtime ??= this.platform.runtimeOf(this);
    return this.runtime;
  }
}

/** What an invocation needs from the platform it runs on. */
export interface PlatformSeam {
  fetch(invocation: Invocation, target: FetchTarget, path: string, init: RequestInit): Promise<Response>;
  runtimeOf(invocation: Invocation): Record<string, unknown>;
  logLine(invocation: Invocation, line: string): void;
}

/** What the code that runs now belongs to: its invocation, and what the bundle's own async storages hold. */
interface Context {
  readonly invocation: Invocation | undefined;
  readonly stores: ReadonlyMap<object, unknown>;
}

/**
 * The only async storage that reaches Node. Each one makes every promise of this Node process slower, and each bundle of each
 * process would create its own.
 */
const contexts = new AsyncLocalStorage<Context>();
const OUTSIDE: Context = { invocation: undefined, stores: new Map() };

/** Takes the place of `AsyncLocalStorage` in the bundles; of its methods, only those that the bundles use. */
class BundleStorage<T> {
  static bind = AsyncLocalStorage.bind;

  run<R>(store: T, callback: () => R): R {
    const { invocation, stores } = contexts.getStore() ?? OUTSIDE;
    return contexts.run({ invocation, stores: new Map(stores).set(this, store) }, callback);
  }

  getStore(): T | undefined {
    return contexts.getStore()?.stores.get(this) as T | undefined;
  }
}

const currentInvocation = (): Invocation | undefined => contexts.getStore()?.invocation;

const runIn = <R>(invocation: Invocation, run: () => R): R => contexts.run({ ...OUTSIDE, invocation }, run);

Object.defineProperty(globalThis, '__forge_runtime__', {
  configurable: true,
  get: () => currentInvocation()?.forgeRuntime,
});
Object.defineProperty(globalThis, '__forge_fetch__', {
  configurable: true,
  value: (target: FetchTarget, path: string, init: RequestInit) => {
    const invocation = currentInvocation();
    if (!invocation) return Promise.reject(new Error('__forge_fetch__ outside of an invocation'));
    return invocation.platform.fetch(invocation, target, path, init);
  },
});

type Handler = (payload: unknown, context: unknown) => unknown;

/** Holds the module state of the bundles it has loaded and runs one invocation at a time. */
export interface FunctionProcess {
  /** Runs a handler by its name in the manifest (`file.export`). @throws what the handler throws, or Error if there is none */
  run(invocation: Invocation, handler: string, payload: unknown, context: unknown): Promise<unknown>;
  /** Only where there is something to end: a process of the operating system. */
  end?(): void;
}

const scripts = new Map<string, Script>();
const INJECTED = [
  'exports',
  'require',
  'module',
  'Date',
  'Math',
  'fetch',
  'performance',
  'console',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
];

/**
 * Starts a process that has not loaded anything yet. Each file that the manifest names is a separate bundle. It is
 * evaluated when one of its handlers is first called, as in a cold start.
 */
export function startProcess(folder: string, clock: Clock, dice: Chance): FunctionProcess {
  const bundles = new Map<string, Record<string, Handler>>();
  return {
    run: (invocation, name, payload, context) =>
      runIn(invocation, async () => {
        const [file = '', exported = ''] = name.split('.');
        const bundle = bundles.get(file) ?? loadBundle(join(folder, `${file}.cjs`), clock, dice);
        bundles.set(file, bundle);
        const handler = bundle[exported];
        if (!handler) throw new Error(`the bundle does not export '${name}'`);
        return handler(payload, context);
      }),
  };
}

/**
 * Evaluates a bundle afresh. Its `Date`, timers, `performance` and `Math.random` are the site's, so that a run can be
 * repeated. Egress by `fetch` is refused.
 */
export function loadBundle(bundlePath: string, clock: Clock, dice: Chance): Record<string, Handler> {
  let script = scripts.get(bundlePath);
  if (!script) {
    const source = readFileSync(bundlePath, 'utf8');
    script = new Script(`(function (${INJECTED.join(', ')}) {${source}\n})`, { filename: bundlePath });
    scripts.set(bundlePath, script);
  }
  const module = { exports: {} as Record<string, Handler> };
  const injected: Record<string, unknown> = {
    exports: module.exports,
    require: requireFor(bundlePath),
    module,
    Date: siteDate(clock),
    Math: Object.create(Math, { random: { value: () => dice.share() } }),
    fetch: () => Promise.reject(new Error('not modelled: egress by fetch')),
    performance: { timeOrigin: clock.now(), now: sitePerformance(clock) },
    console: siteConsole(),
    ...siteTimers(clock),
  };
  const evaluate = script.runInThisContext() as (...args: unknown[]) => void;
  const { jitless = false } = config();
  // The bundle's schemas interpret what zod would otherwise generate code for, in every process anew, to parse a few values with it.
  // The results are the same. Functions in child processes (`test/support/child-process.ts`) run the generated code.
  config({ jitless: true });
  try {
    evaluate(...INJECTED.map((name) => injected[name]));
  } finally {
    config({ jitless });
  }
  return module.exports;
}

function requireFor(bundlePath: string): (id: string) => unknown {
  const require = createRequire(bundlePath);
  return (id) => (/^(?:node:)?async_hooks$/.test(id) ? { ...require(id), AsyncLocalStorage: BundleStorage } : require(id));
}

function siteDate(clock: Clock): DateConstructor {
  return class SiteDate extends Date {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(SiteDate.now());
      else super(...(args as [number]));
    }
    static override now(): number {
      // As in every engine, in whole milliseconds.
      return Math.floor(clock.now());
    }
  } as unknown as DateConstructor;
}

function sitePerformance(clock: Clock): () => number {
  const origin = clock.now();
  return () => clock.now() - origin;
}

/** Sends each log line to the invocation that writes it or, outside of one (a cold start), to stderr. */
function siteConsole(): Record<string, (...parts: unknown[]) => void> {
  const write = (...parts: unknown[]): void => {
    const invocation = currentInvocation();
    const line = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ');
    if (invocation) invocation.platform.logLine(invocation, line);
    else process.stderr.write(`${line}\n`);
  };
  return { log: write, info: write, warn: write, error: write, debug: write, trace: write };
}

/** Timers wait for site time. They belong to the invocation that sets them, and do not fire after it has ended. */
function siteTimers(clock: Clock): Record<string, unknown> {
  const cancels = new Map<object, () => void>();
  const set = (repeats: boolean, run: (...args: unknown[]) => void, delay: number, args: unknown[]): object => {
    const context = contexts.getStore() ?? OUTSIDE;
    const { invocation } = context;
    const timer = { unref: () => timer, ref: () => timer, hasRef: () => false };
    if (!invocation) return timer;
    const arm = (): void => {
      const unpark = clock.park(invocation.runner);
      const cancel = clock.after(Math.max(1, delay), () => {
        unpark();
        cancels.delete(timer);
        if (invocation.state !== 'running') return;
        if (repeats) arm();
        contexts.run(context, () => run(...args));
      });
      cancels.set(timer, () => {
        cancel();
        unpark();
      });
    };
    arm();
    return timer;
  };
  const clear = (timer: object | undefined): void => {
    if (timer === undefined) return;
    cancels.get(timer)?.();
    cancels.delete(timer);
  };
  return {
    setTimeout: (run: () => void, delay = 0, ...args: unknown[]) => set(false, run, delay, args),
    setInterval: (run: () => void, delay = 0, ...args: unknown[]) => set(true, run, delay, args),
    clearTimeout: clear,
    clearInterval: clear,
  };
}

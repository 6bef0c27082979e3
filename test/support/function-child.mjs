/**
 * Runs the function bundle in a process of its own, as the platform does: plain Node, without any local
 * site code. Calls to the platform go through the parent process. Started by child-process.ts.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';

const [folder] = process.argv.slice(2);
const current = new AsyncLocalStorage();
const pending = new Map();
let now = 0;
let nextId = 1;

Object.defineProperty(globalThis, '__forge_runtime__', { get: () => current.getStore() });
Object.defineProperty(globalThis, '__forge_fetch__', {
  value: (target, path, init = {}) =>
    new Promise((resolve) => {
      const id = nextId++;
      pending.set(id, resolve);
      const headers = [...new Headers(init.headers)];
      process.send({ fetch: id, target, path, init: { method: init.method, body: init.body, headers } });
    }),
});

class SiteDate extends Date {
  constructor(...args) {
    super(...(args.length === 0 ? [now] : args));
  }
  static now() {
    return now;
  }
}
const log = (line) => process.send({ log: String(line) });
const noTimers = () => {
  throw new Error('not modelled: timers in a function that has its own process');
};
const provided = {
  Date: SiteDate,
  console: { log, info: log, warn: log, error: log, debug: log },
  setTimeout: noTimers,
  setInterval: noTimers,
};
const bundles = new Map();

function load(file) {
  const path = join(folder, `${file}.cjs`);
  const module = { exports: {} };
  const all = { module, exports: module.exports, require: createRequire(path), ...provided };
  runInThisContext(`(function (${Object.keys(all).join(', ')}) {${readFileSync(path, 'utf8')}\n})`)(...Object.values(all));
  bundles.set(file, module.exports);
  return module.exports;
}

async function run({ handler, payload, context, runtime, deadline }) {
  const noMeasure = { measure: () => ({ stop: () => {} }) };
  const noCount = { incr: () => {}, incrBy: () => {}, decr: () => {}, decrBy: () => {} };
  const value = {
    ...runtime,
    lambdaContext: { ...runtime.lambdaContext, getRemainingTimeInMillis: () => Math.max(0, deadline - now) },
    metrics: { counter: () => noCount, timing: () => noMeasure, gauge: () => ({ set: () => {} }) },
  };
  const before = process.cpuUsage();
  try {
    const [file, exported] = handler.split('.');
    const bundle = bundles.get(file) ?? load(file);
    const result = await current.run(value, () => bundle[exported](payload, context));
    const { user, system } = process.cpuUsage(before);
    process.send({ result, maxRssKb: peakKb(), cpuUs: user + system });
  } catch (error) {
    process.send({ error: { name: error.name, message: error.message, stack: error.stack } });
  }
}

/**
 * The most memory that this process has had at one time. On Linux `maxRSS` begins with what the parent had when it made the process,
 * and VmHWM does not.
 */
function peakKb() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

process.on('message', (message) => {
  now = message.now;
  if (message.run) void run(message.run);
  const { id, status, headers, body } = message.answer ?? {};
  pending.get(id)?.(new Response(body === '' ? null : body, { status, headers }));
  pending.delete(id);
});
process.send({ ready: true });

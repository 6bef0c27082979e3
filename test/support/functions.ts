/** A platform that runs a few lines of JavaScript instead of the app, so that a test sees what the platform alone does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { Clock } from '../emulator/clock';
import { seedDemo } from '../emulator/confluence/seed';
import { ConfluenceSite } from '../emulator/confluence/site';
import { Faults } from '../emulator/faults';
import { loadManifest } from '../emulator/forge/manifest';
import { ForgePlatform } from '../emulator/forge/platform';
import { chance } from '../emulator/random';
import { DEFAULT_SETTINGS, type SiteSettings } from '../emulator/settings';
import { noUsage } from '../emulator/usage';

/** Helpers that call the platform the way the Forge packages do. The test reads `seen`. */
const PRELUDE = `
const seen = globalThis.__seen;
const post = (target, path, body) => globalThis.__forge_fetch__(target, path, { method: 'POST', body: JSON.stringify(body) });
const kvs = (path, body) => post({ type: 'kvs', provider: 'app', remote: 'kvs' }, '/api/v1/' + path, body);
const push = (events, jobId = String(Math.random())) =>
  post({ type: 'fpp', provider: 'app', remote: 'stargate' }, '/webhook/queue/publish/x', { queueName: 'work', jobId, payload: events });
const get = (path, accountId) =>
  globalThis.__forge_fetch__(
    accountId ? { type: 'fpp', provider: 'user', accountId, remote: 'confluence' } : { type: 'fpp', provider: 'app', remote: 'confluence' },
    path,
    { method: 'GET' },
  );
const remaining = () => globalThis.__forge_runtime__.lambdaContext.getRemainingTimeInMillis();
`;

const MANIFEST = {
  app: { id: 'ari:cloud:ecosystem::app/x', runtime: { name: 'nodejs22.x', memoryMB: 256 } },
  modules: {
    trigger: [{ key: 'views', function: 'on-view', events: ['avi:confluence:viewed:page'] }],
    consumer: [{ key: 'worker', queue: 'work', function: 'work' }],
    sql: [{ key: 'database', engine: 'mysql' }],
    scheduledTrigger: [{ key: 'hourly', function: 'tick', interval: 'hour' }],
    'confluence:globalPage': [{ key: 'page', resource: 'page', resolver: { function: 'resolve' } }],
    function: [
      { key: 'on-view', handler: 'index.onView' },
      { key: 'work', handler: 'index.work', timeoutSeconds: 300 },
      { key: 'tick', handler: 'index.tick', timeoutSeconds: 280 },
      { key: 'resolve', handler: 'index.resolve' },
    ],
  },
  resources: [{ key: 'page', path: 'page' }],
  permissions: {
    scopes: {
      'storage:app': {},
      'read:space:confluence': { allowImpersonation: true },
      'read:confluence-groups': {},
      'read:user:confluence': {},
    },
  },
};

function withMemory(memoryMB: Record<string, number>): typeof MANIFEST {
  const { modules } = MANIFEST;
  const declared = modules.function.map((one) => {
    const own = memoryMB[one.key];
    return own === undefined ? one : { ...one, runtime: { memoryMB: own } };
  });
  return { ...MANIFEST, modules: { ...modules, function: declared } };
}

export interface Platform {
  clock: Clock;
  platform: ForgePlatform;
  confluence: ConfluenceSite;
  settings: SiteSettings;
  usage: ReturnType<typeof noUsage>;
  /** What the functions have pushed to `seen`, in order. */
  seen: unknown[];
  /** Publishes a page view by this person. */
  view(accountId?: string): void;
  resolve(payload?: unknown, accountId?: string): Promise<unknown>;
}

/**
 * @param functions the body of a CommonJS module that may export onView, work, tick and resolve
 * @param memoryMB of functions that declare their own
 */
export function startPlatform(functions: string, change: Partial<SiteSettings> = {}, memoryMB: Record<string, number> = {}): Platform {
  const folder = mkdtempSync(join(tmpdir(), 'functions-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const defaults = 'for (const name of ["onView", "work", "tick", "resolve"]) exports[name] ??= async () => null;';
  writeFileSync(join(folder, 'manifest.yml'), stringify(withMemory(memoryMB)));
  writeFileSync(join(folder, 'index.cjs'), `${PRELUDE}${functions}\n${defaults}`);
  const seen: unknown[] = [];
  (globalThis as Record<string, unknown>).__seen = seen;
  const settings: SiteSettings = { ...structuredClone(DEFAULT_SETTINGS), ...change };
  const dice = chance(settings.deliverEvents.seed);
  const clock = new Clock(Date.UTC(2026, 10, 23, 9), dice);
  const confluence = new ConfluenceSite(clock, settings);
  seedDemo(confluence, 20);
  const usage = noUsage();
  const platform = new ForgePlatform(clock, settings, confluence, loadManifest(folder), folder, new Faults(), () => usage, dice);
  platform.install();
  return {
    clock,
    platform,
    confluence,
    settings,
    usage,
    seen,
    view: (accountId = 'ana') => platform.publish({ eventType: 'avi:confluence:viewed:page', atlassianId: accountId }),
    resolve: (payload = {}, accountId = 'ana') => platform.invokeResolver('page', 'call', payload, accountId),
  };
}

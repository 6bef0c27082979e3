/** The rates that the platform and Confluence enforce. */
import { describe, expect, it } from 'vitest';
import { accountIdOf } from '../emulator/confluence/seed';
import { DEFAULT_SETTINGS, IDEAL_SETTINGS } from '../emulator/settings';
import { startPlatform } from '../support/functions';

const MINUTE = 60_000;
const IDEAL = { ...DEFAULT_SETTINGS.latency, ...IDEAL_SETTINGS.latency };
/** A function that makes up to 12,000 calls, `atOnce` of them in parallel, and counts the answers by status. */
const counting = (call: string, atOnce: number): string => `
  exports.tick = async () => {
    const statuses = {};
    for (let i = 0; i < 12000 && remaining() > 10000; i += ${atOnce}) {
      const answers = await Promise.all(Array.from({ length: ${atOnce} }, (_, j) => ${call}));
      for (const a of answers) {
        const key = a.status < 429 ? 'ok' : a.status + ' ' + ((await a.json().catch(() => ({}))).code ?? '');
        statuses[key] = (statuses[key] ?? 0) + 1;
      }
    }
    seen.push(statuses);
  };`;

async function statusesOf(call: string, atOnce: number): Promise<Record<string, number>> {
  const { clock, seen } = startPlatform(counting(call, atOnce));
  await clock.advance(11 * MINUTE);
  return seen[0] as Record<string, number>;
}

describe('storage', () => {
  it('accepts a thousand requests per second', async () => {
    const { clock, seen } = startPlatform(
      'exports.tick = async () => { for (const a of await Promise.all(Array.from({ length: 1500 }, () => kvs("get", { key: "k" })))) seen.push(a.status); };',
    );
    await clock.advance(6 * MINUTE);
    expect([seen.filter((s) => s === 404).length, seen.filter((s) => s === 429).length]).toEqual([1_000, 500]);
  });

  it('allows 4,000 units of reads and 4,000 of writes per minute; a unit is 10 KB', async () => {
    const reads = await statusesOf('kvs("get", { key: "k" })', 5);
    // 12,000 reads take 36 s, so all of them fall within one minute.
    expect(reads).toEqual({ ok: 4_000, '429 RATE_LIMIT_EXCEEDED': 8_000 });
    const writes = await statusesOf('kvs("set", { key: "k" + j, value: "x".repeat(15000) })', 5);
    expect(writes).toEqual({ ok: 2_000, '429 RATE_LIMIT_EXCEEDED': 10_000 });
    const transactions = await statusesOf('kvs("transaction", { set: [{ key: "a", value: 1 }, { key: "b", value: 2 }] })', 5);
    expect(transactions).toEqual({ ok: 4_000, '429 TOO_MANY_REQUESTS': 8_000 });
  });
});

describe('invocations by people', () => {
  it('are limited to 1,200 per minute for one person', async () => {
    const { resolve, clock } = startPlatform('', { latency: IDEAL });
    const refused = async (): Promise<boolean> =>
      resolve().then(
        () => false,
        () => true,
      );
    for (let n = 0; n < 1_200; n += 1) {
      expect(await refused()).toBe(false);
      if (n % 200 === 0) await clock.advance(1_000);
    }
    expect(await refused()).toBe(true);
    await clock.advance(MINUTE);
    expect(await refused()).toBe(false);
  });

  it('are limited to 7,000 per minute and 300 per second for everyone together', async () => {
    const { resolve, clock } = startPlatform('', { latency: IDEAL });
    let ok = 0;
    for (let second = 0; second < 40; second += 1) {
      for (let n = 0; n < 310; n += 1)
        ok += await resolve({}, `person ${n % 100}`).then(
          () => 1,
          () => 0,
        );
      if (second === 0) expect(ok).toBe(300);
      await clock.advance(1_000);
    }
    expect(ok).toBe(7_000);
  });

  it('allow a thousand impersonations per minute, each counted once per invocation and person', async () => {
    const { view, clock, usage } = startPlatform(
      `exports.onView = async () => { for (let i = 0; i < 3; i += 1) await get('/wiki/api/v2/spaces?limit=1', ${JSON.stringify(accountIdOf(1))}); };`,
      { latency: IDEAL, warmProcesses: 100 },
    );
    for (let i = 0; i < 1_050; i += 1) {
      view();
      if (i % 50 === 0) await clock.advance(10);
    }
    await clock.advance(10_000);
    expect(usage.rest.byRoute['GET /wiki/api/v2/spaces']?.statuses).toEqual({ 200: 3_000, 429: 150 });
    expect(usage.rest.impersonationsRefused).toBe(150);
    expect(usage.rest.byModule).toEqual({ 'trigger:views': { requests: 3_150, points: usage.rest.points } });
  });
});

describe('queues', () => {
  it('refuse to push once a chain of events is a thousand pushes long', async () => {
    const { resolve, clock, seen } = startPlatform(`
      exports.resolve = () => push([{ body: { n: 1 } }]);
      exports.work = async ({ body }) => { const { status } = await push([{ body: { n: body.n + 1 }, delayInSeconds: 1 }]); if (status !== 201) seen.push([body.n, status]); };`);
    await resolve();
    await clock.advance(60 * MINUTE);
    expect(seen).toEqual([[1_000, 405]]);
  });
});

describe('Confluence', () => {
  const spaces = 'get("/wiki/api/v2/spaces?limit=1")';

  it('refuses bursts', async () => {
    const { clock, seen } = startPlatform(
      `exports.tick = async () => { const all = await Promise.all(Array.from({ length: 30 }, () => ${spaces})); for (const a of all) seen.push([a.status, a.headers.get('ratelimit-reason'), a.headers.get('retry-after')].join(' ')); };`,
      { burstPerSecond: 10 },
    );
    await clock.advance(6 * MINUTE);
    expect(seen.filter((s) => s === '429 confluence-burst-based 1')).toHaveLength(20);
  });

  it('counts what other sites use of the pool', async () => {
    const { clock, seen, settings } = startPlatform(
      `exports.tick = async () => { const a = await ${spaces}; seen.push([a.status, a.headers.get('ratelimit')].join(' ')); };`,
    );
    settings.hourlyPoints = 1_000;
    settings.otherCustomersPoints = 6_000;
    await clock.advance(6 * MINUTE);
    // 09:05: others have used 500 of the 1,000.
    expect(seen).toEqual([expect.stringMatching(/^200 "global-app-quota";t=\d+$/)]);
    await clock.advance(60 * MINUTE);
    settings.otherCustomersPoints = 11_900;
    await clock.advance(60 * MINUTE);
    expect(seen[2]).toMatch(/^200 "global-app-quota";r=\d+;t=\d+$/);
    settings.otherCustomersPoints = 20_000;
    await clock.advance(60 * MINUTE);
    expect(seen[3]).toMatch(/^429/);
  });

  it.each([
    ['plain', 'ratelimit-policy'],
    ['beta', 'beta-ratelimit-policy'],
    ['none', null],
  ] as const)('sends its rate-limit headers as configured: %s', async (rateLimitHeaders, name) => {
    const { clock, seen } = startPlatform(
      `exports.tick = async () => { const a = await ${spaces}; for (const [n] of a.headers) if (n.includes('ratelimit-policy')) seen.push(n); };`,
      { rateLimitHeaders },
    );
    await clock.advance(6 * MINUTE);
    expect(seen).toEqual(name === null ? [] : [name]);
  });
});

describe('a call by the front end', () => {
  it('is limited to 500 KB for the request and 5 MB for the answer', async () => {
    const { resolve } = startPlatform('exports.resolve = async (r) => "x".repeat(r.call.payload.bytes);');
    expect(await resolve({ bytes: 5_000_000 })).toHaveLength(5_000_000);
    await expect(resolve({ bytes: 5_500_000 })).rejects.toThrow('over 5 MB');
    await expect(resolve({ text: 'x'.repeat(600_000) })).rejects.toThrow('over 500 KB');
  });
});

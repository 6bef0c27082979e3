/** Time on the local site: calls take time, invocations overlap, deadlines apply, and no test sleeps. */
import { describe, expect, it } from 'vitest';
import { startPlatform } from '../support/functions';

const SECOND = 1_000;
const COLD_MS = 350;

describe('a call', () => {
  it('takes as long as its kind is set to, also for the Date, timers and performance objects of the app', async () => {
    const { resolve, seen, clock } = startPlatform(`
      const note = async (name, run) => { const [d, p] = [Date.now(), performance.now()]; await run(); seen.push([name, Date.now() - d, performance.now() - p]); };
      exports.resolve = async () => {
        await note('kvs', () => kvs('get', { key: 'k' }));
        await note('rest', () => get('/wiki/api/v2/spaces?limit=1'));
        await note('groups', () => get('/wiki/rest/api/group'));
        await note('queue', () => push([{ body: {} }]));
        await note('timer', () => new Promise((done) => setTimeout(done, 1234)));
        await note('at once', async () => {});
      };`);
    const before = clock.now();
    await resolve();
    expect(seen).toEqual([
      ['kvs', 15, 15],
      ['rest', 150, 150],
      ['groups', 150, 150],
      ['queue', 50, 50],
      ['timer', 1_234, 1_234],
      ['at once', 0, 0],
    ]);
    expect(clock.now() - before).toBe(COLD_MS + 15 + 150 + 150 + 50 + 1_234);
  });

  it('can be set to take longer on one route', async () => {
    const { resolve, seen, settings } = startPlatform(`
      exports.resolve = async () => { const d = Date.now(); await get('/wiki/rest/api/group'); seen.push(Date.now() - d); };`);
    settings.latency.routes = { 'GET /wiki/rest/api/group': 'PT20S' };
    await resolve();
    expect(seen).toEqual([20_000]);
  });

  it('overlaps with other calls of the same invocation', async () => {
    const { resolve, clock } = startPlatform(`
      exports.resolve = () => Promise.all([1, 2, 3].map((n) => get('/wiki/api/v2/spaces?limit=' + n)));`);
    const before = clock.now();
    await resolve();
    expect(clock.now() - before).toBe(COLD_MS + 150);
  });

  it('takes effect at once but is answered later, so what was read may be out of date by then', async () => {
    const { view, clock, seen } = startPlatform(
      `exports.onView = async ({ atlassianId }) => {
        const read = await kvs('get', { key: 'n' });
        const n = read.status === 200 ? (await read.json()).value : 0;
        await kvs('set', { key: 'n', value: n + 1 });
        seen.push(n);
      };`,
    );
    view();
    view();
    await clock.advance(10 * SECOND);
    // A lost update, as on the real platform.
    expect(seen).toEqual([0, 0]);
  });
});

describe('invocations', () => {
  it('overlap in site time', async () => {
    const { view, clock, seen } = startPlatform(`
      exports.onView = async () => {
        const from = Date.now();
        for (let i = 0; i < 4; i += 1) await get('/wiki/api/v2/spaces?limit=1');
        seen.push([from, Date.now()]);
      };`);
    for (let i = 0; i < 5; i += 1) view();
    const before = clock.now();
    await clock.advance(30 * SECOND);
    expect(seen).toHaveLength(5);
    for (const [from, to] of seen as [number, number][]) {
      expect(from - before).toBe(2 * SECOND + COLD_MS);
      expect(to - before).toBe(2 * SECOND + COLD_MS + 4 * 150);
    }
  });

  it('end at their deadline, between two calls, and have no effect afterwards', async () => {
    const { view, clock, usage, platform } = startPlatform(`
      exports.onView = async ({ retryContext }) => {
        if (retryContext) return;
        for (let n = 1; ; n += 1) await kvs('set', { key: 'n', value: n });
      };`);
    view();
    await clock.advance(20 * SECOND);
    const half = platform.kvs.dump().plain.n as number;
    await clock.advance(20 * SECOND);
    const last = platform.kvs.dump().plain.n as number;
    expect(half).toBeGreaterThan(1_000);
    // 25 s minus the cold start, at 15 ms per call; the last call races against the deadline.
    expect(last).toBeCloseTo((25_000 - COLD_MS) / 15, -1);
    expect(usage.invocations['trigger:views']).toMatchObject({ killed: 1, milliseconds: 25_000 });
    await clock.advance(600 * SECOND);
    expect(platform.kvs.dump().plain.n).toBe(last);
  });

  it('know how much time is left', async () => {
    const { clock, seen } = startPlatform(`
      exports.tick = async () => { while (remaining() > 100_000) await get('/wiki/api/v2/spaces?limit=1'); seen.push(remaining()); };`);
    await clock.advance(15 * 60 * SECOND);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeGreaterThan(99_800);
    expect(seen[0]).toBeLessThanOrEqual(100_000);
  });

  it('that never finish end at their deadline, and hold up nothing else', async () => {
    const { view, clock, seen, usage } = startPlatform(`
      exports.onView = async ({ atlassianId }) => {
        if (atlassianId === 'stuck') await new Promise(() => {});
        await get('/wiki/api/v2/spaces?limit=1');
        seen.push(atlassianId);
      };`);
    view('stuck');
    view('bo');
    await clock.advance(20 * SECOND);
    expect(seen).toEqual(['bo']);
    await clock.advance(20 * SECOND);
    expect(usage.invocations['trigger:views']?.killed).toBe(1);
  });

  it('take their timers with them when they end', async () => {
    const { resolve, clock, seen } = startPlatform(`
      exports.resolve = async () => {
        setTimeout(() => seen.push('late'), 5000);
        const ticks = setInterval(() => seen.push('tick'), 100);
        await new Promise((done) => setTimeout(done, 250));
        clearInterval(ticks);
        seen.push('over');
      };`);
    await resolve();
    await clock.advance(60 * SECOND);
    expect(seen).toEqual(['tick', 'tick', 'over']);
  });
});

describe('the clock', () => {
  it('stops at its target with unfinished work suspended, and continues from there', async () => {
    const { view, clock, seen } = startPlatform(`
      exports.onView = async () => { for (let i = 0; i < 10; i += 1) await get('/wiki/api/v2/spaces?limit=1'); seen.push('over'); };`);
    view();
    await clock.advance(3 * SECOND);
    expect(clock.running).toBe(1);
    expect(seen).toEqual([]);
    await clock.advance(1 * SECOND);
    expect(clock.running).toBe(0);
    expect(seen).toEqual(['over']);
  });

  it('moves on during a person’s call, and runs what falls due in the meantime', async () => {
    const { resolve, view, clock, seen } = startPlatform(`
      exports.resolve = async () => { await new Promise((done) => setTimeout(done, 5000)); seen.push('answer'); };
      exports.onView = async () => { seen.push('event'); };`);
    view();
    const before = clock.now();
    await resolve();
    expect(clock.now() - before).toBe(5_000 + COLD_MS);
    expect(seen).toEqual(['event', 'answer']);
  });

  it('starts what is due at the same time in an order determined by the seed', async () => {
    const orderOf = async (seed: number): Promise<unknown[]> => {
      const { view, clock, seen } = startPlatform('exports.onView = async ({ atlassianId }) => { seen.push(atlassianId); };', {
        deliverEvents: { times: 1, reorder: false, drop: 0, seed },
      });
      for (const name of 'abcdefgh') view(name);
      await clock.advance(10 * SECOND);
      return seen;
    };
    const first = await orderOf(1);
    expect(await orderOf(1)).toEqual(first);
    expect([...first].sort()).toEqual([...'abcdefgh']);
    expect(await orderOf(2)).not.toEqual(first);
  });

  it('passes ninety idle days in seconds', async () => {
    const { clock, usage } = startPlatform('exports.tick = async () => { await kvs("get", { key: "job" }); };');
    const from = performance.now();
    await clock.advance(90 * 24 * 3_600 * SECOND);
    expect(usage.invocations['scheduledTrigger:hourly']?.count).toBe(90 * 24);
    expect(performance.now() - from).toBeLessThan(25_000);
  });
});

describe('what is delivered', () => {
  const twice = { times: 2, reorder: true, drop: 0, seed: 3 };

  it('may arrive twice and overlap: events, queue events and schedules', async () => {
    const { view, clock, seen, settings } = startPlatform(`
      exports.onView = async () => { seen.push('event'); await push([{ body: {} }]); };
      exports.work = async () => { seen.push('work'); };
      exports.tick = async () => { seen.push('tick'); };`);
    settings.deliverEvents = twice;
    view();
    await clock.advance(3_600 * SECOND);
    const count = (what: string): number => seen.filter((s) => s === what).length;
    expect([count('event'), count('work'), count('tick')]).toEqual([2, 4, 2]);
  });

  it('may arrive out of order', async () => {
    const { view, clock, seen, settings } = startPlatform('exports.onView = async ({ atlassianId }) => { seen.push(atlassianId); };');
    settings.deliverEvents = { ...twice, times: 1 };
    for (const name of 'abcdefgh') {
      view(name);
      await clock.advance(1 * SECOND);
    }
    await clock.advance(60 * SECOND);
    expect(seen).toHaveLength(8);
    expect(seen).not.toEqual([...'abcdefgh']);
  });

  it('may be lost, except on a queue, which delivers at least once', async () => {
    const { view, clock, seen, settings, resolve } = startPlatform(`
      exports.onView = async () => { seen.push('event'); };
      exports.tick = async () => { seen.push('tick'); };
      exports.work = async () => { seen.push('work'); };
      exports.resolve = () => push([{ body: {} }]);`);
    settings.deliverEvents = { times: 1, reorder: false, drop: 1, seed: 1 };
    view();
    await resolve();
    await clock.advance(7_200 * SECOND);
    expect(seen).toEqual(['work']);
  });
});

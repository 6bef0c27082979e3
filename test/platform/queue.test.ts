/** Queues and schedules of the local site: delays, concurrency, retries, stats, cancellation, intervals. */
import { describe, expect, it } from 'vitest';
import { Clock } from '../emulator/clock';
import { type Outcome, type QueueEvent, Queues } from '../emulator/forge/queue';
import type { Invocation } from '../emulator/forge/runtime';
import { chance } from '../emulator/random';
import { DEFAULT_SETTINGS } from '../emulator/settings';
import { noUsage } from '../emulator/usage';
import { ANA, startSite } from '../support/site';

const MINUTE = 60_000;

function queues(
  deliver: (event: QueueEvent) => Outcome | Promise<Outcome> = () => ({ kind: 'ok' }),
  timeout = 55,
  settings = DEFAULT_SETTINGS,
) {
  const clock = new Clock(0);
  const seen: { body: unknown; at: number; retryContext: unknown }[] = [];
  const usage = noUsage();
  const lineage = { pushes: 0 };
  const all = new Queues(
    clock,
    settings,
    chance(1),
    (name) => (name === 'work' ? timeout : undefined),
    async (event) => {
      seen.push({ body: event.body, at: clock.now(), retryContext: event.retryContext });
      return deliver(event);
    },
    () => usage,
  );
  const call = (verb: string, body: object) =>
    all.handle(`/webhook/queue/${verb}/x`, JSON.stringify({ queueName: 'work', jobId: 'j', ...body }), lineage);
  const push = (payload: object[], more: object = {}) => call('publish', { payload, ...more });
  return { clock, seen, call, push };
}

describe('queues', () => {
  it('deliver events after their delay', async () => {
    const { clock, seen, push } = queues();
    expect(push([{ body: { n: 1 }, delayInSeconds: 60 }, { body: { n: 2 } }])).toEqual({ status: 201 });
    await clock.advance(0);
    expect(seen.map((s) => s.body)).toEqual([{ n: 2 }]);
    await clock.advance(MINUTE);
    expect(seen.map((s) => s.body)).toEqual([{ n: 2 }, { n: 1 }]);
  });

  it('refuse what the platform refuses', () => {
    const { push } = queues(undefined, 300);
    expect(push([], {})?.status).toBe(400);
    expect(push(Array.from({ length: 51 }, () => ({ body: {} })))?.status).toBe(400);
    expect(push([{ body: {} }], { queueName: 'nobody' })?.status).toBe(400);
    expect(push([{ body: { x: 'x'.repeat(150_000) } }])?.status).toBe(413);
    for (let i = 0; i < 10; i += 1) expect(push(Array.from({ length: 50 }, () => ({ body: {} })))?.status).toBe(201);
    expect(push([{ body: {} }])?.status).toBe(429);
  });

  it('keep to the limit of a concurrency key', async () => {
    let running = 0;
    let most = 0;
    const { clock, push, seen } = queues(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { kind: 'ok' };
    });
    push(Array.from({ length: 6 }, (_, n) => ({ body: { n }, concurrency: { key: 'k', limit: 2 } })));
    await clock.advance(MINUTE);
    expect(seen).toHaveLength(6);
    expect(most).toBe(2);
  });

  it('retry as asked, with the data that was passed on for the retry', async () => {
    const { clock, push, seen } = queues((event) =>
      event.retryCount < 2 ? { kind: 'retry', options: { retryAfter: 120, retryReason: 'R', retryData: { page: 7 } } } : { kind: 'ok' },
    );
    push([{ body: {} }]);
    await clock.advance(10 * MINUTE);
    expect(seen.map((s) => s.at)).toEqual([0, 2 * MINUTE, 4 * MINUTE]);
    expect(seen[1]?.retryContext).toMatchObject({ retryCount: 1, retryReason: 'R', retryData: { page: 7 } });
  });

  it('retry for 24 hours what throws or is stopped, then give up', async () => {
    const { clock, push, seen, call } = queues(() => ({ kind: 'error', message: 'no' }));
    push([{ body: {} }]);
    await clock.advance(23 * 60 * MINUTE);
    expect(call('stats', {})?.body).toEqual({ success: 0, inProgress: 1, failed: 0 });
    await clock.advance(2 * 60 * MINUTE);
    expect(call('stats', {})?.body).toEqual({ success: 0, inProgress: 0, failed: 1 });
    expect(seen.length).toBeGreaterThan(50);
    expect(call('stats', { jobId: 'other' })?.status).toBe(404);
  });

  it('cancel what has not started', async () => {
    const { clock, push, seen, call } = queues();
    push([{ body: { n: 1 } }, { body: { n: 2 }, delayInSeconds: 60 }]);
    await clock.advance(0);
    expect(call('cancel', {})?.status).toBe(204);
    await clock.advance(10 * MINUTE);
    expect(seen).toHaveLength(1);
  });
});

describe('schedules', () => {
  it('run five minutes after installation and then at their interval', async () => {
    const site = startSite();
    site.platform.manifest.modules.scheduledTrigger = [{ key: 'hourly', function: 'tick', interval: 'hour' }];
    site.platform.install();
    const runs = () => site.usage().invocations['scheduledTrigger:hourly']?.count ?? 0;
    await site.advance('PT4M');
    expect(runs()).toBe(0);
    expect((await site.advance('PT2M')).ran.scheduledTrigger).toBeGreaterThan(0);
    expect(runs()).toBe(1);
    await site.advance('P1D');
    expect(runs()).toBe(25);
  });
});

describe('an invocation', () => {
  it('has no further effect once it has ended', async () => {
    const site = startSite();
    let ended: Invocation | undefined;
    site.platform.beforeCall = (invocation) => {
      ended = invocation;
    };
    await site.invoke({ module: 'notice', functionKey: 'notice.get', payload: {}, accountId: ANA });
    // As if a handler had not awaited its own call.
    const late = await site.platform.fetch(ended as Invocation, { type: 'kvs', provider: 'app', remote: 'kvs' }, '/api/v1/set', {
      method: 'POST',
      body: JSON.stringify({ key: 'late', value: 1 }),
    });
    expect(late.status).toBe(401);
    expect(site.state().kvs.plain.late).toBeUndefined();
  });
});

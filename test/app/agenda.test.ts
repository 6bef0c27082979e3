/** The agenda: what a tick costs, ticks that overlap, and work that fails. */
import { describe, expect, it } from 'vitest';
import { defineWork } from '../../src/agenda/define';
import { makeTick } from '../../src/agenda/tick';
import type { LocalSite } from '../emulator/site';
import { ALL, filledSite, startCleanup } from '../support/cleanup';
import { adminData, startAlone, startSite } from '../support/site';

const tick = (site: LocalSite) => site.platform.runFunction('scheduledTrigger', 'tick', {});

describe('a tick', () => {
  it('with nothing due is one read, and writes nothing', async () => {
    const site = startSite();
    // By then the site has been read into the directory.
    await site.advance('PT16M');
    await tick(site);
    site.resetUsage();
    await tick(site);
    expect(site.usage().kvs).toMatchObject({ gets: 0, sets: 0, queries: 0, batches: 1, transactions: 0 });
  });

  it('beside another one does nothing that the other does', async () => {
    const [alone, site] = [startAlone(), startAlone()];
    await tick(alone);
    await Promise.all([tick(site), tick(site)]);
    // The queries of one tick: the other one found everything leased.
    expect(alone.usage().kvs.queries).toBeGreaterThan(5);
    expect(site.usage().kvs.queries).toBe(alone.usage().kvs.queries);
  });

  it('tries again next time what has failed', async () => {
    const site = startSite({ settings: { sql: 'absent' } });
    site.addFault({ target: 'kvs', path: '**/entity/query', respond: { status: 500 } });
    expect(await tick(site)).toEqual({ kind: 'ok' });
    site.resetUsage();
    await tick(site);
    // Notices, which failed, and whether the outbox has anything that keeps pages of settled people from being made.
    expect(site.usage().kvs.queries).toBe(3);
  });

  it('finds a lost job beside records that cannot be read, and ends one of a kind that is no more', async () => {
    const site = await filledSite();
    site.addFault({ target: 'queue', respond: { status: 500 } });
    const { runId: id } = await startCleanup(site, ALL);
    const stored = site.state().kvs.entities.job?.[id] as Record<string, unknown>;
    site.platform.kvs.put('job', 'broken', { revision: 1, kind: 'archive', state: 'running', createdAt: 1, data: {} });
    site.platform.kvs.put('job', 'former', { ...stored, kind: 'former' });
    await site.advance('PT1H10M');
    expect(await adminData(site, 'job.get', { jobId: id })).toMatchObject({ state: 'done' });
    expect(site.state().kvs.entities.job?.former).toMatchObject({ state: 'failed', data: { problem: 'kind-unknown' } });
  });
});

describe('the list of open jobs', () => {
  it('is empty once they are over, and mended within the hour when it was unreadable', async () => {
    const site = await filledSite();
    site.addFault({ target: 'queue', respond: { status: 500 } });
    const { runId: id } = await startCleanup(site, ALL);
    const open = () => site.state().kvs.entities.register?.['open-jobs'] as { revision: number; data: { ids: string[] } };
    expect(open().data.ids).toEqual([id]);
    await site.advance('PT1M');
    site.platform.kvs.put('register', 'open-jobs', { ...open(), data: { ids: 'gone' } });
    await site.advance('PT1H10M');
    expect(await adminData(site, 'job.get', { jobId: id })).toMatchObject({ state: 'done' });
    expect(open().data.ids).toEqual([]);
  });
});

describe('a list of work', () => {
  const work = (kind: string) => defineWork({ kind, everyMs: 1, leaseMs: 1, run: async () => {} });

  it('has at most 50 kinds, each once', () => {
    const kinds = Array.from({ length: 50 }, (_, i) => work(`kind-${i}`));
    expect(() => makeTick(kinds, [])).not.toThrow();
    expect(() => makeTick([...kinds, work('one-more')], [])).toThrow('50');
    expect(() => makeTick([work('twice'), work('twice')], [])).toThrow('once');
  });
});

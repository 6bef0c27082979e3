/** Bulk cleanup on the local site: search, plan, archive, stop, restore, and everything that can go wrong. */
import { describe, expect, it } from 'vitest';
import type { RowView } from '../../src/api/admin/cleanup';
import type { JobView, Page } from '../../src/api/admin/jobs';
import type { LocalSite } from '../emulator/site';
import { ADMIN_ACCOUNT_ID, accountIdOf, admin, adminData, startSite } from '../support/site';
import { ONE_PROCESS, type Stop, stopAtEachCall } from '../support/stops';

const DAYS = 180;

async function survey(site: LocalSite, idleDays = DAYS): Promise<JobView> {
  const { id } = await adminData(site, 'cleanup.survey', { idleDays });
  return finished(site, id);
}

/** Runs a job to its end, for hours if it has to wait for the rate limit. */
async function finished(site: LocalSite, jobId: string): Promise<JobView> {
  for (let hour = 0; hour < 48; hour += 1) {
    await site.advance(hour === 0 ? 'PT1M' : 'PT1H');
    const job = await adminData(site, 'job.get', { jobId });
    if (job.state !== 'running' && job.state !== 'cancelling') return job;
  }
  throw new Error(`job ${jobId} did not end`);
}

async function allRows(site: LocalSite, jobId: string) {
  const rows: Page<RowView>['rows'] = [];
  let from: Page<RowView>['next'] | undefined;
  while (from !== null) {
    const page: Page<RowView> = await adminData(site, 'cleanup.rows', { jobId, ...(from ? { from } : {}) });
    rows.push(...page.rows);
    from = page.next;
  }
  return rows;
}

/** The expected answer, computed from the site's own state. */
function trulyUnused(site: LocalSite, idleDays = DAYS): string[] {
  const since = site.clock.now() - idleDays * 86_400_000;
  const { state } = site.confluence;
  return state.spaces
    .filter((s) => s.type === 'personal' && s.status === 'current' && s.grants.length > 1 && s.createdAt < since)
    .filter((s) => (state.contentBySpace.get(s.id) ?? []).every((c) => c.versions.every((v) => v.at < since - 86_400_000)))
    .map((s) => String(s.id));
}

const statusOf = (site: LocalSite, spaceId: string) => site.confluence.state.spacesById.get(Number(spaceId))?.status;

describe('the search for unused spaces', () => {
  it('finds exactly the spaces it can see that have not changed', async () => {
    const site = startSite();
    const job = await survey(site);
    const rows = await allRows(site, job.id);
    expect(job.state).toBe('done');
    expect(rows.map((r) => r.spaceId).sort()).toEqual(trulyUnused(site).sort());
    expect(job.counts).toMatchObject({ unused: rows.length });
    expect(rows.length).toBeGreaterThan(5);
  });

  it('counts a comment, an attachment and a blog post as a change', async () => {
    const site = startSite();
    const before = await allRows(site, (await survey(site)).id);
    const types = ['comment', 'attachment', 'blogpost'] as const;
    for (const [i, type] of types.entries()) {
      site.confluence.state.addContent({
        type,
        title: type,
        spaceId: Number(before[i]?.spaceId),
        parentId: null,
        authorId: ADMIN_ACCOUNT_ID,
        body: '',
        at: site.clock.now(),
      });
    }
    await site.advance('PT1M');
    const after = (await allRows(site, (await survey(site)).id)).map((r) => r.spaceId);
    expect(after).toEqual(before.slice(types.length).map((r) => r.spaceId));
  });

  it('continues where it was when it is stopped after any of its calls', async () => {
    const site = startSite({ seed: 'scale', people: 280, spaces: 279, settings: ONE_PROCESS });
    // The search index lags behind: what was just written is not in it yet.
    await site.advance('PT1M');
    const undisturbed = await survey(site);
    const expected = (await allRows(site, undisturbed.id)).map((r) => r.spaceId);
    const scene = async ({ name, order }: Stop): Promise<void> => {
      order(site);
      const job = await survey(site);
      expect(job.counts, name).toEqual(undisturbed.counts);
      expect(
        (await allRows(site, job.id)).map((r) => r.spaceId),
        name,
      ).toEqual(expected);
    };
    expect(await stopAtEachCall('consumer', scene, 2)).toBeGreaterThan(10);
  });

  it('waits for the rate limit and then continues', async () => {
    const site = startSite({ seed: 'scale', people: 1_500, spaces: 1_499, settings: { hourlyPoints: 600 } });
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: DAYS });
    await site.advance('PT1M');
    // The job stops at its share of the quota that Confluence reports, so the page can still make calls.
    expect((await adminData(site, 'job.get', { jobId: id })).waitingUntil).toBeGreaterThan(site.clock.now());
    await site.advance('PT8H');
    const job = await finished(site, id);
    expect(job).toMatchObject({ state: 'done', counts: { seen: 1_499 } });
    for (const points of Object.values(site.usage().rest.hours)) expect(points).toBeLessThanOrEqual(600 + 251);
  });

  it('fails with a reason, and lists nothing, when Confluence refuses the search', async () => {
    const site = startSite();
    site.addFault({
      target: 'confluence',
      path: '/wiki/rest/api/search',
      times: 50,
      respond: { status: 400, body: { message: 'Could not parse cql' } },
    });
    const job = await survey(site);
    expect(job).toMatchObject({ state: 'failed', problem: expect.stringContaining('search') });
  });
});

describe('archiving', () => {
  it('archives what was selected, and nothing else', async () => {
    const site = startSite();
    const rows = await allRows(site, (await survey(site)).id);
    const chosen = rows.slice(0, 3);
    const surveyId = (await adminData(site, 'cleanup.state', {})).survey?.id as string;
    const plan = await adminData(site, 'cleanup.preview', {
      surveyId,
      selection: { kind: 'some', spaces: chosen.map(({ batch, spaceId }) => ({ batch, spaceId })) },
    });
    expect(plan).toMatchObject({ count: 3, points: 21 });
    await site.advance('PT10M');
    expect(chosen.map((r) => statusOf(site, r.spaceId))).toEqual(['current', 'current', 'current']);
    await adminData(site, 'cleanup.start', { jobId: plan.job.id });
    const job = await finished(site, plan.job.id);
    expect(job).toMatchObject({ state: 'done', counts: { archived: 3 } });
    expect(rows.map((r) => statusOf(site, r.spaceId))).toEqual(rows.map((_, i) => (i < 3 ? 'archived' : 'current')));
  });

  async function planAll(site: LocalSite): Promise<{ jobId: string; rows: Awaited<ReturnType<typeof allRows>> }> {
    const found = await survey(site);
    const rows = await allRows(site, found.id);
    const plan = await adminData(site, 'cleanup.preview', { surveyId: found.id, selection: { kind: 'all', except: [] } });
    expect(plan.count).toBe(rows.length);
    return { jobId: plan.job.id, rows };
  }

  it('leaves alone spaces that have changed, disappeared or become invisible to it since the search', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    const [edited, commented, archived, hidden, deleted] = rows.map((r) => Number(r.spaceId));
    const { state } = site.confluence;
    const space = (id: number | undefined) => state.spacesById.get(id as number) as NonNullable<ReturnType<typeof state.spacesById.get>>;
    state.addContent({
      type: 'page',
      title: 'New',
      spaceId: edited as number,
      parentId: null,
      authorId: ADMIN_ACCOUNT_ID,
      body: '',
      at: site.clock.now(),
    });
    state.addContent({
      type: 'comment',
      title: 'c',
      spaceId: commented as number,
      parentId: null,
      authorId: ADMIN_ACCOUNT_ID,
      body: '',
      at: site.clock.now(),
    });
    space(archived).status = 'archived';
    space(hidden).grants = space(hidden).grants.slice(0, 1);
    state.removeSpace(space(deleted));
    await site.advance('PT1M');
    await adminData(site, 'cleanup.start', { jobId });
    const job = await finished(site, jobId);
    const results = new Map((await allRows(site, jobId)).map((r) => [Number(r.spaceId), `${r.outcome}: ${r.reason}`]));
    expect(results.get(edited as number)).toBe('kept: changed-since');
    expect(results.get(commented as number)).toBe('kept: changed-since');
    expect(results.get(archived as number)).toBe('kept: already-archived');
    expect(results.get(hidden as number)).toBe('kept: not-visible');
    expect(results.get(deleted as number)).toBe('kept: not-visible');
    expect(job.counts).toMatchObject({ kept: 5, archived: rows.length - 5 });
  });

  it('archives nothing where the app is not an administrator', async () => {
    const site = startSite({ settings: { appIsSpaceAdmin: 'never' } });
    const { jobId, rows } = await planAll(site);
    await adminData(site, 'cleanup.start', { jobId });
    expect((await finished(site, jobId)).counts).toEqual({ kept: rows.length });
    expect((await allRows(site, jobId)).every((r) => r.reason === 'not-administrator')).toBe(true);
  });

  it('has the same outcome when it is stopped after any of its calls', async () => {
    // Two spaces are enough: a third would repeat the calls of the second.
    const scene = async ({ name, order }: Stop): Promise<void> => {
      const site = startSite({ settings: ONE_PROCESS });
      const found = await survey(site);
      const rows = (await allRows(site, found.id)).slice(0, 2);
      const selection = { kind: 'some' as const, spaces: rows.map(({ batch, spaceId }) => ({ batch, spaceId })) };
      const plan = await adminData(site, 'cleanup.preview', { surveyId: found.id, selection });
      order(site);
      await adminData(site, 'cleanup.start', { jobId: plan.job.id });
      const job = await finished(site, plan.job.id);
      expect(job, name).toMatchObject({ state: 'done', counts: { archived: 2 } });
      for (const { spaceId } of rows) expect(statusOf(site, spaceId), name).toBe('archived');
    };
    expect(await stopAtEachCall('consumer', scene, 3)).toBeGreaterThan(8);
  });

  it('records Confluence failures per space and archives the rest', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    for (const row of rows.slice(0, 2)) {
      site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${row.key}`, times: 99, respond: { status: 500 } });
    }
    await adminData(site, 'cleanup.start', { jobId });
    const job = await finished(site, jobId);
    expect(job.counts).toEqual({ archived: rows.length - 2, failed: 2 });
    expect((await allRows(site, jobId)).filter((r) => r.outcome === 'failed').every((r) => r.reason === 'confluence-failed')).toBe(true);
  });

  it('waits when Confluence tells it to, and then finishes', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      after: 2,
      times: 1,
      respond: { status: 429, headers: { 'Retry-After': '2400' } },
    });
    await adminData(site, 'cleanup.start', { jobId });
    await site.advance('PT5M');
    const waiting = await adminData(site, 'job.get', { jobId });
    expect(waiting.state).toBe('running');
    expect(waiting.waitingUntil).toBeGreaterThan(site.clock.now());
    expect((await finished(site, jobId)).counts).toEqual({ archived: rows.length });
  });

  it('stops when the admin cancels it, and what it archived can be restored', async () => {
    const site = startSite({ seed: 'scale', people: 400, spaces: 399 });
    const { jobId } = await planAll(site);
    let archived = 0;
    const reached = new Promise<void>((reach) => {
      site.platform.beforeCall = (_invocation, call) => {
        if (call.startsWith('confluence PUT /wiki/rest/api/space/')) archived += 1;
        if (archived === 25) reach();
      };
    });
    await adminData(site, 'cleanup.start', { jobId });
    const running = site.advance('PT1M');
    await reached;
    const halfway = await adminData(site, 'job.get', { jobId });
    expect(halfway.total).toBeGreaterThan(300);
    // Results are written in batches of ten: two before the 25th call.
    expect(halfway.counts).toEqual({ archived: 20 });
    await adminData(site, 'job.cancel', { jobId });
    await running;
    const job = await finished(site, jobId);
    expect(job.state).toBe('cancelled');
    expect(job.counts.archived).toBeGreaterThanOrEqual(25);
    expect(job.counts.archived).toBeLessThan(60);

    const restore = await adminData(site, 'cleanup.restore', { jobId });
    expect((await finished(site, restore.id)).counts).toEqual({ restored: job.counts.archived });
    expect(site.status().spaces.personal).toMatchObject({ archived: 0 });
  });

  it('keeps its results when it is canceled while waiting for Confluence', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      after: 4,
      respond: { status: 429, headers: { 'Retry-After': '3000' } },
    });
    await adminData(site, 'cleanup.start', { jobId });
    await site.advance('PT1M');
    await adminData(site, 'job.cancel', { jobId });
    const job = await finished(site, jobId);
    expect(job).toMatchObject({ state: 'cancelled', counts: { archived: 4 } });
    const restore = await adminData(site, 'cleanup.restore', { jobId });
    expect((await finished(site, restore.id)).counts).toEqual({ restored: 4 });
    expect(rows.every((r) => statusOf(site, r.spaceId) === 'current')).toBe(true);
  });

  it('archives and restores spaces selected far down a long list', async () => {
    const site = startSite({ seed: 'scale', people: 700, spaces: 699 });
    const found = await survey(site);
    const rows = await allRows(site, found.id);
    const chosen = rows.slice(-3);
    const plan = await adminData(site, 'cleanup.preview', {
      surveyId: found.id,
      selection: { kind: 'some', spaces: chosen.map(({ batch, spaceId }) => ({ batch, spaceId })) },
    });
    await adminData(site, 'cleanup.start', { jobId: plan.job.id });
    expect((await finished(site, plan.job.id)).counts).toEqual({ archived: 3 });
    expect((await allRows(site, plan.job.id)).map((r) => r.spaceId)).toEqual(chosen.map((r) => r.spaceId));
    const restore = await adminData(site, 'cleanup.restore', { jobId: plan.job.id });
    expect((await finished(site, restore.id)).counts).toEqual({ restored: 3 });
  });

  it('spares a space with a recent comment, even next to a very busy space', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    const { state } = site.confluence;
    const at = (index: number) => Number(rows[index]?.spaceId);
    const item = { parentId: null, authorId: ADMIN_ACCOUNT_ID, body: '' };
    state.addContent({ ...item, type: 'comment', title: 'c', spaceId: at(1), at: site.clock.now() });
    for (let i = 0; i < 60; i += 1) state.addContent({ ...item, type: 'page', title: `p${i}`, spaceId: at(0), at: site.clock.now() + 1 });
    await site.advance('PT1M');
    await adminData(site, 'cleanup.start', { jobId });
    await finished(site, jobId);
    expect([statusOf(site, String(at(0))), statusOf(site, String(at(1))), statusOf(site, String(at(2)))]).toEqual([
      'current',
      'current',
      'archived',
    ]);
  });

  it('keeps a space in which it cannot see any page', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    for (const item of site.confluence.state.contentBySpace.get(Number(rows[0]?.spaceId)) ?? []) item.viewers = new Set(['somebody']);
    await adminData(site, 'cleanup.start', { jobId });
    await finished(site, jobId);
    expect((await allRows(site, jobId))[0]).toMatchObject({ outcome: 'kept', reason: 'activity-unknown' });
  });

  it('fails with a reason instead of running forever when the queue or the search fails', async () => {
    const site = startSite();
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/search', times: 99, respond: { status: 404 } });
    expect(await survey(site)).toMatchObject({ state: 'failed', problem: 'search: 404' });
  });

  it('gives up with a reason after ten unusable search answers in a row', async () => {
    const site = startSite();
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/search', times: 999, respond: { status: 200, body: { nonsense: true } } });
    expect(await survey(site)).toMatchObject({ state: 'failed', problem: 'search: 502' });
    expect(site.usage().rest.byRoute['GET /wiki/rest/api/search']?.requests).toBe(10);
  });

  it('continues when the queue did not take its next step', async () => {
    const site = startSite();
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: DAYS });
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/search', respond: { status: 429, headers: { 'Retry-After': '30' } } });
    site.addFault({ target: 'queue', respond: { status: 429 } });
    expect(await finished(site, id)).toMatchObject({ state: 'done' });
  });

  it('does not claim a space that someone else archived while it waited', async () => {
    const site = startSite();
    const { jobId, rows } = await planAll(site);
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      respond: { status: 429, headers: { 'Retry-After': '600' } },
    });
    await adminData(site, 'cleanup.start', { jobId });
    await site.advance('PT1M');
    const other = site.confluence.state.spacesById.get(Number(rows[5]?.spaceId));
    if (other) other.status = 'archived';
    await finished(site, jobId);
    const restore = await adminData(site, 'cleanup.restore', { jobId });
    await finished(site, restore.id);
    expect(other?.status).toBe('archived');
  });

  it('spends at most half the points of an hour', async () => {
    const site = startSite({ seed: 'scale', people: 40_000, spaces: 39_999 });
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: DAYS });
    await site.advance('PT5M');
    const waiting = await adminData(site, 'job.get', { jobId: id });
    expect(waiting).toMatchObject({ state: 'running', waitingUntil: Date.UTC(2026, 10, 23, 10) });
    expect(await finished(site, id)).toMatchObject({ state: 'done', counts: { seen: 39_999 } });
    for (const points of Object.values(site.usage().rest.hours)) expect(points).toBeLessThan(65_000 / 2 + 600);
  });

  it('drops a queue message that is unreadable or whose job no longer exists', async () => {
    const site = startSite();
    for (const body of [{}, { jobId: 7 }, { jobId: 'archive-1-x', turn: 1 }]) {
      const push = { queueName: 'work', jobId: `message ${JSON.stringify(body)}`, payload: [{ body }] };
      expect(site.platform.queues.handle('/webhook/queue/publish/x', JSON.stringify(push), { pushes: 0 })).toEqual({ status: 201 });
    }
    await site.advance('PT1H');
    expect(site.usage().invocations['consumer:work-consumer']).toMatchObject({ count: 3, errors: 0, retries: 0, killed: 0 });
    expect(site.state().kvs.entities.job).toEqual({});
  });

  it('lists its jobs no matter how many plans were never started', async () => {
    const site = startSite();
    const { jobId } = await planAll(site);
    await adminData(site, 'cleanup.start', { jobId });
    await finished(site, jobId);
    const surveyId = (await adminData(site, 'cleanup.state', {})).survey?.id as string;
    for (let i = 0; i < 8; i += 1) {
      await adminData(site, 'cleanup.preview', { surveyId, selection: { kind: 'all', except: [] } });
      await site.advance('PT2S');
    }
    expect((await adminData(site, 'cleanup.state', {})).jobs.map((j) => j.id)).toEqual([jobId]);
  });

  it('refuses a plan that is empty or includes rows the search did not list', async () => {
    const site = startSite();
    const found = await survey(site);
    const foreign = { kind: 'some' as const, spaces: [{ batch: 0, spaceId: '1' }] };
    expect(await admin(site, 'cleanup.preview', { surveyId: found.id, selection: foreign })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    const rows = await allRows(site, found.id);
    const none = { kind: 'all' as const, except: rows.map((r) => r.spaceId) };
    expect(await admin(site, 'cleanup.preview', { surveyId: found.id, selection: none })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    expect(await admin(site, 'cleanup.start', { jobId: found.id })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });
});

describe('restoring', () => {
  it('restores what the cleanup archived, and leaves alone what has changed since', async () => {
    const site = startSite();
    const found = await survey(site);
    const rows = await allRows(site, found.id);
    const plan = await adminData(site, 'cleanup.preview', { surveyId: found.id, selection: { kind: 'all', except: [] } });
    await adminData(site, 'cleanup.start', { jobId: plan.job.id });
    await finished(site, plan.job.id);
    const byHand = site.confluence.state.spacesById.get(Number(rows[0]?.spaceId));
    if (byHand) byHand.status = 'current';
    const restore = await adminData(site, 'cleanup.restore', { jobId: plan.job.id });
    const job = await finished(site, restore.id);
    expect(job.counts).toEqual({ restored: rows.length - 1, kept: 1 });
    expect(rows.every((r) => statusOf(site, r.spaceId) === 'current')).toBe(true);
  });

  it('reports how many of the spaces that Homestead created it cannot see', async () => {
    const site = startSite();
    await adminData(site, 'policy.save', { policy: { schemaVersion: 1, mode: 'auto', template: { kind: 'builtin' } }, baseVersion: 0 });
    for (const n of [1, 3, 5]) site.activity({ accountId: accountIdOf(n), views: 1 });
    await site.advance('PT1M');
    expect((await adminData(site, 'cleanup.state', {})).unseen).toEqual({ count: 3, of: 3 });
  });
});

/** Bulk cleanup on the local site: preview, archive, stop, restore, and everything that can go wrong. */
import { describe, expect, it } from 'vitest';
import type { RunRowView, RunView } from '../../src/api/admin/runs';
import type { LocalSite } from '../emulator/site';
import {
  ALL,
  allRows,
  filledSite,
  finished,
  listUnused,
  refilled,
  runOf,
  some,
  startCleanup as start,
  UNUSED_DAYS,
} from '../support/cleanup';
import { ADMIN_ACCOUNT_ID, accountIdOf, admin, adminData, startSite } from '../support/site';
import { ONE_PROCESS, type Stop, stopAtEachCall } from '../support/stops';

const DAY_MS = 86_400_000;

async function undone(site: LocalSite, runId: string, spaceIds?: string[]): Promise<RunView> {
  const undo = await adminData(site, 'runs.undo', { runId, ...(spaceIds ? { spaceIds } : {}) });
  return finished(site, undo.runId);
}

/** The expected answer, computed from the site's own state. */
function trulyUnused(site: LocalSite, days = UNUSED_DAYS): string[] {
  const lastDay = new Date(site.clock.now() - days * DAY_MS).toISOString().slice(0, 10);
  const { state } = site.confluence;
  return state.spaces
    .filter((s) => s.type === 'personal' && s.status === 'current' && s.grants.length > 1)
    .filter((s) =>
      (state.contentBySpace.get(s.id) ?? []).every((c) => c.versions.every((v) => new Date(v.at).toISOString().slice(0, 10) <= lastDay)),
    )
    .map((s) => String(s.id));
}

const statusOf = (site: LocalSite, spaceId: string) => site.confluence.state.spacesById.get(Number(spaceId))?.status;
const statuses = (site: LocalSite, spaceIds: readonly string[]) => new Set(spaceIds.map((id) => statusOf(site, id)));

/** Moving the clock that far would be slow and test nothing more. */
function backdate(site: LocalSite, entity: 'job' | 'plan', key: string, days: number): void {
  const stored = site.state().kvs.entities[entity]?.[key] as { createdAt: number };
  site.platform.kvs.put(entity, key, { ...stored, createdAt: stored.createdAt - days * DAY_MS });
}

/** Something that the directory has not heard of. */
function change(site: LocalSite, spaceId: string | undefined, type: 'page' | 'comment' | 'attachment' | 'blogpost'): void {
  const item = { parentId: null, authorId: ADMIN_ACCOUNT_ID, body: '', title: type, spaceId: Number(spaceId) };
  site.confluence.state.addContent({ ...item, type, at: site.clock.now() });
}

describe('the preview', () => {
  it('counts exactly the spaces it can see that have not changed, and the others by reason', async () => {
    const site = await filledSite();
    const expected = trulyUnused(site);
    expect(expected.length).toBeGreaterThan(5);
    expect((await listUnused(site)).sort()).toEqual([...expected].sort());
    const plan = await adminData(site, 'cleanup.preview', { selection: ALL });
    const { current } = (await adminData(site, 'overview.get', {})).spaces;
    const points = expected.length * 7 + Math.ceil(expected.length / 10);
    expect(plan).toMatchObject({ count: expected.length, share: expected.length / current, points });
    expect(plan.reasons).toEqual([{ reason: 'unused', count: expected.length }]);
    expect(plan.doneAt).toBeGreaterThan(site.clock.now());
    const everything = await adminData(site, 'cleanup.preview', { selection: { kind: 'all', filter: {}, except: [] } });
    const rows = (await adminData(site, 'spaces.list', { limit: 1 })).total;
    expect(everything.count).toBe(expected.length);
    expect(everything.count + everything.leftOut.reduce((sum, { count }) => sum + count, 0)).toBe(rows);
    expect(everything.leftOut.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['changed-since', 'not-visible', 'already-archived']),
    );
  });

  it('is refused until the directory is complete', async () => {
    const site = startSite();
    expect(await admin(site, 'cleanup.preview', { selection: ALL })).toMatchObject({ ok: false, error: { code: 'not-ready' } });
  });

  it('says which of some spaces are unknown, changed or archived, and plans the rest', async () => {
    const site = await filledSite();
    const [first, second] = (await listUnused(site)) as [string, string];
    const used = await adminData(site, 'spaces.list', { filter: { lifecycle: ['in-use'], status: ['current'] }, limit: 1 });
    const gone = await adminData(site, 'spaces.list', { filter: { status: ['archived'] }, limit: 1 });
    const ids = [first, second, used.rows[0]?.spaceId as string, gone.rows[0]?.spaceId as string, '999999'];
    const plan = await adminData(site, 'cleanup.preview', { selection: some(ids) });
    expect(plan.count).toBe(2);
    expect(plan.sample.map((row) => row.spaceId)).toEqual([first, second].sort());
    expect(plan.leftOut).toHaveLength(3);
    expect(plan.leftOut).toEqual(
      expect.arrayContaining([
        { reason: 'changed-since', count: 1 },
        { reason: 'already-archived', count: 1 },
        { reason: 'not-listed', count: 1 },
      ]),
    );
  });

  it('of all but some is not confused by exceptions that the filter does not match', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const keptOne = unused[3] as string;
    const except = [keptOne, '1', '2', '999999'];
    const plan = await adminData(site, 'cleanup.preview', { selection: { ...ALL, except } });
    expect(plan.count).toBe(unused.length - 1);
    const { runId } = await adminData(site, 'cleanup.start', { planId: plan.planId, count: plan.count });
    expect(await finished(site, runId)).toMatchObject({
      state: 'done',
      total: plan.count,
      done: plan.count,
      counts: { archived: plan.count },
    });
    expect(unused.filter((id) => statusOf(site, id) === 'current')).toEqual([keptOne]);
  });

  it('takes all of several hundred spaces, but for what another filter and exceptions leave out', async () => {
    const site = await filledSite({ seed: 'scale', people: 700, spaces: 699 });
    const unused = await listUnused(site);
    expect(unused.length).toBeGreaterThan(300);
    const except = unused.slice(0, 40);
    const { runId, count } = await start(site, { ...ALL, except });
    expect(count).toBe(unused.length - 40);
    expect(await finished(site, runId)).toMatchObject({ state: 'done', total: count, counts: { archived: count } });
    expect(statuses(site, except)).toEqual(new Set(['current']));
    expect(statuses(site, unused.slice(40))).toEqual(new Set(['archived']));
    expect(site.sql({ query: 'SELECT COUNT(*) AS n FROM run_rows', params: [] }).rows).toEqual([{ n: expect.anything() }]);
    expect(await undone(site, runId)).toMatchObject({ state: 'done', counts: { restored: count } });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
  });

  it('tells nobody first: that is refused rather than ignored', async () => {
    const site = await filledSite();
    const answer = await admin(site, 'cleanup.preview', { selection: ALL, tellFirst: true });
    expect(answer).toMatchObject({ ok: false, error: { code: 'bad-request', details: { problem: 'nobody-is-told-yet' } } });
  });

  it('changes nothing in Confluence, and costs no points', async () => {
    const site = await filledSite();
    const before = site.status().spaces.personal;
    site.resetUsage();
    await adminData(site, 'cleanup.preview', { selection: ALL });
    await site.advance('PT4M');
    expect(site.status().spaces.personal).toEqual(before);
    const routes = Object.keys(site.usage().rest.byRoute);
    expect(routes.filter((route) => !route.includes('user/current'))).toEqual([]);
  });
});

describe('starting', () => {
  it('is refused when the count is not the plan’s, when it is empty, and when there is no such plan', async () => {
    const site = await filledSite();
    const [id] = await listUnused(site);
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    const changed = { ok: false, error: { code: 'plan-changed', details: { count } } };
    expect(await admin(site, 'cleanup.start', { planId, count: count + 1 })).toEqual(changed);
    const nothing = await adminData(site, 'cleanup.preview', { selection: { ...ALL, except: await listUnused(site) } });
    expect(nothing.count).toBe(0);
    expect(await admin(site, 'cleanup.start', { planId: nothing.planId, count: 0 })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
    expect(await admin(site, 'cleanup.start', { planId: 'archive-1-x', count })).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(statusOf(site, id as string)).toBe('current');
  });

  it('is refused for more than 25 spaces without a reason', async () => {
    const site = await filledSite({ seed: 'scale', people: 80, spaces: 80 });
    const unused = await listUnused(site);
    const planFor = (spaceIds: string[]) => adminData(site, 'cleanup.preview', { selection: some(spaceIds) });
    const { planId, count } = await planFor(unused.slice(0, 26));
    expect(count).toBe(26);
    const refused = { ok: false, error: { code: 'bad-request', details: { problem: 'reason-missing', max: 25 } } };
    for (const missing of [{}, { reason: null }, { reason: ' ' }])
      expect(await admin(site, 'cleanup.start', { planId, count, ...missing })).toEqual(refused);
    // Naming a smaller number does not help.
    expect(await admin(site, 'cleanup.start', { planId, count: 25 })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
    const { runId } = await adminData(site, 'cleanup.start', { planId, count, reason: 'Spring cleaning' });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', reason: 'Spring cleaning', counts: { archived: 26 } });
    const small = await planFor(unused.slice(26, 51));
    expect(small.count).toBe(25);
    expect(await admin(site, 'cleanup.start', { planId: small.planId, count: 25 })).toMatchObject({ ok: true });
  });

  it('is refused after a week', async () => {
    const site = await filledSite();
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    backdate(site, 'plan', `plan:${planId}`, 7);
    expect(await admin(site, 'cleanup.start', { planId, count })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('finds the same run at a second click, and keeps the reason', async () => {
    const site = await filledSite();
    const [id] = (await listUnused(site)) as [string];
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: some([id]) });
    const first = await adminData(site, 'cleanup.start', { planId, count, reason: 'Spring cleaning' });
    expect(await adminData(site, 'cleanup.start', { planId, count, reason: 'again' })).toEqual(first);
    expect(await finished(site, first.runId)).toMatchObject({ state: 'done', reason: 'Spring cleaning', counts: { archived: 1 } });
    const told = Object.values(site.state().kvs.entities.event ?? {}).map((entry) => JSON.stringify(entry));
    expect(told.filter((entry) => entry.includes('run-ended') && entry.includes('Spring cleaning'))).toHaveLength(1);
  });

  it('is refused once the database was lost, and a new preview may be started when it is complete again', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    site.loseSql();
    expect(await admin(site, 'cleanup.start', { planId, count })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    expect(await admin(site, 'cleanup.preview', { selection: ALL })).toMatchObject({ ok: false, error: { code: 'not-ready' } });
    await refilled(site);
    expect(await admin(site, 'cleanup.start', { planId, count })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    const { runId, count: again } = await start(site, ALL);
    expect(again).toBe(unused.length);
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: again } });
  });
});

describe('archiving', () => {
  it('archives what was selected, and nothing else, and the directory knows it', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const chosen = unused.slice(0, 3);
    const { runId } = await start(site, some(chosen));
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: 3 } });
    expect(unused.map((id) => statusOf(site, id))).toEqual(unused.map((_, i) => (i < 3 ? 'archived' : 'current')));
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: chosen } });
    expect(rows.map((row) => row.lifecycle)).toEqual(['archived', 'archived', 'archived']);
    expect(await listUnused(site)).toEqual(unused.slice(3));
  });

  it('counts a comment, an attachment and a blog post since the preview as a change', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    for (const [i, type] of (['comment', 'attachment', 'blogpost'] as const).entries()) change(site, unused[i], type);
    await site.advance('PT1M');
    const { runId } = await adminData(site, 'cleanup.start', { planId, count });
    expect((await finished(site, runId)).counts).toEqual({ archived: count - 3, kept: 3 });
    const kept = (await allRows(site, runId)).filter((row) => row.reason === 'changed-since');
    expect(kept.map((row) => row.spaceId)).toEqual(unused.slice(0, 3));
  });

  it('leaves alone spaces that have changed, disappeared or become invisible to it since the preview', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const [edited, commented, archived, hidden, deleted] = unused as [string, string, string, string, string];
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    const { state } = site.confluence;
    const space = (id: string) => state.spacesById.get(Number(id)) as NonNullable<ReturnType<typeof state.spacesById.get>>;
    change(site, edited, 'page');
    change(site, commented, 'comment');
    space(archived).status = 'archived';
    space(hidden).grants = space(hidden).grants.slice(0, 1);
    state.removeSpace(space(deleted));
    await site.advance('PT1M');
    const { runId } = await adminData(site, 'cleanup.start', { planId, count });
    const run = await finished(site, runId);
    const results = new Map((await allRows(site, runId)).map((r) => [r.spaceId, `${r.outcome}: ${r.reason}`]));
    expect(results.get(edited)).toBe('kept: changed-since');
    expect(results.get(commented)).toBe('kept: changed-since');
    expect(results.get(archived)).toBe('kept: already-archived');
    expect(results.get(hidden)).toBe('kept: not-visible');
    expect(results.get(deleted)).toBe('kept: not-visible');
    expect(run.counts).toEqual({ kept: 5, archived: count - 5 });
  });

  it('archives nothing where the app is not an administrator', async () => {
    const site = await filledSite({ settings: { appIsSpaceAdmin: 'never' } });
    const { runId, count } = await start(site, ALL);
    expect((await finished(site, runId)).counts).toEqual({ kept: count });
    expect((await allRows(site, runId)).every((r) => r.reason === 'not-administrator')).toBe(true);
  });

  it('has the same outcome when it is stopped after any of its calls', async () => {
    // Two spaces are enough: a third would repeat the calls of the second.
    const scene = async ({ name, order }: Stop): Promise<void> => {
      const site = await filledSite({ seed: 'scale', people: 12, spaces: 10, settings: ONE_PROCESS });
      const chosen = (await listUnused(site)).slice(0, 2);
      const { planId, count } = await adminData(site, 'cleanup.preview', { selection: some(chosen) });
      order(site);
      const { runId } = await adminData(site, 'cleanup.start', { planId, count });
      expect(await finished(site, runId), name).toMatchObject({ state: 'done', total: 2, counts: { archived: 2 } });
      expect(statuses(site, chosen), name).toEqual(new Set(['archived']));
    };
    expect(await stopAtEachCall('consumer', scene, 3)).toBeGreaterThan(8);
  });

  it('plans or refuses, and never half of it, when the preview is stopped after any of its calls', async () => {
    const site = await filledSite({ seed: 'scale', people: 12, spaces: 10, settings: ONE_PROCESS });
    const unused = await listUnused(site);
    const scene = async ({ name, order }: Stop): Promise<void> => {
      order(site);
      await admin(site, 'cleanup.preview', { selection: ALL }).catch(() => null);
      const { count } = await adminData(site, 'cleanup.preview', { selection: ALL });
      expect(count, name).toBe(unused.length);
    };
    expect(await stopAtEachCall('resolver', scene)).toBeGreaterThan(4);
  });

  it('records Confluence failures per space, archives the rest, and tries what failed again as a new run', async () => {
    const site = await filledSite();
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: (await listUnused(site)).slice(0, 2) } });
    for (const { key } of rows) {
      site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${key}`, times: 99, respond: { status: 500 } });
    }
    const { runId } = await adminData(site, 'cleanup.start', { planId, count });
    const run = await finished(site, runId);
    expect(run).toMatchObject({ failed: 2, counts: { archived: count - 2, failed: 2 } });
    expect((await allRows(site, runId)).filter((r) => r.outcome === 'failed').every((r) => r.reason === 'confluence-failed')).toBe(true);
    site.clearFaults();
    const again = await adminData(site, 'runs.retry', { runId });
    expect((await adminData(site, 'runs.retry', { runId })).runId).toBe(again.runId);
    expect(await finished(site, again.runId)).toMatchObject({ state: 'done', total: 2, counts: { archived: 2 } });
    expect(await admin(site, 'runs.retry', { runId: again.runId })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
  });

  it('begins with 25 spaces, and goes on with the next ones only when few of them failed, or an admin says so', async () => {
    const site = await filledSite({ seed: 'scale', people: 120, spaces: 119 });
    const unused = await listUnused(site);
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: unused.slice(0, 25) }, limit: 25 });
    const refuse = (keys: readonly string[]): void => {
      for (const key of keys)
        site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${key}`, times: 99, respond: { status: 403 } });
    };
    const keys = rows.map(({ key }) => key ?? '');
    refuse(keys.slice(0, 6));
    const { runId, count } = await start(site, ALL);
    expect(count).toBeGreaterThan(75);
    expect(await finished(site, runId)).toMatchObject({
      state: 'paused',
      problem: 'many-failed',
      done: 25,
      counts: { archived: 19, failed: 6 },
    });
    await site.advance('PT2H');
    expect(await runOf(site, runId)).toMatchObject({ state: 'paused', done: 25 });
    await adminData(site, 'runs.resume', { runId });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', problem: null, counts: { archived: count - 6, failed: 6 } });
    site.clearFaults();
    await undone(site, runId);
    // A fifth of them is not many.
    refuse(keys.slice(0, 5));
    const again = await start(site, ALL);
    expect(await finished(site, again.runId)).toMatchObject({ state: 'done', counts: { archived: count - 5, failed: 5 } });
  });

  it('tries again and again what keeps failing, under ids that do not grow', async () => {
    const site = await filledSite();
    const [spaceId = ''] = await listUnused(site);
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: [spaceId] } });
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: `/wiki/rest/api/space/${rows[0]?.key}`,
      times: 999,
      respond: { status: 500 },
    });
    let { runId } = await start(site, some([spaceId]));
    const lengths = new Set<number>();
    for (let times = 0; times < 7; times += 1) {
      expect(await finished(site, runId)).toMatchObject({ failed: 1 });
      ({ runId } = await adminData(site, 'runs.retry', { runId }));
      lengths.add(runId.length);
    }
    expect(lengths.size).toBe(1);
    site.clearFaults();
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: 1 } });
  });

  it('of some owners is a run over their spaces, and keeps no account', async () => {
    const site = await filledSite();
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: (await listUnused(site)).slice(0, 2) } });
    const ownerIds = rows.map(({ ownerId }) => ownerId ?? '');
    const selection = { kind: 'all' as const, filter: { unchangedForDays: UNUSED_DAYS, ownerIds }, except: [] };
    const { runId, count } = await start(site, selection);
    expect(count).toBe(2);
    expect(await finished(site, runId)).toMatchObject({ counts: { archived: 2 } });
    const job = JSON.stringify(site.state().kvs.entities.job?.[runId]);
    for (const ownerId of ownerIds) expect(job).not.toContain(ownerId);
  });

  it('a run whose owner is forgotten while it is paused still does what it announced, and no more', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    // Its first step is cut off before it has acted on anything.
    const { runId, count } = await start(site, some(unused.slice(0, 5)));
    site.addFault({
      target: 'confluence',
      path: '/wiki/rest/api/search',
      times: 1,
      respond: { status: 429, headers: { 'Retry-After': '86400' } },
    });
    await site.advance('PT1M');
    await adminData(site, 'runs.pause', { runId });
    const before = await allRows(site, runId);
    expect(before.map((row) => row.outcome)).toEqual([null, null, null, null, null]);
    site.changePerson(before[1]?.ownerId ?? '', { accountStatus: 'closed' });
    await site.advance('P7DT1H');
    await site.advance('PT4H');
    expect((await allRows(site, runId))[1]).toMatchObject({ spaceId: before[1]?.spaceId, ownerId: null, key: '' });
    await adminData(site, 'runs.resume', { runId });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', total: count, done: count });
  });

  it('waits when Confluence tells it to, and then finishes', async () => {
    const site = await filledSite();
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      after: 2,
      times: 1,
      respond: { status: 429, headers: { 'Retry-After': '2400' } },
    });
    const { runId, count } = await start(site, ALL);
    await site.advance('PT5M');
    const waiting = await runOf(site, runId);
    expect(waiting.state).toBe('running');
    expect(waiting.waitingUntil).toBeGreaterThan(site.clock.now());
    expect(waiting.doneAt).toBeGreaterThanOrEqual(waiting.waitingUntil as number);
    expect((await finished(site, runId)).counts).toEqual({ archived: count });
  });

  it('stops when the admin cancels it, and what it archived can be restored', async () => {
    const site = await filledSite({ seed: 'scale', people: 400, spaces: 399 });
    let archived = 0;
    const reached = new Promise<void>((reach) => {
      site.platform.beforeCall = (_invocation, call) => {
        if (call.startsWith('confluence PUT /wiki/rest/api/space/')) archived += 1;
        if (archived === 25) reach();
      };
    });
    const { runId } = await start(site, ALL);
    const running = site.advance('PT1M');
    await reached;
    const halfway = await runOf(site, runId);
    expect(halfway.total).toBeGreaterThan(300);
    // Results are written in batches of ten: two before the 25th call.
    expect(halfway).toMatchObject({ done: 20, counts: { archived: 20 } });
    await adminData(site, 'runs.stop', { runId });
    await running;
    const run = await finished(site, runId);
    expect(run.state).toBe('cancelled');
    expect(run.counts.archived).toBeGreaterThanOrEqual(25);
    expect(run.counts.archived).toBeLessThan(60);
    expect(run.undoable).toBe(run.counts.archived);
    expect((await undone(site, runId)).counts).toEqual({ restored: run.counts.archived });
    expect(site.status().spaces.personal).toMatchObject({ archived: 0 });
  });

  it('keeps its results when it is canceled while waiting for Confluence', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      after: 4,
      respond: { status: 429, headers: { 'Retry-After': '3000' } },
    });
    const { runId } = await start(site, ALL);
    await site.advance('PT1M');
    await adminData(site, 'runs.stop', { runId });
    expect(await finished(site, runId)).toMatchObject({ state: 'cancelled', counts: { archived: 4 } });
    expect((await undone(site, runId)).counts).toEqual({ restored: 4 });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
  });

  it('rests while it is paused, and goes on', async () => {
    const site = await filledSite();
    const { runId, count } = await start(site, ALL);
    expect(await adminData(site, 'runs.pause', { runId })).toMatchObject({ state: 'paused', doneAt: null });
    await site.advance('PT1M');
    const { done } = await runOf(site, runId);
    expect(done).toBeLessThan(count);
    await site.advance('PT1H');
    expect(await runOf(site, runId)).toMatchObject({ state: 'paused', done });
    await adminData(site, 'runs.resume', { runId });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: count } });
  });

  it('spares a space with a recent comment, even next to a very busy space', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { planId, count } = await adminData(site, 'cleanup.preview', { selection: ALL });
    change(site, unused[1], 'comment');
    for (let i = 0; i < 60; i += 1) change(site, unused[0], 'page');
    await site.advance('PT1M');
    const { runId } = await adminData(site, 'cleanup.start', { planId, count });
    await finished(site, runId);
    expect(unused.slice(0, 3).map((id) => statusOf(site, id))).toEqual(['current', 'current', 'archived']);
  });

  it('keeps a space in which it cannot see any page', async () => {
    const site = await filledSite();
    const [first] = (await listUnused(site)) as [string];
    for (const item of site.confluence.state.contentBySpace.get(Number(first)) ?? []) item.viewers = new Set(['somebody']);
    const { runId } = await start(site, ALL);
    await finished(site, runId);
    expect((await allRows(site, runId))[0]).toMatchObject({ outcome: 'kept', reason: 'activity-unknown' });
  });

  it('archives nothing when no answer of the search can be read', async () => {
    const site = await filledSite();
    const { runId, count } = await start(site, ALL);
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/search', times: 999, respond: { status: 200, body: { nonsense: true } } });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { kept: count } });
    expect((await allRows(site, runId)).every((row) => row.reason === 'activity-unknown')).toBe(true);
  });

  it('fails with a reason instead of running forever when Confluence refuses the search', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { runId } = await start(site, ALL);
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/search', times: 99, respond: { status: 404 } });
    expect(await finished(site, runId)).toMatchObject({ state: 'failed', problem: 'search changes: 404' });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
  });

  it('does not claim a space that someone else archived while it waited', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    site.addFault({
      target: 'confluence',
      method: 'PUT',
      path: '/wiki/rest/api/space/*',
      respond: { status: 429, headers: { 'Retry-After': '600' } },
    });
    const { runId } = await start(site, ALL);
    await site.advance('PT1M');
    const other = site.confluence.state.spacesById.get(Number(unused[5]));
    if (other) other.status = 'archived';
    await finished(site, runId);
    await undone(site, runId);
    expect(other?.status).toBe('archived');
  });

  it('spends at most half the points of an hour', async () => {
    const site = await filledSite({ seed: 'scale', people: 600, spaces: 599 });
    site.changeSettings({ hourlyPoints: 2_000 });
    await adminData(site, 'site.get', {});
    await site.advance('PT1H');
    site.resetUsage();
    const { runId, count } = await start(site, ALL);
    await site.advance('PT5M');
    const waiting = await runOf(site, runId);
    expect(waiting.state).toBe('running');
    expect(waiting.waitingUntil).toBeGreaterThan(site.clock.now());
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: count } });
    for (const points of Object.values(site.usage().rest.hours)) expect(points).toBeLessThanOrEqual(2_000 / 2 + 250);
  });

  it('drops a queue message that is unreadable or whose job no longer exists', async () => {
    const site = startSite();
    for (const body of [{}, { jobId: 7 }, { jobId: 'archive-1-x', turn: 1 }]) {
      const push = { queueName: 'work', jobId: `message ${JSON.stringify(body)}`, payload: [{ body }] };
      expect(site.platform.queues.handle('/webhook/queue/publish/x', JSON.stringify(push), { pushes: 0 })).toEqual({ status: 201 });
    }
    await site.advance('PT4M');
    expect(site.usage().invocations['consumer:work-consumer']).toMatchObject({ count: 3, errors: 0, retries: 0, killed: 0 });
    expect(site.state().kvs.entities.job).toEqual({});
  });

  it('lists its runs no matter how many plans were never started', async () => {
    const site = await filledSite();
    const { runId } = await start(site, ALL);
    await finished(site, runId);
    for (let i = 0; i < 8; i += 1) {
      await adminData(site, 'cleanup.preview', { selection: ALL });
      await site.advance('PT2S');
    }
    expect((await adminData(site, 'runs.list', {})).rows.map((run) => run.runId)).toEqual([runId]);
  });
});

describe('when the database is lost', () => {
  /** Starts to archive everything, and loses the database after the first batch of a hundred. */
  async function lostMidway(site: LocalSite): Promise<{ runId: string; count: number }> {
    let archived = 0;
    const reached = new Promise<void>((reach) => {
      site.platform.beforeCall = (_invocation, call) => {
        if (call.startsWith('confluence PUT /wiki/rest/api/space/')) archived += 1;
        if (archived === 55) reach();
      };
    });
    const begun = await start(site, ALL);
    const running = site.advance('PT4M');
    await reached;
    site.loseSql();
    await running;
    return begun;
  }

  it('a run pauses and says so; once the directory is complete it goes on with what is left, and never twice', async () => {
    const site = await filledSite({ seed: 'scale', people: 400, spaces: 399 });
    const unused = await listUnused(site);
    const { runId, count } = await lostMidway(site);
    expect(await runOf(site, runId)).toMatchObject({ state: 'paused', problem: 'plan-lost', total: count, counts: { archived: 100 } });
    expect(await admin(site, 'runs.resume', { runId })).toMatchObject({ ok: false, error: { code: 'not-ready' } });
    await refilled(site);
    expect(await adminData(site, 'runs.resume', { runId })).toMatchObject({ state: 'running', total: count, problem: null });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', total: count, done: count, counts: { archived: count } });
    const rows = await allRows(site, runId);
    expect(rows.map((row) => row.spaceId)).toEqual(unused);
  });

  it('a run does not go on with more spaces than were announced', async () => {
    const site = await filledSite({ seed: 'scale', people: 400, spaces: 399 });
    const used = await adminData(site, 'spaces.export', { filter: { lifecycle: ['in-use'] } });
    const { runId, count } = await lostMidway(site);
    // While nobody was looking, others turned out to be as old.
    for (const { spaceId } of used.rows) {
      for (const item of site.confluence.state.contentBySpace.get(Number(spaceId)) ?? []) {
        for (const version of item.versions) version.at -= 300 * DAY_MS;
      }
    }
    await refilled(site);
    expect(await admin(site, 'runs.resume', { runId })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    expect(await runOf(site, runId)).toMatchObject({ state: 'paused', total: count });
  });

  it('what was archived can still be restored, without a directory', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { runId, count } = await start(site, ALL);
    await finished(site, runId);
    site.changeSettings({ sql: 'absent' });
    expect((await undone(site, runId)).counts).toEqual({ restored: count });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
  });

  it('a run that has its rows in storage is not held up by a database that fails', async () => {
    const site = await filledSite();
    const { runId, count } = await start(site, ALL);
    let isBegun = false;
    site.platform.beforeCall = (_invocation, call) => {
      if (isBegun || !call.startsWith('confluence PUT /wiki/rest/api/space/')) return;
      isBegun = true;
      site.changeSettings({ sql: 'throttled' });
    };
    await site.advance('PT1M');
    expect(await runOf(site, runId)).toMatchObject({ state: 'running', done: count });
    site.changeSettings({ sql: 'ready' });
    expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { archived: count } });
  });
});

describe('restoring', () => {
  it('restores what the cleanup archived, and leaves alone what has changed since', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { runId, count } = await start(site, ALL);
    await finished(site, runId);
    const byHand = site.confluence.state.spacesById.get(Number(unused[0]));
    if (byHand) byHand.status = 'current';
    expect((await undone(site, runId)).counts).toEqual({ restored: count - 1, kept: 1 });
    expect(statuses(site, unused)).toEqual(new Set(['current']));
  });

  it('restores some of them, then the rest, and nothing twice', async () => {
    const site = await filledSite();
    const unused = await listUnused(site);
    const { runId, count } = await start(site, ALL);
    await finished(site, runId);
    const [first, second] = unused as [string, string];
    expect(await undone(site, runId, [first, second, '999999'])).toMatchObject({ total: 2, counts: { restored: 2 } });
    expect(unused.filter((id) => statusOf(site, id) === 'current')).toEqual([first, second]);
    expect(await runOf(site, runId)).toMatchObject({ undoable: count - 2 });
    // Archived by somebody else in the meantime: that is not this run's doing.
    site.changeSpace(first, { status: 'archived', by: ADMIN_ACCOUNT_ID });
    expect(await undone(site, runId)).toMatchObject({ total: count - 2, counts: { restored: count - 2 } });
    expect(statusOf(site, first)).toBe('archived');
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0, undoableUntil: null });
    const nothing = { ok: false, error: { code: 'bad-request', details: { problem: 'nothing-to-undo' } } };
    expect(await admin(site, 'runs.undo', { runId })).toEqual(nothing);
    expect(await admin(site, 'runs.undo', { runId, spaceIds: [first] })).toEqual(nothing);
  });

  it('does not restore what its owner got back and somebody archived anew', async () => {
    const site = await filledSite();
    const [first] = (await listUnused(site)) as [string];
    const { runId } = await start(site, some([first]));
    await finished(site, runId);
    await site.advance('PT5M');
    site.changeSpace(first, { status: 'current', by: ADMIN_ACCOUNT_ID });
    await site.advance('PT5M');
    site.changeSpace(first, { status: 'archived', by: ADMIN_ACCOUNT_ID });
    await site.advance('PT5M');
    const undo = await adminData(site, 'runs.undo', { runId });
    expect((await finished(site, undo.runId)).counts).toEqual({ kept: 1 });
    expect(await allRows(site, undo.runId)).toMatchObject([{ outcome: 'kept', reason: 'archived-again' }]);
    expect(statusOf(site, first)).toBe('archived');
  });

  it('tries again what could not be restored, as a new run', async () => {
    const site = await filledSite();
    const chosen = (await listUnused(site)).slice(0, 3);
    const { runId } = await start(site, some(chosen));
    await finished(site, runId);
    const { key } = (await allRows(site, runId))[1] as RunRowView;
    site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${key}`, times: 99, respond: { status: 500 } });
    const undo = await undone(site, runId);
    expect(undo.counts).toEqual({ restored: 2, failed: 1 });
    site.clearFaults();
    const again = await adminData(site, 'runs.retry', { runId: undo.runId });
    expect(await finished(site, again.runId)).toMatchObject({ total: 1, counts: { restored: 1 } });
    expect(statuses(site, chosen)).toEqual(new Set(['current']));
  });

  it('two runs over the same spaces count each once, and undo their own', async () => {
    const site = await filledSite();
    const chosen = (await listUnused(site)).slice(0, 4);
    const plans = [
      await adminData(site, 'cleanup.preview', { selection: some(chosen) }),
      await adminData(site, 'cleanup.preview', { selection: some(chosen.slice(0, 2)) }),
    ] as const;
    await adminData(site, 'cleanup.start', { planId: plans[0].planId, count: 4 });
    const busy = await admin(site, 'cleanup.start', { planId: plans[1].planId, count: 2 });
    expect(busy).toEqual({ ok: false, error: { code: 'busy', details: { runId: plans[0].planId } } });
    expect((await finished(site, plans[0].planId)).counts).toEqual({ archived: 4 });
    await adminData(site, 'cleanup.start', { planId: plans[1].planId, count: 2 });
    expect((await finished(site, plans[1].planId)).counts).toEqual({ kept: 2 });
    expect(await admin(site, 'runs.undo', { runId: plans[1].planId })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect((await undone(site, plans[0].planId)).counts).toEqual({ restored: 4 });
  });

  it('is offered as long as the run’s rows are kept, and not a day longer', async () => {
    const site = await filledSite();
    const chosen = (await listUnused(site)).slice(0, 2);
    const { runId } = await start(site, some(chosen));
    const { createdAt, undoable, undoableUntil } = await finished(site, runId);
    expect({ undoable, undoableUntil }).toEqual({ undoable: 2, undoableUntil: createdAt + 180 * DAY_MS });
    backdate(site, 'job', runId, 179);
    expect(await runOf(site, runId)).toMatchObject({ undoable: 2 });
    backdate(site, 'job', runId, 1);
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0, undoableUntil: null });
    expect(await admin(site, 'runs.undo', { runId })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('has the same outcome when it is stopped after any of its calls', async () => {
    const scene = async ({ name, order }: Stop): Promise<void> => {
      const site = await filledSite({ seed: 'scale', people: 12, spaces: 10, settings: ONE_PROCESS });
      const chosen = (await listUnused(site)).slice(0, 2);
      const { runId } = await start(site, some(chosen));
      await finished(site, runId);
      order(site);
      const undo = await adminData(site, 'runs.undo', { runId });
      expect(await finished(site, undo.runId), name).toMatchObject({ state: 'done', counts: { restored: 2 } });
      expect(statuses(site, chosen), name).toEqual(new Set(['current']));
    };
    expect(await stopAtEachCall('consumer', scene, 4)).toBeGreaterThan(4);
  });

  it('names how many private spaces it cannot see', async () => {
    const site = startSite();
    const policy = { schemaVersion: 1 as const, mode: 'auto' as const, template: { kind: 'builtin' as const } };
    await adminData(site, 'policy.save', { policy, baseVersion: 0 });
    for (const n of [1, 3, 5]) site.activity({ accountId: accountIdOf(n), views: 1 });
    await site.advance('PT1M');
    await refilled(site);
    const { leftOut } = await adminData(site, 'cleanup.preview', { selection: { kind: 'all', filter: {}, except: [] } });
    expect(leftOut.find(({ reason }) => reason === 'not-visible')?.count).toBeGreaterThanOrEqual(3);
  });
});

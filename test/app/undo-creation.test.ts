/** Undoing a run that created spaces for people: what nobody has touched is archived, and everything else is left alone with a reason. */
import { describe, expect, it } from 'vitest';
import type { RunView } from '../../src/api/admin/runs';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { allRows, finished, runOf } from '../support/cleanup';
import {
  ADMIN_ACCOUNT_ID,
  accountIdOf,
  admin,
  adminData,
  knowEverybody,
  person,
  personalSpacesOf,
  readsAPage,
  recordOf,
  setPolicy,
  startPeopleJob,
  startSite,
} from '../support/site';
import { ONE_PROCESS, type Stop, stopAtEachCall } from '../support/stops';

const CHILDREN = [
  { title: 'Notes', source: { kind: 'builtin' as const } },
  { title: 'Plans', source: { kind: 'builtin' as const } },
];

interface Created {
  site: LocalSite;
  /** The run that created the spaces. */
  runId: string;
  people: string[];
  spaceIds: string[];
}

/** A site on which a run has created a space for everybody who had none. */
async function createdSite(options: SiteOptions = {}): Promise<Created> {
  const site = startSite({ people: 12, ...options });
  await setPolicy(site, { mode: 'auto', children: CHILDREN });
  await knowEverybody(site);
  const before = new Set(site.state().spaces.map(({ id }) => id));
  const { jobId: runId, count } = await startPeopleJob(site);
  expect(await finished(site, runId)).toMatchObject({ state: 'done', counts: { created: count } });
  const made = site.state().spaces.filter(({ id, type }) => type === 'personal' && !before.has(id));
  expect(made).toHaveLength(count);
  // Several are made at a time, in any order; the administrator, who is needed later, comes last.
  made.sort((a, b) => Number(a.ownerId === ADMIN_ACCOUNT_ID) - Number(b.ownerId === ADMIN_ACCOUNT_ID) || Number(a.id) - Number(b.id));
  return { site, runId, people: made.map(({ ownerId }) => ownerId ?? ''), spaceIds: made.map(({ id }) => id) };
}

async function undone({ site, runId }: Created, spaceIds?: string[]): Promise<RunView> {
  const undo = await adminData(site, 'runs.undo', { runId, reason: 'By mistake', ...(spaceIds ? { spaceIds } : {}) });
  return finished(site, undo.runId);
}

const NOTHING = { ok: false, error: { code: 'bad-request', details: { problem: 'nothing-to-undo' } } };

const statusOf = (site: LocalSite, spaceId: string) => site.confluence.state.spacesById.get(Number(spaceId))?.status;
const statuses = (site: LocalSite, spaceIds: readonly string[]) => new Set(spaceIds.map((id) => statusOf(site, id)));

describe('undoing a run for existing people', () => {
  it('archives what it created, child pages and all, and no new space is created for its people', async () => {
    const made = await createdSite();
    const { site, runId, people, spaceIds } = made;
    expect(spaceIds.length).toBeGreaterThan(3);
    for (const id of people) expect(personalSpacesOf(site, id)[0]?.pages).toHaveLength(3);
    const created = await runOf(site, runId);
    expect(created).toMatchObject({ kind: 'provision', undoable: spaceIds.length, undoableUntil: created.createdAt + 180 * 86_400_000 });
    const undo = await undone(made);
    expect(undo).toMatchObject({
      kind: 'archive',
      state: 'done',
      source: runId,
      total: spaceIds.length,
      done: spaceIds.length,
      counts: { archived: spaceIds.length },
      undoable: spaceIds.length,
      unchangedSince: null,
      reason: 'By mistake',
    });
    expect(statuses(site, spaceIds)).toEqual(new Set(['archived']));
    const rows = await allRows(site, undo.runId);
    expect(rows.map((row) => row.spaceId).sort()).toEqual([...spaceIds].sort());
    for (const row of rows) expect(row).toMatchObject({ outcome: 'archived', reason: 'space-untouched' });
    expect((await adminData(site, 'runs.list', {})).rows.map((run) => run.runId)).toEqual([undo.runId, runId]);
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0, undoableUntil: null });
    for (const [i, accountId] of people.entries()) {
      expect(recordOf(site, accountId)).toMatchObject({ state: 'removed', how: 'archived', by: ADMIN_ACCOUNT_ID });
      const { entries } = await adminData(site, 'spaces.story', { spaceId: spaceIds[i] ?? '' });
      expect(entries.filter(({ kind }) => kind === 'removed')).toMatchObject([{ by: ADMIN_ACCOUNT_ID, runId: undo.runId }]);
      await readsAPage(site, accountId);
      expect(personalSpacesOf(site, accountId)).toHaveLength(1);
    }
  });

  it('keeps whatever somebody has touched since, in whatever way, and says so', async () => {
    const made = await createdSite({ people: 32 });
    const { site, runId, people, spaceIds } = made;
    const { state, clock } = site.confluence;
    const pagesOf = (i: number) => (state.contentBySpace.get(Number(spaceIds[i])) ?? []).filter(({ type }) => type === 'page');
    const homeOf = (i: number) => state.spacesById.get(Number(spaceIds[i]))?.homepageId ?? null;
    const add = (i: number, type: 'page' | 'comment' | 'attachment' | 'blogpost', more: object = {}): void => {
      const item = { type, parentId: homeOf(i), authorId: people[i] ?? '', body: '', title: `My ${type}`, at: clock.now() };
      state.addContent({ ...item, spaceId: Number(spaceIds[i]), ...more });
    };
    const edit = (i: number, title: string, message: string): void => {
      const page = pagesOf(i).find((candidate) => candidate.title === title) ?? pagesOf(i).find(({ id }) => id === homeOf(i));
      state.addVersion(page as NonNullable<typeof page>, { authorId: people[i] ?? '', at: clock.now(), message });
    };
    const touches: ((i: number) => void)[] = [
      (i) => edit(i, 'its homepage', ''),
      (i) => edit(i, 'Notes', ''),
      // Nobody is fooled by a mark on a page that was edited.
      (i) => edit(i, 'Plans', 'Set up #homestead'),
      (i) => add(i, 'page'),
      // In the same moment as Homestead's own.
      (i) => add(i, 'page', { at: state.spacesById.get(Number(spaceIds[i]))?.createdAt }),
      (i) => add(i, 'page', { viewers: new Set([people[i] ?? '']) }),
      (i) => add(i, 'comment'),
      (i) => add(i, 'attachment'),
      (i) => add(i, 'blogpost'),
    ];
    expect(spaceIds.length).toBeGreaterThan(touches.length);
    for (const [i, touch] of touches.entries()) touch(i);
    await site.advance('PT1M');
    const touched = spaceIds.slice(0, touches.length);
    const undo = await undone(made);
    const rest = spaceIds.length - touched.length;
    expect(undo).toMatchObject({ state: 'done', counts: { archived: rest, kept: touched.length } });
    for (const [i, id] of touched.entries()) expect(statusOf(site, id), `touch ${i}`).toBe('current');
    const kept = (await allRows(site, undo.runId)).filter(({ outcome }) => outcome === 'kept');
    expect(kept.map(({ reason }) => reason)).toEqual(touched.map(() => 'space-in-use'));
    for (const id of people.slice(0, touched.length)) expect(recordOf(site, id)).toMatchObject({ state: 'ready' });
    // What is in use will not be offered again.
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0 });
  });

  it('keeps a page that was made under a title of the template, but later', async () => {
    const made = await createdSite();
    const { site, people, spaceIds } = made;
    const { state, clock } = site.confluence;
    const notes = (state.contentBySpace.get(Number(spaceIds[0])) ?? []).find(({ title }) => title === 'Notes');
    if (notes) Object.assign(notes, { createdAt: clock.now() });
    expect(await undone(made)).toMatchObject({ counts: { archived: people.length - 1, kept: 1 } });
    expect(statusOf(site, spaceIds[0] ?? '')).toBe('current');
  });

  it('keeps what it cannot see, what is archived already, and what is not the space that the run created', async () => {
    const made = await createdSite({ people: 20 });
    const { site, spaceIds, people } = made;
    const { state } = site.confluence;
    const [hidden, blind, byHand, gone, left] = spaceIds as [string, string, string, string, string];
    const space = (id: string) => state.spacesById.get(Number(id)) as NonNullable<ReturnType<typeof state.spacesById.get>>;
    space(hidden).grants = space(hidden).grants.filter(({ principalId }) => principalId === people[0]);
    for (const item of state.contentBySpace.get(Number(blind)) ?? []) item.viewers = new Set(['somebody']);
    site.changeSpace(byHand, { status: 'archived', by: ADMIN_ACCOUNT_ID });
    state.removeSpace(space(gone));
    site.changePerson(people[4] ?? '', { accountStatus: 'inactive' });
    await site.advance('PT1M');
    const undo = await undone(made);
    const results = new Map((await allRows(site, undo.runId)).map((row) => [row.spaceId, `${row.outcome}: ${row.reason}`]));
    expect(results.get(hidden)).toBe('kept: not-visible');
    expect(results.get(blind)).toBe('kept: activity-unknown');
    expect(results.get(byHand)).toBe('kept: already-archived');
    expect(results.get(gone)).toBe('kept: not-visible');
    expect(results.get(left)).toBe('kept: activity-unknown');
    expect(undo.counts).toEqual({ kept: 5, archived: spaceIds.length - 5 });
    expect(recordOf(site, people[2] ?? '')).toMatchObject({ state: 'removed', by: ADMIN_ACCOUNT_ID });
    expect((await adminData(site, 'spaces.story', { spaceId: byHand })).entries.some(({ runId }) => runId === undo.runId)).toBe(false);
  });

  it('leaves alone spaces of before, of later, and those that the run only adopted, and open offers', async () => {
    const site = startSite({ people: 20 });
    await setPolicy(site, { mode: 'auto' });
    const before = accountIdOf(1);
    await readsAPage(site, before, 'PT1M');
    await knowEverybody(site);
    const { planId, count } = await adminData(site, 'people.plan', {});
    const native = accountIdOf(3);
    site.createNatively(native);
    const later = accountIdOf(5);
    site.changePerson(later, { accountStatus: 'inactive' });
    await adminData(site, 'people.start', { planId, count });
    const run = await finished(site, planId);
    expect(run).toMatchObject({ state: 'done', counts: { adopted: 1, kept: 1, created: count - 2 } });
    expect(run).toMatchObject({ undoable: count - 2, leftAlone: [{ reason: 'space-adopted', count: 1 }] });
    site.changePerson(later, { accountStatus: 'active' });
    await site.advance('P2D');
    await readsAPage(site, later, 'PT1M');
    const undo = await adminData(site, 'runs.undo', { runId: planId });
    expect(undo.total).toBe(count - 1);
    expect(await finished(site, undo.runId)).toMatchObject({ done: count - 1, counts: { archived: count - 2, kept: 1 } });
    for (const id of [before, native, later]) expect(personalSpacesOf(site, id), id).toMatchObject([{ status: 'current' }]);
    const kept = (await allRows(site, undo.runId)).filter(({ outcome }) => outcome === 'kept');
    expect(kept).toMatchObject([{ ownerId: native, reason: 'space-adopted' }]);
  });

  it('withdraws no offers: they follow the policy', async () => {
    const site = startSite({ people: 8 });
    await setPolicy(site, { mode: 'ask' });
    await knowEverybody(site);
    const { jobId: runId, count } = await startPeopleJob(site);
    expect(await finished(site, runId)).toMatchObject({
      counts: { offered: count },
      undoable: 0,
      leftAlone: [{ reason: 'offer-open', count }],
    });
    expect(await admin(site, 'runs.undo', { runId })).toEqual(NOTHING);
  });

  it('does not take the space that a person got after the one of the run', async () => {
    const made = await createdSite();
    const { site, people, spaceIds } = made;
    const [ana = ''] = people;
    const space = site.confluence.state.spacesById.get(Number(spaceIds[0]));
    if (space) site.confluence.state.removeSpace(space);
    await site.advance('PT5S');
    await person(site, 'me.get', ana);
    await adminData(site, 'people.lift', { accountId: ana });
    await site.advance('PT15M');
    await readsAPage(site, ana, 'PT1M');
    const [second] = personalSpacesOf(site, ana);
    expect(second?.id).not.toBe(spaceIds[0]);
    const undo = await undone(made);
    expect(undo.counts).toEqual({ archived: people.length - 1, kept: 1 });
    const rows = await allRows(site, undo.runId);
    expect(rows.find(({ ownerId }) => ownerId === ana)).toMatchObject({ spaceId: second?.id, reason: 'not-created-by-run' });
    expect(personalSpacesOf(site, ana)).toMatchObject([{ status: 'current' }]);
  });

  it('can itself be undone, and then done again', async () => {
    const made = await createdSite();
    const { site, runId, people, spaceIds } = made;
    const undo = await undone(made);
    const restored = await adminData(site, 'runs.undo', { runId: undo.runId });
    expect(await finished(site, restored.runId)).toMatchObject({
      kind: 'restore',
      source: undo.runId,
      counts: { restored: spaceIds.length },
    });
    expect(statuses(site, spaceIds)).toEqual(new Set(['current']));
    for (const id of people) expect(recordOf(site, id)).toMatchObject({ state: 'ready', origin: 'created' });
    expect(await runOf(site, runId)).toMatchObject({ undoable: spaceIds.length });
    const again = await undone(made);
    expect(again.runId).not.toBe(undo.runId);
    expect(again).toMatchObject({ counts: { archived: spaceIds.length } });
    expect(statuses(site, spaceIds)).toEqual(new Set(['archived']));
  });

  it('leaves alone what its owner has got back', async () => {
    const made = await createdSite();
    const { site, people, spaceIds } = made;
    const [first = '', second = ''] = spaceIds;
    await undone(made, [first, second]);
    await site.advance('PT5M');
    site.changeSpace(first, { status: 'current', by: people[0] });
    await site.advance('PT5M');
    const undo = await undone(made);
    expect(undo).toMatchObject({ counts: { archived: spaceIds.length - 2, kept: 2 } });
    const rows = await allRows(site, undo.runId);
    expect(rows.find(({ spaceId }) => spaceId === first)).toMatchObject({ outcome: 'kept', reason: 'space-returned' });
    expect(statusOf(site, first)).toBe('current');
  });

  it('is one run however often it is clicked, and of some spaces first, if that is asked', async () => {
    const made = await createdSite();
    const { site, runId, spaceIds } = made;
    const [first = '', second = ''] = spaceIds;
    const some = { runId, spaceIds: [first, second, '999999'] };
    const undo = await adminData(site, 'runs.undo', some);
    expect(undo).toMatchObject({ total: 2, source: runId });
    expect((await adminData(site, 'runs.undo', some)).runId).toBe(undo.runId);
    expect(await admin(site, 'runs.undo', { runId })).toEqual({ ok: false, error: { code: 'busy', details: { runId: undo.runId } } });
    expect(await finished(site, undo.runId)).toMatchObject({ total: 2, counts: { archived: 2 } });
    expect(spaceIds.filter((id) => statusOf(site, id) === 'archived')).toEqual([first, second]);
    expect(await runOf(site, runId)).toMatchObject({ undoable: spaceIds.length - 2 });
    const [rest, twice] = await Promise.all([adminData(site, 'runs.undo', { runId }), adminData(site, 'runs.undo', { runId })]);
    expect(rest.runId).toBe(twice.runId);
    expect(await finished(site, rest.runId)).toMatchObject({ counts: { archived: spaceIds.length - 2, kept: 2 } });
    expect(await admin(site, 'runs.undo', { runId })).toEqual(NOTHING);
    expect(await admin(site, 'runs.undo', { runId, spaceIds: ['999999'] })).toEqual(NOTHING);
  });

  it('rests while it is paused, goes on, and stops where it is stopped', async () => {
    const made = await createdSite({ seed: 'scale', people: 60, spaces: 0 });
    const { site, runId, spaceIds } = made;
    let archived = 0;
    const after = (calls: number): Promise<void> =>
      new Promise((reach) => {
        site.platform.beforeCall = (_invocation, call) => {
          if (call.startsWith('confluence PUT /wiki/rest/api/space/')) archived += 1;
          if (archived === calls) reach();
        };
      });
    const { runId: undoId } = await adminData(site, 'runs.undo', { runId });
    let reached = after(5);
    let running = site.advance('PT5M');
    await reached;
    await adminData(site, 'runs.pause', { runId: undoId });
    await running;
    const paused = await runOf(site, undoId);
    expect(paused).toMatchObject({ state: 'paused', done: 10 });
    await site.advance('PT1H');
    expect(await runOf(site, undoId)).toMatchObject({ state: 'paused', done: 10 });
    expect((await adminData(site, 'runs.undo', { runId })).runId).toBe(undoId);
    reached = after(25);
    await adminData(site, 'runs.resume', { runId: undoId });
    running = site.advance('PT5M');
    await reached;
    await adminData(site, 'runs.stop', { runId: undoId });
    await running;
    const stopped = await finished(site, undoId);
    expect(stopped.state).toBe('cancelled');
    expect(stopped.counts.archived).toBe(spaceIds.filter((id) => statusOf(site, id) === 'archived').length);
    expect(stopped.counts.archived).toBeLessThan(spaceIds.length);
    expect(stopped.undoable).toBe(stopped.counts.archived);
    expect(await undone(made)).toMatchObject({ state: 'done', done: spaceIds.length });
    expect(statuses(site, spaceIds)).toEqual(new Set(['archived']));
  });

  it('pauses when many of the first fail, and what failed can be tried again', async () => {
    const made = await createdSite({ seed: 'scale', people: 40, spaces: 0 });
    const { site, runId, spaceIds } = made;
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/rest/api/space/*', times: 10, respond: { status: 403 } });
    const undo = await undone(made);
    expect(undo).toMatchObject({ state: 'paused', problem: 'many-failed', done: 25, counts: { archived: 15, failed: 10 } });
    await adminData(site, 'runs.resume', { runId: undo.runId });
    expect(await finished(site, undo.runId)).toMatchObject({ state: 'done', counts: { archived: spaceIds.length - 10, failed: 10 } });
    const again = await adminData(site, 'runs.retry', { runId: undo.runId });
    expect((await adminData(site, 'runs.retry', { runId: undo.runId })).runId).toBe(again.runId);
    expect(await finished(site, again.runId)).toMatchObject({ source: runId, total: 10, counts: { archived: 10 } });
    expect(statuses(site, spaceIds)).toEqual(new Set(['archived']));
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0 });
  });

  it('is offered once the run is over, and as long as its rows are kept', async () => {
    const made = await createdSite();
    const { site, runId } = made;
    const stored = site.state().kvs.entities.job?.[runId] as { createdAt: number };
    site.platform.kvs.put('job', runId, { ...stored, createdAt: stored.createdAt - 180 * 86_400_000 });
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0, undoableUntil: null });
    expect(await admin(site, 'runs.undo', { runId })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it.each([
    ['PRE_ROLES', 'accepted', 'archived', 'space-untouched'],
    ['ROLES_TRANSITION', 'accepted', 'archived', 'space-untouched'],
    ['ROLES', 'accepted', 'archived', 'space-untouched'],
    // Private spaces that the app was not let into stay out of its sight.
    ['ROLES', 'refused', 'kept', 'not-visible'],
  ] as const)('in role mode %s, the app’s role %s: %s, %s', async (roleMode, appRoleGrant, outcome, reason) => {
    const made = await createdSite({ settings: { roleMode, appRoleGrant } });
    const undo = await undone(made);
    expect(undo).toMatchObject({ state: 'done', counts: { [outcome]: made.spaceIds.length } });
    for (const row of await allRows(made.site, undo.runId)) expect(row).toMatchObject({ outcome, reason });
  });

  it('keeps the space of an account that was closed: nobody knows any more which one it is', async () => {
    const made = await createdSite();
    const { site, people, spaceIds } = made;
    site.changePerson(people[0] ?? '', { accountStatus: 'closed' });
    // The weekly report hears of it, and the erasure follows.
    await site.advance('P7DT1H');
    await site.advance('PT4H');
    expect(recordOf(site, people[0] ?? '')).toBeUndefined();
    const undo = await undone(made);
    expect(undo).toMatchObject({ state: 'done', total: spaceIds.length, counts: { archived: spaceIds.length - 1, kept: 1 } });
    const kept = (await allRows(site, undo.runId)).filter(({ outcome }) => outcome === 'kept');
    expect(kept).toMatchObject([{ spaceId: '', key: '', ownerId: null, reason: 'not-created-by-run' }]);
    const { entries } = await adminData(site, 'spaces.story', { spaceId: spaceIds[0] ?? '' });
    expect(entries.some(({ runId }) => runId === undo.runId)).toBe(false);
  });

  it('needs no directory', async () => {
    const made = await createdSite();
    made.site.changeSettings({ sql: 'absent' });
    expect(await undone(made)).toMatchObject({ state: 'done', counts: { archived: made.spaceIds.length } });
  });

  it('has the same outcome when it is stopped after any of its calls', async () => {
    const scene = async ({ name, order }: Stop): Promise<void> => {
      const made = await createdSite({ people: 5, settings: ONE_PROCESS });
      const { site, people, spaceIds, runId } = made;
      site.activity({ accountId: people[1], edits: 1, spaceId: spaceIds[1] });
      await site.advance('PT4M');
      // The directory would read the site meanwhile, and is not needed.
      site.changeSettings({ sql: 'absent' });
      const { runId: undoId } = await adminData(site, 'runs.undo', { runId });
      order(site);
      const undo = await finished(site, undoId);
      expect(undo, name).toMatchObject({ state: 'done', total: 3, counts: { archived: 2, kept: 1 } });
      expect(
        spaceIds.map((id) => statusOf(site, id)),
        name,
      ).toEqual(['archived', 'current', 'archived']);
      expect(
        people.map((id) => recordOf(site, id)?.state),
        name,
      ).toEqual(['removed', 'ready', 'removed']);
    };
    expect(await stopAtEachCall('scheduledTrigger', scene, 11)).toBeGreaterThan(5);
  });
});

/** Undoing a save of the policy: what people got by it, and nobody has touched, is archived. */
import { describe, expect, it } from 'vitest';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { allRows, finished, runOf } from '../support/cleanup';
import {
  accountIdOf,
  admin,
  adminData,
  knowEverybody,
  personalSpacesOf,
  personData,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';

/** People without a space: the first two and the last come by, one asks, one is taken up by a run. */
const [BEFORE, FIRST, BUSY, ASKS, BY_RUN, LATER] = [1, 3, 5, 7, 9, 11].map(accountIdOf) as [string, string, string, string, string, string];

const spaceOf = (site: LocalSite, accountId: string): string => personalSpacesOf(site, accountId)[0]?.id ?? '';
const statusOf = (site: LocalSite, accountId: string): string | undefined => personalSpacesOf(site, accountId)[0]?.status;

/** Version 1 gave one person a space; version 2 gives them to whoever comes by. */
async function switchedOn(settings: SiteOptions['settings'] = {}): Promise<LocalSite> {
  const site = startSite({ people: 12, settings });
  await knowEverybody(site);
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, BEFORE);
  await site.advance('PT10M');
  await setPolicy(site, { mode: 'auto', selfService: true });
  await site.advance('PT1M');
  for (const accountId of [FIRST, BUSY]) await readsAPage(site, accountId);
  await personData(site, 'me.create', ASKS);
  const { planId, count } = await adminData(site, 'people.plan', { selection: { kind: 'some', accountIds: [BY_RUN] } });
  await finished(site, (await adminData(site, 'people.start', { planId, count })).runId);
  site.activity({ accountId: BUSY, spaceId: spaceOf(site, BUSY), edits: 1 });
  // The directory hears of them.
  await site.advance('PT10M');
  return site;
}

async function undone(site: LocalSite, version: number) {
  const { planId, count } = await adminData(site, 'cleanup.previewUndo', { version });
  const { runId } = await adminData(site, 'cleanup.start', { planId, count });
  return finished(site, runId);
}

describe('undoing a save', () => {
  it('archives what people got by it, and leaves alone what somebody touched, asked for, or a run created', async () => {
    const site = await switchedOn();
    const preview = await adminData(site, 'cleanup.previewUndo', { version: 2 });
    // All of the same day, because that is what the directory knows; each is looked at when its turn comes.
    expect(preview).toMatchObject({ version: 2, count: 5, goesOn: true });
    expect(preview.share).toBeGreaterThan(0);
    const { runId } = await adminData(site, 'cleanup.start', { planId: preview.planId, count: 5, reason: 'By mistake' });
    // People go on coming by; what they get now is not part of it.
    await readsAPage(site, LATER);
    const run = await finished(site, runId);
    expect(run).toMatchObject({
      kind: 'archive',
      state: 'done',
      undoesVersion: 2,
      source: null,
      unchangedSince: null,
      reason: 'By mistake',
    });
    expect(run).toMatchObject({ counts: { archived: 1, kept: 4 }, undoable: 1 });
    expect(statusOf(site, FIRST)).toBe('archived');
    for (const accountId of [BEFORE, BUSY, ASKS, BY_RUN, LATER]) expect(statusOf(site, accountId), accountId).toBe('current');
    const reasons = new Map((await allRows(site, runId)).map(({ spaceId, reason }) => [spaceId, reason]));
    expect([BEFORE, FIRST, BUSY, ASKS, BY_RUN, LATER].map((accountId) => reasons.get(spaceOf(site, accountId)))).toEqual([
      'not-created-by-policy',
      'space-untouched',
      'space-in-use',
      'not-created-by-policy',
      'not-created-by-policy',
      undefined,
    ]);
    // Nobody whose space was archived gets another one, and the archiving can be undone.
    await readsAPage(site, FIRST);
    expect(recordOf(site, FIRST)).toMatchObject({ state: 'removed', how: 'archived' });
    expect(personalSpacesOf(site, FIRST)).toHaveLength(1);
    const restored = await finished(site, (await adminData(site, 'runs.undo', { runId })).runId);
    expect(restored).toMatchObject({ kind: 'restore', counts: { restored: 1 } });
    expect(statusOf(site, FIRST)).toBe('current');
    expect(await runOf(site, runId)).toMatchObject({ undoable: 0 });
  });

  it('finds spaces whose own events are turned away, because the app made them', async () => {
    const site = await switchedOn({ selfGeneratedSent: 'all' });
    expect(await undone(site, 2)).toMatchObject({ state: 'done', counts: { archived: 1, kept: 4 } });
    expect(statusOf(site, FIRST)).toBe('archived');
  });

  it('leaves alone what a person asked for after an event had begun it', async () => {
    const site = await switchedOn();
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space/_private', times: 1, respond: { status: 500 } });
    await readsAPage(site, LATER, 'PT5S');
    expect(recordOf(site, LATER)?.state).toBe('creating');
    await personData(site, 'me.create', LATER);
    await site.advance('PT10M');
    expect(await undone(site, 2)).toMatchObject({ counts: { archived: 1, kept: 5 } });
    expect(statusOf(site, LATER)).toBe('current');
  });

  it('knows the child pages of every version in between', async () => {
    const site = await switchedOn();
    await setPolicy(site, { children: [{ title: 'Notes', source: { kind: 'builtin' } }] });
    await readsAPage(site, LATER);
    expect(personalSpacesOf(site, LATER)[0]?.pages).toHaveLength(2);
    await setPolicy(site, { children: [] });
    await site.advance('PT10M');
    expect(await undone(site, 2)).toMatchObject({ counts: { archived: 2, kept: 4 } });
    expect(statusOf(site, LATER)).toBe('archived');
  });

  it('reaches back to an earlier version', async () => {
    const site = await switchedOn();
    expect(await undone(site, 1)).toMatchObject({ state: 'done', counts: { archived: 2, kept: 3 } });
    expect([BEFORE, FIRST].map((accountId) => statusOf(site, accountId))).toEqual(['archived', 'archived']);
  });

  it('tries again what failed, and still archives only what nobody touched', async () => {
    const site = await switchedOn();
    const key = personalSpacesOf(site, FIRST)[0]?.key;
    site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${key}`, times: 3, respond: { status: 500 } });
    const run = await undone(site, 2);
    expect(run).toMatchObject({ counts: { failed: 1, kept: 4 } });
    // Meanwhile they have begun to work in it.
    site.activity({ accountId: FIRST, spaceId: spaceOf(site, FIRST), edits: 1 });
    await site.advance('PT1M');
    const again = await finished(site, (await adminData(site, 'runs.retry', { runId: run.runId })).runId);
    expect(again).toMatchObject({ undoesVersion: 2, total: 1, counts: { kept: 1 } });
    expect(statusOf(site, FIRST)).toBe('current');
  });

  it('waits until the directory is complete, knows no version that is gone, and asks why above 25', async () => {
    const site = startSite({ seed: 'scale', people: 40, spaces: 0 });
    site.confluence.onAnswer = () => {};
    expect(await admin(site, 'cleanup.previewUndo', { version: 1 })).toMatchObject({ ok: false, error: { code: 'not-ready' } });
    await knowEverybody(site);
    await setPolicy(site, { mode: 'auto' });
    expect(await admin(site, 'cleanup.previewUndo', { version: 7 })).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(await adminData(site, 'cleanup.previewUndo', { version: 1 })).toMatchObject({ count: 0 });
    site.activity({ count: 30, spread: 'PT1M', views: 1 });
    await site.advance('PT15M');
    const { planId, count } = await adminData(site, 'cleanup.previewUndo', { version: 1 });
    expect(count).toBe(30);
    expect(await admin(site, 'cleanup.start', { planId, count })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    const { runId } = await adminData(site, 'cleanup.start', { planId, count, reason: 'By mistake' });
    expect(await finished(site, runId)).toMatchObject({ counts: { archived: 30 } });
  });
});

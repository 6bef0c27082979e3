/** Trying again, as a new run, for the people for whom a run has failed. */
import { expect, it } from 'vitest';
import type { LocalSite } from '../emulator/site';
import { finished, runOf } from '../support/cleanup';
import { accountIdOf, admin, adminData, knowEverybody, personalSpacesOf, setPolicy, startPeopleJob, startSite } from '../support/site';

const CREATION = { target: 'confluence' as const, method: 'POST', path: '/wiki/rest/api/space/_private' };

/** A run over three people, for two of whom Confluence fails until the faults are cleared. */
async function failedRun(): Promise<{ site: LocalSite; runId: string; failed: string[]; served: string }> {
  const site = startSite({ people: 10 });
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  const [served, ...failed] = [1, 3, 5].map(accountIdOf) as [string, string, string];
  const { planId, count } = await adminData(site, 'people.plan', { selection: { kind: 'some', accountIds: [served, ...failed] } });
  expect(count).toBe(3);
  const { runId } = await adminData(site, 'people.start', { planId, count });
  site.addFault({ ...CREATION, after: 1, times: 999, respond: { status: 500 } });
  expect(await finished(site, runId)).toMatchObject({ state: 'done', failed: 2, counts: { created: 1, failed: 2 } });
  return { site, runId, failed, served };
}

it('serves those who failed and nobody else, in one new run however often it is clicked', async () => {
  const { site, runId, failed } = await failedRun();
  site.clearFaults();
  const made = site.status().spaces.personal.current;
  const again = await adminData(site, 'runs.retry', { runId });
  expect(again).toMatchObject({ kind: 'provision', state: 'running', total: 2, done: 0 });
  expect(again.runId).not.toBe(runId);
  expect((await adminData(site, 'runs.retry', { runId })).runId).toBe(again.runId);
  expect(await finished(site, again.runId)).toMatchObject({ state: 'done', total: 2, counts: { created: 2 }, undoable: 2 });
  for (const id of failed) expect(personalSpacesOf(site, id)).toHaveLength(1);
  expect(site.status().spaces.personal.current).toBe(made + 2);
  expect((await adminData(site, 'runs.retry', { runId })).runId).toBe(again.runId);
  const nothing = { ok: false, error: { code: 'bad-request', details: { problem: 'nothing-failed' } } };
  expect(await admin(site, 'runs.retry', { runId: again.runId })).toEqual(nothing);
  // Each of the two undoes its own.
  const undo = await adminData(site, 'runs.undo', { runId: again.runId });
  expect(await finished(site, undo.runId)).toMatchObject({ counts: { archived: 2 } });
  expect(await runOf(site, runId)).toMatchObject({ undoable: 1 });
});

it('names no account in the job, and fails again with its reason while nothing has changed', async () => {
  const { site, runId, failed } = await failedRun();
  const again = await adminData(site, 'runs.retry', { runId });
  const job = JSON.stringify(site.state().kvs.entities.job?.[again.runId]);
  for (const id of failed) expect(job).not.toContain(id);
  expect(await finished(site, again.runId)).toMatchObject({ state: 'done', counts: { failed: 2 } });
  const third = await adminData(site, 'runs.retry', { runId: again.runId });
  expect(third.runId).toHaveLength(again.runId.length);
});

it('is refused while the run is not over', async () => {
  const site = startSite({ people: 10 });
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  const { jobId: runId } = await startPeopleJob(site);
  expect(await admin(site, 'runs.retry', { runId })).toEqual({ ok: false, error: { code: 'busy', details: { runId } } });
});

/** What jobs of every kind have in common: one lock a scope, steps that get lost, refusals that will not pass. */
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../src/api/admin/jobs';
import type { LocalSite } from '../emulator/site';
import { filledSite, listUnused, some } from '../support/cleanup';
import { ADMIN_ACCOUNT_ID, admin, adminData, knowEverybody, REASON, setPolicy, startSite } from '../support/site';
import { ONE_PROCESS } from '../support/stops';

const CONSUMER = 'consumer:work-consumer';
/** A lost step is found within this time. */
const FOUND = 'PT10M';

const jobOf = (site: LocalSite, jobId: string): Promise<JobView> => adminData(site, 'job.get', { jobId });
const turns = (site: LocalSite): number => site.usage().invocations[CONSUMER]?.count ?? 0;

/** Plans to archive the first unused spaces. */
async function planArchive(
  site: LocalSite,
  count = 2,
): Promise<{ planId: string; count: number; spaces: { id: number; ownerId: string }[] }> {
  const chosen = (await listUnused(site)).slice(0, count);
  const plan = await adminData(site, 'cleanup.preview', { selection: some(chosen) });
  const spaces = plan.sample.map((row) => ({ id: Number(row.spaceId), ownerId: row.ownerId ?? '' }));
  return { planId: plan.planId, count: plan.count, spaces };
}

const start = ({ planId, count }: { planId: string; count: number }) => ({ planId, count });

interface FrozenPlan {
  planId: string;
  count: number;
  reason: string;
}

async function planPeople(site: LocalSite): Promise<FrozenPlan> {
  const { planId, count } = await adminData(site, 'people.plan', {});
  return { planId, count, reason: REASON };
}

async function knownPeople(site: LocalSite): Promise<void> {
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
}

const statusOf = (site: LocalSite, spaceId: number) => site.confluence.state.spacesById.get(spaceId)?.status;

/** Ends the invocation at the first call that contains this text. */
function cutOffOnce(site: LocalSite, text: string, when: 'killBeforeCall' | 'killAfterCall'): void {
  let isDone = false;
  site.platform.beforeCall = ({ calls, name }, call) => {
    if (isDone || !call.includes(text)) return;
    isDone = true;
    site.addFault(when === 'killBeforeCall' ? { killBeforeCall: calls, invocation: name } : { killAfterCall: calls, invocation: name });
  };
}

describe('two runs in one scope', () => {
  it('of the cleanup: exactly one starts, the other is told which, and can start when that is over', async () => {
    const site = await filledSite();
    const plans = [await planArchive(site), await planArchive(site)];
    const answers = await Promise.all(plans.map((plan) => admin(site, 'cleanup.start', start(plan))));
    const winner = answers.flatMap((answer) => (answer.ok ? [answer.data.runId] : []));
    expect(winner).toHaveLength(1);
    expect(answers.find((answer) => !answer.ok)).toEqual({ ok: false, error: { code: 'busy', details: { runId: winner[0] } } });
    await site.advance('PT1M');
    expect(await jobOf(site, winner[0] as string)).toMatchObject({ state: 'done', counts: { archived: 2 } });
    const loser = plans.find((plan) => plan.planId !== winner[0]) as (typeof plans)[number];
    await adminData(site, 'cleanup.start', start(loser));
    await site.advance('PT1M');
    expect(await jobOf(site, loser.planId)).toMatchObject({ state: 'done', counts: { kept: 2 } });
  });

  it('of the job for existing people: exactly one starts, and the other may when the first was stopped', async () => {
    const site = startSite();
    await knownPeople(site);
    const plans = [await planPeople(site), await planPeople(site)];
    const answers = await Promise.all(plans.map((plan) => admin(site, 'people.start', plan)));
    const winner = answers.findIndex((answer) => answer.ok);
    const [first, second] = [plans[winner], plans[1 - winner]] as [FrozenPlan, FrozenPlan];
    expect(answers[1 - winner]).toEqual({ ok: false, error: { code: 'busy', details: { runId: first.planId } } });
    await adminData(site, 'job.cancel', { jobId: first.planId });
    await site.advance(FOUND);
    expect(await jobOf(site, first.planId)).toMatchObject({ state: 'cancelled' });
    expect(await admin(site, 'people.start', second)).toMatchObject({ ok: true });
    await site.advance('PT1H');
    expect(await jobOf(site, second.planId)).toMatchObject({ state: 'done' });
  });

  it('while the first is paused: a restore is told, too', async () => {
    const site = await filledSite();
    const [first, second] = [await planArchive(site), await planArchive(site)];
    await adminData(site, 'cleanup.start', start(first));
    await site.advance('PT1M');
    await adminData(site, 'cleanup.start', start(second));
    await adminData(site, 'job.pause', { jobId: second.planId });
    const refused = { ok: false, error: { code: 'busy', details: { runId: second.planId } } };
    expect(await admin(site, 'runs.undo', { runId: first.planId })).toEqual(refused);
    await adminData(site, 'job.cancel', { jobId: second.planId });
    await site.advance('PT1M');
    expect(await admin(site, 'runs.undo', { runId: first.planId })).toMatchObject({ ok: true });
  });
});

describe('a start that fails in storage', () => {
  it('leaves nothing locked and nothing running: the next click starts it', async () => {
    const site = startSite();
    await knownPeople(site);
    const plan = await planPeople(site);
    // Nothing else has to be stored to start.
    site.addFault({ target: 'kvs', path: '**/transaction', respond: { status: 500 } });
    expect(await admin(site, 'people.start', plan)).toMatchObject({ ok: false, error: { code: 'busy' } });
    expect(await admin(site, 'job.get', { jobId: plan.planId })).toMatchObject({ ok: false, error: { code: 'not-found' } });
    const other = await planPeople(site);
    await adminData(site, 'people.start', other);
    const refused = { ok: false, error: { code: 'busy', details: { runId: other.planId } } };
    expect(await admin(site, 'people.start', plan)).toMatchObject(refused);
    await site.advance('PT1H');
    expect(await jobOf(site, other.planId)).toMatchObject({ state: 'done' });
  });
});

describe('a lost step', () => {
  it.each(['before the queue had it', 'because the queue refused it'])('is found by the agenda: %s', async (how) => {
    const site = await filledSite({ settings: ONE_PROCESS });
    const plan = await planArchive(site);
    site.resetUsage();
    if (how.startsWith('because')) {
      site.addFault({ target: 'queue', respond: { status: 500 } });
      await adminData(site, 'cleanup.start', start(plan));
    } else {
      cutOffOnce(site, '/webhook/queue/', 'killBeforeCall');
      await admin(site, 'cleanup.start', start(plan)).catch(() => null);
    }
    await site.advance('PT5S');
    expect(await jobOf(site, plan.planId)).toMatchObject({ state: 'running' });
    expect(turns(site)).toBe(0);
    await site.advance(FOUND);
    expect(await jobOf(site, plan.planId)).toMatchObject({ state: 'done' });
  });

  it('of a resumed job is found, and a second click helps at once', async () => {
    for (const isClicked of [true, false]) {
      const site = await filledSite();
      const plan = await planArchive(site);
      const { planId } = plan;
      await adminData(site, 'cleanup.start', start(plan));
      await adminData(site, 'job.pause', { jobId: planId });
      await site.advance('PT1M');
      site.addFault({ target: 'queue', respond: { status: 500 } });
      await admin(site, 'job.resume', { jobId: planId });
      if (isClicked) await adminData(site, 'job.resume', { jobId: planId });
      await site.advance(isClicked ? 'PT10S' : FOUND);
      expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: 2 } });
    }
  });

  it('of a job that is being stopped is found, and its lock is free again', async () => {
    const site = await filledSite();
    const [plan, other] = [await planArchive(site), await planArchive(site)];
    const { planId } = plan;
    await adminData(site, 'cleanup.start', start(plan));
    await adminData(site, 'job.pause', { jobId: planId });
    site.addFault({ target: 'queue', respond: { status: 500 } });
    await adminData(site, 'job.cancel', { jobId: planId });
    await site.advance(FOUND);
    expect(await jobOf(site, planId)).toMatchObject({ state: 'cancelled' });
    expect(await admin(site, 'cleanup.start', start(other))).toMatchObject({ ok: true });
  });
});

describe('messages', () => {
  it('of earlier turns end at once, however often a job is paused and resumed', async () => {
    const site = await filledSite();
    const plan = await planArchive(site);
    const { planId } = plan;
    const retryIn = { status: 429, headers: { 'Retry-After': '7200' } };
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/rest/api/space/*', times: 9_999, respond: retryIn });
    await adminData(site, 'cleanup.start', start(plan));
    for (let i = 0; i < 25; i += 1) {
      await adminData(site, 'job.pause', { jobId: planId });
      await adminData(site, 'job.resume', { jobId: planId });
    }
    await site.advance('PT1M');
    site.resetUsage();
    // It waits for nearly two hours, and a delay has at most 900 seconds: one message every quarter of an hour.
    await site.advance('PT1H30M');
    expect(turns(site)).toBeLessThanOrEqual(7);
    expect(await jobOf(site, planId)).toMatchObject({ state: 'running' });
    site.clearFaults();
    await site.advance('PT1H');
    expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: 2 } });
  });

  it('that arrive twice and out of order act once', async () => {
    const site = await filledSite({ settings: { deliverEvents: { times: 2, reorder: true, drop: 0, seed: 3 } } });
    const plan = await planArchive(site);
    const { planId, spaces } = plan;
    site.resetUsage();
    await adminData(site, 'cleanup.start', start(plan));
    await site.advance(FOUND);
    expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: spaces.length } });
    expect(turns(site)).toBe(2);
  });
});

describe('a refusal of storage', () => {
  it('that will not pass ends the job with a reason', async () => {
    const site = await filledSite();
    const plan = await planArchive(site);
    site.resetUsage();
    const tooLarge = { status: 400, body: { code: 'MAX_SIZE', message: 'MAX_SIZE' } };
    site.addFault({ target: 'kvs', path: '/api/v1/set', times: 9_999, respond: tooLarge });
    await adminData(site, 'cleanup.start', start(plan));
    await site.advance('PT2H');
    expect(await jobOf(site, plan.planId)).toMatchObject({ state: 'failed', problem: 'storage: MAX_SIZE' });
    expect(turns(site)).toBe(1);
  });

  it('that passes is waited for', async () => {
    const site = await filledSite();
    const plan = await planArchive(site);
    site.addFault({ target: 'kvs', path: '/api/v1/set', times: 3, respond: { status: 500 } });
    await adminData(site, 'cleanup.start', start(plan));
    await site.advance('PT20M');
    expect(await jobOf(site, plan.planId)).toMatchObject({ state: 'done', counts: { archived: 2 } });
  });
});

describe('a job that is stopped in mid-air, and then by an admin', () => {
  it('leaves a tombstone and a trail entry for what it has archived', async () => {
    const site = await filledSite({ settings: ONE_PROCESS });
    const plan = await planArchive(site, 1);
    const { planId, spaces } = plan;
    const [space] = spaces as [(typeof spaces)[number]];
    cutOffOnce(site, 'PUT /wiki/rest/api/space/', 'killAfterCall');
    await adminData(site, 'cleanup.start', start(plan));
    await site.advance('PT3S');
    expect(statusOf(site, space.id)).toBe('archived');
    await adminData(site, 'job.cancel', { jobId: planId });
    await site.advance('PT20M');
    expect(await jobOf(site, planId)).toMatchObject({ state: 'cancelled', counts: { archived: 1 } });
    const { people } = await adminData(site, 'tombstones.list', { state: 'removed' });
    expect(people).toMatchObject([{ accountId: space.ownerId, reason: 'space-archived', by: ADMIN_ACCOUNT_ID }]);
    const { entries } = await adminData(site, 'activity.list', {});
    expect(entries).toMatchObject([{ kind: 'removed', accountId: space.ownerId, actor: ADMIN_ACCOUNT_ID }]);
  });
});

describe('an owner whose record cannot be read', () => {
  it('does not stop the others’ spaces from being archived, and is named', async () => {
    const site = await filledSite();
    const plan = await planArchive(site, 3);
    const { planId, spaces } = plan;
    const [first] = spaces as [(typeof spaces)[number]];
    site.platform.kvs.put('person', first.ownerId, {
      revision: 1,
      state: 'nonsense',
      reason: 'x',
      changedAt: 1,
      spaceId: String(first.id),
      data: {},
    });
    await adminData(site, 'cleanup.start', start(plan));
    await site.advance('PT1M');
    expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: 3 } });
    const { rows } = await adminData(site, 'runs.rows', { runId: planId });
    expect(rows.map((row) => row.reason)).toEqual(['record-unreadable', 'unused', 'unused']);
  });
});

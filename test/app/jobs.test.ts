/** What jobs of every kind have in common: one lock a scope, steps that get lost, refusals that will not pass. */
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../src/api/admin/jobs';
import type { LocalSite } from '../emulator/site';
import { ADMIN_ACCOUNT_ID, admin, adminData, knowEverybody, setPolicy, startSite } from '../support/site';
import { ONE_PROCESS } from '../support/stops';

const CONSUMER = 'consumer:work-consumer';
/** A lost step is found within this time. */
const FOUND = 'PT10M';

const jobOf = (site: LocalSite, jobId: string): Promise<JobView> => adminData(site, 'job.get', { jobId });
const turns = (site: LocalSite): number => site.usage().invocations[CONSUMER]?.count ?? 0;

async function survey(site: LocalSite): Promise<JobView> {
  const { id } = await adminData(site, 'cleanup.survey', { idleDays: 180 });
  await site.advance('PT1M');
  return jobOf(site, id);
}

/** Plans to archive the first spaces of the survey. */
async function planArchive(
  site: LocalSite,
  found: JobView,
  count = 2,
): Promise<{ planId: string; spaces: { id: number; ownerId: string }[] }> {
  const { rows } = await adminData(site, 'cleanup.rows', { jobId: found.id });
  const few = rows.slice(0, count);
  const spaces = few.map(({ batch, spaceId }) => ({ batch, spaceId }));
  const plan = await adminData(site, 'cleanup.preview', { surveyId: found.id, selection: { kind: 'some', spaces } });
  return { planId: plan.job.id, spaces: few.map((row) => ({ id: Number(row.spaceId), ownerId: row.ownerId ?? '' })) };
}

interface FrozenPlan {
  planId: string;
  count: number;
}

async function planPeople(site: LocalSite): Promise<FrozenPlan> {
  const { planId, count } = await adminData(site, 'people.plan', {});
  return { planId, count };
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
    const site = startSite();
    const found = await survey(site);
    const plans = [await planArchive(site, found), await planArchive(site, found)].map((plan) => plan.planId);
    const answers = await Promise.all(plans.map((jobId) => admin(site, 'cleanup.start', { jobId })));
    const winner = answers.flatMap((answer) => (answer.ok ? [answer.data.id] : []));
    expect(winner).toHaveLength(1);
    expect(answers.find((answer) => !answer.ok)).toEqual({ ok: false, error: { code: 'busy', details: { runId: winner[0] } } });
    await site.advance('PT1M');
    expect(await jobOf(site, winner[0] as string)).toMatchObject({ state: 'done', counts: { archived: 2 } });
    const loser = plans.find((plan) => plan !== winner[0]) as string;
    await adminData(site, 'cleanup.start', { jobId: loser });
    await site.advance('PT1M');
    expect(await jobOf(site, loser)).toMatchObject({ state: 'done', counts: { kept: 2 } });
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
    const site = startSite();
    const found = await survey(site);
    const [first, second] = [await planArchive(site, found), await planArchive(site, found)];
    await adminData(site, 'cleanup.start', { jobId: first.planId });
    await site.advance('PT1M');
    await adminData(site, 'cleanup.start', { jobId: second.planId });
    await adminData(site, 'job.pause', { jobId: second.planId });
    const refused = { ok: false, error: { code: 'busy', details: { runId: second.planId } } };
    expect(await admin(site, 'cleanup.restore', { jobId: first.planId })).toEqual(refused);
    await adminData(site, 'job.cancel', { jobId: second.planId });
    await site.advance('PT1M');
    expect(await admin(site, 'cleanup.restore', { jobId: first.planId })).toMatchObject({ ok: true });
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
    const site = startSite({ settings: ONE_PROCESS });
    if (how.startsWith('because')) {
      site.addFault({ target: 'queue', respond: { status: 500 } });
      await adminData(site, 'cleanup.survey', { idleDays: 180 });
    } else {
      cutOffOnce(site, '/webhook/queue/', 'killBeforeCall');
      await admin(site, 'cleanup.survey', { idleDays: 180 }).catch(() => null);
    }
    await site.advance('PT5S');
    expect((await adminData(site, 'cleanup.state', {})).survey).toMatchObject({ state: 'running' });
    expect(turns(site)).toBe(0);
    await site.advance(FOUND);
    expect((await adminData(site, 'cleanup.state', {})).survey).toMatchObject({ state: 'done' });
  });

  it('of a resumed job is found, and a second click helps at once', async () => {
    for (const isClicked of [true, false]) {
      const site = startSite();
      const { planId } = await planArchive(site, await survey(site));
      await adminData(site, 'cleanup.start', { jobId: planId });
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
    const site = startSite();
    const found = await survey(site);
    const [{ planId }, other] = [await planArchive(site, found), await planArchive(site, found)];
    await adminData(site, 'cleanup.start', { jobId: planId });
    await adminData(site, 'job.pause', { jobId: planId });
    site.addFault({ target: 'queue', respond: { status: 500 } });
    await adminData(site, 'job.cancel', { jobId: planId });
    await site.advance(FOUND);
    expect(await jobOf(site, planId)).toMatchObject({ state: 'cancelled' });
    expect(await admin(site, 'cleanup.start', { jobId: other.planId })).toMatchObject({ ok: true });
  });
});

describe('messages', () => {
  it('of earlier turns end at once, however often a job is paused and resumed', async () => {
    const site = startSite();
    const { planId } = await planArchive(site, await survey(site));
    const retryIn = { status: 429, headers: { 'Retry-After': '7200' } };
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/rest/api/space/*', times: 9_999, respond: retryIn });
    await adminData(site, 'cleanup.start', { jobId: planId });
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
    const site = startSite({ settings: { deliverEvents: { times: 2, reorder: true, drop: 0, seed: 3 } } });
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: 180 });
    await site.advance(FOUND);
    const { planId, spaces } = await planArchive(site, await jobOf(site, id));
    site.resetUsage();
    await adminData(site, 'cleanup.start', { jobId: planId });
    await site.advance(FOUND);
    expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: spaces.length } });
    expect(turns(site)).toBe(2);
  });
});

describe('a refusal of storage', () => {
  it('that will not pass ends the job with a reason', async () => {
    const site = startSite({ settings: { sql: 'absent' } });
    const tooLarge = { status: 400, body: { code: 'MAX_SIZE', message: 'MAX_SIZE' } };
    site.addFault({ target: 'kvs', path: '/api/v1/set', times: 9_999, respond: tooLarge });
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: 180 });
    await site.advance('PT2H');
    expect(await jobOf(site, id)).toMatchObject({ state: 'failed', problem: 'storage: MAX_SIZE' });
    expect(turns(site)).toBe(1);
  });

  it('that passes is waited for', async () => {
    const site = startSite();
    site.addFault({ target: 'kvs', path: '/api/v1/set', times: 3, respond: { status: 500 } });
    const { id } = await adminData(site, 'cleanup.survey', { idleDays: 180 });
    await site.advance('PT20M');
    expect(await jobOf(site, id)).toMatchObject({ state: 'done' });
  });
});

describe('a job that is stopped in mid-air, and then by an admin', () => {
  it('leaves a tombstone and a trail entry for what it has archived', async () => {
    const site = startSite({ settings: ONE_PROCESS });
    const { planId, spaces } = await planArchive(site, await survey(site), 1);
    const [space] = spaces as [(typeof spaces)[number]];
    cutOffOnce(site, 'PUT /wiki/rest/api/space/', 'killAfterCall');
    await adminData(site, 'cleanup.start', { jobId: planId });
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
    const site = startSite();
    const { planId, spaces } = await planArchive(site, await survey(site), 3);
    const [first] = spaces as [(typeof spaces)[number]];
    site.platform.kvs.put('person', first.ownerId, {
      revision: 1,
      state: 'nonsense',
      reason: 'x',
      changedAt: 1,
      spaceId: String(first.id),
      data: {},
    });
    await adminData(site, 'cleanup.start', { jobId: planId });
    await site.advance('PT1M');
    expect(await jobOf(site, planId)).toMatchObject({ state: 'done', counts: { archived: 3 } });
    const { rows } = await adminData(site, 'cleanup.rows', { jobId: planId });
    expect(rows.map((row) => row.reason)).toEqual(['record-unreadable', 'unused', 'unused']);
  });
});

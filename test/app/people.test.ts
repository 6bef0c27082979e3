/** Counting people, simulating a policy for them, and creating spaces for those who have none. */
import { describe, expect, it } from 'vitest';
import type { JobView, Page } from '../../src/api/admin/jobs';
import type { ProvisionRowView } from '../../src/api/admin/people';
import type { Policy } from '../../src/domain/policy/document';
import type { LocalSite } from '../emulator/site';
import { ALL, filledSite, startCleanup } from '../support/cleanup';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  changed,
  comparable,
  OWNER,
  person,
  personalSpacesOf,
  personData,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';
import { ONE_PROCESS, type Stop, stopAtEachCall } from '../support/stops';

const groupId = (site: LocalSite, name: string): string => site.confluence.state.groupsByName.get(name)?.id ?? '';
const licensed = (site: LocalSite) => site.people(100_000).results.filter((p) => p.licensed);

async function count(site: LocalSite, duration = 'PT1M'): Promise<JobView> {
  await adminData(site, 'people.startCensus', {});
  await site.advance(duration);
  const { complete } = await adminData(site, 'people.census', {});
  if (!complete) throw new Error('the people were not counted');
  return complete;
}

async function startJob(site: LocalSite): Promise<string> {
  const plan = await adminData(site, 'people.plan', {});
  if (!plan.job) throw new Error('nothing to do');
  await adminData(site, 'people.start', { jobId: plan.job.id });
  return plan.job.id;
}

describe('counting people', () => {
  it('counts everyone with a license once, with their groups and spaces', async () => {
    const site = startSite();
    await setPolicy(site, {
      rules: [
        {
          id: 'e',
          name: 'E',
          groups: [groupId(site, 'engineering')],
          exceptGroups: [],
          mode: 'auto',
          selfService: false,
          template: 'standard',
          access: 'private',
        },
      ],
    });
    const people = licensed(site);
    const census = await count(site);
    expect(census.counts).toEqual({
      people: people.length,
      withSpace: people.filter((p) => p.personalSpaceId !== null).length,
      withoutSpace: people.filter((p) => p.personalSpaceId === null).length,
      notEligible: 0,
    });
  });

  it('says in advance what it costs', async () => {
    const site = startSite({ seed: 'scale', people: 5_000, spaces: 2_500 });
    const cost = await adminData(site, 'people.censusCost', {});
    expect(cost.people).toBe(5_001);
    site.resetUsage();
    await count(site, 'PT10M');
    // Storage allows 4,000 reads a minute, so a page may be read twice.
    expect(site.usage().rest.points).toBeGreaterThan(cost.points * 0.98);
    expect(site.usage().rest.points).toBeLessThanOrEqual(cost.points * 1.05);
  });

  it('has the same outcome when it is stopped after any call', async () => {
    const run = async (stop?: Stop): Promise<LocalSite> => {
      const site = startSite({ people: 30, settings: ONE_PROCESS });
      stop?.order(site);
      await adminData(site, 'people.startCensus', {});
      await site.advance('PT20M');
      return site;
    };
    const rowsOf = (site: LocalSite) => Object.entries(site.state().kvs.plain).filter(([key]) => key.startsWith('batch:'));
    const undisturbed = rowsOf(await run());
    const stops = await stopAtEachCall(
      'consumer',
      async (stop) => {
        const site = await run(stop);
        expect(
          rowsOf(site).map(([, rows]) => rows),
          stop.name,
        ).toEqual(undisturbed.map(([, rows]) => rows));
        expect((await adminData(site, 'people.census', {})).complete?.counts.people, stop.name).toBe(licensed(site).length);
      },
      2,
    );
    expect(stops).toBeGreaterThan(10);
  });
});

describe('simulation', () => {
  it('says how many outcomes change, from what to what, and gives correct examples', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await count(site);
    const { policy } = await adminData(site, 'policy.get', {});
    const engineers = groupId(site, 'engineering');
    const next: Policy = {
      ...policy,
      rules: [
        {
          id: 'e',
          name: 'E',
          groups: [engineers],
          exceptGroups: [],
          mode: 'auto',
          selfService: false,
          template: 'standard',
          access: 'private',
        },
      ],
    };
    // The count did not include these groups, so the answer is an error rather than a guess.
    expect(await admin(site, 'people.simulate', { policy: next })).toMatchObject({
      ok: false,
      error: { code: 'census-lacks-groups', details: { count: 1 } },
    });
    await site.advance('PT1S');
    await adminData(site, 'people.startCensus', { policy: next });
    await site.advance('PT1M');
    const simulation = await adminData(site, 'people.simulate', { policy: { ...changed(next, { mode: 'off' }), rules: next.rules } });
    const people = licensed(site).filter((p) => p.personalSpaceId === null);
    const others = people.filter((p) => !p.groups.includes('engineering'));
    expect(simulation.transitions[0]).toMatchObject({
      from: { kind: 'offer', reason: 'rule-ask' },
      to: { kind: 'nothing', reason: 'rule-off' },
      count: others.length,
    });
    for (const id of simulation.transitions[0]?.examples ?? []) expect(others.map((p) => p.accountId)).toContain(id);
    expect(simulation.outcomes.find((o) => o.kind === 'create')?.count).toBe(people.length - others.length);
  });

  it('asks for a count first', async () => {
    const site = startSite();
    const { policy } = await adminData(site, 'policy.get', {});
    expect(await admin(site, 'people.simulate', { policy })).toMatchObject({ ok: false, error: { code: 'no-census' } });
  });

  it('predicts what happens at the next page view', async () => {
    const site = startSite({ people: 40 });
    await setPolicy(site, { mode: 'auto', rollout: { percent: 50, startsOn: null, perDay: null, waves: [] } });
    await count(site);
    const { policy } = await adminData(site, 'policy.get', {});
    const simulation = await adminData(site, 'people.simulate', { policy });
    for (const p of licensed(site)) site.activity({ accountId: p.accountId, views: 1 });
    await site.advance('PT10M');
    const withReason = (reason: string) => licensed(site).filter((p) => recordOf(site, p.accountId)?.reason === reason);
    const made = withReason('space-created').length;
    const waiting = withReason('rollout-percent').filter((p) => p.personalSpaceId === null).length;
    expect(simulation.outcomes.find((o) => o.kind === 'create')?.count).toBe(made);
    expect(simulation.outcomes.find((o) => o.reason === 'rollout-percent')?.count).toBe(waiting);
    expect(made).toBeGreaterThan(0);
  });
});

async function everyRow(site: LocalSite, jobId: string, onlyFailed: boolean): Promise<ProvisionRowView[]> {
  const rows: ProvisionRowView[] = [];
  let from: { batch: number; row: number } | null | undefined;
  while (from !== null) {
    const page: Page<ProvisionRowView> = await adminData(site, 'people.rows', { jobId, onlyFailed, ...(from ? { from } : {}) });
    rows.push(...page.rows);
    from = page.next;
  }
  return rows;
}

describe('the job for existing people', () => {
  it('plans by reason, and creates exactly what it planned, as each person, in the scheduled trigger', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await count(site);
    const without = licensed(site).filter((p) => p.personalSpaceId === null);
    const plan = await adminData(site, 'people.plan', {});
    expect(plan).toMatchObject({ creates: without.length, offers: 0 });
    expect(plan.sample).toHaveLength(Math.min(25, without.length));
    const jobId = plan.job?.id ?? '';
    await adminData(site, 'people.start', { jobId });
    await site.advance('PT1H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'done', counts: { created: without.length } });
    for (const p of without) expect(personalSpacesOf(site, p.accountId)).toHaveLength(1);
    const { rows } = await adminData(site, 'people.rows', { jobId });
    expect(rows[0]).toMatchObject({ outcome: 'created', reason: 'space-created' });
    expect(site.usage().invocations['consumer:work-consumer']?.errors ?? 0).toBe(0);
  });

  it('offers where the rule says to ask, and leaves alone people who have declined', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await person(site, 'offer.never', ANA);
    await count(site);
    const jobId = await startJob(site);
    await site.advance('PT1H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'done' });
    expect(recordOf(site, ANA)).toMatchObject({ state: 'declined' });
    expect(recordOf(site, accountIdOf(3))).toMatchObject({ state: 'offered' });
    expect(personalSpacesOf(site, accountIdOf(3))).toEqual([]);
  });

  it('looks at each person again when their turn comes', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await count(site);
    const jobId = await startJob(site);
    site.changePerson(ANA, { accountStatus: 'inactive' });
    await site.advance('PT1H');
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    const { rows } = await adminData(site, 'people.rows', { jobId });
    expect(rows.find((row) => row.accountId === ANA)).toMatchObject({ outcome: 'kept', reason: 'account-inactive' });
  });

  it('keeps to the number of people per day', async () => {
    const site = startSite({ start: Date.UTC(2026, 10, 23, 9) });
    await setPolicy(site, { mode: 'auto', rollout: { percent: 100, startsOn: null, perDay: 20, waves: [] } });
    await count(site);
    const plan = await adminData(site, 'people.plan', {});
    expect(plan.days).toBe(Math.ceil(plan.creates / 20));
    const jobId = await startJob(site);
    await site.advance('PT10H');
    const made = () => site.state().audit.filter((entry) => entry.action === 'space-created').length;
    expect(made()).toBe(20);
    expect((await adminData(site, 'job.get', { jobId })).waitingUntil).toBe(Date.UTC(2026, 10, 24));
    await site.advance('PT24H');
    expect(made()).toBe(40);
  });

  it('can be paused, resumed, and stopped; what is done stays', async () => {
    const site = startSite({ seed: 'scale', people: 400, spaces: 0, settings: { hourlyPoints: 2_000 } });
    await setPolicy(site, { mode: 'auto' });
    await count(site, 'PT5H');
    const jobId = await startJob(site);
    await site.advance('PT10M');
    await adminData(site, 'job.pause', { jobId });
    // The people in the current batch are still served.
    await site.advance('PT1M');
    const paused = await adminData(site, 'job.get', { jobId });
    expect(paused.state).toBe('paused');
    const made = paused.counts.created ?? 0;
    expect(made).toBeGreaterThan(0);
    await site.advance('PT3H');
    expect((await adminData(site, 'job.get', { jobId })).counts.created).toBe(made);
    await adminData(site, 'job.resume', { jobId });
    await site.advance('PT1H');
    expect((await adminData(site, 'job.get', { jobId })).counts.created).toBeGreaterThan(made);
    await adminData(site, 'job.cancel', { jobId });
    await site.advance('PT10M');
    const over = await adminData(site, 'job.get', { jobId });
    expect(over.state).toBe('cancelled');
    expect(over.counts.created).toBe(site.status().spaces.personal.current);
  });

  it('pauses by itself when many of the first people fail', async () => {
    const site = startSite({ settings: { asUserPersonalCreate: 'refused' } });
    await setPolicy(site, { mode: 'auto' });
    await count(site);
    const jobId = await startJob(site);
    await site.advance('PT1H');
    const job = await adminData(site, 'job.get', { jobId });
    expect(job).toMatchObject({ state: 'paused', problem: 'many-failed' });
    expect(job.counts.failed).toBeLessThan(50);
    const failed = await everyRow(site, jobId, true);
    expect(failed).toHaveLength(job.counts.failed ?? 0);
    expect(failed.every((row) => row.outcome === 'failed')).toBe(true);
    expect((await everyRow(site, jobId, false)).length).toBeGreaterThan(failed.length);
  });

  it('says so when the platform does not allow impersonation in scheduled triggers', async () => {
    const site = startSite({ settings: { asUserIn: ['trigger'] } });
    await setPolicy(site, { mode: 'auto' });
    await count(site);
    const jobId = await startJob(site);
    await site.advance('PT1H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'paused', problem: 'many-failed' });
    const { rows } = await adminData(site, 'people.rows', { jobId });
    expect(rows[0]).toMatchObject({ outcome: 'failed', reason: 'impersonation-unavailable' });
    // The person's next activity is the other documented way to act as them.
    await site.advance('P2D');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  });

  it('waits without losing anyone while everything is paused', async () => {
    const site = startSite({ seed: 'scale', people: 300, spaces: 0, settings: { hourlyPoints: 4_000 } });
    await setPolicy(site, { mode: 'auto' });
    await count(site, 'PT5H');
    const jobId = await startJob(site);
    await site.advance('PT10M');
    await setPolicy(site, { paused: true });
    await site.advance('PT3H');
    const paused = await adminData(site, 'job.get', { jobId });
    expect(paused).toMatchObject({ state: 'paused', problem: 'policy-off' });
    expect(paused.counts.kept ?? 0).toBe(0);
    await setPolicy(site, { paused: false });
    await adminData(site, 'job.resume', { jobId });
    await site.advance('PT12H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'done', counts: { created: 300 } });
  });

  it('keeps to the number of people per day even when many arrive at once', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', rollout: { percent: 100, startsOn: null, perDay: 5, waves: [] } });
    for (let n = 1; n < 60; n += 2) site.sendEvent({ eventType: 'avi:confluence:viewed:page', atlassianId: accountIdOf(n) });
    await site.advance('PT1H');
    expect(site.state().audit.filter((entry) => entry.action === 'space-created')).toHaveLength(5);
  });

  it('does not start if the policy has changed since the plan, or while another job is running', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await count(site);
    const stale = await adminData(site, 'people.plan', {});
    await setPolicy(site, { jobShare: 40 });
    expect(await admin(site, 'people.start', { jobId: stale.job?.id ?? '' })).toMatchObject({ ok: false, error: { code: 'plan-stale' } });
    await startJob(site);
    await site.advance('PT1S');
    const second = await adminData(site, 'people.plan', {});
    expect(await admin(site, 'people.start', { jobId: second.job?.id ?? '' })).toMatchObject({ ok: false, error: { code: 'busy' } });
  });

  it('has the same outcome when a step is stopped after any call', async () => {
    const run = async (stop?: Stop): Promise<{ site: LocalSite; jobId: string }> => {
      const site = startSite({ people: 5, settings: ONE_PROCESS });
      await setPolicy(site, { mode: 'auto' });
      await count(site);
      const jobId = await startJob(site);
      stop?.order(site);
      await site.advance('PT25M');
      return { site, jobId };
    };
    const withoutCounters = (site: LocalSite): unknown => {
      const state = comparable(site) as {
        kvs: {
          plain: Record<string, unknown>;
          entities: { counter?: unknown; register?: Record<string, unknown>; job?: Record<string, { revision: number }> };
        };
      };
      delete state.kvs.entities.counter;
      delete state.kvs.entities.register?.agenda;
      // What a stopped tick had not begun waits an hour.
      for (const key of ['first-start', 'privacy-report']) delete state.kvs.plain[key];
      for (const job of Object.values(state.kvs.entities.job ?? {})) job.revision = 0;
      return state;
    };
    const undisturbed = await run();
    expect(await adminData(undisturbed.site, 'job.get', { jobId: undisturbed.jobId })).toMatchObject({
      state: 'done',
      counts: { created: 3 },
    });
    const stops = await stopAtEachCall(
      'scheduledTrigger',
      async (stop) => {
        expect(withoutCounters((await run(stop)).site), stop.name).toEqual(withoutCounters(undisturbed.site));
      },
      4,
    );
    expect(stops).toBeGreaterThan(8);
  });
});

describe('tombstones', () => {
  it('record why and by whom, and an admin can lift one', async () => {
    const site = startSite({ settings: { appIsSpaceAdmin: 'always' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const [space] = personalSpacesOf(site, ANA);
    const admins = site.person(ADMIN_ACCOUNT_ID);
    const record = site.confluence.state.spacesById.get(Number(space?.id));
    if (record)
      record.grants = [...record.grants, { ...(record.grants[0] as (typeof record.grants)[number]), principalId: ADMIN_ACCOUNT_ID }];
    await site.confluence.request(
      { kind: 'person', person: admins, viaApp: false },
      { method: 'DELETE', url: `/wiki/rest/api/space/${space?.key}`, headers: new Headers(), body: undefined },
    );
    await site.advance('PT1M');
    const [tombstone] = (await adminData(site, 'tombstones.list', { state: 'removed' })).people;
    expect(tombstone).toMatchObject({ accountId: ANA, reason: 'space-removed', by: ADMIN_ACCOUNT_ID });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    await adminData(site, 'tombstones.lift', { accountId: ANA });
    // A process may remember for this long that there is nothing to do for a person.
    await site.advance('PT15M');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    await site.advance('PT5S');
    expect((await adminData(site, 'tombstones.list', { state: 'removed' })).people).toEqual([]);
    expect(await admin(site, 'tombstones.lift', { accountId: ANA })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('are set when a space is archived, and lifted when it is restored', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const [space] = personalSpacesOf(site, ANA);
    const archive = (status: string) =>
      site.confluence.request(
        { kind: 'person', person: site.person(ANA), viaApp: false },
        { method: 'PUT', url: `/wiki/rest/api/space/${space?.key}`, headers: new Headers(), body: JSON.stringify({ status }) },
      );
    await archive('archived');
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason: 'space-archived', by: ANA });
    await archive('current');
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  });

  it('survive older events that arrive late', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const [space] = personalSpacesOf(site, ANA);
    const changed = (at: string, status: string, actor: string) => ({
      eventType: 'avi:confluence:updated:space:V2',
      eventCreatedDate: at,
      atlassianId: actor,
      space: { id: Number(space?.id), key: space?.key, type: 'personal', status, history: { createdBy: { accountId: ANA } } },
    });
    site.changeSpace(space?.id ?? '', { by: ADMIN_ACCOUNT_ID, status: 'archived' });
    await site.advance('PT1M');
    site.sendEvent(changed('2026-11-23T10:00:00.000Z', 'current', ADMIN_ACCOUNT_ID));
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason: 'space-archived', by: ADMIN_ACCOUNT_ID });
  });

  it('are not set for a space that exists, whatever an event says', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const [space] = personalSpacesOf(site, ANA);
    for (const eventType of ['avi:confluence:deleted:space:V2', 'avi:confluence:updated:space:V2']) {
      site.sendEvent({
        eventType,
        eventCreatedDate: '2099-01-01T00:00:00.000Z',
        atlassianId: ADMIN_ACCOUNT_ID,
        space: { id: Number(space?.id), key: space?.key, type: 'personal', status: 'archived', history: { createdBy: { accountId: ANA } } },
      });
    }
    await site.advance('PT5M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    // Nor does an event dated in the future make later ones outdated.
    site.changeSpace(space?.id ?? '', { by: ADMIN_ACCOUNT_ID, status: 'archived' });
    await site.advance('PT5M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason: 'space-archived' });
  });

  it('end within a day of a restore whose event was lost, or sooner if the person clicks or an admin lifts them', async () => {
    for (const way of ['activity', 'click', 'lift'] as const) {
      const site = startSite();
      await setPolicy(site, { mode: 'auto', selfService: true });
      await readsAPage(site, ANA);
      const [space] = personalSpacesOf(site, ANA);
      site.changeSpace(space?.id ?? '', { by: ADMIN_ACCOUNT_ID, status: 'archived' });
      await site.advance('PT5M');
      expect(recordOf(site, ANA)).toMatchObject({ state: 'removed' });
      site.changeSettings({ deliverEvents: { drop: 1 } });
      site.changeSpace(space?.id ?? '', { by: ADMIN_ACCOUNT_ID, status: 'current' });
      await site.advance('PT5M');
      site.changeSettings({ deliverEvents: { drop: 0 } });
      if (way === 'click') expect(await personData(site, 'me.create', ANA)).toMatchObject({ kind: 'ready' });
      if (way === 'lift') {
        await adminData(site, 'tombstones.lift', { accountId: ANA });
        await readsAPage(site, ANA);
      }
      if (way === 'activity') {
        await readsAPage(site, ANA);
        expect(recordOf(site, ANA)).toMatchObject({ state: 'removed' });
        await site.advance('P1D');
        await readsAPage(site, ANA);
      }
      expect(recordOf(site, ANA), way).toMatchObject({ state: 'ready' });
      expect(personalSpacesOf(site, ANA), way).toHaveLength(1);
    }
  });

  it('are set for a deleted space with an old-style key, unless its owner has another space', async () => {
    const site = startSite();
    const deleted = (id: number, key: string, owner: string) => ({
      eventType: 'avi:confluence:deleted:space:V2',
      eventCreatedDate: '2026-11-23T10:00:00.000Z',
      atlassianId: ADMIN_ACCOUNT_ID,
      space: { id, key, type: 'personal', history: { createdBy: { accountId: owner } } },
    });
    site.sendEvent(deleted(7, '~ana', ANA));
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason: 'space-removed', by: ADMIN_ACCOUNT_ID });
    site.sendEvent(deleted(9, '~owner', OWNER));
    await site.advance('PT1M');
    expect(recordOf(site, OWNER)).toBeUndefined();
  });

  it('are set when the owner visits and their space is gone, even if no event said so', async () => {
    const site = startSite({ settings: { deliverEvents: { times: 1, reorder: false, drop: 0 } } });
    await setPolicy(site, { mode: 'auto', selfService: true });
    await readsAPage(site, ANA);
    const space = site.confluence.state.spacesById.get(Number(personalSpacesOf(site, ANA)[0]?.id));
    if (space) site.confluence.state.removeSpace(space);
    await site.advance('PT5S');
    expect(await person(site, 'me.get', ANA)).toMatchObject({
      ok: true,
      data: { record: { state: 'removed', reason: 'space-removed' }, can: { create: false } },
    });
    expect(await person(site, 'me.create', ANA)).toMatchObject({ ok: true, data: { kind: 'refused', reason: 'space-removed' } });
  });

  it('are set by a cleanup and name the admin who started it', async () => {
    const site = await filledSite();
    await setPolicy(site, { mode: 'auto' });
    const owner = site.person(OWNER);
    await startCleanup(site, ALL);
    await site.advance('PT1M');
    const removed = (await adminData(site, 'tombstones.list', { state: 'removed' })).people;
    expect(removed.length).toBeGreaterThan(5);
    expect(removed[0]).toMatchObject({ reason: 'space-archived', by: ADMIN_ACCOUNT_ID });
    expect(owner.accountId).toBe(OWNER);
  });
});

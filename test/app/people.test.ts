/** Simulating a policy for everybody, and creating spaces for those who have none. */
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/api/admin/jobs';
import type { ProvisionRowView } from '../../src/api/admin/people';
import type { Rule } from '../../src/domain/policy/document';
import type { LocalSite } from '../emulator/site';
import { ALL, filledSite, startCleanup } from '../support/cleanup';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  changed,
  comparableInAnyOrder,
  knowEverybody,
  OWNER,
  person,
  personalSpacesOf,
  personData,
  REASON,
  readsAPage,
  recordOf,
  setPolicy,
  startPeopleJob,
  startSite,
} from '../support/site';
import { ONE_PROCESS, type Stop, stopAtEachCall } from '../support/stops';

const groupId = (site: LocalSite, name: string): string => site.confluence.state.groupsByName.get(name)?.id ?? '';
const licensed = (site: LocalSite) => site.people(100_000).results.filter((p) => p.licensed);

async function startJob(site: LocalSite): Promise<string> {
  const { jobId, planId, count } = await startPeopleJob(site);
  expect(count).toBeGreaterThan(0);
  expect(jobId).toBe(planId);
  return jobId;
}

/** A rule for the members of one group. */
const ruleFor = (site: LocalSite, group: string, mode: Rule['mode']): Rule => ({
  id: group,
  name: group,
  groups: [groupId(site, group)],
  exceptGroups: [],
  mode,
  selfService: false,
  template: 'standard',
  access: 'private',
});

describe('simulation', () => {
  it('says how many outcomes change, from what to what, and gives correct examples', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask', rules: [ruleFor(site, 'engineering', 'ask')] });
    await knowEverybody(site);
    const { policy } = await adminData(site, 'policy.get', {});
    const next = changed({ ...policy, rules: [ruleFor(site, 'engineering', 'auto')] }, { mode: 'off' });
    const simulation = await adminData(site, 'people.simulate', { policy: next });
    const people = licensed(site).filter((p) => p.personalSpaceId === null);
    const others = people.filter((p) => !p.groups.includes('engineering'));
    // Nobody looks any more at the spaces of those for whom nothing is left to happen.
    const owners = licensed(site).filter((p) => p.personalSpaceId !== null && !p.groups.includes('engineering'));
    expect(simulation).toMatchObject({
      people: licensed(site).length,
      changed: people.length + owners.length,
      changedAtLeast: people.length + owners.length,
      exact: true,
      complete: true,
      unread: [],
      undecided: 0,
    });
    expect(simulation.transitions.filter(({ from }) => from.kind !== 'space')).toMatchObject([
      {
        from: { kind: 'offer', reason: 'rule-ask', ruleId: null },
        to: { kind: 'nothing', reason: 'rule-off', ruleId: null },
        count: others.length,
      },
      {
        from: { kind: 'offer', reason: 'rule-ask', ruleId: 'engineering' },
        to: { kind: 'create', reason: 'rule-auto', ruleId: 'engineering' },
        count: people.length - others.length,
      },
    ]);
    for (const id of simulation.transitions.find(({ to }) => to.kind === 'nothing')?.examples ?? [])
      expect(others.map((p) => p.accountId)).toContain(id);
    expect(simulation.outcomes.find((o) => o.kind === 'create')?.count).toBe(people.length - others.length);
  });

  it('bounds the answer while a group is unread, and reads only that group when asked', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await knowEverybody(site);
    const { policy } = await adminData(site, 'policy.get', {});
    const next = { ...policy, rules: [ruleFor(site, 'engineering', 'auto')] };
    const unread = [groupId(site, 'engineering')];
    const before = await adminData(site, 'people.simulate', { policy: next });
    expect(before).toMatchObject({ exact: false, complete: true, unread, changedAtLeast: 0 });
    const engineers = site.people(100_000).results.filter((p) => p.groups.includes('engineering'));
    // No more can change than the group has members.
    expect(before.changed).toBeGreaterThan(0);
    expect(before.changed).toBeLessThanOrEqual(engineers.length);
    site.resetUsage();
    const { jobId, points } = await adminData(site, 'people.readGroups', { policy: next });
    expect(points).toBe(before.reading?.points);
    await site.advance('PT2M');
    expect(await adminData(site, 'job.get', { jobId: jobId ?? '' })).toMatchObject({ kind: 'directory', state: 'done' });
    // Its size and one page of it; nobody else's members.
    expect(site.usage().rest.byRoute['GET /wiki/rest/api/group/{groupId}/membersByGroupId']?.requests).toBe(2);
    const after = await adminData(site, 'people.simulate', { policy: next });
    expect(after).toMatchObject({ exact: true, unread: [], changed: after.changedAtLeast, reading: null });
    expect(after.changed).toBe(licensed(site).filter((p) => p.groups.includes('engineering') && p.personalSpaceId === null).length);
    expect(after.changed).toBeGreaterThanOrEqual(before.changedAtLeast);
    expect(after.changed).toBeLessThanOrEqual(before.changed);
    expect(await adminData(site, 'people.readGroups', { policy: next })).toMatchObject({ jobId: null, points: 0 });
  });

  it('says so while people are still being read, and when they will be', async () => {
    const site = startSite();
    const { policy } = await adminData(site, 'policy.get', {});
    const simulation = await adminData(site, 'people.simulate', { policy });
    expect(simulation).toMatchObject({ exact: false, complete: false, people: 0 });
    expect(simulation.doneAt).toBeGreaterThan(site.clock.now() - 60_000);
    expect(await admin(site, 'people.plan', {})).toMatchObject({ ok: false, error: { code: 'not-ready' } });
  });

  it('predicts what happens at the next page view', async () => {
    const site = startSite({ people: 40 });
    await setPolicy(site, { mode: 'auto', rollout: { percent: 50, startsOn: null, perDay: null, waves: [] } });
    await knowEverybody(site);
    const { policy } = await adminData(site, 'policy.get', {});
    const simulation = await adminData(site, 'people.simulate', { policy });
    for (const p of licensed(site)) site.activity({ accountId: p.accountId, views: 1 });
    await site.advance('PT10M');
    expect(simulation.exact).toBe(true);
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

describe('outcomes in the directory', () => {
  const versions = async (site: LocalSite): Promise<Set<number | null>> =>
    new Set((await adminData(site, 'people.list', { limit: 100 })).rows.map(({ policyVersion }) => policyVersion));

  it('follow the policy within a minute of a save, and of a pause', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    expect(await versions(site)).toEqual(new Set([1]));
    await setPolicy(site, { mode: 'ask' });
    await site.advance('PT1M');
    expect(await versions(site)).toEqual(new Set([2]));
    expect((await adminData(site, 'people.list', { filter: { outcome: ['create'] } })).total).toBe(0);
    await adminData(site, 'policy.pause', { paused: true });
    await site.advance('PT1M');
    expect(await versions(site)).toEqual(new Set([3]));
    expect((await adminData(site, 'people.list', { filter: { outcome: ['offer'] } })).total).toBe(0);
  });

  it('are noticed by the agenda when the save could not begin to decide them', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    const { policy } = await adminData(site, 'policy.get', {});
    // The policy itself is one transaction; the job that follows it is the next.
    site.addFault({ target: 'kvs', path: '**/transaction', contains: 'open-jobs', respond: { status: 500 } });
    await adminData(site, 'policy.save', { policy: changed(policy, { mode: 'ask' }), baseVersion: 1 });
    await site.advance('PT1M');
    expect(await versions(site)).toEqual(new Set([1]));
    await site.advance('PT20M');
    expect(await versions(site)).toEqual(new Set([2]));
  });

  it('follow the days of a rollout, whatever was stored before', async () => {
    const site = startSite({ start: Date.UTC(2026, 10, 23, 9) });
    await setPolicy(site, { mode: 'auto', rollout: { percent: 100, startsOn: '2026-11-24', perDay: null, waves: [] } });
    await knowEverybody(site);
    expect(await adminData(site, 'people.plan', {})).toMatchObject({ count: 0 });
    await site.advance('PT16H');
    expect(await adminData(site, 'people.plan', {})).toMatchObject({
      count: licensed(site).filter((p) => p.personalSpaceId === null).length,
    });
  });
});

describe('the job for existing people', () => {
  it('plans by reason, and creates exactly what it planned, as each person, in the scheduled trigger', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    const without = licensed(site).filter((p) => p.personalSpaceId === null);
    const plan = await adminData(site, 'people.plan', {});
    expect(plan).toMatchObject({ count: without.length, creates: without.length, offers: 0, people: licensed(site).length, unread: [] });
    expect(plan.share).toBeCloseTo(without.length / licensed(site).length);
    expect(plan.outcomes).toContainEqual({ outcome: 'create', reason: 'rule-auto', ruleId: null, count: without.length });
    expect(plan.outcomes.reduce((sum, { count }) => sum + count, 0)).toBe(licensed(site).length);
    expect(plan.sample).toHaveLength(Math.min(25, without.length));
    const { runId: jobId } = await adminData(site, 'people.start', { planId: plan.planId, count: plan.count, reason: 'New joiners' });
    await site.advance('PT1H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({
      state: 'done',
      counts: { created: without.length },
      reason: 'New joiners',
    });
    // What was frozen is not kept.
    expect(site.sql({ query: 'SELECT COUNT(*) AS n FROM run_rows' }).rows).toEqual([{ n: '0' }]);
    // An honest forecast: not later than the day, not sooner than the job.
    expect(plan.doneAt).toBeGreaterThan(plan.createdAt);
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
    await knowEverybody(site);
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
    await knowEverybody(site);
    const jobId = await startJob(site);
    site.changePerson(ANA, { accountStatus: 'inactive' });
    await site.advance('PT1H');
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    const rows = await everyRow(site, jobId, false);
    expect(rows.find((row) => row.accountId === ANA)).toMatchObject({ outcome: 'kept', reason: 'account-inactive' });
  });

  it('keeps to the number of people per day', async () => {
    const site = startSite({ start: Date.UTC(2026, 10, 23, 9) });
    await setPolicy(site, { mode: 'auto', rollout: { percent: 100, startsOn: null, perDay: 20, waves: [] } });
    await knowEverybody(site);
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
    await knowEverybody(site);
    // This hour's points are spent.
    await site.advance('PT1H');
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
    await knowEverybody(site);
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
    await knowEverybody(site);
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
    await knowEverybody(site);
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
    await knowEverybody(site);
    const stale = await adminData(site, 'people.plan', {});
    await setPolicy(site, { jobShare: 40 });
    const start = ({ planId, count }: { planId: string; count: number }) => admin(site, 'people.start', { planId, count, reason: REASON });
    expect(await start(stale)).toMatchObject({ ok: false, error: { code: 'stale' } });
    const first = await adminData(site, 'people.plan', {});
    const second = await adminData(site, 'people.plan', {});
    expect(await start({ ...first, count: first.count - 1 })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    expect(await start(first)).toMatchObject({ ok: true, data: { runId: first.planId } });
    // A second click finds the run.
    expect(await start(first)).toMatchObject({ ok: true, data: { runId: first.planId } });
    expect(await start(second)).toMatchObject({ ok: false, error: { code: 'busy' } });
    expect(await start({ planId: 'provision-1-nothing', count: 1 })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('does not start for more than 25 people without a reason, and keeps the reason', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    const without = licensed(site).flatMap((p) => (p.personalSpaceId === null ? [p.accountId] : []));
    const planFor = (accountIds: string[]) => adminData(site, 'people.plan', { selection: { kind: 'some', accountIds } });
    const { planId, count } = await planFor(without.slice(0, 26));
    expect(count).toBe(26);
    const refused = { ok: false, error: { code: 'bad-request', details: { problem: 'reason-missing', max: 25 } } };
    for (const missing of [{}, { reason: '' }, { reason: '  ' }])
      expect(await admin(site, 'people.start', { planId, count, ...missing })).toEqual(refused);
    // Naming a smaller number does not help.
    expect(await admin(site, 'people.start', { planId, count: 25 })).toMatchObject({ ok: false, error: { code: 'plan-changed' } });
    expect(await adminData(site, 'people.start', { planId, count, reason: ' New joiners ' })).toMatchObject({ reason: 'New joiners' });
    await site.advance('PT1H');
    const small = await planFor(without.slice(26, 51));
    expect(small.count).toBe(25);
    expect(await adminData(site, 'people.start', { planId: small.planId, count: 25 })).toMatchObject({ reason: null });
  });

  it('acts on those who were chosen: some, or all that a filter names but a few', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', rules: [ruleFor(site, 'engineering', 'ask')] });
    await knowEverybody(site);
    const without = licensed(site).filter((p) => p.personalSpaceId === null);
    const engineers = without.filter((p) => p.groups.includes('engineering')).map((p) => p.accountId);
    const others = without.filter((p) => !p.groups.includes('engineering')).map((p) => p.accountId);
    const some = [...others.slice(0, 3), ...engineers.slice(0, 1), OWNER];
    const few = await adminData(site, 'people.plan', { selection: { kind: 'some', accountIds: some } });
    expect(few).toMatchObject({ count: 4, creates: 3, offers: 1, people: 5 });
    expect(few.share).toBeCloseTo(4 / licensed(site).length);
    const except = engineers.slice(0, 2);
    const plan = await adminData(site, 'people.plan', { selection: { kind: 'all', filter: { ruleId: ['engineering'] }, except } });
    expect(plan.count).toBe(engineers.length - 2);
    await adminData(site, 'people.start', { planId: plan.planId, count: plan.count });
    await site.advance('PT1H');
    const offered = engineers.filter((id) => recordOf(site, id)?.state === 'offered');
    expect(offered).toEqual(engineers.slice(2));
    for (const id of others) expect(recordOf(site, id)).toBeUndefined();
  });

  it('does not act on people who already have an offer', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await knowEverybody(site);
    const plan = await adminData(site, 'people.plan', {});
    expect(plan.count).toBe(licensed(site).filter((p) => p.personalSpaceId === null).length - 1);
    expect(plan.outcomes).toContainEqual({ outcome: 'offer', reason: 'offer-open', ruleId: null, count: 1 });
  });

  it('is not started from a plan whose people are gone', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    const { planId, count } = await adminData(site, 'people.plan', {});
    site.loseSql();
    expect(await admin(site, 'people.start', { planId, count, reason: REASON })).toMatchObject({
      ok: false,
      error: { code: 'plan-changed' },
    });
    await knowEverybody(site);
    expect(await admin(site, 'people.start', { planId, count, reason: REASON })).toMatchObject({
      ok: false,
      error: { code: 'plan-changed' },
    });
  });

  it('pauses when the list of people was lost with the database, and resumes with those who are left', async () => {
    const site = startSite({ seed: 'scale', people: 450, spaces: 0, settings: { hourlyPoints: 6_000 } });
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    await site.advance('PT1H');
    const except = [accountIdOf(400), accountIdOf(7)];
    const { planId, count } = await adminData(site, 'people.plan', { selection: { kind: 'all', except } });
    const { runId: jobId } = await adminData(site, 'people.start', { planId, count, reason: REASON });
    await site.advance('PT10M');
    site.loseSql();
    const before = (await adminData(site, 'job.get', { jobId })).counts.created ?? 0;
    expect(before).toBeGreaterThan(0);
    await site.advance('PT3H');
    const lost = await adminData(site, 'job.get', { jobId });
    expect(lost).toMatchObject({ state: 'paused', problem: 'plan-lost' });
    // The batch that was under way is in storage, and was brought to its end.
    const made = lost.counts.created ?? 0;
    expect(made % 200).toBe(0);
    expect(made).toBeLessThan(count);
    await adminData(site, 'job.resume', { jobId });
    await site.advance('P2D');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'done', counts: { created: count } });
    expect(await everyRow(site, jobId, false)).toHaveLength(count);
    for (const id of except) expect(personalSpacesOf(site, id)).toEqual([]);
  });

  it.each([
    ['another policy', (site: LocalSite) => setPolicy(site, { selfService: false })],
    [
      'more people',
      async (site: LocalSite) => {
        for (let n = 0; n < 300; n += 1) site.addPerson({ accountId: `712020:new-${n}`, displayName: `New ${n}` });
      },
    ],
  ])('whose list was lost does not go on with %s than was announced', async (_what, changeIt) => {
    const site = startSite({ seed: 'scale', people: 250, spaces: 0, settings: { hourlyPoints: 4_500 } });
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    await site.advance('PT1H');
    const { jobId, count } = await startPeopleJob(site);
    await site.advance('PT10M');
    await changeIt(site);
    site.loseSql();
    await site.advance('PT3H');
    expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'paused', problem: 'plan-lost' });
    await adminData(site, 'job.resume', { jobId });
    await site.advance('PT5H');
    const job = await adminData(site, 'job.get', { jobId });
    expect(job).toMatchObject({ state: 'paused', problem: 'plan-changed', total: count });
    expect(job.counts.created ?? 0).toBeLessThanOrEqual(count);
  });

  it('has the same outcome when a step is stopped after any call', async () => {
    const run = async (stop?: Stop): Promise<{ site: LocalSite; jobId: string }> => {
      const site = startSite({ people: 5, settings: ONE_PROCESS });
      await setPolicy(site, { mode: 'auto' });
      await knowEverybody(site);
      const jobId = await startJob(site);
      stop?.order(site);
      await site.advance('PT25M');
      return { site, jobId };
    };
    const withoutCounters = (site: LocalSite): unknown => {
      const state = comparableInAnyOrder(site) as {
        sql?: unknown;
        kvs: {
          plain: Record<string, unknown>;
          entities: { counter?: unknown; register?: Record<string, unknown>; job?: Record<string, { revision: number }> };
        };
      };
      // The directory, and what is made from it, follow in their own time.
      delete state.sql;
      for (const key of Object.keys(state.kvs.plain)) if (key.startsWith('settled:')) delete state.kvs.plain[key];
      delete state.kvs.entities.register?.['settled-pages'];
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
      6,
    );
    expect(stops).toBeGreaterThan(5);
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
    await adminData(site, 'people.lift', { accountId: ANA });
    // A process may remember for this long that there is nothing to do for a person.
    await site.advance('PT15M');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    await site.advance('PT5S');
    expect((await adminData(site, 'tombstones.list', { state: 'removed' })).people).toEqual([]);
    expect(await admin(site, 'people.lift', { accountId: ANA })).toMatchObject({ ok: false, error: { code: 'not-found' } });
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
        await adminData(site, 'people.lift', { accountId: ANA });
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

/** People: why somebody has a space or none, what a policy would change, spaces for existing people, tombstones. */
import { asApp } from '../../confluence/call';
import { readPerson } from '../../confluence/people';
import { type Census, census, planCensus, startCensus } from '../../existing-people/census';
import { createPeoplePlan, planPeople, provisionExisting, startPeoplePlan } from '../../existing-people/provision-job';
import { simulate } from '../../existing-people/simulation';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { listJobs } from '../../jobs/record';
import { explain, personView } from '../../provisioning/explain';
import { listPeople, provisioningAudit, readPersonRecord, type StoredPersonRecord, writePerson } from '../../store/people';
import { readPolicy } from '../../store/policy';
import { type AuditEntry, listAudit } from '../../store/trail';
import type { ActivityEntry, OutcomeView, PersonView } from '../contract';
import type { AdminMethods } from '../define';
import { counted, hasFailed, jobView, PAGE_ROWS, planView, readRowsPage } from './jobs';

/** Censuses looked through for one that is complete. */
const CENSUSES_READ = 10;
const JOBS_SHOWN = 10;

export const peopleMethods: AdminMethods<
  | 'people.explain'
  | 'people.census'
  | 'people.censusCost'
  | 'people.startCensus'
  | 'people.simulate'
  | 'people.plan'
  | 'people.start'
  | 'people.jobs'
  | 'people.rows'
  | 'tombstones.list'
  | 'tombstones.lift'
  | 'activity.list'
> = {
  'people.explain': async ({ accountId }) => {
    const record = await readPersonRecord(accountId);
    return explain({ accountId, as: asApp(), isPerson: false, wish: 'activity', now: Date.now() }, await readPolicy(), record);
  },
  'people.census': async () => {
    const censuses = await listJobs(census.kind, CENSUSES_READ);
    const complete = censuses.find((job) => job.state === 'done');
    return { census: censuses[0] ? jobView(censuses[0]) : null, complete: complete ? jobView(complete) : null };
  },
  'people.censusCost': async ({ policy }) => {
    const { people, points } = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
    const { limit } = await readBudget(Date.now());
    return { people, points, hours: points / limit };
  },
  'people.startCensus': async ({ policy }, caller) => {
    const [newest] = await listJobs(census.kind, 1);
    if (newest && (newest.state === 'running' || newest.state === 'cancelling')) return jobView(newest);
    const cost = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
    return jobView(await startCensus(cost, caller.accountId, Date.now()));
  },
  'people.simulate': async ({ policy }) => {
    const newest = await newestCensus();
    const simulation = await simulate(newest, await readablePolicy(), policy, Date.now());
    return { ...simulation, countedAt: newest.createdAt };
  },
  'people.plan': async (_input, caller) => {
    const [newest, state, now] = [await newestCensus(), await readPolicy(), Date.now()];
    if (state.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: state.problem });
    const plan = await planPeople(newest, state.policy, now);
    const total = plan.creates + plan.offers;
    const { limit } = await readBudget(now);
    const { perDay } = state.policy.rollout;
    const { accountId: createdBy, cloudId } = caller;
    const frozen = { census: newest, total, policyVersion: state.version, createdBy, cloudId, now };
    return {
      ...plan,
      job: total > 0 ? planView(await createPeoplePlan(frozen)) : null,
      sample: plan.sample.map(({ accountId, outcome }) => ({ accountId, outcome: outcome satisfies OutcomeView })),
      hours: plan.points / limit,
      days: perDay === null ? null : Math.ceil(total / perDay),
      countedAt: newest.createdAt,
    };
  },
  'people.start': async ({ jobId }, caller) => jobView(await startPeoplePlan(jobId, caller.accountId, Date.now())),
  'people.jobs': async () => Promise.all((await listJobs(provisionExisting.kind, JOBS_SHOWN)).map(counted)),
  'people.rows': async ({ jobId, from, onlyFailed }) => {
    const batches = provisionExisting.batches(await provisionExisting.existing(jobId));
    return readRowsPage(from, batches.read, onlyFailed ? hasFailed : null, ({ accountId, outcome, reason }) => ({
      accountId,
      outcome: outcome ?? null,
      reason: reason ?? null,
    }));
  },
  'tombstones.list': async ({ state, cursor }) => {
    const page = await listPeople(state, PAGE_ROWS, cursor);
    return { people: page.people.map(personView), cursor: page.cursor };
  },
  'tombstones.lift': async ({ accountId }, caller) => lift(accountId, caller.accountId),
  'activity.list': async ({ cursor }) => {
    const page = await listAudit('provisioning', PAGE_ROWS, cursor);
    return { entries: page.entries.map(activityEntry), cursor: page.cursor };
  },
};

async function readablePolicy() {
  const state = await readPolicy();
  if (state.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: state.problem });
  return state.policy;
}

/** @throws AppError no-census when nobody has counted the people yet */
async function newestCensus(): Promise<Census> {
  const done = (await listJobs(census.kind, CENSUSES_READ)).find((job) => job.state === 'done');
  if (!done) throw new AppError('no-census');
  return census.parse(done);
}

/** The person is looked at anew at their next activity. What they declined themselves an admin may lift too. */
async function lift(accountId: string, liftedBy: string): Promise<PersonView> {
  const person = await readPersonRecord(accountId);
  if (person?.state !== 'removed' && person?.state !== 'declined') throw new AppError('not-found');
  // Nobody has two: one that is archived or in the trash is restored, or deleted first.
  if (person.state === 'removed' && (await readPerson(accountId))?.personalSpaceId) throw new AppError('space-there');
  const now = Date.now();
  const lifted: StoredPersonRecord = {
    ...person,
    state: 'excluded',
    reason: 'tombstone-lifted',
    changedAt: now,
    recheckAt: null,
    spaceId: null,
    spaceKey: null,
    by: liftedBy,
  };
  const audit = provisioningAudit({ ...lifted, spaceId: person.spaceId, reason: person.reason }, 'lifted', liftedBy, now);
  return personView(await writePerson(lifted, { audit }));
}

function activityEntry(entry: AuditEntry): ActivityEntry {
  const text = (name: string): string | null => {
    const value = entry.details[name];
    return value === null || value === undefined ? null : String(value);
  };
  return {
    kind: entry.kind,
    at: entry.at,
    actor: entry.actor,
    accountId: text('accountId') ?? '',
    reason: text('reason') ?? '',
    spaceKey: text('spaceKey'),
    access: text('access'),
    templateProblem: text('templateProblem'),
    detail: text('detail'),
  };
}

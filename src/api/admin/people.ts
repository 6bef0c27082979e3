/** People: why somebody has a space or none, what a policy would change, spaces for existing people, tombstones. */
import { asApp } from '../../confluence/call';
import type { TrailEvent } from '../../domain/event';
import { type Census, createCensus, planCensus } from '../../existing-people/census';
import { createPeoplePlan, planPeople, startPeoplePlan } from '../../existing-people/provision-job';
import { simulate } from '../../existing-people/simulation';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { existingJob } from '../../jobs/job';
import { begin } from '../../jobs/life';
import { isTask, listJobs, readChunk } from '../../jobs/store';
import { explain, personView } from '../../provisioning/explain';
import { forgetUnreadable, liftTombstone } from '../../provisioning/tombstones';
import { listPeople, readPersonRecord } from '../../store/people';
import { readPolicy } from '../../store/policy';
import { listBrokenPromises } from '../../store/spaces';
import { listEvents } from '../../store/trail';
import type { ActivityEntry, OutcomeView } from '../contract';
import type { AdminMethods } from '../define';
import { counted, hasFailed, jobView, PAGE_ROWS, readRowsPage } from './jobs';

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
  | 'people.forget'
  | 'promises.broken'
  | 'activity.list'
> = {
  'people.explain': async ({ accountId }) => {
    const record = await readPersonRecord(accountId);
    return explain({ accountId, as: asApp(), isPerson: false, occasion: 'activity', now: Date.now() }, await readPolicy(), record);
  },
  'people.census': async () => {
    const censuses = await listJobs('census', CENSUSES_READ);
    const complete = censuses.find((census) => census.state === 'done');
    return { census: censuses[0] ? jobView(censuses[0]) : null, complete: complete ? jobView(complete) : null };
  },
  'people.censusCost': async ({ policy }) => {
    const { people, points } = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
    const { limit } = await readBudget(Date.now());
    return { people, points, hours: points / limit };
  },
  'people.startCensus': async ({ policy }, caller) => {
    const [newest] = await listJobs('census', 1);
    if (newest && (newest.state === 'running' || newest.state === 'cancelling')) return jobView(newest);
    const cost = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
    return jobView(await begin(await createCensus(cost, caller.accountId, Date.now())));
  },
  'people.simulate': async ({ policy }) => {
    const census = await newestCensus();
    const simulation = await simulate(census, await readablePolicy(), policy, Date.now());
    return { ...simulation, countedAt: census.createdAt };
  },
  'people.plan': async (_input, caller) => {
    const [census, state, now] = [await newestCensus(), await readPolicy(), Date.now()];
    if (state.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: state.problem });
    const plan = await planPeople(census, state.policy, now);
    const total = plan.creates + plan.offers;
    const { limit } = await readBudget(now);
    const { perDay } = state.policy.rollout;
    const { accountId: startedBy, cloudId } = caller;
    const job = total > 0 ? await createPeoplePlan({ census, total, policyVersion: state.version, startedBy, cloudId, now }) : null;
    return {
      ...plan,
      job: job && jobView(job),
      sample: plan.sample.map(({ accountId, outcome }) => ({ accountId, outcome: outcome satisfies OutcomeView })),
      hours: plan.points / limit,
      days: perDay === null ? null : Math.ceil(total / perDay),
      countedAt: census.createdAt,
    };
  },
  'people.start': async ({ jobId }) => jobView(await startPeoplePlan(jobId, Date.now())),
  'people.jobs': async () => Promise.all((await listJobs('provision', JOBS_SHOWN)).map(counted)),
  'people.rows': async ({ jobId, from, onlyFailed }) => {
    const job = await existingJob(jobId, 'provision');
    return readRowsPage(
      from,
      (chunk) => readChunk('provision', job.id, chunk),
      onlyFailed ? hasFailed : null,
      ({ accountId, outcome, reason }) => ({ accountId, outcome: outcome ?? null, reason: reason ?? null }),
    );
  },
  'tombstones.list': async ({ state, cursor }) => {
    const page = await listPeople(state, PAGE_ROWS, cursor);
    return { people: await Promise.all(page.people.map(personView)), unreadable: page.unreadable, cursor: page.cursor };
  },
  'tombstones.lift': async ({ accountId }, caller) => personView(await liftTombstone(accountId, caller.accountId)),
  'people.forget': async ({ accountId }, caller) => {
    await forgetUnreadable(accountId, caller.accountId);
    return { accountId };
  },
  'promises.broken': async () => {
    const spaces = await listBrokenPromises(Number.POSITIVE_INFINITY, PAGE_ROWS);
    return spaces.map(({ spaceId, key, ownerId, access }) => ({
      spaceId,
      key,
      ownerId,
      promised: access.promised,
      actual: access.actual,
      since: access.broken?.since ?? 0,
      retryAt: access.broken?.retryAt ?? 0,
    }));
  },
  'activity.list': async ({ cursor }) => {
    const page = await listEvents({ topic: 'people' }, PAGE_ROWS, cursor);
    return { entries: page.events.map(activityEntry), cursor: page.cursor };
  },
};

async function readablePolicy() {
  const state = await readPolicy();
  if (state.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: state.problem });
  return state.policy;
}

/** @throws AppError no-census when nobody has counted the people yet */
async function newestCensus(): Promise<Census> {
  const census = (await listJobs('census', CENSUSES_READ)).find((job) => job.state === 'done');
  if (!census || !isTask(census, 'census')) throw new AppError('no-census');
  return census;
}

function activityEntry({ at, by, accountId, reason, body }: TrailEvent): ActivityEntry {
  return {
    kind: body.kind,
    at,
    actor: by,
    accountId: accountId ?? '',
    reason: reason ?? '',
    spaceKey: 'spaceKey' in body ? body.spaceKey : null,
    access: 'access' in body ? body.access : 'actual' in body ? body.actual : null,
    templateProblem: 'templateProblem' in body ? body.templateProblem : null,
    detail: body.kind === 'refused' ? body.detail : null,
  };
}

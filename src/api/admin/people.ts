/** People: why a person has a space or not, what a policy would change, spaces for existing people, tombstones. */
import { z } from 'zod';
import { asApp } from '../../confluence/call';
import { Policy } from '../../domain/policy/document';
import type { PromisedSpace } from '../../domain/space';
import { type Census, type CensusCost, census, planCensus, startCensus } from '../../existing-people/census';
import { createPeoplePlan, type PeoplePlan, planPeople, provisionExisting, startPeoplePlan } from '../../existing-people/provision-job';
import type { ProvisionRow } from '../../existing-people/rows';
import { type Simulation, simulate } from '../../existing-people/simulation';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { listJobs } from '../../jobs/record';
import { explain, personView } from '../../provisioning/explain';
import { forgetUnreadable, liftTombstone } from '../../provisioning/tombstones';
import { listPeople, readPersonRecord } from '../../store/people';
import { readPolicy } from '../../store/policy';
import { listBrokenPromises } from '../../store/spaces';
import { define } from '../define';
import { AccountId, Cursor, Id, Nothing } from '../inputs';
import { administers, administersNow } from '../standing';
import { counted, hasFailed, type JobView, jobView, PAGE_ROWS, type Page, planView, RowsInput, readRowsPage } from './jobs';

/** Censuses looked through for one that is complete. */
const CENSUSES_READ = 10;
const JOBS_SHOWN = 10;

export interface CensusView {
  census: JobView | null;
  /** The newest one that is complete; simulation and plans use it. */
  complete: JobView | null;
}

export interface CensusCostView extends Pick<CensusCost, 'people' | 'points'> {
  hours: number;
}

export interface SimulationView extends Simulation {
  /** When the people were counted. */
  countedAt: number;
}

export interface PeoplePlanView extends PeoplePlan {
  job: JobView | null;
  hours: number;
  /** Days that the rollout's daily limit takes; null without one. */
  days: number | null;
  countedAt: number;
}

export interface ProvisionRowView {
  accountId: string;
  outcome: NonNullable<ProvisionRow['outcome']> | null;
  reason: string | null;
}

/** A space whose promised access could not be set yet. Times in ms. */
export interface BrokenPromiseView {
  spaceId: string;
  key: string | null;
  ownerId: string | null;
  promised: PromisedSpace['access']['promised'];
  actual: PromisedSpace['access']['actual'];
  since: number;
  retryAt: number;
}

const OnePerson = z.strictObject({ accountId: AccountId });
/** With a policy that is not saved yet, its groups are counted too. */
const MaybePolicy = z.strictObject({ policy: Policy.optional() });

export const peopleFunctions = {
  'people.explain': define({
    input: OnePerson,
    authorise: administers,
    handle: async ({ accountId }) => {
      const record = await readPersonRecord(accountId);
      return explain({ accountId, as: asApp(), isPerson: false, occasion: 'activity', now: Date.now() }, await readPolicy(), record);
    },
  }),
  'people.census': define({
    input: Nothing,
    authorise: administers,
    handle: async (): Promise<CensusView> => {
      const censuses = await listJobs(census.kind, CENSUSES_READ);
      const complete = censuses.find((job) => job.state === 'done');
      return { census: censuses[0] ? jobView(censuses[0]) : null, complete: complete ? jobView(complete) : null };
    },
  }),
  'people.censusCost': define({
    input: MaybePolicy,
    authorise: administers,
    handle: async ({ policy }): Promise<CensusCostView> => {
      const { people, points } = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
      const { limit } = await readBudget(Date.now());
      return { people, points, hours: points / limit };
    },
  }),
  'people.startCensus': define({
    input: MaybePolicy,
    authorise: administersNow,
    handle: async ({ policy }, caller) => {
      const [newest] = await listJobs(census.kind, 1);
      if (newest && (newest.state === 'running' || newest.state === 'cancelling')) return jobView(newest);
      const cost = await planCensus([await readablePolicy(), ...(policy ? [policy] : [])]);
      return jobView(await startCensus(cost, caller.accountId, Date.now()));
    },
  }),
  'people.simulate': define({
    input: z.strictObject({ policy: Policy }),
    authorise: administers,
    handle: async ({ policy }): Promise<SimulationView> => {
      const newest = await newestCensus();
      const simulation = await simulate(newest, await readablePolicy(), policy, Date.now());
      return { ...simulation, countedAt: newest.createdAt };
    },
  }),
  'people.plan': define({
    input: Nothing,
    authorise: administers,
    handle: async (_input, caller): Promise<PeoplePlanView> => {
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
        sample: plan.sample.map(({ accountId, outcome }) => ({ accountId, outcome })),
        hours: plan.points / limit,
        days: perDay === null ? null : Math.ceil(total / perDay),
        countedAt: newest.createdAt,
      };
    },
  }),
  'people.start': define({
    input: z.strictObject({ jobId: Id }),
    authorise: administersNow,
    handle: async ({ jobId }, caller) => jobView(await startPeoplePlan(jobId, caller.accountId, Date.now())),
  }),
  'people.jobs': define({
    input: Nothing,
    authorise: administers,
    handle: async () => Promise.all((await listJobs(provisionExisting.kind, JOBS_SHOWN)).map(counted)),
  }),
  'people.rows': define({
    input: RowsInput,
    authorise: administers,
    handle: async ({ jobId, from, onlyFailed }): Promise<Page<ProvisionRowView>> => {
      const batches = provisionExisting.batches(await provisionExisting.existing(jobId));
      return readRowsPage(from, batches.read, onlyFailed ? hasFailed : null, ({ accountId, outcome, reason }) => ({
        accountId,
        outcome: outcome ?? null,
        reason: reason ?? null,
      }));
    },
  }),
  'tombstones.list': define({
    input: z.strictObject({ state: z.enum(['removed', 'declined']), cursor: Cursor }),
    authorise: administers,
    handle: async ({ state, cursor }) => {
      const page = await listPeople(state, PAGE_ROWS, cursor);
      return { people: await Promise.all(page.people.map(personView)), unreadable: page.unreadable, cursor: page.cursor };
    },
  }),
  'tombstones.lift': define({
    input: OnePerson,
    authorise: administersNow,
    handle: async ({ accountId }, caller) => personView(await liftTombstone(accountId, caller.accountId)),
  }),
  'people.forget': define({
    input: OnePerson,
    authorise: administersNow,
    handle: async ({ accountId }, caller) => {
      await forgetUnreadable(accountId, caller.accountId);
      return { accountId };
    },
  }),
  'promises.broken': define({
    input: Nothing,
    authorise: administers,
    handle: async (): Promise<BrokenPromiseView[]> => {
      const spaces = await listBrokenPromises(Number.POSITIVE_INFINITY, PAGE_ROWS);
      return spaces.flatMap(({ spaceId, key, ownerId, access: { promised, actual, broken } }) =>
        broken ? [{ spaceId, key, ownerId, promised, actual, since: broken.since, retryAt: broken.retryAt }] : [],
      );
    },
  }),
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

/** People: why a person has a space or not, what a policy would change, spaces for existing people, tombstones. */
import { z } from 'zod';
import { asApp } from '../../confluence/call';
import { readContext, UNREADABLE_VERSION } from '../../directory/derive';
import { keepForPage, startUnread } from '../../directory/keep';
import { PeopleFilter } from '../../directory/lists';
import { countPresent, type Selection } from '../../directory/outcomes';
import { listReadGroups } from '../../directory/people';
import { doneBy } from '../../directory/progress';
import { Policy } from '../../domain/policy/document';
import type { PromisedSpace } from '../../domain/space';
import {
  type PeoplePlan,
  type ProvisionRow,
  planPeople,
  provisionExisting,
  servedBy,
  startPeoplePlan,
} from '../../existing-people/provision-job';
import { EVERYBODY, namesEverybody } from '../../existing-people/selection';
import { costOfReading, type Simulation, simulate, unreadGroups } from '../../existing-people/simulate';
import { readBudget } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { listJobs } from '../../jobs/record';
import { explain, personView } from '../../provisioning/explain';
import { forgetUnreadable, liftTombstone } from '../../provisioning/tombstones';
import { listPeople, readPersonRecord } from '../../store/people';
import { readPolicy } from '../../store/policy';
import { listBrokenPromises } from '../../store/spaces';
import { type Caller, define } from '../define';
import { AccountId, Cursor, distinct, Id, Nothing } from '../inputs';
import { MAX_SELECTED } from '../limits';
import { Reason, requireReason } from '../reason';
import { administers, administersNow } from '../standing';
import { readProgress } from './directory';
import { counted, hasFailed, type JobView, jobView, PAGE_ROWS, type Page, RowsInput, readRowsPage } from './jobs';

const JOBS_SHOWN = 10;

export interface SimulationView extends Simulation {
  /** Everybody is counted, and nobody's outcome depends on what was not read. Only a daily limit may still make somebody wait. */
  exact: boolean;
  /** Everybody is in the directory; else: as far as it is, and when it will be there (ms; null = nobody can say). */
  complete: boolean;
  doneAt: number | null;
  /** What reading the unread groups costs; null = there are none. */
  reading: GroupReadingView | null;
}

export interface GroupReadingView {
  points: number;
  doneAt: number;
}

export interface PeoplePlanView extends PeoplePlan {
  /** Of everybody with a license, from 0 to 1. */
  share: number;
  /** When everybody will have had their turn, by the points of the hours, the schedule, and the daily limit (ms). */
  doneAt: number;
  /** Days that the rollout's daily limit takes; null without one. */
  days: number | null;
  /** Ids of groups of the policy that nobody has read: whoever gets a space because of these alone is left out. */
  unread: string[];
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
const OnePolicy = z.strictObject({ policy: Policy });
const AccountIds = distinct(AccountId, MAX_SELECTED);
const SelectionInput = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('some'), accountIds: AccountIds.min(1) }),
    z.strictObject({ kind: z.literal('all'), filter: PeopleFilter.default({}), except: AccountIds.default([]) }),
  ])
  .transform(
    (input): Selection =>
      input.kind === 'some' ? { filter: { accountIds: input.accountIds }, except: [] } : { filter: input.filter, except: input.except },
  );

export const peopleFunctions = {
  'people.explain': define({
    input: OnePerson,
    authorise: administers,
    handle: async ({ accountId }) => {
      const record = await readPersonRecord(accountId);
      return explain({ accountId, as: asApp(), isPerson: false, occasion: 'activity', now: Date.now() }, await readPolicy(), record);
    },
  }),
  'people.simulate': define({
    input: OnePolicy,
    authorise: administers,
    handle: ({ policy }) => simulationView(policy, Date.now()),
  }),
  'people.readGroups': define({
    input: OnePolicy,
    authorise: administersNow,
    handle: ({ policy }) => readGroups(policy, Date.now()),
  }),
  'people.plan': define({
    input: z.strictObject({ selection: SelectionInput.default(EVERYBODY) }),
    authorise: administers,
    handle: ({ selection }, caller) => plan(selection, caller, Date.now()),
  }),
  'people.start': define({
    input: z.strictObject({ planId: Id, count: z.number().int().min(0), reason: Reason.optional() }),
    authorise: administersNow,
    handle: async ({ planId, count, reason }, { accountId: startedBy }): Promise<JobView & { runId: string }> => {
      requireReason(count, reason);
      const job = await startPeoplePlan(planId, { count, reason: reason || null, startedBy, now: Date.now() });
      return { ...jobView(job), runId: job.id };
    },
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
  'people.lift': define({
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

async function simulationView(policy: Policy, now: number): Promise<SimulationView> {
  const open = await keepForPage(now);
  const saved = await readPolicy();
  if (saved.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: saved.problem });
  const simulation = await simulate(saved.policy, policy, now);
  const complete = open.state.data.peopleAt !== null;
  const isRead = simulation.unread.length === 0;
  return {
    ...simulation,
    exact: complete && isRead,
    complete,
    doneAt: complete ? null : (await readProgress(open, now)).progress.people.doneAt,
    reading: isRead ? null : await readingView(simulation.unread, now),
  };
}

async function readingView(unread: readonly string[], now: number): Promise<GroupReadingView> {
  const points = await costOfReading(unread);
  return { points, doneAt: doneBy(points, await readBudget(now), now) };
}

/** @returns the reading that has begun, or is under way; `jobId` null = all of them have been read */
async function readGroups(policy: Policy, now: number): Promise<GroupReadingView & { jobId: string | null }> {
  const { state } = await keepForPage(now);
  const unread = unreadGroups([policy], await listReadGroups());
  if (unread.length === 0) return { jobId: null, points: 0, doneAt: now };
  const view = await readingView(unread, now);
  const job = await startUnread(state, now, unread);
  return { ...view, jobId: job?.id ?? state.data.groupJobId ?? state.data.jobId };
}

async function unreadablePolicy(): Promise<AppError> {
  const state = await readPolicy();
  return new AppError('policy-unreadable', { problem: state.kind === 'unreadable' ? state.problem : '' });
}

/** @throws AppError not-ready while people are still being read, policy-unreadable */
async function plan(selection: Selection, { accountId: createdBy, cloudId }: Caller, now: number): Promise<PeoplePlanView> {
  const { incarnation, state } = await keepForPage(now);
  if (state.data.peopleAt === null) throw new AppError('not-ready');
  const by = await readContext(state.data.pass);
  if (by.version === UNREADABLE_VERSION) throw await unreadablePolicy();
  const { policy } = by;
  const planned = await planPeople({ selection, policy, incarnation: incarnation.id, by, createdBy, cloudId, now });
  const { count, people } = planned;
  const { perDay } = policy.rollout;
  const everybody = namesEverybody(selection) ? people : await countPresent();
  return {
    ...planned,
    share: everybody === 0 ? 0 : count / everybody,
    doneAt: servedBy(planned, perDay, await readBudget(now), now),
    days: perDay === null ? null : Math.ceil(count / perDay),
    unread: unreadGroups([policy], by.groups),
  };
}

/**
 * Spaces for people who have none, without waiting until they next use Confluence: an admin's job over people frozen by a plan.
 * It acts as each person, which is documented for schedules, so it runs there and never on the queue.
 */
import { z } from 'zod';
import { TICK_MS } from '../agenda/define';
import { asPerson } from '../confluence/call';
import { type Context, readContext } from '../directory/derive';
import { openDirectory } from '../directory/keep';
import {
  countOutcomes,
  freezePeople,
  isToDo,
  type OutcomeCount,
  type SampledPerson,
  type Selection,
  samplePeople,
} from '../directory/outcomes';
import { doneBy } from '../directory/progress';
import { countLeft, forgetFrozen, leaveOut, readFrozen } from '../directory/run-rows';
import { readIncarnation } from '../directory/schema';
import { isIn, type Person, reasonOf } from '../domain/person';
import type { Policy } from '../domain/policy/document';
import { isIdle, templateOf } from '../domain/policy/match';
import { type Decided, isSwitchedOff } from '../domain/provisioning/decide';
import { DAY_MS, MINUTE_MS, startOfDay } from '../domain/time';
import { newcomer } from '../domain/turn';
import { afterActing, MANY_FAILED } from '../domain/waves';
import { type Budget, readBudget } from '../forge/budget';
import { hasTime } from '../forge/deadline';
import { AppError, ConfluenceError, orWhenMissing, PlatformRefusal, UnreadableRecord } from '../forge/errors';
import { pointsSoFar } from '../forge/meter';
import { add, type Batches, countOutcomes as countDone, countOpenBatch, sumOf } from '../jobs/batches';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { createPlan, type Plan, startPlan } from '../jobs/plan';
import { isActive, type Job, newJobId } from '../jobs/record';
import { provision } from '../provisioning/provision';
import { PEOPLE_AT_ONCE, serve } from '../provisioning/serve';
import { readPolicy } from '../store/policy';
import { readWaiting } from '../store/waiting';
import { decideEverybody, readSelection, StoredSelection, storeSelection } from './selection';

/** People acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** What one person costs at most when nothing goes smoothly; what is not used is given back. */
const MAX_POINTS_PER_PERSON = 100;
/** What one person costs when the first call works, by the published rule (README, "What it costs"). */
const POINTS_PER_SPACE = 9;
const POINTS_PER_OFFER = 4;
/** The most that one step may cost. */
const STEP_COST = ROWS_PER_WRITE * MAX_POINTS_PER_PERSON;
/** Steps come every five minutes, and the platform gives 1,000 impersonations a minute to everything the app does. */
const STEPS_PER_TURN = 50;
/** How many times one person may fail before the job continues without them. */
const MAX_TRIES = 3;
/** People shown of a plan. */
const SAMPLE = 25;
/** People served in one tick: six requests one after another each, in under five minutes (README). */
const PEOPLE_PER_TURN = 200;
/** Batches read at a time where all of them are: half a megabyte. */
export const BATCHES_PER_READ = 25;

/** What a job was about is not so any more: an admin stops it, and plans again. */
const PLAN_CHANGED = 'plan-changed';

/** People taken up at a time. */
const ROWS_PER_BATCH = 200;
/** A directory that was lost is read again meanwhile. */
const WAIT_FOR_DIRECTORY_MS = 15 * MINUTE_MS;

export const ProvisionRow = z.object({
  accountId: z.string(),
  outcome: z.enum(['created', 'offered', 'adopted', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  tries: z.number().int().optional(),
});
export type ProvisionRow = z.infer<typeof ProvisionRow>;

const ProvisionWork = z.object({
  selection: StoredSelection,
  /** What the plan said that all of it costs. */
  points: z.number(),
  /** The plan holds under this version only. */
  policyVersion: z.number().int(),
  cloudId: z.string(),
  /** The life of the database that holds who is to come. */
  incarnation: z.string(),
  /** It is gone, and an admin was told. */
  isLost: z.boolean(),
  /** The last person of the batches that are complete. */
  after: z.string(),
  /** People acted on, and those who failed, when the present wave began. */
  waveStart: z.number().int(),
  failedBefore: z.number().int(),
  /** Runs that have undone some of it, in order. */
  undoneBy: z.array(z.string()).optional(),
});
export type ProvisionWork = z.infer<typeof ProvisionWork>;
type ProvisionJob = JobOf<ProvisionWork>;

export interface PeoplePlan {
  planId: string;
  /** Whom the job acts on. */
  count: number;
  /** What happens to everybody who was chosen, the most frequent first. */
  outcomes: OutcomeCount[];
  /** Everybody who was chosen. */
  people: number;
  creates: number;
  offers: number;
  sample: SampledPerson[];
  points: number;
  createdAt: number;
}

interface NewPlan {
  selection: Selection;
  policy: Policy;
  incarnation: string;
  by: Context;
  createdBy: string;
  cloudId: string;
  now: number;
}

/**
 * Counts what a job would do now, freezes whom it would act on, and does nothing.
 * @throws AppError not-ready when the outcomes could not be decided in time
 */
export async function planPeople({ selection, policy, incarnation, by, createdBy, cloudId, now }: NewPlan): Promise<PeoplePlan> {
  if (!(await decideEverybody(by, now))) throw new AppError('not-ready');
  const planId = newJobId(provisionExisting.kind, now);
  const stored = await storeSelection(planId, selection);
  const [outcomes, count] = [await countOutcomes(selection), await freezePeople(planId, selection, by, now)];
  const toDo = outcomes.filter(isToDo);
  const points = toDo.reduce((sum, row) => sum + row.count * pointsOf(row, policy), 0);
  const frozen = { selection: stored, points, policyVersion: by.version, cloudId, incarnation };
  const work = { ...frozen, isLost: false, after: '', waveStart: 0, failedBefore: 0 };
  await createPlan(provisionExisting, { work, total: count, createdBy, now }, planId);
  const peopleIn = (rows: readonly OutcomeCount[]): number => rows.reduce((sum, row) => sum + row.count, 0);
  return {
    planId,
    count,
    outcomes,
    people: peopleIn(outcomes),
    creates: peopleIn(toDo.filter(({ outcome }) => outcome === 'create')),
    offers: peopleIn(toDo.filter(({ outcome }) => outcome === 'offer')),
    sample: count === 0 ? [] : await samplePeople(selection, by, SAMPLE),
    points,
    createdAt: now,
  };
}

/** What one person of this outcome costs. */
function pointsOf({ outcome, ruleId }: OutcomeCount, policy: Policy): number {
  if (outcome === 'offer') return POINTS_PER_OFFER;
  const { template } = policy.rules.find(({ id }) => id === ruleId) ?? policy.everyoneElse;
  return POINTS_PER_SPACE + templateOf(policy, template).children.length;
}

/** When so many people will have had their turn (ms): by the points of the hours, by the ticks, and by the days of a daily limit. */
export function servedBy(
  { count, points }: Pick<PeoplePlan, 'count' | 'points'>,
  perDay: number | null,
  budget: Budget,
  now: number,
): number {
  // A step sets aside what its people could cost at most: the end of each hour is too short for another one.
  const limit = Math.max(budget.limit - STEP_COST, budget.limit / 2);
  const byPoints = doneBy(points, { ...budget, limit }, now);
  const byTicks = now + Math.ceil(count / PEOPLE_PER_TURN) * TICK_MS;
  const days = perDay === null ? 0 : Math.ceil(count / perDay) - 1;
  return Math.max(byPoints, byTicks, days < 1 ? 0 : startOfDay(now) + days * DAY_MS);
}

/** What a job costs in all, and when it will be over (ms); null = it is over, or paused. */
export async function forecast(run: Job, done: number, now: number): Promise<{ points: number; doneAt: number | null }> {
  const { total, waitingUntil, work } = provisionExisting.parse(run);
  if (!isActive(run)) return { points: work.points, doneAt: null };
  const state = await readPolicy();
  const perDay = state.kind === 'unreadable' ? null : state.policy.rollout.perDay;
  const count = Math.max(0, total - done);
  const left = { count, points: total === 0 ? 0 : (work.points * count) / total };
  return { points: work.points, doneAt: servedBy(left, perDay, await readBudget(now), waitingUntil ?? now) };
}

/**
 * @param count how many people the admin was shown
 * @throws AppError plan-changed when these are not the ones any more, stale when the policy has changed, busy while
 *   another such job runs
 */
export function startPeoplePlan(
  id: string,
  { count, reason, startedBy, now }: { count: number; reason: string | null; startedBy: string; now: number },
): Promise<Job> {
  const check = async ({ work, total }: Plan<ProvisionWork>): Promise<void> => {
    const state = await readPolicy();
    if (state.kind === 'unreadable' || state.version !== work.policyVersion) throw new AppError('stale');
    if (count !== total || (await countLeft(id)) !== total) throw new AppError('plan-changed');
  };
  return startPlan(provisionExisting, id, startedBy, now, check, reason);
}

export const provisionExisting = defineJob({
  kind: 'provision',
  work: ProvisionWork,
  row: ProvisionRow,
  where: 'schedule',
  lock: 'existing-people',
  isInTrail: true,
  stepsPerTurn: STEPS_PER_TURN,
  cost: STEP_COST,
  step,
  settle: async (job) => {
    await forgetFrozen(job.id);
    return countOpenBatch(job);
  },
});

async function step(job: ProvisionJob, batches: Batches<ProvisionRow>): Promise<Progress<ProvisionWork>> {
  const state = await readPolicy();
  // Whoever switches everything off has not decided anything about the people of this job.
  if (state.kind === 'unreadable' || isIdle(state.policy)) return { next: { kind: 'pause', problem: 'policy-off' } };
  const rows = await batches.read(job.batches);
  if (!rows) return beginBatch(job, batches);
  const few = rows.filter((row) => row.outcome === undefined).slice(0, ROWS_PER_WRITE);
  if (few.length === 0) return { work: { ...job.work, after: lastOf(rows, job) }, completed: countDone(rows), next: CONTINUE };
  const waits: number[] = [];
  const next = few.values();
  const inTurn = async (): Promise<void> => {
    for (const row of next) {
      // The points reserved for these few are nearly spent: the next few reserve their own.
      if (!hasTime() || waits.length > 0 || pointsSoFar() > (ROWS_PER_WRITE - PEOPLE_AT_ONCE) * MAX_POINTS_PER_PERSON) return;
      const until = await actOn(job, row);
      if (until !== null) waits.push(until);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PEOPLE_AT_ONCE }, inTurn));
  await batches.write(job.batches, rows);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return afterWave(job, rows, waits.length === 0 ? null : Math.min(...waits));
}

/** If many people of a wave failed, an admin looks at it before the next wave starts. */
function afterWave({ counts: before, work }: ProvisionJob, rows: ProvisionRow[], waitingUntil: number | null): Progress<ProvisionWork> {
  const counts = add(before, countDone(rows));
  const acted = sumOf(counts);
  const failed = counts.failed ?? 0;
  const { wave, haveManyFailed } = afterActing(work, acted, failed);
  const next = { ...work, ...wave };
  if (haveManyFailed) return { work: next, next: { kind: 'pause', problem: MANY_FAILED } };
  if (waitingUntil !== null) return { work: next, next: { kind: 'wait', until: waitingUntil, problem: 'day-full' } };
  return { work: next, next: CONTINUE };
}

/** Creates, offers or adopts one person's space. @returns until when the whole job has to wait (ms), null = it does not */
async function actOn(job: ProvisionJob, row: ProvisionRow): Promise<number | null> {
  const now = Date.now();
  const { accountId } = row;
  const { cloudId } = job.work;
  try {
    const turn = await serve(
      (await readWaiting(accountId)) ?? newcomer(accountId, cloudId, 'activity', now),
      () => provision({ accountId, as: asPerson(accountId), isPerson: true, cloudId, occasion: 'job', now, runId: job.id }),
      // The job counts its own attempts.
      () => false,
    );
    if (turn.kind !== 'served') {
      // They have come by in this very moment, and are served by that.
      Object.assign(row, { outcome: 'kept', reason: 'rule-auto' });
      return null;
    }
    const { decision, person } = turn.result;
    // The policy was switched off in between: the next look at it pauses the job.
    if (decision.kind === 'needs' || isSwitchedOff(decision)) return now;
    if (decision.reason === 'rollout-day-full') return startOfDay(now) + DAY_MS;
    row.reason = person ? reasonOf(person) : decision.reason;
    row.outcome = outcomeFor(decision, person, job.createdAt);
  } catch (error) {
    // A record that cannot be read is a problem for its person, not for the job.
    if (error instanceof UnreadableRecord) {
      Object.assign(row, { outcome: 'failed', reason: 'record-unreadable' });
      return null;
    }
    if (!(error instanceof ConfluenceError || error instanceof PlatformRefusal) || error.status === 429) throw error;
    row.tries = (row.tries ?? 0) + 1;
    if (error.isTransient && row.tries < MAX_TRIES) throw error;
    Object.assign(row, { outcome: 'failed', reason: 'confluence-error' });
  }
  return null;
}

function outcomeFor(decision: Decided, person: Person | null, since: number): NonNullable<ProvisionRow['outcome']> {
  if (isIn(person, 'refused', 'creating', 'adopting')) return 'failed';
  if (decision.action === 'exclude' && decision.reason === 'impersonation-unavailable') return 'failed';
  // Also by a step that was cut off before it could write it down, or by the person's own activity meanwhile.
  if (!person || person.since < since) return 'kept';
  if (isIn(person, 'ready')) return person.origin === 'adopted' ? 'adopted' : 'created';
  return isIn(person, 'offered') ? 'offered' : 'kept';
}

/** Rows of a paused job lose accounts that were closed. */
export const ERASED = 'unknown';

const lastOf = (rows: readonly ProvisionRow[], { work }: ProvisionJob): string =>
  rows.findLast(({ accountId }) => accountId !== ERASED)?.accountId ?? work.after;

/** Takes up the next few of the plan. */
async function beginBatch(job: ProvisionJob, batches: Batches<ProvisionRow>): Promise<Progress<ProvisionWork>> {
  const { work } = job;
  if (work.isLost) return planAgain(job, batches);
  const accountIds = await readNext(job);
  if (accountIds === 'lost') return { work: { ...work, isLost: true }, next: { kind: 'pause', problem: 'plan-lost' } };
  if (accountIds.length === 0) {
    await forgetFrozen(job.id);
    return { next: FINISH };
  }
  await batches.write(
    job.batches,
    accountIds.map((accountId) => ({ accountId })),
  );
  return { next: CONTINUE };
}

async function readNext({ id, work, counts, total }: ProvisionJob): Promise<string[] | 'lost'> {
  const accountIds = await orWhenMissing([], () => readFrozen(id, work.after, ROWS_PER_BATCH));
  if (accountIds.length > 0) return accountIds;
  // An empty list is the end, or another database.
  if ((await readIncarnation())?.id === work.incarnation) return [];
  return sumOf(counts) >= total ? [] : 'lost';
}

/**
 * Freezes who is left of the selection, once the directory knows everybody again. Nobody is taken up whom the admin was not told of:
 * under another policy, or with more people, it is another job.
 */
async function planAgain(job: ProvisionJob, batches: Batches<ProvisionRow>): Promise<Progress<ProvisionWork>> {
  const { id, work } = job;
  const now = Date.now();
  const { incarnation, state } = await openDirectory(now);
  const wait = { next: { kind: 'wait', until: now + WAIT_FOR_DIRECTORY_MS, problem: 'directory-reading' } } as const;
  if (state.data.peopleAt === null) return wait;
  const by = await readContext(state.data.pass);
  if (by.version !== work.policyVersion) return { next: { kind: 'pause', problem: PLAN_CHANGED } };
  if (!(await decideEverybody(by, now))) return wait;
  await freezePeople(id, await readSelection(id, work.selection), by, now);
  for (let from = 0; from < job.batches; from += BATCHES_PER_READ) {
    const done = await batches.readMany(from, Math.min(job.batches, from + BATCHES_PER_READ));
    await leaveOut(
      id,
      done.flat().map(({ accountId }) => accountId),
    );
  }
  if (sumOf(job.counts) + (await countLeft(id)) > job.total) {
    await forgetFrozen(id);
    return { next: { kind: 'pause', problem: PLAN_CHANGED } };
  }
  return { work: { ...work, incarnation: incarnation.id, isLost: false, after: '' }, next: CONTINUE };
}

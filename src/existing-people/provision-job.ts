/**
 * Spaces for people who have none, without waiting until they next use Confluence: an admin's job over a census.
 * It acts as each person, which is documented for schedules, so it runs there and never on the queue.
 */
import { z } from 'zod';
import { asPerson } from '../confluence/call';
import { isIn, type Person, reasonOf } from '../domain/person';
import type { Policy } from '../domain/policy/document';
import { isIdle, templateOf } from '../domain/policy/match';
import { type Decided, isSwitchedOff, type ProvisioningDecision } from '../domain/provisioning/decide';
import { DAY_MS, startOfDay } from '../domain/time';
import { hasTime } from '../forge/deadline';
import { AppError, ConfluenceError, PlatformRefusal, UnreadableRecord } from '../forge/errors';
import { pointsSoFar } from '../forge/meter';
import { add, type Batches, countOutcomes } from '../jobs/batches';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { createPlan, type Plan, startPlan } from '../jobs/plan';
import type { Job } from '../jobs/record';
import { provision } from '../provisioning/provision';
import { readPolicy } from '../store/policy';
import { type Census, census, readCensus, readGroups, requireGroups } from './census';
import { ProvisionRow } from './rows';
import { decideRow, type Outcome, outcomeOf } from './simulation';

/** People acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** What one person costs at most when nothing goes smoothly; what is not used is given back. */
const MAX_POINTS_PER_PERSON = 100;
/** What one person costs when the first call works, by the published rule (README, "What it costs"). */
const POINTS_PER_SPACE = 13;
const POINTS_PER_OFFER = 7;
/** Steps come every five minutes, and the platform gives 1,000 impersonations a minute to everything the app does. */
const STEPS_PER_TURN = 50;
/** The first people show whether the rest will go well, so the job is checked after this many, and regularly after that. */
const WAVES = [25, 275];
const LATER_WAVE = 1_000;
/** Share of a wave that may fail before the job asks an admin to look. */
const MAX_FAILED_SHARE = 0.2;
/** How many times one person may fail before the job continues without them. */
const MAX_TRIES = 3;
/** People shown of a plan. */
const SAMPLE = 25;

const ProvisionWork = z.object({
  census: z.string(),
  censusBatches: z.number().int(),
  /** The plan holds under this version only. */
  policyVersion: z.number().int(),
  cloudId: z.string(),
  /** People acted on, and those who failed, when the present wave began. */
  waveStart: z.number().int(),
  failedBefore: z.number().int(),
});
type ProvisionWork = z.infer<typeof ProvisionWork>;
type ProvisionJob = JobOf<ProvisionWork>;

export interface PeoplePlan {
  outcomes: (Outcome & { count: number })[];
  people: number;
  /** Whom the job would act on. */
  creates: number;
  offers: number;
  sample: { accountId: string; outcome: Outcome }[];
  points: number;
}

/** Counts what a job would do now, person by person, and does nothing. @throws AppError census-lacks-groups */
export async function planPeople(counted: Census, policy: Policy, now: number): Promise<PeoplePlan> {
  const outcomes = new Map<string, Outcome & { count: number }>();
  const plan: PeoplePlan = { outcomes: [], people: 0, creates: 0, offers: 0, sample: [], points: 0 };
  const groups = await readGroups(counted);
  requireGroups(groups, policy);
  for await (const rows of readCensus(counted)) {
    for (const row of rows) {
      const decision = decideRow(groups, row, policy, now);
      const outcome = outcomeOf(decision, row);
      const entry = outcomes.get(`${outcome.kind} ${outcome.reason}`) ?? { ...outcome, count: 0 };
      entry.count += 1;
      outcomes.set(`${outcome.kind} ${outcome.reason}`, entry);
      plan.people += 1;
      if (!isForJob(decision)) continue;
      if (decision.kind === 'decided' && decision.action === 'create') {
        plan.creates += 1;
        plan.points += POINTS_PER_SPACE + templateOf(policy, decision.treatment.template).children.length;
      } else {
        plan.offers += 1;
        plan.points += POINTS_PER_OFFER;
      }
      if (plan.sample.length < SAMPLE) plan.sample.push({ accountId: row.accountId, outcome });
    }
  }
  plan.outcomes = [...outcomes.values()].sort((a, b) => b.count - a.count);
  return plan;
}

const isForJob = (decision: ProvisioningDecision): boolean =>
  decision.kind === 'decided' && (decision.action === 'create' || decision.action === 'offer');

interface NewPlan {
  census: Census;
  total: number;
  policyVersion: number;
  createdBy: string;
  cloudId: string;
  now: number;
}

/** The plan under an id; starting it takes the id alone. */
export function createPeoplePlan({ census: { id, batches }, policyVersion, cloudId, ...plan }: NewPlan): Promise<Plan<ProvisionWork>> {
  const work = { census: id, censusBatches: batches, policyVersion, cloudId, waveStart: 0, failedBefore: 0 };
  return createPlan(provisionExisting, { work, ...plan });
}

/** @throws AppError plan-stale when the policy has changed, busy while another such job runs */
export function startPeoplePlan(id: string, startedBy: string, now: number): Promise<Job> {
  return startPlan(provisionExisting, id, startedBy, now, async ({ work }) => {
    const state = await readPolicy();
    if (state.kind === 'unreadable' || state.version !== work.policyVersion) throw new AppError('plan-stale');
  });
}

export const provisionExisting = defineJob({
  kind: 'provision',
  work: ProvisionWork,
  row: ProvisionRow,
  where: 'schedule',
  lock: 'existing-people',
  isInTrail: true,
  stepsPerTurn: STEPS_PER_TURN,
  cost: ROWS_PER_WRITE * MAX_POINTS_PER_PERSON,
  step,
});

async function step(job: ProvisionJob, batches: Batches<ProvisionRow>): Promise<Progress<ProvisionWork>> {
  if (job.batches >= job.work.censusBatches) return { next: FINISH };
  const state = await readPolicy();
  // Whoever switches everything off has not decided anything about the people of this job.
  if (state.kind === 'unreadable' || isIdle(state.policy)) return { next: { kind: 'pause', problem: 'policy-off' } };
  const rows = (await batches.read(job.batches)) ?? (await beginBatch(job, batches, state.policy));
  const few = rows.filter((row) => row.outcome === undefined).slice(0, ROWS_PER_WRITE);
  if (few.length === 0) return { completed: countOutcomes(rows), next: CONTINUE };
  let waitingUntil: number | null = null;
  try {
    for (const row of few) {
      if (!hasTime()) break;
      waitingUntil = await actOn(job, row);
      // The points reserved for these few are nearly spent: the next few reserve their own.
      if (waitingUntil !== null || pointsSoFar() > (ROWS_PER_WRITE - 2) * MAX_POINTS_PER_PERSON) break;
    }
  } finally {
    await batches.write(job.batches, rows);
  }
  return afterWave(job, rows, waitingUntil);
}

/** If many people of a wave failed, an admin looks at it before the next wave starts. */
function afterWave({ counts: before, work }: ProvisionJob, rows: ProvisionRow[], waitingUntil: number | null): Progress<ProvisionWork> {
  const counts = add(before, countOutcomes(rows));
  const acted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const failed = counts.failed ?? 0;
  const { waveStart, failedBefore } = work;
  const isOver = acted >= (WAVES.find((size) => waveStart < size) ?? waveStart + LATER_WAVE);
  const next = isOver ? { ...work, waveStart: acted, failedBefore: failed } : work;
  if (isOver && failed - failedBefore > (acted - waveStart) * MAX_FAILED_SHARE)
    return { work: next, next: { kind: 'pause', problem: 'many-failed' } };
  if (waitingUntil !== null) return { work: next, next: { kind: 'wait', until: waitingUntil, problem: 'day-full' } };
  return { work: next, next: CONTINUE };
}

/** Creates, offers or adopts one person's space. @returns until when the whole job has to wait (ms), null = it does not */
async function actOn(job: ProvisionJob, row: ProvisionRow): Promise<number | null> {
  const now = Date.now();
  const { accountId } = row;
  const { cloudId } = job.work;
  try {
    const { decision, person } = await provision({ accountId, as: asPerson(accountId), isPerson: true, cloudId, occasion: 'job', now });
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

/** The people in this batch of the census to whom the policy now applies. */
async function beginBatch(job: ProvisionJob, batches: Batches<ProvisionRow>, policy: Policy): Promise<ProvisionRow[]> {
  const counted = await census.existing(job.work.census);
  const groups = await readGroups(counted);
  const people = (await census.batches(counted).read(job.batches)) ?? [];
  const now = Date.now();
  const rows = people.filter((row) => isForJob(decideRow(groups, row, policy, now))).map(({ accountId }): ProvisionRow => ({ accountId }));
  await batches.write(job.batches, rows);
  return rows;
}

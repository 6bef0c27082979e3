/**
 * Spaces for people who have none, without waiting for them to come by: an admin's job over a census. It
 * acts as each person, which is documented for schedules, so it runs there and never on the queue.
 */
import { asPerson } from '../confluence/call';
import { isIn, type Person, reasonOf } from '../domain/person';
import type { Policy } from '../domain/policy/document';
import { isIdle, templateOf } from '../domain/policy/match';
import { type Decided, isSwitchedOff, type ProvisioningDecision } from '../domain/provisioning/decide';
import { startOfDay } from '../domain/time';
import { AppError, ConfluenceError, PlatformRefusal, UnreadableRecord } from '../forge/errors';
import { pointsSoFar } from '../forge/meter';
import { add, completeChunk, countOutcomes, createJob, existingJob, finishJob, hasTime, type JobRunner } from '../jobs/job';
import { isTask, type Job, type JobOf, type PersonRow, type ProvisionRow, readChunk, writeChunk, writeJob } from '../jobs/store';
import { provision } from '../provisioning/provision';
import { readPolicy } from '../store/policy';
import { readProvisionJob, writeProvisionJob } from '../store/site-facts';
import { type Census, readCensus, readGroups, requireGroups } from './census';
import { decideRow, type Outcome, outcomeOf } from './simulation';

const DAY_MS = 86_400_000;
/** People acted on between two writes of their outcome. */
const ROWS_PER_WRITE = 10;
/** What one person costs at most when nothing goes smoothly; what is not used is given back. */
const MAX_POINTS_PER_PERSON = 100;
/** What one person costs when the first call works, by the published rule (README, "What it costs"). */
const POINTS_PER_SPACE = 12;
const POINTS_PER_OFFER = 7;
/** Steps come every five minutes, and the platform gives 1,000 impersonations a minute to everything the app does. */
const ADVANCES_PER_STEP = 50;
/** The first people of a job tell whether the rest will go well: after so many, and then again and again. */
const WAVES = [25, 275];
const LATER_WAVE = 1_000;
/** Share of a wave that may fail before the job asks an admin to look. */
const MAX_FAILED_SHARE = 0.2;
/** How often one person may fail before the job goes on without them. */
const MAX_TRIES = 3;
/** People shown of a plan. */
const SAMPLE = 25;

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
export async function planPeople(census: Census, policy: Policy, now: number): Promise<PeoplePlan> {
  const outcomes = new Map<string, Outcome & { count: number }>();
  const plan: PeoplePlan = { outcomes: [], people: 0, creates: 0, offers: 0, sample: [], points: 0 };
  const groups = await readGroups(census);
  requireGroups(groups, policy);
  for await (const { rows } of readCensus(census)) {
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
  startedBy: string;
  cloudId: string;
  now: number;
}

/** The plan under an id; starting it takes the id alone. */
export function createPeoplePlan({ census, total, policyVersion, startedBy, cloudId, now }: NewPlan): Promise<Job> {
  const { id, chunks } = census;
  return createJob({
    kind: 'plan',
    startedBy,
    now,
    total,
    work: { task: 'provision', census: id, censusChunks: chunks, policyVersion, cloudId, waveStart: 0, failedBefore: 0 },
  });
}

/** Makes a plan the one job that the schedule works on. @throws AppError busy while there is another */
export async function startPeoplePlan(id: string, now: number): Promise<Job> {
  const job = await existingJob(id);
  if (job.kind === 'provision') return job;
  if (!isTask(job, 'provision') || job.state !== 'planned') throw new AppError('not-found');
  const state = await readPolicy();
  if (state.kind === 'unreadable' || state.version !== job.work.policyVersion) throw new AppError('plan-stale');
  const current = await readProvisionJob();
  if (current !== null && current !== id) {
    const other = await existingJob(current).catch(() => null);
    if (other && ['running', 'paused', 'cancelling'].includes(other.state)) throw new AppError('busy');
  }
  // First the pointer: a job that runs and that no schedule knows of would run for ever.
  await writeProvisionJob(id);
  return writeJob<Job>({ ...job, kind: 'provision', state: 'running', updatedAt: now });
}

/** Of the chunk that the job is at. */
async function countsOfChunk(job: Job): Promise<Record<string, number>> {
  return countOutcomes((await readChunk('provision', job.id, job.chunks)) ?? []);
}

export const provisionRunner: JobRunner = {
  isScheduled: true,
  advancesPerStep: ADVANCES_PER_STEP,
  auditScope: 'job',
  nextCost: () => ROWS_PER_WRITE * MAX_POINTS_PER_PERSON,
  openCounts: countsOfChunk,
  // Outcomes are written with what they tell of: nothing is open.
  settle: countsOfChunk,
  advance: (job) => {
    if (!isTask(job, 'provision')) throw new AppError('not-found');
    return advance(job);
  },
};

async function advance(job: JobOf<'provision'>): Promise<Job | null> {
  if (job.chunks >= job.work.censusChunks) return finishJob(job, 'done', 'job');
  const state = await readPolicy();
  // Whoever switches everything off has not decided anything about the people of this job.
  if (state.kind === 'unreadable' || isIdle(state.policy))
    return writeJob({ ...job, state: 'paused', problem: 'policy-off', updatedAt: Date.now() });
  const rows = await rowsOf(job, state.policy);
  const few = rows.filter((row) => row.outcome === undefined).slice(0, ROWS_PER_WRITE);
  if (few.length === 0) return completeChunk(job, countOutcomes(rows));
  let waitingUntil: number | null = null;
  try {
    for (const row of few) {
      if (!hasTime()) break;
      waitingUntil = await actOn(job, row);
      // What is set aside for these few is nearly spent: the next few set aside their own.
      if (waitingUntil !== null || pointsSoFar() > (ROWS_PER_WRITE - 2) * MAX_POINTS_PER_PERSON) break;
    }
  } finally {
    await writeChunk('provision', job.id, job.chunks, rows);
  }
  return writeJob(afterWave(job, rows, waitingUntil));
}

/** A wave of which many failed is looked at by an admin before the next. */
function afterWave(job: JobOf<'provision'>, rows: ProvisionRow[], waitingUntil: number | null): JobOf<'provision'> {
  const counts = add(job.counts, countOutcomes(rows));
  const acted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const failed = counts.failed ?? 0;
  const { waveStart, failedBefore } = job.work;
  const isOver = acted >= (WAVES.find((size) => waveStart < size) ?? waveStart + LATER_WAVE);
  const isBad = isOver && failed - failedBefore > (acted - waveStart) * MAX_FAILED_SHARE;
  return {
    ...job,
    state: isBad ? 'paused' : job.state,
    problem: isBad ? 'many-failed' : waitingUntil === null ? null : 'day-full',
    work: { ...job.work, ...(isOver ? { waveStart: acted, failedBefore: failed } : {}) },
    waitingUntil,
    failures: 0,
    updatedAt: Date.now(),
  };
}

/** Brings one person to policy. @returns until when the whole job has to wait (ms), null = it does not */
async function actOn(job: JobOf<'provision'>, row: ProvisionRow): Promise<number | null> {
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
    // A record that cannot be read is its person's trouble, not the job's.
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
  // Also by a step that stopped before it could write it down, or by the person's own activity meanwhile.
  if (!person || person.since < since) return 'kept';
  if (isIn(person, 'ready')) return person.origin === 'adopted' ? 'adopted' : 'made';
  return isIn(person, 'offered') ? 'offered' : 'kept';
}

/** A job's own rows of its chunk, as far as it has come, or the people whom the policy now names. */
async function rowsOf(job: JobOf<'provision'>, policy: Policy): Promise<ProvisionRow[]> {
  const begun = await readChunk('provision', job.id, job.chunks);
  if (begun) return begun;
  const census = await existingJob(job.work.census, 'census');
  if (!isTask(census, 'census')) throw new AppError('not-found');
  const groups = await readGroups(census);
  const people: PersonRow[] = (await readChunk('people', census.id, job.chunks)) ?? [];
  const now = Date.now();
  const rows = people.filter((row) => isForJob(decideRow(groups, row, policy, now))).map(({ accountId }): ProvisionRow => ({ accountId }));
  await writeChunk('provision', job.id, job.chunks, rows);
  return rows;
}

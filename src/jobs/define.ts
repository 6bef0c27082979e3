/** What a kind of job is. Each is defined beside its feature; `all-jobs.ts` lists them. */
import type { z } from 'zod';
import type { BudgetClass } from '../domain/budget';
import { AppError } from '../forge/errors';
import { type Batches, batchesOf, type Counts, countOpenBatch } from './batches';
import { existingJob, type Job } from './record';

export type JobOf<Work> = Omit<Job, 'work'> & { work: Work };

/** What one step has come to. The engine writes it down. */
export interface Progress<Work> {
  /** What the next step begins with; left out = as before. */
  work?: Work;
  /** The batch is complete, with these counts. */
  completed?: Counts;
  next:
    | { kind: 'continue' }
    | { kind: 'finish' }
    /** `problem` = why, for the admin; null = nothing to tell. */
    | { kind: 'wait'; until: number; problem: string | null }
    /** Until an admin has looked at it. */
    | { kind: 'pause'; problem: string };
}

export const CONTINUE = { kind: 'continue' } as const;
export const FINISH = { kind: 'finish' } as const;

interface Definition<Work, Row> {
  kind: string;
  work: z.ZodType<Work>;
  row: z.ZodType<Row>;
  /** Acting as people is documented for schedules only; everything else runs on the queue. */
  where: Job['where'];
  /** The same for work of this kind that has to run elsewhere; left out = all of it runs there. */
  whereFor?(work: Work): Job['where'];
  /** Of all jobs with the same lock only one runs at a time; null = any number. */
  lock: string | null;
  /** The trail tells of its end. */
  isInTrail: boolean;
  /** The most points that one step may cost. */
  cost: number;
  /** The next step asks nothing of Confluence, so it need not wait for points; left out = every step may ask. */
  isFree?(work: Work): boolean;
  /** Whose points pay for it; left out = those of jobs. */
  account?: BudgetClass;
  /**
   * A few rows, or a page. It may be cut off after any call and is then run again, so what it does to Confluence
   * must be found out or be harmless the second time. Keeps to the job's own batches.
   */
  step(job: JobOf<Work>, batches: Batches<Row>): Promise<Progress<Work>>;
  /** Finds out and writes down what a step that was cut off has done; left out = its rows tell all. Answers the open batch's counts. */
  settle?(job: JobOf<Work>, batches: Batches<Row>): Promise<Counts>;
  /** Steps after which an invocation makes room for others; left out = as many as fit. */
  stepsPerTurn?: number;
}

/** A kind of job as the engine sees it: any work, any rows. */
export interface AnyJob {
  kind: string;
  where: Job['where'];
  lock: string | null;
  isInTrail: boolean;
  stepsPerTurn: number;
  cost: number;
  /** The most points that the next step may cost. */
  costOf(job: Job): number;
  account: BudgetClass;
  step(job: Job): Promise<Progress<unknown>>;
  settle(job: Job): Promise<Counts>;
}

/** A kind of job as its feature sees it. */
export interface JobKind<Work, Row> extends AnyJob {
  /** @throws ZodError when the work cannot be read */
  parse(job: Job): JobOf<Work>;
  parseWork(work: unknown): Work;
  whereFor(work: Work): Job['where'];
  /** @throws AppError not-found, also for a job of another kind */
  existing(id: string): Promise<JobOf<Work>>;
  batches(job: { id: string }): Batches<Row>;
}

export function defineJob<Work, Row>(definition: Definition<Work, Row>): JobKind<Work, Row> {
  const { kind, where, lock, isInTrail, settle, stepsPerTurn = Number.POSITIVE_INFINITY } = definition;
  const parseWork = (work: unknown): Work => definition.work.parse(work);
  const parse = (job: Job): JobOf<Work> => ({ ...job, work: parseWork(job.work) });
  const batches = ({ id }: { id: string }): Batches<Row> => batchesOf(definition.row, id);
  return {
    kind,
    where,
    lock,
    isInTrail,
    stepsPerTurn,
    parse,
    parseWork,
    whereFor: (work) => definition.whereFor?.(work) ?? where,
    existing: async (id) => {
      const job = await existingJob(id);
      if (job.kind !== kind) throw new AppError('not-found');
      return parse(job);
    },
    batches,
    cost: definition.cost,
    costOf: (job) => (definition.isFree?.(parseWork(job.work)) ? 0 : definition.cost),
    account: definition.account ?? 'jobs',
    step: (job) => definition.step(parse(job), batches(job)),
    settle: (job) => (settle ? settle(parse(job), batches(job)) : countOpenBatch(job)),
  };
}

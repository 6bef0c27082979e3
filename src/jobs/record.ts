/** What is stored of a job: how far it is, not what it does. */
import { randomUUID } from 'node:crypto';
import { kvs, Sort } from '@forge/kvs';
import { z } from 'zod';
import { AppError } from '../forge/errors';
import { commit, KEYS_PER_BATCH, readBatch, type Transaction, whileRevision } from '../forge/kvs';
import { log } from '../forge/log';

const JOB = 'job';

const State = z.enum(['running', 'paused', 'cancelling', 'cancelled', 'done', 'failed']);
const Where = z.enum(['queue', 'schedule']);

const JobData = z.object({
  schemaVersion: z.literal(1),
  where: Where,
  /** The scope it has locked until it is over. */
  lock: z.string().nullable(),
  /** Its definition parses this. */
  work: z.unknown(),
  /** Batches that are complete; also the number of the one it is at. */
  batches: z.number().int(),
  /** How many rows it is to act on; 0 where that is not known. */
  total: z.number().int(),
  /** Outcomes of the complete batches. */
  counts: z.record(z.string(), z.number()),
  waitingUntil: z.number().nullable(),
  /** Number of the step that may run next: a message with another number is out of date. */
  turn: z.number().int(),
  /** A step is running, at the latest until then, when the platform ends its invocation. */
  leasedUntil: z.number().nullable(),
  /** Failures since the last progress. */
  failures: z.number().int(),
  startedBy: z.string(),
  /** What whoever started it wrote about it. */
  reason: z.string().nullable().default(null),
  problem: z.string().nullable(),
  updatedAt: z.number(),
});
const StoredJob = z.object({
  revision: z.number().int(),
  kind: z.string(),
  state: State,
  createdAt: z.number(),
  data: JobData,
});
export type Job = { id: string } & Omit<z.infer<typeof StoredJob>, 'data'> & z.infer<typeof JobData>;

/** Not over, and not waiting for an admin. */
const ACTIVE = ['running', 'cancelling'] as const satisfies Job['state'][];
export const isActive = (job: Job): boolean => ACTIVE.some((state) => state === job.state);
export const isOver = (job: Job): boolean => !isActive(job) && job.state !== 'paused';
export const isLeased = (job: Job, now: number): boolean => job.leasedUntil !== null && now < job.leasedUntil;

/** Names nobody: ids stand in the trail, which outlives accounts. */
export const newJobId = (kind: string, now: number): string => `${kind}-${now}-${randomUUID().slice(0, 8)}`;

/** The same for every click on one run. Retries of retries are numbered, so that ids do not grow. */
export function idOfRetry(runId: string): string {
  const [, first = runId, times = '0'] = /^(.*)-again-(\d+)$/.exec(runId) ?? [];
  return `${first}-again-${Number(times) + 1}`;
}

function toJob(id: string, stored: unknown): Job {
  const { data, ...rest } = StoredJob.parse(stored);
  return { id, ...rest, ...data };
}

export async function readJob(id: string): Promise<Job | null> {
  const stored = await kvs.entity<unknown>(JOB).get(id);
  return stored === undefined ? null : toJob(id, stored);
}

/** @throws AppError not-found */
export async function existingJob(id: string): Promise<Job> {
  const job = await readJob(id);
  if (!job) throw new AppError('not-found');
  return job;
}

/** Adds the write to a transaction, which fails if the job has changed since it was read. */
export function setJob(transaction: Transaction, { id, revision, kind, state, createdAt, ...data }: Job): Transaction {
  return transaction.set(id, { revision: revision + 1, kind, state, createdAt, data }, whileRevision(JOB, revision));
}

/** @throws StaleRecord if the job has changed since it was read */
export async function writeJob(job: Job): Promise<Job> {
  await commit(setJob(kvs.transact(), job));
  return { ...job, revision: job.revision + 1 };
}

/** Worklist of the jobs that are not over. */
export const OPEN_JOBS = 'open-jobs';

/** Jobs that are gone, or that cannot be read, are left out. */
export async function readJobs(ids: readonly string[]): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let from = 0; from < ids.length; from += KEYS_PER_BATCH) {
    const keys = ids.slice(from, from + KEYS_PER_BATCH).map((key) => ({ key, entityName: JOB }));
    for (const [id, stored] of await readBatch(keys)) jobs.push(...toReadableJobs(id, stored));
  }
  return jobs;
}

/** Newest first. */
export function listJobs(kind: string, limit: number): Promise<Job[]> {
  return query('by-kind', kind, Sort.DESC, limit);
}

/** More jobs than this never run at once: acting ones hold a lock, the others take minutes. */
const MAX_ACTIVE = 50;

/** Jobs that are running or being stopped, oldest first; a query, so it may lag by seconds. */
export async function listActiveJobs(): Promise<Job[]> {
  return (await Promise.all(ACTIVE.map((state) => query('by-state', state, Sort.ASC, MAX_ACTIVE)))).flat();
}

async function query(index: 'by-kind' | 'by-state', value: string, order: Sort, limit: number): Promise<Job[]> {
  const page = await kvs
    .entity<unknown>(JOB)
    .query()
    .index(index, { partition: [value] })
    .sort(order)
    .limit(limit)
    .getMany();
  return page.results.flatMap(({ key, value }) => toReadableJobs(key, value));
}

function toReadableJobs(id: string, stored: unknown): Job[] {
  if (StoredJob.safeParse(stored).success) return [toJob(id, stored)];
  log('job-unreadable', { jobId: id });
  return [];
}

/** Jobs in one page (Forge: at most 100). */
const JOBS_PER_PAGE = 100;

/** The account that started these jobs was closed. @throws StaleRecord */
export async function forgetStarter(accountId: string): Promise<void> {
  let cursor: string | undefined;
  do {
    const query = kvs.entity<unknown>(JOB).query().index('by-key').limit(JOBS_PER_PAGE);
    const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
    for (const job of page.results.flatMap(({ key, value }) => toReadableJobs(key, value))) {
      if (job.startedBy === accountId) await writeJob({ ...job, startedBy: 'unknown' });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

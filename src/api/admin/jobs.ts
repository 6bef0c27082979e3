/** Jobs of every kind: progress, stop, pause, resume. */
import { z } from 'zod';
import { cancel, currentCounts, pause, resume } from '../../jobs/control';
import type { Plan } from '../../jobs/plan';
import { existingJob, type Job } from '../../jobs/record';
import { define } from '../define';
import { Id, RowAddress } from '../inputs';
import { administers, administersNow, mayPause } from '../standing';

export interface JobView {
  id: string;
  kind: 'survey' | 'archive' | 'restore' | 'directory' | 'provision' | 'plan';
  state: Job['state'] | 'planned';
  createdAt: number;
  updatedAt: number;
  startedBy: string;
  batches: number;
  /** How many rows it is to act on; 0 where that is not known. */
  total: number;
  counts: Record<string, number>;
  /** Waits until then for the next hour's points, or for Confluence's rate limit. */
  waitingUntil: number | null;
  problem: string | null;
  /** Of cleanup jobs. */
  idleDays: number | null;
  unchangedSince: number | null;
  source: string | null;
  /** Why, in the words of the admin who started it. */
  reason: string | null;
}

export interface Page<T> {
  rows: T[];
  next: z.infer<typeof RowAddress> | null;
}

const OneJob = z.strictObject({ jobId: Id });
/** A page of a job's rows. */
export const RowsInput = z.strictObject({ jobId: Id, from: RowAddress.optional(), onlyFailed: z.boolean().default(false) });

export const jobFunctions = {
  'job.get': define({ input: OneJob, authorise: administers, handle: async ({ jobId }) => counted(await existingJob(jobId)) }),
  'job.cancel': define({ input: OneJob, authorise: administers, handle: async ({ jobId }) => counted(await cancel(jobId, Date.now())) }),
  'job.pause': define({ input: OneJob, authorise: mayPause, handle: async ({ jobId }) => counted(await pause(jobId, Date.now())) }),
  'job.resume': define({ input: OneJob, authorise: administersNow, handle: async ({ jobId }) => counted(await resume(jobId, Date.now())) }),
};

/** The job with what it has done so far, including the batch it is at. */
export async function counted(job: Job): Promise<JobView> {
  return jobView({ ...job, counts: await currentCounts(job) });
}

/** What the page shows of the work of cleanup jobs. */
const CleanupWork = z.object({ idleDays: z.number(), unchangedSince: z.number(), source: z.string().nullable().default(null) });
const NO_CLEANUP = { idleDays: null, unchangedSince: null, source: null };
const ReasonedWork = z.object({ reason: z.string() });

/** What the page may know about a job; what the job uses to find its place stays on the server. */
export function jobView(job: Job): JobView {
  const { id, state, createdAt, updatedAt, startedBy, batches, total, counts, waitingUntil, problem } = job;
  const view = { id, state, createdAt, updatedAt, startedBy, batches, total, counts, waitingUntil, problem };
  const reason = ReasonedWork.safeParse(job.work).data?.reason ?? null;
  return { ...view, kind: job.kind as JobView['kind'], reason, ...(CleanupWork.safeParse(job.work).data ?? NO_CLEANUP) };
}

/** A plan looks like a job that has not begun. */
export function planView({ id, createdAt, createdBy, total, work }: Plan<unknown>): JobView {
  const nothingYet = { batches: 0, counts: {}, waitingUntil: null, problem: null, reason: null };
  const view = { id, kind: 'plan', state: 'planned', createdAt, updatedAt: createdAt, startedBy: createdBy, total, ...nothingYet } as const;
  return { ...view, ...(CleanupWork.safeParse(work).data ?? NO_CLEANUP) };
}

/** Rows of one page of a table. */
export const PAGE_ROWS = 25;
/** Batches read for one page of a table: most hold rows, some may be empty. */
const MAX_BATCHES_PER_PAGE = 20;

export const hasFailed = (row: { outcome?: string | undefined }): boolean => row.outcome === 'failed';

/**
 * One page of a job's rows. May be empty and yet have a next one, when none of the batches read held a row that counts.
 * @param readRows answers null after the last batch
 * @param counts which rows to show; null = all
 */
export async function readRowsPage<R, V>(
  from: { batch: number; row: number } | undefined,
  readRows: (batch: number) => Promise<R[] | null>,
  counts: ((row: R) => boolean) | null,
  toView: (row: R, batch: number) => V,
): Promise<Page<V>> {
  const rows: V[] = [];
  let { batch, row } = from ?? { batch: 0, row: 0 };
  for (let read = 0; read < MAX_BATCHES_PER_PAGE; read += 1) {
    const stored = await readRows(batch);
    if (stored === null) return { rows, next: null };
    for (; row < stored.length; row += 1) {
      if (rows.length === PAGE_ROWS) return { rows, next: { batch, row } };
      const candidate = stored[row] as R;
      if (counts === null || counts(candidate)) rows.push(toView(candidate, batch));
    }
    batch += 1;
    row = 0;
  }
  return { rows, next: { batch, row } };
}

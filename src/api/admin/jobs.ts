/** Jobs of every kind: progress, stop, pause, resume. */
import { z } from 'zod';
import { existingJob } from '../../jobs/job';
import { cancel, currentCounts, pause, resume } from '../../jobs/life';
import { isTask, type Job, type JobKind } from '../../jobs/store';
import { define } from '../define';
import { Id, RowAddress } from '../inputs';
import { administers, administersNow, mayPause } from '../standing';

export interface JobView {
  id: string;
  kind: JobKind;
  state: Job['state'];
  createdAt: number;
  updatedAt: number;
  startedBy: string;
  chunks: number;
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

/** The job with what it has done so far, in the chunk it is at too. */
export async function counted(job: Job): Promise<JobView> {
  return jobView({ ...job, counts: await currentCounts(job) });
}

/** What the page may know about a job: not how it works its way through. */
export function jobView(job: Job): JobView {
  const { revision, failures, work, leasedUntil, ...view } = job;
  const cleanup = isTask(job, 'cleanup') ? job.work : null;
  return { ...view, idleDays: cleanup?.idleDays ?? null, unchangedSince: cleanup?.unchangedSince ?? null, source: cleanup?.source ?? null };
}

/** Rows of one page of a table. */
export const PAGE_ROWS = 25;
/** Chunks read for one page of a table: most hold rows, some may be empty. */
const MAX_CHUNKS_PER_PAGE = 20;

export const hasFailed = (row: { outcome?: string | undefined }): boolean => row.outcome === 'failed';

/**
 * One page of a job's rows. It may be empty and still have a next one, if none of the chunks read held a row to show.
 * @param readRows answers null after the last chunk
 * @param counts which rows to show; null = all
 */
export async function readRowsPage<R, V>(
  from: { chunk: number; row: number } | undefined,
  readRows: (chunk: number) => Promise<R[] | null>,
  counts: ((row: R) => boolean) | null,
  toView: (row: R, chunk: number) => V,
): Promise<Page<V>> {
  const rows: V[] = [];
  let { chunk, row } = from ?? { chunk: 0, row: 0 };
  for (let read = 0; read < MAX_CHUNKS_PER_PAGE; read += 1) {
    const stored = await readRows(chunk);
    if (stored === null) return { rows, next: null };
    for (; row < stored.length; row += 1) {
      if (rows.length === PAGE_ROWS) return { rows, next: { chunk, row } };
      const candidate = stored[row] as R;
      if (counts === null || counts(candidate)) rows.push(toView(candidate, chunk));
    }
    chunk += 1;
    row = 0;
  }
  return { rows, next: { chunk, row } };
}

/** Jobs of every kind: how far, stop, pause, go on. */

import { existingJob } from '../../jobs/job';
import { cancel, currentCounts, pause, resume } from '../../jobs/life';
import { isTask, type Job } from '../../jobs/store';
import type { JobView, Page } from '../contract';
import type { AdminMethods } from '../define';

export const jobMethods: AdminMethods<'job.get' | 'job.cancel' | 'job.pause' | 'job.resume'> = {
  'job.get': async ({ jobId }) => counted(await existingJob(jobId)),
  'job.cancel': async ({ jobId }) => counted(await cancel(jobId, Date.now())),
  'job.pause': async ({ jobId }) => counted(await pause(jobId, Date.now())),
  'job.resume': async ({ jobId }) => counted(await resume(jobId, Date.now())),
};

/** The job with what it has done so far, the chunk included that it is at. */
export async function counted(job: Job): Promise<JobView> {
  return jobView({ ...job, counts: await currentCounts(job) });
}

/** What the page may know of a job; how it finds its way stays here. */
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
 * One page of a job's rows. May be empty and yet have a next one, when none of the chunks read held a row that counts.
 * @param readRows answers null behind the last chunk
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

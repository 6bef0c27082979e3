/** The progress of jobs, as the pages poll it. */
import { useEffect, useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import { callAdmin } from '../../shared/call';

export const JOB_APPEARANCES = {
  planned: 'default',
  running: 'inprogress',
  paused: 'moved',
  cancelling: 'inprogress',
  cancelled: 'moved',
  done: 'success',
  failed: 'removed',
} as const;

export const isActive = (job: JobView | null): boolean => job !== null && (job.state === 'running' || job.state === 'cancelling');

/** The list with this job updated; a new job comes first. */
export const withJob = (jobs: JobView[], job: JobView): JobView[] =>
  jobs.some((other) => other.id === job.id) ? jobs.map((other) => (other.id === job.id ? job : other)) : [job, ...jobs];

/** The interval between polls of a running job: doubled each time, up to the second number. */
const POLL_MS = [1_000, 8_000] as const;

/** Polls the progress of running jobs, less and less often. */
export function usePolling(all: (JobView | null)[], onChange: (job: JobView) => void): void {
  const ids = all.flatMap((job) => (job && isActive(job) ? [job.id] : [])).join(' ');
  const [latest] = useState({ current: onChange });
  latest.current = onChange;
  // Deliberate dependencies: polling restarts when a different set of jobs is running, not on every answer.
  useEffect(() => {
    if (ids === '') return undefined;
    let wait: number = POLL_MS[0];
    let timer = 0;
    let isCurrent = true;
    const ask = async (): Promise<void> => {
      for (const id of ids.split(' ')) {
        try {
          const job = await callAdmin('job.get', { jobId: id });
          if (!isCurrent) return;
          latest.current(job);
        } catch {
          // The next poll tries again.
        }
      }
      wait = Math.min(wait * 2, POLL_MS[1]);
      if (isCurrent) timer = window.setTimeout(() => void ask(), wait);
    };
    timer = window.setTimeout(() => void ask(), wait);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [ids]);
}

/** The progress of jobs, as the pages poll it. */
import { useEffect, useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import { callAdmin } from '../../shared/call';

export const JOB_APPEARANCES = {
  running: 'inprogress',
  paused: 'moved',
  cancelling: 'inprogress',
  cancelled: 'moved',
  done: 'success',
  failed: 'removed',
} as const;

export const isActive = (job: JobView | null): boolean => job !== null && (job.state === 'running' || job.state === 'cancelling');

/** The interval between polls of a running job: doubled each time, up to the second number. */
const POLL_MS = [1_000, 8_000] as const;

/** Polls the progress of running jobs. */
export function usePolling(all: (JobView | null)[], onChange: (job: JobView) => void): void {
  const ids = all.flatMap((job) => (job && isActive(job) ? [job.id] : []));
  usePolled(ids, (jobId) => callAdmin('job.get', { jobId }), onChange);
}

/** Asks for each of these, less and less often. */
export function usePolled<T>(all: readonly string[], ask: (id: string) => Promise<T>, onChange: (answer: T) => void): void {
  const ids = all.join(' ');
  const [latest] = useState({ ask, onChange });
  latest.ask = ask;
  latest.onChange = onChange;
  // Deliberate dependencies: polling restarts when a different set of jobs is running, not on every answer.
  useEffect(() => {
    if (ids === '') return undefined;
    let wait: number = POLL_MS[0];
    let timer = 0;
    let isCurrent = true;
    const askAll = async (): Promise<void> => {
      for (const id of ids.split(' ')) {
        try {
          const answer = await latest.ask(id);
          if (!isCurrent) return;
          latest.onChange(answer);
        } catch {
          // The next poll tries again.
        }
      }
      wait = Math.min(wait * 2, POLL_MS[1]);
      if (isCurrent) timer = window.setTimeout(() => void askAll(), wait);
    };
    timer = window.setTimeout(() => void askAll(), wait);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [ids]);
}

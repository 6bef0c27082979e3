/** Queue consumer: one turn of a job. */
import type { InvocationError } from '@forge/events';
import { retryAfter, retryingLater } from '../events/retry';
import { log } from '../forge/log';
import { WorkEvent } from '../forge/queue';
import type { AnyJob } from './define';
import { runStep } from './run';

export function makeWork(kinds: readonly AnyJob[]): (event: unknown) => Promise<InvocationError | undefined> {
  return async (event) => {
    const parsed = WorkEvent.safeParse(event);
    if (!parsed.success) {
      log('event-unreadable', { function: 'work' });
      return undefined;
    }
    const { jobId, turn } = parsed.data.body;
    let takenUntil: number | null = null;
    const failure = await retryingLater('work', async () => {
      takenUntil = await runStep(kinds, jobId, turn);
    });
    // The step that holds the lease may have been cut off, so try again once it has ended.
    return failure ?? (takenUntil === null ? undefined : retryAfter((takenUntil - Date.now()) / 1000));
  };
}

/** Queue consumer: one step of a job. */
import type { InvocationError } from '@forge/events';
import { retryingLater } from '../events/retry';
import { log } from '../forge/log';
import { WorkEvent } from '../forge/queue';
import { runStep } from './life';

export async function work(event: unknown): Promise<InvocationError | undefined> {
  const parsed = WorkEvent.safeParse(event);
  if (!parsed.success) {
    log('event-unreadable', { function: 'work' });
    return undefined;
  }
  return retryingLater('work', () => runStep(parsed.data.body.jobId));
}

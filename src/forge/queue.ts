/** The one queue: steps of clean-up jobs. */
import { Queue } from '@forge/events';
import { z } from 'zod';
import { QueueError } from './errors';

/** As manifest.yml declares it. */
const QUEUE = 'work';
/** The platform's limit for a delay; a longer wait re-arms itself. */
const MAX_DELAY_S = 900;

export const WorkEvent = z.object({ body: z.object({ jobId: z.string() }) });

/** Orders the next step of a job. Steps of one job never run side by side. @throws QueueError */
export async function orderStep(jobId: string, delaySeconds = 0): Promise<void> {
  try {
    await new Queue({ key: QUEUE }).push({
      body: { jobId },
      delayInSeconds: Math.min(Math.ceil(delaySeconds), MAX_DELAY_S),
      concurrency: { key: jobId, limit: 1 },
    });
  } catch (error) {
    throw new QueueError(error instanceof Error ? error.message : 'unknown');
  }
}

/** The one queue: steps of jobs. */
import { Queue } from '@forge/events';
import { z } from 'zod';
import { QueueError } from './errors';

/** As manifest.yml declares it. */
const QUEUE = 'work';
/** The platform's limit for a delay (Forge docs, async events limits); a longer wait re-arms itself. */
const MAX_DELAY_S = 900;

export const WorkEvent = z.object({ body: z.object({ jobId: z.string(), turn: z.number().int() }) });

/** Puts the next step of a job on the queue. Steps of one job never run side by side. @throws QueueError */
export async function enqueueStep(jobId: string, turn: number, delaySeconds = 0): Promise<void> {
  try {
    await new Queue({ key: QUEUE }).push({
      body: { jobId, turn },
      delayInSeconds: Math.min(Math.max(0, Math.ceil(delaySeconds)), MAX_DELAY_S),
      concurrency: { key: jobId, limit: 1 },
    });
  } catch (error) {
    throw new QueueError(error instanceof Error ? error.message : 'unknown');
  }
}

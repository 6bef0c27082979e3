/** One acting run per scope: the lock says which. It is taken and released in the transactions that start and end the run. */
import { z } from 'zod';
import { AppError } from '../forge/errors';
import type { Transaction } from '../forge/kvs';
import { log } from '../forge/log';
import { type Register, readRegister, setRegister } from '../store/register';
import { isOver, readJob } from './record';

const Lock = z.object({ schemaVersion: z.literal(1), jobId: z.string().nullable() });
type Lock = z.infer<typeof Lock>;

const readLock = (scope: string): Promise<Register<Lock>> => readRegister(`lock:${scope}`, Lock, { schemaVersion: 1, jobId: null });

/** @throws AppError busy with the run that holds it */
export async function takeLock(transaction: Transaction, scope: string, jobId: string): Promise<void> {
  const lock = await readLock(scope);
  const holder = lock.data.jobId;
  if (holder !== null && holder !== jobId && (await isHeld(holder))) throw new AppError('busy', { runId: holder });
  setRegister(transaction, { ...lock, data: { schemaVersion: 1, jobId } });
}

/** A job that is gone, over, or cannot be read will never release its lock. */
async function isHeld(jobId: string): Promise<boolean> {
  try {
    const job = await readJob(jobId);
    return job !== null && !isOver(job);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    log('job-unreadable', { jobId });
    return false;
  }
}

export async function releaseLock(transaction: Transaction, scope: string, jobId: string): Promise<void> {
  const lock = await readLock(scope);
  if (lock.data.jobId === jobId) setRegister(transaction, { ...lock, data: { schemaVersion: 1, jobId: null } });
}

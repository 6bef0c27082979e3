/**
 * A worklist holds the ids of what a kind of work has in hand, so that a tick finds it without a query. They are added
 * and removed in the transactions that begin and end the work.
 */
import { z } from 'zod';
import { AppError } from '../forge/errors';
import { commit, newTransaction, retryStale, type Transaction } from '../forge/kvs';
import { type Register, readRegister, setRegister } from './register';

export const Worklist = z.object({ schemaVersion: z.literal(1), ids: z.array(z.string()) });
export type Worklist = z.infer<typeof Worklist>;

export const NOTHING_LISTED: Worklist = { schemaVersion: 1, ids: [] };

/** Everything on a list is read at every tick. */
const MAX_IDS = 100;

const readWorklist = (name: string): Promise<Register<Worklist>> => readRegister(name, Worklist, NOTHING_LISTED);

/** @returns whether there is anything to write @throws AppError busy when the list is full */
export async function addToWorklist(transaction: Transaction, name: string, ...added: string[]): Promise<boolean> {
  const list = await readWorklist(name);
  const { ids } = list.data;
  const all = [...new Set([...ids, ...added])];
  if (all.length === ids.length) return false;
  if (all.length > MAX_IDS) throw new AppError('busy');
  setRegister(transaction, { ...list, data: { schemaVersion: 1, ids: all } });
  return true;
}

/** @returns whether there is anything to write */
export async function removeFromWorklist(transaction: Transaction, name: string, gone: readonly string[]): Promise<boolean> {
  const list = await readWorklist(name);
  const { ids } = list.data;
  const left = ids.filter((id) => !gone.includes(id));
  if (left.length === ids.length) return false;
  setRegister(transaction, { ...list, data: { schemaVersion: 1, ids: left } });
  return true;
}

/** How often a list is written again because others wrote it at the same time. */
const MAX_ATTEMPTS = 6;

/** Adds what belongs to no other transaction. */
export const listForWork = (name: string, ...added: string[]): Promise<void> =>
  retryStale(MAX_ATTEMPTS, async () => {
    const transaction = newTransaction();
    if (await addToWorklist(transaction, name, ...added)) await commit(transaction);
  });

/** The same for what is done, or begins now. */
export const takeOffList = (name: string, gone: readonly string[]): Promise<void> =>
  retryStale(MAX_ATTEMPTS, async () => {
    const transaction = newTransaction();
    if (await removeFromWorklist(transaction, name, gone)) await commit(transaction);
  });

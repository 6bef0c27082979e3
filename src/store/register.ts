/**
 * Small records that several invocations share: who holds a lock, what is due. Each has a revision, so that
 * of two writers one wins and the other hears of it.
 */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { commit, readBatch, type Transaction, whileRevision } from '../forge/kvs';
import { log } from '../forge/log';

export const REGISTER = 'register';

const Stored = z.object({ revision: z.number().int(), data: z.unknown() });

export interface Register<T> {
  name: string;
  /** 0 = nobody has written it yet. */
  revision: number;
  data: T;
}

/** Content that cannot be read counts as `empty`: a register only coordinates, and the next write repairs it. */
export async function readRegister<T>(name: string, schema: z.ZodType<T>, empty: T): Promise<Register<T>> {
  return parseRegister(name, schema, empty, await kvs.entity<unknown>(REGISTER).get(name));
}

/** Several registers in one read: what is stored under each name, for `parseRegister`. */
export const readRegisters = (names: readonly string[]): Promise<Map<string, unknown>> =>
  readBatch(names.map((key) => ({ key, entityName: REGISTER })));

export function parseRegister<T>(name: string, schema: z.ZodType<T>, empty: T, stored: unknown): Register<T> {
  if (stored === undefined) return { name, revision: 0, data: empty };
  const { revision, data } = Stored.parse(stored);
  const parsed = schema.safeParse(data);
  if (!parsed.success) log('register-unreadable', { register: name });
  return { name, revision, data: parsed.success ? parsed.data : empty };
}

/** Adds the write to a transaction, which fails if the register was written since it was read. */
export function setRegister<T>(transaction: Transaction, { name, revision, data }: Register<T>): Transaction {
  return transaction.set(name, { revision: revision + 1, data }, whileRevision(REGISTER, revision));
}

/** @throws StaleRecord if the register was written since it was read */
export async function writeRegister<T>(register: Register<T>): Promise<Register<T>> {
  await commit(setRegister(kvs.transact(), register));
  return { ...register, revision: register.revision + 1 };
}

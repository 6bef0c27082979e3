/** How far the directory is, in storage: what the database itself says is lost with it. */
import { z } from 'zod';
import { type Register, readRegister, writeRegister } from '../store/register';

const State = z.object({
  schemaVersion: z.literal(1),
  /** The life of the database that all of this is about; null = there was none yet. */
  incarnation: z.string().nullable(),
  /** Number of the reading that began last. */
  pass: z.number().int(),
  /** The job of the present or last whole reading, and of the last one of groups only. */
  jobId: z.string().nullable(),
  groupJobId: z.string().nullable(),
  /** The number that was given to a group last. */
  lastGroupNumber: z.number().int(),
  /** When the last whole reading of promises, spaces and people was complete (ms). */
  promisesAt: z.number().nullable(),
  spacesAt: z.number().nullable(),
  peopleAt: z.number().nullable(),
  /** When the last one began: whatever was changed since is known by events (ms). */
  begunAt: z.number().nullable(),
  /** When groups were last looked at (ms). */
  groupsAt: z.number().nullable(),
});
export type DirectoryState = z.infer<typeof State>;

const NOTHING: DirectoryState = {
  schemaVersion: 1,
  incarnation: null,
  pass: 0,
  jobId: null,
  groupJobId: null,
  lastGroupNumber: 0,
  promisesAt: null,
  spacesAt: null,
  peopleAt: null,
  begunAt: null,
  groupsAt: null,
};

export const readState = (): Promise<Register<DirectoryState>> => readRegister('directory', State, NOTHING);

/** @throws StaleRecord */
export const writeState = (register: Register<DirectoryState>, change: Partial<DirectoryState>): Promise<Register<DirectoryState>> =>
  writeRegister({ ...register, data: { ...register.data, ...change } });

/** The database is new, or was lost: nothing is known any more. Numbers of readings go on, so that none is used twice. */
export const forgetAll = (register: Register<DirectoryState>, incarnation: string): Promise<Register<DirectoryState>> =>
  writeState(register, { ...NOTHING, pass: register.data.pass, incarnation });

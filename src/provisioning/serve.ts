/**
 * One person's turn. Their record of waiting is held while somebody works for them, so that nobody else does; where the work ends
 * early, for whatever reason, the record is still there, and the schedule serves them when their time has come.
 */
import { isIn } from '../domain/person';
import { isHeld, type Waiting } from '../domain/turn';
import { retrySeconds } from '../events/retry';
import { remainingMs } from '../forge/deadline';
import { NoPoints, StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { hold, IN_LINE, LATER, leave, wait } from '../store/waiting';
import type { ProvisionResult } from './provision';

export type Turn =
  | { kind: 'served'; result: ProvisionResult }
  /** Somebody else works for them, or was faster. */
  | { kind: 'held' }
  /** They stay in the line, until then at least (ms). */
  | { kind: 'waits'; dueAt: number; error: unknown };

/**
 * People served at a time. Each takes a second or two of calls one after another, so four of them are about 200 a minute: with the
 * job for existing people beside them, and the clicks of people themselves, half of the 1,000 people a minute as whom an app may act
 * (Forge: invocation limits), which all sites of the app share.
 */
export const PEOPLE_AT_ONCE = 4;

/** An invocation that is cut off leaves its people held for this much longer, so that two never work for the same person. */
const MARGIN_MS = 2_000;

/** @returns their record, held; null = somebody else has them */
async function take(waiting: Waiting, now: number): Promise<Waiting | null> {
  if (isHeld(waiting, now)) return null;
  try {
    return await hold(waiting, now + remainingMs() + MARGIN_MS);
  } catch (error) {
    if (error instanceof StaleRecord) return null;
    throw error;
  }
}

/**
 * Works for one person, unless somebody else does.
 * @param staysAfter whether they wait for another turn after a failure that will pass; otherwise it is the caller's
 * @throws what will not pass by waiting, and what the caller wants to hear of
 */
export async function serve(
  waiting: Waiting,
  work: () => Promise<ProvisionResult>,
  staysAfter: (error: unknown) => boolean = () => true,
): Promise<Turn> {
  const held = await take(waiting, Date.now());
  if (!held) return { kind: 'held' };
  try {
    const result = await work();
    if (result.failed) return await postpone(held, result.failed.retryAt, result.failed.error);
    await leave(held, isIn(result.person, 'ready'));
    return { kind: 'served', result };
  } catch (error) {
    const seconds = retrySeconds(error);
    if (seconds === null || !staysAfter(error)) {
      // Whoever was in the line before stays where they were: only a failure that will not pass takes them out of it.
      await (seconds === null || waiting.revision === 0 ? leave(held) : keepPlace(held));
      throw error;
    }
    // Whoever only lacked points keeps their place.
    return await postpone(held, error instanceof NoPoints ? held.dueAt : Date.now() + seconds * 1000, error);
  }
}

async function postpone(held: Waiting, dueAt: number, error: unknown): Promise<Turn> {
  log('person-waits', { accountId: held.accountId, dueAt, ...describe(error) });
  await keepPlace({ ...held, dueAt });
  return { kind: 'waits', dueAt, error };
}

/** Nobody works for them any more, and they wait. Those who come by stand behind others of their own lane only. */
async function keepPlace(held: Waiting): Promise<void> {
  try {
    await wait(held, held.lane === 'arrivals' && held.dueAt <= Date.now() ? IN_LINE : LATER);
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    // There was news of them meanwhile: with that they stay in the line.
    await leave(held);
  }
}

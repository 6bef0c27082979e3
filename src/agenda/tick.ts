/** Every five minutes: runs what is due. One read says what that is, and a tick with nothing to do writes nothing. */
import { z } from 'zod';
import { RESERVE_MS, remainingMs } from '../forge/deadline';
import { StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { parseRegister, type Register, readRegister, readRegisters, writeRegister } from '../store/register';
import { NOTHING_LISTED, Worklist } from '../store/worklist';
import { type ListedWork, MORE, type TimedWork } from './define';

/** All kinds are in one record, which every tick reads; the worklists are read with it. */
const MAX_KINDS = 50;
/** Ticks seldom overlap, so a conflict hardly ever comes twice. */
const MAX_ATTEMPTS = 5;

const Agenda = z.object({
  schemaVersion: z.literal(1),
  /** When each kind is due next. */
  kinds: z.record(z.string(), z.object({ dueAt: z.number() })),
});
type Agenda = z.infer<typeof Agenda>;

const AGENDA = 'agenda';
const NOTHING_DUE: Agenda = { schemaVersion: 1, kinds: {} };

/**
 * @param timed in the order in which they run
 * @param listed run after them, side by side, with the rest of the tick
 */
export function makeTick(timed: readonly TimedWork[], listed: readonly ListedWork[]): () => Promise<void> {
  const kinds = [...timed, ...listed].map((work) => work.kind);
  if (kinds.length > MAX_KINDS || new Set(kinds).size < kinds.length) throw new Error(`the agenda takes ${MAX_KINDS} kinds, each once`);
  return async () => {
    // Nothing retries a schedule; the next tick does.
    try {
      await tick(timed, listed);
    } catch (error) {
      log('tick-failed', describe(error));
    }
  };
}

async function tick(timed: readonly TimedWork[], listed: readonly ListedWork[]): Promise<void> {
  const now = Date.now();
  const stored = await readRegisters([AGENDA, ...listed.map((work) => work.list)]);
  const agenda = parseRegister(AGENDA, Agenda, NOTHING_DUE, stored.get(AGENDA));
  const due = timed.filter(({ kind }) => (agenda.data.kinds[kind]?.dueAt ?? 0) <= now);
  // Its next time is written before it runs, so that no other tick runs it as well. Of what is cut off, the rest waits until then.
  const taken = await writeNext(agenda, timed, new Map(due.map(({ kind, everyMs }) => [kind, now + everyMs])));
  const failed = new Map<string, number>();
  for (const work of taken ? due : []) {
    const isDone = await run(work.kind, work.leaseMs, (deadline) => work.run(now, deadline));
    if (!isDone) failed.set(work.kind, now);
  }
  if (taken) await retryAtNextTick(taken, timed, failed);
  // Side by side: each of them may take the rest of the tick, and mostly waits for answers.
  await Promise.all(
    listed.map(async ({ kind, list, run: runListed }) => {
      const { ids } = parseRegister(list, Worklist, NOTHING_LISTED, stored.get(list)).data;
      if (ids.length > 0) await run(kind, Number.POSITIVE_INFINITY, () => runListed(ids, now));
    }),
  );
}

/**
 * Entries of kinds that no longer exist go with the first write.
 * @param next when these kinds are due next; none = nothing is written
 * @returns null if another tick was faster
 */
async function writeNext(
  agenda: Register<Agenda>,
  works: readonly TimedWork[],
  next: ReadonlyMap<string, number>,
): Promise<Register<Agenda> | null> {
  if (next.size === 0) return agenda;
  const kinds: Agenda['kinds'] = {};
  for (const { kind } of works) {
    const dueAt = next.get(kind) ?? agenda.data.kinds[kind]?.dueAt;
    if (dueAt !== undefined) kinds[kind] = { dueAt };
  }
  try {
    return await writeRegister({ ...agenda, data: { schemaVersion: 1, kinds } });
  } catch (error) {
    if (error instanceof StaleRecord) return null;
    throw error;
  }
}

/** @param agenda as this tick wrote it; it is read again if another tick has written it since */
async function retryAtNextTick(agenda: Register<Agenda>, works: readonly TimedWork[], failed: ReadonlyMap<string, number>): Promise<void> {
  let known = agenda;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (await writeNext(known, works, failed)) return;
    known = await readRegister(AGENDA, Agenda, NOTHING_DUE);
  }
}

/** @returns whether it has nothing left to do; false also when there was no time for it */
async function run(kind: string, leaseMs: number, work: (deadline: number) => Promise<unknown>): Promise<boolean> {
  const timeLeft = remainingMs() - RESERVE_MS;
  if (timeLeft <= 0) return false;
  try {
    return (await work(Date.now() + Math.min(leaseMs, timeLeft))) !== MORE;
  } catch (error) {
    log('agenda-work-failed', { kind, ...describe(error) });
    return false;
  }
}

/** Every five minutes: runs what is due. One record says what that is, and a tick with nothing to do writes nothing. */
import { z } from 'zod';
import { RESERVE_MS, remainingMs } from '../forge/deadline';
import { StaleRecord } from '../forge/errors';
import { retryStale } from '../forge/kvs';
import { describe, log } from '../forge/log';
import { type Register, readRegister, writeRegister } from '../store/register';
import type { AgendaWork } from './define';

/** All kinds are in one record, which every tick reads. */
const MAX_KINDS = 50;
/** Ticks seldom overlap, so a conflict hardly ever comes twice. */
const MAX_ATTEMPTS = 5;

const Entry = z.object({ dueAt: z.number(), leasedUntil: z.number().nullable() });
type Entry = z.infer<typeof Entry>;
const Agenda = z.object({ schemaVersion: z.literal(1), kinds: z.record(z.string(), Entry) });
type Agenda = z.infer<typeof Agenda>;

const readAgenda = (): Promise<Register<Agenda>> => readRegister('agenda', Agenda, { schemaVersion: 1, kinds: {} });

/** @param works in the order in which they run; what takes the rest of a tick comes last */
export function makeTick(works: readonly AgendaWork[]): () => Promise<void> {
  if (works.length > MAX_KINDS || new Set(works.map((work) => work.kind)).size < works.length)
    throw new Error(`the agenda takes ${MAX_KINDS} kinds, each once`);
  return async () => {
    // Nothing retries a schedule; the next tick does.
    try {
      await tick(works);
    } catch (error) {
      log('tick-failed', describe(error));
    }
  };
}

async function tick(works: readonly AgendaWork[]): Promise<void> {
  const now = Date.now();
  // What runs at every tick keeps its own leases, so that an idle tick writes nothing.
  const leased = works.filter(isLeased);
  const { agenda, due } = await leaseDue(leased, now);
  const next = new Map<string, Entry>();
  for (const work of due) next.set(work.kind, await run(work, now));
  if (next.size > 0) await writeNext(agenda, leased, next);
  for (const work of works) if (!isLeased(work)) await run(work, now);
}

const isLeased = ({ everyMs }: AgendaWork): boolean => everyMs > 0;

/** What is due and in nobody's hands; from here on it is in ours until this invocation ends. */
async function leaseDue(works: readonly AgendaWork[], now: number): Promise<{ agenda: Register<Agenda>; due: AgendaWork[] }> {
  const agenda = await readAgenda();
  const { kinds } = agenda.data;
  const due = works.filter(({ kind }) => {
    const { dueAt, leasedUntil } = kinds[kind] ?? { dueAt: 0, leasedUntil: null };
    return dueAt <= now && (leasedUntil === null || leasedUntil <= now);
  });
  if (due.length === 0) return { agenda, due };
  const leasedUntil = now + remainingMs();
  const leased = Object.fromEntries(due.map(({ kind }) => [kind, { dueAt: kinds[kind]?.dueAt ?? now, leasedUntil }]));
  try {
    return { agenda: await writeRegister({ ...agenda, data: { schemaVersion: 1, kinds: { ...kinds, ...leased } } }), due };
  } catch (error) {
    // Another tick was faster; what it has left over is due at the next one.
    if (error instanceof StaleRecord) return { agenda, due: [] };
    throw error;
  }
}

/** @returns when it is due next: at once if it failed, or if there was no time for it */
async function run(work: AgendaWork, tickedAt: number): Promise<Entry> {
  const again: Entry = { dueAt: tickedAt, leasedUntil: null };
  const timeLeft = remainingMs() - RESERVE_MS;
  if (timeLeft <= 0) return again;
  const now = Date.now();
  try {
    await work.run(now, now + Math.min(work.leaseMs, timeLeft));
    return { dueAt: tickedAt + work.everyMs, leasedUntil: null };
  } catch (error) {
    log('agenda-work-failed', { kind: work.kind, ...describe(error) });
    return again;
  }
}

/**
 * Entries of kinds that no longer exist go with the first write.
 * @param leased the agenda as this tick left it; it is read again only if another tick has written it since
 */
async function writeNext(leased: Register<Agenda>, works: readonly AgendaWork[], next: ReadonlyMap<string, Entry>): Promise<void> {
  let known: Register<Agenda> | null = leased;
  await retryStale(MAX_ATTEMPTS, async () => {
    const agenda = known ?? (await readAgenda());
    known = null;
    const kinds: Record<string, Entry> = {};
    for (const { kind } of works) {
      const entry = next.get(kind) ?? agenda.data.kinds[kind];
      if (entry) kinds[kind] = entry;
    }
    await writeRegister({ ...agenda, data: { schemaVersion: 1, kinds } });
  });
}

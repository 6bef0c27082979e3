/** Promises outlive an installation as a file: who declined, whose space was removed, and which spaces Homestead answers for. */
import { z } from 'zod';
import { imported, isIn } from '../domain/person';
import { StaleRecord } from '../forge/errors';
import { commit, newTransaction } from '../forge/kvs';
import { listPeople, writePerson } from '../store/people';
import { listSpaces, PromisedSpaceRecord, setSpace } from '../store/spaces';

const AccountId = z.string().min(1).max(128);
const SpaceId = z.string().min(1).max(100);

/** A row of the file. Times in ms. */
export const PromiseRow = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('declined'), accountId: AccountId, since: z.number() }),
  z.strictObject({
    kind: z.literal('removed'),
    accountId: AccountId,
    since: z.number(),
    spaceId: SpaceId,
    spaceKey: z.string().max(255).nullable(),
    how: z.enum(['archived', 'trashed', 'deleted']),
    by: AccountId,
  }),
  z.strictObject({ kind: z.literal('space'), space: PromisedSpaceRecord }),
]);
export type PromiseRow = z.infer<typeof PromiseRow>;

const SOURCES = ['declined', 'removed', 'space'] as const;
type Source = (typeof SOURCES)[number];

export interface PromisePage {
  rows: PromiseRow[];
  /** Where the next page begins; null = this was the last. */
  next: string | null;
}

/** @param from where the page begins: a source, and its own cursor */
export async function exportPromises(from: string | undefined, limit: number): Promise<PromisePage> {
  const [name = '', ...rest] = (from ?? SOURCES[0]).split(' ');
  const source = SOURCES.find((candidate) => candidate === name) ?? SOURCES[0];
  const { rows, cursor } = await pageOf(source, limit, rest.length === 0 ? undefined : rest.join(' '));
  if (cursor !== null) return { rows, next: `${source} ${cursor}` };
  return { rows, next: SOURCES[SOURCES.indexOf(source) + 1] ?? null };
}

async function pageOf(source: Source, limit: number, from?: string): Promise<{ rows: PromiseRow[]; cursor: string | null }> {
  if (source === 'space') {
    const { spaces, cursor } = await listSpaces(limit, from);
    return { rows: spaces.map(({ revision, ...space }) => ({ kind: 'space', space })), cursor };
  }
  const { people, cursor } = await listPeople(source, limit, from);
  const rows = people.flatMap((person): PromiseRow[] => {
    const { accountId, since } = person;
    if (isIn(person, 'declined')) return [{ kind: 'declined', accountId, since }];
    if (!isIn(person, 'removed')) return [];
    const { spaceId, spaceKey, how, by } = person;
    return [{ kind: 'removed', accountId, since, spaceId, spaceKey, how, by }];
  });
  return { rows, cursor };
}

/** What an import did: rows written, and rows left because something is on record already. */
export interface Imported {
  written: number;
  kept: number;
}

/** Writes only what has no record yet. Repeating it changes nothing. */
export async function importPromises(rows: readonly PromiseRow[], by: string, now: number): Promise<Imported> {
  let written = 0;
  for (const row of rows) {
    try {
      await importRow(row, by, now);
      written += 1;
    } catch (error) {
      if (!(error instanceof StaleRecord)) throw error;
    }
  }
  return { written, kept: rows.length - written };
}

/** @throws StaleRecord when there is a record already */
async function importRow(row: PromiseRow, by: string, now: number): Promise<void> {
  if (row.kind === 'space') {
    const transaction = newTransaction();
    setSpace(transaction, { revision: 0, ...row.space });
    await commit(transaction);
    return;
  }
  const { accountId, since } = row;
  // Its space may be back: it is looked at again at the person's next activity.
  const state = row.kind === 'declined' ? ({ state: 'declined' } as const) : removed(row, now);
  await writePerson(null, imported(accountId, state, Math.min(since, now)), { by, at: now });
}

function removed({ spaceId, spaceKey, how, by }: PromiseRow & { kind: 'removed' }, now: number) {
  return { state: 'removed', spaceId, spaceKey, how, by, recheckAt: now } as const;
}

/** Whom an admin has chosen, as a plan and its job keep it. */
import { z } from 'zod';
import { writeOutcomes } from '../directory/classes';
import type { Context } from '../directory/derive';
import { PeopleFilter } from '../directory/lists';
import type { Selection } from '../directory/outcomes';
import { hasTime } from '../forge/deadline';
import { batchesOf } from '../jobs/batches';

export const EVERYBODY: Selection = { filter: {}, except: [] };
export const namesEverybody = ({ filter, except }: Selection): boolean =>
  except.length === 0 && Object.values(filter).every((part) => part === undefined);

/** In a plan and its job: the accounts that a selection names are rows of the job, as all accounts are that jobs name. */
export const StoredSelection = z.object({ filter: PeopleFilter.omit({ accountIds: true }), namesAccounts: z.boolean() });
export type StoredSelection = z.infer<typeof StoredSelection>;

const NamedRow = z.object({ accountId: z.string(), part: z.enum(['only', 'except']) });
const namedIn = (jobId: string) => batchesOf(NamedRow, jobId, 'selection');

/** Named accounts in one record: some 100 KB of the 240 that a value may have (Forge: KVS limits). */
const NAMED_PER_RECORD = 1_000;

export async function storeSelection(jobId: string, { filter: { accountIds, ...filter }, except }: Selection): Promise<StoredSelection> {
  const rows = [
    ...(accountIds ?? []).map((accountId) => ({ accountId, part: 'only' as const })),
    ...except.map((accountId) => ({ accountId, part: 'except' as const })),
  ];
  for (let from = 0; from < rows.length; from += NAMED_PER_RECORD)
    await namedIn(jobId).write(from / NAMED_PER_RECORD, rows.slice(from, from + NAMED_PER_RECORD));
  return { filter, namesAccounts: accountIds !== undefined };
}

export async function readSelection(jobId: string, { filter, namesAccounts }: StoredSelection): Promise<Selection> {
  const rows: z.infer<typeof NamedRow>[] = [];
  for (let record = 0, more = await namedIn(jobId).read(0); more; more = await namedIn(jobId).read(record)) {
    rows.push(...more);
    record += 1;
  }
  const idsOf = (part: 'only' | 'except'): string[] => rows.filter((row) => row.part === part).map(({ accountId }) => accountId);
  return { filter: namesAccounts ? { ...filter, accountIds: idsOf('only') } : filter, except: idsOf('except') };
}

/** Classes of people decided anew between two looks at the time. */
const CLASSES_AT_ONCE = 500;

/** The outcomes in the directory say what the policy means now. @returns false when time ran out first */
export async function decideEverybody(by: Context, now: number): Promise<boolean> {
  while (await writeOutcomes(by, now, CLASSES_AT_ONCE)) if (!hasTime()) return false;
  return true;
}

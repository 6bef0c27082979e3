/** What a run has created, as its rows and today's records tell it: for its undo. */

import { spaceIdOf } from '../domain/person';
import type { PromisedSpace } from '../domain/space';
import type { Creation } from '../domain/undo';
import type { Transaction } from '../forge/kvs';
import { type Job, setJob } from '../jobs/record';
import { readPersonRecords } from '../store/people';
import { listSpacesOf, readSpaceRecords } from '../store/spaces';
import { BATCHES_PER_READ, ERASED, type ProvisionRow, provisionExisting } from './provision-job';

/** Spaces of one person that are looked through for the one that the run made. */
const SPACES_OF_ONE = 10;

/** A run whose undo is asked for. */
export interface CreatingRun {
  job: Job;
  policyVersion: number;
  /** Runs that have undone some of it, in order. */
  undoneBy: string[];
}

/** @throws AppError not-found */
export async function existingCreatingRun(runId: string): Promise<CreatingRun> {
  return creatingRun(await provisionExisting.existing(runId));
}

export function creatingRun(job: Job): CreatingRun {
  const { policyVersion, undoneBy = [] } = provisionExisting.parse(job).work;
  return { job, policyVersion, undoneBy };
}

/** Adds to a transaction that this run undoes it. */
export function setUndoneBy(transaction: Transaction, { job, undoneBy }: CreatingRun, undoId: string): void {
  setJob(transaction, { ...job, work: { ...provisionExisting.parse(job).work, undoneBy: [...undoneBy, undoId] } });
}

/** The moments (ms) between which it was made. */
type Span = Pick<Creation, 'from' | 'to'>;

/** Whatever a run that is over has created, it created between its beginning and its end. */
export const creationOf = ({ createdAt, updatedAt }: Pick<Job, 'createdAt' | 'updatedAt'>): Span => ({
  from: createdAt,
  to: updatedAt,
});

/** A space of one of the run's people. */
export interface MadeSpace {
  outcome: 'created' | 'adopted';
  /** Empty when nobody knows any more which space it was: its owner's account was closed. */
  spaceId: string;
  key: string | null;
  ownerId: string | null;
}

type MadeRow = ProvisionRow & { outcome: MadeSpace['outcome'] };
const isMade = (row: ProvisionRow): row is MadeRow => row.outcome === 'created' || row.outcome === 'adopted';

/** The spaces of one batch of the run, in the order of its rows. */
export async function listMade(runId: string, creation: Span, batch: number): Promise<MadeSpace[]> {
  const rows = ((await provisionExisting.batches({ id: runId }).read(batch)) ?? []).filter(isMade);
  const people = await readPersonRecords(rows.map(({ accountId }) => accountId).filter((id) => id !== ERASED));
  const spaceIds = [...people.values()].flatMap((person) => spaceIdOf(person) ?? []);
  const promises = new Map((await readSpaceRecords(spaceIds)).map((promise) => [promise.spaceId, promise]));
  const made: MadeSpace[] = [];
  for (const { accountId, outcome } of rows) {
    const person = people.get(accountId);
    const known = person ? spaceIdOf(person) : null;
    const promise = known === null ? await findPromise(accountId, outcome, creation) : promises.get(known);
    const ownerId = accountId === ERASED ? null : accountId;
    made.push({ outcome, spaceId: known ?? promise?.spaceId ?? '', key: promise?.key ?? null, ownerId });
  }
  return made;
}

/** The person's record names no space any more: Homestead's records of spaces do. */
async function findPromise(accountId: string, outcome: MadeSpace['outcome'], { from, to }: Span): Promise<PromisedSpace | undefined> {
  if (accountId === ERASED) return undefined;
  const promises = await listSpacesOf(accountId, SPACES_OF_ONE);
  return promises.find(({ origin, since }) => origin === outcome && since >= from && since <= to);
}

/** How many of these spaces are of people for whom the run created or adopted one. */
export async function countMadeAmong({ job }: CreatingRun, spaceIds: readonly string[]): Promise<number> {
  const promises = await readSpaceRecords(spaceIds);
  const owners = new Set(promises.flatMap(({ ownerId }) => ownerId ?? []));
  let count = 0;
  for (let from = 0; from <= job.batches; from += BATCHES_PER_READ) {
    const rows = await provisionExisting.batches(job).readMany(from, Math.min(job.batches + 1, from + BATCHES_PER_READ));
    count += rows.flat().filter((row) => isMade(row) && owners.has(row.accountId)).length;
  }
  return count;
}

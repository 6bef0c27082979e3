/** Copies promises into the directory: a transaction that changes a record leaves a key in the outbox, which is read here. */
import { defineWork, EVERY_TICK_MS, MORE } from '../agenda/define';
import { rememberedOf } from '../domain/directory';
import { type Person, spaceIdOf } from '../domain/person';
import { bucketOf } from '../domain/provisioning/rollout';
import type { PromisedSpace } from '../domain/space';
import { dayOf, MINUTE_MS } from '../domain/time';
import { orWhenMissing } from '../forge/errors';
import { type OutboxEntry, readOutbox, removeFromOutbox } from '../store/outbox';
import { readPersonRecords } from '../store/people';
import { markStale, pageOf } from '../store/settled';
import { readSpaceRecords } from '../store/spaces';
import { type Context, readContext } from './derive';
import { forgetRemembered, noteRemembered, noteSpacesGone } from './people';
import { dropPages, makePagesAnew } from './settled';
import { notePromises, removeSpaces } from './spaces';
import { readState } from './state';

export async function projectSpaces(records: readonly PromisedSpace[]): Promise<void> {
  const kept = records.flatMap(({ spaceId, status, template, access, ...space }) =>
    status === 'deleted' ? [] : [{ ...space, id: spaceId, status, access: access.actual, template: template.key }],
  );
  await notePromises(kept, Date.now());
  const gone = records.filter(({ status }) => status === 'deleted').map(({ spaceId }) => spaceId);
  await removeSpaces(gone);
  await noteSpacesGone(gone);
}

export async function projectPeople(records: readonly Person[], context: Context): Promise<void> {
  const now = Date.now();
  const known = records.map((person) => ({
    accountId: person.accountId,
    revision: person.revision,
    // A removed space is not in their hands.
    spaceId: person.state === 'removed' ? null : spaceIdOf(person),
    remembered: rememberedOf(person),
    version: 'policyVersion' in person ? person.policyVersion : null,
  }));
  await noteRemembered(known, context, dayOf(now), now);
}

/** Whoever acts reads the records themselves; who is left alone may rest on the rows (`directory/settled`). */
export const outbox = defineWork({ kind: 'outbox', everyMs: EVERY_TICK_MS, leaseMs: MINUTE_MS, run: drain });

/** Pages of each kind in one tick: 1,000 entries of the 4,000 units a minute that storage allows everybody (Forge: KVS limits). */
const PAGES_PER_TICK = 5;

/** Until nothing is left or the deadline (ms) has come. */
async function drain(now: number, deadline: number): Promise<typeof MORE | undefined> {
  const { pass } = (await readState()).data;
  const arePeopleLeft = await emptyOfPeople(pass, now, deadline);
  const areSpacesLeft = await empty('space', pass, deadline);
  return arePeopleLeft || areSpacesLeft ? MORE : undefined;
}

/** Whose record has changed is on a page that has to be made anew. @returns whether there may be more */
async function emptyOfPeople(pass: number, now: number, deadline: number): Promise<boolean> {
  const stale = new Set<number>();
  const note = async (entries: readonly OutboxEntry[]): Promise<void> => {
    const touched = entries.map(({ id }) => pageOf(bucketOf(id)));
    if (touched.some((page) => !stale.has(page))) await markStale(touched);
    for (const page of touched) stale.add(page);
  };
  try {
    const isMore = await empty('person', pass, deadline, note);
    // The rows of those who are still in the outbox say what they were: until they do not, nobody is left alone by them.
    if (isMore) await dropPages();
    else await makePagesAnew([...stale], now);
    return isMore;
  } catch (error) {
    await dropPages();
    throw error;
  }
}

/** @param note writes down what follows from these entries: once they are gone, nobody else would know @returns whether there may be more */
async function empty(
  entity: OutboxEntry['entity'],
  pass: number,
  deadline: number,
  note: (entries: readonly OutboxEntry[]) => Promise<void> = async () => {},
): Promise<boolean> {
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_PER_TICK && Date.now() < deadline; page += 1) {
    const { entries, cursor: next } = await readOutbox(entity, cursor);
    if (entries.length === 0) return false;
    // Without tables there is nothing to keep in step; when they are made, every record is read.
    await orWhenMissing(undefined, () => project(entries, pass));
    await note(entries);
    await removeFromOutbox(entries);
    if (next === null) return false;
    cursor = next;
  }
  return true;
}

async function project(entries: readonly OutboxEntry[], pass: number): Promise<void> {
  const idsOf = (entity: OutboxEntry['entity']): string[] => [
    ...new Set(entries.filter((entry) => entry.entity === entity).map(({ id }) => id)),
  ];
  const [spaceIds, accountIds] = [idsOf('space'), idsOf('person')];
  if (spaceIds.length > 0) await projectSpaces(await readSpaceRecords(spaceIds));
  if (accountIds.length === 0) return;
  const records = await readPersonRecords(accountIds);
  await projectPeople([...records.values()], await readContext(pass));
  for (const accountId of accountIds) if (!records.has(accountId)) await forgetRemembered(accountId);
}

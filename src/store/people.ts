/** What Homestead remembers of people; the key is the account id. */
import { kvs, Sort, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import type { EventBody } from '../domain/event';
import { isOpen, type Notice, type NoticeKind, newNotice } from '../domain/notice';
import { isIn, type Person, type PersonNews, type PersonStateName, spaceIdOf, type Transition } from '../domain/person';
import type { PolicyState } from '../domain/policy/document';
import { REASONS } from '../domain/reasons';
import type { PromisedSpace } from '../domain/space';
import { StaleRecord, UnreadableRecord } from '../forge/errors';
import { commit, KEYS_PER_BATCH, readBatch, type Transaction, whileRevision } from '../forge/kvs';
import { countBegun } from './counters';
import { deleteNotices, readNotices, setNotice } from './notices';
import { addToOutbox } from './outbox';
import { POLICY, POLICY_KEY, toPolicyState } from './policy';
import { setSpace } from './spaces';
import { addEvent } from './trail';
import { deleteWaiting, type Place, placeKeys, toPlace } from './waiting';
import { listForWork, takeOffList } from './worklist';

const PERSON = 'person';

const Reason = z.enum(REASONS);
const policyVersion = z.number().int();
const failures = z.number().int();
const state = <S extends PersonStateName>(name: S) => z.literal(name);

/** A state as it is stored. */
const StoredState = z.discriminatedUnion('state', [
  z.object({ state: state('excluded'), reason: Reason, recheckAt: z.number().nullable(), policyVersion }),
  z.object({ state: state('offered'), policyVersion }),
  z.object({ state: state('postponed'), until: z.number(), policyVersion }),
  z.object({ state: state('declined') }),
  z.object({
    state: state('creating'),
    cause: Reason,
    runId: z.string().optional(),
    call: z.string(),
    failures,
    retryAt: z.number().nullable(),
  }),
  z.object({
    state: state('adopting'),
    cause: Reason,
    adopted: z.object({ spaceId: z.string(), keepsPages: z.boolean(), keepsAccess: z.boolean() }),
    failures,
    retryAt: z.number().nullable(),
  }),
  z.object({
    state: state('ready'),
    spaceId: z.string(),
    origin: z.enum(['created', 'adopted']),
    remindAt: z.number().nullable(),
  }),
  z.object({
    state: state('has-space'),
    spaceId: z.string(),
    spaceKey: z.string().nullable(),
    reason: Reason,
    recheckAt: z.number().nullable(),
  }),
  z.object({
    state: state('removed'),
    spaceId: z.string(),
    spaceKey: z.string().nullable(),
    how: z.enum(['archived', 'trashed', 'deleted']),
    by: z.string(),
    recheckAt: z.number(),
  }),
  z.object({ state: state('refused'), reason: Reason, recheckAt: z.number(), failures, policyVersion }),
]);

const Stored = z.object({
  revision: z.number().int(),
  changedAt: z.number(),
  data: z.intersection(z.object({ schemaVersion: z.literal(1) }), StoredState),
});

/** @throws UnreadableRecord, which protects its person from a second space */
function toPerson(accountId: string, stored: unknown): Person | null {
  if (stored === undefined) return null;
  const parsed = Stored.safeParse(stored);
  if (!parsed.success) throw new UnreadableRecord(PERSON, accountId);
  const { revision, changedAt, data } = parsed.data;
  const { schemaVersion, ...own } = data;
  return { accountId, revision, since: changedAt, ...own };
}

export async function readPersonRecord(accountId: string): Promise<Person | null> {
  return toPerson(accountId, await kvs.entity<unknown>(PERSON).get(accountId));
}

/** What is known of a person before anything is asked of Confluence. */
export interface Remembered {
  policy: PolicyState;
  person: Person | null;
}

/** Policy and person in one request: the trigger's only read for a settled person. */
export async function readPolicyAndPerson(accountId: string): Promise<Remembered> {
  const found = await readBatch([
    { key: POLICY_KEY, entityName: POLICY },
    { key: accountId, entityName: PERSON },
  ]);
  return { policy: toPolicyState(found.get(POLICY_KEY)), person: toPerson(accountId, found.get(accountId)) };
}

/** What whoever is about to work for a person has to know, in one request. */
export async function readForTurn(accountId: string): Promise<Remembered & Place> {
  const keys = [{ key: POLICY_KEY, entityName: POLICY }, { key: accountId, entityName: PERSON }, ...placeKeys(accountId)];
  const found = await readBatch(keys);
  const [policy, person] = [toPolicyState(found.get(POLICY_KEY)), toPerson(accountId, found.get(accountId))];
  return { policy, person, ...toPlace(accountId, found) };
}

/** The same without the policy, for whoever does not act yet. */
export async function readPersonAndPlace(accountId: string): Promise<{ person: Person | null } & Place> {
  const found = await readBatch([{ key: accountId, entityName: PERSON }, ...placeKeys(accountId)]);
  return { person: toPerson(accountId, found.get(accountId)), ...toPlace(accountId, found) };
}

/** The records of these people, those that exist. One that cannot be read is left out: its person is looked at when their turn comes. */
export async function readPersonRecords(accountIds: readonly string[]): Promise<Map<string, Person>> {
  const records = new Map<string, Person>();
  for (let i = 0; i < accountIds.length; i += KEYS_PER_BATCH) {
    const keys = accountIds.slice(i, i + KEYS_PER_BATCH).map((key) => ({ key, entityName: PERSON }));
    for (const [accountId, stored] of await readBatch(keys)) {
      const person = Stored.safeParse(stored).success ? toPerson(accountId, stored) : null;
      if (person) records.set(accountId, person);
    }
  }
  return records;
}

/** People who were left without a space are looked at again at their next activity: something about them has changed. */
export async function wakeLeftOut(accountIds: readonly string[], now: number): Promise<void> {
  for (const person of (await readPersonRecords(accountIds)).values()) await wake(person, now);
}

/** The worklist by which the schedule hears that those who were refused may try again. */
export const REFUSED_PEOPLE = 'refused-people';

/** Confluence refuses no more: everybody whom it refused gets another try. */
export const wakeRefused = (): Promise<void> => listForWork(REFUSED_PEOPLE, 'all');
export const allRefusedAwake = (): Promise<void> => takeOffList(REFUSED_PEOPLE, ['all']);

/** Whoever was left out, or refused, is looked at again at their next activity. */
export async function wake(person: Person, now: number): Promise<void> {
  if (!isIn(person, 'excluded', 'refused') || (person.recheckAt ?? Number.POSITIVE_INFINITY) <= now) return;
  try {
    await writePerson(person, { person: { ...person, recheckAt: now }, news: null, notice: 'keep' }, { by: 'app', at: now });
  } catch (error) {
    // Somebody has just looked at them.
    if (!(error instanceof StaleRecord)) throw error;
  }
}

interface PersonWrite {
  /** Who did it: an account id, `app`, or `unknown`. */
  by: string;
  /** ms */
  at: number;
  policyVersion?: number | null;
  runId?: string | null;
  /** The space's record, written in the same transaction. */
  space?: PromisedSpace | null;
  /** Counts this person as one of the day's, at this moment (ms); with the day full nothing is written. */
  begunOn?: { at: number; perDay: number } | undefined;
}

export interface Moved {
  person: Person;
  space: PromisedSpace | null;
  /** To be raised now. */
  raise: Notice | null;
  /** A notice was open and is answered by this. */
  hadNotice: boolean;
}

/** The states in which a notice may be open, and which notice. */
const NOTICES_OF: Partial<Record<PersonStateName, readonly NoticeKind[]>> = {
  offered: ['offer'],
  postponed: ['offer'],
  ready: ['ready', 'adopted', 'details'],
};

/**
 * Writes a transition in one transaction: the record, its space, its trail entry, its notices, the outbox, and the day's count.
 * @param before the record that the transition began from
 * @throws StaleRecord if another run moved the person on in the meantime
 */
export async function writePerson(before: Person | null, transition: Transition, write: PersonWrite): Promise<Moved> {
  const { person, news, notice } = transition;
  const { accountId } = person;
  const revision = person.revision + 1;
  const kinds = notice === 'keep' || before === null ? [] : (NOTICES_OF[before.state] ?? []);
  const open = kinds.length === 0 ? [] : (await readNotices(accountId, kinds)).filter(isOpen);

  const transaction = kvs.transact().set(accountId, fromPerson(person, revision), whileRevision(PERSON, person.revision));
  // Of what is begun for somebody new something else comes within seconds. Whoever was known in another state is not left alone for it.
  const isBegun = isIn(person, 'creating', 'adopting');
  if (!isBegun || (before && !isIn(before, 'creating', 'adopting'))) addToOutbox(transaction, 'person', accountId, revision);
  const space = write.space ? setSpace(transaction, write.space) : null;
  for (const answered of open)
    if (answered.kind !== notice) setNotice(transaction, { ...answered, state: 'answered', answeredAt: write.at });
  const raise = notice === null || notice === 'keep' ? null : newNotice(accountId, notice, spaceIdOf(person), write.at);
  if (raise) setNotice(transaction, raise);
  if (news) addPersonEvent(transaction, person, revision, news, write);
  if (write.begunOn) await countBegun(transaction, write.begunOn.at, write.begunOn.perDay);
  await commit(transaction);
  return {
    person: { ...person, revision },
    space,
    raise,
    hadNotice: open.length > 0,
  };
}

function fromPerson({ accountId: _key, revision: _old, since, ...data }: Person, revision: number) {
  const spaceId = spaceIdOf(data);
  return { revision, state: data.state, changedAt: since, ...(spaceId === null ? {} : { spaceId }), data: { schemaVersion: 1, ...data } };
}

function addPersonEvent(transaction: Transaction, person: Person, revision: number, news: PersonNews, write: PersonWrite): void {
  const { by, at, policyVersion: version = null, runId = null, space = null } = write;
  addEvent(transaction, `person:${person.accountId}:${revision}`, {
    at,
    by,
    accountId: person.accountId,
    spaceId: news.spaceId,
    runId,
    reason: news.reason,
    policyVersion: version,
    body: bodyOf(news, person, space),
  });
}

function bodyOf(news: PersonNews, person: Person, space: PromisedSpace | null): EventBody {
  switch (news.kind) {
    case 'provisioned':
    case 'adopted':
      return {
        kind: news.kind,
        spaceKey: space?.key ?? null,
        access: space?.access.actual ?? 'unknown',
        template: space?.template.source ?? 'kept',
        templateProblem: space?.template.problem ?? null,
        call: space?.call ?? null,
        appRole: space?.appRole.outcome ?? 'unknown',
      };
    case 'refused':
      return { kind: 'refused', detail: news.detail };
    case 'removed':
    case 'returned':
      return { kind: news.kind, spaceKey: isIn(person, 'removed', 'has-space') ? person.spaceKey : (space?.key ?? null) };
    default:
      return { kind: news.kind };
  }
}

/** Forgets a person altogether, with what the trail says of it. Also a record that cannot be read. */
export async function deletePerson(accountId: string, { by, at }: Pick<PersonWrite, 'by' | 'at'>): Promise<void> {
  const transaction = kvs.transact().delete(accountId, { entityName: PERSON });
  // Its revision may be unreadable, too: the time is no less unique.
  addToOutbox(transaction, 'person', accountId, at);
  const frame = { at, by, accountId, spaceId: null, runId: null, reason: null, policyVersion: null };
  addEvent(transaction, `person:${accountId}:forgotten-${at}`, { ...frame, body: { kind: 'forgotten' } });
  await commit(transaction);
}

/** Deletes everything that is stored under a closed account, in one transaction and without a trail entry. */
export async function erasePerson(accountId: string): Promise<void> {
  const stored = await kvs.entity<unknown>(PERSON).get(accountId);
  const parsed = Stored.safeParse(stored);
  const transaction = kvs.transact();
  if (stored !== undefined) transaction.delete(accountId, { entityName: PERSON });
  if (parsed.success) addToOutbox(transaction, 'person', accountId, parsed.data.revision + 1);
  deleteNotices(transaction, accountId);
  deleteWaiting(transaction, accountId);
  await commit(transaction);
}

/** People whose recorded space is this one; a query, so it may lag by seconds. One that cannot be read is left out. */
export async function findPeopleBySpace(spaceId: string): Promise<Person[]> {
  const { results } = await kvs
    .entity<{ spaceId: string }>(PERSON)
    .query()
    .index('spaceId')
    .where(Where.equalTo(spaceId))
    .limit(10)
    .getMany();
  return results.flatMap(({ key, value }) => (Stored.safeParse(value).success ? (toPerson(key, value) ?? []) : []));
}

interface PeoplePage {
  people: Person[];
  /** Account ids of records that are listed here and cannot be read. */
  unreadable: string[];
  cursor: string | null;
}

/** People in this state, latest change first. */
export async function listPeople(name: PersonStateName, limit: number, cursor?: string): Promise<PeoplePage> {
  const query = kvs
    .entity<unknown>(PERSON)
    .query()
    .index('by-state', { partition: [name] })
    .sort(Sort.DESC)
    .limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const readable = page.results.filter(({ value }) => Stored.safeParse(value).success);
  return {
    people: readable.flatMap(({ key, value }) => toPerson(key, value) ?? []),
    unreadable: page.results.filter((result) => !readable.includes(result)).map(({ key }) => key),
    cursor: page.nextCursor ?? null,
  };
}

/** Every person on record, a page at a time. One that cannot be read is left out. */
export async function listPersonRecords(limit: number, cursor?: string): Promise<{ people: Person[]; cursor: string | null }> {
  const query = kvs.entity<unknown>(PERSON).query().index('by-key').limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const people = page.results.flatMap(({ key, value }) => (Stored.safeParse(value).success ? (toPerson(key, value) ?? []) : []));
  return { people, cursor: page.nextCursor ?? null };
}

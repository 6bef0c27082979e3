/** What Homestead remembers of people; the key is the account id. */
import { kvs, Sort, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import type { PolicyState } from '../domain/policy/document';
import { type PersonRecord, REASONS } from '../domain/provisioning/decide';
import { commit, KEYS_PER_BATCH, whileRevision } from '../forge/kvs';
import { countBegun } from './counters';
import { POLICY, POLICY_KEY, toPolicyState } from './policy';
import { type AuditEntry, addAudit } from './trail';

const PERSON = 'person';

export const PersonState = z.enum(['offered', 'postponed', 'declined', 'creating', 'ready', 'has-space', 'removed', 'refused', 'excluded']);
const Access = z.enum(['private', 'licensed', 'open', 'unknown']);
/** Who can see a space: `open` = more people than the policy's two words say; `unknown` = could not be read. */
export type Access = z.infer<typeof Access>;

const PersonData = z.object({
  recheckAt: z.number().nullable(),
  policyVersion: z.number().int(),
  /** due = to be raised, open = the person has not answered, done = answered or not needed. */
  notice: z.enum(['due', 'open', 'done']),
  spaceKey: z.string().nullable(),
  access: Access.nullable(),
  /** The creation call that worked; null also for a space that Homestead did not make. */
  strategy: z.string().nullable(),
  /** Key of the policy's template that was used. */
  templateKey: z.string().nullable(),
  /** Where the homepage came from; `kept` = somebody else had written it. */
  template: z.enum(['builtin', 'confluence', 'kept']).nullable(),
  templateProblem: z.string().nullable(),
  lacksDetails: z.boolean(),
  /** Has been reminded of missing details. */
  isReminded: z.boolean(),
  /** Of `creating`: the space that is being brought to policy. */
  adopts: z.object({ spaceId: z.string(), keepsPages: z.boolean(), keepsAccess: z.boolean() }).nullable(),
  /** Who put the space away, or declined: an account id, `app`, or `unknown`. */
  by: z.string().nullable(),
  /** How often Confluence failed while the space was being made. */
  tries: z.number().int(),
});
const StoredPerson = z.object({
  revision: z.number().int(),
  state: PersonState,
  reason: z.enum(REASONS),
  changedAt: z.number(),
  spaceId: z.string().optional(),
  data: PersonData,
});

export type StoredPersonRecord = PersonRecord & z.infer<typeof PersonData> & { revision: number; spaceId: string | null };

/** A record nobody has written yet; revision 0. */
export function newPerson(accountId: string): StoredPersonRecord {
  return {
    accountId,
    revision: 0,
    state: 'excluded',
    reason: 'account-unknown',
    changedAt: 0,
    spaceId: null,
    recheckAt: null,
    policyVersion: 0,
    notice: 'done',
    spaceKey: null,
    access: null,
    strategy: null,
    templateKey: null,
    template: null,
    templateProblem: null,
    lacksDetails: false,
    isReminded: false,
    adopts: null,
    by: null,
    tries: 0,
  };
}

/** @throws ZodError: a record that cannot be read protects its person from a second space. */
function toPerson(accountId: string, stored: unknown): StoredPersonRecord | null {
  if (stored === undefined) return null;
  const { data, spaceId, ...rest } = StoredPerson.parse(stored);
  return { accountId, ...rest, ...data, spaceId: spaceId ?? null };
}

function fromPerson({ accountId: _key, revision, state, reason, changedAt, spaceId, ...data }: StoredPersonRecord) {
  return { revision: revision + 1, state, reason, changedAt, ...(spaceId === null ? {} : { spaceId }), data };
}

export async function readPersonRecord(accountId: string): Promise<StoredPersonRecord | null> {
  return toPerson(accountId, await kvs.entity<unknown>(PERSON).get(accountId));
}

/** Policy and person in one request: the trigger's only read for a settled person. */
export async function readPolicyAndPerson(accountId: string): Promise<{ policy: PolicyState; person: StoredPersonRecord | null }> {
  const found = await readBatch([
    { key: POLICY_KEY, entityName: POLICY },
    { key: accountId, entityName: PERSON },
  ]);
  return { policy: toPolicyState(found.get(POLICY_KEY)), person: toPerson(accountId, found.get(accountId)) };
}

/** The records of these people, those that exist. */
export async function readPersonRecords(accountIds: readonly string[]): Promise<Map<string, StoredPersonRecord>> {
  const records = new Map<string, StoredPersonRecord>();
  for (let i = 0; i < accountIds.length; i += KEYS_PER_BATCH) {
    const keys = accountIds.slice(i, i + KEYS_PER_BATCH).map((key) => ({ key, entityName: PERSON }));
    for (const [accountId, stored] of await readBatch(keys)) {
      // One that cannot be read stops nobody else; its person is looked at when their turn comes.
      if (!StoredPerson.safeParse(stored).success) continue;
      const person = toPerson(accountId, stored);
      if (person) records.set(accountId, person);
    }
  }
  return records;
}

/** @throws Error when a record that exists was not read */
async function readBatch(keys: { key: string; entityName: string }[]): Promise<Map<string, unknown>> {
  const { successfulKeys, failedKeys } = await kvs.batchGet<unknown>(keys);
  const broken = failedKeys.find((failed) => failed.error.code !== 'KEY_NOT_FOUND');
  if (broken) throw new Error(`cannot read ${broken.entityName}: ${broken.error.code}`);
  return new Map(successfulKeys.map(({ key, value }) => [key, value]));
}

interface PersonWrite {
  audit?: AuditEntry | undefined;
  /** Counts this person as one of the day's, at this moment (ms); with the day full nothing is written. */
  begunOn?: { at: number; perDay: number } | undefined;
}

/** Writes the record, and in the same moment what the audit trail and the day's count say of it. @throws StaleRecord */
export async function writePerson(person: StoredPersonRecord, { audit, begunOn }: PersonWrite = {}): Promise<StoredPersonRecord> {
  const transaction = kvs.transact().set(person.accountId, fromPerson(person), whileRevision(PERSON, person.revision));
  if (audit) addAudit(transaction, audit);
  if (begunOn !== undefined) await countBegun(transaction, begunOn.at, begunOn.perDay);
  await commit(transaction);
  return { ...person, revision: person.revision + 1 };
}

/** People whose recorded space is this one; a query, so it may lag by seconds. */
export async function findPeopleBySpace(spaceId: string): Promise<StoredPersonRecord[]> {
  const { results } = await kvs
    .entity<{ spaceId: string }>(PERSON)
    .query()
    .index('spaceId')
    .where(Where.equalTo(spaceId))
    .limit(10)
    .getMany();
  return results.flatMap(({ key, value }) => toPerson(key, value) ?? []);
}

/** People in this state, latest change first. */
export async function listPeople(
  state: PersonRecord['state'],
  limit: number,
  cursor?: string,
): Promise<{ people: StoredPersonRecord[]; cursor: string | null }> {
  const query = kvs
    .entity<unknown>(PERSON)
    .query()
    .index('by-state', { partition: [state] })
    .sort(Sort.DESC)
    .limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  return { people: page.results.flatMap(({ key, value }) => toPerson(key, value) ?? []), cursor: page.nextCursor ?? null };
}

export type ProvisioningKind =
  | 'provisioned'
  | 'adopted'
  | 'offered'
  | 'refused'
  | 'removed'
  | 'returned'
  | 'lifted'
  | 'declined'
  | 'undone'
  | 'postponed';

/** The audit entry of what became of a person; the same happening has the same key. */
export function provisioningAudit(
  person: StoredPersonRecord,
  kind: ProvisioningKind,
  actor: string,
  at: number,
  detail: string | null = null,
): AuditEntry {
  const { accountId, reason, spaceId, spaceKey, access, template, templateProblem, strategy } = person;
  return {
    key: `provisioning:${accountId}:${kind}:${spaceId ?? reason}`,
    scope: 'provisioning',
    kind,
    at,
    actor,
    details: { accountId, reason, spaceKey, access, template, templateProblem, strategy, detail },
  };
}

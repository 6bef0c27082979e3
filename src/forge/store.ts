/**
 * What Homestead keeps, and the only place that knows its keys. Records that two invocations may
 * write are entities with a `revision`: a write names the revision it read, and fails when that is no
 * longer the newest (Forge has conditions for entities only).
 */
import { Filter, ForgeKvsAPIError, FilterConditions as If, kvs, Sort, WhereConditions as Where } from '@forge/kvs';
import { z } from 'zod';
import type { Selection } from '../domain/cleanup';
import { DEFAULT_POLICY, Policy, type PolicyState } from '../domain/policy';
import type { PersonRecord } from '../domain/provisioning';
import { StaleRecord } from './errors';

/** Entity names as manifest.yml declares them. */
const POLICY = 'policy';
const PERSON = 'person';
const AUDIT = 'audit';
const JOB = 'job';
const POLICY_KEY = 'site';

/** Codes of a transaction whose condition was false, and of a key that exists. */
const CONFLICT_CODES = ['CONDITIONAL_CHECK_FAILED', 'KEY_CONFLICT'];

async function conditionally(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof ForgeKvsAPIError && CONFLICT_CODES.includes(error.code)) throw new StaleRecord();
    throw error;
  }
}

/** The record may be written if its revision is still the one that was read; 0 = there was none. */
function whileRevision(entityName: string, revision: number) {
  const filter = new Filter<{ revision: number }>();
  return {
    entityName,
    conditions: revision === 0 ? filter.and('revision', If.notExists()) : filter.and('revision', If.equalTo(revision)),
  };
}

// --- policy ----------------------------------------------------------------------------------------

const StoredPolicy = z.object({ revision: z.number().int(), savedBy: z.string(), savedAt: z.number(), document: z.unknown() });

function toPolicyState(stored: unknown): PolicyState {
  if (stored === undefined) return { kind: 'unset', policy: DEFAULT_POLICY, version: 0 };
  const envelope = StoredPolicy.safeParse(stored);
  if (!envelope.success) return { kind: 'unreadable', problem: z.prettifyError(envelope.error) };
  const policy = Policy.safeParse(envelope.data.document);
  if (!policy.success) return { kind: 'unreadable', problem: z.prettifyError(policy.error) };
  const { revision, savedBy, savedAt } = envelope.data;
  return { kind: 'saved', policy: policy.data, version: revision, savedBy, savedAt };
}

export async function readPolicy(): Promise<PolicyState> {
  return toPolicyState(await kvs.entity<unknown>(POLICY).get(POLICY_KEY));
}

/** What the audit trail says of a saved policy. */
function policyAudit(policy: Policy, revision: number, savedBy: string, now: number) {
  return { scope: 'policy', kind: 'saved', at: now, actor: savedBy, details: { revision, mode: policy.mode } };
}

/** Writes the version after `baseVersion`. @throws StaleRecord when somebody saved in between */
export async function writePolicy(policy: Policy, baseVersion: number, savedBy: string, now: number): Promise<PolicyState> {
  const revision = baseVersion + 1;
  const stored = { revision, savedBy, savedAt: now, document: policy };
  await conditionally(() =>
    kvs
      .transact()
      .set(POLICY_KEY, stored, whileRevision(POLICY, baseVersion))
      .set(`policy:${revision}`, policyAudit(policy, revision, savedBy, now), { entityName: AUDIT })
      .execute(),
  );
  return toPolicyState(stored);
}

/** Keeps the unreadable policy under a key of its own and starts over with the default. */
export async function replaceUnreadablePolicy(savedBy: string, now: number): Promise<PolicyState> {
  const unreadable = await kvs.entity<{ revision?: unknown }>(POLICY).get(POLICY_KEY);
  const revision = typeof unreadable?.revision === 'number' ? unreadable.revision + 1 : 1;
  const stored = { revision, savedBy, savedAt: now, document: DEFAULT_POLICY };
  await kvs
    .transact()
    .set(`policy-unreadable:${now}`, unreadable ?? {})
    .set(POLICY_KEY, stored, { entityName: POLICY })
    .set(`policy:${revision}`, policyAudit(DEFAULT_POLICY, revision, savedBy, now), { entityName: AUDIT })
    .execute();
  return toPolicyState(stored);
}

// --- people ----------------------------------------------------------------------------------------

const PersonState = z.enum(['offered', 'postponed', 'declined', 'creating', 'ready', 'has-space', 'removed', 'refused', 'excluded']);

/** `notice`: due = to be raised, open = the person has not answered, done = answered or not needed. */
const StoredPerson = z.object({
  revision: z.number().int(),
  state: PersonState,
  reason: z.string(),
  changedAt: z.number(),
  spaceId: z.string().optional(),
  data: z.object({
    recheckAt: z.number().nullable(),
    notice: z.enum(['due', 'open', 'done']),
    spaceKey: z.string().nullable(),
    access: z.enum(['private', 'open', 'unknown']).nullable(),
    strategy: z.string().nullable(),
    template: z.enum(['builtin', 'confluence', 'kept']).nullable(),
    templateProblem: z.string().nullable(),
    tries: z.number().int().default(0),
  }),
});

export interface StoredPersonRecord extends PersonRecord {
  revision: number;
  notice: 'due' | 'open' | 'done';
  spaceId: string | null;
  spaceKey: string | null;
  access: 'private' | 'open' | 'unknown' | null;
  /** The creation call that worked. */
  strategy: string | null;
  /** Where the homepage came from; `kept` = somebody else had written it. */
  template: 'builtin' | 'confluence' | 'kept' | null;
  templateProblem: string | null;
  /** How often Confluence failed while the space was being made. */
  tries: number;
}

/** A record nobody has written yet; revision 0. */
export function newPerson(accountId: string): StoredPersonRecord {
  return {
    accountId,
    revision: 0,
    state: 'excluded',
    reason: 'account-unknown',
    changedAt: 0,
    recheckAt: null,
    notice: 'done',
    spaceId: null,
    spaceKey: null,
    access: null,
    strategy: null,
    template: null,
    templateProblem: null,
    tries: 0,
  };
}

/** @throws ZodError: a record that cannot be read protects its person from a second space. */
function toPerson(accountId: string, stored: unknown): StoredPersonRecord | null {
  if (stored === undefined) return null;
  const { revision, state, reason, changedAt, spaceId, data } = StoredPerson.parse(stored);
  return { accountId, revision, state, reason: reason as PersonRecord['reason'], changedAt, spaceId: spaceId ?? null, ...data };
}

function fromPerson(person: StoredPersonRecord) {
  const { state, reason, changedAt, spaceId, recheckAt, notice, spaceKey, access, strategy, template, templateProblem, tries } = person;
  return {
    revision: person.revision + 1,
    state,
    reason,
    changedAt,
    ...(spaceId === null ? {} : { spaceId }),
    data: { recheckAt, notice, spaceKey, access, strategy, template, templateProblem, tries },
  };
}

export async function readPersonRecord(accountId: string): Promise<StoredPersonRecord | null> {
  return toPerson(accountId, await kvs.entity<unknown>(PERSON).get(accountId));
}

/** Policy and person in one request: the trigger's only read for a settled person. */
export async function readPolicyAndPerson(accountId: string): Promise<{ policy: PolicyState; person: StoredPersonRecord | null }> {
  const { successfulKeys, failedKeys } = await kvs.batchGet<unknown>([
    { key: POLICY_KEY, entityName: POLICY },
    { key: accountId, entityName: PERSON },
  ]);
  const broken = failedKeys.find((failed) => failed.error.code !== 'KEY_NOT_FOUND');
  if (broken) throw new Error(`cannot read ${broken.entityName}: ${broken.error.code}`);
  const readValue = (entityName: string): unknown => successfulKeys.find((item) => item.entityName === entityName)?.value;
  return { policy: toPolicyState(readValue(POLICY)), person: toPerson(accountId, readValue(PERSON)) };
}

/** Writes the record, and with it what the audit trail says of it. @throws StaleRecord */
export async function writePerson(person: StoredPersonRecord, audit?: AuditEntry): Promise<StoredPersonRecord> {
  const transaction = kvs.transact().set(person.accountId, fromPerson(person), whileRevision(PERSON, person.revision));
  if (audit) transaction.set(audit.key, fromAudit(audit), { entityName: AUDIT });
  await conditionally(() => transaction.execute());
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

/** Ids of spaces that Homestead made, newest first. */
export async function listMadeSpaces(limit: number): Promise<string[]> {
  const page = await kvs
    .entity<unknown>(PERSON)
    .query()
    .index('by-state', { partition: ['ready'] })
    .sort(Sort.DESC)
    .limit(limit)
    .getMany();
  return page.results.flatMap(({ key, value }) => toPerson(key, value)?.spaceId ?? []);
}

// --- audit -----------------------------------------------------------------------------------------

export type AuditScope = 'provisioning' | 'cleanup' | 'policy';

export interface AuditEntry {
  /** The same for the same happening, so that a repeat writes nothing new. */
  key: string;
  scope: AuditScope;
  kind: string;
  at: number;
  /** Who did it: an account id, or `app`. */
  actor: string;
  details: Record<string, string | number | null>;
}

export type ProvisioningKind = 'provisioned' | 'offered' | 'refused' | 'removed' | 'declined' | 'postponed';

/** The audit entry of what became of a person; the same happening has the same key. */
export function provisioningAudit(
  person: StoredPersonRecord,
  kind: ProvisioningKind,
  actor: string,
  at: number,
  detail: string | null,
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

const StoredAudit = z.object({
  scope: z.enum(['provisioning', 'cleanup', 'policy']),
  kind: z.string(),
  at: z.number(),
  actor: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});

function fromAudit({ key: _key, ...entry }: AuditEntry) {
  return entry;
}

/** Newest first. */
export async function listAudit(
  scope: AuditScope,
  limit: number,
  cursor?: string,
): Promise<{ entries: AuditEntry[]; cursor: string | null }> {
  const query = kvs
    .entity<unknown>(AUDIT)
    .query()
    .index('by-time', { partition: [scope] })
    .sort(Sort.DESC)
    .limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const entries = page.results.flatMap(({ key, value }) => {
    const parsed = StoredAudit.safeParse(value);
    return parsed.success ? [{ key, ...parsed.data }] : [];
  });
  return { entries, cursor: page.nextCursor ?? null };
}

// --- jobs ------------------------------------------------------------------------------------------

const SelectionSchema: z.ZodType<Selection> = z.union([
  z.object({ kind: z.literal('some'), spaces: z.array(z.object({ chunk: z.number().int(), spaceId: z.string() })) }),
  z.object({ kind: z.literal('all'), except: z.array(z.string()) }),
]);

const JobData = z.object({
  idleDays: z.number(),
  unchangedSince: z.number(),
  /** What an archive or restore job works on: a survey, or an archive job. */
  source: z.string().nullable(),
  /** How many chunks the source had completed when this job was made. */
  sourceChunks: z.number().int(),
  selection: SelectionSchema.nullable(),
  /** Path of the next page of spaces; surveys only. */
  cursor: z.string().nullable(),
  chunks: z.number().int(),
  /** How many spaces it is to act on; 0 where that is not known (survey). */
  total: z.number().int(),
  counts: z.record(z.string(), z.number()),
  waitingUntil: z.number().nullable(),
  /** Points spent in the hour that began at `hourStart` (ms). */
  hourStart: z.number(),
  hourPoints: z.number(),
  /** Failures of Confluence since the last progress. */
  failures: z.number().int(),
  startedBy: z.string(),
  problem: z.string().nullable(),
  updatedAt: z.number(),
});
const StoredJob = z.object({
  revision: z.number().int(),
  /** A plan becomes an archive job when it is started. */
  kind: z.enum(['survey', 'plan', 'archive', 'restore']),
  state: z.enum(['planned', 'running', 'cancelling', 'cancelled', 'done', 'failed']),
  createdAt: z.number(),
  data: JobData,
});
export type Job = { id: string } & Omit<z.infer<typeof StoredJob>, 'data'> & z.infer<typeof JobData>;
export type JobKind = Job['kind'];

function toJob(id: string, stored: unknown): Job {
  const { data, ...rest } = StoredJob.parse(stored);
  return { id, ...rest, ...data };
}

export async function readJob(id: string): Promise<Job | null> {
  const stored = await kvs.entity<unknown>(JOB).get(id);
  return stored === undefined ? null : toJob(id, stored);
}

/** Writes the job, and with it what the audit trail says of it. @throws StaleRecord when somebody changed it since it was read */
export async function writeJob(job: Job, audit?: AuditEntry): Promise<Job> {
  const { id, revision, kind, state, createdAt, ...data } = job;
  const stored = { revision: revision + 1, kind, state, createdAt, data };
  const transaction = kvs.transact().set(id, stored, whileRevision(JOB, revision));
  if (audit) transaction.set(audit.key, fromAudit(audit), { entityName: AUDIT });
  await conditionally(() => transaction.execute());
  return { ...job, revision: revision + 1 };
}

/** Newest first. */
export async function listJobs(kind: JobKind, limit: number): Promise<Job[]> {
  const page = await kvs
    .entity<unknown>(JOB)
    .query()
    .index('by-kind', { partition: [kind] })
    .sort(Sort.DESC)
    .limit(limit)
    .getMany();
  return page.results.flatMap(({ key, value }) => {
    const parsed = StoredJob.safeParse(value);
    return parsed.success ? [toJob(key, value)] : [];
  });
}

const Row = z.object({
  spaceId: z.string(),
  key: z.string(),
  ownerId: z.string().nullable(),
  createdAt: z.number(),
  /** Of archive and restore jobs. `acting` = the call was about to be made when this was written. */
  outcome: z.enum(['acting', 'archived', 'restored', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  /** How often acting on this space has failed. */
  tries: z.number().int().optional(),
});
export type Row = z.infer<typeof Row>;
const Chunk = z.object({ rows: z.array(Row) });

/** Rows name people by account id: they are kept as long as somebody may want to undo a clean-up, not for ever. */
const CHUNK_DAYS = 180;

const chunkKey = (jobId: string, chunk: number): string => `chunk:${jobId}:${String(chunk).padStart(6, '0')}`;

export async function readChunk(jobId: string, chunk: number): Promise<Row[] | null> {
  const stored = await kvs.get<unknown>(chunkKey(jobId, chunk));
  return stored === undefined ? null : Chunk.parse(stored).rows;
}

export async function writeChunk(jobId: string, chunk: number, rows: Row[]): Promise<void> {
  await kvs.set(chunkKey(jobId, chunk), { rows }, { ttl: { value: CHUNK_DAYS, unit: 'DAYS' } });
}

// --- small facts about the site --------------------------------------------------------------------

const CreationStrategies = z.object({ worked: z.string().nullable(), unfit: z.array(z.string()) });
export type CreationStrategies = z.infer<typeof CreationStrategies>;

/** Which creation call worked last on this site, and which made something other than a personal space. */
export async function readCreationStrategies(): Promise<CreationStrategies> {
  const parsed = CreationStrategies.safeParse(await kvs.get<unknown>('creation-strategies'));
  return parsed.success ? parsed.data : { worked: null, unfit: [] };
}

export async function writeCreationStrategies(strategies: CreationStrategies): Promise<void> {
  await kvs.set('creation-strategies', strategies);
}

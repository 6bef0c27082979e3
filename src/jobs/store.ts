/** Jobs, and the rows they work through: plain keys `chunk:<job>:<number>`. */
import { kvs, Sort } from '@forge/kvs';
import { z } from 'zod';
import type { Selection } from '../domain/cleanup';
import type { TrailEvent } from '../domain/event';
import { commit, KEYS_PER_BATCH, whileRevision } from '../forge/kvs';
import { StoredState } from '../store/people';
import { addEvent } from '../store/trail';

const JOB = 'job';

const SelectionSchema: z.ZodType<Selection> = z.union([
  z.object({ kind: z.literal('some'), spaces: z.array(z.object({ chunk: z.number().int(), spaceId: z.string() })) }),
  z.object({ kind: z.literal('all'), except: z.array(z.string()) }),
]);

/** What a survey, an archive or a restore job needs to know. */
const CleanupWork = z.object({
  task: z.literal('cleanup'),
  idleDays: z.number(),
  unchangedSince: z.number(),
  /** What an archive or restore job works on: a survey, or an archive job. */
  source: z.string().nullable(),
  /** How many chunks the source had completed when this job was made. */
  sourceChunks: z.number().int(),
  selection: SelectionSchema.nullable(),
  /** Path of the next page of spaces; surveys only. */
  cursor: z.string().nullable(),
});

/** Counting people: first the members of every group that matters, then each person once. */
const CensusWork = z.object({
  task: z.literal('census'),
  /** The groups stand in chunks of their own: 5,000 of them would not fit in here. */
  groupCount: z.number().int(),
  licensedCount: z.number().int(),
  phase: z.enum(['members', 'people']),
  /** Where the phase is: a group and a page of it, or a page of members. */
  group: z.number().int(),
  page: z.number().int(),
  /** Pages of members that were written. */
  memberPages: z.number().int(),
});

/** Making spaces for people who have none, by the rows of a census. */
const ProvisionWork = z.object({
  task: z.literal('provision'),
  census: z.string(),
  censusChunks: z.number().int(),
  /** The policy that the plan was made under. */
  policyVersion: z.number().int(),
  cloudId: z.string(),
  /** People acted on, and of those who failed, when the present wave began. */
  waveStart: z.number().int(),
  failedBefore: z.number().int(),
});

const JobData = z.object({
  work: z.discriminatedUnion('task', [CleanupWork, CensusWork, ProvisionWork]),
  chunks: z.number().int(),
  /** How many rows it is to act on; 0 where that is not known. */
  total: z.number().int(),
  counts: z.record(z.string(), z.number()),
  waitingUntil: z.number().nullable(),
  /** Of a job in the schedule: another step keeps off until then. */
  leasedUntil: z.number().nullable(),
  /** Failures of Confluence since the last progress. */
  failures: z.number().int(),
  startedBy: z.string(),
  problem: z.string().nullable(),
  updatedAt: z.number(),
});
const StoredJob = z.object({
  revision: z.number().int(),
  /** A plan becomes an archive or a provision job when it is started. */
  kind: z.enum(['survey', 'plan', 'archive', 'restore', 'census', 'provision']),
  state: z.enum(['planned', 'running', 'paused', 'cancelling', 'cancelled', 'done', 'failed']),
  createdAt: z.number(),
  data: JobData,
});
export type Job = { id: string } & Omit<z.infer<typeof StoredJob>, 'data'> & z.infer<typeof JobData>;
export type JobKind = Job['kind'];
export type Work = Job['work'];
export type JobOf<T extends Work['task']> = Omit<Job, 'work'> & { work: Extract<Work, { task: T }> };

export function isTask<T extends Work['task']>(job: Job, task: T): job is JobOf<T> {
  return job.work.task === task;
}

function toJob(id: string, stored: unknown): Job {
  const { data, ...rest } = StoredJob.parse(stored);
  return { id, ...rest, ...data };
}

export async function readJob(id: string): Promise<Job | null> {
  const stored = await kvs.entity<unknown>(JOB).get(id);
  return stored === undefined ? null : toJob(id, stored);
}

/** Writes the job, and with it what the audit trail says of it. @throws StaleRecord when somebody changed it since it was read */
export async function writeJob<J extends Job>(job: J, event?: TrailEvent): Promise<J> {
  const { id, revision, kind, state, createdAt, ...data } = job;
  const stored = { revision: revision + 1, kind, state, createdAt, data };
  const transaction = kvs.transact().set(id, stored, whileRevision(JOB, revision));
  if (event) addEvent(transaction, `job:${id}:${revision + 1}`, event);
  await commit(transaction);
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

/** A space in a list of a survey, an archive or a restore job. */
const SpaceRow = z.object({
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
export type SpaceRow = z.infer<typeof SpaceRow>;

/** A person as a census found them; short names, because there are 100,000. */
const PersonRow = z.object({
  accountId: z.string(),
  type: z.string(),
  status: z.string(),
  isGuest: z.boolean(),
  spaceId: z.string().nullable(),
  /** Positions in the census's list of groups. */
  groups: z.array(z.number().int()),
  /** What Homestead remembered of them. */
  record: z.intersection(z.object({ since: z.number() }), StoredState).nullable(),
});
export type PersonRow = z.infer<typeof PersonRow>;

/** A person in a provision job. */
const ProvisionRow = z.object({
  accountId: z.string(),
  outcome: z.enum(['made', 'offered', 'adopted', 'kept', 'failed']).optional(),
  reason: z.string().optional(),
  tries: z.number().int().optional(),
});
export type ProvisionRow = z.infer<typeof ProvisionRow>;

const ROWS = {
  spaces: z.object({ rows: z.array(SpaceRow) }),
  people: z.object({ rows: z.array(PersonRow) }),
  provision: z.object({ rows: z.array(ProvisionRow) }),
  /** Some members of one group, by its position. */
  members: z.object({ rows: z.array(z.object({ group: z.number().int(), accountIds: z.array(z.string()) })) }),
  groups: z.object({ rows: z.array(z.string()) }),
} as const;
interface Rows {
  spaces: SpaceRow;
  people: PersonRow;
  provision: ProvisionRow;
  members: { group: number; accountIds: string[] };
  groups: string;
}

/** Rows name people by account id: they are kept as long as somebody may want to undo a job, not for ever. */
const CHUNK_DAYS = 180;

/** A census has three lists; every other job has one. */
const chunkKey = (kind: keyof Rows, jobId: string, chunk: number): string =>
  `chunk:${jobId}:${kind === 'members' || kind === 'groups' ? `${kind}-` : ''}${String(chunk).padStart(6, '0')}`;

export async function readChunk<K extends keyof Rows>(kind: K, jobId: string, chunk: number): Promise<Rows[K][] | null> {
  const stored = await kvs.get<unknown>(chunkKey(kind, jobId, chunk));
  return stored === undefined ? null : (ROWS[kind].parse(stored).rows as Rows[K][]);
}

/** Chunks `from` to `to` (not included), those that exist, in order. */
export async function readChunks<K extends keyof Rows>(kind: K, jobId: string, from: number, to: number): Promise<Rows[K][][]> {
  const chunks: Rows[K][][] = [];
  for (let start = from; start < to; start += KEYS_PER_BATCH) {
    const numbers = Array.from({ length: Math.min(KEYS_PER_BATCH, to - start) }, (_, i) => start + i);
    const { successfulKeys, failedKeys } = await kvs.batchGet<unknown>(numbers.map((n) => ({ key: chunkKey(kind, jobId, n) })));
    const broken = failedKeys.find((failed) => failed.error.code !== 'KEY_NOT_FOUND');
    if (broken) throw new Error(`cannot read a chunk: ${broken.error.code}`);
    const found = new Map(successfulKeys.map(({ key, value }) => [key, value]));
    for (const n of numbers) {
      const stored = found.get(chunkKey(kind, jobId, n));
      if (stored !== undefined) chunks.push(ROWS[kind].parse(stored).rows as Rows[K][]);
    }
  }
  return chunks;
}

export async function writeChunk<K extends keyof Rows>(kind: K, jobId: string, chunk: number, rows: Rows[K][]): Promise<void> {
  await kvs.set(chunkKey(kind, jobId, chunk), { rows }, { ttl: { value: CHUNK_DAYS, unit: 'DAYS' } });
}

const KINDS = StoredJob.shape.kind.options;
/** Newest jobs of a kind that are looked at for who started them. */
const JOBS_LOOKED_AT = 100;

/** The account of whoever started these jobs was closed. Their rows name it until they expire. @throws StaleRecord */
export async function forgetStarter(accountId: string): Promise<void> {
  for (const kind of KINDS) {
    for (const job of await listJobs(kind, JOBS_LOOKED_AT)) {
      if (job.startedBy === accountId) await writeJob({ ...job, startedBy: 'unknown' });
    }
  }
}

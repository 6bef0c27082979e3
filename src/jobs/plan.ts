/** A plan: a frozen preview. Starting it takes its id alone, and creates a job under the same id. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { DAY_MS } from '../domain/time';
import { AppError } from '../forge/errors';
import { commit, type Transaction, whileRevision } from '../forge/kvs';
import { startOnce } from './control';
import type { JobKind } from './define';
import { type Job, newJobId } from './record';

const PLAN = 'plan';
/** An older preview says little about the site of today. */
const PLAN_DAYS = 7;
/** Storage may return a value for 48 hours after it has expired, so `createdAt` decides. */
const TTL = { ttl: { value: PLAN_DAYS + 1, unit: 'DAYS' } } as const;

const StoredPlan = z.object({
  revision: z.number().int(),
  kind: z.string(),
  createdAt: z.number(),
  data: z.object({
    schemaVersion: z.literal(1),
    work: z.unknown(),
    /** How many rows the job would act on. */
    total: z.number().int(),
    createdBy: z.string(),
    startedAt: z.number().nullable(),
  }),
});
export type Plan<Work> = { id: string } & Omit<z.infer<typeof StoredPlan>, 'data'> &
  Omit<z.infer<typeof StoredPlan>['data'], 'work'> & { work: Work };

/** A job of the same id is another record: a transaction names each key once. */
const keyOf = (id: string): string => `plan:${id}`;

interface NewPlan<Work> {
  work: Work;
  total: number;
  createdBy: string;
  now: number;
}

/** @param id given when rows were written or frozen for the plan before it exists */
export async function createPlan<Work, Row>(
  kind: JobKind<Work, Row>,
  { work, total, createdBy, now }: NewPlan<Work>,
  id = newJobId(kind.kind, now),
): Promise<Plan<Work>> {
  const data = { schemaVersion: 1, work, total, createdBy, startedAt: null } as const;
  const plan: Plan<Work> = { id, revision: 0, kind: kind.kind, createdAt: now, ...data };
  const transaction = kvs.transact();
  setPlan(transaction, plan);
  await commit(transaction);
  return { ...plan, revision: 1 };
}

/** @throws AppError not-found, also when it is too old or of another kind */
async function existingPlan<Work, Row>(kind: JobKind<Work, Row>, id: string, now: number): Promise<Plan<Work>> {
  const stored = await kvs.entity<unknown>(PLAN).get(keyOf(id));
  if (stored === undefined) throw new AppError('not-found');
  const { data, ...rest } = StoredPlan.parse(stored);
  if (rest.kind !== kind.kind || now >= rest.createdAt + PLAN_DAYS * DAY_MS) throw new AppError('not-found');
  return { id, ...rest, ...data, work: kind.parseWork(data.work) };
}

function setPlan(transaction: Transaction, { id, revision, kind, createdAt, ...data }: Plan<unknown>): void {
  transaction.set(keyOf(id), { revision: revision + 1, kind, createdAt, data }, whileRevision(PLAN, revision), TTL);
}

/**
 * Creates the job, takes its lock and marks the plan, all or nothing. A second click finds the job.
 * @param check throws AppError when the plan may not be started any more; answers what the job begins with
 * @throws AppError busy while another run holds the lock
 */
export function startPlan<Work, Row>(
  kind: JobKind<Work, Row>,
  id: string,
  startedBy: string,
  now: number,
  check: (plan: Plan<Work>) => Promise<Work> = async ({ work }) => work,
): Promise<Job> {
  return startOnce(kind, id, async (transaction) => {
    const plan = await existingPlan(kind, id, now);
    const work = await check(plan);
    setPlan(transaction, { ...plan, startedAt: now });
    return { work, total: plan.total, startedBy, now };
  });
}

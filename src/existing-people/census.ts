/**
 * Counts the site's people: a dated list of everyone with a license, with what a decision about them
 * needs. Simulation, preview and the job for existing people work on it, so none of them has to read
 * 100,000 people again.
 */
import { getAppContext } from '@forge/api';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { GROUPS_PER_PAGE, listGroupMembers, listLicensedGroups, readPeople } from '../confluence/people';
import type { Person } from '../domain/person';
import type { Policy } from '../domain/policy/document';
import { groupsOf } from '../domain/policy/match';
import { accountProblem, type ProvisioningFacts } from '../domain/provisioning/decide';
import { AppError } from '../forge/errors';
import { type Batches, batchesOf } from '../jobs/batches';
import { startJob } from '../jobs/control';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { type Job, newJobId } from '../jobs/record';
import { readPersonRecords } from '../store/people';
import { PersonRow } from './rows';

/** First the members of every group that matters, then each person once. */
const CensusWork = z.object({
  /** The groups have batches of their own: 5,000 of them would not fit in here. */
  groupCount: z.number().int(),
  licensedCount: z.number().int(),
  phase: z.enum(['members', 'people']),
  /** Where the phase is: a group and a page of it, or a page of members. */
  group: z.number().int(),
  page: z.number().int(),
  /** Pages of members that were written. */
  memberPages: z.number().int(),
});
type CensusWork = z.infer<typeof CensusWork>;
export type Census = JobOf<CensusWork>;

/** Some members of one group, by its position. */
const Members = z.object({ group: z.number().int(), accountIds: z.array(z.string()) });
const membersOf = (jobId: string): Batches<z.infer<typeof Members>> => batchesOf(Members, jobId, 'members');
const groupsIn = (jobId: string): Batches<string> => batchesOf(z.string(), jobId, 'groups');

/** One page of members, or the people of one page: 1 and 2 for each. */
const POINTS_PER_PAGE = 1 + 2 * GROUPS_PER_PAGE;

/** Groups asked for their size before a count; of more, the rest is estimated from these. */
const SIZES_READ = 60;
/** Requests at a time: bursts are limited, without published numbers. */
const AT_ONCE = 5;
/** Ids of groups in one batch: 2,000 of 36 characters are 80 KB. */
const GROUPS_PER_BATCH = 2_000;

export interface CensusCost {
  licensed: string[];
  others: string[];
  /** Members of the licensed groups; a person in two of them counts twice. */
  people: number;
  points: number;
}

/** Which groups a census reads, and what that costs; asking costs 3 points a group. */
export async function planCensus(policies: readonly Policy[]): Promise<CensusCost> {
  const licensed = (await listLicensedGroups()).map((group) => group.id);
  const others = [...new Set(policies.flatMap(groupsOf))].filter((id) => !licensed.includes(id));
  const [own, sample] = [await readSizes(licensed), await readSizes(others.slice(0, SIZES_READ))];
  const people = own.reduce((sum, size) => sum + size, 0);
  const cost = (sizes: number[]): number => sizes.reduce((sum, size) => sum + Math.max(1, Math.ceil(size / GROUPS_PER_PAGE)) + 2 * size, 0);
  const rest = sample.length === 0 ? 0 : (cost(sample) / sample.length) * others.length;
  // The members are listed, and then looked at.
  return { licensed, others, people, points: Math.ceil(2 * cost(own) + rest) };
}

async function readSizes(groupIds: readonly string[]): Promise<number[]> {
  const sizes: number[] = [];
  for (let i = 0; i < groupIds.length; i += AT_ONCE) {
    const few = groupIds.slice(i, i + AT_ONCE);
    sizes.push(...(await Promise.all(few.map(async (id) => (await listGroupMembers(id, 0, 1)).total ?? 0))));
  }
  return sizes;
}

export async function startCensus({ licensed, others, people }: CensusCost, startedBy: string, now: number): Promise<Job> {
  const groups = [...licensed, ...others];
  const id = newJobId(census.kind, now);
  // Before the job: one that runs without its groups would count nobody.
  for (let i = 0; i < groups.length; i += GROUPS_PER_BATCH)
    await groupsIn(id).write(i / GROUPS_PER_BATCH, groups.slice(i, i + GROUPS_PER_BATCH));
  const start = { phase: 'members', group: 0, page: 0, memberPages: 0 } as const;
  const work: CensusWork = { groupCount: groups.length, licensedCount: licensed.length, ...start };
  return startJob(census, { work, total: people, startedBy, now }, id);
}

/** Ids of the census's groups by position; the licensed ones come first. */
export async function readGroups({ id, work }: Census): Promise<string[]> {
  return (await groupsIn(id).readMany(0, Math.ceil(work.groupCount / GROUPS_PER_BATCH))).flat();
}

export const census = defineJob({
  kind: 'census',
  work: CensusWork,
  row: PersonRow,
  where: 'queue',
  lock: null,
  isInTrail: false,
  cost: POINTS_PER_PAGE,
  step: (job, batches) => (job.work.phase === 'members' ? membersStep(job) : peopleStep(job, batches)),
});

/** One page of one group's members. */
async function membersStep({ id, work }: Census): Promise<Progress<CensusWork>> {
  const { group, page, memberPages, groupCount } = work;
  if (group >= groupCount) return { work: { ...work, phase: 'people', page: 0 }, next: CONTINUE };
  const groups = await groupsIn(id).read(Math.floor(group / GROUPS_PER_BATCH));
  const start = page * GROUPS_PER_PAGE;
  const { members, total } = await listGroupMembers(groups?.[group % GROUPS_PER_BATCH] ?? '', start, GROUPS_PER_PAGE);
  const accountIds = members.map(({ accountId }) => accountId);
  await membersOf(id).write(memberPages, [{ group, accountIds }]);
  // A page may hold fewer than there are places: people who are suspended are left out.
  const isLast = total === null ? accountIds.length < GROUPS_PER_PAGE : start + GROUPS_PER_PAGE >= total;
  const next = isLast ? { group: group + 1, page: 0 } : { group, page: page + 1 };
  return { work: { ...work, ...next, memberPages: memberPages + 1 }, next: CONTINUE };
}

/** One page of people: each person once, in the first licensed group that names them. */
async function peopleStep(job: Census, batches: Batches<PersonRow>): Promise<Progress<CensusWork>> {
  const { page, memberPages, licensedCount } = job.work;
  const [listed] = page < memberPages ? ((await membersOf(job.id).read(page)) ?? []) : [];
  // The licensed groups come first, so the first page of another one is the end.
  if (!listed || listed.group >= licensedCount) return { next: FINISH };
  const membership = await readMembership(job);
  const accountIds = [...new Set(listed.accountIds)].filter((id) => membership.get(id)?.[0] === listed.group);
  const rows = await readRows(accountIds, membership);
  await batches.write(job.batches, rows);
  return { work: { ...job.work, page: page + 1 }, completed: countRows(rows), next: CONTINUE };
}

async function readRows(accountIds: string[], membership: ReadonlyMap<string, number[]>): Promise<PersonRow[]> {
  if (accountIds.length === 0) return [];
  const [people, records] = [await readPeople(accountIds), await readPersonRecords(accountIds)];
  return people.map(({ accountId, accountType, accountStatus, isGuest, personalSpaceId }) => {
    const record = records.get(accountId);
    return {
      accountId,
      type: accountType,
      status: accountStatus,
      isGuest,
      spaceId: personalSpaceId,
      groups: membership.get(accountId) ?? [],
      record: record ? stateOf(record) : null,
    };
  });
}

function stateOf({ accountId, revision, ...state }: Person): NonNullable<PersonRow['record']> {
  return state;
}

function countRows(rows: PersonRow[]): Record<string, number> {
  const eligible = rows.filter((row) => accountProblem(personOf(row)) === null);
  const withSpace = eligible.filter((row) => row.spaceId !== null).length;
  return { people: rows.length, withSpace, withoutSpace: eligible.length - withSpace, notEligible: rows.length - eligible.length };
}

function personOf(row: PersonRow) {
  return { accountType: row.type, accountStatus: row.status, isGuest: row.isGuest, personalSpaceId: row.spaceId };
}

/** Everybody's groups, by position; read once in a process for the census it works on. */
const memberships = new LRUCache<string, ReadonlyMap<string, number[]>>({ max: 1 });

async function readMembership(job: Census): Promise<ReadonlyMap<string, number[]>> {
  const key = `${getAppContext().installationAri} ${job.id}`;
  const known = memberships.get(key);
  if (known) return known;
  const membership = new Map<string, number[]>();
  for (const pages of await membersOf(job.id).readMany(0, job.work.memberPages)) {
    for (const { group, accountIds } of pages) {
      for (const id of accountIds) {
        const groups = membership.get(id);
        if (!groups) membership.set(id, [group]);
        else if (groups.at(-1) !== group) groups.push(group);
      }
    }
  }
  memberships.set(key, membership);
  return membership;
}

/** Reads this many batches of people at a time: about a megabyte. */
const BATCHES_PER_READ = 25;

/** @throws AppError census-lacks-groups when a policy asks about groups that were not counted */
export function requireGroups(groups: readonly string[], ...policies: Policy[]): void {
  const counted = new Set(groups);
  const missing = new Set(policies.flatMap(groupsOf).filter((id) => !counted.has(id)));
  if (missing.size > 0) throw new AppError('census-lacks-groups', { count: missing.size });
}

/** Everybody in the census, a batch at a time. */
export async function* readCensus(counted: Census): AsyncGenerator<PersonRow[]> {
  for (let from = 0; from < counted.batches; from += BATCHES_PER_READ) {
    yield* await census.batches(counted).readMany(from, Math.min(counted.batches, from + BATCHES_PER_READ));
  }
}

/** What a decision needs to know of a person, as the census found them. `groups`: the census's, by position. */
export function factsOf(groups: readonly string[], row: PersonRow): ProvisioningFacts {
  const { accountId, record } = row;
  return {
    accountId,
    occasion: 'job',
    record: record && { accountId, revision: 0, ...record },
    person: personOf(row),
    groups: new Set(row.groups.map((position) => groups[position] ?? '')),
    // Members of a licensed group; the rest is found out when their turn comes.
    standing: { kind: 'known', canUse: true },
    begunToday: 0,
    space: null,
    contents: null,
    // Matters for a sentence only.
    roleMode: 'ROLES',
  };
}

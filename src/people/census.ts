/**
 * Counts the site's people: a dated list of everyone with a licence, with what a decision about them
 * needs. Simulation, preview and the job for existing people work on it, so none of them has to read
 * 100,000 people again.
 */
import { getAppContext } from '@forge/api';
import { LRUCache } from 'lru-cache';
import { GROUPS_PER_PAGE, listGroupMembers, listLicensedGroups, readPeople } from '../confluence/people';
import { groupsOf, type Policy } from '../domain/policy';
import { accountProblem, type ProvisioningFacts } from '../domain/provisioning';
import { AppError } from '../forge/errors';
import { completeChunk, createJob, finishJob, type JobRunner } from '../jobs/job';
import { isTask, type Job, type JobOf, membersOf, type PersonRow, readChunk, readChunks, writeChunk, writeJob } from '../store/jobs';
import { readPersonRecords } from '../store/people';

export type Census = JobOf<'census'>;

/** One page of members, or the people of one page: 1 and 2 for each. */
const POINTS_PER_PAGE = 1 + 2 * GROUPS_PER_PAGE;

export interface CensusCost {
  groups: { id: string; isLicensed: boolean; members: number }[];
  points: number;
}

/** Which groups a census reads, how large they are, and what it costs; asking costs 3 points a group. */
export async function planCensus(policy: Policy): Promise<CensusCost> {
  const licensed = (await listLicensedGroups()).map((group) => group.id);
  const others = groupsOf(policy).filter((id) => !licensed.includes(id));
  const groups: CensusCost['groups'] = [];
  for (const id of [...licensed, ...others]) {
    const { total } = await listGroupMembers(id, 0, 1);
    groups.push({ id, isLicensed: licensed.includes(id), members: total ?? 0 });
  }
  const points = groups.reduce((sum, { members, isLicensed }) => {
    const pages = Math.max(1, Math.ceil(members / GROUPS_PER_PAGE));
    return sum + (pages + 2 * members) * (isLicensed ? 2 : 1);
  }, 0);
  return { groups, points };
}

export function createCensus({ groups }: CensusCost, startedBy: string, now: number): Promise<Job> {
  return createJob({
    kind: 'census',
    startedBy,
    now,
    total: groups.reduce((sum, { members, isLicensed }) => sum + (isLicensed ? members : 0), 0),
    work: {
      task: 'census',
      groups: groups.map(({ id, isLicensed }) => ({ id, isLicensed, pages: 0 })),
      phase: 'members',
      group: 0,
      page: 0,
    },
  });
}

export const censusRunner: JobRunner = {
  isScheduled: false,
  advancesPerStep: Number.POSITIVE_INFINITY,
  auditScope: null,
  nextCost: () => POINTS_PER_PAGE,
  openCounts: async () => ({}),
  settle: async () => ({}),
  advance: (job) => {
    if (!isTask(job, 'census')) throw new AppError('not-found');
    return job.work.phase === 'members' ? advanceMembers(job) : advancePeople(job);
  },
};

/** One page of one group's members. */
async function advanceMembers(job: Census): Promise<Job | null> {
  const { group: position, page, groups } = job.work;
  const group = groups[position];
  if (!group) return save({ ...job, work: { ...job.work, phase: 'people', group: 0, page: 0 } });
  const start = page * GROUPS_PER_PAGE;
  const { accountIds, total } = await listGroupMembers(group.id, start, GROUPS_PER_PAGE);
  await writeChunk('members', job.id, page, accountIds, membersOf(position));
  // A page may hold fewer than there are places: people who are suspended are left out.
  const isLast = total === null ? accountIds.length < GROUPS_PER_PAGE : start + GROUPS_PER_PAGE >= total;
  const counted = groups.map((g, i) => (i === position ? { ...g, pages: page + 1 } : g));
  const next = isLast ? { group: position + 1, page: 0 } : { group: position, page: page + 1 };
  return save({ ...job, work: { ...job.work, ...next, groups: counted } });
}

function save(job: Census): Promise<Job> {
  return writeJob({ ...job, waitingUntil: null, failures: 0, updatedAt: Date.now() });
}

/** One page of people: each person once, in the first licensed group that names them. */
async function advancePeople(job: Census): Promise<Job | null> {
  const { group: position, page, groups } = job.work;
  const group = groups[position];
  if (!group) return finishJob(job, 'done', null);
  if (!group.isLicensed || page >= group.pages) return save({ ...job, work: { ...job.work, group: position + 1, page: 0 } });
  const membership = await readMembership(job);
  const listed = (await readChunk('members', job.id, page, membersOf(position))) ?? [];
  const accountIds = [...new Set(listed)].filter((id) => membership.get(id)?.find((g) => groups[g]?.isLicensed) === position);
  const rows = await readRows(accountIds, membership);
  await writeChunk('people', job.id, job.chunks, rows);
  return completeChunk({ ...job, work: { ...job.work, page: page + 1 } }, countRows(rows));
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
      record: record
        ? {
            state: record.state,
            reason: record.reason,
            changedAt: record.changedAt,
            recheckAt: record.recheckAt,
            policyVersion: record.policyVersion,
          }
        : null,
    };
  });
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
  for (const [position, group] of job.work.groups.entries()) {
    for (const accountIds of await readChunks('members', job.id, 0, group.pages, membersOf(position))) {
      for (const id of accountIds) {
        const groups = membership.get(id);
        if (!groups) membership.set(id, [position]);
        else if (groups.at(-1) !== position) groups.push(position);
      }
    }
  }
  memberships.set(key, membership);
  return membership;
}

/** Reads this many chunks of people at a time: about a megabyte. */
const CHUNKS_PER_READ = 25;

/** Everybody in the census, a few thousand at a time. */
export async function* readCensus(census: Census): AsyncGenerator<{ chunk: number; rows: PersonRow[] }> {
  for (let from = 0; from < census.chunks; from += CHUNKS_PER_READ) {
    const chunks = await readChunks('people', census.id, from, Math.min(census.chunks, from + CHUNKS_PER_READ));
    for (const [i, rows] of chunks.entries()) yield { chunk: from + i, rows };
  }
}

/** What a decision needs to know of a person, as the census found them. */
export function factsOf(census: Census, row: PersonRow): ProvisioningFacts {
  const { accountId, record } = row;
  return {
    accountId,
    wish: 'job',
    record: record && { accountId, lacksDetails: false, ...record },
    person: personOf(row),
    groups: new Set(row.groups.map((position) => census.work.groups[position]?.id ?? '')),
    // Members of a licensed group; the rest is found out when their turn comes.
    standing: { kind: 'known', canUse: true },
    begunToday: 0,
    space: null,
    contents: null,
    roleMode: null,
  };
}

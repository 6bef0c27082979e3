/**
 * Keeps the directory: makes its tables, notices when they were lost, and starts the readings that are due. Runs from the
 * agenda, and whenever an admin opens a page that needs it.
 */
import { defineWork, EVERY_THIRD_TICK_MS } from '../agenda/define';
import { listGroupMembers, listLicensedGroups } from '../confluence/people';
import { groupsOf } from '../domain/policy/match';
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS } from '../domain/time';
import { within } from '../forge/budget';
import { SqlError, StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { startJob } from '../jobs/control';
import { isOver, type Job, readJob, readJobs } from '../jobs/record';
import { readPolicy } from '../store/policy';
import type { Register } from '../store/register';
import { readContext } from './derive';
import { forgetGroups, hasStaleOutcomes, listReadGroups, type ReadGroup, writeGroups } from './people';
import { GROUP_READING, newReading, type Phase, reading, WHOLE_READING } from './reading';
import { removeExpired } from './run-rows';
import { ensureSchema, type Incarnation } from './schema';
import { type DirectoryState, forgetAll, readState, writeState } from './state';

/** Everything is read again after this. */
const WHOLE_MS = 7 * DAY_MS;
/** A reading that failed is not begun again before this: what it had read may have cost the points of hours. */
const AFTER_FAILURE_MS = HOUR_MS;
/** Groups are looked at after this. */
const GROUPS_MS = DAY_MS;
/** Groups up to this size are read daily; larger ones are only counted, and read when the count has changed. */
const READ_DAILY = 5_000;
/** Groups counted in one call of the agenda: 3 points each. */
const COUNTED_AT_ONCE = 100;
/** Who is told to have started a reading that nobody asked for. */
const NOBODY = 'app';

export const keepDirectory = defineWork({
  kind: 'directory',
  everyMs: EVERY_THIRD_TICK_MS,
  leaseMs: 2 * MINUTE_MS,
  run: async (now) => {
    try {
      await keep(now);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      // A database that is not there is not asked for at every tick.
      log('directory-unavailable', { kind: error.kind, code: error.code });
    }
  },
});

async function keep(now: number): Promise<void> {
  const { state } = await openDirectory(now);
  await startWhatIsDue(state, now);
  const { version } = await readContext(state.data.pass);
  if (await hasStaleOutcomes(version)) await startDeciding(state, now);
}

export interface OpenDirectory {
  incarnation: Incarnation;
  state: Register<DirectoryState>;
}

/** Makes the tables when they are missing, and forgets what was known of a database that was lost. @throws SqlError */
export async function openDirectory(now: number): Promise<OpenDirectory> {
  const incarnation = await ensureSchema(now);
  const state = await readState();
  if (state.data.incarnation === incarnation.id) return { incarnation, state };
  if (state.data.incarnation !== null) log('directory-lost', { since: incarnation.watchingSince });
  try {
    return { incarnation, state: await forgetAll(state, incarnation.id) };
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    // Somebody else has noticed it at the same moment.
    return { incarnation, state: await readState() };
  }
}

/** A reading under way goes on; the jobs' own rescue looks after it. @throws StaleRecord, NoPoints */
export async function startWhatIsDue(state: Register<DirectoryState>, now: number): Promise<void> {
  const { jobId, begunAt, groupsAt } = state.data;
  const present = jobId === null ? null : await readJob(jobId);
  const isReading = present !== null && !isOver(present);
  const hasFailed = present?.state === 'failed' && now >= present.updatedAt + AFTER_FAILURE_MS;
  if (!isReading && (begunAt === null || present === null || hasFailed || now >= begunAt + WHOLE_MS)) {
    await startWhole(state, now);
  } else if (groupsAt === null || now >= groupsAt + GROUPS_MS) {
    await removeExpired(now);
    await startDaily(state, now);
  } else {
    await startUnread(state, now);
  }
}

async function startWhole(state: Register<DirectoryState>, now: number): Promise<void> {
  const { begunAt, promisesAt } = state.data;
  const looked = await within('jobs', () => lookAtGroups(state, true, now));
  const phases = promisesAt === null ? WHOLE_READING : WHOLE_READING.filter((phase) => phase !== 'promises');
  await start(looked.state, phases, { recent: dayOf(begunAt ?? now), groups: looked.groups, isDaily: true, now });
}

/** Of the groups that the policy names: small ones, new ones, and large ones whose size has changed since they were read. */
async function startDaily(state: Register<DirectoryState>, now: number): Promise<void> {
  const policy = await readPolicy();
  const named = new Set(policy.kind === 'unreadable' ? [] : groupsOf(policy.policy));
  const looked = await within('jobs', () => lookAtGroups(state, true, now));
  const due = looked.groups.filter(
    ({ id, members, readMembers }) => readMembers === null || (named.has(id) && (members <= READ_DAILY || members !== readMembers)),
  );
  await start(looked.state, GROUP_READING, { recent: dayOf(now), groups: due, isDaily: true, now });
}

/**
 * Members of groups that the policy names and nobody has read yet, without waiting for the day to end.
 * @param asked groups that an admin wants to be read besides, for a policy that is not saved; the next look at all groups
 *   forgets those that are not saved by then
 * @returns the reading; null = there is nothing to read, or it is being read
 */
export async function startUnread(state: Register<DirectoryState>, now: number, asked: readonly string[] = []): Promise<Job | null> {
  const policy = await readPolicy();
  if (policy.kind === 'unreadable') return null;
  const known = new Map((await listReadGroups()).map((group) => [group.id, group]));
  const underWay = await readGroupsUnderWay(state.data);
  const isWaiting = (group: ReadGroup | undefined): boolean => !group || (group.readMembers === null && !underWay.has(group.number));
  if (![...groupsOf(policy.policy), ...asked].some((id) => isWaiting(known.get(id)))) return null;
  const looked = await within('jobs', () => lookAtGroups(state, false, now, asked));
  return start(looked.state, GROUP_READING, { recent: dayOf(now), groups: looked.groups.filter(isWaiting), isDaily: false, now });
}

/** Numbers of the groups that a reading has yet to read. */
async function readGroupsUnderWay({ jobId, groupJobId }: DirectoryState): Promise<Set<number>> {
  const ids = [jobId, groupJobId].filter((id) => id !== null);
  const jobs = (await readJobs(ids)).filter((job) => !isOver(job));
  return new Set(jobs.flatMap((job) => reading.parse(job).work.groups));
}

/** The outcomes of everybody, and nothing else. */
function startDeciding({ data: { pass, incarnation } }: Register<DirectoryState>, now: number): Promise<Job> {
  const work = newReading(['outcomes'], { incarnation: incarnation ?? '', pass, now, recent: dayOf(now), groups: [] });
  return startJob(reading, { work, total: 0, startedBy: NOBODY, now });
}

/** After the policy has changed: outcomes are decided anew, and groups that it names for the first time are read. */
export async function followPolicy(now: number): Promise<void> {
  try {
    const state = await readState();
    // Nobody is known yet: the first reading goes by the policy of its day.
    if (state.data.incarnation === null) return;
    await startDeciding(state, now);
    await startUnread(state, now);
  } catch (error) {
    // The policy is saved all the same, and the agenda notices what was left undone.
    log('policy-not-followed', describe(error));
  }
}

interface Start {
  recent: string;
  groups: readonly ReadGroup[];
  /** All groups were looked at: the next time is in a day. */
  isDaily: boolean;
  now: number;
}

/**
 * The state says first which number and job the reading has: should the process end here, it is started anew under the next.
 * When all groups were last looked at is noted once their reading is there.
 */
async function start(state: Register<DirectoryState>, phases: readonly Phase[], { recent, groups, isDaily, now }: Start): Promise<Job> {
  const pass = state.data.pass + 1;
  const id = `${reading.kind}-${now}-${pass}`;
  const isWhole = phases !== GROUP_READING;
  const begun = await writeState(state, { pass, ...(isWhole ? { jobId: id, begunAt: now } : { groupJobId: id }) });
  const incarnation = state.data.incarnation ?? '';
  const work = newReading(phases, { incarnation, pass, now, recent, groups: groups.map(({ number }) => number) });
  const job = await startJob(reading, { work, total: 0, startedBy: NOBODY, now }, id);
  if (isDaily) await noteGroupsLookedAt(begun, now);
  return job;
}

/** Somebody else may have written the state meanwhile: then groups are looked at once more. */
async function noteGroupsLookedAt(state: Register<DirectoryState>, now: number): Promise<void> {
  try {
    await writeState(state, { groupsAt: now });
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
  }
}

interface Look {
  groups: ReadGroup[];
  state: Register<DirectoryState>;
}

/**
 * The groups that matter: those that give a license, and those that the policy names or somebody asked for; others are forgotten.
 * @throws StaleRecord
 */
async function lookAtGroups(
  state: Register<DirectoryState>,
  isCounted: boolean,
  now: number,
  asked: readonly string[] = [],
): Promise<Look> {
  const policy = await readPolicy();
  const licensed = (await listLicensedGroups()).map(({ id }) => id);
  const named = policy.kind === 'unreadable' ? [] : groupsOf(policy.policy);
  const known = new Map((await listReadGroups()).map((group) => [group.id, group]));
  const wanted = new Set([...licensed, ...named, ...asked]);
  const found = [...wanted].filter((id) => !known.has(id));
  // Numbers are drawn before they are used, so that two looks at the same time never give out the same one.
  const { lastGroupNumber } = state.data;
  const drawn = found.length === 0 ? state : await writeState(state, { lastGroupNumber: lastGroupNumber + found.length });
  const groups = [...wanted].map((id) => {
    const { number, members, countedAt } = known.get(id) ?? {
      number: lastGroupNumber + 1 + found.indexOf(id),
      members: 0,
      countedAt: null,
    };
    return { id, number, isLicensed: licensed.includes(id), members, countedAt };
  });
  const longestAgo = [...groups].sort((a, b) => (a.countedAt ?? 0) - (b.countedAt ?? 0));
  for (const group of isCounted ? longestAgo.slice(0, COUNTED_AT_ONCE) : []) {
    group.members = (await listGroupMembers(group.id, 0, 1))?.total ?? group.members;
    group.countedAt = now;
  }
  await writeGroups(groups);
  if (policy.kind !== 'unreadable') await forgetGroups([...known.values()].filter(({ id }) => !wanted.has(id)));
  return { groups: (await listReadGroups()).filter(({ id }) => wanted.has(id)), state: drawn };
}

/** For pages: like the agenda, but what others have begun meanwhile is as good. */
export async function keepForPage(now: number): Promise<OpenDirectory> {
  const open = await openDirectory(now);
  if (open.state.data.jobId !== null) return open;
  try {
    await startWhatIsDue(open.state, now);
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
  }
  return { ...open, state: await readState() };
}

/**
 * Reads the site into the directory: the lists of spaces, in which of them something changed, the members of groups, and whom
 * neither of these settles. A step is a page or a few questions, so a reading may be stopped after any call, waits for points
 * like any job, and can be repeated.
 */
import { z } from 'zod';
import { GROUPS_PER_PAGE, listGroupMembers, PEOPLE_PER_CALL, readPeople } from '../confluence/people';
import { askForChanges } from '../confluence/search';
import { listPersonalSpaces } from '../confluence/spaces';
import {
  afterRefusal,
  type Candidate,
  FIRST_PACE,
  type Finding,
  MAX_HITS,
  MAX_KEYS,
  nextQuestion,
  Pace,
  type Question,
  takeAnswer,
} from '../domain/probe';
import { addDays, type Day, dayOf } from '../domain/time';
import { hasTime } from '../forge/deadline';
import { ConfluenceError } from '../forge/errors';
import { pointsSoFar } from '../forge/meter';
import { CONTINUE, defineJob, FINISH, type JobOf, type Progress } from '../jobs/define';
import { listPersonRecords } from '../store/people';
import { listSpaces as listSpaceRecords } from '../store/spaces';
import { writeOutcomes } from './classes';
import { derivePeople, readContext, settlePeople } from './derive';
import * as people from './people';
import { projectPeople, projectSpaces } from './projector';
import * as spaces from './spaces';
import { LIST_LAG_MS } from './spaces';
import { readState, writeState } from './state';

/** The largest page of spaces that v2 gives. */
export const SPACES_PER_PAGE = 250;
/** People whose rows are put together in one step: about ten statements. */
const PEOPLE_PER_STEP = 500;
/** Spaces in hand while questions are asked about them. */
const SPACES_IN_HAND = 600;
/** How a site answers a question that is too long for it. */
const TOO_LONG = [400, 414];
/** Points that the questions of one step may cost; what they answered is written at the end. */
const POINTS_PER_STEP = 300;
/** Records in one page of a query (Forge: at most 100). */
const RECORDS_PER_PAGE = 100;
/** Classes of people whose outcome is written in one step. */
const CLASSES_PER_STEP = 50;
/** The dearest step: questions that stop at their bound, and one more with the longest answer. */
const COST = POINTS_PER_STEP + 1 + MAX_HITS;
/** Days that the first question about a space looks back. Further back only what was never touched is told from the rest. */
const LOOK_BACK_DAYS = 180;

const PHASES = [
  'promises',
  'list',
  'vanished',
  'members',
  'changed-members',
  'owners',
  'look-up',
  'gone',
  'changes',
  'untouched',
  'outcomes',
] as const;
const Phase = z.enum(PHASES);
export type Phase = z.infer<typeof Phase>;
/** Those that ask Confluence; the others go on when the hour's points are used up. */
const ASKING: readonly Phase[] = ['list', 'members', 'look-up', 'changes', 'untouched'];

const Work = z.object({
  /** The life of the database that is being filled. */
  incarnation: z.string(),
  pass: z.number().int(),
  /** When it began (ms): what lists do not show by then is gone. */
  begunAt: z.number(),
  /** Spaces with a change since this day need no question. */
  recent: z.string(),
  /** What is left to do; the first one is under way. */
  phases: z.array(Phase),
  /** Where the phase is: a path, an id, or a cursor of storage. */
  cursor: z.string(),
  /** Which list of several the phase is at. */
  part: z.number().int(),
  /** Numbers of the groups to read. */
  groups: z.array(z.number().int()),
  pace: Pace,
  /** Points that each phase has cost, and how many spaces or people it has settled. */
  spent: z.partialRecord(Phase, z.object({ points: z.number(), done: z.number() })),
});
export type ReadingWork = z.infer<typeof Work>;
export type Reading = JobOf<ReadingWork>;

export const reading = defineJob({
  kind: 'directory',
  work: Work,
  row: z.never(),
  where: 'queue',
  lock: null,
  isInTrail: false,
  cost: COST,
  isFree: ({ phases: [phase] }) => phase === undefined || !ASKING.includes(phase),
  step,
});

/** @param groups numbers of groups to read */
export function newReading(
  phases: readonly Phase[],
  { incarnation, pass, now, recent, groups }: { incarnation: string; pass: number; now: number; recent: Day; groups: number[] },
) {
  return {
    incarnation,
    pass,
    begunAt: now,
    recent,
    phases: [...phases],
    cursor: '',
    part: 0,
    groups,
    pace: FIRST_PACE,
    spent: {},
  } satisfies ReadingWork;
}

export const WHOLE_READING: readonly Phase[] = PHASES;
/** Some groups only. */
export const GROUP_READING: readonly Phase[] = ['members', 'changed-members', 'look-up', 'outcomes'];

type Move = Partial<ReadingWork> & { isOver?: boolean; done?: number };

async function step(job: Reading): Promise<Progress<ReadingWork>> {
  const { work } = job;
  const [phase] = work.phases;
  if (phase === undefined || !(await isPresent(work))) return { next: FINISH };
  const before = pointsSoFar();
  const { isOver = false, done = 0, ...move } = await STEPS[phase](work);
  const spent = work.spent[phase] ?? { points: 0, done: 0 };
  const counted = { ...work.spent, [phase]: { points: spent.points + pointsSoFar() - before, done: spent.done + done } };
  if (isOver) await noteComplete(phase, work);
  const next = isOver ? { phases: work.phases.slice(1), cursor: '', part: 0 } : {};
  return { work: { ...work, ...move, ...next, spent: counted }, next: CONTINUE };
}

const STEPS: Record<Phase, (work: ReadingWork) => Promise<Move>> = {
  promises: readPromises,
  list: readList,
  vanished: hideVanished,
  members: readMembers,
  'changed-members': putTogether,
  owners: addOwners,
  'look-up': lookUp,
  gone: removeGone,
  changes: askForRecentChanges,
  untouched: askForAnyChange,
  outcomes: decideOutcomes,
};

/** Of a database that was lost nothing is left to read into: the one in its place has a reading of its own. */
const isPresent = async ({ incarnation }: ReadingWork): Promise<boolean> => (await readState()).data.incarnation === incarnation;

/** Lists complete what they can say together; who reads the directory is told since when. @throws StaleRecord */
async function noteComplete(phase: Phase, { phases, incarnation }: ReadingWork): Promise<void> {
  const isWhole = phases.includes('untouched');
  const part = phase === 'promises' ? 'promisesAt' : phase === 'look-up' ? 'peopleAt' : phase === 'untouched' ? 'spacesAt' : null;
  if (!isWhole || part === null) return;
  const state = await readState();
  if (state.data.incarnation === incarnation) await writeState(state, { [part]: Date.now() });
}

/** What storage promises about spaces, and then about people. */
async function readPromises({ cursor, part, pass }: ReadingWork): Promise<Move> {
  const at = cursor === '' ? undefined : cursor;
  if (part === 0) {
    const page = await listSpaceRecords(RECORDS_PER_PAGE, at);
    await projectSpaces(page.spaces);
    return page.cursor === null ? { part: 1, cursor: '' } : { cursor: page.cursor };
  }
  const page = await listPersonRecords(RECORDS_PER_PAGE, at);
  await projectPeople(page.people, await readContext(pass));
  return page.cursor === null ? { isOver: true } : { cursor: page.cursor };
}

const LISTS = ['current', 'archived', 'trashed'] as const;

async function readList({ cursor, part, pass }: ReadingWork): Promise<Move> {
  const status = LISTS[part];
  if (status === undefined) return { isOver: true };
  const asOf = Date.now() - LIST_LAG_MS;
  const page = await listPersonalSpaces(cursor === '' ? null : cursor, SPACES_PER_PAGE, { status });
  const now = Date.now();
  await spaces.noteListed(
    page.spaces.map(({ id, key, ownerId, createdAt }) => ({ id, key, ownerId, status, createdAt })),
    pass,
    asOf,
    now,
  );
  await followOwners(
    page.spaces.flatMap(({ ownerId }) => ownerId ?? []),
    pass,
    now,
  );
  const move = page.next === null ? { part: part + 1, cursor: '' } : { cursor: page.next };
  return { ...move, done: page.spaces.length };
}

/** Owners whose row names another space than the lists, or none, and those whose space does not say yet how they stand. */
async function followOwners(ownerIds: readonly string[], pass: number, now: number): Promise<void> {
  const rows = await people.readPeopleRows(ownerIds);
  if (rows.size === 0) return;
  const own = await spaces.findSpacesOf([...rows.keys()]);
  const differing = [...rows.values()].filter(({ accountId, spaceId, standing }) => {
    const space = own.get(accountId);
    return space?.id !== spaceId || (space !== undefined && space.ownerStanding !== standing);
  });
  if (differing.length > 0)
    await derivePeople(
      differing.map(({ accountId }) => accountId),
      await readContext(pass),
      now,
    );
}

/** What every list left out is not visible any more, or gone: the owners' records will tell. */
async function hideVanished({ pass, begunAt }: ReadingWork): Promise<Move> {
  const vanished = await spaces.listVanished(pass, begunAt - LIST_LAG_MS, PEOPLE_PER_STEP);
  await spaces.hideSpaces(vanished, begunAt - LIST_LAG_MS - 1);
  if (vanished.length === PEOPLE_PER_STEP) return {};
  await people.askAgain();
  return { isOver: true };
}

async function readMembers({ cursor, groups, pass }: ReadingWork): Promise<Move> {
  const [number, ...rest] = groups;
  if (number === undefined) return { isOver: true };
  const known = await people.listReadGroups();
  const group = known.find((g) => g.number === number);
  if (!group) return { groups: rest, cursor: '' };
  const start = cursor === '' ? 0 : Number(cursor);
  const page = await listGroupMembers(group.id, start, GROUPS_PER_PAGE);
  // A group that is gone stops nobody else's reading. Who was in it is left as it was, until no policy names it.
  if (!page) {
    await people.noteGroupGone(number, Date.now());
    return { groups: rest, cursor: '' };
  }
  const { members, total } = page;
  // Apps are members, too, and customers of a help desk.
  const persons = members.filter(({ accountType }) => accountType === 'atlassian');
  await people.noteMembers(number, persons, pass);
  // A page may hold fewer than there are places: people who are suspended are left out.
  const isLast = total === null ? members.length < GROUPS_PER_PAGE : start + GROUPS_PER_PAGE >= total;
  if (!isLast) return { cursor: String(start + GROUPS_PER_PAGE), done: persons.length };
  const now = Date.now();
  await people.noteLeft(number, pass);
  await people.noteGroupRead(number, total ?? start + members.length, now);
  return { groups: rest, cursor: '', done: persons.length };
}

async function putTogether({ cursor, pass }: ReadingWork): Promise<Move> {
  const accountIds = await people.listChangedMembers(cursor, PEOPLE_PER_STEP);
  await people.takeUpMemberships(accountIds);
  await derivePeople(accountIds, await readContext(pass), Date.now());
  await people.settleMemberships(accountIds);
  const last = accountIds.at(-1);
  return last === undefined || accountIds.length < PEOPLE_PER_STEP ? { isOver: true } : { cursor: last };
}

/** Whoever owns a space is in the directory, in whatever group they are. */
async function addOwners({ cursor, pass }: ReadingWork): Promise<Move> {
  const ownerIds = await people.listUnknownOwners(cursor, PEOPLE_PER_STEP);
  await derivePeople(ownerIds, await readContext(pass), Date.now());
  const last = ownerIds.at(-1);
  return last === undefined || ownerIds.length < PEOPLE_PER_STEP ? { isOver: true } : { cursor: last };
}

async function lookUp({ cursor, pass }: ReadingWork): Promise<Move> {
  const accountIds = await people.listToLookUp(cursor, PEOPLE_PER_CALL);
  const last = accountIds.at(-1);
  if (last === undefined) return { isOver: true };
  const users = await readPeople(accountIds);
  await settlePeople(accountIds, users, await readContext(pass), Date.now());
  return { cursor: last, done: accountIds.length };
}

async function removeGone({ pass, begunAt }: ReadingWork): Promise<Move> {
  await spaces.removeGone(pass, begunAt - LIST_LAG_MS);
  return { isOver: true };
}

/** In which spaces something changed since they were last looked at. */
async function askForRecentChanges(work: ReadingWork): Promise<Move> {
  const { pass, recent, cursor } = work;
  const today = dayOf(Date.now());
  if (cursor === '') await spaces.noteRecent(pass, recent);
  const left = await spaces.listUnasked(pass, recent, cursor, SPACES_IN_HAND);
  const lookBack = addDays(today, -LOOK_BACK_DAYS);
  const candidates = left.map(({ id, key, checkedOn }) => ({ id, key, since: checkedOn ?? lookBack }));
  return askAbout(candidates, madeOnOf(left), false, work, today);
}

/** Which of the others were never changed since they were made, and when the rest were. What an event told of may not be the newest. */
async function askForAnyChange(work: ReadingWork): Promise<Move> {
  const today = dayOf(Date.now());
  const left = await spaces.listUndecided(work.cursor, SPACES_IN_HAND);
  const candidates = left.map(({ id, key, settledOn, changedOn }) => ({ id, key, since: changedOn ?? addDays(settledOn, 1) }));
  return askAbout(candidates, madeOnOf(left), true, work, today);
}

const earlier = (a: Day, b: Day): Day => (a < b ? a : b);
const later = (a: Day, b: Day): Day => (a > b ? a : b);
const madeOnOf = (left: readonly spaces.Unasked[]): Map<string, Day> => new Map(left.map(({ id, createdOn }) => [id, createdOn]));

/** As many questions as a step may cost. What was answered is written at its end; the next step goes on from the first space without an answer. */
async function askAbout(
  candidates: readonly Candidate[],
  madeOn: ReadonlyMap<string, Day>,
  isWhole: boolean,
  work: ReadingWork,
  today: Day,
): Promise<Move> {
  if (candidates.length === 0) return { isOver: true };
  let { pace } = work;
  let left = candidates;
  const changed: { id: string; day: Day }[] = [];
  const idle: { id: string; since: Day }[] = [];
  const before = pointsSoFar();
  // A group is filled up from what is in hand, so a hand that is not the last one is never played to its end.
  const least = candidates.length < SPACES_IN_HAND ? 1 : MAX_KEYS;
  // A few hundred answers, one after another, may take longer than the step has left.
  while (left.length >= least && pointsSoFar() - before < POINTS_PER_STEP && hasTime()) {
    const question = nextQuestion(left, pace);
    if (!question) break;
    const finding = await ask(question, pace);
    pace = finding.pace;
    const since = new Map(question.asked.map((candidate) => [candidate.id, candidate.since]));
    changed.push(...finding.changed);
    // Nothing is said of days before a space was made, nor, of one that is still being made, of days to come.
    idle.push(...finding.idle.map((id) => ({ id, since: earlier(later(since.get(id) ?? today, madeOn.get(id) ?? today), today) })));
    const settled = new Set([...finding.changed.map(({ id }) => id), ...finding.idle, ...finding.unknown]);
    left = left.filter(({ id }) => !settled.has(id));
  }
  await spaces.noteNewest(changed, work.pass, today);
  await spaces.noteUnchanged(idle, isWhole, work.pass, today);
  const first = left[0];
  const settledUpTo = first === undefined ? candidates.length : candidates.indexOf(first);
  return { pace, cursor: candidates[settledUpTo - 1]?.id ?? (work.cursor || '0'), done: candidates.length - left.length };
}

/** One question. A site that takes fewer spaces at once says so by refusing. @throws ConfluenceError */
async function ask(question: Question, pace: Pace): Promise<Finding> {
  try {
    return takeAnswer(question, await askForChanges(question.asked, question.hits), pace);
  } catch (error) {
    if (!(error instanceof ConfluenceError) || !TOO_LONG.includes(error.status)) throw error;
    const smaller = afterRefusal(question, pace);
    // Not even one space may be asked about: nothing is known of it.
    if (!smaller) return { pace, changed: [], idle: [], unknown: question.asked.map(({ id }) => id) };
    return { pace: smaller, changed: [], idle: [], unknown: [] };
  }
}

async function decideOutcomes({ pass }: ReadingWork): Promise<Move> {
  const hasMore = await writeOutcomes(await readContext(pass), Date.now(), CLASSES_PER_STEP);
  return { isOver: !hasMore };
}

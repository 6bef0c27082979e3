/** How long the line is, and when whose turn comes: for administrators, and for those who wait. */
import { TICK_MS } from '../agenda/define';
import { MINUTE_MS } from '../domain/time';
import { isHeld, LANES, type LineCount, placeOf, servedBy, USUAL_POINTS, type Waiting } from '../domain/turn';
import { nextHour, readRoom } from '../forge/budget';
import { readPolicy } from '../store/policy';
import { pagesOf, REFUSED, readLineCount, readMarks } from '../store/waiting';

/** Pages of people that are counted: 50,000 people; of a longer line, at least so many are known to wait. */
const PAGES_COUNTED = 500;
/** Places that are remembered of a count. */
const MARKS = 64;

const NOTHING_COUNTED: LineCount = { at: 0, count: 0, served: 0, marks: [], pointsPerPerson: USUAL_POINTS };

/** Where everybody stands now. */
export async function countLine(now: number): Promise<LineCount> {
  const places: number[] = [];
  for (const lane of LANES) {
    for await (const page of pagesOf(lane, 0, () => now, PAGES_COUNTED)) places.push(...page.map(({ dueAt }) => dueAt));
  }
  const step = Math.max(1, Math.ceil(places.length / MARKS));
  const marks = places.flatMap((dueAt, before): [number, number][] => (before % step === 0 ? [[dueAt, before]] : []));
  const { pointsPerPerson } = (await readLineCount()) ?? NOTHING_COUNTED;
  return { at: now, count: places.length, served: 0, marks, pointsPerPerson };
}

export interface LineView {
  count: number;
  /** When the last of them is served (ms); null = nobody waits, or nobody can tell: the policy is paused, or Confluence refuses. */
  doneAt: number | null;
  /** Confluence refuses to create spaces on this site, so that people wait until it no longer does. */
  isRefused: boolean;
}

/** For admins: how many people wait, and until when. */
export async function viewLine(now: number): Promise<LineView> {
  const marks = await readMarks();
  const count = await currentCount(marks, now);
  const people = count.count - count.served;
  const isKnown = people > 0 && !(await isStopped(marks));
  return { count: people, doneAt: isKnown ? await forecast(people, count, now) : null, isRefused: marks.includes(REFUSED) };
}

/** Nobody can tell when somebody is served. */
async function isStopped(marks: readonly string[]): Promise<boolean> {
  const policy = await readPolicy();
  return policy.kind === 'unreadable' || policy.policy.paused || marks.includes(REFUSED);
}

/** Until the schedule has counted for the first time, or when it has not for a while. */
const STALE_MS = 15 * MINUTE_MS;

async function currentCount(marks: readonly string[], now: number): Promise<LineCount> {
  if (marks.length === 0) return NOTHING_COUNTED;
  const known = await readLineCount();
  return known && now - known.at < STALE_MS && known.count > 0 ? withNewcomers(known, now) : countLine(now);
}

/** Pages of people who have come since the last count. */
const PAGES_OF_NEWCOMERS = 30;

async function withNewcomers(known: LineCount, now: number): Promise<LineCount> {
  let { count } = known;
  for await (const page of pagesOf('arrivals', known.at + 1, () => now, PAGES_OF_NEWCOMERS))
    count += page.filter((waiting) => !isHeld(waiting, now)).length;
  return { ...known, count };
}

async function forecast(people: number, { pointsPerPerson }: LineCount, now: number): Promise<number> {
  return servedBy(people, pointsPerPerson, { ...(await readRoom('events', now)), nextHourAt: nextHour(now) }, now);
}

/** When this person's turn comes (ms); null = nobody can tell. */
export async function servedAt(waiting: Waiting, now: number): Promise<number | null> {
  if (await isStopped(await readMarks())) return null;
  if (isHeld(waiting, now)) return now + MINUTE_MS;
  const known = (await readLineCount()) ?? NOTHING_COUNTED;
  const before = waiting.lane === 'clicks' ? 0 : placeOf(known, waiting.dueAt);
  return Math.max(await forecast(before + 1, known, now), waiting.dueAt, now + TICK_MS);
}

/** How long the line is, and when whose turn comes: for administrators, and for those who wait. */
import { MINUTE_MS } from '../domain/time';
import { isHeld, LANES, type LineCount, placeOf, servedBy, USUAL_POINTS, type Waiting } from '../domain/turn';
import { nextHour, readRoom } from '../forge/budget';
import { readPolicy } from '../store/policy';
import { listWaiting, REFUSED, readLineCount, readMarks, WAITING_PER_PAGE } from '../store/waiting';

/** Pages of people that are counted: 50,000 people; of a longer line, at least so many are known to wait. */
const PAGES_COUNTED = 500;
/** Places that are remembered of a count. */
const MARKS = 64;
/** The schedule's interval: nobody's turn is promised before it has come once. */
const TICK_MS = 5 * MINUTE_MS;

/** Where everybody stands now. */
export async function countLine(now: number): Promise<LineCount> {
  const places: number[] = [];
  for (const lane of LANES) {
    let from = 0;
    const seen = new Set<string>();
    for (let page = 0; page < PAGES_COUNTED; page += 1) {
      const waiting = await listWaiting(lane, from, now);
      for (const { accountId, dueAt } of waiting) {
        if (seen.has(accountId)) continue;
        seen.add(accountId);
        places.push(dueAt);
      }
      const last = waiting.at(-1);
      if (last === undefined || waiting.length < WAITING_PER_PAGE) break;
      from = last.dueAt;
    }
  }
  const step = Math.max(1, Math.ceil(places.length / MARKS));
  const marks = places.flatMap((dueAt, before): [number, number][] => (before % step === 0 ? [[dueAt, before]] : []));
  const pointsPerPerson = (await readLineCount())?.pointsPerPerson ?? USUAL_POINTS;
  return { at: now, count: places.length, served: 0, marks, pointsPerPerson };
}

/** Confluence refuses to create spaces on this site, so that people wait until it no longer does. */
export const isCreationRefused = async (): Promise<boolean> => (await readMarks()).includes(REFUSED);

export interface LineView {
  count: number;
  /** When the last of them is served (ms); null = nobody waits, or nobody can tell: the policy is paused, or Confluence refuses. */
  doneAt: number | null;
}

/** For admins: how many people wait, and until when. */
export async function viewLine(now: number): Promise<LineView> {
  const [count, marks, policy] = [await currentCount(now), await readMarks(), await readPolicy()];
  const isStopped = policy.kind === 'unreadable' || policy.policy.paused || marks.includes(REFUSED);
  const people = count.count - count.served;
  return { count: people, doneAt: people === 0 || isStopped ? null : await forecast(people, count, now) };
}

/** Until the schedule has counted for the first time, or when it has not for a while. */
const STALE_MS = 15 * MINUTE_MS;

async function currentCount(now: number): Promise<LineCount> {
  const [known, marks] = [await readLineCount(), await readMarks()];
  if (marks.length === 0) return { at: now, count: 0, served: 0, marks: [], pointsPerPerson: known?.pointsPerPerson ?? USUAL_POINTS };
  return known && now - known.at < STALE_MS && known.count > 0 ? withNewcomers(known, now) : countLine(now);
}

/** Pages of people who have come since the last count. */
const PAGES_OF_NEWCOMERS = 30;

async function withNewcomers(known: LineCount, now: number): Promise<LineCount> {
  let [from, count] = [known.at + 1, known.count];
  for (let page = 0; page < PAGES_OF_NEWCOMERS; page += 1) {
    const newcomers = await listWaiting('arrivals', from, now);
    count += newcomers.filter((waiting) => !isHeld(waiting, now)).length;
    const last = newcomers.at(-1);
    if (last === undefined || newcomers.length < WAITING_PER_PAGE) break;
    from = last.dueAt + 1;
  }
  return { ...known, count };
}

async function forecast(people: number, { pointsPerPerson }: LineCount, now: number): Promise<number> {
  return servedBy(people, pointsPerPerson, { ...(await readRoom('events', now)), nextHourAt: nextHour(now) }, now);
}

/** When this person's turn comes (ms); null = nobody can tell. */
export async function servedAt(waiting: Waiting, now: number): Promise<number | null> {
  const [policy, marks] = [await readPolicy(), await readMarks()];
  if (policy.kind === 'unreadable' || policy.policy.paused || marks.includes(REFUSED)) return null;
  if (isHeld(waiting, now)) return now + MINUTE_MS;
  const known = await readLineCount();
  const before = waiting.lane === 'clicks' || !known ? 0 : placeOf(known, waiting.dueAt);
  const count = known ?? { at: now, count: 0, served: 0, marks: [], pointsPerPerson: USUAL_POINTS };
  // The schedule comes every five minutes.
  return Math.max(await forecast(before + 1, count, now), waiting.dueAt, now + TICK_MS);
}

/** Whose turn comes when, once more people arrive than can be served at once. Pure. */
import { HOUR_MS } from './time';

/**
 * Who asked for their space themselves goes first. `arrivals` are people whose activity was heard, or whose space appeared.
 * Within a lane people are served in the order in which their turn came.
 */
export const LANES = ['clicks', 'arrivals'] as const;
export type Lane = (typeof LANES)[number];

/** Somebody who waits, or for whom somebody is at work. Times in ms. */
export interface Waiting {
  accountId: string;
  revision: number;
  lane: Lane;
  /** Why they are looked at. */
  occasion: 'activity' | 'arrival' | 'click';
  /** Acts as people on this site only. */
  cloudId: string;
  /** When they came. */
  since: number;
  /** Their place: not served before this. */
  dueAt: number;
  /** Somebody is at work for them until then at the latest; null = they wait. */
  heldUntil: number | null;
}

/** Somebody who is in no line yet. */
export function newcomer(accountId: string, cloudId: string, occasion: Waiting['occasion'], now: number): Waiting {
  const lane = occasion === 'click' ? 'clicks' : 'arrivals';
  return { accountId, revision: 0, lane, occasion, cloudId, since: now, dueAt: now, heldUntil: null };
}

export const isHeld = (waiting: Pick<Waiting, 'heldUntil'>, now: number): boolean => waiting.heldUntil !== null && now < waiting.heldUntil;

/** What one person costs until the line has found out by itself (README, "What it costs"). */
export const USUAL_POINTS = 9;
/** People served in an hour at most: several at a time, a second or two each, and nearly always (README, "The first hour"). */
const SERVED_PER_HOUR = 10_000;

/** The line as it was last counted. */
export interface LineCount {
  /** When it was counted (ms). */
  at: number;
  /** People who waited. */
  count: number;
  /** Of those, people who have left it since. */
  served: number;
  /** Places: how many stood before somebody whose turn came at that moment (ms), in order. */
  marks: readonly (readonly [dueAt: number, before: number])[];
  /** Points that one person has cost lately. */
  pointsPerPerson: number;
}

/** How many stand before somebody with this place, as far as was counted. */
export function placeOf({ marks, count, served }: LineCount, dueAt: number): number {
  const next = marks.findIndex(([at]) => at > dueAt);
  const [from, to] = next < 0 ? [marks.at(-1), undefined] : [marks[next - 1], marks[next]];
  const before = !from ? 0 : !to ? (dueAt > from[0] ? count : from[1]) : from[1] + share(from, to, dueAt);
  return Math.max(0, Math.round(before) - served);
}

type Mark = LineCount['marks'][number];
const share = (from: Mark, to: Mark, dueAt: number): number => ((dueAt - from[0]) / Math.max(1, to[0] - from[0])) * (to[1] - from[1]);

/** Points that people who come by may spend. */
export interface Room {
  /** In this hour, from now on. */
  now: number;
  /** In a whole hour. */
  perHour: number;
  /** When the next hour begins (ms). */
  nextHourAt: number;
}

/** When so many people will have been served (ms), by the points of the hours and by how fast one follows another. */
export function servedBy(people: number, pointsPerPerson: number, room: Room, now: number): number {
  const pace = (count: number): number => (count / SERVED_PER_HOUR) * HOUR_MS;
  const atOnce = Math.min(people, room.now / pointsPerPerson);
  if (people <= atOnce) return Math.round(now + pace(people));
  const perHour = Math.max(1, Math.min(SERVED_PER_HOUR, room.perHour / pointsPerPerson));
  const left = people - atOnce;
  const fullHours = Math.ceil(left / perHour) - 1;
  return Math.round(room.nextHourAt + fullHours * HOUR_MS + pace(left - fullHours * perHour));
}

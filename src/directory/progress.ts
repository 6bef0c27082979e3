/** How far the present reading is, and when it will be done: an honest guess by what is left and what the hours give. */
import { GROUPS_PER_PAGE, PEOPLE_PER_CALL } from '../confluence/people';
import { HOUR_MS } from '../domain/time';
import { type Budget, nextHour } from '../forge/budget';
import { isOver, type Job } from '../jobs/record';
import type { ReadGroup } from './people';
import { type Phase, type ReadingWork, reading, SPACES_PER_PAGE } from './reading';
import type { DirectoryState } from './state';

/** Points a minute that a reading can use at most, by its calls one after another; half of what was measured on the local site. */
const POINTS_PER_MINUTE = 20_000;
/** Points for each space of a list, and for each person looked up, with their share of the page's request. */
const LISTED = 1 + 1 / SPACES_PER_PAGE;
const LOOKED_UP = 2 + 1 / PEOPLE_PER_CALL;
/** Before a site has told: points a space for the questions of each kind, and the share of people to be looked up. */
const FIRST_GUESS = { changes: 0.3, untouched: 0.5, lookUp: 0.3 };

/** Rows that there are, and members of the groups to read. */
export interface Sizes {
  spaces: number;
  people: number;
  toLookUp: number;
  groups: readonly ReadGroup[];
}

export interface Progress {
  complete: boolean;
  /** When the reading under way will have come to its end (ms); null = none is. */
  doneAt: number | null;
}

/** Points that are left up to the end of each phase. */
function pointsLeft(work: ReadingWork, sizes: Sizes): Map<Phase, number> {
  const members = sizes.groups.reduce((sum, group) => sum + group.members, 0);
  const expected = Math.max(sizes.spaces, members);
  const left = new Map<Phase, number>();
  let sum = 0;
  for (const phase of work.phases) {
    sum += pointsOf(phase, work, { ...sizes, spaces: work.phases.includes('list') ? expected : sizes.spaces }, members);
    left.set(phase, sum);
  }
  return left;
}

function pointsOf(phase: Phase, { spent, groups }: ReadingWork, sizes: Sizes, members: number): number {
  const { points = 0, done = 0 } = spent[phase] ?? {};
  const pace = (guess: number): number => (done > 0 ? points / done : guess);
  switch (phase) {
    case 'list':
      return Math.max(0, sizes.spaces - done) * pace(LISTED);
    case 'members': {
      const toRead = new Set(groups);
      const size = sizes.groups.filter(({ number }) => toRead.has(number)).reduce((sum, group) => sum + group.members, 0);
      return size * (2 + 1 / GROUPS_PER_PAGE);
    }
    case 'look-up':
      return (sizes.toLookUp > 0 ? sizes.toLookUp : Math.max(0, FIRST_GUESS.lookUp * members - done)) * LOOKED_UP;
    case 'changes':
      return Math.max(0, sizes.spaces - done) * pace(FIRST_GUESS.changes);
    case 'untouched':
      return Math.max(0, sizes.spaces - done) * pace(FIRST_GUESS.untouched);
    default:
      return 0;
  }
}

/** When so many points will have been spent. */
export function doneBy(points: number, { limit, spent }: Budget, now: number): number {
  const minutes = (amount: number): number => (amount / POINTS_PER_MINUTE) * 60_000;
  const free = Math.max(0, limit - spent);
  if (points <= free) return Math.round(now + minutes(points));
  const rest = points - free;
  const fullHours = Math.floor(rest / Math.max(1, limit));
  return Math.round(nextHour(now) + fullHours * HOUR_MS + minutes(rest - fullHours * limit));
}

/** @param job the reading that the state names */
export function progressOf(
  state: DirectoryState,
  job: Job | null,
  sizes: Sizes,
  budget: Budget,
  now: number,
): { spaces: Progress; people: Progress } {
  const isReading = job !== null && !isOver(job);
  const left = isReading ? pointsLeft(reading.parse(job).work, sizes) : null;
  const progress = (completeAt: number | null, last: Phase): Progress => {
    const points = left?.get(last) ?? (left ? 0 : null);
    return { complete: completeAt !== null, doneAt: points === null ? null : doneBy(points, budget, now) };
  };
  return { spaces: progress(state.spacesAt, 'untouched'), people: progress(state.peopleAt, 'look-up') };
}

/**
 * Finds personal spaces in which nothing has changed since a given moment. Reads each space once in a
 * list and asks the search index in groups: one request says that a whole group is idle.
 */
import { searchActive } from '../confluence/search';
import { listPersonalSpaces } from '../confluence/spaces';
import type { SpaceRow } from './rows';

/** The largest page v2 gives. */
const SPACES_PER_PAGE = 250;
/** Keys per `space in (...)`: the largest number is not published, so stay well under. */
const KEYS_PER_SEARCH = 50;
/** Hits read per search: each costs a point, and one per space is enough. */
export const HITS_PER_SEARCH = 50;
/** The most that one page of the survey costs: the list, and for each group as many full answers as it has spaces. */
export const POINTS_PER_PAGE = 1 + SPACES_PER_PAGE + (SPACES_PER_PAGE / KEYS_PER_SEARCH) * 5 * (1 + HITS_PER_SEARCH);

interface SurveyPage {
  rows: SpaceRow[];
  counts: { seen: number; active: number; unused: number };
  next: string | null;
}

/** One page of the site's personal spaces, with those left out in which something changed. */
export async function surveyPage(work: { unchangedSince: number }, cursor: string | null): Promise<SurveyPage> {
  const { spaces, next } = await listPersonalSpaces(cursor, SPACES_PER_PAGE);
  const rows: SpaceRow[] = [];
  // A space created since then is active by its creation alone.
  const old = spaces.filter((space) => space.createdAt < work.unchangedSince);
  for (let i = 0; i < old.length; i += KEYS_PER_SEARCH) {
    for (const space of await idleAmong(old.slice(i, i + KEYS_PER_SEARCH), work.unchangedSince)) {
      rows.push({ spaceId: space.id, key: space.key, ownerId: space.ownerId, createdAt: space.createdAt });
    }
  }
  return { rows, counts: { seen: spaces.length, active: spaces.length - rows.length, unused: rows.length }, next };
}

/** Of at most 50 spaces, those in which nothing has changed since `since` (ms) for certain, according to the index. */
export async function idleAmong<S extends { key: string }>(spaces: S[], since: number): Promise<S[]> {
  let left = spaces;
  while (left.length > 0) {
    const keys = new Set(left.map((space) => space.key));
    const { active, complete } = await searchActive([...keys], since, HITS_PER_SEARCH);
    // A hit that names none of the spaces asked for was misread: then nothing is certain.
    if ([...active].some((key) => !keys.has(key))) return [];
    left = left.filter((space) => !active.has(space.key));
    if (complete) return left;
    if (active.size === 0) break;
  }
  return [];
}

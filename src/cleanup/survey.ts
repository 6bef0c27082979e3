/**
 * Finds personal spaces in which nothing changed since a given moment. Reads each space once in a
 * list and asks the search index in groups: one request says that a whole group is idle.
 */
import { listPersonalSpaces, searchActive } from '../forge/confluence';
import type { Job, Row } from '../forge/store';

/** The largest page v2 gives. */
const SPACES_PER_PAGE = 250;
/** Keys per `space in (...)`: the largest number is not published, so stay well under. */
const KEYS_PER_SEARCH = 50;
/** Hits read per search: each costs a point, and one per space is enough. */
const HITS_PER_SEARCH = 50;

interface SurveyPage {
  rows: Row[];
  counts: { seen: number; active: number; unused: number };
  next: string | null;
  /** What it cost, by the published rule. */
  points: number;
}

/** One page of the site's personal spaces, with those left out in which something changed. */
export async function surveyPage(job: Pick<Job, 'unchangedSince'>, cursor: string | null): Promise<SurveyPage> {
  const { spaces, next } = await listPersonalSpaces(cursor, SPACES_PER_PAGE);
  const rows: Row[] = [];
  let points = 1 + spaces.length;
  // A space made since then is active by its creation alone.
  const old = spaces.filter((space) => space.createdAt < job.unchangedSince);
  for (let i = 0; i < old.length; i += KEYS_PER_SEARCH) {
    const found = await idleAmong(old.slice(i, i + KEYS_PER_SEARCH), job.unchangedSince);
    points += found.points;
    for (const space of found.idle) {
      rows.push({ spaceId: space.id, key: space.key, ownerId: space.ownerId, createdAt: space.createdAt });
    }
  }
  return { rows, counts: { seen: spaces.length, active: spaces.length - rows.length, unused: rows.length }, next, points };
}

/** Those of at most 50 spaces of which the index says for certain that nothing changed since `since` (ms). */
export async function idleAmong<S extends { key: string }>(spaces: S[], since: number): Promise<{ idle: S[]; points: number }> {
  let left = spaces;
  let points = 0;
  while (left.length > 0) {
    const keys = new Set(left.map((space) => space.key));
    const { active, complete, hits } = await searchActive([...keys], since, HITS_PER_SEARCH);
    points += 1 + hits;
    // A hit that names none of the spaces asked for was misread: then nothing is certain.
    if ([...active].some((key) => !keys.has(key))) return { idle: [], points };
    left = left.filter((space) => !active.has(space.key));
    if (complete) return { idle: left, points };
    if (active.size === 0) break;
  }
  return { idle: [], points };
}

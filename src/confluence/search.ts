/** The search index (CQL). It lags: what it does not name is re-checked by id before anything is done. */
import { route } from '@forge/api';
import { z } from 'zod';
import type { Answer, Candidate } from '../domain/probe';
import { DAY_MS, dayOf } from '../domain/time';
import { asApp, ask, chargeObjects, type Requester, readJson } from './call';

const SearchHit = z.object({ resultGlobalContainer: z.object({ displayUrl: z.string() }) });
const SearchPage = z.object({ results: z.array(SearchHit), _links: z.object({ next: z.string().optional() }).optional() });

const keyOf = (hit: z.infer<typeof SearchHit>): string =>
  decodeURIComponent(hit.resultGlobalContainer.displayUrl.replace(/^\/spaces\//, ''));

/** Every kind of item that counts as a change in a space. */
const ACTIVITY_TYPES = 'page,blogpost,comment,attachment,whiteboard,database';
/** CQL dates are to the minute in the caller's time zone, which the app cannot read: one day of margin keeps more, never less. */
const TIME_ZONE_MARGIN_MS = DAY_MS;

const Change = SearchHit.extend({ lastModified: z.iso.datetime({ offset: true }) });
const ChangesPage = z.object({
  results: z.array(Change),
  totalSize: z.number().int().nonnegative().optional(),
  _links: z.object({ next: z.string().optional() }).optional(),
});

/**
 * The newest `hits` changes in these spaces, archived ones included, each since its own day. The index
 * lags: re-check by id before acting.
 * @throws ConfluenceError; 400 and 414 when there are more spaces, or more bytes, than the site takes
 */
export async function askForChanges(asked: readonly Candidate[], hits: number): Promise<Answer> {
  const operation = 'search changes';
  const response = await ask(operation, () =>
    asApp().requestConfluence(
      route`/wiki/rest/api/search?cql=${changesQuestion(asked)}&limit=${hits}&excerpt=none&includeArchivedSpaces=true`,
    ),
  );
  const { results, totalSize, _links } = await readJson(operation, response, ChangesPage);
  chargeObjects(results.length);
  return {
    hits: results.map((hit) => ({ key: keyOf(hit), day: dayOf(Date.parse(hit.lastModified)) })),
    isComplete: _links?.next === undefined,
    total: totalSize ?? null,
  };
}

/** CQL for the changes in these spaces, each since its own day, newest first. */
export function changesQuestion(asked: readonly Candidate[]): string {
  const keysBySince = new Map<string, string[]>();
  for (const { key, since } of asked) keysBySince.set(since, [...(keysBySince.get(since) ?? []), `"${key}"`]);
  const parts = [...keysBySince].map(([since, keys]) => {
    const day = dayOf(Date.parse(since) - TIME_ZONE_MARGIN_MS);
    return `(space in (${keys.join(',')}) and lastmodified >= "${day}")`;
  });
  // Without parentheses, CQL joins strictly from left to right.
  return `(${parts.join(' or ')}) and type in (${ACTIVITY_TYPES}) order by lastmodified desc`;
}

/** What can be attached to pages without changing them. */
const OTHER_TYPES = 'comment,attachment,whiteboard,database';

/** 1 when the index names any comment, attachment, whiteboard or database in the space, as this requester sees them. */
export async function countOthers(as: Requester, spaceKey: string): Promise<number> {
  const operation = 'search others';
  const cql = `space = "${spaceKey}" and type in (${OTHER_TYPES})`;
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/rest/api/search?cql=${cql}&limit=1&excerpt=none`));
  const { results } = await readJson(operation, response, SearchPage);
  chargeObjects(results.length);
  return results.length;
}

/** The search index (CQL). It lags: what it does not name is re-checked by id before anything is done. */
import { route } from '@forge/api';
import { z } from 'zod';
import type { Answer, Candidate } from '../domain/probe';
import { ConfluenceError } from '../forge/errors';
import { asApp, ask, chargeObjects, type Requester, readJson } from './call';

const SearchHit = z.object({ resultGlobalContainer: z.object({ displayUrl: z.string() }) });
const SearchPage = z.object({ results: z.array(SearchHit), _links: z.object({ next: z.string().optional() }).optional() });

/** Every kind of item that counts as a change in a space. */
const ACTIVITY_TYPES = 'page,blogpost,comment,attachment,whiteboard,database';
/** CQL dates are to the minute in the caller's time zone, which the app cannot read: one day of margin keeps more, never less. */
const TIME_ZONE_MARGIN_MS = 86_400_000;

const ChangePage = z.object({
  results: z.array(z.object({ resultGlobalContainer: z.object({ displayUrl: z.string() }), lastModified: z.string() })),
  totalSize: z.number().nullish(),
  _links: z.object({ next: z.string().optional() }).optional(),
});

const keyOf = (displayUrl: string): string => decodeURIComponent(displayUrl.replace(/^\/spaces\//, ''));

/**
 * What changed in these spaces since the day of each, newest first, at most `hits` of it. Archived spaces are searched,
 * too. The index lags: re-check by id before acting.
 * @throws ConfluenceError 502 when a hit names none of the spaces, so that nothing of the answer is certain
 */
export async function askForChanges(asked: readonly Candidate[], hits: number): Promise<Answer> {
  const operation = 'search changes';
  const keysByDay = new Map<string, string[]>();
  for (const { key, since } of asked) keysByDay.set(since, [...(keysByDay.get(since) ?? []), key]);
  const clauses = [...keysByDay].map(([since, keys]) => {
    const day = new Date(Date.parse(since) - TIME_ZONE_MARGIN_MS).toISOString().slice(0, 10);
    return `(space in (${keys.map((key) => `"${key}"`).join(',')}) and lastmodified >= "${day}")`;
  });
  const cql = `(${clauses.join(' or ')}) and type in (${ACTIVITY_TYPES}) order by lastmodified desc`;
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/search?cql=${cql}&limit=${hits}&excerpt=none&includeArchivedSpaces=true`),
  );
  const { results, totalSize, _links } = await readJson(operation, response, ChangePage);
  chargeObjects(results.length);
  const known = new Set(asked.map(({ key }) => key));
  const found = results.map(({ resultGlobalContainer, lastModified }) => ({
    key: keyOf(resultGlobalContainer.displayUrl),
    day: new Date(lastModified).toISOString().slice(0, 10),
  }));
  if (found.some(({ key }) => !known.has(key)))
    throw new ConfluenceError(operation, 502, 'a hit names a space that was not asked for', null, true);
  return { hits: found, isComplete: _links?.next === undefined, total: totalSize ?? null };
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

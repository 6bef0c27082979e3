/** Groups, read in the browser as the admin, which costs the app no points. */
import { requestConfluence } from '@forge/bridge';
import { useEffect, useState } from 'react';

export interface Group {
  id: string;
  name: string;
}

/** Groups that a search shows; a longer search finds the rest. */
const SEARCH_LIMIT = 20;
const known = new Map<string, string>();

/** Groups with these words in their name. @throws Error when Confluence does not answer */
export async function searchGroups(query: string): Promise<Group[]> {
  const path =
    query.trim() === ''
      ? `/wiki/rest/api/group?limit=${SEARCH_LIMIT}`
      : `/wiki/rest/api/group/picker?query=${encodeURIComponent(query.trim())}&limit=${SEARCH_LIMIT}`;
  const response = await requestConfluence(path);
  if (!response.ok) throw new Error(`groups answered ${response.status}`);
  const { results } = (await response.json()) as { results: Group[] };
  for (const { id, name } of results) known.set(id, name);
  return results;
}

async function readName(id: string): Promise<void> {
  const response = await requestConfluence(`/wiki/rest/api/group/by-id?id=${encodeURIComponent(id)}`);
  if (response.ok) known.set(id, ((await response.json()) as Group).name);
}

/** Names for these ids, as they arrive; a deleted group stays an id. */
export function useGroupNames(ids: readonly string[]): (id: string) => string {
  const [, redraw] = useState(0);
  const missing = [...new Set(ids)].filter((id) => !known.has(id)).join(' ');
  useEffect(() => {
    if (missing === '') return;
    Promise.allSettled(missing.split(' ').map(readName)).then(() => redraw((n) => n + 1));
  }, [missing]);
  return (id) => known.get(id) ?? id;
}

/** Display names, read in the browser as the admin: the app itself stores only account ids. */
import { requestConfluence } from '@forge/bridge';
import { useEffect, useState } from 'react';
import { text } from '../../shared/text';

/** Most people in one answer of v1 user/bulk. */
const PEOPLE_PER_CALL = 100;
const known = new Map<string, string>();

async function readNames(accountIds: string[]): Promise<void> {
  for (let i = 0; i < accountIds.length; i += PEOPLE_PER_CALL) {
    const query = accountIds
      .slice(i, i + PEOPLE_PER_CALL)
      .map((id) => `accountId=${encodeURIComponent(id)}`)
      .join('&');
    const response = await requestConfluence(`/wiki/rest/api/user/bulk?${query}`);
    if (!response.ok) return;
    const { results } = (await response.json()) as { results: { accountId: string; displayName?: string; publicName?: string }[] };
    for (const person of results) known.set(person.accountId, person.displayName || person.publicName || person.accountId);
  }
}

/** A list names a personal space by its owner. Where that account is closed, neither it nor the key is known any more. */
export function spaceLabel(row: { spaceId: string; ownerId: string | null; key: string }, nameOf: (accountId: string) => string): string {
  return row.ownerId === null ? row.key || row.spaceId : nameOf(row.ownerId);
}

/** A space as the directory lists it. */
export const listedLabel = (
  { spaceId, ownerId, key }: { spaceId: string; ownerId: string | null; key: string | null },
  nameOf: (accountId: string) => string,
): string => spaceLabel({ spaceId, ownerId, key: key ?? '' }, nameOf);

/** Actors in the trail that are not accounts. */
const NO_ACCOUNT: Record<string, () => string> = { app: () => text('admin.name.app'), unknown: () => text('admin.name.unknown') };

/** Names for these ids, as they arrive; an id without a readable name stays an id. */
export function useNames(accountIds: readonly string[]): (accountId: string) => string {
  const [, redraw] = useState(0);
  const missing = [...new Set(accountIds)].filter((id) => id !== '' && !(id in NO_ACCOUNT) && !known.has(id)).join(' ');
  useEffect(() => {
    if (missing === '') return;
    readNames(missing.split(' ')).then(
      () => redraw((n) => n + 1),
      () => {},
    );
  }, [missing]);
  return (accountId) => NO_ACCOUNT[accountId]?.() ?? known.get(accountId) ?? accountId;
}

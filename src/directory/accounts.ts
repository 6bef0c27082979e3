/** The accounts that the directory names: for the weekly report, for the erasure of those that are closed, and for whoever asks about themselves. */
import { orWhenMissing } from '../forge/errors';
import { eraseFromDirectory } from './derive';
import { findPerson, findSpacesOfOwner, type PeopleRow, type SpaceRow } from './lists';
import { listMemberIds, listPeopleIds, listReadGroups, readMemberships } from './people';
import { thawAccounts } from './run-rows';
import { listOwnerIds } from './spaces';

/** Where account ids stand; an owner or a member is for a while in no row of people. */
const SOURCES = [listPeopleIds, listOwnerIds, listMemberIds];

/** Some of the accounts. @param cursor where to go on, `<source>:<account id>` */
export async function listAccountsInDirectory(
  limit: number,
  cursor: string | null,
): Promise<{ accountIds: string[]; cursor: string | null }> {
  const source = Number(cursor?.slice(0, 1) ?? 0);
  const accountIds = await orWhenMissing([], () => SOURCES[source]?.(cursor?.slice(2) ?? '', limit) ?? Promise.resolve([]));
  const last = accountIds.at(-1);
  if (last !== undefined && accountIds.length === limit) return { accountIds, cursor: `${source}:${last}` };
  return { accountIds, cursor: source + 1 < SOURCES.length ? `${source + 1}:` : null };
}

export async function eraseAccounts(accountIds: readonly string[]): Promise<void> {
  await orWhenMissing(undefined, async () => {
    await eraseFromDirectory(accountIds);
    await thawAccounts(accountIds);
  });
}

/** What the directory has about somebody. */
export interface DirectoryRows {
  person: PeopleRow | null;
  /** Ids of the groups that are known of them: those that give a license, and those that the policy names. */
  groups: string[];
  spaces: SpaceRow[];
}

export const rowsAbout = (accountId: string, now: number): Promise<DirectoryRows> =>
  orWhenMissing({ person: null, groups: [], spaces: [] }, async () => {
    const { groups = [] } = (await readMemberships([accountId])).get(accountId) ?? {};
    return {
      person: await findPerson(accountId),
      groups: (await listReadGroups()).filter(({ number }) => groups.includes(number)).map(({ id }) => id),
      spaces: await findSpacesOfOwner(accountId, now),
    };
  });

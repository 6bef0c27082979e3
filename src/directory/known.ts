/** What the directory knows of one person, for whoever would otherwise ask Confluence only to leave them alone. */
import { LRUCache } from 'lru-cache';
import { decideExclusion, type Exclusion } from '../domain/directory';
import type { Policy } from '../domain/policy/document';
import { groupsOf } from '../domain/policy/match';
import { MINUTE_MS } from '../domain/time';
import { SqlError } from '../forge/errors';
import { currentInstallation } from '../forge/installation';
import { idsOf, listReadGroups, readPeopleRows } from './people';

interface Groups {
  groupIds: ReadonlyMap<number, string>;
  /** Ids of those whose members have been read. */
  read: ReadonlySet<string>;
}

/** For each installation. What is read later than that is heard of by then. */
const GROUPS_MS = 5 * MINUTE_MS;
const knownGroups = new LRUCache<string, Groups>({ max: 100, ttl: GROUPS_MS });

async function readGroups(): Promise<Groups> {
  const installation = currentInstallation();
  const known = knownGroups.get(installation);
  if (known) return known;
  const groups = await listReadGroups();
  const found = {
    groupIds: new Map(groups.map(({ number, id }) => [number, id])),
    read: new Set(groups.filter(({ readMembers }) => readMembers !== null).map(({ id }) => id)),
  };
  knownGroups.set(installation, found);
  return found;
}

/** Why this person gets no space under this policy. @returns null when they may get one, or the directory cannot tell */
export async function findExclusion(accountId: string, policy: Policy, now: number): Promise<Exclusion | null> {
  try {
    const row = (await readPeopleRows([accountId])).get(accountId);
    if (!row || row.look) return null;
    const { groupIds, read } = await readGroups();
    if (groupsOf(policy).some((id) => !read.has(id))) return null;
    const { standing, groups, spaceId } = row;
    return decideExclusion({ accountId, standing, groups: idsOf(groups, { groupIds }), hasSpace: spaceId !== null }, policy, now);
  } catch (error) {
    // Without the directory, Confluence is asked.
    if (error instanceof SqlError) return null;
    throw error;
  }
}

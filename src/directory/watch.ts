/**
 * What events tell the directory: who changed or visited which personal space, and which came to be, changed its status or went.
 * Costs no points, and at most one statement for each process, space, day and kind. What gets lost is found by the next reading.
 */
import { LRUCache } from 'lru-cache';
import { dayOf } from '../domain/directory';
import { personalSpaceKey } from '../domain/personal-space-key';
import { MINUTE_MS } from '../domain/time';
import type { Installation, Reaction } from '../events/listen';
import type { SpaceContent } from '../events/personal-space';
import type { SpaceChange } from '../events/space';
import { readSettings } from '../store/settings';
import { noteOwnSpace, noteSpacesGone } from './people';
import { noteChange, noteStatus, noteVisit, removeSpaces } from './spaces';

/** What this process has noted today: some 200 bytes each. */
const noted = new LRUCache<string, true>({ max: 20_000 });
/** How long a process remembers whether visits are kept. */
const SETTINGS_MS = 15 * MINUTE_MS;
const keepsVisits = new LRUCache<string, boolean>({ max: 100 });

async function visitsAreKept(installContext: string): Promise<boolean> {
  const known = keepsVisits.get(installContext);
  if (known !== undefined) return known;
  const { visits } = await readSettings();
  keepsVisits.set(installContext, visits, { ttl: SETTINGS_MS });
  return visits;
}

export const noteContent: Reaction<SpaceContent> = async (event, { installContext }: Installation) => {
  const { spaceId, key, by, kind, at } = event;
  const looksOwn = key === personalSpaceKey(by);
  // Looking at one's own pages is neither a change nor a visit.
  if (kind === 'view' && (looksOwn || !(await visitsAreKept(installContext)))) return undefined;
  const day = dayOf(at);
  const once = `${installContext} ${spaceId} ${day} ${kind === 'view' ? 'visit' : looksOwn ? 'owner' : 'others'}`;
  if (noted.get(once)) return undefined;
  // Before the statement: others of the same second need none of their own.
  noted.set(once, true);
  const touch = { spaceId, key, by, looksOwn, day };
  try {
    if (kind === 'view') await noteVisit(touch, Date.now());
    else await noteChange(touch, Date.now());
  } catch (error) {
    noted.delete(once);
    throw error;
  }
  return undefined;
};

export const noteSpace: Reaction<SpaceChange> = async ({ kind, spaceId, key, ownerId, status, at }) => {
  if (kind === 'deleted') {
    await removeSpaces([spaceId]);
    await noteSpacesGone([spaceId]);
    return undefined;
  }
  const seen = status === 'archived' || status === 'trashed' ? status : 'current';
  // An update that does not say the status says nothing that the directory keeps.
  if (kind === 'updated' && status === null) return undefined;
  await noteStatus({ id: spaceId, key, ownerId, status: seen, createdAt: kind === 'created' ? at : null }, at);
  if (kind === 'created' && ownerId !== null) await noteOwnSpace(ownerId, spaceId);
  return undefined;
};

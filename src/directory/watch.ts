/**
 * What events tell the directory: who changed or visited which personal space, and which came to be, changed its status or went.
 * Costs no points. A change or a visit is at most one statement for each process, space, day and kind, and one more in 250 asks what
 * other processes have noted; a space that comes to be, changes its status or goes is one to four. What gets lost is found by the
 * next reading.
 */
import { LRUCache } from 'lru-cache';
import { personalSpaceKey } from '../domain/personal-space-key';
import { type Day, dayOf, MINUTE_MS } from '../domain/time';
import type { Installation, Reaction } from '../events/listen';
import type { SpaceContent } from '../events/personal-space';
import type { SpaceChange } from '../events/space';
import { SqlError } from '../forge/errors';
import { readSettings } from '../store/settings';
import { noteOwnSpace, noteSpacesGone } from './people';
import { type Author, listNoted, noteChange, noteStatuses, noteVisit, removeSpaces } from './spaces';

/** What this process knows to be noted today: some 200 bytes each. */
const noted = new LRUCache<string, true>({ max: 30_000 });
/** Statements of this process since it last asked what others have noted, for each installation. */
const written = new LRUCache<string, number>({ max: 100 });
/** After so many of them it asks: on a busy site, that one statement spares it more of its own. */
const STATEMENTS_BEFORE_ASKING = 250;
/** Spaces that one such answer names: about half a second of the database's time. */
const NAMED_AT_ONCE = 10_000;
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

const keyOf = (installContext: string, spaceId: string, day: Day, kind: Author | 'visit'): string =>
  `${installContext} ${spaceId} ${day} ${kind}`;

/** Notes come from all processes alike, so what another one has noted need not be noted again. */
async function learnFromOthers(installContext: string, day: Day): Promise<void> {
  const statements = (written.get(installContext) ?? 0) + 1;
  written.set(installContext, statements % STATEMENTS_BEFORE_ASKING);
  if (statements < STATEMENTS_BEFORE_ASKING) return;
  try {
    for (const { spaceId, changedBy, isVisited } of await listNoted(day, NAMED_AT_ONCE)) {
      if (changedBy !== null) noted.set(keyOf(installContext, spaceId, day, changedBy), true);
      if (isVisited) noted.set(keyOf(installContext, spaceId, day, 'visit'), true);
    }
  } catch (error) {
    // It only spares statements; what this event told is noted.
    if (!(error instanceof SqlError) || error.kind === 'failed') throw error;
  }
}

export const noteContent: Reaction<SpaceContent> = async (event, { installContext }: Installation) => {
  const { spaceId, key, by, kind, at } = event;
  const looksOwn = key === personalSpaceKey(by);
  // Looking at one's own pages is neither a change nor a visit.
  if (kind === 'view' && (looksOwn || !(await visitsAreKept(installContext)))) return undefined;
  const day = dayOf(at);
  const once = keyOf(installContext, spaceId, day, kind === 'view' ? 'visit' : looksOwn ? 'owner' : 'others');
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
  await learnFromOthers(installContext, day);
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
  await noteStatuses([{ id: spaceId, key, ownerId, status: seen, createdAt: kind === 'created' ? at : null }], at, false);
  if (kind === 'created' && ownerId !== null) await noteOwnSpace(ownerId, spaceId);
  return undefined;
};

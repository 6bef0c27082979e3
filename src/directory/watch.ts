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

/** What this process knows to be noted, for each installation and day. */
const noted = new LRUCache<string, Set<string>>({ max: 10 });
/** Spaces and kinds remembered of one day: some 60 bytes each. */
const NOTED_A_DAY = 50_000;
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

function notedOn(installContext: string, day: Day): Set<string> {
  const key = `${installContext} ${day}`;
  const known = noted.get(key);
  if (known && known.size < NOTED_A_DAY) return known;
  const begun = new Set<string>();
  noted.set(key, begun);
  return begun;
}

const INITIALS = { owner: 'o', others: 'p', visit: 'v' } as const;
const noteOf = (spaceId: string, kind: Author | 'visit'): string => `${spaceId}${INITIALS[kind]}`;

/** Notes come from all processes alike, so what another one has noted need not be noted again. */
async function learnFromOthers(installContext: string, day: Day): Promise<void> {
  const statements = (written.get(installContext) ?? 0) + 1;
  written.set(installContext, statements % STATEMENTS_BEFORE_ASKING);
  if (statements < STATEMENTS_BEFORE_ASKING) return;
  try {
    const today = notedOn(installContext, day);
    for (const { spaceId, changedBy, isVisited } of await listNoted(day, NAMED_AT_ONCE)) {
      if (changedBy !== null) today.add(noteOf(spaceId, changedBy));
      if (isVisited) today.add(noteOf(spaceId, 'visit'));
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
  const known = notedOn(installContext, day);
  const note = noteOf(spaceId, kind === 'view' ? 'visit' : looksOwn ? 'owner' : 'others');
  if (known.has(note)) return undefined;
  // Before the statement: others of the same second need none of their own.
  known.add(note);
  const touch = { spaceId, key, by, looksOwn, day };
  try {
    if (kind === 'view') await noteVisit(touch, Date.now());
    else await noteChange(touch, Date.now());
  } catch (error) {
    known.delete(note);
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

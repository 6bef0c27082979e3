/** The directory: lists of spaces and people, one space's story, and how far the reading of the site is. */
import { z } from 'zod';
import { type Readers, readReaders, readRoleMode } from '../../confluence/access';
import { asApp } from '../../confluence/call';
import { listNewestPages } from '../../confluence/pages';
import { readSpace } from '../../confluence/spaces';
import { keepForPage, type OpenDirectory, openDirectory } from '../../directory/keep';
import {
  countSpaces,
  findSpace,
  listPeople,
  listSpaces,
  PEOPLE_SORTS,
  PeopleFilter,
  type PeopleRow,
  SPACE_SORTS,
  SpaceFilter,
  type SpaceRow,
} from '../../directory/lists';
import { countRows, countWaiting, listReadGroups } from '../../directory/people';
import { progressOf } from '../../directory/progress';
import { noteAccess } from '../../directory/spaces';
import type { EventBody } from '../../domain/event';
import { readBudget, reportHour } from '../../forge/budget';
import { AppError } from '../../forge/errors';
import { readJob } from '../../jobs/record';
import { viewLine } from '../../provisioning/line-view';
import { accessOf } from '../../provisioning/promised-access';
import { readSettings, Settings, writeSettings } from '../../store/settings';
import { countBrokenAccess } from '../../store/spaces';
import { listEvents } from '../../store/trail';
import { define } from '../define';
import { Id, Nothing } from '../inputs';
import { administers } from '../standing';

/** Rows of one page; an export takes more at a time. */
const MAX_ROWS = 100;
const DEFAULT_ROWS = 25;
const EXPORT_ROWS = 500;
/** Entries of a space's story. */
const STORY_ENTRIES = 50;

const Cursor = z.string().max(1_000).nullable().default(null);
const Direction = z.enum(['asc', 'desc']).default('asc');
const SpacesSort = z.strictObject({ by: z.enum(SPACE_SORTS), direction: Direction }).default({ by: 'spaceId', direction: 'asc' });
const PeopleSort = z.strictObject({ by: z.enum(PEOPLE_SORTS), direction: Direction }).default({ by: 'accountId', direction: 'asc' });
const page = { cursor: Cursor, limit: z.number().int().min(1).max(MAX_ROWS).default(DEFAULT_ROWS) };

export interface PartView {
  /** In the directory now. */
  rows: number;
  /** Everything that the site lets the app see has been read at least once. */
  complete: boolean;
  /** When the reading under way will be done, as far as can be told (ms); null = none is. */
  doneAt: number | null;
}
export interface DirectoryView {
  spaces: PartView;
  people: PartView;
  /** Since when events are noted (ms). */
  watchingSince: number;
}

export interface StoryEntry {
  at: number;
  kind: EventBody['kind'];
  by: string;
  reason: string | null;
  runId: string | null;
}
export interface StoryView {
  space: SpaceRow;
  /** Pages that the app sees: one, several; null = it could not look. */
  pages: 'one' | 'several' | null;
  /** Who can see it, as just read. */
  readers: Readers;
  entries: StoryEntry[];
}

export interface OverviewView {
  watchingSince: number;
  spaces: { current: number; archived: number; trashed: number; unknown: number };
  /** People whose turn has not come: they are served in order, the last of them at `doneAt` (ms; null = nobody can tell). */
  waiting: { count: number; doneAt: number | null };
  /** People who get a space when they next come by. */
  expected: number;
  points: { limit: number; spent: number; byClass: { class: string; spent: number; limit: number }[] };
  attention: { kind: string; count: number }[];
}

export const directoryFunctions = {
  'directory.get': define({ input: Nothing, authorise: administers, handle: () => directoryView(Date.now()) }),
  'overview.get': define({ input: Nothing, authorise: administers, handle: () => overview(Date.now()) }),
  'spaces.list': define({
    input: z.strictObject({ filter: SpaceFilter.default({}), sort: SpacesSort, ...page }),
    authorise: administers,
    handle: ({ filter, sort, cursor, limit }) => listSpaces({ filter, order: sort, cursor, limit }, Date.now()),
  }),
  'spaces.export': define({
    input: z.strictObject({ filter: SpaceFilter.default({}), cursor: Cursor }),
    authorise: administers,
    handle: async ({ filter, cursor }) => {
      const order = { by: 'spaceId', direction: 'asc' } as const;
      const { rows, next } = await listSpaces({ filter, order, cursor, limit: EXPORT_ROWS }, Date.now());
      return { rows, next };
    },
  }),
  'spaces.story': define({
    input: z.strictObject({ spaceId: Id }),
    authorise: administers,
    handle: ({ spaceId }) => story(spaceId, Date.now()),
  }),
  'people.list': define({
    input: z.strictObject({ filter: PeopleFilter.default({}), sort: PeopleSort, ...page }),
    authorise: administers,
    handle: ({ filter, sort, cursor, limit }) => listPeople({ filter, order: sort, cursor, limit }),
  }),
  'people.export': define({
    input: z.strictObject({ filter: PeopleFilter.default({}), cursor: Cursor }),
    authorise: administers,
    handle: async ({ filter, cursor }): Promise<{ rows: PeopleRow[]; next: string | null }> => {
      const order = { by: 'accountId', direction: 'asc' } as const;
      const { rows, next } = await listPeople({ filter, order, cursor, limit: EXPORT_ROWS });
      return { rows, next };
    },
  }),
  'settings.get': define({ input: Nothing, authorise: administers, handle: async () => ({ settings: await readSettings() }) }),
  'settings.save': define({
    input: z.strictObject({ settings: Settings }),
    authorise: administers,
    handle: async ({ settings }) => {
      await writeSettings(settings);
      return { settings };
    },
  }),
};

/** How far the reading of the site is. */
export async function readProgress(open: OpenDirectory, now: number) {
  const { data } = open.state;
  const [job, budget, sizes, groups] = [
    data.jobId === null ? null : await readJob(data.jobId),
    await readBudget(now),
    await countRows(),
    await listReadGroups(),
  ];
  return { sizes, progress: progressOf(data, job, { ...sizes, groups }, budget, now) };
}

async function directoryView(now: number): Promise<DirectoryView> {
  const open = await keepForPage(now);
  const { sizes, progress } = await readProgress(open, now);
  return {
    spaces: { rows: sizes.spaces, ...progress.spaces },
    people: { rows: sizes.people, ...progress.people },
    watchingSince: open.incarnation.watchingSince,
  };
}

async function overview(now: number): Promise<OverviewView> {
  const { incarnation } = await openDirectory(now);
  const [spaces, expected] = [await countSpaces(), await countWaiting()];
  const [{ isRefused, ...waiting }, hour, broken] = [await viewLine(now), await reportHour(now), await countBrokenAccess()];
  const attention = [
    { kind: 'invisible-spaces', count: spaces.unknown },
    { kind: 'broken-promises', count: broken },
    { kind: 'creation-refused', count: isRefused ? waiting.count : 0 },
  ].filter(({ count }) => count > 0);
  const { limit, spent, byClass } = hour;
  return {
    watchingSince: incarnation.watchingSince,
    spaces,
    waiting,
    expected,
    points: { limit, spent, byClass },
    attention,
  };
}

/** @throws AppError not-found */
async function story(spaceId: string, now: number): Promise<StoryView> {
  const known = await findSpace(spaceId, now);
  if (!known) throw new AppError('not-found');
  const { events } = await listEvents({ spaceId }, STORY_ENTRIES);
  const seen = known.visible ? await readSpace(asApp(), spaceId) : null;
  const pages = seen ? ((await listNewestPages(asApp(), spaceId)).length > 1 ? 'several' : 'one') : null;
  const readers = seen?.ownerId ? await readReaders(asApp(), spaceId, seen.ownerId, await readRoleMode()) : 'unknown';
  if (pages !== null) await noteAccess(spaceId, accessOf(readers), pages);
  return {
    space: { ...known, ...(pages === null ? {} : { pages, access: accessOf(readers) }) },
    pages,
    readers,
    entries: events.map(({ at, by, reason, runId, body }) => ({ at, kind: body.kind, by, reason, runId })),
  };
}

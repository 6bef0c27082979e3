/** Everything that Homestead stores about the caller, as it is stored. */
import { asCaller } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { hasNotice } from '../confluence/user-properties';
import { type DirectoryRows, rowsAbout } from '../directory/accounts';
import type { FieldValues } from '../domain/fields';
import type { Notice } from '../domain/notice';
import { type Person, reasonOf, spaceIdOf } from '../domain/person';
import type { Reason } from '../domain/reasons';
import type { PromisedSpace } from '../domain/space';
import type { Waiting } from '../domain/turn';
import { readNotices } from '../store/notices';
import { readPersonRecord } from '../store/people';
import { readAdminSeen } from '../store/site-facts';
import { readSpaceRecord } from '../store/spaces';
import { type ListedEvent, listEvents } from '../store/trail';
import { readWaiting } from '../store/waiting';
import { readValues } from './own-space';

/** Entries about the caller, and as many by them (Forge: at most 100 a query). */
const ENTRIES_SHOWN = 100;

export interface MyData {
  record: Person | null;
  /** Why the person is where they are; follows from the record. */
  reason: Reason | null;
  space: PromisedSpace | null;
  notices: Notice[];
  /** The caller's place in the line. */
  waiting: Waiting | null;
  /** Entries of the trail about the caller or by them, newest first. */
  trail: ListedEvent[];
  /** There are older entries than those. */
  hasOlder: boolean;
  /** When Confluence last said that the caller administers it (ms); null = not within 30 days. */
  administratorSince: number | null;
  details: FieldValues;
  hasNoticeFlag: boolean;
  /** What the directory knows of the caller and their space. */
  directory: DirectoryRows;
}

/** @throws UnreadableRecord */
export async function myData(accountId: string): Promise<MyData> {
  const record = await readPersonRecord(accountId);
  const spaceId = record && spaceIdOf(record);
  const space = spaceId === null ? null : await readSpace(asCaller(), spaceId);
  const about = await listEvents({ accountId }, ENTRIES_SHOWN);
  const by = await listEvents({ actor: accountId }, ENTRIES_SHOWN);
  const trail = new Map([...about.events, ...by.events].map((entry) => [entry.key, entry]));
  return {
    record,
    reason: record && reasonOf(record),
    space: spaceId === null ? null : await readSpaceRecord(spaceId),
    notices: await readNotices(accountId),
    waiting: await readWaiting(accountId),
    trail: [...trail.values()].sort((a, b) => b.at - a.at),
    hasOlder: about.cursor !== null || by.cursor !== null,
    administratorSince: await readAdminSeen(accountId),
    details: space?.status === 'current' ? await readValues(space.id) : {},
    hasNoticeFlag: await hasNotice(accountId),
    directory: await rowsAbout(accountId, Date.now()),
  };
}

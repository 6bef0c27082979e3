/** What the background script shows a person. */
import { clearNotice } from '../confluence/user-properties';
import { isOpen, type Notice } from '../domain/notice';
import { isIn, type Person } from '../domain/person';
import type { Access } from '../domain/space';
import { readNotices } from '../store/notices';
import { readPolicyAndPerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';
import { hold, isOffering } from './notices';

export interface NoticeView {
  kind: 'none' | 'ready' | 'adopted' | 'offer' | 'details';
  spaceKey: string | null;
  access: Access | null;
  /** The promised access could not be set yet; it is tried again. */
  isPromiseBroken: boolean;
  /** There are required details to fill in. */
  lacksDetails: boolean;
}

export const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null, isPromiseBroken: false, lacksDetails: false };

export async function pendingNotice(accountId: string): Promise<NoticeView> {
  const { policy, person } = await readPolicyAndPerson(accountId);
  const notice = (await readNotices(accountId)).find((candidate) => isOpen(candidate) && isAbout(candidate, person));
  if (notice?.kind === 'offer' && !isOffering(policy)) {
    await hold(notice);
    return NO_NOTICE;
  }
  const view = notice ? await viewOf(notice) : NO_NOTICE;
  // The property outlived its notice (a stop between two steps): take it away, so that the script stops loading.
  if (view.kind === 'none') await clearNotice(accountId);
  return view;
}

/** A notice that no longer fits what became of the person is not shown. */
function isAbout({ kind, subject }: Notice, person: Person | null): boolean {
  return kind === 'offer' ? isIn(person, 'offered') : isIn(person, 'ready') && person.spaceId === subject;
}

async function viewOf({ kind, subject }: Notice): Promise<NoticeView> {
  if (kind === 'offer' || subject === null) return { ...NO_NOTICE, kind: 'offer' };
  const space = await readSpaceRecord(subject);
  if (!space || (kind === 'details' && !space.lacksDetails)) return NO_NOTICE;
  const { key: spaceKey, access, lacksDetails } = space;
  return { kind, spaceKey, access: access.actual, isPromiseBroken: access.broken !== null, lacksDetails };
}

/** What the background script shows. */
import { clearNotice } from '../../confluence/user-properties';
import type { PolicyState } from '../../domain/policy/document';
import { type Access, readPersonRecord, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../../store/people';
import { anyoneSignedIn, define } from '../define';
import { Nothing } from '../inputs';

export interface NoticeView {
  kind: 'none' | 'ready' | 'adopted' | 'offer' | 'details';
  spaceKey: string | null;
  access: Access | null;
  /** There are required details to fill in. */
  lacksDetails: boolean;
}

export const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null, lacksDetails: false };

export const noticeFunctions = {
  'notice.get': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      const { policy, person } = await readPolicyAndPerson(accountId);
      if (person?.state === 'offered' && person.notice !== 'done' && !isOffering(policy)) {
        // While the app is off the script stops loading; the offer returns with the next activity after that.
        await writePerson({ ...person, notice: 'due' });
        await clearNotice(accountId);
        return NO_NOTICE;
      }
      const view = noticeOf(person);
      // The property outlived its notice (a stop between two steps): clear it, so that the script stops loading.
      if (view.kind === 'none') await clearNotice(accountId);
      return view;
    },
  }),
  'notice.dismiss': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await endNotice(await readPersonRecord(accountId), accountId);
      return NO_NOTICE;
    },
  }),
};

const isOffering = (policy: PolicyState): boolean =>
  policy.kind !== 'unreadable' &&
  !policy.policy.paused &&
  [...policy.policy.rules, policy.policy.everyoneElse].some((t) => t.mode !== 'off');

function noticeOf(person: StoredPersonRecord | null): NoticeView {
  if (!person || person.notice === 'done') return NO_NOTICE;
  const { spaceKey, access, lacksDetails } = person;
  if (person.state === 'offered') return { ...NO_NOTICE, kind: 'offer' };
  if (person.state !== 'ready') return NO_NOTICE;
  if (person.isReminded) return lacksDetails ? { kind: 'details', spaceKey, access, lacksDetails } : NO_NOTICE;
  return { kind: person.reason === 'space-adopted' ? 'adopted' : 'ready', spaceKey, access, lacksDetails };
}

async function endNotice(person: StoredPersonRecord | null, accountId: string): Promise<void> {
  if (person && person.notice !== 'done') await writePerson({ ...person, notice: 'done' });
  await clearNotice(accountId);
}

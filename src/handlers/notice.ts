/** What the background script asks: the caller's own notice, and the answers to it. */
import { type NoticeOutputs, type NoticeView, noticeInputs } from '../contract';
import { asCaller, clearNotice } from '../forge/confluence';
import { AppError } from '../forge/errors';
import { readPersonRecord, type StoredPersonRecord, writePerson } from '../forge/store';
import { POSTPONED_MS, provision } from '../provisioning/provision';
import { type Caller, makeResolver } from './boundary';

const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null };

export const noticeResolver = makeResolver<typeof noticeInputs, NoticeOutputs>(noticeInputs, async () => {}, {
  'notice.get': async (_input, caller) => {
    const person = await readPersonRecord(caller.accountId);
    const view = viewOf(person);
    // The property outlived its notice (a stop between two steps): take it away, so the script stops loading.
    if (view.kind === 'none') await clearNotice(caller.accountId);
    return view;
  },
  'notice.dismiss': async (_input, caller) => answer(caller, {}),
  'offer.later': async (_input, caller) =>
    answer(caller, { state: 'postponed', reason: 'offer-postponed', recheckAt: Date.now() + POSTPONED_MS }, 'offered'),
  'offer.never': async (_input, caller) => answer(caller, { state: 'declined', reason: 'offer-declined', recheckAt: null }, 'offered'),
  'offer.create': async (_input, caller) => {
    const person = await readPersonRecord(caller.accountId);
    if (person?.state !== 'offered' && person?.state !== 'creating' && person?.state !== 'ready') throw new AppError('not-found');
    const { record, decision } = await provision({
      accountId: caller.accountId,
      as: asCaller(),
      cloudId: caller.cloudId,
      wish: 'create',
      now: Date.now(),
    });
    const reason = record?.reason ?? (decision.action === 'look-up' ? 'account-unknown' : decision.reason);
    const hasSpace = record?.state === 'ready' || record?.state === 'has-space';
    // The answer is on the screen: nothing is left to tell.
    if (record && record.notice !== 'done') await writePerson({ ...record, notice: 'done' });
    await clearNotice(caller.accountId);
    return { kind: hasSpace ? 'ready' : 'refused', spaceKey: record?.spaceKey ?? null, access: record?.access ?? null, reason };
  },
});

function viewOf(person: StoredPersonRecord | null): NoticeView {
  if (!person || person.notice === 'done') return NO_NOTICE;
  if (person.state === 'offered') return { kind: 'offer', spaceKey: null, access: null };
  if (person.state === 'ready') return { kind: 'ready', spaceKey: person.spaceKey, access: person.access };
  return NO_NOTICE;
}

/** Ends the notice; with `onlyIn`, the change is made only while the person is in that state. */
async function answer(caller: Caller, change: Partial<StoredPersonRecord>, onlyIn?: StoredPersonRecord['state']): Promise<NoticeView> {
  const person = await readPersonRecord(caller.accountId);
  if (onlyIn !== undefined && person?.state !== onlyIn) throw new AppError('not-found');
  if (person && person.notice !== 'done')
    await writePerson({ ...person, ...change, changedAt: 'state' in change ? Date.now() : person.changedAt, notice: 'done' });
  await clearNotice(caller.accountId);
  return NO_NOTICE;
}

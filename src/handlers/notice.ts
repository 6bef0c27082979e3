/** What the background script asks: the caller's own notice, and the answers to it. */
import { type NoticeOutputs, type NoticeView, noticeInputs } from '../contract';
import { asCaller, clearNotice, readSpace } from '../forge/confluence';
import { AppError } from '../forge/errors';
import { readPersonRecord, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../forge/store';
import { POSTPONED_MS, provision } from '../provisioning/provision';
import { type Caller, makeResolver } from './boundary';

const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null };
const OFFER: NoticeView = { kind: 'offer', spaceKey: null, access: null };

export const noticeResolver = makeResolver<typeof noticeInputs, NoticeOutputs>(noticeInputs, async () => {}, {
  'notice.get': async (_input, caller) => {
    const { policy, person } = await readPolicyAndPerson(caller.accountId);
    const isOffering = policy.kind !== 'unreadable' && policy.policy.mode !== 'off';
    // An offer waits while the app is off, and is there again when it is on.
    if (person?.state === 'offered' && person.notice !== 'done') return isOffering ? OFFER : NO_NOTICE;
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
    const { accountId, cloudId } = caller;
    const person = await readPersonRecord(accountId);
    if (person?.state !== 'offered' && person?.state !== 'creating' && person?.state !== 'ready') throw new AppError('not-found');
    const { record, decision } = await provision({ accountId, as: asCaller(), cloudId, wish: 'create', now: Date.now() });
    if (record?.state === 'offered' && decision.action === 'none')
      return { kind: 'refused', spaceKey: null, access: null, reason: decision.reason };
    // The answer is on the screen: nothing is left to tell.
    if (record && record.notice !== 'done') await writePerson({ ...record, notice: 'done' });
    await clearNotice(accountId);
    if (record?.state === 'ready') return { kind: 'ready', spaceKey: record.spaceKey, access: record.access, reason: record.reason };
    if (record?.state === 'has-space') return { kind: 'has-space', spaceKey: await keyOf(record), access: null, reason: record.reason };
    return { kind: 'refused', spaceKey: null, access: null, reason: record?.reason ?? 'account-unknown' };
  },
});

async function keyOf({ spaceKey, spaceId }: StoredPersonRecord): Promise<string | null> {
  if (spaceKey !== null || spaceId === null) return spaceKey;
  const space = await readSpace(asCaller(), spaceId);
  return space?.status === 'current' ? space.key : null;
}

function viewOf(person: StoredPersonRecord | null): NoticeView {
  if (person?.state !== 'ready' || person.notice === 'done') return NO_NOTICE;
  return { kind: 'ready', spaceKey: person.spaceKey, access: person.access };
}

/** Ends the notice; with `onlyIn`, the change is made only while the person is in that state. */
async function answer(caller: Caller, change: Partial<StoredPersonRecord>, onlyIn?: StoredPersonRecord['state']): Promise<NoticeView> {
  const person = await readPersonRecord(caller.accountId);
  if (onlyIn !== undefined && person?.state !== onlyIn) throw new AppError('not-found');
  if (person && person.notice !== 'done') {
    const changedAt = 'state' in change ? Date.now() : person.changedAt;
    await writePerson({ ...person, ...change, changedAt, notice: 'done' });
  }
  await clearNotice(caller.accountId);
  return NO_NOTICE;
}

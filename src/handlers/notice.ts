/** What the background script asks: the caller's own notice, and the answers to it. */
import { type NoticeOutputs, type NoticeView, noticeInputs } from '../contract';
import { asCaller, clearNotice, readSpace } from '../forge/confluence';
import { AppError } from '../forge/errors';
import { provisioningAudit, readPersonRecord, readPolicyAndPerson, type StoredPersonRecord, writePerson } from '../forge/store';
import { POSTPONED_MS, provision } from '../provisioning/provision';
import { type Caller, makeResolver } from './boundary';

const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null };
const OFFER: NoticeView = { kind: 'offer', spaceKey: null, access: null };

export const noticeResolver = makeResolver<typeof noticeInputs, NoticeOutputs>(noticeInputs, async () => {}, {
  'notice.get': async (_input, caller) => {
    const { policy, person } = await readPolicyAndPerson(caller.accountId);
    const isOffering = policy.kind !== 'unreadable' && policy.policy.mode !== 'off';
    if (person?.state === 'offered' && person.notice !== 'done') {
      if (isOffering) return OFFER;
      // While the app is off the script stops loading; the offer comes back with the first activity after.
      await writePerson({ ...person, notice: 'due' });
      await clearNotice(caller.accountId);
      return NO_NOTICE;
    }
    const view = viewOf(person);
    // The property outlived its notice (a stop between two steps): take it away, so the script stops loading.
    if (view.kind === 'none') await clearNotice(caller.accountId);
    return view;
  },
  'notice.dismiss': async (_input, caller) => dismiss(caller),
  'offer.later': async (_input, caller) => decline(caller, 'postponed', 'offer-postponed', Date.now() + POSTPONED_MS),
  'offer.never': async (_input, caller) => decline(caller, 'declined', 'offer-declined', null),
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

/** Ends the caller's notice. */
async function dismiss(caller: Caller): Promise<NoticeView> {
  const person = await readPersonRecord(caller.accountId);
  if (person && person.notice !== 'done') await writePerson({ ...person, notice: 'done' });
  await clearNotice(caller.accountId);
  return NO_NOTICE;
}

/** Takes the caller's answer to an offer that is open. @throws AppError not-found */
async function decline(
  caller: Caller,
  state: 'postponed' | 'declined',
  reason: 'offer-postponed' | 'offer-declined',
  recheckAt: number | null,
): Promise<NoticeView> {
  const { accountId } = caller;
  const person = await readPersonRecord(accountId);
  if (person?.state !== 'offered') throw new AppError('not-found');
  const now = Date.now();
  await writePerson(
    { ...person, state, reason, recheckAt, changedAt: now, notice: 'done' },
    provisioningAudit({ ...person, reason }, state, accountId, now, null),
  );
  await clearNotice(accountId);
  return NO_NOTICE;
}

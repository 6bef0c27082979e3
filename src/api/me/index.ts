/** What a person asks about themselves, in a notice or on "My space". Nothing here takes anybody else's account id. */
import { asCaller } from '../../confluence/call';
import { readPerson } from '../../confluence/people';
import { readSpace } from '../../confluence/spaces';
import { clearNotice } from '../../confluence/user-properties';
import type { PolicyState } from '../../domain/policy/document';
import { AppError } from '../../forge/errors';
import { changeAccess, myAccess, myData, myDetails, saveDetails } from '../../own-space/own-space';
import { explain, personView } from '../../provisioning/explain';
import { consider } from '../../provisioning/facts';
import { POSTPONED_MS, provision } from '../../provisioning/provision';
import { noteStatus } from '../../provisioning/status-change';
import {
  newPerson,
  provisioningAudit,
  readPersonRecord,
  readPolicyAndPerson,
  type StoredPersonRecord,
  writePerson,
} from '../../store/people';
import { type MyView, type NoticeView, type OfferAnswer, type PersonOutputs, personInputs } from '../contract';
import { type Caller, makeResolver } from '../define';

const NO_NOTICE: NoticeView = { kind: 'none', spaceKey: null, access: null, lacksDetails: false };

export const personResolver = makeResolver<typeof personInputs, PersonOutputs>(personInputs, async () => {}, {
  'notice.get': async (_input, { accountId }) => {
    const { policy, person } = await readPolicyAndPerson(accountId);
    if (person?.state === 'offered' && person.notice !== 'done' && !isOffering(policy)) {
      // While the app is off the script stops loading; the offer comes back with the first activity after.
      await writePerson({ ...person, notice: 'due' });
      await clearNotice(accountId);
      return NO_NOTICE;
    }
    const view = noticeOf(person);
    // The property outlived its notice (a stop between two steps): take it away, so the script stops loading.
    if (view.kind === 'none') await clearNotice(accountId);
    return view;
  },
  'notice.dismiss': async (_input, { accountId }) => {
    await endNotice(await readPersonRecord(accountId), accountId);
    return NO_NOTICE;
  },
  'offer.later': async (_input, { accountId }) => {
    const person = await readPersonRecord(accountId);
    if (person?.state !== 'offered') throw new AppError('not-found');
    await answer(person, 'postponed', 'offer-postponed', Date.now() + POSTPONED_MS);
    return NO_NOTICE;
  },
  'offer.never': async (_input, { accountId }) => {
    const person = await readPersonRecord(accountId);
    if (person?.state !== 'offered') throw new AppError('not-found');
    await answer(person, 'declined', 'offer-declined', null);
    return NO_NOTICE;
  },
  'offer.create': async (_input, caller) => {
    const person = await readPersonRecord(caller.accountId);
    if (person?.state !== 'offered' && person?.state !== 'creating' && person?.state !== 'ready') throw new AppError('not-found');
    return create(caller);
  },
  'me.get': (_input, caller) => view(caller),
  'me.create': (_input, caller) => create(caller),
  'me.decline': async (_input, caller) => {
    const person = (await readPersonRecord(caller.accountId)) ?? newPerson(caller.accountId);
    if (!canDecline(person)) throw new AppError('not-found');
    await answer(person, 'declined', 'offer-declined', null);
    return view(caller);
  },
  'me.undo': async (_input, caller) => {
    const person = await readPersonRecord(caller.accountId);
    if (person?.state !== 'declined') throw new AppError('not-found');
    const now = Date.now();
    const undone: StoredPersonRecord = {
      ...person,
      state: 'excluded',
      reason: 'decline-undone',
      changedAt: now,
      recheckAt: null,
      by: null,
    };
    await writePerson(undone, { audit: provisioningAudit(undone, 'undone', caller.accountId, now) });
    return view(caller);
  },
  'me.details': (_input, { accountId }) => myDetails(accountId),
  'me.saveDetails': ({ values, seen }, { accountId }) => saveDetails(accountId, values, seen ?? null),
  'me.access': (_input, { accountId }) => myAccess(accountId),
  'me.setAccess': async ({ access }, { accountId }) => changeAccess(accountId, access),
  'me.data': (_input, { accountId }) => myData(accountId),
});

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

/** Takes the caller's answer to an offer, made or to come. */
async function answer(
  person: StoredPersonRecord,
  state: 'postponed' | 'declined',
  reason: 'offer-postponed' | 'offer-declined',
  recheckAt: number | null,
): Promise<void> {
  const { accountId } = person;
  const now = Date.now();
  const by = state === 'declined' ? accountId : null;
  const answered: StoredPersonRecord = { ...person, state, reason, recheckAt, changedAt: now, notice: 'done', by };
  await writePerson(answered, { audit: provisioningAudit(answered, state, accountId, now) });
  await clearNotice(accountId);
}

/** The caller's own click: makes the space as themselves, or says why not. */
async function create({ accountId, cloudId }: Caller): Promise<OfferAnswer> {
  await stillThere(await readPersonRecord(accountId));
  const { record, decision } = await provision({
    accountId,
    as: asCaller(),
    isPerson: true,
    cloudId,
    wish: 'create',
    now: Date.now(),
  });
  const said = decision.action === 'look-up' ? 'account-unknown' : decision.reason;
  if (record?.state === 'offered' && decision.action === 'none') return { kind: 'refused', spaceKey: null, access: null, reason: said };
  // The answer is on the screen: nothing is left to tell.
  if (record && record.notice !== 'done') await writePerson({ ...record, notice: 'done' });
  await clearNotice(accountId);
  if (record?.state === 'ready') return { kind: 'ready', spaceKey: record.spaceKey, access: record.access, reason: record.reason };
  if (record?.state === 'has-space') return { kind: 'has-space', spaceKey: await keyOf(record), access: null, reason: record.reason };
  return { kind: 'refused', spaceKey: null, access: null, reason: decision.action === 'none' ? said : (record?.reason ?? said) };
}

async function keyOf({ spaceKey, spaceId }: StoredPersonRecord): Promise<string | null> {
  if (spaceKey !== null || spaceId === null) return spaceKey;
  const space = await readSpace(asCaller(), spaceId);
  return space?.status === 'current' ? space.key : null;
}

/** Events of a private space may not reach the app: whoever comes and has no space any more is remembered as that. */
async function stillThere(person: StoredPersonRecord | null): Promise<StoredPersonRecord | null> {
  if (!person || person.spaceId === null || (person.state !== 'ready' && person.state !== 'has-space')) return person;
  if (await readSpace(asCaller(), person.spaceId)) return person;
  if ((await readPerson(person.accountId))?.personalSpaceId !== null) return person;
  const gone = { spaceId: person.spaceId, key: person.spaceKey ?? '', ownerId: person.accountId };
  await noteStatus(gone, 'deleted', 'unknown', Date.now());
  return readPersonRecord(person.accountId);
}

/** Whoever has no space and was not told no may say that they want none. */
const canDecline = ({ state }: Pick<StoredPersonRecord, 'state'>): boolean =>
  state === 'offered' || state === 'postponed' || state === 'excluded' || state === 'refused';

/** Everything "My space" shows first. */
async function view({ accountId }: Caller): Promise<MyView> {
  const { policy, person: remembered } = await readPolicyAndPerson(accountId);
  const person = await stillThere(remembered);
  const subject = { accountId, as: asCaller(), isPerson: true, now: Date.now() };
  // The same question as at the person's next page view, and the one their click would ask, on the same facts.
  const asked = await consider({ ...subject, wish: 'create' }, policy, person);
  const explanation = await explain({ ...subject, wish: 'activity' }, policy, person, asked.facts);
  const spaceId = asked.facts.person?.personalSpaceId ?? (person?.state === 'removed' ? null : (person?.spaceId ?? null));
  const space = asked.space ?? (spaceId === null ? null : await readSpace(asCaller(), spaceId));
  const hasSpace = space?.status === 'current';
  const isExpected =
    ['create', 'offer', 'keep'].includes(explanation.action) || person?.state === 'offered' || person?.state === 'postponed';
  return {
    record: person && personView(person),
    explanation,
    space: space && { key: space.key, name: space.name, status: space.status },
    can: {
      create: asked.decision.action === 'create' || asked.decision.action === 'finish',
      // Only to those to whom a space would come.
      decline: !hasSpace && canDecline(person ?? { state: 'excluded' }) && isExpected,
      undo: person?.state === 'declined',
      fill: hasSpace,
    },
    lacksDetails: person?.lacksDetails ?? false,
  };
}

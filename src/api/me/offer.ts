/** An offer and its answers, and the click that creates a space. */
import { asCaller } from '../../confluence/call';
import { readPerson } from '../../confluence/people';
import { readSpace } from '../../confluence/spaces';
import { clearNotice } from '../../confluence/user-properties';
import type { Reason } from '../../domain/provisioning/decide';
import { AppError } from '../../forge/errors';
import { POSTPONED_MS, provision } from '../../provisioning/provision';
import { noteStatus } from '../../provisioning/status-change';
import { type Access, provisioningAudit, readPersonRecord, type StoredPersonRecord, writePerson } from '../../store/people';
import { anyoneSignedIn, type Caller, define } from '../define';
import { Nothing } from '../inputs';
import { NO_NOTICE } from './notice';

export interface OfferAnswer {
  /** `has-space`: there was one already, created by somebody else. */
  kind: 'ready' | 'has-space' | 'refused';
  spaceKey: string | null;
  access: Access | null;
  reason: Reason;
}

export const offerFunctions = {
  'offer.create': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, caller) => {
      const person = await readPersonRecord(caller.accountId);
      if (person?.state !== 'offered' && person?.state !== 'creating' && person?.state !== 'ready') throw new AppError('not-found');
      return create(caller);
    },
  }),
  'offer.later': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      const person = await readPersonRecord(accountId);
      if (person?.state !== 'offered') throw new AppError('not-found');
      await answer(person, 'postponed', 'offer-postponed', Date.now() + POSTPONED_MS);
      return NO_NOTICE;
    },
  }),
  'offer.never': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      const person = await readPersonRecord(accountId);
      if (person?.state !== 'offered') throw new AppError('not-found');
      await answer(person, 'declined', 'offer-declined', null);
      return NO_NOTICE;
    },
  }),
};

/** Keeps the caller's answer to an offer, open or still to come. */
export async function answer(
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

/** The caller's own click: creates the space as them, or says why not. */
export async function create({ accountId, cloudId }: Caller): Promise<OfferAnswer> {
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
  // The answer is on the screen: there is nothing left to tell.
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

/** Events of a private space may not reach the app, so a space that is gone is also noticed when its owner comes. */
export async function stillThere(person: StoredPersonRecord | null): Promise<StoredPersonRecord | null> {
  if (!person || person.spaceId === null || (person.state !== 'ready' && person.state !== 'has-space')) return person;
  if (await readSpace(asCaller(), person.spaceId)) return person;
  if ((await readPerson(person.accountId))?.personalSpaceId !== null) return person;
  const gone = { spaceId: person.spaceId, key: person.spaceKey ?? '', ownerId: person.accountId };
  await noteStatus(gone, 'deleted', 'unknown', Date.now());
  return readPersonRecord(person.accountId);
}

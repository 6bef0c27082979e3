/** What "My personal space" shows, and what its owner can do there. */

import { z } from 'zod';
import { asCaller } from '../../confluence/call';
import { readSpace } from '../../confluence/spaces';
import { AppError } from '../../forge/errors';
import { changeAccess, myAccess, myData, myDetails, saveDetails } from '../../own-space/own-space';
import { type Explanation, explain, type PersonView, personView } from '../../provisioning/explain';
import { consider } from '../../provisioning/facts';
import {
  newPerson,
  provisioningAudit,
  readPersonRecord,
  readPolicyAndPerson,
  type StoredPersonRecord,
  writePerson,
} from '../../store/people';
import { anyoneSignedIn, type Caller, define } from '../define';
import { FieldValuesInput, Nothing } from '../inputs';
import { answer, create, stillThere } from './offer';

export interface MyView {
  record: PersonView | null;
  explanation: Explanation;
  /** The space as Confluence shows it to the caller. */
  space: { key: string; name: string; status: string } | null;
  can: { create: boolean; decline: boolean; undo: boolean; fill: boolean };
  lacksDetails: boolean;
}

export const ownSpaceFunctions = {
  'me.get': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, caller) => view(caller) }),
  'me.create': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, caller) => create(caller) }),
  'me.decline': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, caller) => {
      const person = (await readPersonRecord(caller.accountId)) ?? newPerson(caller.accountId);
      if (!canDecline(person)) throw new AppError('not-found');
      await answer(person, 'declined', 'offer-declined', null);
      return view(caller);
    },
  }),
  'me.undo': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, caller) => undoDecline(caller) }),
  'me.details': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myDetails(accountId) }),
  'me.saveDetails': define({
    input: z.strictObject({ values: FieldValuesInput }),
    authorise: anyoneSignedIn,
    handle: ({ values }, { accountId }) => saveDetails(accountId, values),
  }),
  'me.access': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myAccess(accountId) }),
  'me.setAccess': define({
    input: z.strictObject({ access: z.enum(['private', 'licensed']) }),
    authorise: anyoneSignedIn,
    handle: ({ access }, { accountId }) => changeAccess(accountId, access),
  }),
  'me.data': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myData(accountId) }),
};

async function undoDecline(caller: Caller): Promise<MyView> {
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
}

/** Anybody who has no space, and whose space was not removed, may say that they do not want one. */
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
      // Only for those who would get one.
      decline: !hasSpace && canDecline(person ?? { state: 'excluded' }) && isExpected,
      undo: person?.state === 'declined',
      fill: hasSpace,
    },
    lacksDetails: person?.lacksDetails ?? false,
  };
}

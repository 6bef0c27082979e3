/** What "My personal space" shows, and what its owner can do there. */
import { z } from 'zod';
import { findRowsOf } from '../../jobs/accounts';
import { myData } from '../../own-space/my-data';
import { changeAccess, myAccess, myDetails, saveDetails } from '../../own-space/own-space';
import { myView } from '../../own-space/view';
import { createForCaller, declineSpace, takeBackDecline } from '../../provisioning/answers';
import { anyoneSignedIn, define } from '../define';
import { Cursor, FieldValuesInput, Nothing } from '../inputs';

export const ownSpaceFunctions = {
  'me.get': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myView(accountId) }),
  'me.create': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: (_input, { accountId, cloudId }) => createForCaller(accountId, cloudId),
  }),
  'me.decline': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await declineSpace(accountId);
      return myView(accountId);
    },
  }),
  'me.undo': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await takeBackDecline(accountId);
      return myView(accountId);
    },
  }),
  'me.details': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myDetails(accountId) }),
  'me.saveDetails': define({
    // `seen`: what the form showed, so that what the owner wrote on the page since is not overwritten.
    input: z.strictObject({ values: FieldValuesInput, seen: FieldValuesInput.optional() }),
    authorise: anyoneSignedIn,
    handle: ({ values, seen }, { accountId }) => saveDetails(accountId, values, seen ?? null),
  }),
  'me.access': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myAccess(accountId) }),
  'me.setAccess': define({
    input: z.strictObject({ access: z.enum(['private', 'licensed']) }),
    authorise: anyoneSignedIn,
    handle: ({ access }, { accountId }) => changeAccess(accountId, access),
  }),
  'me.data': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => myData(accountId) }),
  /** Rows about the caller in the lists of administrators' jobs, some lists at a time. */
  'me.rows': define({
    input: z.strictObject({ cursor: Cursor }),
    authorise: anyoneSignedIn,
    handle: ({ cursor }, { accountId }) => findRowsOf(accountId, cursor ?? null),
  }),
};

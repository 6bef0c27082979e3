/** An offer and its answers. */
import { AppError } from '../../forge/errors';
import { NO_NOTICE } from '../../notices/pending';
import { createForCaller, declineOffer, postponeOffer } from '../../provisioning/answers';
import { readPersonRecord } from '../../store/people';
import { anyoneSignedIn, define } from '../define';
import { Nothing } from '../inputs';

export const offerFunctions = {
  'offer.create': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId, cloudId }) => {
      const person = await readPersonRecord(accountId);
      if (!person || !['offered', 'creating', 'adopting', 'ready'].includes(person.state)) throw new AppError('not-found');
      return createForCaller(accountId, cloudId);
    },
  }),
  'offer.later': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await postponeOffer(accountId);
      return NO_NOTICE;
    },
  }),
  'offer.never': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await declineOffer(accountId);
      return NO_NOTICE;
    },
  }),
};

/** What a person asks about themselves, in a notice or on "My space". Nothing here takes anybody else's account id. */
import { AppError } from '../../forge/errors';
import { answerAll } from '../../notices/notices';
import { NO_NOTICE, pendingNotice } from '../../notices/pending';
import { changeAccess, myAccess, myData, myDetails, saveDetails } from '../../own-space/own-space';
import { myView } from '../../own-space/view';
import { createForCaller, declineOffer, declineSpace, postponeOffer, takeBackDecline } from '../../provisioning/answers';
import { readPersonRecord } from '../../store/people';
import { type PersonOutputs, personInputs } from '../contract';
import { makeResolver } from '../define';

export const personResolver = makeResolver<typeof personInputs, PersonOutputs>(personInputs, async () => {}, {
  'notice.get': (_input, { accountId }) => pendingNotice(accountId),
  'notice.dismiss': async (_input, { accountId }) => {
    await answerAll(accountId);
    return NO_NOTICE;
  },
  'offer.later': async (_input, { accountId }) => {
    await postponeOffer(accountId);
    return NO_NOTICE;
  },
  'offer.never': async (_input, { accountId }) => {
    await declineOffer(accountId);
    return NO_NOTICE;
  },
  'offer.create': async (_input, { accountId, cloudId }) => {
    const person = await readPersonRecord(accountId);
    if (!person || !['offered', 'creating', 'adopting', 'ready'].includes(person.state)) throw new AppError('not-found');
    return createForCaller(accountId, cloudId);
  },
  'me.get': (_input, { accountId }) => myView(accountId),
  'me.create': (_input, { accountId, cloudId }) => createForCaller(accountId, cloudId),
  'me.decline': async (_input, { accountId }) => {
    await declineSpace(accountId);
    return myView(accountId);
  },
  'me.undo': async (_input, { accountId }) => {
    await takeBackDecline(accountId);
    return myView(accountId);
  },
  'me.details': (_input, { accountId }) => myDetails(accountId),
  'me.saveDetails': async ({ values }, { accountId }) => saveDetails(accountId, values),
  'me.access': (_input, { accountId }) => myAccess(accountId),
  'me.setAccess': async ({ access }, { accountId }) => changeAccess(accountId, access),
  'me.data': (_input, { accountId }) => myData(accountId),
});

/** What the background script shows. */
import { answerAll } from '../../notices/notices';
import { NO_NOTICE, pendingNotice } from '../../notices/pending';
import { anyoneSignedIn, define } from '../define';
import { Nothing } from '../inputs';

export const noticeFunctions = {
  'notice.get': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => pendingNotice(accountId) }),
  'notice.dismiss': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await answerAll(accountId);
      return NO_NOTICE;
    },
  }),
};

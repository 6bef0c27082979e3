/** What the background script shows. */
import { answerAll } from '../../notices/notices';
import { NO_NOTICE, type NoticeView, pendingNotice } from '../../notices/pending';
import { readWaiting } from '../../store/waiting';
import { anyoneSignedIn, define } from '../define';
import { Nothing } from '../inputs';

export const noticeFunctions = {
  'notice.get': define({ input: Nothing, authorise: anyoneSignedIn, handle: (_input, { accountId }) => noticeFor(accountId) }),
  'notice.dismiss': define({
    input: Nothing,
    authorise: anyoneSignedIn,
    handle: async (_input, { accountId }) => {
      await answerAll(accountId);
      return NO_NOTICE;
    },
  }),
};

/** Whoever has said yes to an offer, and waits for their turn, is not asked again. */
async function noticeFor(accountId: string): Promise<NoticeView> {
  const notice = await pendingNotice(accountId);
  if (notice.kind !== 'offer') return notice;
  return (await readWaiting(accountId))?.lane === 'clicks' ? NO_NOTICE : notice;
}

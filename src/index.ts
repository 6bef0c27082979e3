/** The functions that manifest.yml names, besides the triggers, and what the engines work on. */
import { makeTick } from './agenda/tick';
import { JOBS } from './all-jobs';
import { keepDirectory } from './directory/keep';
import { outbox } from './directory/projector';
import { renewedPages, settledPages } from './directory/settled';
import { makeWork } from './jobs/consumer';
import { makeOpenJobs, unlistedJobs } from './jobs/schedule';
import { overdueNotices } from './notices/notices';
import { erasure } from './privacy/erase';
import { firstStart } from './privacy/first-start';
import { accountReport } from './privacy/report';
import { keptPromises } from './provisioning/kept-promises';
import { leftBehind, refusedPeople, waitingLine } from './provisioning/line';

export { adminResolver } from './api/admin';
export { personResolver } from './api/me';

/** What comes due by the clock, in the order in which a tick runs it. Jobs take the rest of the tick. */
const AGENDA = [
  firstStart,
  overdueNotices,
  keptPromises,
  leftBehind,
  keepDirectory,
  outbox,
  renewedPages,
  accountReport,
  erasure,
  unlistedJobs,
];

export const work = makeWork(JOBS);
export const tick = makeTick(AGENDA, [waitingLine, refusedPeople, settledPages, makeOpenJobs(JOBS)]);

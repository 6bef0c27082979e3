/** The functions that manifest.yml names, and what the engines work on. */
import { makeTick } from './agenda/tick';
import { archive, restore, survey } from './cleanup/jobs';
import { census } from './existing-people/census';
import { provisionExisting } from './existing-people/provision-job';
import { makeWork } from './jobs/consumer';
import { makeJobsWork } from './jobs/schedule';

export { adminResolver } from './api/admin';
export { personResolver } from './api/me';
export { onActivity, onPersonalSpace } from './events/activity';

/** Every kind of job. */
export const JOBS = [survey, archive, restore, census, provisionExisting];
/** What comes due by itself, in the order in which a tick runs it. Jobs are last: they take the rest of it. */
const AGENDA = [makeJobsWork(JOBS)];

export const work = makeWork(JOBS);
export const tick = makeTick(AGENDA);

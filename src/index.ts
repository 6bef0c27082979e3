/** The functions that manifest.yml names. */

export { tick } from './agenda/tick';
export { adminResolver } from './api/admin';
export { personResolver } from './api/me';
export { onActivity, onPersonalSpace } from './events/activity';
export { work } from './jobs/consumer';

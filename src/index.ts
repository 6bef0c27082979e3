/** The functions that manifest.yml names, besides the triggers. */
export { tick } from './agenda/tick';
export { adminResolver } from './api/admin';
export { personResolver } from './api/me';
export { work } from './jobs/consumer';

/** The functions that manifest.yml names. */
export { onActivity, onPersonalSpace } from './handlers/activity';
export { adminResolver } from './handlers/admin';
export { personResolver } from './handlers/me';
export { tick } from './handlers/tick';
export { work } from './handlers/work';

/** The functions that manifest.yml names. */
export { onActivity, onPersonalSpace } from './handlers/activity';
export { adminResolver } from './handlers/admin';
export { noticeResolver } from './handlers/notice';
export { work } from './handlers/work';

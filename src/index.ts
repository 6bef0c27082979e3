/** The functions that manifest.yml names. */
export { onActivity, onSpaceDeleted } from './handlers/activity';
export { adminResolver } from './handlers/admin';
export { noticeResolver } from './handlers/notice';
export { work } from './handlers/work';

/** Every REST operation of the local site. */
import type { Operation } from '../operation';
import { groupOperations } from './groups';
import { labelOperations } from './labels';
import { pageOperations } from './pages';
import { propertyOperations } from './properties';
import { roleOperations } from './roles';
import { searchOperations } from './search';
import { spaceOperations } from './spaces';
import { templateOperations } from './templates';
import { userOperations } from './users';
import { watchOperations } from './watches';

export const operations: readonly Operation[] = [
  ...spaceOperations,
  ...pageOperations,
  ...propertyOperations,
  ...roleOperations,
  ...userOperations,
  ...groupOperations,
  ...searchOperations,
  ...templateOperations,
  ...labelOperations,
  ...watchOperations,
];

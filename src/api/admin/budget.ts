/** The hour's points by class. */
import { reportHour } from '../../forge/budget';
import type { AdminMethods } from '../define';

export const budgetMethods: AdminMethods<'budget.get'> = {
  'budget.get': () => reportHour(Date.now()),
};

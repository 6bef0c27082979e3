/** The hour's points by class. */
import { reportHour } from '../../forge/budget';
import { define } from '../define';
import { Nothing } from '../inputs';
import { administers } from '../standing';

export const budgetFunctions = {
  'budget.get': define({ input: Nothing, authorise: administers, handle: () => reportHour(Date.now()) }),
};

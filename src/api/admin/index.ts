/** Everything the admin page may ask. */
import { makeResolver } from '../define';
import { activityFunctions } from './activity';
import { budgetFunctions } from './budget';
import { cleanupFunctions } from './cleanup';
import { directoryFunctions } from './directory';
import { jobFunctions } from './jobs';
import { pauseFunctions } from './pause';
import { peopleFunctions } from './people';
import { policyFunctions } from './policy';
import { promiseFunctions } from './promises';
import { runFunctions } from './runs';
import { siteFunctions } from './site-check';
import { templateFunctions } from './templates';

export const adminApi = {
  ...policyFunctions,
  ...pauseFunctions,
  ...budgetFunctions,
  ...templateFunctions,
  ...peopleFunctions,
  ...promiseFunctions,
  ...activityFunctions,
  ...siteFunctions,
  ...jobFunctions,
  ...directoryFunctions,
  ...cleanupFunctions,
  ...runFunctions,
};

export const adminResolver = makeResolver(adminApi, 'admin');

/** What the admin page asks. Every function first asks Confluence whether the caller administers it. */
import { callerIsAdmin } from '../../confluence/people';
import { AppError } from '../../forge/errors';
import { type AdminOutputs, adminInputs } from '../contract';
import { makeResolver } from '../define';
import { cleanupMethods } from './cleanup';
import { jobMethods } from './jobs';
import { peopleMethods } from './people';
import { policyMethods } from './policy';
import { siteMethods } from './site-check';

async function requireAdmin(): Promise<void> {
  if (!(await callerIsAdmin())) throw new AppError('not-admin');
}

export const adminResolver = makeResolver<typeof adminInputs, AdminOutputs>(adminInputs, requireAdmin, {
  ...policyMethods,
  ...peopleMethods,
  ...siteMethods,
  ...jobMethods,
  ...cleanupMethods,
});

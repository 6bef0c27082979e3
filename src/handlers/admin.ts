/** What the admin page asks. Every function first asks Confluence whether the caller administers it. */
import { callerIsAdmin } from '../confluence/people';
import { type AdminOutputs, adminInputs } from '../contract';
import { AppError } from '../forge/errors';
import { cleanupMethods } from './admin/cleanup';
import { jobMethods } from './admin/jobs';
import { peopleMethods } from './admin/people';
import { policyMethods } from './admin/policy';
import { siteMethods } from './admin/site';
import { makeResolver } from './boundary';

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

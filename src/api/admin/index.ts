/** What the admin page asks. Every function first makes sure that the caller administers Confluence. */
import { type AdminFunction, type AdminOutputs, adminInputs } from '../contract';
import { type Caller, makeResolver } from '../define';
import { administers, administersNow, mayPause } from '../standing';
import { budgetMethods } from './budget';
import { cleanupMethods } from './cleanup';
import { jobMethods } from './jobs';
import { pauseMethods } from './pause';
import { peopleMethods } from './people';
import { policyMethods } from './policy';
import { siteMethods } from './site-check';

/** These act on spaces and people, or let something act again. */
const ACTING: ReadonlySet<AdminFunction> = new Set([
  'policy.startOver',
  'people.startCensus',
  'people.start',
  'tombstones.lift',
  'site.run',
  'job.resume',
  'cleanup.survey',
  'cleanup.start',
  'cleanup.restore',
]);

async function authorise(caller: Caller, name: AdminFunction): Promise<void> {
  if (name === 'policy.pause') return mayPause(caller);
  return ACTING.has(name) ? administersNow(caller) : administers(caller);
}

const methods = {
  ...policyMethods,
  ...pauseMethods,
  ...peopleMethods,
  ...budgetMethods,
  ...siteMethods,
  ...jobMethods,
  ...cleanupMethods,
};

export const adminResolver = makeResolver<typeof adminInputs, AdminOutputs>(adminInputs, authorise, methods, 'admin');

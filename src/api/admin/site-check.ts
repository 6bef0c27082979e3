/** The site check: what is known of this site, and finding it out anew. */

import { runCheck } from '../../site-check/checks';
import { type CheckResult, readSiteCheck, writeSiteCheck } from '../../store/site-facts';
import { type CheckView, SITE_CHECKS } from '../contract';
import type { AdminMethods } from '../define';

export const siteMethods: AdminMethods<'site.get' | 'site.run'> = {
  'site.get': async () => views(await readSiteCheck()),
  'site.run': async ({ checks, consent }, { accountId, cloudId }) => {
    // One after another, each kept as soon as it is known: a check that takes too long loses nothing.
    for (const name of checks) {
      const result = await runCheck(name, { accountId, cloudId, consent }, Date.now());
      await writeSiteCheck({ ...(await readSiteCheck()), [name]: result });
    }
    return views(await readSiteCheck());
  },
};

function views(results: Record<string, CheckResult>): CheckView[] {
  return SITE_CHECKS.map((name) => {
    const result = results[name];
    return result ? { name, ...result } : { name, outcome: 'unknown', finding: 'never', details: {}, at: null };
  });
}

/** The site check: what is known about this site, and finding it out again. */
import { z } from 'zod';
import { runCheck, SITE_CHECKS, type SiteCheckName } from '../../site-check/checks';
import { type CheckResult, readSiteCheck, writeSiteCheck } from '../../store/site-facts';
import { define } from '../define';
import { distinct, Nothing } from '../inputs';
import { administers, administersNow } from '../standing';

export interface CheckView {
  name: SiteCheckName;
  outcome: CheckResult['outcome'];
  /** Key of the catalogue after `site.<name>.`. */
  finding: string;
  details: CheckResult['details'];
  /** When it was found; null = never checked. */
  at: number | null;
}

const SiteRun = z.strictObject({
  checks: distinct(z.enum(SITE_CHECKS), SITE_CHECKS.length).min(1),
  /** May create, and delete again, a space of the caller's own and one of the app's. */
  consent: z.boolean().default(false),
});

export const siteFunctions = {
  'site.get': define({ input: Nothing, authorise: administers, handle: async () => views(await readSiteCheck()) }),
  'site.run': define({
    input: SiteRun,
    authorise: administersNow,
    handle: async ({ checks, consent }, { accountId, cloudId }) => {
      // One after another, each kept as soon as it is known: a check that takes too long loses nothing.
      for (const name of checks) {
        const result = await runCheck(name, { accountId, cloudId, consent }, Date.now());
        await writeSiteCheck({ ...(await readSiteCheck()), [name]: result });
      }
      return views(await readSiteCheck());
    },
  }),
};

function views(results: Record<string, CheckResult>): CheckView[] {
  return SITE_CHECKS.map((name) => {
    const result = results[name];
    return result ? { name, ...result } : { name, outcome: 'unknown', finding: 'never', details: {}, at: null };
  });
}

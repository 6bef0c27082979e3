/** The site check: what is known about this site, and finding it out again. */
import { z } from 'zod';
import { type CheckNote, checkNotes, runCheck, SITE_CHECKS, type SiteCheckName } from '../../site-check/checks';
import { type CheckResult, forgetUnfitCalls, readSiteCheck, writeSiteCheck } from '../../store/site-facts';
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
  /** What else is true right now. */
  notes: CheckNote[];
}

const SiteRun = z.strictObject({
  checks: distinct(z.enum(SITE_CHECKS), SITE_CHECKS.length).min(1),
  /** May create, and delete again, a space of the caller's own and one of the app's. */
  consent: z.boolean().default(false),
});

export const siteFunctions = {
  'site.get': define({ input: Nothing, authorise: administers, handle: () => views() }),
  'site.run': define({
    input: SiteRun,
    authorise: administersNow,
    handle: async ({ checks, consent }, { accountId, cloudId }) => {
      // One after another, each kept as soon as it is known: a check that takes too long loses nothing.
      for (const name of checks) {
        const result = await runCheck(name, { accountId, cloudId, consent }, Date.now());
        await writeSiteCheck({ ...(await readSiteCheck()), [name]: result });
      }
      return views();
    },
  }),
  /** Lets the creation calls that once created something else be tried again. */
  'site.resetCalls': define({
    input: Nothing,
    authorise: administersNow,
    handle: async () => {
      await forgetUnfitCalls();
      return views();
    },
  }),
};

async function views(): Promise<CheckView[]> {
  const results = await readSiteCheck();
  const noted: Partial<Record<SiteCheckName, CheckNote[]>> = await checkNotes(Date.now());
  return SITE_CHECKS.map((name) => {
    const notes = noted[name] ?? [];
    const result = results[name];
    if (!result) return { name, outcome: 'unknown', finding: 'never', details: {}, at: null, notes };
    // A note next to a good result means that the result is not the whole truth.
    return { name, ...result, outcome: result.outcome === 'good' && notes.length > 0 ? 'limited' : result.outcome, notes };
  });
}

/** The site check: what is known about this site, and finding it out again. */
import { type CheckNote, checkNotes, runCheck } from '../../site-check/checks';
import { forgetUnfitCalls, readSiteCheck, writeSiteCheck } from '../../store/site-facts';
import { type CheckView, SITE_CHECKS, type SiteCheckName } from '../contract';
import type { AdminMethods } from '../define';

export const siteMethods: AdminMethods<'site.get' | 'site.run' | 'site.resetCalls'> = {
  'site.get': () => views(),
  'site.run': async ({ checks, consent }, { accountId, cloudId }) => {
    // One after another, each kept as soon as it is known: a check that takes too long loses nothing.
    for (const name of checks) {
      const result = await runCheck(name, { accountId, cloudId, consent }, Date.now());
      await writeSiteCheck({ ...(await readSiteCheck()), [name]: result });
    }
    return views();
  },
  'site.resetCalls': async () => {
    await forgetUnfitCalls();
    return views();
  },
};

async function views(): Promise<CheckView[]> {
  const results = await readSiteCheck();
  const noted: Partial<Record<SiteCheckName, CheckNote[]>> = await checkNotes(Date.now());
  return SITE_CHECKS.map((name) => {
    const notes = noted[name] ?? [];
    const result = results[name];
    if (!result) return { name, outcome: 'unknown', finding: 'never', details: {}, at: null, notes };
    // What is noted besides a good result keeps it from being the whole truth.
    return { name, ...result, outcome: result.outcome === 'good' && notes.length > 0 ? 'limited' : result.outcome, notes };
  });
}

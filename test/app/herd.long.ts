/** Nine in the morning on a large site, at full size: the first hours after Homestead is switched on. Prints what it measures. */
import { describe, expect, it } from 'vitest';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { type Arrivals, arrive, switchOn } from '../support/herd';
import { admin, setPolicy, startSite } from '../support/site';

const PEOPLE = 20_000;
const TIMEOUT_MS = 3_600_000;

function largeSite(settings: SiteOptions['settings'], people = PEOPLE): LocalSite {
  const site = startSite({ seed: 'scale', people: people + 1, spaces: 0, settings });
  site.confluence.onAnswer = () => {};
  site.platform.appLog = () => {};
  return site;
}

function report(what: string, site: LocalSite, herd: Arrivals): void {
  const { invocations, coldStarts, price } = site.usage();
  process.stdout.write(
    `${JSON.stringify({ what, ...herd, trigger: invocations['trigger:activity'], coldStarts, dollars: price.total })}\n`,
  );
}

const SCENES: [what: string, settings: NonNullable<SiteOptions['settings']>, views: number, mostPoints: number][] = [
  ...(['ROLES_TRANSITION', 'ROLES', 'PRE_ROLES'] as const).flatMap((roleMode): typeof SCENES => [
    [`created, ${roleMode}`, { roleMode }, 1, 9.5],
    [`adopted, ${roleMode}`, { roleMode, nativeAutoCreate: true }, 1, 20.5],
  ]),
  ['created, eight views each', {}, 8, 9.5],
  ['adopted, eight views each', { nativeAutoCreate: true }, 8, 20.5],
  ['created, beside a customer who uses half of the quota', { otherCustomersPoints: 32_500 }, 1, 9.5],
];

describe('20,000 people who arrive within an hour', () => {
  it.each(SCENES)(
    'are all served: %s',
    async (what, settings, views, mostPoints) => {
      const site = largeSite(settings);
      await switchOn(site);
      const herd = await arrive(site, PEOPLE, views);
      report(what, site, herd);
      expect(herd).toMatchObject({ served: PEOPLE, lost: 0 });
      expect(herd.retriesAPerson).toBeLessThanOrEqual(0.1);
      expect(herd.pointsAPerson).toBeLessThanOrEqual(mostPoints);
      if (settings.otherCustomersPoints === undefined) expect(herd.ratio).toBeLessThanOrEqual(1.25);
      expect(site.clock.running).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'cost nothing if they are the 80 % who are left out of a pilot',
    async () => {
      const site = largeSite({});
      await site.fillDirectory();
      await setPolicy(site, { mode: 'auto', rollout: { percent: 20, startsOn: null, waves: [], perDay: null } });
      site.resetUsage();
      site.activity({ count: PEOPLE, spread: 'PT1H', views: 1 });
      await site.advance('PT3H');
      const people = Object.values(site.platform.kvs.dump().entities.person ?? {}) as { state: string }[];
      const count = (state: string): number => people.filter((person) => person.state === state).length;
      expect(count('ready') + count('excluded')).toBe(PEOPLE);
      expect(site.usage().rest.points).toBeLessThanOrEqual(count('ready') * 9.5 + 500);
    },
    TIMEOUT_MS,
  );

  it(
    'can be stopped by an administrator in every minute',
    async () => {
      const site = largeSite({});
      await setPolicy(site, { mode: 'auto' });
      site.activity({ count: PEOPLE, spread: 'PT1H', views: 1 });
      for (let minute = 0; minute < 60; minute += 1) {
        expect(await admin(site, 'policy.pause', { paused: true }), `minute ${minute}`).toMatchObject({ ok: true });
        await site.advance('PT35S');
        const whilePaused = site.confluence.state.spaces.length;
        await site.advance('PT5S');
        expect(site.confluence.state.spaces.length, `minute ${minute}`).toBe(whilePaused);
        expect(await admin(site, 'policy.pause', { paused: false }), `minute ${minute}`).toMatchObject({ ok: true });
        await site.advance('PT20S');
      }
    },
    TIMEOUT_MS,
  );
});

/** Nine o'clock, a tenth of the quota: 2,000 people come in within an hour, and the admin can still stop everything. */
import { expect, it } from 'vitest';
import type { LocalSite } from '../emulator/site';
import { admin, setPolicy, startSite } from '../support/site';

const PEOPLE = 2_000;
const QUOTA = 6_500;
const MINUTES = 60;
/** From here on nothing more is created: a creation that had begun takes a few seconds, and a process may look at the policy that long. */
const SETTLED = 'PT10S';

/** The whole state of a site is expensive to read; no space was there before, and none is deleted. */
const created = (site: LocalSite): number => site.confluence.state.spaces.length;

/** Goes on with the herd, whatever the hour is like: resuming is allowed only to those whom Confluence confirms. */
function resumeByHand(site: LocalSite): void {
  const stored = JSON.stringify(site.platform.kvs.dump().entities.policy?.site);
  const next = stored
    .replace('"paused":true', '"paused":false')
    .replace(/"revision":(\d+)/, (_all, n: string) => `"revision":${Number(n) + 1}`);
  site.platform.kvs.put('policy', 'site', JSON.parse(next));
}

it.each([
  ['alone', 0],
  ['beside others who use all of the quota', QUOTA],
])(
  'an admin can pause in every minute of a herd, %s',
  async (_who, otherCustomersPoints) => {
    const site = startSite({ seed: 'scale', people: PEOPLE + 1, spaces: 0, settings: { hourlyPoints: QUOTA, otherCustomersPoints } });
    // Each call is held against Atlassian's documents in the smaller tests.
    site.confluence.onAnswer = () => {};
    site.platform.appLog = () => {};
    await setPolicy(site, { mode: 'auto' });
    site.activity({ count: PEOPLE, spread: 'PT1H', views: 1 });
    site.resetUsage();
    const answers = { resumed: 0, refused: 0 };
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const paused = await admin(site, 'policy.pause', { paused: true });
      expect(paused, `minute ${minute}`).toMatchObject({ ok: true, data: { version: 2 * minute + 2 } });
      await site.advance(SETTLED);
      const whilePaused = created(site);
      await site.advance('PT10S');
      expect(created(site), `minute ${minute}`).toBe(whilePaused);
      const resumed = await admin(site, 'policy.pause', { paused: false });
      answers[resumed.ok ? 'resumed' : 'refused'] += 1;
      if (!resumed.ok) {
        expect(['rate-limited', 'no-points']).toContain(resumed.error.code);
        resumeByHand(site);
      }
      // What waits for the next hour is not this test's business.
      if (minute < MINUTES - 1) await site.advance('PT40S');
    }
    const { rest } = site.usage();
    for (const [hour, points] of Object.entries(rest.hours)) expect(points, hour).toBeLessThanOrEqual(QUOTA);
    // Alone, the site leaves the admin enough also to resume.
    if (otherCustomersPoints === 0) expect(answers).toEqual({ resumed: MINUTES, refused: 0 });
    else expect(answers.refused).toBeGreaterThan(0);
    // The herd was not held off by the pauses: it took all that is not kept for those above it.
    if (otherCustomersPoints === 0) expect(Object.values(rest.hours)[0]).toBeGreaterThan(QUOTA * 0.78);
    expect(created(site)).toBeGreaterThan(100);
  },
  120_000,
);

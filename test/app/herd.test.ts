/** Nine o'clock, a tenth of the quota: 2,000 people come in within an hour. Nobody is lost, and the admin can stop everything at any time. */
import { expect, it } from 'vitest';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { arrive } from '../support/herd';
import { admin, setPolicy, startSite } from '../support/site';

const PEOPLE = 2_000;
const QUOTA = 6_500;
const MINUTES = 60;
/** From here on nothing more is created: a creation that had begun takes a few seconds, and a process may know the policy for half a minute. */
const SETTLED = 'PT35S';

function largeSite(people: number, settings: SiteOptions['settings']): LocalSite {
  const site = startSite({ seed: 'scale', people: people + 1, spaces: 0, settings: { hourlyPoints: QUOTA, ...settings } });
  // Each call is held against Atlassian's documents in the smaller tests.
  site.confluence.onAnswer = () => {};
  site.platform.appLog = () => {};
  return site;
}

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
    const site = largeSite(PEOPLE, { otherCustomersPoints, sql: 'absent' });
    await setPolicy(site, { mode: 'auto' });
    site.activity({ count: PEOPLE, spread: 'PT1H', views: 1 });
    site.resetUsage();
    const answers = { resumed: 0, refused: 0 };
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const paused = await admin(site, 'policy.pause', { paused: true });
      expect(paused, `minute ${minute}`).toMatchObject({ ok: true, data: { version: 2 * minute + 2 } });
      await site.advance(SETTLED);
      const whilePaused = created(site);
      await site.advance('PT5S');
      expect(created(site), `minute ${minute}`).toBe(whilePaused);
      const resumed = await admin(site, 'policy.pause', { paused: false });
      answers[resumed.ok ? 'resumed' : 'refused'] += 1;
      if (!resumed.ok) {
        expect(['rate-limited', 'no-points']).toContain(resumed.error.code);
        resumeByHand(site);
      }
      // What waits for the next hour is not this test's business.
      if (minute < MINUTES - 1) await site.advance('PT20S');
    }
    const { rest } = site.usage();
    for (const [hour, points] of Object.entries(rest.hours)) expect(points, hour).toBeLessThanOrEqual(QUOTA);
    // Alone, the site leaves the admin enough also to resume.
    if (otherCustomersPoints === 0) expect(answers).toEqual({ resumed: MINUTES, refused: 0 });
    else expect(answers.refused).toBeGreaterThan(0);
    expect(created(site)).toBeGreaterThan(100);
  },
  120_000,
);

it('2,000 people whose spaces are created, eight views each, are all served in the time that the points take', async () => {
  const site = largeSite(PEOPLE, { roleMode: 'PRE_ROLES', selfGeneratedSent: 'all', sql: 'absent' });
  await setPolicy(site, { mode: 'auto' });
  const herd = await arrive(site, PEOPLE, 8);
  expect(herd).toMatchObject({ served: PEOPLE, lost: 0 });
  expect(herd.retriesAPerson).toBeLessThanOrEqual(0.1);
  expect(herd.pointsAPerson).toBeLessThanOrEqual(9);
  expect(herd.hours).toBeLessThanOrEqual((1.25 * PEOPLE * herd.pointsAPerson) / QUOTA);
  expect(site.platform.kvs.dump().entities.waiting).toEqual({});
}, 180_000);

it('2,000 people for whom Confluence creates open spaces, beside a customer who uses half of the quota, all get theirs closed', async () => {
  const settings = {
    nativeAutoCreate: true,
    roleMode: 'ROLES',
    otherCustomersPoints: QUOTA / 2,
    sql: 'absent',
    selfGeneratedSent: 'all',
  } as const;
  const site = largeSite(PEOPLE, settings);
  await setPolicy(site, { mode: 'auto' });
  const herd = await arrive(site, PEOPLE, 1);
  expect(herd).toMatchObject({ served: PEOPLE, lost: 0 });
  expect(herd.retriesAPerson).toBeLessThanOrEqual(0.1);
  expect(herd.pointsAPerson).toBeLessThanOrEqual(20.5);
  const personal = site.confluence.state.spaces.filter(({ type }) => type === 'personal');
  expect(personal).toHaveLength(PEOPLE);
  expect(personal.filter(({ grants }) => grants.some(({ principalType }) => principalType !== 'USER'))).toEqual([]);
}, 180_000);

it('of 2,000 people in a pilot with a fifth of them, the fifth is served, and the others cost nothing', async () => {
  // So few points that most of the fifth have to wait.
  const site = largeSite(PEOPLE, { selfGeneratedSent: 'all', hourlyPoints: 2_000 });
  await site.fillDirectory();
  await setPolicy(site, { mode: 'auto', rollout: { percent: 20, startsOn: null, waves: [], perDay: null } });
  site.resetUsage();
  site.activity({ count: PEOPLE, spread: 'PT1H', views: 2 });
  await site.advance('PT4H');
  const people = Object.values(site.platform.kvs.dump().entities.person ?? {}) as { state: string }[];
  const count = (state: string): number => people.filter((person) => person.state === state).length;
  expect(count('ready') + count('excluded')).toBe(PEOPLE);
  expect(count('ready')).toBeGreaterThan(PEOPLE * 0.17);
  expect(count('ready')).toBeLessThan(PEOPLE * 0.23);
  expect(site.usage().rest.points).toBeLessThanOrEqual(count('ready') * 9.5 + 100);
}, 120_000);

/** However a personal space came about, the outcome is the same: one space, on record, in line with the policy, one notice. */
import { describe, expect, it } from 'vitest';
import type { SiteSettings } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import {
  ANA,
  accountIdOf,
  adminData,
  ageSpace,
  comparable,
  letIn,
  personalSpacesOf,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startAlone,
} from '../support/site';
import { ON_THEIR_OWN, type Stop, stopAtEachCall } from '../support/stops';

const homeOf = (site: LocalSite, accountId = ANA): string =>
  personalSpacesOf(site, accountId)[0]?.pages.find((p) => p.isHomepage)?.body ?? '';
const isPrivate = (site: LocalSite, accountId = ANA): boolean =>
  personalSpacesOf(site, accountId).length > 0 &&
  letIn(site, accountId).every((g) => g.principalType === 'USER' && g.principalId === accountId);

/** One space, set up, private and on record, and one notice. */
async function expectConverged(site: LocalSite): Promise<void> {
  expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  expect(homeOf(site)).toContain('Hello, I am');
  expect(isPrivate(site)).toBe(true);
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' } });
  expect((await site.notices.load(ANA)).flags).toHaveLength(1);
}

describe("Confluence's own creation races Homestead's", () => {
  it.each([
    ['long before the event', { nativeAutoCreate: true, eventDelay: 'PT3M' }],
    ['just before the event', { nativeAutoCreate: true }],
    ['after the event, before it is handled', { nativeAutoCreate: true, nativeAutoCreateDelay: 'PT2S' }],
    ['after Homestead has finished', { nativeAutoCreate: true, nativeAutoCreateDelay: 'PT1M' }],
    ['with every event twice', { nativeAutoCreate: true, deliverEvents: { times: 2, reorder: false, drop: 0 } }],
    ['with every event five times, out of order', { nativeAutoCreate: true, deliverEvents: { times: 5, reorder: true, drop: 0 } }],
    [
      'out of order, late',
      { nativeAutoCreate: true, nativeAutoCreateDelay: 'PT1S', eventDelay: 'PT2M', deliverEvents: { times: 3, reorder: true, drop: 0 } },
    ],
  ] as [string, Partial<SiteSettings>][])('%s', async (_when, settings) => {
    const site = startAlone({ settings });
    await setPolicy(site, { mode: 'auto' });
    site.activity({ accountId: ANA, views: 2 });
    await site.advance('PT30M');
    await expectConverged(site);
  });

  const POINTS = [
    '/users-bulk',
    '/user/current',
    '/space/_private',
    'PUT /wiki/api/v2/pages/',
    '/property/',
    'POST /api/v1/transaction',
    '/batch/get',
  ];
  it.each(POINTS)('at the call %s', async (point) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    let hasRaced = false;
    site.platform.beforeCall = (invocation, call) => {
      if (hasRaced || invocation.kind !== 'trigger' || !call.includes(point)) return;
      hasRaced = true;
      site.createNatively(ANA);
    };
    await readsAPage(site, ANA, 'PT30M');
    expect(hasRaced).toBe(true);
    await expectConverged(site);
  });

  it('even if nobody reads anything afterwards', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.createNatively(ANA);
    await site.advance('PT5M');
    await expectConverged(site);
    const { entries } = await adminData(site, 'activity.list', {});
    expect(entries[0]).toMatchObject({ kind: 'adopted', accountId: ANA, reason: 'space-adopted' });
  });

  it('and is noted for the site check', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.createNatively(ANA);
    await site.advance('PT5M');
    const checks = await adminData(site, 'site.run', { checks: ['native'] });
    expect(checks.find((c) => c.name === 'native')).toMatchObject({ finding: 'seen' });
  });
});

describe('an existing space', () => {
  it('untouched for a year is adopted', async () => {
    const site = startAlone({ settings: { cqlLag: 'PT0S' } });
    site.createNatively(ANA);
    await site.advance('PT1M');
    ageSpace(site, spaceIdOf(site), 365);
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    await expectConverged(site);
  });

  it.each([
    ['a second page', (site: LocalSite) => addPage(site, 'page')],
    ['a blog post', (site: LocalSite) => addPage(site, 'blogpost')],
    ['a comment', (site: LocalSite) => addPage(site, 'comment')],
    ['an attachment', (site: LocalSite) => addPage(site, 'attachment')],
    ['an edited homepage', (site: LocalSite) => site.activity({ accountId: ANA, edits: 1, spaceId: spaceIdOf(site) })],
  ])('that has had %s for a long time is recorded and left as it is', async (_what, touch) => {
    const site = startAlone();
    site.createNatively(ANA);
    touch(site);
    await site.advance('PT1M');
    ageSpace(site, spaceIdOf(site), 100);
    const before = JSON.stringify(personalSpacesOf(site, ANA));
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(JSON.stringify(personalSpacesOf(site, ANA))).toBe(before);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'has-space', reason: 'space-in-use', spaceId: spaceIdOf(site) });
    expect((await site.notices.load(ANA)).flags).toEqual([]);
  });

  it("keeps the owner's first words, and is made private if it is only minutes old", async () => {
    const site = startAlone({ settings: { eventDelay: 'PT2M' } });
    await setPolicy(site, { mode: 'auto' });
    site.createNatively(ANA);
    const home = site.confluence.state.content.get(Number(personalSpacesOf(site, ANA)[0]?.pages[0] && homeIdOf(site)));
    if (!home) throw new Error('no homepage');
    home.body = '<p>Mine</p>';
    site.activity({ accountId: ANA, edits: 1, spaceId: spaceIdOf(site) });
    await site.advance('PT10M');
    expect(homeOf(site)).toBe('<p>Mine</p>');
    expect(isPrivate(site)).toBe(true);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' }, template: { source: 'kept' } });
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('stays open to a person the owner gave access by name', async () => {
    const site = startAlone();
    site.createNatively(ANA);
    const space = site.confluence.state.spacesById.get(Number(spaceIdOf(site)));
    if (space)
      space.grants = [
        ...space.grants.slice(0, 1),
        { ...(space.grants[1] as (typeof space.grants)[number]), principalType: 'USER', principalId: accountIdOf(2) },
      ];
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(letIn(site, ANA)).toHaveLength(2);
    expect(homeOf(site)).toContain('Hello, I am');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'open' } });
  });

  it('is left alone while the rule is off, and adopted once it is on', async () => {
    const site = startAlone();
    site.createNatively(ANA);
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toBeUndefined();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    await expectConverged(site);
  });

  it('that its owner created by hand is adopted as well', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addSpace({ owner: ANA });
    await site.advance('PT5M');
    await expectConverged(site);
  });
});

describe('an adoption that is stopped after any of its calls', () => {
  async function run(settings: Partial<SiteSettings>, stop?: Stop): Promise<LocalSite> {
    const site = startAlone({ settings: { ...ON_THEIR_OWN, ...settings } });
    await setPolicy(site, { mode: 'auto', children: [{ title: 'Goals', source: { kind: 'builtin' } }] });
    stop?.order(site);
    site.createNatively(ANA);
    await site.advance('PT30M');
    return site;
  }

  it.each(['ROLES', 'PRE_ROLES'] as const)('has the same outcome as an undisturbed one (%s)', async (roleMode) => {
    const undisturbed = comparable(await run({ roleMode }));
    const stops = await stopAtEachCall(
      'trigger:personal-space',
      async (stop) => expect(comparable(await run({ roleMode }, stop)), stop.name).toEqual(undisturbed),
      2,
    );
    expect(stops).toBeGreaterThan(7);
  });
});

const spaceIdOf = (site: LocalSite): string => personalSpacesOf(site, ANA)[0]?.id ?? '';
const homeIdOf = (site: LocalSite): number => site.confluence.state.spacesById.get(Number(spaceIdOf(site)))?.homepageId ?? 0;

function addPage(site: LocalSite, type: 'page' | 'blogpost' | 'comment' | 'attachment'): void {
  site.confluence.state.addContent({
    type,
    title: 'Notes',
    spaceId: Number(spaceIdOf(site)),
    parentId: homeIdOf(site),
    authorId: ANA,
    body: '<p>Notes</p>',
    at: site.clock.now(),
  });
}

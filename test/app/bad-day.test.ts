/** The main journeys when everything goes wrong at once: calls are slow and throttled, events late, out of order, doubled or lost. */
import { describe, expect, it } from 'vitest';
import type { LocalSite } from '../emulator/site';
import { ALL } from '../support/cleanup';
import {
  ADMIN_ACCOUNT_ID,
  accountIdOf,
  admin,
  adminData,
  knowEverybody,
  person,
  personalSpacesOf,
  REASON,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';

const worst = (seed: number) => ({
  latency: {
    invocation: 'PT0.2S',
    coldStart: 'PT1.5S',
    rest: 'PT0.6S',
    kvs: 'PT0.05S',
    queue: 'PT0.2S',
    routes: { 'GET /wiki/rest/api/group': 'PT20S' },
  },
  cqlLag: 'PT2M',
  listLag: 'PT30S',
  groupLag: 'PT5M',
  userLag: 'PT20S',
  appPermissionDelay: 'PT1M',
  kvsQueryLag: 'PT5S',
  ttlLag: 'PT48H',
  conditionCache: 'PT5M',
  eventDelay: 'PT60S',
  nativeAutoCreate: true,
  nativeAutoCreateDelay: 'PT1S',
  personalSpaceIdNamesArchived: false,
  spaceOwnerIdSent: false,
  selfGeneratedSent: 'never' as const,
  appRoleGrant: 'refused' as const,
  rateLimitHeaders: 'none' as const,
  otherCustomersPoints: 30_000,
  burstPerSecond: 15,
  deliverEvents: { times: 2, reorder: true, drop: 0.15, seed },
});

/** Bo and others without a space: licensed and active, and none of them a guest. */
const NEWCOMERS = [1, 3, 5, 7, 9, 11].map(accountIdOf);

/** People come back every now and then, so a lost event is never their last one. */
async function comeAndGo(site: LocalSite, people: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const accountId of people) site.activity({ accountId, views: 1 });
    await site.advance('PT20M');
  }
}

const spaceOf = (site: LocalSite, accountId: string) => personalSpacesOf(site, accountId);

/** Repeats a call until it succeeds, as a person would. */
async function persist<T>(call: () => Promise<{ ok: boolean; data?: T }>, site: LocalSite): Promise<T> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const answer = await call();
    if (answer.ok) return answer.data as T;
    await site.advance('PT2M');
  }
  throw new Error('never answered');
}

/** `npm run test:long` runs many more. */
const SEEDS = Array.from({ length: process.env.HOMESTEAD_LONG ? 40 : 3 }, (_, i) => i + 1);

describe.each(SEEDS)('on a bad day (seed %i)', (seed) => {
  it('everyone gets one space and one notice about it', async () => {
    const site = startSite({ people: 30, settings: worst(seed) });
    await setPolicy(site, { mode: 'auto' });
    await comeAndGo(site, NEWCOMERS, 6);
    for (const accountId of NEWCOMERS) {
      const spaces = spaceOf(site, accountId);
      expect(spaces, accountId).toHaveLength(1);
      expect(
        spaces[0]?.grants.map((g) => g.principalType),
        accountId,
      ).toEqual(['USER']);
      // Confluence's first version and Homestead's: nothing was written twice.
      expect(
        spaces[0]?.pages.map((page) => page.versions.length),
        accountId,
      ).toEqual([2]);
      expect(recordOf(site, accountId), accountId).toMatchObject({ state: 'ready' });
      expect((await site.notices.load(accountId)).flags, accountId).toHaveLength(1);
    }
  });

  it('a space that was declined or deleted does not come back', async () => {
    const site = startSite({ people: 30, settings: { ...worst(seed), nativeAutoCreate: false } });
    const [decliner = '', loser = ''] = NEWCOMERS;
    await setPolicy(site, { mode: 'auto' });
    await persist(() => person(site, 'me.decline', decliner), site);
    // One event in seven is lost, and chance may take four in a row.
    await comeAndGo(site, [loser], 8);
    const [space] = spaceOf(site, loser);
    expect(space).toBeDefined();
    await site.confluence.request(
      { kind: 'person', person: site.person(loser), viaApp: false },
      { method: 'DELETE', url: `/wiki/rest/api/space/${space?.key}`, headers: new Headers(), body: undefined },
    );
    // The deletion event may be lost; the person's next visit to their own page reveals it.
    await site.advance('PT10M');
    await persist(() => person(site, 'me.get', loser), site);
    await comeAndGo(site, [decliner, loser], 4);
    expect(spaceOf(site, decliner)).toEqual([]);
    expect(spaceOf(site, loser)).toEqual([]);
  });

  it('a cleanup archives what it planned to, and restores all of it', async () => {
    const site = startSite({ people: 30, settings: worst(seed) });
    const finished = async (jobId: string) => {
      for (let hour = 0; hour < 48; hour += 1) {
        await site.advance('PT1H');
        const job = await persist(() => admin(site, 'job.get', { jobId }), site);
        if (job.state === 'done') return job;
        expect(job.state).toBe('running');
      }
      throw new Error('never done');
    };
    await site.advance('PT4H');
    const { planId, count } = await persist(() => admin(site, 'cleanup.preview', { selection: ALL }), site);
    const before = site.status().spaces.personal;
    await adminData(site, 'cleanup.start', { planId, count, reason: REASON });
    const archived = (await finished(planId)).counts.archived ?? 0;
    expect(archived).toBeGreaterThan(0);
    expect(site.status().spaces.personal).toMatchObject({ archived: before.archived + archived, current: before.current - archived });
    const restore = await adminData(site, 'runs.undo', { runId: planId });
    await finished(restore.runId);
    expect(site.status().spaces.personal).toEqual(before);
    expect(site.person(ADMIN_ACCOUNT_ID)).toBeDefined();
  });

  it('the job for existing people creates one space for each of them', async () => {
    const site = startSite({ people: 30, settings: { ...worst(seed), nativeAutoCreate: false } });
    await setPolicy(site, { mode: 'auto' });
    await knowEverybody(site);
    const { planId, count } = await persist(() => admin(site, 'people.plan', {}), site);
    await persist(() => admin(site, 'people.start', { planId, count, reason: REASON }), site);
    await site.advance('PT12H');
    expect(await adminData(site, 'job.get', { jobId: planId })).toMatchObject({ state: 'done' });
    for (const accountId of NEWCOMERS) expect(spaceOf(site, accountId), accountId).toHaveLength(1);
  });
});

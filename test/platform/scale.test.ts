/** 100,000 people and 100,000 personal spaces: start time, memory, paging, and the app at that size. */
import { expect, it } from 'vitest';
import { LocalSite } from '../emulator/site';

/** The limits that the control API promises, even on a machine under load. */
const MAX_START_MS = 60_000;
const MAX_HEAP_BYTES = 2.5 * 1024 ** 3;
const MAX_PAGE_MS = 50;

it('the site holds 100,000 people and spaces, and answers a page of a list in under 50 ms', async () => {
  const started = performance.now();
  const site = new LocalSite({ seed: 'scale', people: 100_000, spaces: 100_000, active: 0.1, settings: { hourlyPoints: 500_000 } });
  expect(performance.now() - started).toBeLessThan(MAX_START_MS);
  expect(process.memoryUsage().heapUsed).toBeLessThan(MAX_HEAP_BYTES);
  expect(site.status()).toMatchObject({ people: 100_000, spaces: { personal: { current: 100_000 } } });

  const time = async (url: string): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const from = performance.now();
      const answer = await site.confluence.request({ kind: 'app' }, { method: 'GET', url, headers: new Headers(), body: undefined });
      expect(answer.status).toBe(200);
      times.push(performance.now() - from);
    }
    // The best of five, because other tests run on this machine at the same time.
    return Math.min(...times);
  };
  const list = await site.confluence.request(
    { kind: 'app' },
    { method: 'GET', url: '/wiki/api/v2/spaces?type=personal&status=current&limit=250', headers: new Headers(), body: undefined },
  );
  const next = (list.body as { _links: { next: string } })._links.next;
  // A lagging list sorts recent changes where they were before: that must be fast, too.
  const { state } = site.confluence;
  for (const space of state.spaces.slice(100, 200)) state.changeSpace(space, { name: `Renamed ${space.id}` });
  const group = [...state.groups.values()][0]?.id;
  for (const url of [
    '/wiki/api/v2/spaces?type=personal&status=current&limit=250',
    next,
    '/wiki/api/v2/spaces?type=personal&status=archived&limit=250',
    '/wiki/api/v2/spaces?type=personal&status=current&sort=-name&limit=250',
    '/wiki/api/v2/pages?limit=250',
    `/wiki/rest/api/group/${group}/membersByGroupId?start=99000&limit=200&shouldReturnTotalSize=true`,
    '/wiki/rest/api/search/user?cql=type=user&limit=100',
  ]) {
    expect(await time(url), url).toBeLessThan(MAX_PAGE_MS);
  }

  site.stop();
}, 180_000);

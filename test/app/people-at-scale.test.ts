/** Jobs and the hourly quota: a job for many people that takes several hours of a small quota. */
import { expect, it } from 'vitest';
import { JOBS } from '../../src/all-jobs';
import { Policy } from '../../src/domain/policy/document';
import { DEFAULT_QUOTA } from '../../src/forge/budget';
import { accountIdOf, adminData, knowEverybody, person, REASON, setPolicy, startSite } from '../support/site';

/** Fewer people with as much less of a quota show the same; `npm run test:long` runs the full size. */
const PEOPLE = process.env.HOMESTEAD_LONG ? 20_000 : 2_000;
const QUOTA = 2 * PEOPLE;
const SHARE = 0.6;

it('a job never exceeds its share of an hour, creates one space for everyone, and lets people go first', async () => {
  const site = startSite({ seed: 'scale', people: PEOPLE, spaces: 0, settings: { hourlyPoints: QUOTA } });
  // The smaller tests check each call against Atlassian's documents.
  site.confluence.onAnswer = () => {};
  await setPolicy(site, { mode: 'auto', jobShare: SHARE * 100 });
  await knowEverybody(site);
  const { planId, count, points, doneAt } = await adminData(site, 'people.plan', {});
  expect(count).toBe(PEOPLE);
  const { runId: jobId } = await adminData(site, 'people.start', { planId, count, reason: REASON });
  const startedAt = site.clock.now();
  site.resetUsage();
  await site.advance('PT3H');
  for (const [hour, points] of Object.entries(site.usage().rest.hours)) expect(points, hour).toBeLessThanOrEqual(QUOTA * SHARE);
  // People's own clicks are answered while the job works and while it waits for the next hour.
  expect(await person(site, 'me.get', accountIdOf(PEOPLE - 1))).toMatchObject({ ok: true });
  await site.advance('PT24H');
  const job = await adminData(site, 'job.get', { jobId });
  expect(job).toMatchObject({ state: 'done', counts: { created: PEOPLE } });
  // The forecast was honest: everybody's points, and the hours that they take.
  expect(points).toBe(9 * PEOPLE);
  expect((job.updatedAt - startedAt) / (doneAt - startedAt)).toBeGreaterThan(0.7);
  expect((job.updatedAt - startedAt) / (doneAt - startedAt)).toBeLessThan(1.4);
  for (const [hour, points] of Object.entries(site.usage().rest.hours)) expect(points, hour).toBeLessThanOrEqual(QUOTA * SHARE);
  expect(Object.keys(site.usage().rest.hours).length).toBeGreaterThan(4);
  expect(site.status().spaces.personal.current).toBe(PEOPLE);
  expect(site.usage().rest.byRoute['POST /wiki/rest/api/space/_private']?.statuses).toEqual({ 200: PEOPLE });
}, 600_000);

it('has room in an hour for the most expensive step of every job, at the smallest share of the lowest quota', () => {
  const smallest = Array.from({ length: 100 }, (_, share) => share).find((jobShare) => Policy.safeParse({ jobShare }).success) ?? 0;
  for (const { kind, cost } of JOBS) expect(cost, kind).toBeLessThanOrEqual((DEFAULT_QUOTA * smallest) / 100);
});

/** Nine in the morning on a large site, at full size: the first hours after Homestead is switched on. Prints what it measures. */
import { describe, expect, it } from 'vitest';
import { setPolicy, startSite } from '../support/site';

const PEOPLE = 20_000;
const HOURS = 8;

describe.each([false, true])('20,000 people who arrive within an hour (nativeAutoCreate %s)', (nativeAutoCreate) => {
  it('are each counted as served or lost', async () => {
    const site = startSite({ seed: 'scale', people: PEOPLE + 1, spaces: 0, settings: { nativeAutoCreate } });
    site.confluence.onAnswer = () => {};
    site.platform.appLog = () => {};
    await setPolicy(site, { mode: 'auto' });
    site.resetUsage();
    expect(site.activity({ count: PEOPLE, spread: 'PT1H', views: 1 })).toMatchObject({ people: PEOPLE });
    await site.advance(`PT${HOURS}H`);
    const { invocations, coldStarts, rest, price } = site.usage();
    const people = Object.values(site.state().kvs.entities.person ?? {}) as { state: string }[];
    const ready = people.filter((p) => p.state === 'ready').length;
    process.stdout.write(
      `${JSON.stringify({ nativeAutoCreate, ready, lost: PEOPLE - ready, trigger: invocations['trigger:activity'], coldStarts, pointsByHour: rest.hours, dollars: price.total })}\n`,
    );
    for (const points of Object.values(rest.hours)) expect(points).toBeLessThan(65_000 + 1_000);
    expect(ready).toBeGreaterThan(0);
    expect(site.clock.running).toBe(0);
  }, 1_800_000);
});

/** The memory that manifest.yml declares is enough for the functions, even on a large site. */
import { expect, it } from 'vitest';
import { useChildProcesses } from '../support/child-process';
import { adminData, knowEverybody, setPolicy, startSite } from '../support/site';

it('functions stay within the memory of the manifest at 100,000 people', async () => {
  const site = startSite({ seed: 'scale', people: 100_000, spaces: 100_000, settings: { hourlyPoints: 10_000_000 } });
  // This test measures memory; others check the calls against Atlassian's documents.
  site.confluence.onAnswer = () => {};
  const memory = useChildProcesses(site);
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  expect((await adminData(site, 'directory.get', {})).people.rows).toBe(100_001);
  const { policy } = await adminData(site, 'policy.get', {});
  await adminData(site, 'people.simulate', { policy });
  await adminData(site, 'people.plan', {});
  const { memoryMB } = site.platform.manifest.app.runtime;
  expect(memory.peakMb()).toBeGreaterThan(30);
  expect(memory.peakMb()).toBeLessThan(memoryMB);
}, 120_000);

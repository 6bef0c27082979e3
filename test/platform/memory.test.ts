/** On a large site, functions stay within the memory that manifest.yml declares, and an admin's click within a few operations. */
import { expect, it } from 'vitest';
import { useChildProcesses } from '../support/child-process';
import { adminData, changed, knowEverybody, setPolicy, startSite } from '../support/site';

/** A fifth shows what grows with the site; `npm run test:long` and the bench have the full size. */
const PEOPLE = process.env.HOMESTEAD_LONG ? 100_000 : 20_000;
const SPACES = 0.6 * PEOPLE;
/** Statements and requests to storage that an admin's click may take, however many people there are. */
const MAX_OPERATIONS = 20;

it(`reading, simulating and planning for ${PEOPLE.toLocaleString('en')} people stay within the memory of the manifest and 20 operations a click`, async () => {
  const site = startSite({ seed: 'scale', people: PEOPLE, spaces: SPACES, settings: { hourlyPoints: 10_000_000 } });
  // Others check the calls against Atlassian's documents.
  site.confluence.onAnswer = () => {};
  const memory = useChildProcesses(site);
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  expect((await adminData(site, 'directory.get', {})).people.rows).toBe(PEOPLE);
  // What the last reading began is over, and the admin has just been seen.
  await site.advance('PT10M');
  const { policy } = await adminData(site, 'policy.get', {});
  let operations = 0;
  site.platform.beforeCall = ({ name }, call) => {
    if (name === 'resolver:admin' && /^(kvs|sql) /.test(call)) operations += 1;
  };
  const simulation = await adminData(site, 'people.simulate', { policy: changed(policy, { mode: 'ask' }) });
  expect(simulation).toMatchObject({ people: PEOPLE, changed: PEOPLE - SPACES, exact: true });
  expect(operations).toBeGreaterThan(2);
  expect(operations).toBeLessThanOrEqual(MAX_OPERATIONS);
  operations = 0;
  const plan = await adminData(site, 'people.plan', {});
  expect(plan).toMatchObject({ people: PEOPLE, count: PEOPLE - SPACES, points: 9 * (PEOPLE - SPACES) });
  expect(operations).toBeGreaterThan(10);
  expect(operations).toBeLessThanOrEqual(MAX_OPERATIONS);
  const { memoryMB } = site.platform.manifest.app.runtime;
  expect(memory.peakMb()).toBeGreaterThan(30);
  expect(memory.peakMb()).toBeLessThan(memoryMB);
}, 300_000);

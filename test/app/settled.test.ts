/** A process whom storage refuses takes a list of all who are settled from the directory, instead of reading each one's record. */
import { beforeEach, expect, it } from 'vitest';
import type { PersonState } from '../../src/domain/person';
import type { LocalSite } from '../emulator/site';
import { accountIdOf, recordOf, setPolicy, startSite } from '../support/site';
import { ONE_PROCESS } from '../support/stops';

/** One of them is refused, one makes the process read the policy. */
const CROWD = 2;
const NOW = Date.UTC(2026, 10, 23, 9);
const [PAST, FUTURE] = [NOW - 1, NOW + 30 * 86_400_000];
/** The policy's, after it was saved once. */
const VERSION = 1;

const space = { spaceId: '1', spaceKey: '~1' };
const AT_REST: Record<string, PersonState> = {
  declined: { state: 'declined' },
  'has their space': { state: 'ready', spaceId: '1', origin: 'created', remindAt: null },
  'is reminded later': { state: 'ready', spaceId: '1', origin: 'adopted', remindAt: FUTURE },
  'has a space that is left alone': { state: 'has-space', ...space, reason: 'space-in-use', recheckAt: null },
  'has a space that is looked at later': { state: 'has-space', ...space, reason: 'space-unreadable', recheckAt: FUTURE },
  'had a space': { state: 'removed', ...space, how: 'archived', by: 'x', recheckAt: FUTURE },
  'gets none, whatever the policy': { state: 'excluded', reason: 'account-unlicensed', recheckAt: FUTURE, policyVersion: 0 },
  'gets none by the policy': { state: 'excluded', reason: 'rule-off', recheckAt: FUTURE, policyVersion: VERSION },
  'gets none before the policy changes': { state: 'excluded', reason: 'rollout-percent', recheckAt: null, policyVersion: VERSION },
};
const LOOKED_AT: Record<string, PersonState> = {
  'is reminded now': { state: 'ready', spaceId: '1', origin: 'created', remindAt: PAST },
  'has a space that is looked at now': { state: 'has-space', ...space, reason: 'space-unreadable', recheckAt: PAST },
  'had a space that is looked for now': { state: 'removed', ...space, how: 'archived', by: 'x', recheckAt: PAST },
  'got none, and may by now': { state: 'excluded', reason: 'account-unlicensed', recheckAt: PAST, policyVersion: VERSION },
  'gets none by an earlier policy': { state: 'excluded', reason: 'rollout-percent', recheckAt: null, policyVersion: 0 },
  'got none by the policy until now': { state: 'excluded', reason: 'rule-off', recheckAt: PAST, policyVersion: VERSION },
  'was to be tried again': { state: 'refused', reason: 'confluence-error', recheckAt: PAST, failures: 1, policyVersion: VERSION },
};
const KINDS = Object.entries({ ...AT_REST, ...LOOKED_AT });
const [WITHOUT_RECORD] = [accountIdOf(CROWD + KINDS.length + 1)];
const idOf = (kind: string): string => accountIdOf(CROWD + 1 + KINDS.findIndex(([name]) => name === kind));

let site: LocalSite;
let logged: string[];

/** As the app would have stored it, with its note for the directory. */
function put(accountId: string, state: PersonState): void {
  const { kvs } = site.platform;
  kvs.put('person', accountId, { revision: 1, changedAt: NOW - 1, data: { schemaVersion: 1, ...state } });
  kvs.put(null, `outbox:person:${accountId}:1`, { entity: 'person', id: accountId, revision: 1 });
}

/** One page view, in the one process that there is. @returns requests to storage */
async function view(accountId: string): Promise<number> {
  const before = { ...site.usage().kvs };
  await site.platform.runFunction('trigger', 'on-activity', {
    eventType: 'avi:confluence:viewed:page',
    selfGenerated: false,
    atlassianId: accountId,
    content: { space: { type: 'global' } },
  });
  const { gets, batches } = site.usage().kvs;
  return gets - before.gets + batches - before.batches;
}

/** The process knows the policy, and is refused the next record that it asks for. */
async function refused(): Promise<void> {
  await view(accountIdOf(1));
  site.addFault({
    target: 'kvs',
    path: '**/entity/get',
    times: 1,
    respond: { status: 429, body: { code: 'RATE_LIMIT_EXCEEDED', message: '' } },
  });
  await view(accountIdOf(2));
}

/** After somebody who is on the list, so that the process knows the policy. */
async function readsFor(accountId: string): Promise<number> {
  await view(accountIdOf(1));
  return view(accountId);
}

beforeEach(async () => {
  site = startSite({ seed: 'scale', people: CROWD + KINDS.length + 3, spaces: 0, settings: ONE_PROCESS });
  logged = [];
  site.platform.appLog = (line) => logged.push(line);
  await setPolicy(site, { mode: 'auto' });
  // Tables are made.
  await site.advance('PT11M');
  for (let n = 1; n <= CROWD; n += 1) put(accountIdOf(n), { state: 'declined' });
  for (const [kind, state] of KINDS) put(idOf(kind), state);
  await site.advance('PT6M');
  logged = [];
  // So that one process hears everybody.
  site.platform.restart();
});

const listedIn = (lines: readonly string[]): (number | null)[] =>
  lines.flatMap((line) => (line.includes('settled-people-listed') ? [(JSON.parse(line) as { count: number | null }).count] : []));

it('leaves exactly those alone for whom nothing is left to do, without reading anything', async () => {
  await refused();
  expect(logged.filter((line) => line.includes('event-postponed'))).toEqual([]);
  expect(listedIn(logged)).toEqual([CROWD + Object.keys(AT_REST).length]);
  for (const kind of Object.keys(AT_REST)) expect(await readsFor(idOf(kind)), kind).toBe(0);
  for (const kind of Object.keys(LOOKED_AT)) expect(await readsFor(idOf(kind)), kind).toBeGreaterThan(0);
  expect(await readsFor(WITHOUT_RECORD)).toBeGreaterThan(0);
  expect(recordOf(site, WITHOUT_RECORD)?.state).toBe('ready');
});

it('does not hold for another policy', async () => {
  await refused();
  const [byPolicy, byRecord] = [idOf('gets none before the policy changes'), idOf('declined')];
  expect(await readsFor(byPolicy)).toBe(0);
  await setPolicy(site, { mode: 'auto', access: 'licensed' });
  await site.advance('PT31S');
  await view(byPolicy);
  expect(recordOf(site, byPolicy)?.state).toBe('ready');
  expect(await readsFor(byRecord)).toBeGreaterThan(0);
});

it('holds for five minutes, and is not there when the database is not', async () => {
  await refused();
  expect(await readsFor(idOf('had a space'))).toBe(0);
  await site.advance('PT5M1S');
  expect(await readsFor(idOf('has their space'))).toBeGreaterThan(0);
  site.platform.restart();
  site.loseSql();
  logged = [];
  await refused();
  expect(listedIn(logged)).toEqual([null]);
  // The person whom storage refused is heard again.
  expect(logged.filter((line) => line.includes('event-postponed'))).toHaveLength(1);
  expect(await readsFor(idOf('had a space'))).toBeGreaterThan(0);
});

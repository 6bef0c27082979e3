/** Most people who come by are settled: a process reads of them by the page, and of each record only where there may be something to do. */
import { beforeEach, expect, it } from 'vitest';
import type { PersonState } from '../../src/domain/person';
import type { LocalSite } from '../emulator/site';
import { accountIdOf, person, recordOf, setPolicy, startSite } from '../support/site';
import { ONE_PROCESS } from '../support/stops';

/** So many settled people in a row that a process asks for pages. */
const CROWD = 12;
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
  'has an offer': { state: 'offered', policyVersion: VERSION },
  'said not now': { state: 'postponed', until: FUTURE, policyVersion: VERSION },
  'gets none before the policy changes': { state: 'excluded', reason: 'rollout-percent', recheckAt: null, policyVersion: VERSION },
};
const LOOKED_AT: Record<string, PersonState> = {
  'is reminded now': { state: 'ready', spaceId: '1', origin: 'created', remindAt: PAST },
  'has a space that is looked at now': { state: 'has-space', ...space, reason: 'space-unreadable', recheckAt: PAST },
  'had a space that is looked for now': { state: 'removed', ...space, how: 'archived', by: 'x', recheckAt: PAST },
  'got none, and may by now': { state: 'excluded', reason: 'account-unlicensed', recheckAt: PAST, policyVersion: VERSION },
  'gets none by an earlier policy': { state: 'excluded', reason: 'rollout-percent', recheckAt: null, policyVersion: 0 },
  'got none by the policy until now': { state: 'excluded', reason: 'rule-off', recheckAt: PAST, policyVersion: VERSION },
  'has an offer of an earlier policy': { state: 'offered', policyVersion: 0 },
  'said not now, until now': { state: 'postponed', until: PAST, policyVersion: VERSION },
  'is in the middle of it': { state: 'creating', cause: 'rule-auto', call: 'private-endpoint', failures: 0, retryAt: null },
  'was to be tried again': { state: 'refused', reason: 'confluence-error', recheckAt: PAST, failures: 1, policyVersion: VERSION },
};
const KINDS = Object.entries({ ...AT_REST, ...LOOKED_AT });
const [WITHOUT_RECORD] = [accountIdOf(CROWD + KINDS.length + 1)];
const idOf = (kind: string): string => accountIdOf(CROWD + 1 + KINDS.findIndex(([name]) => name === kind));

let site: LocalSite;

/** As the app would have stored it, with its note for the directory. */
function put(accountId: string, state: PersonState, revision = 1): void {
  const { kvs } = site.platform;
  kvs.put('person', accountId, { revision, changedAt: NOW - 1, data: { schemaVersion: 1, ...state } });
  kvs.put(null, `outbox:person:${accountId}:${revision}`, { entity: 'person', id: accountId, revision });
}

/** One page view, in the one process that there is. @returns records that were read; a page is none */
async function view(accountId: string): Promise<number> {
  let records = 0;
  site.platform.beforeCall = ({ name }, call) => {
    if (name === 'trigger:on-activity' && /^kvs .*\/(entity|batch)\/get$/.test(call)) records += 1;
  };
  await site.platform.runFunction('trigger', 'on-activity', {
    eventType: 'avi:confluence:viewed:page',
    selfGenerated: false,
    atlassianId: accountId,
    content: { space: { type: 'global' } },
  });
  return records;
}

async function crowdComes(): Promise<number> {
  let records = 0;
  for (let n = 1; n <= CROWD; n += 1) records += await view(accountIdOf(n));
  return records;
}

/** After somebody who is settled, so that the process knows the policy. */
async function readsFor(accountId: string): Promise<number> {
  await view(accountIdOf(1));
  return view(accountId);
}

beforeEach(async () => {
  site = startSite({ seed: 'scale', people: CROWD + KINDS.length + 3, spaces: 0, settings: ONE_PROCESS });
  await setPolicy(site, { mode: 'auto' });
  // Tables are made.
  await site.advance('PT11M');
  for (let n = 1; n <= CROWD; n += 1) put(accountIdOf(n), { state: 'declined' });
  for (const [kind, state] of KINDS) put(idOf(kind), state);
  await site.advance('PT6M');
  // So that one process hears everybody.
  site.platform.restart();
});

it('leaves exactly those alone for whom nothing is left to do, without reading their records', async () => {
  // The first of them one by one.
  expect(await crowdComes()).toBe(CROWD - 2);
  for (const kind of Object.keys(AT_REST)) expect(await readsFor(idOf(kind)), kind).toBe(0);
  for (const kind of Object.keys(LOOKED_AT)) {
    // Whoever there was something to do for ends the streak.
    await crowdComes();
    expect(await readsFor(idOf(kind)), kind).toBeGreaterThan(0);
  }
  expect(await readsFor(WITHOUT_RECORD)).toBeGreaterThan(0);
  expect(recordOf(site, WITHOUT_RECORD)?.state).toBe('ready');
});

it('does not hold for another policy', async () => {
  await crowdComes();
  const [byPolicy, byRecord] = [idOf('gets none before the policy changes'), idOf('had a space')];
  for (const accountId of [byPolicy, byRecord]) expect(await readsFor(accountId)).toBe(0);
  await setPolicy(site, { mode: 'auto', access: 'licensed' });
  await site.advance('PT31S');
  await view(byPolicy);
  expect(recordOf(site, byPolicy)?.state).toBe('ready');
  expect(await readsFor(byRecord)).toBe(0);
});

it('follows what becomes of a person within ten minutes', async () => {
  await crowdComes();
  const accountId = idOf('declined');
  expect(await readsFor(accountId)).toBe(0);
  // As if an administrator had lifted it.
  put(accountId, { state: 'excluded', reason: 'decline-undone', recheckAt: NOW, policyVersion: 0 }, 2);
  await site.advance('PT10M');
  await crowdComes();
  await view(accountId);
  expect(recordOf(site, accountId)?.state).toBe('ready');
});

it('does not name somebody whose space was begun at a click, and is not there yet', async () => {
  const accountId = idOf('has an offer');
  await crowdComes();
  expect(await readsFor(accountId)).toBe(0);
  site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space/_private', times: 1, respond: { status: 500 } });
  await person(site, 'me.create', accountId);
  expect(recordOf(site, accountId)?.state).toBe('creating');
  await site.advance('PT10M');
  site.platform.restart();
  await crowdComes();
  await view(accountId);
  expect(recordOf(site, accountId)?.state).toBe('ready');
});

it.each([
  ['more has changed than a tick takes up', 700, {}],
  ['the database does not answer', 0, { target: 'sql', times: 999, respond: { status: 503 } }],
] as const)('names nobody while %s', async (_what, changes, fault) => {
  await crowdComes();
  const [accountId, { kvs }] = [idOf('declined'), site.platform];
  expect(await readsFor(accountId)).toBe(0);
  // Named first by a list.
  for (let n = 0; n < changes; n += 1) kvs.put(null, `outbox:person:${n}:1`, { entity: 'person', id: String(n), revision: 1 });
  if ('target' in fault) site.addFault(fault);
  put(accountId, { state: 'excluded', reason: 'decline-undone', recheckAt: NOW, policyVersion: 0 }, 2);
  await site.advance('PT10M');
  await crowdComes();
  await view(accountId);
  expect(recordOf(site, accountId)?.state).toBe('ready');
});

it('reads each record where there is no directory', async () => {
  await crowdComes();
  site.changeSettings({ sql: 'absent' });
  // One record on each of the pages changes: none of them can be made again.
  for (const [kind] of KINDS) put(idOf(kind), { state: 'declined' }, 2);
  await site.advance('PT12M');
  site.platform.restart();
  await crowdComes();
  expect(await readsFor(idOf('had a space'))).toBeGreaterThan(0);
});

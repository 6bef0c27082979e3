/** Who gets a space: every reason by name, and what holds whatever the facts are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideProvisioning,
  isFromInterruptedRun,
  type PersonFacts,
  type PersonRecord,
  type ProvisioningFacts,
  type StandingFacts,
} from '../../src/domain/provisioning';

const NOW = Date.UTC(2026, 10, 23, 9);
const DAY = 86_400_000;
const person: PersonFacts = { accountType: 'atlassian', accountStatus: 'active', isGuest: false, personalSpaceId: null };
const standing: StandingFacts = { kind: 'known', canUse: true };
const record = (state: PersonRecord['state'], reason: PersonRecord['reason'], recheckAt: number | null = null): PersonRecord => ({
  accountId: 'a',
  state,
  reason,
  changedAt: NOW - DAY,
  recheckAt,
});
const facts = (change: Partial<ProvisioningFacts> = {}): ProvisioningFacts => ({
  wish: 'activity',
  record: null,
  person,
  standing,
  ...change,
});

describe('decideProvisioning', () => {
  it.each([
    ['off', facts(), 'off', { action: 'none', reason: 'policy-off' }],
    ['unreadable policy', facts(), 'unreadable', { action: 'none', reason: 'policy-unreadable' }],
    ['automatic', facts(), 'auto', { action: 'create', reason: 'policy-auto' }],
    ['ask', facts(), 'ask', { action: 'offer', reason: 'policy-ask' }],
    ['asked for', facts({ wish: 'create', record: record('offered', 'policy-ask') }), 'ask', { action: 'create', reason: 'person-asked' }],
    ['person not read', facts({ person: null, standing: null }), 'auto', { action: 'look-up', what: 'person' }],
    ['standing not read', facts({ standing: null }), 'auto', { action: 'look-up', what: 'standing' }],
    ['guest', facts({ person: { ...person, isGuest: true } }), 'auto', { action: 'exclude', reason: 'account-guest' }],
    ['app', facts({ person: { ...person, accountType: 'app' } }), 'auto', { action: 'exclude', reason: 'account-app' }],
    ['customer', facts({ person: { ...person, accountType: 'customer' } }), 'auto', { action: 'exclude', reason: 'account-app' }],
    ['inactive', facts({ person: { ...person, accountStatus: 'inactive' } }), 'auto', { action: 'exclude', reason: 'account-inactive' }],
    ['closed', facts({ person: { ...person, accountStatus: 'closed' } }), 'auto', { action: 'exclude', reason: 'account-inactive' }],
    [
      'status unknown',
      facts({ person: { ...person, accountStatus: 'new-word' } }),
      'auto',
      { action: 'exclude', reason: 'account-unknown' },
    ],
    ['unlicensed', facts({ standing: { kind: 'known', canUse: false } }), 'auto', { action: 'exclude', reason: 'account-unlicensed' }],
    ['no access', facts({ standing: { kind: 'not-permitted' } }), 'auto', { action: 'exclude', reason: 'account-unlicensed' }],
    [
      'no impersonation',
      facts({ standing: { kind: 'impersonation-unavailable' } }),
      'auto',
      { action: 'exclude', reason: 'impersonation-unavailable' },
    ],
    [
      'has a space',
      facts({ person: { ...person, personalSpaceId: '7' } }),
      'auto',
      { action: 'note-space', reason: 'has-space', spaceId: '7' },
    ],
    [
      'interrupted, space there',
      facts({ person: { ...person, personalSpaceId: '7' }, record: record('creating', 'policy-auto') }),
      'auto',
      { action: 'finish', reason: 'interrupted', spaceId: '7' },
    ],
    ['interrupted, no space', facts({ record: record('creating', 'policy-auto') }), 'auto', { action: 'create', reason: 'interrupted' }],
    ['ready', facts({ record: record('ready', 'space-made') }), 'auto', { action: 'none', reason: 'space-made' }],
    ['noted space', facts({ record: record('has-space', 'has-space') }), 'auto', { action: 'none', reason: 'has-space' }],
    ['declined', facts({ record: record('declined', 'offer-declined') }), 'auto', { action: 'none', reason: 'offer-declined' }],
    ['removed', facts({ record: record('removed', 'space-removed') }), 'auto', { action: 'none', reason: 'space-removed' }],
    ['offer open', facts({ record: record('offered', 'policy-ask') }), 'ask', { action: 'none', reason: 'offer-open' }],
    ['offered, now automatic', facts({ record: record('offered', 'policy-ask') }), 'auto', { action: 'create', reason: 'policy-auto' }],
    ['postponed', facts({ record: record('postponed', 'offer-postponed', NOW + 1) }), 'ask', { action: 'none', reason: 'offer-postponed' }],
    [
      'postponed long ago',
      facts({ record: record('postponed', 'offer-postponed', NOW - 1) }),
      'ask',
      { action: 'offer', reason: 'policy-ask' },
    ],
    [
      'refused lately',
      facts({ record: record('refused', 'creation-refused', NOW + 1) }),
      'auto',
      { action: 'none', reason: 'creation-refused' },
    ],
    [
      'refused long ago',
      facts({ record: record('refused', 'creation-refused', NOW) }),
      'auto',
      { action: 'create', reason: 'policy-auto' },
    ],
    [
      'no private way',
      facts({ record: record('refused', 'no-private-way', NOW + 1) }),
      'auto',
      { action: 'none', reason: 'no-private-way' },
    ],
    [
      'excluded lately',
      facts({ record: record('excluded', 'account-guest', NOW + 1) }),
      'auto',
      { action: 'none', reason: 'account-guest' },
    ],
  ] as const)('%s', (_name, given, mode, expected) => {
    expect(decideProvisioning(given, mode, NOW)).toEqual(expected);
  });

  const anyFacts = fc.record({
    wish: fc.constantFrom('activity' as const, 'create' as const),
    record: fc.option(
      fc.record({
        accountId: fc.constant('a'),
        state: fc.constantFrom(
          ...(['offered', 'postponed', 'declined', 'creating', 'ready', 'has-space', 'removed', 'refused', 'excluded'] as const),
        ),
        reason: fc.constant('policy-auto' as const),
        changedAt: fc.nat(),
        recheckAt: fc.option(fc.integer({ min: NOW - 2 * DAY, max: NOW + 2 * DAY })),
      }),
    ),
    person: fc.option(
      fc.record({
        accountType: fc.constantFrom('atlassian', 'app', 'customer', 'other'),
        accountStatus: fc.constantFrom('active', 'inactive', 'closed', 'unknown', 'suspended'),
        isGuest: fc.boolean(),
        personalSpaceId: fc.option(fc.constant('7')),
      }),
    ),
    standing: fc.option(
      fc.constantFrom<StandingFacts>(
        { kind: 'known', canUse: true },
        { kind: 'known', canUse: false },
        { kind: 'not-permitted' },
        { kind: 'impersonation-unavailable' },
      ),
    ),
  });
  const anyMode = fc.constantFrom('off' as const, 'ask' as const, 'auto' as const, 'unreadable' as const);

  it('creates and offers only for active, licensed people with an account of their own and no space', () => {
    fc.assert(
      fc.property(anyFacts, anyMode, (given, mode) => {
        const decision = decideProvisioning(given, mode, NOW);
        if (decision.action !== 'create' && decision.action !== 'offer') return;
        expect(given.person).toEqual({ accountType: 'atlassian', accountStatus: 'active', isGuest: false, personalSpaceId: null });
        if (decision.action === 'create' || mode !== 'ask') expect(given.standing).toEqual({ kind: 'known', canUse: true });
        expect(['declined', 'removed', 'ready', 'has-space']).not.toContain(given.record?.state);
        expect(['off', 'unreadable']).not.toContain(mode);
      }),
    );
  });

  it('does nothing at all when it is off or unreadable', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom('off' as const, 'unreadable' as const), (given, mode) => {
        expect(decideProvisioning(given, mode, NOW)).toMatchObject({ action: 'none' });
      }),
    );
  });

  it('asks for no fact about a settled person', () => {
    fc.assert(
      fc.property(
        anyFacts,
        fc.constantFrom('ready', 'has-space', 'declined', 'removed'),
        fc.constantFrom('ask' as const, 'auto' as const),
        (given, state, mode) => {
          const settled = { ...given, person: null, standing: null, record: record(state as PersonRecord['state'], 'space-made') };
          expect(decideProvisioning(settled, mode, NOW)).toMatchObject({ action: 'none' });
        },
      ),
    );
  });

  it('comes to an end: every fact that it asks for brings it further', () => {
    fc.assert(
      fc.property(anyFacts, anyMode, (given, mode) => {
        const full = { ...given, person: given.person ?? person, standing: given.standing ?? standing };
        expect(decideProvisioning(full, mode, NOW).action).not.toBe('look-up');
      }),
    );
  });
});

it('takes a found space for its own work only when it was made about when the run began', () => {
  const run = { changedAt: NOW };
  expect(isFromInterruptedRun(run, NOW + 9 * 60_000)).toBe(true);
  expect(isFromInterruptedRun(run, NOW - 60_000)).toBe(true);
  expect(isFromInterruptedRun(run, NOW + 11 * 60_000)).toBe(false);
  expect(isFromInterruptedRun(run, NOW - DAY)).toBe(false);
});

/** Who gets a space: a case for every reason, and properties that hold for any facts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Person, PersonIn, PersonStateName } from '../../src/domain/person';
import { Policy } from '../../src/domain/policy/document';
import type { SpaceContents } from '../../src/domain/provisioning/adoption';
import {
  decideProvisioning,
  isFromInterruptedRun,
  type PersonFacts,
  type ProvisioningDecision,
  type ProvisioningFacts,
  type SpaceFacts,
  type StandingFacts,
} from '../../src/domain/provisioning/decide';
import { shareOf } from '../../src/domain/provisioning/rollout';
import { REASONS } from '../../src/domain/reasons';

const NOW = Date.UTC(2026, 10, 23, 9);
const DAY = 86_400_000;
const VERSION = 7;
const person: PersonFacts = { accountType: 'atlassian', accountStatus: 'active', isGuest: false, personalSpaceId: null };
const owner: PersonFacts = { ...person, personalSpaceId: '7' };
const standing: StandingFacts = { kind: 'known', canUse: true };
const space: SpaceFacts = { kind: 'seen', spaceId: '7', status: 'current', createdAt: NOW - 400 * DAY, homepageId: '70' };
const untouched: SpaceContents = {
  pages: [{ id: '70', versions: 1, createdAt: NOW - 400 * DAY, isOwnVersion: false }],
  blogPosts: 0,
  others: 0,
  sharedWith: 'groups',
};
const touched: SpaceContents = { ...untouched, others: 1 };

const COMMON = { accountId: 'a', revision: 1, since: NOW - DAY };
const REMEMBERED: { [S in PersonStateName]: PersonIn<S> } = {
  excluded: { ...COMMON, state: 'excluded', reason: 'rule-off', recheckAt: null, policyVersion: VERSION },
  offered: { ...COMMON, state: 'offered', policyVersion: VERSION },
  postponed: { ...COMMON, state: 'postponed', until: NOW + DAY, policyVersion: VERSION },
  declined: { ...COMMON, state: 'declined' },
  creating: { ...COMMON, state: 'creating', cause: 'rule-auto', call: 'private-call', failures: 0, retryAt: null },
  adopting: {
    ...COMMON,
    state: 'adopting',
    cause: 'space-untouched',
    adopted: { spaceId: '7', keepsPages: false, keepsAccess: false },
    failures: 0,
    retryAt: null,
  },
  ready: { ...COMMON, state: 'ready', spaceId: '7', origin: 'created', remindAt: null },
  'has-space': { ...COMMON, state: 'has-space', spaceId: '7', spaceKey: '~a', reason: 'space-in-use', recheckAt: null },
  removed: { ...COMMON, state: 'removed', spaceId: '7', spaceKey: '~a', how: 'deleted', by: 'unknown', recheckAt: NOW + DAY },
  refused: { ...COMMON, state: 'refused', reason: 'creation-refused', recheckAt: NOW + DAY, failures: 0, policyVersion: VERSION },
};
const record = <S extends PersonStateName>(state: S, change: Partial<PersonIn<S>> = {}): Person => ({ ...REMEMBERED[state], ...change });
const facts = (change: Partial<ProvisioningFacts> = {}): ProvisioningFacts => ({
  accountId: 'a',
  occasion: 'activity',
  record: null,
  person,
  groups: new Set(),
  begunToday: 0,
  standing,
  space,
  contents: untouched,
  roleMode: 'ROLES',
  ...change,
});

const policy = (change: object = {}, everyoneElse: object = {}): Policy =>
  Policy.parse({ everyoneElse: { mode: 'auto', ...everyoneElse }, ...change });
const AUTO = policy();
const ASK = policy({}, { mode: 'ask' });
const OFF = policy({}, { mode: 'off' });
const SELF = policy({}, { mode: 'off', selfService: true });
const rolledOut = (rollout: object, everyoneElse: object = {}): Policy => policy({ rollout }, everyoneElse);
const RULES = policy(
  {
    rules: [
      { id: 'contractors', name: 'Contractors', groups: ['c'], mode: 'off' },
      { id: 'sales', name: 'Sales', groups: ['s'], exceptGroups: ['x'], mode: 'ask' },
    ],
  },
  { mode: 'auto' },
);

describe('decideProvisioning', () => {
  const table: [name: string, given: ProvisioningFacts, policy: Policy | 'unreadable', expected: object][] = [
    ['off', facts(), OFF, { action: 'none', reason: 'policy-off' }],
    ['paused', facts(), policy({ paused: true }), { action: 'none', reason: 'policy-paused' }],
    ['unreadable policy', facts(), 'unreadable', { action: 'none', reason: 'policy-unreadable' }],
    ['automatic', facts(), AUTO, { action: 'create', reason: 'rule-auto', match: { ruleId: null } }],
    ['ask', facts(), ASK, { action: 'offer', reason: 'rule-ask' }],
    ['ask, in a job', facts({ occasion: 'job' }), ASK, { action: 'offer', reason: 'rule-ask' }],
    ['person not read', facts({ person: null }), AUTO, { kind: 'needs', fact: 'person' }],
    ['groups not read', facts({ groups: null }), RULES, { kind: 'needs', fact: 'groups' }],
    ['groups not needed', facts({ groups: null }), AUTO, { action: 'create', reason: 'rule-auto' }],
    ['standing not read', facts({ standing: null }), AUTO, { kind: 'needs', fact: 'standing' }],
    // rules
    [
      'first rule',
      facts({ groups: new Set(['c', 's']) }),
      RULES,
      { action: 'exclude', reason: 'rule-off', match: { ruleId: 'contractors', verdicts: ['matched'] } },
    ],
    [
      'second rule',
      facts({ groups: new Set(['s']) }),
      RULES,
      { action: 'offer', match: { ruleId: 'sales', verdicts: ['not-in-groups', 'matched'] } },
    ],
    [
      'exclusion beats inclusion',
      facts({ groups: new Set(['s', 'x']) }),
      RULES,
      { action: 'create', match: { ruleId: null, verdicts: ['not-in-groups', 'excepted'] } },
    ],
    // accounts
    ['guest', facts({ person: { ...person, isGuest: true } }), AUTO, { action: 'exclude', reason: 'account-guest' }],
    ['app', facts({ person: { ...person, accountType: 'app' } }), AUTO, { action: 'exclude', reason: 'account-app' }],
    ['customer', facts({ person: { ...person, accountType: 'customer' } }), AUTO, { action: 'exclude', reason: 'account-app' }],
    ['inactive', facts({ person: { ...person, accountStatus: 'inactive' } }), AUTO, { action: 'exclude', reason: 'account-inactive' }],
    ['closed', facts({ person: { ...person, accountStatus: 'closed' } }), AUTO, { action: 'exclude', reason: 'account-inactive' }],
    ['status unknown', facts({ person: { ...person, accountStatus: 'new-word' } }), AUTO, { action: 'exclude', reason: 'account-unknown' }],
    ['unlicensed', facts({ standing: { kind: 'known', canUse: false } }), AUTO, { action: 'exclude', reason: 'account-unlicensed' }],
    ['no access', facts({ standing: { kind: 'not-permitted' } }), AUTO, { action: 'exclude', reason: 'account-unlicensed' }],
    [
      'no impersonation',
      facts({ standing: { kind: 'impersonation-unavailable' } }),
      AUTO,
      { action: 'exclude', reason: 'impersonation-unavailable' },
    ],
    ['no impersonation, ask', facts({ standing: { kind: 'impersonation-unavailable' } }), ASK, { action: 'offer', reason: 'rule-ask' }],
    // the person's own click
    ['asked for', facts({ occasion: 'click', record: record('offered') }), ASK, { action: 'create', reason: 'person-asked' }],
    ['self-service', facts({ occasion: 'click' }), SELF, { action: 'create', reason: 'person-asked' }],
    ['self-service creates nothing by itself', facts(), SELF, { action: 'none', reason: 'policy-off' }],
    ['no self-service', facts({ occasion: 'click' }), OFF, { action: 'none', reason: 'self-service-off' }],
    [
      'no self-service by rule',
      facts({ occasion: 'click', groups: new Set(['c']) }),
      RULES,
      { action: 'none', reason: 'self-service-off' },
    ],
    ['a click under an automatic rule', facts({ occasion: 'click' }), AUTO, { action: 'create', reason: 'person-asked' }],
    [
      'a click does not wait for the rollout where self-service is allowed',
      facts({ occasion: 'click' }),
      rolledOut({ percent: 0 }, { selfService: true }),
      { action: 'create' },
    ],
    [
      'a click waits for the rollout otherwise',
      facts({ occasion: 'click' }),
      rolledOut({ percent: 0 }),
      { action: 'none', reason: 'rollout-percent' },
    ],
    // rollout
    ['outside the percentage', facts(), rolledOut({ percent: 0 }), { action: 'exclude', reason: 'rollout-percent', recheckAt: null }],
    [
      'before the first day',
      facts(),
      rolledOut({ startsOn: '2026-11-24' }),
      { action: 'exclude', reason: 'rollout-not-started', recheckAt: Date.UTC(2026, 10, 24) },
    ],
    ['on the first day', facts(), rolledOut({ startsOn: '2026-11-23' }), { action: 'create' }],
    [
      'their wave is later',
      facts({ groups: new Set(['w']) }),
      rolledOut({ waves: [{ name: 'W', groups: ['w'], startsOn: '2026-12-01' }] }),
      { action: 'exclude', reason: 'rollout-not-started' },
    ],
    [
      'their wave is earlier',
      facts({ groups: new Set(['w']) }),
      rolledOut({ startsOn: '2027-01-01', waves: [{ name: 'W', groups: ['w'], startsOn: '2026-11-01' }] }),
      { action: 'create' },
    ],
    ['the day is not counted yet', facts({ begunToday: null }), rolledOut({ perDay: 5 }), { kind: 'needs', fact: 'begun-today' }],
    [
      'the day is full',
      facts({ begunToday: 5 }),
      rolledOut({ perDay: 5 }),
      { action: 'exclude', reason: 'rollout-day-full', recheckAt: Date.UTC(2026, 10, 24) },
    ],
    ['the day is not full', facts({ begunToday: 4 }), rolledOut({ perDay: 5 }), { action: 'create' }],
    // existing spaces
    ['space not read', facts({ person: owner, space: null }), AUTO, { kind: 'needs', fact: 'space' }],
    ['mode not read', facts({ person: owner, roleMode: null }), AUTO, { kind: 'needs', fact: 'role-mode' }],
    ['contents not read', facts({ person: owner, contents: null }), AUTO, { kind: 'needs', fact: 'contents' }],
    ['invisible', facts({ person: owner, space: { kind: 'invisible' } }), AUTO, { action: 'leave', reason: 'space-invisible' }],
    [
      'archived',
      facts({ person: owner, space: { ...space, status: 'archived' } }),
      AUTO,
      { action: 'record-removal', reason: 'space-archived', how: 'archived' },
    ],
    [
      'trashed',
      facts({ person: owner, space: { ...space, status: 'trashed' } }),
      AUTO,
      { action: 'record-removal', reason: 'space-trashed', how: 'trashed' },
    ],
    [
      'untouched',
      facts({ person: owner }),
      AUTO,
      { action: 'adopt', reason: 'space-untouched', keepsPages: false, keepsAccess: false, caveats: [] },
    ],
    [
      'untouched where apps cannot change access',
      facts({ person: owner, roleMode: 'PRE_ROLES' }),
      AUTO,
      { action: 'adopt', caveats: ['access-not-changeable'] },
    ],
    ['in use', facts({ person: owner, contents: touched }), AUTO, { action: 'leave', reason: 'space-in-use', recheckAt: null }],
    [
      'in use since this morning',
      facts({ person: owner, space: { ...space, createdAt: NOW - 3_600_000 }, contents: touched }),
      AUTO,
      { action: 'adopt', reason: 'space-young', keepsPages: true, keepsAccess: false },
    ],
    [
      'created by Confluence a moment ago, which is not looked into',
      facts({ person: owner, space: { ...space, createdAt: NOW - 60_000 }, contents: null }),
      AUTO,
      { action: 'adopt', reason: 'space-new', keepsPages: false, keepsAccess: false },
    ],
    [
      'created this morning, whose pages are looked at',
      facts({ person: owner, space: { ...space, createdAt: NOW - 3_600_000 }, contents: null }),
      AUTO,
      { kind: 'needs', fact: 'contents' },
    ],
    [
      'created this morning, with pages as Confluence created them',
      facts({
        person: owner,
        space: { ...space, createdAt: NOW - 3_600_000 },
        contents: { ...untouched, pages: untouched.pages.map((page) => ({ ...page, createdAt: NOW - 3_600_000 })) },
      }),
      AUTO,
      { action: 'adopt', reason: 'space-new', keepsPages: false },
    ],
    [
      'not readable',
      facts({ person: owner, contents: { ...untouched, pages: [] } }),
      AUTO,
      { action: 'leave', reason: 'space-unreadable', recheckAt: NOW + DAY },
    ],
    [
      'someone was given access by name',
      facts({ person: owner, contents: { ...untouched, sharedWith: 'people' } }),
      AUTO,
      { action: 'adopt', keepsAccess: true },
    ],
    ['has a space, rule off', facts({ person: owner, groups: new Set(['c']) }), RULES, { action: 'exclude', reason: 'rule-off' }],
    [
      'interrupted, space there',
      facts({ person: owner, space: { ...space, createdAt: NOW - DAY }, record: record('creating') }),
      AUTO,
      { action: 'finish', reason: 'interrupted', spaceId: '7' },
    ],
    [
      'interrupted, no space',
      facts({ record: record('creating') }),
      rolledOut({ percent: 0 }),
      { action: 'create', reason: 'interrupted' },
    ],
    // remembered states
    ['ready', facts({ record: record('ready') }), AUTO, { action: 'none', reason: 'space-created' }],
    ['adopted', facts({ record: record('ready', { origin: 'adopted' }) }), AUTO, { action: 'none', reason: 'space-adopted' }],
    ['details missing', facts({ record: record('ready', { remindAt: NOW }) }), AUTO, { action: 'remind', reason: 'details-missing' }],
    ['details missing, not yet', facts({ record: record('ready', { remindAt: NOW + 1 }) }), AUTO, { action: 'none' }],
    ['known space', facts({ record: record('has-space', { reason: 'space-in-use' }) }), AUTO, { action: 'none', reason: 'space-in-use' }],
    [
      'recorded for an earlier reason',
      facts({ record: record('has-space', { reason: 'has-space' }) }),
      AUTO,
      { action: 'none', reason: 'has-space' },
    ],
    ['declined', facts({ record: record('declined') }), AUTO, { action: 'none', reason: 'offer-declined' }],
    ['declined, and clicks', facts({ occasion: 'click', record: record('declined') }), SELF, { action: 'none', reason: 'offer-declined' }],
    ['decline undone', facts({ record: record('excluded', { reason: 'decline-undone' }) }), AUTO, { action: 'create' }],
    ['removed', facts({ record: record('removed', { how: 'deleted' }) }), AUTO, { action: 'none', reason: 'space-removed' }],
    [
      'removed, and clicks',
      facts({ occasion: 'click', record: record('removed', { how: 'deleted' }) }),
      SELF,
      { action: 'none', reason: 'space-removed' },
    ],
    [
      'removed, in a job',
      facts({ occasion: 'job', record: record('removed', { how: 'archived' }) }),
      AUTO,
      { action: 'none', reason: 'space-archived' },
    ],
    ['lifted', facts({ record: record('excluded', { reason: 'tombstone-lifted' }) }), AUTO, { action: 'create' }],
    ['offer open', facts({ record: record('offered') }), ASK, { action: 'none', reason: 'offer-open' }],
    [
      'offer open, another policy',
      facts({ record: record('offered', { policyVersion: 1 }) }),
      ASK,
      { action: 'keep', reason: 'offer-open' },
    ],
    ['offered, now automatic', facts({ record: record('offered', { policyVersion: 1 }) }), AUTO, { action: 'create', reason: 'rule-auto' }],
    [
      'offered, now off by rule',
      facts({ groups: new Set(['c']), record: record('offered', { policyVersion: 1 }) }),
      RULES,
      { action: 'exclude', reason: 'rule-off' },
    ],
    ['postponed', facts({ record: record('postponed', { until: NOW + 1 }) }), ASK, { action: 'none', reason: 'offer-postponed' }],
    [
      'postponed, another policy',
      facts({ record: record('postponed', { until: NOW + 1, policyVersion: 1 }) }),
      ASK,
      { action: 'keep', reason: 'offer-postponed' },
    ],
    ['postponed long ago', facts({ record: record('postponed', { until: NOW - 1 }) }), ASK, { action: 'offer', reason: 'rule-ask' }],
    [
      'refused recently',
      facts({ record: record('refused', { reason: 'creation-refused', recheckAt: NOW + 1 }) }),
      AUTO,
      { action: 'none', reason: 'creation-refused' },
    ],
    [
      'refused long ago',
      facts({ record: record('refused', { reason: 'creation-refused', recheckAt: NOW }) }),
      AUTO,
      { action: 'create', reason: 'rule-auto' },
    ],
    [
      'no private way',
      facts({ record: record('refused', { reason: 'no-private-way', recheckAt: NOW + 1 }) }),
      AUTO,
      { action: 'none', reason: 'no-private-way' },
    ],
    ['failed recently', facts({ record: record('creating', { retryAt: NOW + 1 }) }), AUTO, { action: 'none', reason: 'confluence-error' }],
    [
      'excluded recently',
      facts({ record: record('excluded', { reason: 'account-guest', recheckAt: NOW + 1 }) }),
      AUTO,
      { action: 'none', reason: 'account-guest' },
    ],
    [
      'awaits a new policy',
      facts({ record: record('excluded', { reason: 'rollout-percent' }) }),
      AUTO,
      { action: 'none', reason: 'rollout-percent' },
    ],
    ['policy changed', facts({ record: record('excluded', { reason: 'rollout-percent', policyVersion: 6 }) }), AUTO, { action: 'create' }],
    [
      'failed recently, and clicks',
      facts({ occasion: 'click', record: record('refused', { reason: 'confluence-error' }) }),
      AUTO,
      { action: 'create', reason: 'person-asked' },
    ],
    // removed spaces are checked again
    [
      'removed a day ago, not read',
      facts({ person: null, record: record('removed', { recheckAt: NOW }) }),
      AUTO,
      { kind: 'needs', fact: 'person' },
    ],
    [
      'removed a day ago, still gone',
      facts({ record: record('removed', { recheckAt: NOW }) }),
      AUTO,
      { action: 'keep', reason: 'space-removed' },
    ],
    [
      'archived a day ago, and back',
      facts({ person: owner, record: record('removed', { how: 'archived', recheckAt: NOW }) }),
      AUTO,
      { action: 'return', reason: 'space-returned', spaceId: '7' },
    ],
    [
      'archived a day ago, and trashed since',
      facts({ person: owner, space: { ...space, status: 'trashed' }, record: record('removed', { how: 'archived', recheckAt: NOW }) }),
      AUTO,
      { action: 'record-removal', reason: 'space-trashed', how: 'trashed' },
    ],
    [
      'removed, back, and clicks before the day is over',
      facts({ occasion: 'click', person: owner, record: record('removed', { how: 'archived' }) }),
      SELF,
      { action: 'return' },
    ],
    [
      'removed, and another space appeared',
      facts({
        occasion: 'arrival',
        person: { ...person, personalSpaceId: '8' },
        space: { ...space, spaceId: '8' },
        record: record('removed'),
      }),
      AUTO,
      { action: 'adopt', spaceId: '8' },
    ],
    // an adoption in progress
    [
      'begun, but the profile does not show the space yet',
      facts({ record: record('adopting') }),
      AUTO,
      { action: 'adopt', reason: 'interrupted', spaceId: '7' },
    ],
    [
      'begun, but its owner cannot see the space anymore',
      facts({ space: { kind: 'invisible' }, record: record('adopting') }),
      AUTO,
      { action: 'record-removal', reason: 'space-removed', how: 'deleted' },
    ],
    // a space that appeared
    [
      'arrival for someone who declined',
      facts({ occasion: 'arrival', person: owner, record: record('declined') }),
      AUTO,
      { action: 'none', reason: 'offer-declined' },
    ],
    [
      'arrival that is not theirs',
      facts({ occasion: 'arrival', record: record('declined') }),
      AUTO,
      { action: 'none', reason: 'offer-declined' },
    ],
    ['arrival after an offer', facts({ occasion: 'arrival', person: owner, record: record('offered') }), ASK, { action: 'adopt' }],
    [
      'arrival of a space that is ready',
      facts({ occasion: 'arrival', person: owner, record: record('ready') }),
      AUTO,
      { action: 'none', reason: 'space-created' },
    ],
  ];

  it.each(table)('%s', (_name, given, chosen, expected) => {
    expect(decideProvisioning(given, chosen, VERSION, NOW)).toMatchObject(expected);
  });

  it('has a case for every reason in this table', () => {
    const named = new Set(
      table.map(([, given, chosen]) => decideProvisioning(given, chosen, VERSION, NOW)).flatMap((d) => ('reason' in d ? d.reason : [])),
    );
    expect(REASONS.filter((reason) => !named.has(reason)).sort()).toEqual(['decline-undone', 'tombstone-lifted']);
  });
});

const anyTime = fc.integer({ min: NOW - 2 * DAY, max: NOW + 2 * DAY });
const anyRecord: fc.Arbitrary<Person | null> = fc.option(
  fc
    .record({
      remembered: fc.constantFrom(...Object.values(REMEMBERED)),
      since: fc.constantFrom(0, NOW - 60_000, NOW - DAY),
      at: anyTime,
      reason: fc.constantFrom(...REASONS),
      policyVersion: fc.constantFrom(VERSION, 1),
    })
    .map(({ remembered, since, at, reason, policyVersion }) => {
      const person: Record<string, unknown> = { ...remembered, since };
      for (const field of ['recheckAt', 'until', 'retryAt', 'remindAt']) if (field in person) person[field] = at;
      if ('reason' in person) person.reason = reason;
      if ('policyVersion' in person) person.policyVersion = policyVersion;
      return person as unknown as Person;
    }),
);
const anyGroups = fc.subarray(['c', 's', 'x', 'w']).map((ids): ReadonlySet<string> => new Set(ids));
const anyFacts: fc.Arbitrary<ProvisioningFacts> = fc.record({
  accountId: fc.constantFrom('a', 'b', 'c:1', '712020:x'),
  occasion: fc.constantFrom('activity' as const, 'arrival' as const, 'job' as const, 'click' as const),
  record: anyRecord,
  person: fc.option(
    fc.record({
      accountType: fc.constantFrom('atlassian', 'app', 'customer', 'other'),
      accountStatus: fc.constantFrom('active', 'inactive', 'closed', 'unknown', 'suspended'),
      isGuest: fc.boolean(),
      personalSpaceId: fc.option(fc.constant('7')),
    }),
  ),
  groups: fc.option(anyGroups),
  begunToday: fc.option(fc.nat(10)),
  standing: fc.option(
    fc.constantFrom<StandingFacts>(
      { kind: 'known', canUse: true },
      { kind: 'known', canUse: false },
      { kind: 'not-permitted' },
      { kind: 'impersonation-unavailable' },
    ),
  ),
  space: fc.option(
    fc.oneof(
      fc.constant<SpaceFacts>({ kind: 'invisible' }),
      fc.record({
        kind: fc.constant('seen' as const),
        spaceId: fc.constant('7'),
        status: fc.constantFrom('current', 'archived', 'trashed'),
        createdAt: fc.constantFrom(NOW - 60_000, NOW - 400 * DAY),
        homepageId: fc.option(fc.constant('70')),
      }),
    ),
  ),
  contents: fc.option(
    fc.record({
      pages: fc.array(
        fc.record({
          id: fc.constantFrom('70', '71'),
          versions: fc.integer({ min: 1, max: 3 }),
          createdAt: fc.constantFrom(NOW - 60_000, NOW - 400 * DAY),
          isOwnVersion: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
      blogPosts: fc.nat(1),
      others: fc.nat(1),
      sharedWith: fc.constantFrom('nobody' as const, 'groups' as const, 'people' as const, 'unknown' as const),
    }),
  ),
  roleMode: fc.option(fc.constantFrom('PRE_ROLES' as const, 'ROLES_TRANSITION' as const, 'ROLES' as const)),
});
const anyTreatment = fc.record({
  mode: fc.constantFrom('off', 'ask', 'auto'),
  selfService: fc.boolean(),
  access: fc.constantFrom('private', 'licensed', 'site-default'),
});
const anyRule = fc.record({ groups: fc.subarray(['c', 's', 'w']), exceptGroups: fc.subarray(['x', 's']), treatment: anyTreatment });
const anyPolicy = fc
  .record({
    paused: fc.boolean(),
    rules: fc.array(anyRule, { maxLength: 4 }),
    everyoneElse: anyTreatment,
    rollout: fc.record({
      percent: fc.constantFrom(0, 50, 100),
      startsOn: fc.constantFrom(null, '2026-11-01', '2027-01-01'),
      perDay: fc.constantFrom(null, 3),
    }),
  })
  .map(({ rules, ...rest }) =>
    Policy.parse({ ...rest, rules: rules.map(({ treatment, ...rule }, i) => ({ id: `r${i}`, name: `Rule ${i}`, ...rule, ...treatment })) }),
  );

const actionOf = (decision: ProvisioningDecision): string => (decision.kind === 'needs' ? 'needs' : decision.action);

describe('whatever the facts and the policy are', () => {
  it('creates and offers only for active, licensed people with an Atlassian account and no space', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (given, chosen) => {
        const decision = decideProvisioning(given, chosen, VERSION, NOW);
        if (decision.kind === 'needs' || (decision.action !== 'create' && decision.action !== 'offer')) return;
        expect(given.person).toEqual({ accountType: 'atlassian', accountStatus: 'active', isGuest: false, personalSpaceId: null });
        if (decision.action === 'create') expect(given.standing).toEqual({ kind: 'known', canUse: true });
        expect(['declined', 'removed', 'ready']).not.toContain(given.record?.state);
        expect(chosen.paused).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('never creates a second space, nor offers one', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (given, chosen) => {
        const holder = { ...given, person: { ...person, ...given.person, personalSpaceId: '7' } };
        expect(['create', 'offer']).not.toContain(actionOf(decideProvisioning(holder, chosen, VERSION, NOW)));
      }),
      { numRuns: 2000 },
    );
  });

  it('creates, offers and adopts nothing for guests, apps and accounts that are not active', () => {
    const nobody = fc.constantFrom<Partial<PersonFacts>>(
      { isGuest: true },
      { accountStatus: 'inactive' },
      { accountStatus: 'closed' },
      { accountStatus: 'unknown' },
      { accountType: 'app' },
    );
    fc.assert(
      fc.property(anyFacts, anyPolicy, nobody, (given, chosen, change) => {
        const decision = decideProvisioning({ ...given, person: { ...person, ...given.person, ...change } }, chosen, VERSION, NOW);
        expect(['create', 'offer', 'adopt', 'finish']).not.toContain(actionOf(decision));
      }),
      { numRuns: 2000 },
    );
  });

  it('does nothing while the policy is paused or unreadable', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (given, chosen) => {
        expect(decideProvisioning(given, { ...chosen, paused: true }, VERSION, NOW)).toMatchObject({
          action: 'none',
          reason: 'policy-paused',
        });
        expect(decideProvisioning(given, 'unreadable', VERSION, NOW)).toMatchObject({ action: 'none' });
      }),
    );
  });

  it('asks for no facts about a settled person', () => {
    const settled = fc.constantFrom(record('ready'), record('has-space'), record('declined'), record('removed'));
    fc.assert(
      fc.property(anyFacts, anyPolicy, settled, (given, chosen, remembered) => {
        const asked = { ...given, occasion: 'activity' as const, person: null, record: remembered };
        expect(decideProvisioning(asked, chosen, VERSION, NOW)).toMatchObject({ action: 'none' });
      }),
    );
  });

  it('adopts nothing for people who declined', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (given, chosen) => {
        expect(decideProvisioning({ ...given, record: record('declined') }, chosen, VERSION, NOW)).toMatchObject({ action: 'none' });
      }),
    );
  });

  it('reaches a decision once it has every fact it asked for', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (given, chosen) => {
        const full = Object.fromEntries(
          Object.entries(facts()).map(([key, value]) => [key, given[key as keyof ProvisioningFacts] ?? value]),
        );
        const decision = decideProvisioning({ ...(full as unknown as ProvisioningFacts), record: given.record }, chosen, VERSION, NOW);
        expect(decision.kind).toBe('decided');
      }),
      { numRuns: 2000 },
    );
  });

  it('a change to a rule affects only the people it matched or now matches', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, anyRule, fc.nat(3), (given, chosen, change, at) => {
        const position = Math.min(at, chosen.rules.length - 1);
        if (position < 0) return;
        const rules = chosen.rules.map((rule, i) =>
          i === position ? { ...rule, groups: change.groups, exceptGroups: change.exceptGroups, ...(change.treatment as object) } : rule,
        );
        const after = Policy.parse({ ...chosen, rules });
        const known = { ...given, groups: given.groups ?? new Set<string>() };
        const [a, b] = [decideProvisioning(known, chosen, VERSION, NOW), decideProvisioning(known, after, VERSION, NOW)];
        const id = `r${position}`;
        if (a.kind === 'needs' || b.kind === 'needs' || !a.match || !b.match || a.match.ruleId === id || b.match.ruleId === id) return;
        expect({ ...b, match: null }).toEqual({ ...a, match: null });
      }),
      { numRuns: 2000 },
    );
  });

  it('raising the percentage drops nobody', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (accountId, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const isIn = (percent: number): boolean =>
          actionOf(decideProvisioning(facts({ accountId }), rolledOut({ percent }), VERSION, NOW)) === 'create';
        if (isIn(low)) expect(isIn(high)).toBe(true);
      }),
    );
  });
});

it('spreads people evenly over the percentage', () => {
  const shares = Array.from({ length: 20_000 }, (_, i) => shareOf(`712020:${i.toString(16).padStart(8, '0')}-aaaa`));
  for (const percent of [1, 10, 50, 90]) {
    const share = shares.filter((s) => s < percent).length / shares.length;
    expect(Math.abs(share - percent / 100)).toBeLessThan(0.01);
  }
});

it('takes a space it finds for its own work only if it was created around the time the run began', () => {
  const run = { since: NOW };
  expect(isFromInterruptedRun(run, NOW + 9 * 60_000)).toBe(true);
  expect(isFromInterruptedRun(run, NOW - 60_000)).toBe(true);
  expect(isFromInterruptedRun(run, NOW + 11 * 60_000)).toBe(false);
  expect(isFromInterruptedRun(run, NOW - DAY)).toBe(false);
});

/** Simulating everybody by classes: the same as deciding person by person, and sound where a group is unread. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KnownPerson, outcomeFor, type Remembered, type Standing } from '../../src/domain/directory';
import { Policy, type Rule } from '../../src/domain/policy/document';
import type { Reason } from '../../src/domain/reasons';
import type { LocalSite } from '../emulator/site';
import { adminData, changed, knowEverybody, setPolicy, startSite } from '../support/site';

const DAY_MS = 86_400_000;

/** Every kind of record that the app may have of a person. */
const STATES: readonly Omit<Remembered, 'until'>[] = [
  ...(['rule-off', 'rollout-percent', 'account-unlicensed'] as Reason[]).map((reason) => ({
    state: 'excluded' as const,
    reason,
    how: null,
  })),
  { state: 'offered', reason: null, how: null },
  { state: 'postponed', reason: null, how: null },
  { state: 'declined', reason: null, how: null },
  { state: 'creating', reason: 'confluence-error', how: null },
  { state: 'adopting', reason: 'interrupted', how: null },
  { state: 'ready', reason: null, how: null },
  { state: 'has-space', reason: 'space-in-use', how: null },
  { state: 'has-space', reason: 'space-unreadable', how: null },
  { state: 'removed', reason: null, how: 'archived' },
  { state: 'removed', reason: null, how: 'deleted' },
  { state: 'refused', reason: 'creation-refused', how: null },
  { state: 'refused', reason: 'no-private-way', how: null },
];

/** Writes into the directory as the app itself would. */
function write(site: LocalSite, query: string, params: (string | number | null)[]): void {
  const reply = site.platform.sql.handle('/api/v1/execute', JSON.stringify({ query, params, method: 'all' }));
  expect(reply?.status, JSON.stringify(reply?.body)).toBe(200);
}

interface Stage {
  site: LocalSite;
  /** Ids of groups whose members the directory knows, and of others. */
  read: string[];
  unread: string[];
  /** As the directory has them, but for `groups`: those that each person is really in. */
  people: KnownPerson[];
}

/** @param known how many of the three groups the saved policy names, so that they are read */
async function setStage(seed: number, known: number): Promise<Stage> {
  const site = startSite({ people: 260 });
  const { groupsByName } = site.confluence.state;
  const names = ['engineering', 'sales', 'contractors'];
  const random = fc.sample(fc.subarray(names), { numRuns: 300, seed });
  for (const [n, person] of site.people(1_000).results.entries()) {
    const kept = person.groups.filter((name) => !names.includes(name));
    site.changePerson(person.accountId, { groups: [...kept, ...(random[n] ?? [])] });
  }
  const ids = names.map((name) => groupsByName.get(name)?.id ?? '');
  const [read, unread] = [ids.slice(0, known), ids.slice(known)];
  await setPolicy(site, { mode: 'auto', rules: [ruleFor('known', read, 'ask')] });
  await knowEverybody(site);
  remember(site);
  return { site, read, unread, people: readPeople(site, names) };
}

/** Gives everybody a record, each of another kind. */
function remember(site: LocalSite): void {
  const accountIds = site.sql({ query: 'SELECT id FROM people ORDER BY id' }).rows.map((row) => String(row.id));
  const times = [null, site.clock.now() - DAY_MS, site.clock.now() + 30 * DAY_MS];
  const kinds = STATES.flatMap((state) => times.map((until) => ({ ...state, until })));
  for (const [k, { state, reason, until, how }] of kinds.entries()) {
    // Every eighth person has none.
    const few = accountIds.filter((_, n) => n % 8 !== 0 && n % kinds.length === k);
    if (few.length === 0) continue;
    const columns = 'state = ?, state_reason = ?, state_until = ?, state_how = ?';
    write(site, `UPDATE people SET ${columns} WHERE id IN (${few.map(() => '?').join(', ')})`, [state, reason, until, how, ...few]);
  }
}

function readPeople(site: LocalSite, names: readonly string[]): KnownPerson[] {
  const { groupsByName } = site.confluence.state;
  const real = new Map(site.people(1_000).results.map((person) => [person.accountId, person.groups]));
  const query =
    "SELECT id, standing, space_id, state, state_reason, state_until, state_how FROM people WHERE standing IN ('active', 'guest')";
  return site.sql({ query }).rows.map((row): KnownPerson => {
    const until = row.state_until === null ? null : Number(row.state_until);
    const remembered = row.state === null ? null : { state: row.state, reason: row.state_reason, until, how: row.state_how };
    const accountId = String(row.id);
    const groups = (real.get(accountId) ?? []).filter((name) => names.includes(name));
    return {
      accountId,
      standing: row.standing as Standing,
      groups: new Set(groups.map((name) => groupsByName.get(name)?.id ?? '')),
      hasSpace: row.space_id !== null,
      remembered: remembered as Remembered | null,
    };
  });
}

function ruleFor(id: string, groups: string[], mode: Rule['mode'], exceptGroups: string[] = []): Rule {
  return { id, name: id, groups, exceptGroups, mode, selfService: false, template: 'standard', access: 'private' };
}

const anyMode = fc.constantFrom<Rule['mode']>('off', 'ask', 'auto');
const anyDay = fc.constantFrom('2026-01-01', '2027-06-01');

function anyPolicy(groups: readonly string[]): fc.Arbitrary<Policy> {
  const some = fc.subarray([...groups]);
  const rule = fc.tuple(some, some, anyMode);
  const wave = fc.tuple(fc.subarray([...groups], { minLength: 1 }), anyDay);
  return fc
    .record({
      rules: fc.array(rule, { maxLength: 4 }),
      mode: anyMode,
      paused: fc.nat(9).map((n) => n === 0),
      percent: fc.constantFrom(0, 12.5, 50, 99.9, 100),
      startsOn: fc.option(anyDay),
      perDay: fc.option(fc.constant(3)),
      waves: fc.array(wave, { maxLength: 2 }),
    })
    .map(({ rules, mode, paused, percent, startsOn, perDay, waves }) => {
      const all = rules.map(([included, excepted, of], n) => ruleFor(`r${n}`, included, of, excepted));
      const rollout = {
        percent,
        startsOn,
        perDay,
        waves: waves.map(([named, day], n) => ({ name: `w${n}`, groups: named, startsOn: day })),
      };
      return Policy.parse(changed(Policy.parse({}), { mode, paused, rules: all, rollout }));
    });
}

/** Counts words in a list. */
const tally = (words: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
};

/** Person by person, as Homestead would decide about each. */
function decideEach({ people }: Stage, before: Policy, after: Policy, now: number) {
  const decisions = people.map((known) => ({ from: outcomeFor(known, before, now), to: outcomeFor(known, after, now) }));
  const changes = decisions.filter(({ from, to }) => from.kind !== to.kind || from.reason !== to.reason);
  return {
    changed: changes.length,
    transitions: tally(changes.map(({ from, to }) => [from.kind, from.reason, from.ruleId, to.kind, to.reason, to.ruleId].join(' '))),
    outcomes: tally(decisions.map(({ to }) => `${to.kind} ${to.reason}`)),
  };
}

describe('simulating by classes', () => {
  for (const seed of [1, 2]) {
    it(`says what deciding person by person says (${seed})`, async () => {
      const stage = await setStage(seed, 3);
      const { site, read } = stage;
      const { policy: before } = await adminData(site, 'policy.get', {});
      let changing = 0;
      await fc.assert(
        fc.asyncProperty(anyPolicy(read), async (after) => {
          const simulation = await adminData(site, 'people.simulate', { policy: after });
          const each = decideEach(stage, before, after, site.clock.now());
          expect(simulation).toMatchObject({
            exact: true,
            people: stage.people.length,
            changed: each.changed,
            changedAtLeast: each.changed,
          });
          const words = ({ from, to }: (typeof simulation.transitions)[number]): string =>
            [from.kind, from.reason, from.ruleId, to.kind, to.reason, to.ruleId].join(' ');
          expect(Object.fromEntries(simulation.transitions.map((t) => [words(t), t.count]))).toEqual(each.transitions);
          expect(Object.fromEntries(simulation.outcomes.map((o) => [`${o.kind} ${o.reason}`, o.count]))).toEqual(each.outcomes);
          changing += each.changed;
        }),
        { numRuns: 40, seed },
      );
      expect(changing).toBeGreaterThan(1_000);
    });

    it(`bounds what it cannot know (${seed})`, async () => {
      const stage = await setStage(seed, 1);
      const { site, read, unread } = stage;
      const { policy: before } = await adminData(site, 'policy.get', {});
      let [bounded, narrow] = [0, 0];
      await fc.assert(
        fc.asyncProperty(anyPolicy([...read, ...unread]), async (after) => {
          const simulation = await adminData(site, 'people.simulate', { policy: after });
          const each = decideEach(stage, before, after, site.clock.now());
          expect(simulation.changedAtLeast).toBeLessThanOrEqual(each.changed);
          expect(simulation.changed).toBeGreaterThanOrEqual(each.changed);
          // Whatever is listed as certain is so.
          const certain = simulation.outcomes.reduce((sum, { count }) => sum + count, 0);
          expect(certain + simulation.undecided).toBe(stage.people.length);
          for (const { kind, reason, count } of simulation.outcomes)
            expect(each.outcomes[`${kind} ${reason}`] ?? 0).toBeGreaterThanOrEqual(count);
          if (simulation.exact) expect(simulation.changed).toBe(each.changed);
          else bounded += 1;
          if (!simulation.exact && simulation.changed - simulation.changedAtLeast < stage.people.length / 2) narrow += 1;
        }),
        { numRuns: 40, seed },
      );
      expect(bounded).toBeGreaterThan(20);
      expect(narrow).toBeGreaterThan(0);
    });
  }
});

/** Every function, called by every kind of caller and with everything except what it expects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adminApi } from '../../src/api/admin';
import { personApi } from '../../src/api/me';
import type { LocalSite } from '../emulator/site';
import {
  ADMIN_ACCOUNT_ID,
  type AdminFunction,
  ANA,
  accountIdOf,
  admin,
  adminData,
  knowEverybody,
  OWNER,
  type PersonFunction,
  person,
  personalSpacesOf,
  promisesOf,
  readsAPage,
  setPolicy,
  startSite,
} from '../support/site';

const GUEST = accountIdOf(23);
const INACTIVE = accountIdOf(17);

describe('functions that people call for themselves', () => {
  const NAMES = Object.keys(personApi) as PersonFunction[];

  it.each(NAMES)('%s refuses anonymous callers', async (name) => {
    const site = startSite();
    const before = JSON.stringify(site.state());
    expect(await person(site, name, null)).toEqual({ ok: false, error: { code: 'not-signed-in', details: {} } });
    const answer = await site.platform.invokeResolver('my-space', name, {}, 'unidentified');
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-signed-in' } });
    expect(JSON.stringify(site.state())).toBe(before);
  });

  it.each(NAMES)('%s gives guests and deactivated people no space and no information about anyone else', async (name) => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto', selfService: true });
    await readsAPage(site, ANA);
    const spaces = JSON.stringify(site.state().spaces);
    const record = JSON.stringify(site.state().kvs.entities.person?.[ANA]);
    for (const caller of [GUEST, INACTIVE]) {
      const payload =
        name === 'me.setAccess' ? { access: 'licensed' } : name === 'me.saveDetails' ? { values: { accountId: ANA } } : { accountId: ANA };
      const answer = await person(site, name, caller, payload as never);
      expect(JSON.stringify(answer)).not.toContain(ANA);
    }
    expect(JSON.stringify(site.state().spaces)).toBe(spaces);
    expect(JSON.stringify(site.state().kvs.entities.person?.[ANA])).toBe(record);
  });

  it.each(NAMES)('%s changes nothing for a person who is named in the payload but is not the caller', async (name) => {
    const site = startSite();
    await setPolicy(site, {
      mode: 'ask',
      selfService: true,
      fields: [{ key: 'role', label: 'Role', kind: 'text', required: true, help: '' }],
    });
    await readsAPage(site, ANA);
    const before = [
      JSON.stringify(site.state().kvs.entities.person?.[ANA]),
      JSON.stringify(site.state().userProperties[ANA]),
      personalSpacesOf(site, ANA).length,
    ];
    const payload = { accountId: ANA, owner: ANA, access: 'licensed', values: { role: 'x' } };
    await person(site, name, OWNER, payload as never);
    const after = [
      JSON.stringify(site.state().kvs.entities.person?.[ANA]),
      JSON.stringify(site.state().userProperties[ANA]),
      personalSpacesOf(site, ANA).length,
    ];
    expect(after).toEqual(before);
  });

  it('do not believe what the browser claims about the caller', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    const forged = { accountId: ANA, principal: { accountId: ANA } };
    const answer = await site.platform.invokeResolver('my-space', 'offer.never', {}, OWNER, forged);
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });
});

/** Any JSON, and near misses: field names that exist, with wrong values. */
const NAMES_OF_FIELDS = [
  'policy',
  'baseVersion',
  'version',
  'text',
  'template',
  'accountId',
  'jobId',
  'from',
  'surveyId',
  'selection',
  'idleDays',
  'cursor',
  'state',
  'checks',
  'values',
  'access',
  'before',
];
const anyPayload = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(
    fc.constantFrom(...NAMES_OF_FIELDS),
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(-1, 1e9, '', 'x'.repeat(5000), null, [], {}, '../..', "' or 1=1", '__proto__')),
  ),
);

/** These take no input and always act, so a bad payload would prove nothing. */
const WITHOUT_INPUT = ['policy.startOver', 'people.plan'];
/** Codes that a client may be given. */
const CLEAR = ['bad-request', 'not-found', 'not-ready', 'conflict', 'not-changeable', 'busy'];

/** The longest text that an error in an answer may have. */
const MAX_DETAIL = 1_000;

describe('a hostile call', () => {
  it('to a function that does not exist gets a clear error', async () => {
    const site = startSite();
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'nope', '', 'x'.repeat(10_000)]) {
      for (const module of ['admin', 'my-space']) {
        const answer = await site.platform.invokeResolver(module, name, {}, ADMIN_ACCOUNT_ID);
        expect(answer).toMatchObject({
          ok: false,
          error: { code: 'bad-request', details: { problem: expect.stringContaining('no function') } },
        });
        expect(JSON.stringify(answer).length).toBeLessThan(MAX_DETAIL + 100);
      }
    }
  });

  it("leaves nothing in the log, because a caller's mistake is not the app's", async () => {
    const site = startSite();
    const lines: string[] = [];
    site.platform.appLog = (line) => lines.push(line);
    await admin(site, 'policy.save', { policy: 'x' } as never);
    await admin(site, 'policy.get', {}, ANA);
    await admin(site, 'policy.version', { version: 9 });
    await person(site, 'me.undo', ANA);
    expect(lines).toEqual([]);
  });

  it('runs each site check at most once', async () => {
    const site = startSite();
    const before = promisesOf(site);
    const checks = Array.from({ length: 20_000 }, () => 'points' as const);
    expect(await admin(site, 'site.run', { checks })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect(await admin(site, 'site.run', { checks: ['points', 'points'] })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect(promisesOf(site)).toEqual(before);
  });

  it('with a policy that is wrong in every part gets an answer of bounded size', async () => {
    const site = startSite();
    const wrong = Array.from({ length: 20_000 }, (_, n) => ({ [`k${n}`]: '\u{1f600}' }));
    const save = await admin(site, 'policy.save', { policy: { rules: wrong }, baseVersion: 0 } as never);
    expect(save).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect(JSON.stringify(save).length).toBeLessThan(2 * MAX_DETAIL);

    const unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, 1]));
    const check = await adminData(site, 'policy.check', { text: JSON.stringify({ ...unknown, rules: wrong.slice(0, 1_000) }) });
    expect('problems' in check && check.problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(check).length).toBeLessThan(200 * MAX_DETAIL);
    for (const { reason } of 'problems' in check ? check.problems : []) expect(reason.length).toBeLessThanOrEqual(MAX_DETAIL);
  });

  it('that names an exception from "all" twice is refused, because the plan would count too few', async () => {
    const site = startSite();
    const selection = { kind: 'all' as const, except: ['1', '1'] };
    expect(await admin(site, 'cleanup.preview', { surveyId: 'x', selection })).toMatchObject({ ok: false, error: { code: 'bad-request' } });
  });
});

describe('an unexpected payload', () => {
  async function expectUnchanged(site: LocalSite, run: () => Promise<void>): Promise<void> {
    const before = promisesOf(site);
    await run();
    expect(promisesOf(site)).toEqual(before);
  }

  it('to any function of the admin page gets a clear error and changes nothing', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    // Else opening a page begins to read the site.
    await knowEverybody(site);
    const names = (Object.keys(adminApi) as AdminFunction[]).filter((name) => !WITHOUT_INPUT.includes(name));
    await expectUnchanged(site, () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...names), anyPayload, async (name, payload) => {
          const result = await admin(site, name, payload as never);
          if (!result.ok) expect(CLEAR).toContain(result.error.code);
        }),
        { numRuns: 400 },
      ),
    );
  });

  it('to any function that people call for themselves gets a clear error and creates nothing', async () => {
    const site = startSite();
    const names = Object.keys(personApi) as PersonFunction[];
    await expectUnchanged(site, () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...names.filter((name) => name !== 'me.decline')), anyPayload, async (name, payload) => {
          const result = await person(site, name, ANA, payload as never);
          if (!result.ok) expect(CLEAR).toContain(result.error.code);
        }),
        { numRuns: 200 },
      ),
    );
  });

  it('to the queue, the triggers or the schedule changes nothing and is not retried', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    // The first ticks write down what is due when, and read the site into the directory.
    await site.advance('PT20M');
    await site.platform.runFunction('scheduledTrigger', 'tick', {});
    const before = JSON.stringify(promisesOf(site));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('work', 'on-activity', 'on-personal-space', 'tick'), anyPayload, async (functionKey, payload) => {
        const kind = functionKey === 'work' ? 'consumer' : functionKey === 'tick' ? 'scheduledTrigger' : 'trigger';
        const outcome = await site.platform.runFunction(kind, functionKey, payload);
        expect(outcome).toEqual({ kind: 'ok' });
      }),
      { numRuns: 200 },
    );
    expect(JSON.stringify(promisesOf(site))).toBe(before);
  });
});

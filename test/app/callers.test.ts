/** Every function with every kind of caller, and with everything but what it expects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdminFunction, adminInputs, type PersonFunction, personInputs } from '../../src/api/contract';
import type { LocalSite } from '../emulator/site';
import { ANA, accountIdOf, admin, OWNER, person, personalSpacesOf, promisesOf, readsAPage, setPolicy, startSite } from '../support/site';

const GUEST = accountIdOf(23);
const INACTIVE = accountIdOf(17);

describe('functions about oneself', () => {
  const NAMES = Object.keys(personInputs) as PersonFunction[];

  it.each(NAMES)('%s refuses anonymous callers', async (name) => {
    const site = startSite();
    const before = JSON.stringify(site.state());
    expect(await person(site, name, null)).toEqual({ ok: false, error: { code: 'not-signed-in', details: {} } });
    const answer = await site.platform.invokeResolver('my-space', name, {}, 'unidentified');
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-signed-in' } });
    expect(JSON.stringify(site.state())).toBe(before);
  });

  it.each(NAMES)('%s gives a guest and a deactivated person no space, and no word about anybody else', async (name) => {
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

  it.each(NAMES)('%s called by another member changes nothing of the person named in its payload', async (name) => {
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

  it('does not take the browser at its word about who is asking', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    const forged = { accountId: ANA, principal: { accountId: ANA } };
    const answer = await site.platform.invokeResolver('my-space', 'offer.never', {}, OWNER, forged);
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });
});

/** Anything JSON can say, and near misses: right names with wrong values. */
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

/** These take no input and do what they say, so a payload says nothing. */
const WITHOUT_INPUT = ['policy.startOver', 'people.censusCost', 'people.startCensus', 'people.plan'];
/** What a client may be told. */
const CLEAR = ['bad-request', 'not-found', 'no-census', 'conflict', 'not-changeable', 'busy'];

describe('a payload that was not meant', () => {
  async function expectUnchanged(site: LocalSite, run: () => Promise<void>): Promise<void> {
    const before = JSON.stringify(promisesOf(site));
    await run();
    expect(JSON.stringify(promisesOf(site))).toBe(before);
  }

  it('to any function of the admin page gets a clear error and changes nothing', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const names = (Object.keys(adminInputs) as AdminFunction[]).filter((name) => !WITHOUT_INPUT.includes(name));
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

  it('to any function about oneself gets a clear error, and makes nothing', async () => {
    const site = startSite();
    const names = Object.keys(personInputs) as PersonFunction[];
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

  it('to the queue, the triggers and the schedule changes nothing and is not retried', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'auto' });
    const before = JSON.stringify(site.state());
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('work', 'on-activity', 'on-personal-space', 'tick'), anyPayload, async (functionKey, payload) => {
        const kind = functionKey === 'work' ? 'consumer' : functionKey === 'tick' ? 'scheduledTrigger' : 'trigger';
        const outcome = await site.platform.runFunction(kind, functionKey, payload);
        expect(outcome).toEqual({ kind: 'ok' });
      }),
      { numRuns: 200 },
    );
    expect(JSON.stringify(site.state())).toBe(before);
  });
});

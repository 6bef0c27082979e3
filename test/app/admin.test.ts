/** The admin page's functions: who may call them, what a bad call gets, and that nothing is lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdminFunction } from '../../src/contract';
import { ADMIN_ACCOUNT_ID, ANA, accountIdOf, admin, adminData, setPolicy, startSite } from '../support/site';

const FUNCTIONS: AdminFunction[] = [
  'policy.get',
  'policy.save',
  'policy.startOver',
  'policy.outlook',
  'templates.list',
  'templates.preview',
  'activity.list',
  'cleanup.state',
  'cleanup.survey',
  'cleanup.rows',
  'cleanup.preview',
  'cleanup.start',
  'cleanup.job',
  'cleanup.cancel',
  'cleanup.restore',
];

describe('who may call', () => {
  it.each(FUNCTIONS)('%s refuses members, guests, deactivated people and anonymous callers', async (name) => {
    const site = startSite();
    const guest = accountIdOf(23);
    const inactive = accountIdOf(17);
    const before = JSON.stringify(site.state());
    for (const accountId of [ANA, guest, inactive]) {
      expect(await admin(site, name, {} as never, accountId)).toEqual({ ok: false, error: { code: 'not-admin', details: {} } });
    }
    expect(await admin(site, name, {} as never, null)).toEqual({ ok: false, error: { code: 'not-signed-in', details: {} } });
    expect(JSON.stringify(site.state())).toBe(before);
  });

  it('does not take the browser at its word', async () => {
    const site = startSite();
    const forged = { accountId: ADMIN_ACCOUNT_ID, accountType: 'licensed', principal: { accountId: ADMIN_ACCOUNT_ID } };
    const answer = await site.platform.invokeResolver('admin', 'policy.get', {}, ANA, forged);
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-admin' } });
  });

  it('refuses when Confluence cannot say who is asking', async () => {
    const site = startSite();
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/user/current', respond: { status: 500 } });
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: false, error: { code: 'confluence-failed' } });
    site.addFault({
      target: 'confluence',
      path: '/wiki/rest/api/user/current',
      respond: { status: 429, headers: { 'Retry-After': '9223372036854775807' } },
    });
    expect(await admin(site, 'policy.get', {})).toMatchObject({ ok: false, error: { code: 'rate-limited', details: { seconds: 3600 } } });
  });
});

describe('a bad payload', () => {
  it('gets a clear error and changes nothing, whatever it is', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const before = JSON.stringify(site.state());
    const writers: AdminFunction[] = [
      'policy.save',
      'templates.preview',
      'cleanup.survey',
      'cleanup.rows',
      'cleanup.preview',
      'cleanup.start',
      'cleanup.cancel',
      'cleanup.restore',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writers), fc.jsonValue({ maxDepth: 3 }), async (name, payload) => {
        const result = await admin(site, name, payload as never);
        expect(result.ok).toBe(false);
        if (!result.ok) expect(['bad-request', 'not-found']).toContain(result.error.code);
      }),
      { numRuns: 150 },
    );
    expect(JSON.stringify(site.state())).toBe(before);
  });

  it('names the path of the mistake', async () => {
    const site = startSite();
    const result = await admin(site, 'policy.save', { policy: { mode: 'sometimes' }, baseVersion: 0 } as never);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'bad-request', details: { problem: expect.stringContaining('policy.mode') } },
    });
  });
});

describe('the policy', () => {
  it('is off until somebody saves one', async () => {
    const site = startSite();
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'unset', version: 0, policy: { mode: 'off' } });
  });

  it('gives one of two admins who save at once a conflict that names the other', async () => {
    const site = startSite();
    const policy = { schemaVersion: 1 as const, mode: 'ask' as const, template: { kind: 'builtin' as const } };
    const [first, second] = await Promise.all([
      admin(site, 'policy.save', { policy, baseVersion: 0 }),
      admin(site, 'policy.save', { policy: { ...policy, mode: 'auto' }, baseVersion: 0 }),
    ]);
    expect([first.ok, second.ok].sort()).toEqual([false, true]);
    const lost = first.ok ? second : first;
    expect(lost).toMatchObject({ error: { code: 'conflict', details: { version: 1, savedBy: ADMIN_ACCOUNT_ID } } });
    expect((await adminData(site, 'policy.get', {})).version).toBe(1);
  });

  it.each([
    ['an envelope', { nonsense: true }],
    ['a document', { revision: 3, savedBy: 'x', savedAt: 1, document: { schemaVersion: 1, mode: 'everybody' } }],
    ['a newer schema', { revision: 3, savedBy: 'x', savedAt: 1, document: { schemaVersion: 2, mode: 'auto' } }],
  ])('that cannot be read (%s) means off, is shown, and is not overwritten', async (_what, stored) => {
    const site = startSite();
    site.platform.kvs.put('policy', 'site', stored);
    expect(await adminData(site, 'policy.get', {})).toMatchObject({
      kind: 'unreadable',
      policy: { mode: 'off' },
      problem: expect.any(String),
    });
    site.activity({ accountId: ANA, views: 1 });
    await site.advance('PT1M');
    expect(site.state().kvs.entities.person).toEqual({});
    const save = await admin(site, 'policy.save', {
      policy: { schemaVersion: 1, mode: 'auto', template: { kind: 'builtin' } },
      baseVersion: 0,
    });
    expect(save).toMatchObject({ ok: false, error: { code: 'policy-unreadable' } });
    expect(site.state().kvs.entities.policy?.site).toEqual(stored);

    await adminData(site, 'policy.startOver', {});
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'saved', policy: { mode: 'off' } });
    const setAside = Object.entries(site.state().kvs.plain).find(([key]) => key.startsWith('policy-unreadable:'));
    expect(setAside?.[1]).toEqual(stored);
  });

  it('cannot be started over while it can be read', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    expect(await admin(site, 'policy.startOver', {})).toMatchObject({ ok: false });
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ policy: { mode: 'ask' } });
  });
});

describe('templates', () => {
  it('are listed and previewed for the admin who looks', async () => {
    const site = startSite();
    const list = await adminData(site, 'templates.list', {});
    expect(list.map((t) => t.name)).toContain('Personal space home');
    const preview = await adminData(site, 'templates.preview', { template: { kind: 'confluence', templateId: '425985' } });
    expect(preview.body).toContain('Hello, I am Ada Admin');
    expect(preview.unfilled).toEqual(['role']);
    expect(await adminData(site, 'templates.preview', { template: { kind: 'confluence', templateId: '425993' } })).toMatchObject({
      problem: expect.stringContaining('template-broken'),
    });
    expect(await adminData(site, 'templates.preview', { template: { kind: 'confluence', templateId: '1' } })).toMatchObject({
      problem: 'template-missing',
    });
  });
});

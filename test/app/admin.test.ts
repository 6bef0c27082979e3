/** The admin page's functions: who may call them, what a bad call gets, and that nothing is lost. */
import { describe, expect, it } from 'vitest';
import { type AdminFunction, adminInputs } from '../../src/api/contract';
import { DEFAULT_POLICY } from '../../src/domain/policy/document';
import { ADMIN_ACCOUNT_ID, ANA, accountIdOf, admin, adminData, promisesOf, setPolicy, startSite } from '../support/site';

const FUNCTIONS = Object.keys(adminInputs) as AdminFunction[];

describe('who may call', () => {
  it.each(FUNCTIONS)('%s refuses members, guests, deactivated people and anonymous callers', async (name) => {
    const site = startSite();
    const guest = accountIdOf(23);
    const inactive = accountIdOf(17);
    const before = promisesOf(site);
    for (const accountId of [ANA, guest, inactive]) {
      expect(await admin(site, name, {} as never, accountId)).toEqual({ ok: false, error: { code: 'not-admin', details: {} } });
    }
    expect(await admin(site, name, {} as never, null)).toEqual({ ok: false, error: { code: 'not-signed-in', details: {} } });
    expect(promisesOf(site)).toEqual(before);
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
  it('names the path of the mistake', async () => {
    const site = startSite();
    const result = await admin(site, 'policy.save', { policy: { everyoneElse: { mode: 'sometimes' } }, baseVersion: 0 } as never);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'bad-request', details: { problem: expect.stringContaining('policy.everyoneElse.mode') } },
    });
  });
});

describe('the policy', () => {
  it('is off until somebody saves one', async () => {
    const site = startSite();
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'unset', version: 0, policy: { everyoneElse: { mode: 'off' } } });
  });

  it('gives one of two admins who save at once a conflict that names the other', async () => {
    const site = startSite();
    const policy = DEFAULT_POLICY;
    const [first, second] = await Promise.all([
      admin(site, 'policy.save', { policy, baseVersion: 0 }),
      admin(site, 'policy.save', { policy: { ...policy, paused: true }, baseVersion: 0 }),
    ]);
    expect([first.ok, second.ok].sort()).toEqual([false, true]);
    const lost = first.ok ? second : first;
    expect(lost).toMatchObject({ error: { code: 'conflict', details: { version: 1, savedBy: ADMIN_ACCOUNT_ID } } });
    expect((await adminData(site, 'policy.get', {})).version).toBe(1);
  });

  it.each([
    ['an envelope', { nonsense: true }],
    ['a document', { revision: 3, savedBy: 'x', savedAt: 1, document: { schemaVersion: 1, mode: 'everybody' } }],
    ['a newer schema', { revision: 3, savedBy: 'x', savedAt: 1, document: { schemaVersion: 3, paused: false } }],
  ])('that cannot be read (%s) means off, is shown, and is not overwritten', async (_what, stored) => {
    const site = startSite();
    site.platform.kvs.put('policy', 'site', stored);
    expect(await adminData(site, 'policy.get', {})).toMatchObject({
      kind: 'unreadable',
      policy: { everyoneElse: { mode: 'off' } },
      problem: expect.any(String),
    });
    site.activity({ accountId: ANA, views: 1 });
    await site.advance('PT1M');
    expect(site.state().kvs.entities.person).toEqual({});
    const save = await admin(site, 'policy.save', {
      policy: DEFAULT_POLICY,
      baseVersion: 0,
    });
    expect(save).toMatchObject({ ok: false, error: { code: 'policy-unreadable' } });
    expect(site.state().kvs.entities.policy?.site).toEqual(stored);

    await adminData(site, 'policy.startOver', {});
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'saved', policy: { everyoneElse: { mode: 'off' } } });
    const setAside = Object.entries(site.state().kvs.plain).find(([key]) => key.startsWith('policy-unreadable:'));
    expect(setAside?.[1]).toEqual(stored);
  });

  it('cannot be started over while it can be read', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    expect(await admin(site, 'policy.startOver', {})).toMatchObject({ ok: false });
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ policy: { everyoneElse: { mode: 'ask' } } });
  });
});

describe('templates', () => {
  const template = (templateId: string) => ({ key: 'standard', name: 'Standard', homepage: { kind: 'confluence' as const, templateId } });

  it('are listed, and previewed for the admin or for somebody else before anything is saved', async () => {
    const site = startSite();
    const list = await adminData(site, 'templates.list', {});
    expect(list.map((t) => t.name)).toContain('Personal space home');
    const before = promisesOf(site);
    const preview = await adminData(site, 'templates.preview', { template: template('425985') });
    expect(preview.pages[0]).toMatchObject({ body: expect.stringContaining('Hello, I am Ada Admin'), unfilled: ['role'], problem: null });
    const fields = [{ key: 'role', label: 'My role', kind: 'text' as const }];
    const children = [{ title: 'Checklist', source: { kind: 'confluence' as const, templateId: '425989' } }];
    const other = await adminData(site, 'templates.preview', { template: { ...template('425985'), fields, children }, accountId: ANA });
    expect(other.name).toBe('Bo Berg');
    expect(other.pages.map((page) => page.title)).toEqual(["Bo Berg's space", 'Checklist']);
    expect(other.pages[0]?.body).toContain('<th>My role</th>');
    expect(other.pages[1]?.body).toContain('Welcome, Bo Berg');
    for (const [id, problem] of [
      ['425993', 'template-broken'],
      ['1', 'template-missing'],
    ] as const) {
      const { pages } = await adminData(site, 'templates.preview', { template: template(id) });
      expect(pages[0]).toMatchObject({ problem: expect.stringContaining(problem), body: expect.stringContaining('What I work on') });
    }
    expect(promisesOf(site)).toEqual(before);
  });
});

describe('versions of the policy', () => {
  it('tell who saved what, and any of them can be brought back', async () => {
    const site = startSite();
    const second = accountIdOf(4);
    site.changePerson(second, { groups: ['confluence-users-example', 'confluence-admins-example'] });
    await setPolicy(site, { mode: 'ask' });
    const { policy, version } = await adminData(site, 'policy.get', {});
    const changed = {
      ...policy,
      everyoneElse: { ...policy.everyoneElse, mode: 'auto' as const },
      rules: [{ id: 'a', name: 'A', groups: ['g'] }],
    };
    await admin(site, 'policy.save', { policy: changed, baseVersion: version }, second);
    await site.advance('PT5S');
    const { versions } = await adminData(site, 'policy.history', {});
    expect(versions.map((v) => [v.version, v.savedBy])).toEqual([
      [2, second],
      [1, ADMIN_ACCOUNT_ID],
    ]);
    expect(versions[0]?.changes?.map((change) => change.path).sort()).toEqual(['everyoneElse.mode', 'rules.a']);
    expect(versions[1]?.changes).toEqual([{ path: 'everyoneElse.mode', before: 'off', after: 'ask' }]);

    await adminData(site, 'policy.restore', { version: 1, baseVersion: 2 });
    expect((await adminData(site, 'policy.get', {})).policy).toEqual((await adminData(site, 'policy.version', { version: 1 })).policy);
    await site.advance('PT5S');
    expect((await adminData(site, 'policy.history', {})).versions[0]).toMatchObject({ version: 3, restores: 1 });
    expect(await admin(site, 'policy.restore', { version: 1, baseVersion: 2 })).toMatchObject({ ok: false, error: { code: 'conflict' } });
    expect(await admin(site, 'policy.restore', { version: 99, baseVersion: 3 })).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('are read in pages, newest first, none twice', async () => {
    const site = startSite();
    for (let n = 0; n < 23; n += 1) await setPolicy(site, { paused: n % 2 === 0 });
    const numbers: number[] = [];
    for (let before: number | undefined; ; ) {
      const page = await adminData(site, 'policy.history', before === undefined ? {} : { before });
      numbers.push(...page.versions.map((v) => v.version));
      if (page.next === null) break;
      before = page.next;
    }
    expect(numbers).toEqual(Array.from({ length: 23 }, (_, i) => 23 - i));
  });

  it('as text: a mistake is answered with its path, and nothing changes', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const before = promisesOf(site);
    const answer = await adminData(site, 'policy.check', { text: JSON.stringify({ rules: [{ id: 'a', name: 'A', mode: 'never' }] }) });
    expect(answer).toMatchObject({ problems: [{ path: 'rules.0.mode', reason: expect.stringContaining('off') }] });
    expect(await adminData(site, 'policy.check', { text: '{' })).toMatchObject({ problems: [{ path: '' }] });
    const { policy } = await adminData(site, 'policy.get', {});
    expect(await adminData(site, 'policy.check', { text: JSON.stringify(policy) })).toEqual({ policy });
    expect(promisesOf(site)).toEqual(before);
  });
});

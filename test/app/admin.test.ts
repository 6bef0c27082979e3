/** The admin page's functions: who may call them, what a bad call gets, and that no policy is lost. */
import { describe, expect, it } from 'vitest';
import { adminApi } from '../../src/api/admin';
import { DEFAULT_POLICY, MAX_POLICY_BYTES } from '../../src/domain/policy/document';
import {
  ADMIN_ACCOUNT_ID,
  type AdminFunction,
  ANA,
  accountIdOf,
  admin,
  adminData,
  promisesOf,
  setPolicy,
  startSite,
} from '../support/site';

const FUNCTIONS = Object.keys(adminApi) as AdminFunction[];

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

  it('does not depend on what the browser claims', async () => {
    const site = startSite();
    const forged = { accountId: ADMIN_ACCOUNT_ID, accountType: 'licensed', principal: { accountId: ADMIN_ACCOUNT_ID } };
    const answer = await site.platform.invokeResolver('admin', 'policy.get', {}, ANA, forged);
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-admin' } });
  });

  it('is no one when Confluence cannot say who is calling', async () => {
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
  it('is answered with the path of the mistake', async () => {
    const site = startSite();
    const result = await admin(site, 'policy.save', { policy: { everyoneElse: { mode: 'sometimes' } }, baseVersion: 0 } as never);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'bad-request', details: { problem: expect.stringContaining('policy.everyoneElse.mode') } },
    });
  });
});

/** A stored policy at revision 3, with changes. */
function storedPolicy(change: object): object {
  const data = { schemaVersion: 1, savedBy: 'x', savedAt: 1, reason: null, restores: null, document: DEFAULT_POLICY, ...change };
  return { revision: 3, data };
}

describe('the policy', () => {
  it('is off until someone saves one', async () => {
    const site = startSite();
    expect(await adminData(site, 'policy.get', {})).toMatchObject({ kind: 'unset', version: 0, policy: { everyoneElse: { mode: 'off' } } });
  });

  it('saved by two admins at once gives one of them a conflict that names the other', async () => {
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
    ['an envelope of a newer schema', storedPolicy({ schemaVersion: 2 })],
    ['a document', storedPolicy({ document: { schemaVersion: 1, mode: 'everybody' } })],
    ['a document of a newer schema', storedPolicy({ document: { schemaVersion: 3, paused: false } })],
  ])('that cannot be read (%s) counts as off, is reported, and is not overwritten', async (_what, stored) => {
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
    // As it was, but for who saved it.
    expect(setAside?.[1]).toMatchObject('data' in stored ? { ...stored, data: { savedBy: 'unknown' } } : stored);
  });

  it('that cannot be read is started over by one of two admins, and the other one gets an error', async () => {
    const site = startSite();
    site.platform.kvs.put('policy', 'site', storedPolicy({ document: null }));
    const answers = await Promise.all([admin(site, 'policy.startOver', {}), admin(site, 'policy.startOver', {})]);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(answers.find((answer) => !answer.ok)).toMatchObject({ error: { code: 'conflict' } });
  });

  it.each([
    ['has lost its number', { nonsense: true }],
    ['has an older number', { revision: 1, nonsense: true }],
  ])('that %s is started over as a new version, and no version is lost', async (_what, stored) => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    await setPolicy(site, { mode: 'auto' });
    const before = site.state().kvs.entities;
    site.platform.kvs.put('policy', 'site', stored);
    expect(await adminData(site, 'policy.startOver', {})).toMatchObject({ version: 3, policy: { everyoneElse: { mode: 'off' } } });
    const after = site.state().kvs.entities;
    expect(after.policy).toMatchObject({ 'version:1': before.policy?.['version:1'], 'version:2': before.policy?.['version:2'] });
    expect(after.audit).toMatchObject(before.audit ?? {});
    await setPolicy(site, { mode: 'ask' });
    await site.advance('PT5S');
    expect((await adminData(site, 'policy.history', {})).versions.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
  });

  it('is saved under an unused version number, even if the record of the newest version was lost', async () => {
    const site = startSite();
    await setPolicy(site, { mode: 'ask' });
    const first = site.state().kvs.entities.policy?.['version:1'];
    site.platform.kvs.put('policy', 'site', undefined);
    expect(await adminData(site, 'policy.save', { policy: DEFAULT_POLICY, baseVersion: 0 })).toMatchObject({ version: 2 });
    expect(site.state().kvs.entities.policy?.['version:1']).toEqual(first);
  });

  it('that has too many bytes is refused with a reason, both when checking its text and when saving', async () => {
    const site = startSite();
    const fields = Array.from({ length: 30 }, (_, n) => ({
      key: `f${n}`,
      label: `F${n}`,
      kind: 'text' as const,
      help: '\u898f'.repeat(190),
    }));
    const templates = Array.from({ length: 20 }, (_, n) => ({ key: n === 0 ? 'standard' : `t${n}`, name: `T${n}`, fields }));
    const problem = expect.stringMatching(/too-large: 3\d{5}/);
    expect(await adminData(site, 'policy.check', { text: JSON.stringify({ templates }) })).toEqual({
      problems: [{ path: '', reason: problem, code: 'too-large', values: { bytes: expect.any(Number), max: 230_000 } }],
    });
    const save = await admin(site, 'policy.save', { policy: { templates }, baseVersion: 0 });
    expect(save).toMatchObject({ ok: false, error: { code: 'bad-request', details: { problem } } });
  });

  it('of the maximum size is saved, even with the longest reason', async () => {
    const site = startSite();
    const size = (policy: object): number => Buffer.byteLength(JSON.stringify(policy));
    const rules = Array.from({ length: 200 }, (_, n) => ({
      ...DEFAULT_POLICY.everyoneElse,
      id: `r${n}`,
      name: `R${n}`,
      exceptGroups: [],
      groups: [] as string[],
    }));
    const policy = { ...DEFAULT_POLICY, rules };
    for (const rule of rules) {
      const room = Math.min(50, Math.floor((MAX_POLICY_BYTES - size(policy)) / 40));
      rule.groups = Array.from({ length: room }, (_, n) => String(n).padStart(37, '0'));
    }
    expect(size(policy)).toBeGreaterThan(MAX_POLICY_BYTES - 100);
    const reason = '\u{1f600}'.repeat(150);
    expect(await adminData(site, 'policy.save', { policy, baseVersion: 0, reason })).toMatchObject({ version: 1 });
  });

  it('records why it was changed, in the version and in the trail', async () => {
    const site = startSite();
    const reason = 'The pilot went well';
    await adminData(site, 'policy.save', { policy: DEFAULT_POLICY, baseVersion: 0, reason });
    await setPolicy(site, { mode: 'ask' });
    await site.advance('PT5S');
    const { versions } = await adminData(site, 'policy.history', {});
    expect(versions.map((version) => version.reason)).toEqual([null, reason]);
    expect(JSON.stringify(site.state().kvs.entities.event)).toContain(reason);
    const tooLong = await admin(site, 'policy.save', { policy: DEFAULT_POLICY, baseVersion: 2, reason: 'x'.repeat(301) });
    expect(tooLong).toMatchObject({ ok: false, error: { code: 'bad-request' } });
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

  it('are listed, and can be previewed for the admin or for someone else before anything is saved', async () => {
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
  it('show who saved what, and any of them can be restored', async () => {
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

  it('are listed in pages, newest first, none of them twice', async () => {
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

  it('can be checked as text: a mistake is answered with its path, and nothing changes', async () => {
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

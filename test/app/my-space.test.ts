/** What people do for themselves: create or decline a space, fill in details, choose who can see it, read what is stored. */
import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/domain/policy/document';
import type { LocalSite } from '../emulator/site';
import {
  ANA,
  accountIdOf,
  adminData,
  letIn,
  OWNER,
  person,
  personalSpacesOf,
  personData,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startAlone,
} from '../support/site';

const FIELDS: Field[] = [
  { key: 'role', label: 'My role', kind: 'text', required: true, help: '' },
  { key: 'office', label: 'Office', kind: 'select', required: false, help: '', options: ['Lisbon', 'Oslo'] },
  { key: 'since', label: 'Here since', kind: 'date', required: false, help: '' },
];
const homeOf = (site: LocalSite, accountId = ANA) => personalSpacesOf(site, accountId)[0]?.pages.find((page) => page.isHomepage);

function pageWith(site: LocalSite, text: string) {
  const page = [...site.confluence.state.content.values()].find((item) => item.body.includes(text));
  if (!page) throw new Error(`no page says ${text}`);
  return page;
}

describe('self-service', () => {
  it('creates a space at a click where the rule allows it, and nothing on its own', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'off', selfService: true });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect((await personData(site, 'me.get', ANA)).can).toEqual({ create: true, decline: false, undo: false, fill: false });
    expect(await personData(site, 'me.create', ANA)).toMatchObject({ kind: 'ready', access: 'private' });
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect((await site.notices.load(ANA)).flags).toEqual([]);
  });

  it('can be forbidden by a rule', async () => {
    const site = startAlone();
    const sales = site.confluence.state.groupsByName.get('sales')?.id ?? '';
    const rule = {
      id: 's',
      name: 'Sales',
      groups: [sales],
      exceptGroups: [],
      mode: 'off' as const,
      selfService: false,
      template: 'standard',
      access: 'private' as const,
    };
    await setPolicy(site, { mode: 'off', selfService: true, rules: [rule] });
    const member = accountIdOf(1);
    expect(site.personJson(site.person(member)).groups).toContain('sales');
    const view = await personData(site, 'me.get', member);
    expect(view.can.create).toBe(false);
    expect(view.explanation.matched).toMatchObject({ name: 'Sales', mode: 'off' });
    expect(await personData(site, 'me.create', member)).toMatchObject({ kind: 'refused', reason: 'self-service-off' });
    expect(personalSpacesOf(site, member)).toEqual([]);
  });

  it('lets a person decline, and undo it', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    const declined = await personData(site, 'me.decline', ANA);
    expect(declined).toMatchObject({ record: { state: 'declined', by: ANA }, can: { create: false, undo: true } });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect(await personData(site, 'me.undo', ANA)).toMatchObject({ can: { create: true, undo: false } });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(await person(site, 'me.decline', ANA)).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('explains to the person exactly what it explains to the admin', async () => {
    const site = startAlone();
    const engineering = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    const rule = {
      id: 'e',
      name: 'Engineers',
      groups: [engineering],
      exceptGroups: [],
      mode: 'auto' as const,
      selfService: false,
      template: 'standard',
      access: 'private' as const,
    };
    await setPolicy(site, { mode: 'off', rules: [rule] });
    for (const n of [1, 2, 3, 5, 9]) {
      const accountId = accountIdOf(n);
      const { explanation } = await personData(site, 'me.get', accountId);
      const seen = await adminData(site, 'people.explain', { accountId });
      if (seen.action === 'look-up') continue;
      // The admin asks a moment after the person.
      const minute = (at: number | null): number | null => at && Math.round(at / 60_000);
      expect({ ...explanation, until: minute(explanation.until) }).toEqual({ ...seen, until: minute(seen.until) });
    }
    const outsider = await adminData(site, 'people.explain', { accountId: ANA });
    expect(outsider).toMatchObject({
      action: 'exclude',
      reason: 'rule-off',
      rules: [{ id: 'e', verdict: 'not-in-groups' }],
      matched: { isEveryoneElse: true },
    });
  });
});

describe('details', () => {
  it('are saved to a table on the homepage and to a space property, and not at all if one is invalid', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    expect(homeOf(site)?.body).toContain('<ac:structured-macro ac:name="details"');
    expect(await personData(site, 'me.details', ANA)).toEqual({ fields: FIELDS, values: {} });
    const wrong = await personData(site, 'me.saveDetails', ANA, { values: { office: 'Paris' } });
    expect(wrong).toEqual({ problems: { role: 'required', office: 'not-an-option' }, homepage: null });
    const values = { role: 'Engineer <3', office: 'Oslo', since: '2020-02-29' };
    expect(await personData(site, 'me.saveDetails', ANA, { values })).toEqual({ problems: {}, homepage: 'written' });
    const body = homeOf(site)?.body ?? '';
    expect(body).toContain('<th>My role</th><td>Engineer &lt;3</td>');
    expect(body).toContain('<time datetime="2020-02-29" />');
    expect(body.match(/ac:name="details"/g)).toHaveLength(1);
    expect(Object.values(site.state().spaceProperties)).toEqual([{ 'homestead-details': { values } }]);
    await site.advance('PT3S');
    expect(await personData(site, 'me.details', ANA)).toMatchObject({ values });
    expect(promiseOf(site, ANA)).toMatchObject({ lacksDetails: false });
  });

  it('lose nothing when someone else saves the homepage at the same moment', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    let times = 0;
    site.platform.beforeCall = (_invocation, call) => {
      if (!call.includes('PUT /wiki/api/v2/pages/') || times === 2) return;
      times += 1;
      const page = site.confluence.state.content.get(Number(call.split('/').at(-1)));
      if (!page) throw new Error('no page');
      page.body += `<p>Line ${times}</p>`;
      site.confluence.state.addVersion(page, { authorId: ANA, at: site.clock.now(), message: '' });
    };
    expect(await personData(site, 'me.saveDetails', ANA, { values: { role: 'Engineer' } })).toMatchObject({ homepage: 'written' });
    expect(times).toBe(2);
    const body = homeOf(site)?.body ?? '';
    for (const part of ['<p>Line 1</p>', '<p>Line 2</p>', 'Engineer', 'Hello, I am']) expect(body).toContain(part);
  });

  it('leave alone what the owner wrote in the table, and update only what has changed', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'Engineer', office: 'Oslo' } });
    const page = [...site.confluence.state.content.values()].find((item) => item.body.includes('<td>Engineer</td>'));
    if (!page) throw new Error('no page');
    await site.advance('PT3S');
    page.body = page.body.replace('<td>Oslo</td></tr>', '<td>Oslo, third floor</td></tr><tr><th>Pet</th><td>Rex</td></tr>');
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'Manager', office: 'Oslo' } });
    for (const part of ['<td>Manager</td>', 'Oslo, third floor', '<th>Pet</th><td>Rex</td>']) expect(page.body).toContain(part);
    expect(page.body).not.toContain('Engineer');
  });

  it('are written again when an earlier save did not reach the page, and say what the page says', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/api/v2/pages/*', respond: { status: 503 } });
    const values = { role: 'Engineer' };
    expect(await person(site, 'me.saveDetails', ANA, { values })).toMatchObject({ ok: false });
    await site.advance('PT3S');
    expect((await personData(site, 'me.details', ANA)).values).toEqual({});
    expect(await personData(site, 'me.saveDetails', ANA, { values })).toEqual({ problems: {}, homepage: 'written' });
    expect(homeOf(site)?.body).toContain('<th>My role</th><td>Engineer</td>');
    // What was kept beside the page is no proof that the page has it.
    const page = pageWith(site, '<td>Engineer</td>');
    page.body = page.body.replace('<td>Engineer</td>', '<td />');
    await site.advance('PT3S');
    expect((await personData(site, 'me.details', ANA)).values).toEqual({});
    expect(await personData(site, 'me.saveDetails', ANA, { values })).toMatchObject({ homepage: 'written' });
    expect(page.body).toContain('<td>Engineer</td>');
  });

  it('write nothing when the page says the same already, whatever its markup', async () => {
    const site = startAlone();
    const label = 'A "quoted" > año';
    await setPolicy(site, { mode: 'auto', fields: [{ key: 'odd', label, kind: 'text', required: false, help: '' }] });
    await readsAPage(site, ANA);
    await personData(site, 'me.saveDetails', ANA, { values: { odd: 'R&D' } });
    const page = pageWith(site, 'R&amp;D');
    page.body = page.body
      .replace('A &quot;quoted&quot; &gt; año', '<p>A "quoted"&nbsp;&#62; a&ntilde;o</p>')
      .replace('<td>R&amp;D</td>', '<td><p>R&#38;D</p></td>');
    const before = page.body;
    await site.advance('PT3S');
    expect(await personData(site, 'me.saveDetails', ANA, { values: { odd: 'R&D' } })).toEqual({ problems: {}, homepage: 'written' });
    expect(page.body).toBe(before);
    await site.advance('PT3S');
    await personData(site, 'me.saveDetails', ANA, { values: { odd: 'Sales' } });
    expect(page.body).toBe(before.replace('<p>R&#38;D</p>', 'Sales'));
  });

  it('never overwrite what the owner wrote into a cell meanwhile, until they have seen it', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'Engineer', office: 'Oslo' } });
    const page = pageWith(site, '<td>Engineer</td>');
    page.body = page.body.replace('<td>Oslo</td>', '<td>Oslo, third floor</td>');
    await site.advance('PT3S');
    const seen = { role: 'Engineer', office: 'Oslo' };
    const values = { role: 'Manager', office: 'Lisbon' };
    const answer = await personData(site, 'me.saveDetails', ANA, { values, seen });
    expect(answer).toEqual({ problems: { office: 'changed-on-page' }, homepage: 'written', onPage: { office: 'Oslo, third floor' } });
    for (const part of ['<td>Manager</td>', '<td>Oslo, third floor</td>']) expect(page.body).toContain(part);
    await site.advance('PT3S');
    const shown = (await personData(site, 'me.details', ANA)).values;
    expect(shown).toEqual({ role: 'Manager', office: 'Oslo, third floor' });
    // Not one of the options, but their own words, and not to be changed.
    expect(await personData(site, 'me.saveDetails', ANA, { values: { ...shown, role: 'Lead' }, seen: shown })).toMatchObject({
      problems: {},
    });
    expect(page.body).toContain('<td>Oslo, third floor</td>');
    await site.advance('PT3S');
    await personData(site, 'me.saveDetails', ANA, { values: { ...shown, office: 'Lisbon' }, seen: shown });
    expect(page.body).toContain('<td>Lisbon</td>');
  });

  it('leave a link in a cell where it is', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'Engineer' } });
    const page = pageWith(site, '<td>Engineer</td>');
    page.body = page.body.replace('<td>Engineer</td>', '<td><a href="https://example.com">Engineer</a></td>');
    const before = page.body;
    await site.advance('PT3S');
    const answer = await personData(site, 'me.saveDetails', ANA, { values: { role: 'Lead' }, seen: { role: 'Engineer' } });
    expect(answer).toMatchObject({ problems: { role: 'rich-on-page' }, onPage: { role: 'Engineer' } });
    expect(page.body).toBe(before);
  });

  it('are kept when Confluence does not take the page, which is left alone', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/api/v2/pages/*', times: 9, respond: { status: 403 } });
    const values = { role: 'Engineer' };
    expect(await personData(site, 'me.saveDetails', ANA, { values })).toEqual({ problems: {}, homepage: 'left-alone' });
    expect(Object.values(site.state().spaceProperties)).toEqual([{ 'homestead-details': { values } }]);
  });

  it('may hold characters that XML cannot, which are left out', async () => {
    const site = startAlone();
    const fields: Field[] = [{ key: 'role', label: 'My\u0007 role', kind: 'text', required: true, help: '' }];
    await setPolicy(site, { mode: 'auto', fields, children: [{ title: 'Go\vals', source: { kind: 'builtin' } }] });
    site.changePerson(ANA, { displayName: 'Bo\u000b\ufffe Berg\ud800' });
    await readsAPage(site, ANA);
    expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'builtin', problem: null } });
    expect(
      personalSpacesOf(site, ANA)[0]
        ?.pages.map((page) => page.title)
        .sort(),
    ).toEqual(["Bo Berg's space", 'Goals']);
    const values = { role: 'En\u0007gi\uffffneer\udc00' };
    expect(await personData(site, 'me.saveDetails', ANA, { values })).toEqual({ problems: {}, homepage: 'written' });
    expect(homeOf(site)?.body).toContain('<th>My role</th><td>Engineer</td>');
  });

  it('may be named like a property that every object has', async () => {
    const site = startAlone();
    const fields: Field[] = [{ key: 'constructor', label: 'Constructor', kind: 'text', required: true, help: '' }];
    await setPolicy(site, { mode: 'auto', fields });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ lacksDetails: true });
    expect(await personData(site, 'me.saveDetails', ANA, { values: { constructor: 'x' } })).toMatchObject({ homepage: 'written' });
  });

  it('leave alone a homepage that cannot be parsed, and keep the values', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    const page = [...site.confluence.state.content.values()].find((item) => item.body.includes('Hello, I am Bo'));
    if (page) page.body = '<p>broken';
    expect(await personData(site, 'me.saveDetails', ANA, { values: { role: 'x' } })).toEqual({ problems: {}, homepage: 'left-alone' });
    expect(page?.body).toBe('<p>broken');
    await site.advance('PT3S');
    expect((await personData(site, 'me.details', ANA)).values).toEqual({ role: 'x' });
  });

  it('that are required are asked for once more, in a separate notice', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    const first = await site.notices.load(ANA);
    expect(first.flags[0]?.actions).toEqual(['Go to my space', 'Fill in details', 'Not now']);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Not now' });
    await readsAPage(site, ANA);
    expect((await site.notices.load(ANA)).flags).toEqual([]);
    await site.advance('P4D');
    await readsAPage(site, ANA);
    const second = await site.notices.load(ANA);
    expect(second.flags[0]?.title).toBe('A few details are missing in your personal space');
    const pressed = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Fill in details' });
    expect(pressed.navigatedTo).toMatchObject({ target: 'module', moduleKey: 'my-space' });
    await site.advance('P30D');
    await readsAPage(site, ANA);
    expect((await site.notices.load(ANA)).flags).toEqual([]);
  });

  it('are not asked for again once they are filled in', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Not now' });
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'x' } });
    await site.advance('P10D');
    await readsAPage(site, ANA);
    expect((await site.notices.load(ANA)).flags).toEqual([]);
  });

  it('of someone who already had a space go to the end of their homepage', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    await readsAPage(site, OWNER);
    expect(recordOf(site, OWNER)).toMatchObject({ state: 'has-space' });
    const before = homeOf(site, OWNER)?.body ?? '';
    await personData(site, 'me.saveDetails', OWNER, { values: { role: 'x' } });
    expect(homeOf(site, OWNER)?.body.startsWith(before)).toBe(true);
    expect(homeOf(site, OWNER)?.body).toContain('<th>My role</th><td>x</td>');
  });
});

describe('who can see it', () => {
  it.each(['ROLES', 'ROLES_TRANSITION'] as const)('is shown to the owner, who can change it on a %s site', async (roleMode) => {
    const site = startAlone({ settings: { roleMode } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(await personData(site, 'me.access', ANA)).toEqual({ readers: 'nobody', canChange: true, app: 'given' });
    expect(await personData(site, 'me.setAccess', ANA, { access: 'licensed' })).toEqual({
      readers: 'licensed',
      canChange: true,
      app: 'given',
    });
    const grant = personalSpacesOf(site, ANA)[0]?.grants.find((g) => g.principalType === 'ACCESS_CLASS');
    expect(grant).toMatchObject({ principalId: 'all-licensed-users' });
    expect(await personData(site, 'me.setAccess', ANA, { access: 'private' })).toEqual({
      readers: 'nobody',
      canChange: true,
      app: 'given',
    });
    expect(letIn(site, ANA)).toHaveLength(1);
  });

  it('does not include the accounts of other apps', async () => {
    const site = startAlone({ settings: { roleMode: 'ROLES' } });
    const app = site.addPerson({ accountType: 'app', displayName: 'Some app' });
    site.createNatively(ANA);
    const space = site.confluence.state.spacesById.get(Number(personalSpacesOf(site, ANA)[0]?.id));
    if (space)
      space.grants = [
        ...space.grants,
        { ...(space.grants[1] as (typeof space.grants)[number]), principalType: 'USER', principalId: app.accountId },
      ];
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' } });
    expect(letIn(site, ANA).map((g) => g.principalType)).toEqual(['USER', 'USER']);
  });

  it('is not called private while classic permissions apply in addition to roles', async () => {
    const site = startAlone({ settings: { roleMode: 'ROLES_TRANSITION' } });
    site.createNatively(ANA);
    const space = site.confluence.state.spacesById.get(Number(personalSpacesOf(site, ANA)[0]?.id));
    const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
    if (space) space.grants = [...space.grants, { principalType: 'GROUP', principalId: group, roleId: null, operations: ['read/space'] }];
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'open' } });
    expect(await personData(site, 'me.access', ANA)).toMatchObject({ readers: 'groups' });
  });

  it('cannot be changed where apps are not allowed to, and the page says so', async () => {
    const site = startAlone({ settings: { roleMode: 'PRE_ROLES' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(await personData(site, 'me.access', ANA)).toEqual({ readers: 'nobody', canChange: false, app: 'given' });
    expect(await person(site, 'me.setAccess', ANA, { access: 'licensed' })).toMatchObject({ ok: false, error: { code: 'not-changeable' } });
  });
});

describe('access by policy', () => {
  it.each([
    ['private', 'ROLES', 'private', 1],
    ['licensed', 'ROLES', 'licensed', 2],
    ['licensed', 'ROLES_TRANSITION', 'licensed', 2],
    ['licensed', 'PRE_ROLES', 'licensed', 3],
    ['site-default', 'ROLES', 'open', 2],
    ['site-default', 'PRE_ROLES', 'open', 2],
  ] as const)('%s on a %s site results in a space that is %s', async (access, roleMode, expected, grants) => {
    const site = startAlone({ settings: { roleMode } });
    await setPolicy(site, { mode: 'auto', access });
    await readsAPage(site, ANA);
    expect(letIn(site, ANA)).toHaveLength(grants);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: expected } });
    const readable = await site.confluence.request(
      { kind: 'person', person: site.person(OWNER), viaApp: false },
      { method: 'GET', url: `/wiki/api/v2/spaces/${personalSpacesOf(site, ANA)[0]?.id}`, headers: new Headers(), body: undefined },
    );
    expect(readable.status).toBe(expected === 'private' ? 404 : 200);
  });

  it.each([
    ['is gone', { status: 404 }],
    ['is refused', { status: 400 }],
    ['fails again and again', { status: 500 }],
    ['is malformed', { status: 200, body: { nonsense: true } }],
  ])('is applied even if the page template %s', async (_what, respond) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', template: { kind: 'confluence', templateId: '425985' } });
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/template/*', times: 9, respond });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'builtin', problem: expect.stringContaining('template-') } });
  });

  it('comes with a caveat where the site cannot apply it to an existing space', async () => {
    const site = startAlone({ settings: { roleMode: 'PRE_ROLES' } });
    site.createNatively(ANA);
    await site.advance('PT1M');
    await setPolicy(site, { mode: 'auto' });
    expect((await personData(site, 'me.get', ANA)).explanation).toMatchObject({ action: 'adopt', caveats: ['access-not-changeable'] });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'open' } });
    expect((await site.notices.load(ANA)).flags[0]?.description).toContain('Everyone who uses Confluence here can see it');
  });
});

describe('pages of a template', () => {
  it("are created once, from their own templates, in the person's language", async () => {
    const site = startAlone();
    const child = (title: string, templateId?: string) => ({
      title,
      source: templateId ? { kind: 'confluence' as const, templateId } : { kind: 'builtin' as const },
    });
    await setPolicy(site, { mode: 'auto', children: [child('Goals'), child('Checklist', '425989'), child('Broken', '425993')] });
    site.changePerson(ANA, { locale: 'es_ES' });
    await readsAPage(site, ANA);
    const pages = personalSpacesOf(site, ANA)[0]?.pages ?? [];
    expect(pages.map((page) => page.title).sort()).toEqual(['Broken', 'Checklist', 'Espacio de Bo Berg', 'Goals']);
    expect(homeOf(site)?.body).toContain('Hola, soy Bo Berg');
    expect(pages.find((page) => page.title === 'Checklist')?.body).toContain('Welcome, Bo Berg');
    expect(pages.find((page) => page.title === 'Broken')?.body).toContain('Empieza a escribir aquí');
    expect(promiseOf(site, ANA)).toMatchObject({ template: { problem: expect.stringContaining('template-broken') } });
  });
});

describe('notices', () => {
  it('are in Spanish for people who use Spanish', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    site.changePerson(ANA, { locale: 'es_MX' });
    await readsAPage(site, ANA);
    const { flags } = await site.notices.load(ANA);
    expect(flags[0]).toMatchObject({ title: '¿Quieres un espacio personal?', actions: ['Crear mi espacio', 'Ahora no', 'No, gracias'] });
  });

  it('cost nothing over 10,000 page views by people who have none', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    for (let n = 1; n < 60; n += 1) await readsAPage(site, accountIdOf(n), 'PT0S').catch(() => {});
    await site.advance('PT5M');
    const people = [];
    for (let n = 1; n < 60; n += 1) {
      const accountId = accountIdOf(n);
      await person(site, 'notice.dismiss', accountId);
      people.push(accountId);
    }
    site.resetUsage();
    for (let view = 0; view < 10_000; view += 1) await site.notices.load(people[view % people.length] as string);
    expect(site.usage().frontend.requests).toBe(0);
    expect(Object.keys(site.usage().invocations).filter((id) => id.startsWith('resolver'))).toEqual([]);
  });
});

describe('privacy', () => {
  it('shows the caller everything stored about them, and nothing about anyone else', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', fields: FIELDS });
    expect(await personData(site, 'me.data', ANA)).toEqual({
      ...{ record: null, reason: null, space: null, notices: [], waiting: null, trail: [], hasOlder: false },
      ...{ administratorSince: null, details: {}, hasNoticeFlag: false, directory: { person: null, groups: [], spaces: [] } },
    });
    await readsAPage(site, ANA);
    await personData(site, 'me.saveDetails', ANA, { values: { role: 'x' } });
    await site.advance('PT3S');
    const data = await personData(site, 'me.data', ANA);
    expect(data.record).toMatchObject({ accountId: ANA, state: 'ready', spaceId: personalSpacesOf(site, ANA)[0]?.id });
    expect(data).toMatchObject({
      space: { ownerId: ANA, access: { actual: 'private' } },
      notices: [{ kind: 'ready', state: 'raised' }],
      trail: [{ body: { kind: 'provisioned' }, accountId: ANA }],
      details: { role: 'x' },
      hasNoticeFlag: true,
    });
    // Every stored entry that names the caller is among what they see.
    const named = Object.values(site.state().kvs.entities.event ?? {}).filter((entry) => JSON.stringify(entry).includes(ANA));
    expect(data.trail).toHaveLength(named.length);
  });
});

/** What Confluence refuses, what the local site does not model, and that the two are kept apart. */
import { describe, expect, it } from 'vitest';
import { APP_ACCOUNT_ID, ROLES } from '../emulator/confluence/state';
import { APP, type ConfluenceUnderTest, startConfluence } from '../support/confluence';
import { ADMIN_ACCOUNT_ID, ANA, OWNER } from '../support/site';

const rows = <T = Record<string, unknown>>(answer: { body: unknown }): T[] => (answer.body as { results: T[] }).results;

const newPage = (t: ConfluenceUnderTest, title: string, body: unknown) => ({ spaceId: String(t.personalSpace(OWNER).id), title, body });
const storage = (value: string) => ({ representation: 'storage', value });

describe('a body in storage format', () => {
  it.each([
    '',
    '<p>Fish &amp; chips&nbsp;&mdash; caf&eacute; &#8364;</p>',
    '<ac:structured-macro ac:name="info"><ac:rich-text-body><p>Hi</p></ac:rich-text-body></ac:structured-macro>',
    '<p><ac:link><ri:user ri:account-id="712020:1" /></ac:link><at:var at:name="x" /></p><p>Two roots</p>',
    '<ac:plain-text-body><![CDATA[a < b && c]]></ac:plain-text-body>',
  ])('is accepted if it is well-formed: %j', async (value) => {
    const t = startConfluence();
    const answer = await t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/pages', newPage(t, 'New', storage(value)));
    expect(answer).toMatchObject({ status: 200, body: { body: { storage: { value } } } });
  });

  it.each(['<p>open', '<p><b>crossed</p></b>', '<br>', '<p>&madeup;</p>', 'a & b', '<p title=bare>x</p>', '<foo:bar />', '</p>'])(
    'is refused if it is not: %j',
    async (value) => {
      const t = startConfluence();
      const { homepageId } = t.personalSpace(OWNER);
      const before = structuredClone(t.site.state.content.get(homepageId ?? 0));
      const number = (before?.versions.length ?? 0) + 1;
      const update = { id: String(homepageId), status: 'current', title: 'Changed', body: storage(value), version: { number } };
      for (const answer of [
        await t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/pages', newPage(t, 'New', storage(value))),
        await t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/blogposts', newPage(t, 'New', storage(value))),
        await t.ask(t.token(OWNER), 'PUT', `/wiki/api/v2/pages/${homepageId}`, update),
      ]) {
        expect(answer).toMatchObject({ status: 400, body: { errors: [{ detail: expect.stringMatching(/^Error parsing xhtml: /) }] } });
      }
      expect(t.site.state.content.get(homepageId ?? 0)).toEqual(before);
      expect(t.events).toEqual([]);
    },
  );

  it('has one representation, which must be named', async () => {
    const t = startConfluence();
    const make = (body: unknown) => t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/pages', newPage(t, 'New', body));
    expect((await make({ value: '<p />' })).status).toBe(400);
    expect((await make({ representation: 'markdown', value: 'x' })).status).toBe(400);
    expect((await make({ storage: { value: '<p />' }, wiki: { value: 'x' } })).status).toBe(400);
    expect((await make({ storage: { value: '<p />', representation: 'storage' } })).status).toBe(200);
    for (const body of [{ representation: 'wiki', value: 'x' }, { atlas_doc_format: { value: '{}' } }]) {
      expect(await t.notModelled(t.token(OWNER), 'POST', '/wiki/api/v2/pages', newPage(t, 'Other', body))).toMatch(/wiki|atlas_doc_format/);
    }
  });
});

describe('values that the documents forbid', () => {
  it.each([
    '/wiki/api/v2/spaces?sort=created',
    '/wiki/api/v2/spaces?type=team',
    '/wiki/api/v2/spaces?status=deleted',
    '/wiki/api/v2/spaces?ids=one',
    '/wiki/api/v2/pages?status=lost',
    '/wiki/api/v2/pages?body-format=markdown',
    '/wiki/api/v2/pages?space-id=HELLO',
    '/wiki/api/v2/blogposts?sort=title',
    '/wiki/api/v2/spaces/OWN/pages?depth=2',
    '/wiki/api/v2/spaces/OWN?include-operations=yes',
    '/wiki/api/v2/spaces/OWN/role-assignments?role-type=OTHER',
    '/wiki/api/v2/spaces/OWN/role-assignments?principal-type=USER',
    '/wiki/api/v2/space-roles?role-type=OTHER',
    '/wiki/rest/api/group?accessType=owner',
    '/wiki/rest/api/user/current?expand=operations,shoes',
    '/wiki/rest/api/user/bulk',
    '/wiki/rest/api/user',
    '/wiki/rest/api/user/memberof',
    '/wiki/rest/api/search',
    '/wiki/rest/api/search?cql=type=page&excerpt=long',
    '/wiki/rest/api/search?cql=type=page&includeArchivedSpaces=1',
    '/wiki/rest/api/search/user?cql=name=Ana',
    '/wiki/rest/api/search/user?cql=type=user&sitePermissionTypeFilter=guests',
    '/wiki/rest/api/template/page?expand=icon',
    '/wiki/rest/api/space/HELLO/label?prefix=mine',
  ])('are refused with 400: %s', async (url) => {
    const t = startConfluence();
    const answer = await t.ask(t.token(OWNER), 'GET', url.replace('OWN', String(t.personalSpace(OWNER).id)));
    expect(answer.status).toBe(400);
    expect(answer.body).toHaveProperty(url.includes('/api/v2/') ? 'errors' : 'message');
  });
});

describe('what is documented but not modeled', () => {
  it.each([
    ['GET', '/wiki/api/v2/spaces?favorited-by=712020:1'],
    ['GET', '/wiki/api/v2/spaces/OWN?include-permissions=true'],
    ['GET', '/wiki/api/v2/pages?body-format=atlas_doc_format'],
    ['GET', '/wiki/api/v2/pages?status=deleted'],
    ['GET', '/wiki/api/v2/pages/HOME?body-format=view'],
    ['GET', '/wiki/rest/api/group?accessType=site-admin'],
    ['GET', '/wiki/rest/api/search?cql=type=page&expand=content.space'],
    ['GET', '/wiki/rest/api/search?cql=type=page&excerpt=highlight_unescaped'],
    ['GET', '/wiki/rest/api/search/user?cql=user%20in%20(%221%22)'],
    ['GET', '/wiki/rest/api/space/HELLO/label?prefix=global'],
    ['DELETE', '/wiki/rest/api/space/HELLO/label?name=x'],
    ['POST', '/wiki/rest/api/space/HELLO/label', [{ prefix: 'my', name: 'x' }]],
    ['POST', '/wiki/api/v2/pages', { spaceId: '1', title: 'Live', subtype: 'live' }],
    ['POST', '/wiki/api/v2/spaces', { name: 'X', key: 'X', templateKey: 'blank' }],
    ['POST', '/wiki/rest/api/space', { name: 'X', key: 'X', color: 'red' }],
    ['PUT', '/wiki/rest/api/space/OWNKEY', { type: 'global' }],
    ['PUT', '/wiki/rest/api/space/OWNKEY', { homepage: { id: '1', expand: true } }],
  ])('is answered with 501: %s %s', async (method, url, body?: unknown) => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    const path = url.replace('OWNKEY', space.key).replace('OWN', String(space.id)).replace('HOME', String(space.homepageId));
    expect(await t.notModelled(t.token(OWNER), method, path, body)).toMatch(/^not modelled: /);
  });

  it.each(['text ~ "x"', 'label = "a"', 'mention = currentUser()', 'watcher = currentUser()', 'ancestor = 1', 'space.type = personal'])(
    'is answered with 501 when it is a CQL field: %s',
    async (cql) => {
      const t = startConfluence();
      expect(await t.notModelled(APP, 'GET', `/wiki/rest/api/search?cql=${encodeURIComponent(cql)}`)).toContain('CQL field');
    },
  );

  it.each([
    'space = currentSpace()',
    'lastmodified > endOfMonth()',
    'title ~ "wild*"',
    'type = page order by space.title',
    'type = page and title = "a" or title = "b"',
  ])('is answered with 501 when it is other CQL syntax: %s', async (cql) => {
    const t = startConfluence();
    expect(await t.notModelled(APP, 'GET', `/wiki/rest/api/search?cql=${encodeURIComponent(cql)}`)).toMatch(/CQL/);
  });
});

describe('role assignments', () => {
  const viewer = ROLES[3]?.id;
  it.each([
    ['USER', 'nobody'],
    ['GROUP', 'nobody'],
    ['ACCESS_CLASS', 'everybody'],
  ])('refuse an unknown %s and change nothing', async (principalType, principalId) => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    const { grants } = space;
    const known = { principal: { principalType: 'USER', principalId: ANA }, roleId: viewer };
    const unknown = { principal: { principalType, principalId }, roleId: viewer };
    const answer = await t.ask(t.token(OWNER), 'POST', `/wiki/api/v2/spaces/${space.id}/role-assignments`, [known, unknown]);
    expect(answer.status).toBe(400);
    expect(space.grants).toBe(grants);
  });

  it('are filtered by role type, and roles by a space the caller can see', async () => {
    const t = startConfluence();
    const { id } = t.personalSpace(OWNER);
    const path = `/wiki/api/v2/spaces/${id}/role-assignments`;
    expect(rows(await t.ask(APP, 'GET', `${path}?role-type=CUSTOM`))).toEqual([]);
    expect(rows(await t.ask(APP, 'GET', `${path}?principal-type=USER&principal-id=${OWNER}`))).toHaveLength(1);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/space-roles?space-id=${id}`))).toHaveLength(4);
    expect((await t.ask(APP, 'GET', '/wiki/api/v2/space-roles?space-id=1')).status).toBe(404);
  });
});

describe('a refused change', () => {
  it('leaves a page as it was, including its owner', async () => {
    const t = startConfluence();
    const { id, homepageId } = t.personalSpace(OWNER);
    const home = t.site.state.content.get(homepageId ?? 0);
    const before = structuredClone(home);
    const number = (home?.versions.length ?? 0) + 1;
    const update = { id: String(homepageId), status: 'current', title: 'New', ownerId: ANA, body: storage('<p />'), version: { number } };
    const put = (change: object) => t.ask(t.token(OWNER), 'PUT', `/wiki/api/v2/pages/${homepageId}`, { ...update, ...change });
    expect((await put({ body: storage('<p>') })).status).toBe(400);
    expect((await put({ ownerId: 'nobody' })).status).toBe(400);
    expect((await put({ spaceId: '1' })).status).toBe(400);
    expect((await put({ version: { number: 99 } })).status).toBe(409);
    expect(home).toEqual(before);
    expect(await put({ spaceId: String(id) })).toMatchObject({ status: 200, body: { ownerId: ANA, title: 'New' } });
  });

  it('leaves a space as it was, including its name', async () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    const before = { ...space };
    const put = (change: object) => t.ask(t.token(OWNER), 'PUT', `/wiki/rest/api/space/${space.key}`, { name: 'New', ...change });
    const elsewhere = t.site.state.spacesByKey.get('HELLO')?.homepageId;
    expect((await put({ homepage: { id: String(elsewhere) } })).status).toBe(404);
    expect((await put({ status: 'trashed' })).status).toBe(400);
    expect(space).toEqual(before);
    expect(t.events).toEqual([]);
  });

  it('creates no space with permissions for people who do not exist', async () => {
    const t = startConfluence();
    const permission = (subjects: object) => ({
      name: 'X',
      key: 'X',
      permissions: [{ subjects, operation: { operation: 'read', targetType: 'space' }, anonymousAccess: false, unlicensedAccess: false }],
    });
    for (const subjects of [{ user: { results: [{ accountId: 'nobody' }] } }, { group: { results: [{ id: 'nobody' }] } }]) {
      expect((await t.ask(t.token(ANA), 'POST', '/wiki/rest/api/space', permission(subjects))).status).toBe(400);
    }
    expect(t.site.state.spacesByKey.has('X')).toBe(false);
  });
});

describe('a homepage that is deleted', () => {
  it.each([false, true])('leaves the space without one, and everything else still works (purged: %s)', async (isPurged) => {
    const t = startConfluence({ listLag: 'PT0S' });
    const { id, key, homepageId } = t.personalSpace(OWNER);
    const owner = t.token(OWNER);
    expect((await t.ask(owner, 'DELETE', `/wiki/api/v2/pages/${homepageId}`)).status).toBe(204);
    if (isPurged) expect((await t.ask(owner, 'DELETE', `/wiki/api/v2/pages/${homepageId}?purge=true`)).status).toBe(204);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).body).toMatchObject({ homepageId: null });
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${id}`))).toMatchObject([{ homepageId: null }]);
    const classic = await t.ask(owner, 'PUT', `/wiki/rest/api/space/${key}`, { name: 'Bare' });
    expect(JSON.stringify(classic.body)).not.toContain('null');
    expect((await t.ask(owner, 'POST', '/wiki/api/v2/pages', newPage(t, 'Start', storage('')))).body).toMatchObject({ parentId: null });
    expect((await t.ask(APP, 'GET', `/wiki/rest/api/search?cql=${encodeURIComponent(`space = "${key}"`)}`)).status).toBe(200);
    if (isPurged) return;
    // The page is restored, but not as the homepage.
    const number = (t.site.state.content.get(homepageId ?? 0)?.versions.length ?? 0) + 1;
    const restore = { id: String(homepageId), status: 'current', title: 'Overview', body: storage(''), version: { number } };
    expect((await t.ask(owner, 'PUT', `/wiki/api/v2/pages/${homepageId}`, restore)).body).toMatchObject({ status: 'current' });
    expect(t.events.at(-1)).toMatchObject({ eventType: 'avi:confluence:restored:page' });
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).body).toMatchObject({ homepageId: null });
  });
});

describe('user properties', () => {
  it('are one store for the app, as itself and on behalf of people, and another for API tokens', async () => {
    const t = startConfluence();
    const path = `/wiki/rest/api/user/${ANA}/property/seen`;
    expect((await t.ask(APP, 'POST', path, { value: { by: 'app' } })).status).toBe(201);
    expect((await t.ask(t.throughApp(ANA), 'GET', path)).body).toMatchObject({ value: { by: 'app' } });
    expect((await t.ask(t.token(ANA), 'GET', path)).status).toBe(404);
    expect((await t.ask(t.token(ANA), 'POST', path, { value: { by: 'token' } })).status).toBe(201);
    expect((await t.ask(t.token(ANA), 'DELETE', path)).status).toBe(204);
    expect((await t.ask(APP, 'GET', path)).body).toMatchObject({ value: { by: 'app' } });
  });
});

describe('people and search', () => {
  it('know app accounts by id, but do not list them as people', async () => {
    const t = startConfluence();
    const bulk = await t.ask(APP, 'POST', '/wiki/api/v2/users-bulk', { accountIds: [APP_ACCOUNT_ID] });
    expect(rows(bulk)).toMatchObject([{ accountType: 'app', personalSpaceId: null }]);
    expect(t.site.state.people.has(APP_ACCOUNT_ID)).toBe(false);
  });

  it('page through a search for people by start', async () => {
    const t = startConfluence();
    const first = await t.ask(APP, 'GET', '/wiki/rest/api/search/user?cql=type=user&limit=10');
    const next = (first.body as { _links: { next: string } })._links.next;
    const second = await t.ask(APP, 'GET', `/wiki${next}`);
    const names = [first, second].flatMap((page) => rows<{ title: string }>(page).map((row) => row.title));
    expect(new Set(names).size).toBe(20);
  });

  it('give the beginning of the text as the excerpt of a hit, unless told not to', async () => {
    const t = startConfluence();
    const find = (query: string) => t.ask(APP, 'GET', `/wiki/rest/api/search?cql=${encodeURIComponent('title = "Welcome"')}${query}`);
    expect(rows(await find(''))).toMatchObject([{ excerpt: expect.stringMatching(/^Everything you need in your first weeks: [^<]+$/) }]);
    expect(rows(await find('&excerpt=none'))).toMatchObject([{ excerpt: '' }]);
  });

  it('find titles that contain a word, and titles that do not', async () => {
    const t = startConfluence();
    const titles = async (cql: string) =>
      rows<{ title: string }>(await t.ask(APP, 'GET', `/wiki/rest/api/search?limit=100&cql=${encodeURIComponent(cql)}`)).map(
        (h) => h.title,
      );
    expect(await titles('space = "HELLO" and title ~ "calendar"')).toEqual(['Holiday calendar']);
    expect(await titles('space = "HELLO" and title !~ "calendar"')).not.toContain('Holiday calendar');
  });
});

describe('app properties', () => {
  it('are listed page by page with a Link header', async () => {
    const t = startConfluence();
    for (const key of ['a', 'b', 'c']) await t.ask(APP, 'PUT', `/wiki/api/v2/app/properties/${key}`, { on: true });
    const page = await t.ask(APP, 'GET', '/wiki/api/v2/app/properties?limit=2');
    expect(rows(page)).toHaveLength(2);
    expect(page.headers?.link).toContain('rel="next"');
  });
});

describe('watches', () => {
  it('are refused for a person who does not exist', async () => {
    const t = startConfluence();
    const url = '/wiki/rest/api/user/watch/space/HELLO?accountId=nobody';
    expect((await t.ask(t.token(ADMIN_ACCOUNT_ID), 'GET', url)).status).toBe(404);
  });
});

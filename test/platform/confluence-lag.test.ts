/** What Confluence shows late, and the behavior that its documentation leaves open: each setting, both ways. */
import { describe, expect, it } from 'vitest';
import type { Caller } from '../emulator/confluence/access';
import { APP_ACCOUNT_ID, openGrants, personalSpaceKey, privateGrants, ROLES } from '../emulator/confluence/state';
import { APP, type ConfluenceUnderTest, startConfluence } from '../support/confluence';
import { ADMIN_ACCOUNT_ID, ANA, accountIdOf, OWNER } from '../support/site';

const rows = <T = Record<string, unknown>>(answer: { body: unknown }): T[] => (answer.body as { results: T[] }).results;
const NO_LAG = { listLag: 'PT0S', cqlLag: 'PT0S', userLag: 'PT0S', groupLag: 'PT0S' };

const createAna = (t: ConfluenceUnderTest, body: object = {}, caller: Caller = t.token(ANA)) =>
  t.ask(caller, 'POST', '/wiki/rest/api/space/_private', { key: personalSpaceKey(ANA), name: 'Ana', ...body });
const openAna = (t: ConfluenceUnderTest, caller: Caller = t.token(ANA)) =>
  t.ask(caller, 'POST', '/wiki/rest/api/space', { key: personalSpaceKey(ANA), name: 'Ana' });
const update = (t: ConfluenceUnderTest, accountId: string, change: object) =>
  t.ask(t.token(accountId), 'PUT', `/wiki/rest/api/space/${t.personalSpace(accountId).key}`, change);
const editPage = (t: ConfluenceUnderTest, pageId: number | null, title: string, number: number) =>
  t.ask(t.token(OWNER), 'PUT', `/wiki/api/v2/pages/${pageId}`, {
    id: String(pageId),
    status: 'current',
    title,
    body: { representation: 'storage', value: '<p>New.</p>' },
    version: { number },
  });

describe('lists of spaces and pages', () => {
  it('leave out a new space until the lag is over, unlike reads by id', async () => {
    const t = startConfluence({ listLag: 'PT5S' });
    const { id, key } = (await openAna(t)).body as { id: number; key: string };
    const named = async () => {
      const lists = [`ids=${id}`, `keys=${key}`, 'type=personal&status=current&limit=250', 'sort=name&limit=250'].map((query) =>
        t.ask(APP, 'GET', `/wiki/api/v2/spaces?${query}`),
      );
      return (await Promise.all(lists)).map((list) => rows(list).some((space) => space.id === String(id)));
    };
    expect(await named()).toEqual([false, false, false, false]);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(200);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/pages`))).toEqual([]);
    await t.wait('PT4S');
    expect(await named()).toEqual([false, false, false, false]);
    await t.wait('PT1S');
    expect(await named()).toEqual([true, true, true, true]);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/pages`))).toHaveLength(1);
  });

  it('show the old status and the old name of a space, sorted by the old name', async () => {
    const t = startConfluence();
    const { id, name } = t.personalSpace(OWNER);
    await update(t, OWNER, { name: 'Zzz', status: 'archived' });
    const list = async (query: string) => rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?type=personal&limit=250&${query}`));
    const names = (await list('status=current&sort=name')).map((space) => space.name);
    expect(names).toContain(name);
    expect(names).toEqual([...names].sort());
    expect((await list('status=archived')).some((space) => space.id === String(id))).toBe(false);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).body).toMatchObject({ status: 'archived', name: 'Zzz' });
    await t.wait('PT2S');
    expect((await list('status=archived&sort=-name'))[0]).toMatchObject({ id: String(id), name: 'Zzz', status: 'archived' });
  });

  it('still include what was deleted', async () => {
    const t = startConfluence({ listLag: 'PT1M' });
    const space = t.personalSpace(OWNER);
    await t.ask(t.token(OWNER), 'DELETE', `/wiki/rest/api/space/${space.key}`);
    await t.wait('PT4S');
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(404);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${space.id}`))).toMatchObject([{ key: space.key, status: 'current' }]);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/pages?id=${space.homepageId}`))).toMatchObject([{ title: 'Overview' }]);
    await t.wait('PT1M');
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${space.id}`))).toEqual([]);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/pages?id=${space.homepageId}`))).toEqual([]);
  });

  it('show pages with their old title, version and status, and lag just as much for blog posts and properties', async () => {
    const t = startConfluence();
    const { id, homepageId } = t.personalSpace(OWNER);
    const post = await t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/blogposts', { spaceId: String(id), title: 'News' });
    const property = await t.ask(t.token(OWNER), 'POST', `/wiki/api/v2/spaces/${id}/properties`, { key: 'a', value: 1 });
    const titled = async (title: string) =>
      rows<{ version: { number: number } }>(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/pages?title=${title}`));
    const before = await titled('Overview');
    await editPage(t, homepageId, 'Home', (before[0]?.version.number ?? 0) + 1);
    expect(await titled('Overview')).toEqual(before);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/pages/${homepageId}`)).body).toMatchObject({ title: 'Home' });
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/blogposts`))).toEqual([]);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/blogposts/${(post.body as { id: string }).id}`)).status).toBe(200);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/properties`))).toEqual([]);
    const propertyPath = `/wiki/api/v2/spaces/${id}/properties/${(property.body as { id: string }).id}`;
    expect((await t.ask(APP, 'GET', propertyPath)).status).toBe(200);
    await t.wait('PT2S');
    expect(await titled('Overview')).toEqual([]);
    expect(await titled('Home')).toHaveLength(1);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/blogposts`))).toHaveLength(1);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/properties`))).toHaveLength(1);
    await t.ask(t.token(OWNER), 'DELETE', propertyPath);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/properties`))).toHaveLength(1);
  });

  it('are current without a lag, and never late about what a seed created', async () => {
    const t = startConfluence(NO_LAG);
    const { id } = (await openAna(t)).body as { id: number };
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${id}`))).toHaveLength(1);
    const late = startConfluence({ listLag: 'P30D', groupLag: 'P30D' });
    expect(rows(await late.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${late.personalSpace(OWNER).id}`))).toHaveLength(1);
    expect(rows(await late.ask(APP, 'GET', `/wiki/rest/api/user/memberof?accountId=${OWNER}`))).toHaveLength(2);
  });

  it('show the right moment in a long history', async () => {
    const t = startConfluence({ listLag: 'PT10S' });
    const space = t.personalSpace(OWNER);
    for (let second = 1; second <= 3_000; second += 1) {
      await t.wait('PT1S');
      t.site.state.changeSpace(space, { name: `Name ${second}` });
    }
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${space.id}`))).toMatchObject([{ name: 'Name 2990' }]);
  });

  it('apply permissions at once', async () => {
    const t = startConfluence({ listLag: 'PT1H' });
    const space = t.personalSpace(OWNER);
    await update(t, OWNER, { name: 'Mine' });
    space.grants = privateGrants(OWNER);
    expect(rows(await t.ask(t.token(ANA), 'GET', `/wiki/api/v2/spaces?ids=${space.id}`))).toEqual([]);
  });
});

describe('the search index', () => {
  const found = async (t: ConfluenceUnderTest, key: string, query = '') =>
    rows(await t.ask(APP, 'GET', `/wiki/rest/api/search?cql=${encodeURIComponent(`space = "${key}" and type = page`)}${query}`)).map(
      (hit) => hit.title as string,
    );

  it('lags behind when spaces are archived and restored', async () => {
    const t = startConfluence();
    const { key } = t.personalSpace(OWNER);
    const all = await found(t, key);
    expect(all).toContain('Overview');
    await update(t, OWNER, { status: 'archived' });
    expect(await found(t, key)).toEqual(all);
    expect(await found(t, key, '&excludeCurrentSpaces=true')).toEqual([]);
    await t.wait('PT5S');
    expect(await found(t, key)).toEqual([]);
    expect(await found(t, key, '&includeArchivedSpaces=true')).toEqual(all);
    await update(t, OWNER, { status: 'current' });
    expect(await found(t, key)).toEqual([]);
    await t.wait('PT5S');
    expect(await found(t, key)).toEqual(all);
  });

  it('lags behind when pages are created, renamed or trashed, and when spaces are deleted', async () => {
    const t = startConfluence({ cqlLag: 'PT10S' });
    const { id, key, homepageId } = t.personalSpace(OWNER);
    const before = await found(t, key);
    const page = await t.ask(t.token(OWNER), 'POST', '/wiki/api/v2/pages', { spaceId: String(id), title: 'Fresh' });
    const number = (t.site.state.content.get(homepageId ?? 0)?.versions.length ?? 0) + 1;
    await editPage(t, homepageId, 'Home', number);
    expect(await found(t, key)).toEqual(before);
    await t.wait('PT10S');
    const after = await found(t, key);
    expect(after).toEqual(expect.arrayContaining(['Fresh', 'Home']));
    expect(after).not.toContain('Overview');
    await t.ask(t.token(OWNER), 'DELETE', `/wiki/api/v2/pages/${(page.body as { id: string }).id}`);
    expect(await found(t, key)).toEqual(after);
    await t.wait('PT10S');
    expect(await found(t, key)).toEqual(after.filter((title) => title !== 'Fresh'));
    await t.ask(t.token(OWNER), 'DELETE', `/wiki/rest/api/space/${key}`);
    await t.wait('PT4S');
    expect(await found(t, key)).toEqual(after.filter((title) => title !== 'Fresh'));
    await t.wait('PT10S');
    expect(await found(t, key)).toEqual([]);
  });

  it('is current without a lag', async () => {
    const t = startConfluence(NO_LAG);
    const { key } = t.personalSpace(OWNER);
    await update(t, OWNER, { status: 'archived' });
    expect(await found(t, key)).toEqual([]);
  });
});

describe('groups and profiles', () => {
  it('show a change of membership late', async () => {
    const t = startConfluence({ groupLag: 'PT5M' });
    const sales = t.site.state.groupsByName.get('sales')?.id ?? '';
    const lists = async () => [
      rows(await t.ask(APP, 'GET', `/wiki/rest/api/group/${sales}/membersByGroupId`)).some((user) => user.accountId === ANA),
      rows(await t.ask(APP, 'GET', `/wiki/rest/api/user/memberof?accountId=${ANA}`)).some((group) => group.name === 'sales'),
    ];
    expect(await lists()).toEqual([true, true]);
    t.site.state.setGroups(t.person(ANA), ['confluence-users-example', 'engineering']);
    expect(await lists()).toEqual([true, true]);
    await t.wait('PT5M');
    expect(await lists()).toEqual([false, false]);
    t.site.settings.groupLag = 'PT0S';
    t.site.state.setGroups(t.person(ANA), ['sales']);
    expect(await lists()).toEqual([true, true]);
  });

  const profile = async (t: ConfluenceUnderTest, accountId: string) => [
    rows(await t.ask(APP, 'POST', '/wiki/api/v2/users-bulk', { accountIds: [accountId] }))[0]?.personalSpaceId,
    'personalSpace' in (await t.ask(t.token(accountId), 'GET', '/wiki/rest/api/user/current?expand=personalSpace')).body,
  ];

  it('show a new or deleted personal space late', async () => {
    const t = startConfluence();
    const { id, key } = (await createAna(t)).body as { id: number; key: string };
    expect(await profile(t, ANA)).toEqual([null, false]);
    await t.wait('PT1S');
    expect(await profile(t, ANA)).toEqual([String(id), true]);
    await t.ask(t.token(ANA), 'DELETE', `/wiki/rest/api/space/${key}`);
    await t.wait('PT3S');
    expect(await profile(t, ANA)).toEqual([String(id), true]);
    await t.wait('PT1S');
    expect(await profile(t, ANA)).toEqual([null, false]);
  });

  it('include an archived personal space, or drop it late, depending on the setting', async () => {
    const t = startConfluence();
    const id = String(t.personalSpace(OWNER).id);
    await update(t, OWNER, { status: 'archived' });
    await t.wait('PT1S');
    expect(await profile(t, OWNER)).toEqual([id, true]);
    t.site.settings.personalSpaceIdNamesArchived = false;
    expect(await profile(t, OWNER)).toEqual([null, false]);
    await update(t, OWNER, { status: 'current' });
    expect(await profile(t, OWNER)).toEqual([null, false]);
    await t.wait('PT1S');
    expect(await profile(t, OWNER)).toEqual([id, true]);
  });
});

describe('the access of the app', () => {
  it('comes late in a new space, unless the space was created by the app', async () => {
    const t = startConfluence({ appPermissionDelay: 'PT2M', listLag: 'PT0S' });
    const { id } = (await openAna(t)).body as { id: number };
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(404);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${id}`))).toEqual([]);
    const own = (await t.ask(APP, 'POST', '/wiki/rest/api/space/_private', { key: 'OWN', name: 'Own' })).body as { id: number };
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${own.id}`)).status).toBe(200);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${t.personalSpace(OWNER).id}`)).status).toBe(200);
    await t.wait('PT2M');
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}?include-operations=true`)).body).toMatchObject({
      operations: { results: expect.arrayContaining([{ operation: 'administer', targetType: 'space' }]) },
    });
  });

  it('is there at once without a delay', async () => {
    const t = startConfluence();
    const { id } = (await openAna(t)).body as { id: number };
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(200);
  });

  it('can be granted by a person, if the setting allows it', async () => {
    const t = startConfluence();
    const { id } = (await createAna(t)).body as { id: number };
    const give = () =>
      t.ask(t.token(ANA), 'POST', `/wiki/api/v2/spaces/${id}/role-assignments`, [
        { principal: { principalType: 'USER', principalId: APP_ACCOUNT_ID }, roleId: ROLES[0]?.id },
      ]);
    t.site.settings.appRoleGrant = 'refused';
    expect((await give()).status).toBe(400);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(404);
    t.site.settings.appRoleGrant = 'accepted';
    expect((await give()).status).toBe(200);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(200);
  });

  it('is lost when a space admin removes the app', async () => {
    const t = startConfluence();
    const { id } = t.personalSpace(OWNER);
    const remove = [{ principal: { principalType: 'USER', principalId: APP_ACCOUNT_ID } }];
    const answer = await t.ask(t.token(OWNER), 'POST', `/wiki/api/v2/spaces/${id}/role-assignments`, remove);
    expect(JSON.stringify(answer.body)).not.toContain(APP_ACCOUNT_ID);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).status).toBe(404);
  });
});

describe('answers that sites may give in two ways', () => {
  it('include the owner of a space, or leave the field out', async () => {
    const t = startConfluence();
    const { id } = t.personalSpace(OWNER);
    const owners = async () => [
      rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${id}`))[0]?.spaceOwnerId,
      ((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).body as { spaceOwnerId?: string }).spaceOwnerId,
    ];
    expect(await owners()).toEqual([OWNER, OWNER]);
    t.site.settings.spaceOwnerIdSent = false;
    expect(await owners()).toEqual([undefined, undefined]);
    expect('spaceOwnerId' in (await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}`)).body).toBe(false);
  });

  it.each([
    ['app', [true, false, false]],
    ['all', [true, true, false]],
    ['never', [false, false, false]],
  ] as const)('mark events as the app’s own: %s', async (selfGeneratedSent, expected) => {
    const t = startConfluence({ selfGeneratedSent });
    for (const caller of [APP, t.throughApp(OWNER), t.token(OWNER)]) {
      await t.ask(caller, 'PUT', `/wiki/rest/api/space/${t.personalSpace(OWNER).key}`, { name: 'Owner' });
    }
    expect(t.events.map((event) => event.selfGenerated)).toEqual(expected);
  });

  it('charge for users-bulk as a read or as a write', async () => {
    const t = startConfluence();
    const bulk = () => t.ask(APP, 'POST', '/wiki/api/v2/users-bulk', { accountIds: [ANA, OWNER, 'nobody'] });
    expect((await bulk()).points).toBe(1 + 2 * 2);
    t.site.settings.usersBulkPoints = 'write';
    expect((await bulk()).points).toBe(1);
  });

  it('give absolute links under the address the site is served at', async () => {
    const t = startConfluence();
    t.site.baseUrl = 'http://127.0.0.1:4990';
    const space = await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${t.personalSpace(OWNER).id}`);
    const user = await t.ask(t.token(OWNER), 'GET', '/wiki/rest/api/user/current');
    const pages = await t.ask(APP, 'GET', '/wiki/api/v2/pages?limit=1');
    expect(space.body).toMatchObject({ _links: { base: 'http://127.0.0.1:4990/wiki' } });
    expect(user.body).toMatchObject({ _links: { self: expect.stringMatching(/^http:\/\/127\.0\.0\.1:4990\/wiki\/rest/) } });
    expect(pages.headers?.link).toContain('<http://127.0.0.1:4990/wiki>; rel="base"');
    expect(JSON.stringify([space.body, user.body, pages.body])).not.toContain('example.atlassian.net');
  });
});

describe('permission rows', () => {
  interface Row {
    principal: { type: string; id: string };
    operation: { key: string };
  }
  const assignments = (t: ConfluenceUnderTest, id: number) => t.ask(t.token(OWNER), 'GET', `/wiki/api/v2/spaces/${id}/role-assignments`);
  const permissions = async (t: ConfluenceUnderTest, id: number) => {
    const found: Row[] = [];
    let points = 0;
    let next: string | undefined = `/wiki/api/v2/spaces/${id}/permissions?limit=250`;
    while (next) {
      const answer = await t.ask(t.token(OWNER), 'GET', next);
      found.push(...rows<Row>(answer));
      points += answer.points;
      next = (answer.body as { _links: { next?: string } })._links.next;
    }
    return { found, points };
  };

  it('are as many as live sites were seen to have, and cost as many points', async () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    expect(space.grants).toHaveLength(2);
    const roles = await assignments(t, space.id);
    expect(rows(roles)).toHaveLength(4);
    expect(roles.points).toBe(1 + 2 * 4);
    const { found, points } = await permissions(t, space.id);
    expect(found).toHaveLength(480);
    expect(points).toBe(2 + 2 * found.length);
  });

  it.each(['always', 'open-spaces', 'never'] as const)('of a private space belong only to its owner and to apps: %s', async (reach) => {
    const t = startConfluence({ appIsSpaceAdmin: reach });
    const space = t.personalSpace(OWNER);
    space.grants = privateGrants(OWNER);
    const roles = rows<{ principal: { principalId: string } }>(await assignments(t, space.id)).map((row) => row.principal.principalId);
    const { found } = await permissions(t, space.id);
    const others = [...new Set([...roles, ...found.map((row) => row.principal.id)])].filter((id) => id !== OWNER);
    const accounts = rows(await t.ask(APP, 'POST', '/wiki/api/v2/users-bulk', { accountIds: [OWNER, ...others] }));
    expect(accounts).toHaveLength(others.length + 1);
    expect(accounts.filter((account) => account.accountId !== OWNER).every((account) => account.accountType === 'app')).toBe(true);
    // One page holds them all, so an app that reads only that can still tell that the space is private.
    expect(found.length).toBeLessThanOrEqual(250);
    expect(others.length > 0).toBe(reach === 'always');
  });

  it('grant no one more than they can actually do', async () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    space.grants = openGrants(OWNER);
    const { found } = await permissions(t, space.id);
    const admins = t.site.state.groupsByName.get('confluence-admins-example')?.id;
    const ofAdmins = found.filter((row) => row.principal.id === admins);
    expect(ofAdmins.length).toBeGreaterThan(0);
    expect(ofAdmins.some((row) => ['administer', 'delete', 'archive'].includes(row.operation.key))).toBe(false);
    expect((await t.ask(t.token(ADMIN_ACCOUNT_ID), 'PUT', `/wiki/rest/api/space/${space.key}`, { name: 'x' })).status).toBe(404);
    expect((await t.ask(t.token(accountIdOf(3)), 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(200);
  });
});

/** Confluence on the local site: who sees what, paging, CQL, errors, events, points, scopes. */
import { describe, expect, it } from 'vitest';
import type { Caller } from '../emulator/confluence/access';
import { privateGrants } from '../emulator/confluence/state';
import type { LocalSite } from '../emulator/site';
import { APP, startConfluence } from '../support/confluence';
import { ADMIN_ACCOUNT_ID, ANA, accountIdOf, OWNER, startSite } from '../support/site';

const asPerson = (site: LocalSite, accountId: string): Caller => ({ kind: 'person', person: site.person(accountId), viaApp: false });

async function ask(site: LocalSite, caller: Caller, method: string, url: string, body?: unknown) {
  const answer = await site.confluence.request(caller, {
    method,
    url,
    headers: new Headers(),
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answer as typeof answer & { body: never };
}
const keysOf = (answer: { body: unknown }): string[] => (answer.body as { results: { key: string }[] }).results.map((s) => s.key);

describe('what the caller is allowed to see', () => {
  it('decides what is in lists and search results, and anything else is 404 by id', async () => {
    const t = startConfluence({ listLag: 'PT0S' });
    const space = t.personalSpace(OWNER);
    space.grants = privateGrants(OWNER);
    const cql = encodeURIComponent(`space in ("${space.key}") and type = page`);
    for (const [caller, sees] of [
      [t.token(OWNER), true],
      [t.token(ANA), false],
      [t.token(ADMIN_ACCOUNT_ID), false],
      [APP, false],
    ] as const) {
      expect(keysOf(await t.ask(caller, 'GET', `/wiki/api/v2/spaces?keys=${space.key}`))).toEqual(sees ? [space.key] : []);
      expect((await t.ask(caller, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(sees ? 200 : 404);
      const found = await t.ask(caller, 'GET', `/wiki/rest/api/search?cql=${cql}`);
      expect((found.body as { results: unknown[] }).results.length > 0).toBe(sees);
    }
    t.site.settings.appIsSpaceAdmin = 'always';
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(200);
  });

  it('follows the setting for the app’s rights in open spaces', async () => {
    const site = startSite();
    const space = site.addSpace({ owner: ANA });
    const archive = () => ask(site, APP, 'PUT', `/wiki/rest/api/space/${space.key}`, { status: 'archived' });
    site.changeSettings({ appIsSpaceAdmin: 'never' });
    expect((await archive()).status).toBe(404);
    site.changeSettings({ appIsSpaceAdmin: 'open-spaces' });
    expect(await archive()).toMatchObject({ status: 200, body: { status: 'archived' } });
  });

  it('requires a login, a license and "Can use"', async () => {
    const site = startSite();
    expect((await ask(site, { kind: 'anonymous' }, 'GET', '/wiki/api/v2/spaces')).status).toBe(401);
    const guest = asPerson(site, accountIdOf(23));
    expect(keysOf(await ask(site, guest, 'GET', '/wiki/api/v2/spaces'))).toEqual([]);
    site.changePerson(ANA, { licensed: false });
    expect((await ask(site, asPerson(site, ANA), 'GET', '/wiki/rest/api/user/current')).status).toBe(403);
    expect((await ask(site, asPerson(site, OWNER), 'GET', '/wiki/api/v2/app/properties')).status).toBe(401);
  });
});

describe('errors', () => {
  it('have the shapes that v1 and v2 use', async () => {
    const site = startSite();
    expect((await ask(site, APP, 'GET', '/wiki/api/v2/spaces/1')).body).toEqual({
      errors: [{ status: 404, code: 'NOT_FOUND', title: 'Not Found', detail: 'Space not found' }],
    });
    expect((await ask(site, APP, 'PUT', '/wiki/rest/api/space/NOPE', {})).body).toMatchObject({
      statusCode: 404,
      data: { successful: false },
      message: expect.stringContaining('NotFoundException'),
    });
  });

  it('are given for stale versions, keys and titles that are taken, invalid keys and invalid limits', async () => {
    const site = startSite();
    const owner = asPerson(site, OWNER);
    const space = site.confluence.state.spacesById.get(site.person(OWNER).personalSpaceId as number);
    const page = {
      id: String(space?.homepageId),
      status: 'current',
      title: 'Overview',
      body: { representation: 'storage', value: '' },
      version: { number: 7 },
    };
    expect((await ask(site, owner, 'PUT', `/wiki/api/v2/pages/${page.id}`, page)).status).toBe(409);
    expect((await ask(site, owner, 'POST', '/wiki/rest/api/space', { key: 'HELLO', name: 'x' })).status).toBe(400);
    expect((await ask(site, owner, 'POST', '/wiki/rest/api/space', { key: 'x'.repeat(250), name: 'x' })).status).toBe(500);
    expect((await ask(site, owner, 'POST', '/wiki/rest/api/space', { key: 'a b', name: 'x' })).status).toBe(400);
    expect((await ask(site, owner, 'POST', '/wiki/api/v2/pages', { spaceId: String(space?.id), title: 'Overview' })).status).toBe(400);
    expect((await ask(site, APP, 'GET', '/wiki/api/v2/spaces?limit=251')).status).toBe(400);
    expect((await ask(site, APP, 'GET', '/wiki/api/v2/spaces?cursor=x')).status).toBe(400);
    expect((await ask(site, APP, 'GET', '/wiki/api/v2/nothing')).status).toBe(501);
  });

  it('depend on the role mode', async () => {
    const site = startSite({ settings: { roleMode: 'PRE_ROLES' } });
    const owner = asPerson(site, OWNER);
    const id = site.person(OWNER).personalSpaceId;
    expect((await ask(site, owner, 'GET', `/wiki/api/v2/spaces/${id}/role-assignments`)).status).toBe(404);
    site.changeSettings({ roleMode: 'ROLES' });
    expect((await ask(site, owner, 'GET', `/wiki/api/v2/spaces/${id}/role-assignments`)).status).toBe(200);
    const last = [{ principal: { principalType: 'USER', principalId: OWNER } }];
    expect((await ask(site, owner, 'POST', `/wiki/api/v2/spaces/${id}/role-assignments`, last)).status).toBe(400);
    const permissions = [
      { subjects: {}, operation: { operation: 'read', targetType: 'space' }, anonymousAccess: false, unlicensedAccess: false },
    ];
    const refused = await ask(site, asPerson(site, ANA), 'POST', '/wiki/rest/api/space', { key: 'ABC', name: 'x', permissions });
    expect(refused).toMatchObject({ status: 400, body: { message: expect.stringContaining('InvalidRbacOperationException') } });
  });
});

describe('CQL', () => {
  const search = async (site: LocalSite, cql: string, caller: Caller = APP) =>
    ask(site, caller, 'GET', `/wiki/rest/api/search?limit=250&cql=${encodeURIComponent(cql)}`);
  const titles = (answer: { body: unknown }): string[] => (answer.body as { results: { title: string }[] }).results.map((r) => r.title);

  it('finds content by space, type and date, newest first, and lags behind', async () => {
    const site = startSite();
    const space = site.addSpace({ owner: ANA });
    const cql = `space in ("${space.key}","NOPE") and type in (page,blogpost) and lastmodified >= now("-1d") order by lastmodified desc`;
    expect(titles(await search(site, cql))).toEqual([]);
    await site.advance('PT10S');
    expect(titles(await search(site, cql))).toEqual(['Overview']);
    expect(titles(await search(site, `type = page and not space != "${space.key}" and not space = "${space.key}"`))).toEqual([]);
  });

  it.each([
    'color = red',
    'type = space',
    'lastmodified > "yesterday"',
    'lastmodified > someday()',
    'lastmodified ~ "2026-01-01"',
    'type = page order by watchers',
    '',
    'not type = page',
  ])('refuses %j instead of guessing', async (cql) => {
    expect(await search(startSite(), cql)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('Could not parse cql') },
    });
  });

  it('refuses more keys and more bytes than a real site is known to accept', async () => {
    const site = startSite();
    const keys = (n: number) => Array.from({ length: n }, (_, i) => `"~712020${String(i).padStart(33, '0')}"`).join(',');
    expect((await search(site, `space in (${keys(100)})`)).status).toBe(200);
    expect((await search(site, `space in (${keys(101)})`)).status).toBe(400);
    expect((await search(site, `space in (${keys(300)})`)).status).toBe(414);
  });
});

describe('a call by the app', () => {
  it('costs points by the published rule, and is answered with 429 once the hourly quota is used up', async () => {
    const site = startSite();
    const spend = () => site.invoke({ module: 'admin', functionKey: 'templates.list', payload: {}, accountId: ADMIN_ACCOUNT_ID });
    expect(await spend()).toMatchObject({ result: { ok: true } });
    // The admin check (1 + 2 for a user) and the list (1 + 3 for its templates).
    expect(site.usage().rest.points).toBe(3 + 4);
    // The app would not go over a quota that it knows of.
    site.changeSettings({ hourlyPoints: 7 });
    expect(await spend()).toMatchObject({
      result: { ok: false, error: { code: 'rate-limited', details: { seconds: expect.closeTo(3_600, -2) } } },
    });
    site.changeSettings({ hourlyPoints: 65_000 });
    await site.advance('PT1H');
    expect(await spend()).toMatchObject({ result: { ok: true } });
  });
});

describe('events', () => {
  it('arrive late, as often as the setting says, and from restricted spaces but not from restricted pages', async () => {
    const site = startSite({ settings: { deliverEvents: { times: 3, reorder: false, drop: 0, seed: 1 } } });
    const seen = (): number => site.usage().invocations['trigger:activity']?.count ?? 0;
    site.activity({ accountId: ANA, views: 1 });
    await site.advance('PT1S');
    expect(seen()).toBe(0);
    await site.advance('PT30S');
    expect(seen()).toBe(3);
    const space = site.addSpace({ owner: ANA, access: 'private' });
    site.activity({ accountId: ANA, views: 1, spaceId: space.id });
    await site.advance('PT30S');
    expect(seen()).toBe(6);
    const home = site.confluence.state.content.get(Number(space.homepageId));
    if (home) home.viewers = new Set([ANA]);
    site.activity({ accountId: ANA, views: 1, spaceId: space.id });
    await site.advance('PT30S');
    expect(seen()).toBe(6);
  });

  it('are lost at the rate the setting says', async () => {
    const site = startSite({ settings: { deliverEvents: { times: 1, reorder: false, drop: 0.5, seed: 1 } } });
    site.activity({ accountId: ANA, views: 100 });
    await site.advance('PT30S');
    const count = site.usage().invocations['trigger:activity']?.count;
    expect(count).toBeGreaterThan(35);
    expect(count).toBeLessThan(65);
  });

  it('pass through the filter of the trigger', async () => {
    const site = startSite();
    const space = { id: 7, key: 'X', name: 'X', status: 'current' };
    site.sendEvent({ eventType: 'avi:confluence:deleted:space:V2', space: { ...space, type: 'global' } });
    await site.advance('PT30S');
    expect(site.usage().invocations['trigger:personal-space']).toBeUndefined();
    site.sendEvent({ eventType: 'avi:confluence:deleted:space:V2', space: { ...space, type: 'personal' } });
    site.sendEvent({ eventType: 'avi:confluence:deleted:space:V2' });
    await site.advance('PT30S');
    // The last one has no space: the filter fails, and the manifest says to deliver it in that case.
    expect(site.usage().invocations['trigger:personal-space']).toMatchObject({ count: 2, errors: 0 });
  });
});

/** From a page view to a private space with a homepage and a notice: the whole app on the local site. */
import { describe, expect, it } from 'vitest';
import type { SiteSettings } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import {
  ANA,
  accountIdOf,
  admin,
  adminData,
  comparable,
  letIn,
  noticeOf,
  OWNER,
  person,
  personalSpacesOf,
  promiseOf,
  readsAPage,
  recordOf,
  setPolicy,
  startAlone,
} from '../support/site';
import { ON_THEIR_OWN, type Stop, stopAtEachCall } from '../support/stops';

describe('with the policy off', () => {
  it('changes nothing, and reads storage once', async () => {
    const site = startAlone();
    site.resetUsage();
    await readsAPage(site, ANA);
    expect(site.usage().rest.requests).toBe(0);
    expect(site.usage().kvs).toMatchObject({ batches: 1, gets: 0, sets: 0, transactions: 0 });
    expect(site.state().kvs.entities.person).toEqual({});
  });
});

describe('with the policy on automatic', () => {
  it('creates one private space with the built-in homepage and raises the notice', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);

    const spaces = personalSpacesOf(site, ANA);
    expect(spaces).toHaveLength(1);
    expect(letIn(site, ANA)).toEqual([expect.objectContaining({ principalType: 'USER', principalId: ANA })]);
    expect(spaces[0]?.pages).toHaveLength(1);
    expect(spaces[0]?.pages[0]?.body).toContain('Hello, I am Bo Berg');
    expect(spaces[0]?.pages[0]?.versions.map((v) => v.authorId)).toEqual([ANA, ANA]);
    expect(recordOf(site, ANA)).toMatchObject({
      state: 'ready',
      reason: 'space-created',
    });
    expect(promiseOf(site, ANA)).toMatchObject({
      access: { promised: 'private', actual: 'private', broken: null },
      template: { source: 'builtin' },
      call: 'private-call',
    });

    const seen = await site.notices.load(ANA);
    expect(seen.flags).toEqual([
      {
        id: 'homestead-notice',
        title: 'Your personal space is ready',
        description: expect.stringContaining('Only you'),
        actions: ['Go to my space', 'Not now'],
      },
    ]);
  });

  it('fills in the template that the admin chose', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', template: { kind: 'confluence', templateId: '425985' } });
    await readsAPage(site, ANA);
    const body = personalSpacesOf(site, ANA)[0]?.pages[0]?.body ?? '';
    expect(body).toContain('<h2>Hello, I am Bo Berg</h2>');
    expect(body).toContain('November 23, 2026');
    expect(body).toContain('<ac:structured-macro ac:name="info">');
    expect(body).not.toContain('at:');
  });

  it.each([
    ['is broken', '425993', 'template-broken'],
    ['is gone', '999999', 'template-missing'],
  ])('uses the built-in homepage when the template %s, and says so', async (_what, templateId, problem) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', template: { kind: 'confluence', templateId } });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)[0]?.pages[0]?.body).toContain('Hello, I am Bo Berg');
    const { entries } = await adminData(site, 'activity.list', {});
    expect(entries[0]?.templateProblem).toContain(problem);
  });

  it('costs one storage read per settled person in a cold process, none in a warm one, and no request', async () => {
    // With several warm processes, each would read a person once.
    const site = startAlone({ settings: { warmProcesses: 1 } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    // Events of the new space were heard in a second process, which would be as likely to get the next one.
    site.platform.restart();
    await readsAPage(site, ANA);
    await readsAPage(site, OWNER);
    for (const [accountId, warm] of [
      [ANA, true],
      [OWNER, true],
      [ANA, false],
      [OWNER, false],
    ] as const) {
      if (!warm) site.platform.restart();
      site.resetUsage();
      await readsAPage(site, accountId);
      const { kvs, rest } = site.usage();
      expect(rest.requests).toBe(0);
      expect(kvs.gets + kvs.batches + kvs.queries).toBe(warm ? 0 : 1);
      expect(kvs.sets + kvs.transactions).toBe(0);
    }
  });

  it.each([
    ['a guest', { isGuest: true }, 'account-guest'],
    ['an app', { accountType: 'app' }, 'account-app'],
    ['deactivated', { accountStatus: 'inactive' }, 'account-inactive'],
    ['of unknown status', { accountStatus: 'unknown' }, 'account-unknown'],
    ['unlicensed', { licensed: false }, 'account-unlicensed'],
  ])('creates nothing for someone who is %s', async (_what, change, reason) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.changePerson(ANA, change);
    site.sendEvent({ eventType: 'avi:confluence:viewed:page', atlassianId: ANA });
    await site.advance('PT1M');
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'excluded', reason });
    expect((await site.notices.load(ANA)).backgroundScript).toBe(false);
  });

  it('creates nothing for anonymous readers or in response to its own changes', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.resetUsage();
    site.sendEvent({ eventType: 'avi:confluence:viewed:page' });
    site.sendEvent({ eventType: 'avi:confluence:updated:page', atlassianId: ANA, selfGenerated: true });
    site.sendEvent({ eventType: 'avi:confluence:viewed:page', atlassianId: 17 });
    await site.advance('PT1M');
    expect(site.usage().rest.requests).toBe(0);
    // The manifest's filter keeps the app's own change away.
    expect(site.usage().invocations['trigger:activity']).toMatchObject({ count: 2, errors: 0 });
    expect(site.state().kvs.entities.person).toEqual({});
  });

  it.each([
    ['archived', 'space-archived'],
    ['trashed', 'space-trashed'],
  ] as const)('creates nothing for someone whose space is %s, and remembers why', async (status, reason) => {
    const site = startAlone();
    site.addSpace({ owner: ANA, status });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason });
  });

  it('does not recreate a deleted space', async () => {
    const site = startAlone({ settings: { appIsSpaceAdmin: 'always' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    const [space] = personalSpacesOf(site, ANA);
    await site.confluence.request(
      { kind: 'person', person: site.person(ANA), viaApp: false },
      { method: 'DELETE', url: `/wiki/rest/api/space/${space?.key}`, headers: new Headers(), body: undefined },
    );
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed', reason: 'space-removed' });
    site.platform.restart();
    await readsAPage(site, ANA, 'P40D');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
  });

  it('does not recreate a deleted space that it never knew about', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    const space = site.confluence.state.spacesById.get(Number(site.addSpace({ owner: ANA }).id));
    await site.confluence.request(
      { kind: 'person', person: site.person(ANA), viaApp: false },
      { method: 'DELETE', url: `/wiki/rest/api/space/${space?.key}`, headers: new Headers(), body: undefined },
    );
    await site.advance('PT1M');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'removed' });
  });

  it('creates one space even if events arrive five times and out of order', async () => {
    const site = startAlone({ settings: { deliverEvents: { times: 5, reorder: true, drop: 0 } } });
    await setPolicy(site, { mode: 'auto' });
    site.activity({ accountId: ANA, views: 3 });
    await site.advance('PT5M');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(personalSpacesOf(site, ANA)[0]?.pages[0]?.versions).toHaveLength(2);
  });

  it('creates one space when several triggers run at once', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    for (let i = 0; i < 6; i += 1) site.sendEvent({ eventType: 'avi:confluence:viewed:page', atlassianId: ANA, n: i });
    await site.advance('PT20M');
    const spaces = personalSpacesOf(site, ANA);
    expect(spaces).toHaveLength(1);
    expect(spaces[0]?.pages).toHaveLength(1);
    expect(spaces[0]?.pages[0]?.versions).toHaveLength(2);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' } });
  });
});

describe('when Confluence creates the space first', () => {
  it.each([
    ['ROLES', 'private', 1],
    ['ROLES_TRANSITION', 'private', 1],
    ['PRE_ROLES', 'open', 2],
  ] as const)('adopts the space that won the race on a %s site, which ends up %s', async (roleMode, access, grants) => {
    const site = startAlone({ settings: { roleMode } });
    await setPolicy(site, { mode: 'auto' });
    let hasRaced = false;
    site.platform.beforeCall = (_invocation, call) => {
      if (hasRaced || !/POST \/wiki\/rest\/api\/space(\/_private)?$/.test(call)) return;
      hasRaced = true;
      site.createNatively(ANA);
    };
    await readsAPage(site, ANA, 'PT2M');
    expect(hasRaced).toBe(true);
    const spaces = personalSpacesOf(site, ANA);
    expect(spaces).toHaveLength(1);
    expect(letIn(site, ANA)).toHaveLength(grants);
    expect(spaces[0]?.pages[0]?.body).toContain('Hello, I am');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: access }, call: null });
    const [flag] = (await site.notices.load(ANA)).flags;
    expect(flag?.description).toContain(access === 'private' ? 'Only you' : 'Everyone who uses Confluence here can see it');
  });

  it('leaves alone what the owner has already written', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.platform.beforeCall = (_invocation, call) => {
      if (!call.startsWith('confluence PUT /wiki/api/v2/pages/')) return;
      site.platform.beforeCall = () => {};
      const page = site.confluence.state.content.get(Number(call.split('/').at(-1)));
      if (!page) throw new Error('no page');
      page.body = '<p>Mine</p>';
      site.confluence.state.addVersion(page, { authorId: ANA, at: site.clock.now(), message: '' });
    };
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)[0]?.pages[0]?.body).toBe('<p>Mine</p>');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'kept' } });
  });
});

describe('the creation calls', () => {
  it('fall back to GraphQL, make the space private, and remember what worked', async () => {
    const site = startAlone({ settings: { asUserPersonalCreate: 'graphql' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(letIn(site, ANA)).toHaveLength(1);
    expect(site.state().kvs.plain['creation-calls']).toEqual({ schemaVersion: 1, worked: 'graphql', unfit: [], refusals: 0 });
    site.resetUsage();
    await readsAPage(site, accountIdOf(3));
    expect(personalSpacesOf(site, accountIdOf(3))).toHaveLength(1);
    expect(Object.keys(site.usage().rest.byRoute)).not.toContain('POST /wiki/rest/api/space/_private');
  });

  it('use the permission list when the private call does not exist', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space/_private', times: 9, respond: { status: 404 } });
    await readsAPage(site, ANA);
    expect(letIn(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ call: 'permission-list', access: { actual: 'private' } });
  });

  it('do not create an open space where no call can make it private', async () => {
    const site = startAlone({ settings: { asUserPersonalCreate: 'graphql', roleMode: 'PRE_ROLES' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'refused', reason: 'no-private-way' });
  });

  it('are not tried again for two months after a refusal, which is recorded once', async () => {
    const site = startAlone({ settings: { asUserPersonalCreate: 'refused' } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'refused', reason: 'creation-refused' });
    const { entries } = await adminData(site, 'activity.list', {});
    expect(entries[0]).toMatchObject({ kind: 'refused', accountId: ANA, detail: expect.stringContaining('403') });
    site.platform.restart();
    site.resetUsage();
    await readsAPage(site, ANA, 'P6D');
    expect(Object.keys(site.usage().rest.byRoute).filter((route) => /\/space$|\/_private|graphql|user\/current/.test(route))).toEqual([]);
    site.changeSettings({ asUserPersonalCreate: 'private-endpoint' });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    const stored = site.platform.kvs.dump().entities.person?.[ANA] as { changedAt: number; data: { recheckAt: number } };
    expect(stored.data.recheckAt - stored.changedAt).toBe(60 * 86_400_000);
    // As if they were over.
    site.platform.kvs.put('person', ANA, { ...stored, data: { ...stored.data, recheckAt: site.clock.now() } });
    site.platform.restart();
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  });

  it('are not tried when the platform does not allow impersonation in triggers, and the trail says so', async () => {
    const site = startAlone({ settings: { asUserIn: ['scheduledTrigger'] } });
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'excluded', reason: 'impersonation-unavailable' });
    expect((await adminData(site, 'activity.list', {})).entries[0]).toMatchObject({ kind: 'refused', reason: 'impersonation-unavailable' });
  });
});

describe('after a stopped or failed run, Homestead', () => {
  it('adopts a space that the person created themselves weeks later', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', method: 'POST', path: '/wiki/rest/api/space/_private', times: 9, respond: { status: 503 } });
    await readsAPage(site, ANA, 'PT30M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'creating' });
    site.clearFaults();
    await site.advance('P20D');
    site.addSpace({ owner: ANA });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready', reason: 'space-adopted' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' }, call: null });
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('deletes a space that turns out not to be personal, and does not use that call for a month', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.confluence.onAnswer = (request, answer) => {
      if (!request.url.endsWith('/space/_private') || answer.status !== 200) return;
      const space = site.confluence.state.spacesByKey.get((answer.body as { key: string }).key);
      if (space) space.type = 'global';
      site.person(ANA).personalSpaceId = null;
      (answer.body as { type: string }).type = 'global';
    };
    await readsAPage(site, ANA, 'PT5M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'refused', reason: 'creation-refused' });
    expect(site.state().spaces.filter((s) => s.ownerId === ANA)).toEqual([]);
    const { notes } = (await adminData(site, 'site.get', {})).find((check) => check.name === 'create') ?? {};
    const untilAt = Number(notes?.[0]?.details.untilAt);
    expect(notes).toEqual([{ finding: 'unfit', details: { call: 'private-call', untilAt } }]);
    expect(untilAt - site.clock.now()).toBeGreaterThan(29 * 86_400_000);
    site.resetUsage();
    await readsAPage(site, accountIdOf(3));
    expect(recordOf(site, accountIdOf(3))).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, accountIdOf(3))).toMatchObject({ call: 'permission-list' });
    expect(Object.keys(site.usage().rest.byRoute)).not.toContain('POST /wiki/rest/api/space/_private');
  });

  it.each([
    ['a month later', (site: LocalSite) => site.advance('P31D')],
    ['when an admin says so', (site: LocalSite) => adminData(site, 'site.resetCalls', {})],
  ])('uses a call that once created something else again %s', async (_when, passes) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.confluence.onAnswer = (request, answer) => {
      if (!request.url.endsWith('/space/_private') || answer.status !== 200) return;
      site.confluence.onAnswer = () => {};
      (answer.body as { type: string }).type = 'global';
    };
    await readsAPage(site, ANA, 'PT5M');
    expect(await admin(site, 'site.resetCalls', {}, ANA)).toMatchObject({ ok: false, error: { code: 'not-admin' } });
    await passes(site);
    expect((await adminData(site, 'site.get', {})).find(({ name }) => name === 'create')).toMatchObject({ notes: [] });
    await readsAPage(site, accountIdOf(3));
    expect(promiseOf(site, accountIdOf(3))).toMatchObject({ call: 'private-call' });
  });

  it.each(['private-endpoint', 'graphql'] as const)(
    'shortens a long name for the space and its homepage (%s)',
    async (asUserPersonalCreate) => {
      const site = startAlone({ settings: { asUserPersonalCreate } });
      await setPolicy(site, { mode: 'auto' });
      site.changePerson(ANA, { displayName: `${'x'.repeat(198)}😀${'y'.repeat(100)}` });
      await readsAPage(site, ANA);
      expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'builtin' } });
      expect(site.confluence.state.spaces.find((space) => space.ownerId === ANA)?.name).toBe(`${'x'.repeat(198)}…`);
      const title = personalSpacesOf(site, ANA)[0]?.pages[0]?.title ?? '';
      expect(title).toHaveLength(255);
      expect(title).toMatch(/y…'s space$/);
    },
  );

  it('does not adopt a global space that has the key of a personal one', async () => {
    const site = startAlone();
    site.addSpace({ owner: ANA });
    const space = site.confluence.state.spaces.find((s) => s.ownerId === ANA);
    if (space) space.type = 'global';
    site.person(ANA).personalSpaceId = null;
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'refused', reason: 'creation-refused' });
    expect(space?.grants).toHaveLength(2);
  });

  it.each([
    ['the homepage', 'PUT', '/wiki/api/v2/pages/*', { state: 'ready' }],
    ['the notice', 'POST', '/wiki/rest/api/user/*/property/*', { state: 'ready' }],
    ['the look-up', 'POST', '/wiki/api/v2/users-bulk', { state: 'refused', reason: 'confluence-error' }],
  ])('records that Confluence refuses %s, and does not try again at every page view', async (_what, method, path, expected) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', method, path, times: 99, respond: { status: 403 } });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject(expected);
    site.platform.restart();
    site.resetUsage();
    await readsAPage(site, ANA);
    await readsAPage(site, ANA);
    expect(site.usage().rest.requests).toBe(0);
  });

  it('falls back to the built-in homepage if Confluence rejects the template', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto', template: { kind: 'confluence', templateId: '425985' } });
    site.addFault({ target: 'confluence', method: 'PUT', path: '/wiki/api/v2/pages/*', respond: { status: 400 } });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)[0]?.pages[0]?.body).toContain('What I work on');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ template: { source: 'builtin', problem: 'template-refused' } });
  });

  it('asks at most once per process while Confluence tells the app to wait', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    const respond = { status: 429, headers: { 'Retry-After': '300' } };
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/users-bulk', times: 99, respond });
    const people = [1, 3, 5, 7].map(accountIdOf);
    site.resetUsage();
    for (let round = 0; round < 3; round += 1) {
      for (const accountId of people) site.activity({ accountId, views: 1 });
      await site.advance('PT1M');
    }
    // There were as many processes as people at once.
    expect(site.usage().rest.requests).toBeLessThanOrEqual(people.length);
    site.clearFaults();
    await site.advance('PT20M');
    for (const accountId of people) expect(recordOf(site, accountId)).toMatchObject({ state: 'ready' });
  });

  it('waits if the new space is not yet listed for its owner', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path: '/wiki/api/v2/users-bulk', after: 1, respond: { status: 200, body: { results: [] } } });
    await readsAPage(site, ANA, 'PT5M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' } });
  });
});

describe('after a failure, Homestead', () => {
  it('does not overwrite an answer that the person gave in the meantime', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/user/current', after: 0, respond: { status: 404 } });
    site.platform.beforeCall = async (invocation, call) => {
      if (invocation.kind !== 'trigger' || !call.includes('/user/current')) return;
      site.platform.beforeCall = () => {};
      await person(site, 'offer.never', ANA);
    };
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'declined' });
    await readsAPage(site, ANA, 'P3D');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
  });

  it('finishes a day later what a refusal by Confluence interrupted', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', method: 'GET', path: '/wiki/api/v2/spaces/*', respond: { status: 403 } });
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'creating', reason: 'confluence-error' });
    await site.advance('P2D');
    await readsAPage(site, ANA);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(promiseOf(site, ANA)).toMatchObject({ access: { actual: 'private' }, template: { source: 'builtin' } });
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('stops trying for a day when Confluence keeps failing, and says so', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/space/_private', times: 999, respond: { status: 500 } });
    for (let i = 0; i < 20; i += 1) await readsAPage(site, ANA, 'PT20M');
    expect(site.usage().rest.byRoute['POST /wiki/rest/api/space/_private']?.requests).toBeLessThanOrEqual(5);
    expect((await adminData(site, 'activity.list', {})).entries[0]).toMatchObject({ kind: 'refused', reason: 'confluence-error' });
  });

  it('shows an offer whose notice failed at first', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    site.addFault({ target: 'confluence', path: '/wiki/rest/api/user/*/property/*', respond: { status: 500 } });
    await readsAPage(site, ANA, 'PT5M');
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('withdraws an offer when the person creates a space themselves', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    site.addSpace({ owner: ANA });
    await site.advance('PT1M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready', reason: 'space-adopted' });
    expect((await site.notices.load(ANA)).flags).toMatchObject([{ title: 'Your personal space has been set up' }]);
  });

  it('makes offers even where impersonation is not allowed, since a click does not need it', async () => {
    const site = startAlone({ settings: { asUserIn: [] } });
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  });
});

describe('when a call fails, Homestead', () => {
  const ROUTES = [
    '/wiki/api/v2/users-bulk',
    '/wiki/rest/api/user/current',
    '/wiki/rest/api/space/_private',
    '/wiki/api/v2/pages/*',
    '/wiki/rest/api/user/*/property/*',
  ];

  it.each(ROUTES)('waits as long as Confluence says (429 at %s)', async (path) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path, times: 99, respond: { status: 429, headers: { 'Retry-After': '120' } } });
    await readsAPage(site, ANA, 'PT1M');
    expect(noticeOf(site, ANA, 'ready')).not.toBe('raised');
    // The first event, and one more for what the app did as this person before it was told to wait.
    expect(site.usage().invocations['trigger:activity']?.retries).toBeLessThanOrEqual(2);
    expect(site.usage().rest.byRoute).not.toMatchObject({ 'POST /wiki/rest/api/space/_private': { statuses: { 200: 2 } } });
    site.clearFaults();
    // A notice that could not be raised is left to the schedule.
    await site.advance('PT20M');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(noticeOf(site, ANA, 'ready')).toBe('raised');
  });

  it.each(ROUTES)('tries again after a Confluence error (500 at %s)', async (path) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path, times: 2, respond: { status: 500 } });
    await readsAPage(site, ANA, 'PT20M');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(noticeOf(site, ANA, 'ready')).toBe('raised');
  });

  it.each(ROUTES)('continues after the deadline passed during a call (%s)', async (path) => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({ target: 'confluence', path, respond: { status: 200, body: {}, delay: 'PT26S' } });
    await readsAPage(site, ANA, 'PT20M');
    expect(site.usage().invocations['trigger:activity']?.killed).toBe(1);
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
    expect(noticeOf(site, ANA, 'ready')).toBe('raised');
  });

  it('retries when storage fails, and loses nothing', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({
      target: 'kvs',
      path: '/api/v1/batch/get',
      respond: { status: 500, body: { code: 'INTERNAL_SERVER_ERROR', message: '' } },
    });
    site.addFault({
      target: 'kvs',
      path: '/api/v1/transaction',
      respond: { status: 429, body: { code: 'RATE_LIMIT_EXCEEDED', message: '' } },
    });
    await readsAPage(site, ANA, 'PT5M');
    expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  });

  it('drops an answer that it cannot read, and acts on the next activity', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    site.addFault({
      target: 'confluence',
      path: '/wiki/api/v2/users-bulk',
      respond: { status: 200, body: { results: [{ accountId: 7 }] } },
    });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    await readsAPage(site, ANA, 'PT5M');
    expect(personalSpacesOf(site, ANA)).toHaveLength(1);
  });
});

describe('a run that is stopped after any of its calls', () => {
  type Run = Partial<SiteSettings> & { mode?: 'ask' | 'auto' };

  /** Provisions one person; the stopped invocation is delivered again. */
  async function run({ mode = 'auto', ...settings }: Run, stop?: Stop): Promise<LocalSite> {
    const site = startAlone({ settings: { ...ON_THEIR_OWN, ...settings } });
    await setPolicy(site, { mode, template: { kind: 'confluence', templateId: '425985' } });
    stop?.order(site);
    await readsAPage(site, ANA, 'PT30M');
    return site;
  }

  it.each([
    ['by the private call', {}],
    ['by GraphQL', { asUserPersonalCreate: 'graphql' }],
    ['on a site without roles', { roleMode: 'PRE_ROLES' }],
    ['in ask mode', { mode: 'ask' }],
  ] as const)('has the same outcome as an undisturbed run (%s)', async (_what, settings) => {
    const undisturbed = comparable(await run(settings));
    const stops = await stopAtEachCall(
      'trigger:activity',
      async (stop) => expect(comparable(await run(settings, stop)), stop.name).toEqual(undisturbed),
      2,
    );
    expect(stops).toBeGreaterThan('mode' in settings ? 3 : 7);
  });
});

describe('a click on "Create my space" that is stopped after any of its calls', () => {
  it('is finished within a quarter of an hour, with one space and one homepage', async () => {
    const scene = async ({ name, order }: Stop): Promise<void> => {
      const site = startAlone();
      await setPolicy(site, { mode: 'ask' });
      await readsAPage(site, ANA);
      await site.notices.load(ANA);
      order(site);
      await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
      await readsAPage(site, ANA, 'PT20M');
      const { flags } = await site.notices.load(ANA);
      const spaces = personalSpacesOf(site, ANA);
      // Stopped before creation began: the offer is still open.
      if (recordOf(site, ANA)?.state === 'offered') {
        expect(spaces, name).toEqual([]);
        expect(flags[0]?.title, name).toBe('Would you like a personal space?');
        return;
      }
      expect(spaces, name).toHaveLength(1);
      expect(spaces[0]?.pages, name).toHaveLength(1);
      expect(spaces[0]?.pages[0]?.versions, name).toHaveLength(2);
      expect(recordOf(site, ANA), name).toMatchObject({ state: 'ready' });
      expect(promiseOf(site, ANA), name).toMatchObject({ access: { actual: 'private' } });
    };
    expect(await stopAtEachCall('resolver:notice', scene, 2)).toBeGreaterThan(8);
  });
});

describe('with the policy on ask', () => {
  it('offers a space, and creates it at one click', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    const { flags } = await site.notices.load(ANA);
    expect(flags[0]).toMatchObject({ title: 'Would you like a personal space?', actions: ['Create my space', 'Not now', 'No, thanks'] });

    const after = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
    expect(after.flags[0]).toMatchObject({ title: 'Your personal space is ready' });
    expect(letIn(site, ANA)).toHaveLength(1);
    const opened = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Go to my space' });
    expect(opened.navigatedTo).toMatchObject({ target: 'spaceView', spaceKey: personalSpacesOf(site, ANA)[0]?.key });
    expect(await site.notices.load(ANA)).toMatchObject({ backgroundScript: false, flags: [] });
  });

  it('accepts "No, thanks" for good, under any policy', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'No, thanks' });
    expect(recordOf(site, ANA)).toMatchObject({ state: 'declined' });
    await setPolicy(site, { mode: 'auto' });
    site.platform.restart();
    await readsAPage(site, ANA, 'P35D');
    await readsAPage(site, ANA);
    expect(personalSpacesOf(site, ANA)).toEqual([]);
    expect((await site.notices.load(ANA)).backgroundScript).toBe(false);
  });

  it('asks again 30 days after "Not now"', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Not now' });
    await readsAPage(site, ANA, 'P29D');
    await readsAPage(site, ANA, 'PT1H');
    expect((await site.notices.load(ANA)).flags).toEqual([]);
    await site.advance('P2D');
    await readsAPage(site, ANA);
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('keeps an open offer while the policy is off, and shows it again afterwards', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await setPolicy(site, { mode: 'off' });
    const { flags } = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
    expect(flags[0]).toMatchObject({ title: 'Your space couldn’t be created', description: expect.stringContaining('don’t offer') });
    expect(await site.notices.load(ANA)).toMatchObject({ flags: [] });
    expect(await site.notices.load(ANA)).toMatchObject({ backgroundScript: false, flags: [] });
    await setPolicy(site, { mode: 'ask' });
    // The schedule raises it again.
    await site.advance('PT20M');
    expect((await site.notices.load(ANA)).flags).toHaveLength(1);
  });

  it('adopts the space that Confluence created before the click', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    site.createNatively(ANA);
    await site.advance('PT2S');
    const { flags } = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
    expect(flags[0]).toMatchObject({ title: 'Your personal space is ready', description: expect.stringContaining('Only you') });
    expect(letIn(site, ANA)).toHaveLength(1);
  });

  it('explains a refusal to the person who asked', async () => {
    const site = startAlone({ settings: { asUserPersonalCreate: 'refused' } });
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    const { flags } = await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Create my space' });
    expect(flags[0]).toMatchObject({ title: 'Your space couldn’t be created', description: expect.stringContaining('doesn’t let') });
  });
});

describe('the notice', () => {
  it('is gone on every device once it is dismissed', async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'auto' });
    await readsAPage(site, ANA);
    await site.notices.load(ANA);
    await site.notices.press({ accountId: ANA, flag: 'homestead-notice', action: 'Not now' });
    expect(site.state().userProperties[ANA]).toBeUndefined();
    expect(await site.notices.load(ANA)).toMatchObject({ backgroundScript: false, flags: [] });
    await readsAPage(site, ANA);
    expect((await site.notices.load(ANA)).flags).toEqual([]);
  });

  it("belongs to one person: nobody can read or answer someone else's", async () => {
    const site = startAlone();
    await setPolicy(site, { mode: 'ask' });
    await readsAPage(site, ANA);
    expect(await person(site, 'notice.get', accountIdOf(3))).toMatchObject({ ok: true, data: { kind: 'none' } });
    expect(await person(site, 'offer.never', accountIdOf(3))).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(await person(site, 'offer.create', accountIdOf(3))).toMatchObject({ ok: false, error: { code: 'not-found' } });
    expect(await person(site, 'notice.get', null)).toMatchObject({ ok: false, error: { code: 'not-signed-in' } });
    expect(recordOf(site, ANA)).toMatchObject({ state: 'offered' });
  });

  it('costs no invocation for people who have none', async () => {
    const site = startAlone();
    for (let n = 1; n < 60; n += 1) await site.notices.load(accountIdOf(n));
    expect(site.usage().frontend.requests).toBe(0);
    expect(site.usage().invocations).toEqual({});
  });
});

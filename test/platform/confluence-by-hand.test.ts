/** What the control API does on behalf of people: what they could do themselves, and no more. */
import { describe, expect, it } from 'vitest';
import { act, addSpace, changeSpace } from '../emulator/confluence/by-hand';
import { isOpen, openGrants } from '../emulator/confluence/state';
import { ControlError } from '../emulator/control-error';
import { APP, START, startConfluence } from '../support/confluence';
import { ADMIN_ACCOUNT_ID, ANA, accountIdOf, OWNER } from '../support/site';

const DAY = 86_400_000;
const daysAgo = (days: number): string => new Date(START - days * DAY).toISOString();
const refused = (status: 400 | 404, message: RegExp) => expect.objectContaining({ status, message: expect.stringMatching(message) });
const rows = <T = Record<string, unknown>>(answer: { body: unknown }): T[] => (answer.body as { results: T[] }).results;

/** The error that an action is refused with, or null. */
function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof ControlError) return error;
    throw error;
  }
  return null;
}

describe('a space created by hand', () => {
  it('is new, and Confluence sends an event about it', async () => {
    const t = startConfluence();
    const space = addSpace(t.site, { owner: ANA, access: 'private', labels: ['keep'] });
    expect(space).toMatchObject({ type: 'personal', status: 'current', spaceOwnerId: ANA, createdAt: new Date(START).toISOString() });
    expect(t.events).toMatchObject([{ eventType: 'avi:confluence:created:space:V2', atlassianId: ANA }]);
    expect(rows(await t.ask(t.token(ANA), 'GET', `/wiki/api/v2/spaces?ids=${space.id}`))).toEqual([]);
    await t.wait('PT2S');
    expect(rows(await t.ask(t.token(ANA), 'GET', `/wiki/api/v2/spaces?ids=${space.id}&labels=keep`))).toHaveLength(1);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(404);
  });

  it('in the past sends no event and appears in lists without a lag', async () => {
    const t = startConfluence();
    const input = {
      owner: ANA,
      status: 'archived',
      createdAt: daysAgo(400),
      pages: [{ title: 'Plans', updated: daysAgo(300), by: OWNER }],
    };
    const space = addSpace(t.site, { ...input, comments: [{ by: OWNER, at: daysAgo(10) }] });
    expect(space).toMatchObject({ status: 'archived', createdAt: daysAgo(400) });
    expect(t.events).toEqual([]);
    expect(rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces?ids=${space.id}&status=archived`))).toHaveLength(1);
    const cql = encodeURIComponent(`space = "${space.key}" order by lastmodified desc`);
    const hits = await t.ask(APP, 'GET', `/wiki/rest/api/search?cql=${cql}&includeArchivedSpaces=true`);
    expect(rows(hits)).toMatchObject([
      { title: 'Re: Overview', lastModified: daysAgo(10) },
      { title: 'Plans', lastModified: daysAgo(300) },
      { title: 'Overview', lastModified: daysAgo(400) },
    ]);
  });

  it('is as old as its oldest page unless told otherwise', () => {
    const t = startConfluence();
    const space = addSpace(t.site, { owner: ANA, pages: [{ title: 'Old', updated: daysAgo(30) }] });
    expect(space.createdAt).toBe(daysAgo(30));
    expect(t.events).toHaveLength(1);
  });

  it('is refused as a whole if anything about it is wrong', () => {
    const t = startConfluence();
    const before = t.site.state.spaces.length;
    const make = (input: object) => errorOf(() => addSpace(t.site, { owner: ANA, ...input }));
    expect(errorOf(() => addSpace(t.site, { owner: 'nobody' }))).toEqual(refused(404, /nobody/));
    expect(errorOf(() => addSpace(t.site, { owner: OWNER }))).toEqual(refused(400, /has a personal space/));
    expect(make({ createdAt: 'yesterday' })).toEqual(refused(400, /not a time/));
    expect(make({ createdAt: daysAgo(-1) })).toEqual(refused(400, /future/));
    expect(make({ createdAt: daysAgo(1), pages: [{ title: 'Older', updated: daysAgo(2) }] })).toEqual(refused(400, /older than the space/));
    expect(make({ comments: [{ by: 'nobody', at: daysAgo(1) }] })).toEqual(refused(404, /nobody/));
    expect(make({ color: 'red' })).toEqual(refused(400, /color/));
    expect(t.site.state.spaces).toHaveLength(before);
    expect(t.events).toEqual([]);
  });
});

describe('a space changed by hand', () => {
  it('can be archived and restored by its owner, with one event each', () => {
    const t = startConfluence();
    const id = String(t.personalSpace(OWNER).id);
    expect(changeSpace(t.site, id, { by: OWNER, status: 'archived' })).toMatchObject({ id, status: 'archived' });
    expect(changeSpace(t.site, id, { by: OWNER, status: 'current' })).toMatchObject({ id, status: 'current' });
    expect(t.events).toMatchObject(
      ['archived', 'current'].map((status) => ({
        eventType: 'avi:confluence:updated:space:V2',
        atlassianId: OWNER,
        selfGenerated: false,
        space: { status },
      })),
    );
  });

  it('can be restored from the trash only by an administrator, and is purged 60 days after it was last trashed', async () => {
    const t = startConfluence();
    const { id } = t.personalSpace(OWNER);
    const change = (by: string, status: string) => errorOf(() => changeSpace(t.site, String(id), { by, status }));
    expect(change(OWNER, 'trashed')).toBeNull();
    expect(change(OWNER, 'current')).toEqual(refused(400, /only administrators/));
    expect(change(ADMIN_ACCOUNT_ID, 'archived')).toEqual(refused(400, /cannot be archived/));
    await t.wait('P30D');
    expect(change(ADMIN_ACCOUNT_ID, 'current')).toBeNull();
    expect(change(OWNER, 'trashed')).toBeNull();
    await t.wait('P59D');
    expect(t.site.state.spacesById.has(id)).toBe(true);
    await t.wait('P1D');
    expect(t.site.state.spacesById.has(id)).toBe(false);
    expect(t.events.at(-1)).toMatchObject({ eventType: 'avi:confluence:deleted:space:V2' });
  });

  it('can be made private and open again by its owner, and the app loses and regains its default access', async () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    changeSpace(t.site, String(space.id), { by: OWNER, access: 'private' });
    expect(isOpen(space)).toBe(false);
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(404);
    changeSpace(t.site, String(space.id), { by: OWNER, access: 'licensed' });
    expect(space.grants).toEqual(openGrants(OWNER));
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${space.id}`)).status).toBe(200);
    expect(t.events.map((event) => event.eventType)).toEqual(Array(2).fill('avi:confluence:permissions_updated:space:V2'));
  });

  it('stays as it was if the person is not allowed to change it', () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    const before = { ...space };
    const change = (input: object, id = String(space.id)) => errorOf(() => changeSpace(t.site, id, input));
    expect(change({ by: ANA, status: 'archived' })).toEqual(refused(400, /does not administer/));
    expect(change({ by: 'nobody', status: 'archived' })).toEqual(refused(404, /nobody/));
    expect(change({ by: OWNER, status: 'archived' }, '1')).toEqual(refused(404, /no space 1/));
    expect(change({ by: OWNER })).toEqual(refused(400, /status.*access/));
    expect(change({ by: OWNER, status: 'deleted' })).toEqual(refused(400, /status/));
    t.person(OWNER).accountStatus = 'inactive';
    expect(change({ by: OWNER, status: 'archived' })).toEqual(refused(400, /cannot use Confluence/));
    expect(space).toEqual(before);
    expect(t.events).toEqual([]);
    expect(change({ by: ADMIN_ACCOUNT_ID, status: 'archived' })).toBeNull();
  });
});

describe('what one person does', () => {
  it('sends events for their views, edits and comments', () => {
    const t = startConfluence();
    const { id, homepageId } = t.personalSpace(OWNER);
    const input = { accountId: ANA, spaceId: String(id), views: 2, edits: 1, comments: 1 };
    expect(act(t.site, input)).toEqual({ people: 1, views: 2, edits: 1, comments: 1 });
    expect(t.events.map((event) => event.eventType)).toEqual(
      ['viewed:page', 'viewed:page', 'updated:page', 'created:comment'].map((name) => `avi:confluence:${name}`),
    );
    expect(t.events.at(-1)).toMatchObject({
      atlassianId: ANA,
      content: { type: 'comment', space: { id }, container: { id: String(homepageId), type: 'page' } },
    });
  });

  it('on a restricted page is visible to nobody else and sends no event', async () => {
    const t = startConfluence({ listLag: 'PT0S' });
    const { id } = t.personalSpace(OWNER);
    act(t.site, { accountId: OWNER, spaceId: String(id), restricted: true, views: 1, edits: 1, comments: 1 });
    expect(t.events).toEqual([]);
    const titles = async (accountId: string) =>
      rows(await t.ask(t.token(accountId), 'GET', `/wiki/api/v2/spaces/${id}/pages?limit=250`)).map((page) => page.title);
    expect(await titles(OWNER)).toContain('Private notes 1');
    expect(await titles(ANA)).not.toContain('Private notes 1');
    expect((await t.ask(APP, 'GET', `/wiki/api/v2/pages?title=Private%20notes%201`)).body).toMatchObject({ results: [] });
  });

  it('in the past takes its place there, without an event or a lag', async () => {
    const t = startConfluence();
    const { id, key } = addSpace(t.site, { owner: ANA, createdAt: daysAgo(100) });
    act(t.site, { accountId: ANA, spaceId: id, edits: 1, at: daysAgo(10) });
    act(t.site, { accountId: OWNER, spaceId: id, edits: 1, comments: 1, views: 1, at: daysAgo(50) });
    expect(t.events).toEqual([]);
    const [home] = rows(await t.ask(APP, 'GET', `/wiki/api/v2/spaces/${id}/pages`));
    expect(home).toMatchObject({ version: { number: 3, createdAt: daysAgo(10), authorId: ANA } });
    const cql = encodeURIComponent(`space = "${key}" and type = comment`);
    expect(rows(await t.ask(APP, 'GET', `/wiki/rest/api/search?cql=${cql}`))).toMatchObject([{ lastModified: daysAgo(50) }]);
  });

  it('goes to another page when the homepage is gone', () => {
    const t = startConfluence();
    const space = t.personalSpace(OWNER);
    const home = t.site.state.content.get(space.homepageId ?? 0);
    if (home) t.site.state.setContentStatus(home, 'trashed');
    expect(act(t.site, { accountId: OWNER, spaceId: String(space.id), views: 1 })).toMatchObject({ views: 1 });
    expect(t.events).toMatchObject([{ content: { title: 'Notes 1' } }]);
  });

  it('is refused, without any effect, if that person is not allowed to do it', () => {
    const t = startConfluence();
    const hidden = addSpace(t.site, { owner: ANA, access: 'private', createdAt: daysAgo(5) });
    const attempt = (input: object) => errorOf(() => act(t.site, { accountId: OWNER, ...input }));
    expect(attempt({ spaceId: hidden.id, views: 1 })).toEqual(refused(400, /sees no page/));
    expect(attempt({ accountId: accountIdOf(23), views: 1 })).toEqual(refused(400, /sees no page/));
    expect(attempt({ spaceId: '1', views: 1 })).toEqual(refused(404, /no space/));
    expect(attempt({ views: 1, edits: 1, at: daysAgo(-1) })).toEqual(refused(400, /future/));
    expect(attempt({ views: 1, edits: 1, at: daysAgo(9_999) })).toEqual(refused(400, /no such page/));
    expect(attempt({ views: -1 })).toEqual(refused(400, /views/));
    expect(t.events).toEqual([]);
  });
});

describe('what many people do', () => {
  it('is done by the first people without a visit today, spread evenly over the time', async () => {
    const t = startConfluence();
    act(t.site, { accountId: ADMIN_ACCOUNT_ID, views: 1 });
    t.events.length = 0;
    expect(act(t.site, { count: 6, spread: 'PT1H', views: 2 })).toEqual({ people: 6, views: 12, edits: 0, comments: 0 });
    expect(t.events).toHaveLength(2);
    await t.wait('PT59M');
    const visits = t.events.filter((_, i) => i % 2 === 0).map((event) => [event.atlassianId, event.eventCreatedDate]);
    expect(visits).toHaveLength(6);
    expect(visits.map(([, at]) => (Date.parse(at as string) - START) / 60_000)).toEqual([0, 10, 20, 30, 40, 50]);
    const people = visits.map(([accountId]) => accountId);
    expect(people).not.toContain(ADMIN_ACCOUNT_ID);

    t.events.length = 0;
    act(t.site, { count: 5 });
    expect(t.events).toHaveLength(5);
    expect(people.some((accountId) => t.events.some((event) => event.atlassianId === accountId))).toBe(false);
    await t.wait('P1D');
    t.events.length = 0;
    act(t.site, { count: 1 });
    expect(t.events).toMatchObject([{ atlassianId: ADMIN_ACCOUNT_ID }]);
  });

  it('is done neither by people already chosen for later nor by more people than there are', async () => {
    const t = startConfluence();
    const licensed = [...t.site.state.people.values()].filter((person) => t.site.state.isLicensed(person)).length;
    expect(act(t.site, { count: 10, spread: 'PT10M' })).toMatchObject({ people: 10 });
    expect(act(t.site, { count: 1_000, spread: 'PT10M' })).toMatchObject({ people: licensed - 10 });
    await t.wait('PT10M');
    expect(new Set(t.events.map((event) => event.atlassianId)).size).toBe(licensed);
    expect(t.events).toHaveLength(licensed);
  });

  it('leaves out people who have lost access in the meantime', async () => {
    const t = startConfluence();
    act(t.site, { count: 2, spread: 'PT10M' });
    t.person(ANA).accountStatus = 'inactive';
    await t.wait('PT10M');
    expect(t.events).toMatchObject([{ atlassianId: ADMIN_ACCOUNT_ID }]);
  });

  it('is refused if it asks for something only one person can do', () => {
    const t = startConfluence();
    expect(errorOf(() => act(t.site, { count: 2, accountId: ANA }))).toEqual(refused(400, /accountId/));
    expect(errorOf(() => act(t.site, { count: 2, spread: 'an hour' }))).toEqual(refused(400, /ISO 8601/));
  });
});

/** `confluence.js`, a client written by others, against the local site over HTTP. */
import { createV1Client, createV2Client } from 'confluence.js';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../emulator/http';
import { IDEAL_SETTINGS } from '../emulator/settings';
import { LocalSite } from '../emulator/site';
import { checkCall } from '../support/openapi';
import { ADMIN_ACCOUNT_ID } from '../support/site';

async function serve(seed: 'demo' | 'empty' = 'demo') {
  const site = new LocalSite({ seed, settings: IDEAL_SETTINGS });
  const server = await listen(site, 0);
  const problems: string[] = [];
  site.confluence.onAnswer = (request, answer) => problems.push(...checkCall(request, answer));
  onTestFinished(async () => {
    await server.close();
    site.stop();
    expect(site.allNotModelled).toEqual([]);
    expect([...new Set(problems)]).toEqual([]);
  });
  const email = site.person(ADMIN_ACCOUNT_ID).email;
  const config = { host: server.url, auth: { type: 'basic' as const, email, apiToken: 'any' } };
  return { site, v1: createV1Client(config), v2: createV2Client(config) };
}

it('lists spaces page by page and finds them all', async () => {
  const { site, v2 } = await serve();
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await v2.space.getSpaces({ type: 'personal', status: 'current', limit: 10, ...(cursor ? { cursor } : {}) });
    keys.push(...(page.results ?? []).map((s) => s.key as string));
    cursor = page._links?.next ? (new URL(page._links.next, 'http://x').searchParams.get('cursor') ?? undefined) : undefined;
  } while (cursor);
  // The admin sees only open spaces: private ones are silently left out.
  const open = site.confluence.state.spaces.filter((s) => s.type === 'personal' && s.status === 'current' && s.grants.length > 1);
  expect(keys.sort()).toEqual(open.map((s) => s.key).sort());
});

it('creates, updates, archives and deletes a space and its pages', async () => {
  const { site, v1, v2 } = await serve('empty');
  const created = await v1.space.createSpace({ key: 'GALAXY', name: 'Project Galaxy' });
  expect(created).toMatchObject({ key: 'GALAXY', type: 'global', status: 'current' });
  const space = await v2.space.getSpaceById({ id: Number(created.id) });
  expect(space.homepageId).toBeTruthy();

  const page = await v2.page.createPage({
    body: { spaceId: String(space.id), status: 'current', title: 'Goals', body: { representation: 'storage', value: '<p>One</p>' } },
  });
  const updated = await v2.page.updatePage({
    id: Number(page.id),
    body: {
      id: String(page.id),
      status: 'current',
      title: 'Goals',
      body: { representation: 'storage', value: '<p>Two</p>' },
      version: { number: 2, message: 'second' },
    },
  });
  expect(updated).toMatchObject({ version: { number: 2 } });
  const read = await v2.page.getPageById({ id: Number(page.id), bodyFormat: 'storage' });
  expect(JSON.stringify(read)).toContain('<p>Two</p>');
  await v2.page.deletePage({ id: Number(page.id) });

  await v1.space.updateSpace({ spaceKey: 'GALAXY', name: 'Galaxy', status: 'archived' });
  expect((await v2.space.getSpaces({ keys: ['GALAXY'], status: 'archived' })).results).toHaveLength(1);
  const task = await v1.space.deleteSpace({ spaceKey: 'GALAXY' });
  expect(task.id).toBeTruthy();
  await site.advance('PT10S');
  expect((await v2.space.getSpaces({ keys: ['GALAXY'], status: 'archived' })).results).toEqual([]);
});

it('gets the same errors as from a real site', async () => {
  const { v1, v2 } = await serve();
  await expect(v2.space.getSpaceById({ id: 1 })).rejects.toMatchObject({ status: 404 });
  await v1.space.createSpace({ key: 'TWICE', name: 'Once' });
  await expect(v1.space.createSpace({ key: 'TWICE', name: 'Twice' })).rejects.toMatchObject({ status: 400 });
});

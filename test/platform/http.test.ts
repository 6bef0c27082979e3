/** The local site over HTTP: the control API's shapes and errors, the CSP, and the start command. */
import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PROJECT_ROOT } from '../emulator/forge/manifest';
import { listen } from '../emulator/http';
import { LocalSite } from '../emulator/site';
import { ADMIN_ACCOUNT_ID, ANA } from '../support/site';

async function serve(options = {}) {
  const site = new LocalSite(options);
  const server = await listen(site, 0);
  onTestFinished(async () => {
    await server.close();
    site.stop();
  });
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
    };
  };
  return { site, call, url: server.url };
}

const STATE_PARTS = ['audit', 'kvs', 'spaceProperties', 'spaces', 'sql', 'userProperties'];

describe('the control API', () => {
  it('answers in the shapes its contract promises', async () => {
    const { call } = await serve();
    expect((await call('GET', '/_local/status')).body).toMatchObject({
      ready: true,
      now: '2026-11-23T09:00:00.000Z',
      people: 120,
      spaces: { personal: { current: 46, archived: 8, trashed: 3 }, global: 3 },
      app: { installed: true },
    });
    expect((await call('PATCH', '/_local/site', { nativeAutoCreate: true, eventDelay: 'PT9S' })).body).toMatchObject({
      nativeAutoCreate: true,
      eventDelay: 'PT9S',
      hourlyPoints: 65000,
    });
    expect((await call('POST', '/_local/activity', { accountId: ANA, views: 2 })).status).toBe(200);
    // Two views, and the space that Confluence created at the first one: provisioning and the directory both hear of it.
    expect((await call('POST', '/_local/clock', { advance: 'PT20S' })).body).toEqual({
      now: '2026-11-23T09:00:20.000Z',
      ran: { trigger: 4, consumer: 0, scheduledTrigger: 0 },
      running: 0,
    });
    expect((await call('GET', '/_local/usage')).body).toMatchObject({
      rest: { requests: 0 },
      kvs: { transactions: 0 },
      queue: { pushes: 0 },
      invocations: { 'trigger:activity': { count: 2 } },
      notModelled: [],
    });
    const page = (await call('GET', '/_local/people?limit=2')).body;
    expect(page.results[0]).toMatchObject({
      accountId: ADMIN_ACCOUNT_ID,
      groups: ['confluence-users-example', 'confluence-admins-example'],
      licensed: true,
    });
    expect((await call('GET', `/_local/people?limit=2&cursor=${page.cursor}`)).body.results).toHaveLength(2);
    const created = (await call('POST', '/_local/people', { displayName: 'New Person' })).body;
    expect(
      (
        await call('POST', '/_local/spaces', {
          owner: created.accountId,
          status: 'archived',
          access: 'private',
          pages: [{ title: 'Old', updated: '2026-01-01T00:00:00.000Z' }],
        })
      ).body,
    ).toMatchObject({ type: 'personal', status: 'archived' });
    expect((await call('PATCH', `/_local/people/${created.accountId}`, { accountStatus: 'inactive' })).body).toMatchObject({
      accountStatus: 'inactive',
      licensed: false,
    });
    expect(
      (await call('POST', '/_local/invoke', { module: 'admin', functionKey: 'policy.get', payload: {}, accountId: ADMIN_ACCOUNT_ID })).body,
    ).toMatchObject({ result: { ok: true } });
    expect(
      (await call('POST', '/_local/invoke', { module: 'admin', functionKey: 'nothing', payload: {}, accountId: ADMIN_ACCOUNT_ID })).body,
    ).toMatchObject({ result: { ok: false, error: { code: 'bad-request', details: { problem: expect.stringContaining('nothing') } } } });
    expect((await call('GET', `/_local/notices?accountId=${ANA}`)).body).toEqual({ backgroundScript: false, flags: [], tookMs: 0 });
    expect(Object.keys((await call('GET', '/_local/state')).body).sort()).toEqual(STATE_PARTS);
    expect((await call('DELETE', '/_local/usage')).status).toBe(200);
    expect((await call('DELETE', '/_local/faults')).status).toBe(200);
  });

  it.each([
    ['POST', '/_local/clock', { advance: 'soon' }, 400],
    ['POST', '/_local/clock', {}, 400],
    ['POST', '/_local/clock', '{', 400],
    ['PATCH', '/_local/site', { roleMode: 'SOME' }, 400],
    ['PATCH', '/_local/site', { nope: 1 }, 400],
    ['PATCH', '/_local/site', { createSpaceGroups: ['nobody'] }, 400],
    ['PATCH', '/_local/people/nobody', {}, 404],
    ['POST', '/_local/spaces', { owner: 'nobody' }, 404],
    ['POST', '/_local/activity', { accountId: 'nobody' }, 404],
    ['POST', '/_local/faults', { target: 'moon' }, 400],
    ['GET', '/_local/notices?accountId=nobody', undefined, 404],
    ['GET', '/_local/nothing', undefined, 404],
  ])('answers %s %s %j with %i and an error', async (method, path, body, status) => {
    const { call } = await serve();
    const answer = await call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toEqual(expect.any(String));
  });
});

describe('Confluence over HTTP', () => {
  it('accepts people by account id or email, and nobody else', async () => {
    const { call, site } = await serve();
    const basic = (name: string) => ({ authorization: `Basic ${Buffer.from(`${name}:any`).toString('base64')}` });
    for (const name of [ANA, site.person(ANA).email]) {
      expect((await call('GET', '/wiki/rest/api/user/current', undefined, basic(name))).body.accountId).toBe(ANA);
    }
    expect((await call('GET', '/wiki/rest/api/user/current', undefined, basic('nobody'))).status).toBe(401);
    expect((await call('GET', '/wiki/api/v2/spaces')).status).toBe(401);
  });

  it('reports what it does not model, and keeps a list of it', async () => {
    const { call } = await serve();
    const answer = await call('GET', '/wiki/api/v2/whiteboards/1', undefined, {
      authorization: `Basic ${Buffer.from(`${ANA}:x`).toString('base64')}`,
    });
    expect(answer).toMatchObject({ status: 501, body: { message: 'not modelled: GET /wiki/api/v2/whiteboards/1' } });
    expect((await call('GET', '/_local/usage')).body.notModelled).toEqual(['GET /wiki/api/v2/whiteboards/1']);
  });

  it('serves the app under the CSP that @forge/csp computes, without unsafe-inline', async () => {
    const { call } = await serve();
    const page = await call('GET', '/_forge/ui/admin/index.html');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain('sandbox ');
    expect(policy).not.toContain('unsafe-');
    expect(page.body).toMatch(/<head><script src="\/_forge\/bridge.js">/);
    expect((await call('GET', '/_forge/ui/admin/..%2f..%2f..%2fpackage.json')).status).toBe(404);
  });
});

describe('npm start', () => {
  it('prints one line when it is ready, exits at once on SIGTERM, and explains its options', async () => {
    const start = (...args: string[]) =>
      spawn(process.execPath, ['.ci/prepare.mjs', '--start', ...args], {
        cwd: PROJECT_ROOT,
      });
    const run = (...args: string[]) =>
      new Promise<{ code: number | null; out: string; err: string }>((done) => {
        const child = start(...args);
        let out = '';
        let err = '';
        child.stdout.on('data', (d) => {
          out += d;
          if (out.includes('ready')) child.kill('SIGTERM');
        });
        child.stderr.on('data', (d) => {
          err += d;
        });
        child.on('close', (code) => done({ code, out, err }));
      });
    const ready = await run('--port', '0', '--seed', 'empty', '--app', 'off');
    expect(ready.out).toMatch(/^Local site ready at http:\/\/127\.0\.0\.1:\d+\/wiki\n$/);
    expect(ready.code).toBe(0);
    expect((await run('--help')).out).toContain('--port N');
    expect(await run('--seed', 'huge')).toMatchObject({ code: 2, err: expect.stringContaining("not 'huge'") });
    expect(await run('--color', 'red')).toMatchObject({ code: 2 });
  }, 60_000);
});

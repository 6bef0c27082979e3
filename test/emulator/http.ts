/**
 * The local site over HTTP. Two origins on one port: pages, REST and the control API on 127.0.0.1,
 * and the app's Custom UI on localhost, so that its iframe is cross-origin as in production.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Caller } from './confluence/access';
import { errorBody, familyOf } from './confluence/operation';
import { ControlError } from './control-error';
import { contentType, policyOf, resourceFile, transformIndex } from './forge/custom-ui';
import { emptyJournal } from './pages/journal';
import { pages } from './pages/pages';
import { themeCss } from './pages/theme';
import { sessionPerson } from './pages/visitor';
import type { LocalSite } from './site';

export interface RunningServer {
  url: string;
  close(): Promise<void>;
}

/** Serves the site on 127.0.0.1; port 0 picks a free one. */
export async function listen(site: LocalSite, port: number): Promise<RunningServer> {
  const app = application(site);
  const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
  await new Promise<void>((done, fail) => {
    server.once('listening', done);
    server.once('error', fail);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  site.confluence.baseUrl = url;
  return {
    url,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

const SCRIPTS = resolve(import.meta.dirname, 'pages');

function application(site: LocalSite): Hono {
  const app = new Hono();
  const journal = emptyJournal();
  for (const name of ['bridge.js', 'host.js', 'page.js']) app.get(`/_forge/${name}`, () => script(name));
  app.get('/_forge/theme.css', async () => new Response(await themeCss(), { headers: { 'content-type': 'text/css; charset=utf-8' } }));
  app.get('/_forge/ui/:resource/*', (c) => customUi(site, c));
  app.route('/_local', control(site));
  app.post('/_forge/invoke', async (c) => {
    const call = z
      .object({ moduleKey: z.string(), functionKey: z.string(), payload: z.unknown().optional(), extension: z.unknown().optional() })
      .safeParse(await c.req.json().catch(() => null));
    if (!call.success) return c.json({ error: { name: 'Error', message: 'not a call' } }, 400);
    const { moduleKey, functionKey, payload, extension } = call.data;
    const person = sessionPerson(site, c);
    try {
      const result = await site.platform.invokeResolver(moduleKey, functionKey, payload, person?.accountId ?? null, {
        extension,
        locale: person?.locale,
      });
      if (person) journal.note(person.accountId, `called ${moduleKey}.${functionKey}`);
      return c.json({ result });
    } catch (error) {
      return c.json({ error: { name: (error as Error).name, message: (error as Error).message } });
    }
  });
  for (const prefix of ['/wiki/rest/*', '/wiki/api/*', '/gateway/api/graphql']) app.all(prefix, (c) => product(site, c));
  app.route('/', pages(site, journal));
  app.notFound((c) => {
    const call = `${c.req.method} ${new URL(c.req.url).pathname}`;
    site.usageCounters.notModelled.push(call);
    return c.json({ message: `not modelled: ${call}` }, 501);
  });
  app.onError((error, c) => {
    if (error instanceof ControlError) return c.json({ error: error.message }, error.status);
    process.stderr.write(`${error.stack ?? error.message}\n`);
    return c.json({ error: error.message }, 500);
  });
  return app;
}

function script(name: string): Response {
  return new Response(readFileSync(resolve(SCRIPTS, name), 'utf8'), { headers: { 'content-type': contentType('x.js') } });
}

function customUi(site: LocalSite, c: Context): Response {
  const url = new URL(c.req.url);
  const { manifest } = site.platform;
  let path: string;
  try {
    path = decodeURIComponent(url.pathname.split('/').slice(4).join('/'));
  } catch {
    return c.json({ message: 'not a path' }, 400);
  }
  const file = resourceFile(manifest, c.req.param('resource') ?? '', path || 'index.html');
  if (!file) return c.json({ message: 'no such resource' }, 404);
  let body: Buffer;
  try {
    body = readFileSync(file);
  } catch {
    return c.json({ message: `no file ${path}` }, 404);
  }
  if (!file.endsWith('index.html')) return new Response(new Uint8Array(body), { headers: { 'content-type': contentType(file) } });
  const html = transformIndex(body.toString('utf8'), '/_forge/bridge.js');
  const hostOrigin = `http://127.0.0.1:${url.port}`;
  return new Response(html, {
    headers: { 'content-type': contentType('x.html'), 'content-security-policy': policyOf(manifest, html, hostOrigin) },
  });
}

/** The person named by Basic auth, or else by the browser's session, or else anonymous. Null for unknown names. */
function callerOf(site: LocalSite, c: Context): Caller | null {
  const header = c.req.header('authorization');
  if (!header?.startsWith('Basic ')) {
    const person = sessionPerson(site, c);
    return person ? { kind: 'person', person, viaApp: false } : { kind: 'anonymous' };
  }
  const [, credentials = ''] = header.split(' ');
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  // Account ids contain a colon, so the user name may end at any of them.
  for (let end = text.lastIndexOf(':'); end > 0; end = text.lastIndexOf(':', end - 1)) {
    const name = text.slice(0, end);
    const { people } = site.confluence.state;
    const person = people.get(name) ?? (name.includes('@') ? [...people.values()].find((p) => p.email === name) : undefined);
    if (person) return { kind: 'person', person, viaApp: false };
  }
  return null;
}

async function product(site: LocalSite, c: Context): Promise<Response> {
  const url = new URL(c.req.url);
  const caller = callerOf(site, c);
  if (!caller) return c.json(errorBody(familyOf(url.pathname), 401, 'Basic auth names nobody on this site') as object, 401);
  const request = {
    method: c.req.method,
    url: url.pathname + url.search,
    headers: c.req.raw.headers,
    body: (await c.req.text()) || undefined,
  };
  const isFrontend = c.req.header('x-forge-frontend') !== undefined;
  const answer = isFrontend
    ? await site.platform.frontendRequest(sessionPerson(site, c), request)
    : await site.confluence.request(caller, request);
  if (answer.route === null) site.usageCounters.notModelled.push(`${request.method} ${url.pathname}`);
  const text = answer.body === undefined || answer.status === 204 ? null : JSON.stringify(answer.body);
  return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json', ...answer.headers } });
}

function control(site: LocalSite): Hono {
  const api = new Hono();
  const body = async (c: Context): Promise<unknown> => {
    try {
      return await c.req.json();
    } catch {
      throw new ControlError(400, 'the body is not JSON');
    }
  };
  api.get('/status', (c) => c.json(site.status()));
  api.post('/clock', async (c) => {
    const input = (await body(c)) as { advance?: unknown };
    if (typeof input.advance !== 'string') throw new ControlError(400, "'advance' must be an ISO 8601 duration");
    return c.json(await site.advance(input.advance));
  });
  api.get('/usage', (c) => c.json(site.usage()));
  api.delete('/usage', (c) => {
    site.resetUsage();
    return c.json(site.usage());
  });
  api.get('/site', (c) => c.json(site.settings));
  api.patch('/site', async (c) => c.json(site.changeSettings(await body(c))));
  api.get('/people', (c) => c.json(site.people(c.req.query('limit'), c.req.query('cursor'))));
  api.post('/people', async (c) => c.json(site.addPerson(await body(c))));
  api.patch('/people/:accountId', async (c) => c.json(site.changePerson(c.req.param('accountId'), await body(c))));
  api.post('/spaces', async (c) => c.json(site.addSpace(await body(c))));
  api.patch('/spaces/:id', async (c) => c.json(site.changeSpace(c.req.param('id'), await body(c))));
  api.post('/events', async (c) => {
    site.sendEvent(await body(c));
    return c.json({});
  });
  api.post('/activity', async (c) => c.json(site.activity(await body(c))));
  api.post('/app', async (c) => c.json(site.changeApp(await body(c))));
  api.post('/invoke', async (c) => c.json(await site.invoke(await body(c))));
  api.get('/notices', async (c) => c.json(await site.notices.load(c.req.query('accountId') ?? '')));
  api.post('/notices', async (c) => c.json(await site.notices.press(await body(c))));
  api.post('/faults', async (c) => {
    site.addFault(await body(c));
    return c.json({});
  });
  api.delete('/faults', (c) => {
    site.clearFaults();
    return c.json({});
  });
  api.post('/sql', async (c) => c.json(site.sql(await body(c))));
  api.delete('/sql', (c) => {
    site.loseSql();
    return c.json({});
  });
  api.get('/state', (c) => c.json(site.state()));
  api.all('*', (c) => c.json({ error: `no control call ${c.req.method} ${new URL(c.req.url).pathname}` }, 404));
  api.onError((error, c) => {
    if (error instanceof ControlError) return c.json({ error: error.message }, error.status);
    return c.json({ error: error.message }, 400);
  });
  return api;
}

/**
 * What the app costs, compared side by side on local sites in one run: counts and ratios, not seconds.
 * `npm run bench`, or some parts: `npm run bench -- search weekly`
 */
import { createV1Client, createV2Client } from 'confluence.js';
import type { Caller } from '../emulator/confluence/access';
import { accountIdOf, nameOf } from '../emulator/confluence/seed';
import { personalSpaceKey } from '../emulator/confluence/state';
import { listen } from '../emulator/http';
import { LocalSite } from '../emulator/site';
import { setPolicy } from '../support/site';
import { arrivals, arrivalsAdopted } from './arrivals';
import { people, search, weekly } from './directory';
import { events, pages, storage } from './directory-use';
import { excluded } from './excluded';
import { own, person } from './person';
import { per, row, sumUp } from './table';
import { views } from './views';

/** People provisioned by each of the three approaches. */
const PEOPLE = 50;

interface Cost {
  requests: number;
  points: number;
}

/** Counts the requests to Confluence while something runs, and their points by the published rule, whoever makes them. */
async function costOf(site: LocalSite, run: () => Promise<void>): Promise<Cost> {
  const cost = { requests: 0, points: 0 };
  site.confluence.onAnswer = (request, answer) => {
    if (answer.status >= 400) throw new Error(`${request.method} ${request.url} answered ${answer.status}`);
    cost.requests += 1;
    cost.points += answer.points;
  };
  await run();
  site.confluence.onAnswer = () => {};
  return cost;
}

/** The fewest calls that could do it: one each for the person, the space, its homepage and the notice, with no second look. */
async function floor(site: LocalSite, accountId: string): Promise<void> {
  const person = site.person(accountId);
  const asPerson: Caller = { kind: 'person', person, viaApp: true };
  const send = async (caller: Caller, method: string, url: string, body?: object) =>
    (await site.confluence.request(caller, { method, url, headers: new Headers(), body: body && JSON.stringify(body) })).body as never;
  const user: { displayName: string } = await send(asPerson, 'GET', '/wiki/rest/api/user/current?expand=operations,personalSpace');
  const key = personalSpaceKey(accountId);
  const space: { _expandable: { homepage: string } } = await send(asPerson, 'POST', '/wiki/rest/api/space/_private', {
    key,
    name: user.displayName,
  });
  const id = space._expandable.homepage.split('/').at(-1) as string;
  const body = { representation: 'storage', value: `<p>Hello, I am ${user.displayName}</p>` };
  await send(asPerson, 'PUT', `/wiki/api/v2/pages/${id}`, { id, status: 'current', title: user.displayName, body, version: { number: 2 } });
  await send({ kind: 'app' }, 'POST', `/wiki/rest/api/user/${accountId}/property/notice`, { value: { pending: 'true' } });
}

/** What someone would write with the library and a token of each person, which no app has. */
async function script(url: string, email: string, accountId: string): Promise<void> {
  const config = { host: url, auth: { type: 'basic' as const, email, apiToken: 'any' } };
  const [v1, v2] = [createV1Client(config), createV2Client(config)];
  const user = await v1.users.getCurrentUser({ expand: ['personalSpace'] });
  if (user.personalSpace) return;
  const created = await v1.space.createPrivateSpace({ key: personalSpaceKey(accountId), name: user.displayName ?? accountId });
  const space = await v2.space.getSpaceById({ id: Number(created.id) });
  const page = await v2.page.getPageById({ id: Number(space.homepageId), bodyFormat: 'storage' });
  await v2.page.updatePage({
    id: Number(page.id),
    body: {
      id: String(page.id),
      status: 'current',
      title: String(page.title),
      body: { representation: 'storage', value: `<p>Hello, I am ${user.displayName}</p>` },
      version: { number: 2, message: '' },
    },
  });
  await v1.userProperties.createUserProperty({ userId: accountId, key: 'notice', value: { pending: 'true' } } as never);
}

async function provisioning(): Promise<void> {
  const site = new LocalSite({ seed: 'scale', people: PEOPLE * 3 + 10, spaces: 0 });
  site.platform.appLog = () => {};
  const server = await listen(site, 0);
  await setPolicy(site, { mode: 'auto' });
  const part = (n: number): string[] => Array.from({ length: PEOPLE }, (_, i) => accountIdOf(1 + n * PEOPLE + i));
  // A first person warms up the process, which also learns which creation call works here, and the second one by the first that
  // profiles name personal spaces. Meanwhile the directory reads the site.
  for (const n of [5, 7]) {
    site.activity({ accountId: accountIdOf(PEOPLE * 3 + n), views: 1 });
    await site.advance('PT1H');
  }

  site.resetUsage();
  const homestead = await costOf(site, async () => {
    for (const accountId of part(0)) site.activity({ accountId, views: 1 });
    await site.advance('PT5M');
  });
  const { kvs } = site.usage();
  const fewest = await costOf(site, async () => {
    for (const accountId of part(1)) await floor(site, accountId);
  });
  const library = await costOf(site, async () => {
    for (const accountId of part(2)) await script(server.url, site.person(accountId).email, accountId);
  });
  await server.close();
  site.stop();
  const created = site.confluence.state.spaces.filter((space) => space.type === 'personal').length;
  if (created !== PEOPLE * 3 + 2) throw new Error(`${created} spaces were created`);

  console.log(`\nOne person provisioned (${PEOPLE} each, built-in homepage, private; first: ${nameOf(1)})`);
  row('', 'requests', 'points');
  row('Homestead', per(homestead.requests, PEOPLE), per(homestead.points, PEOPLE));
  row('floor: the least calls that could do it', per(fewest.requests, PEOPLE), per(fewest.points, PEOPLE));
  row('plain script on confluence.js, own tokens', per(library.requests, PEOPLE), per(library.points, PEOPLE));
  row('Homestead over the floor', per(homestead.requests - fewest.requests, PEOPLE), per(homestead.points - fewest.points, PEOPLE));
  row(
    'Homestead, storage per person',
    `${per(kvs.gets, PEOPLE)} gets`,
    `${per(kvs.batches, PEOPLE)} batches`,
    `${per(kvs.transactions, PEOPLE)} transactions`,
  );
  console.log('Points of the script are what an app would pay: tokens pay none. users-bulk is counted as a read (unverified).');
}

/** People with nothing left to do, whose events keep arriving. */
const SETTLED = 1_000;

async function settled(): Promise<void> {
  const site = new LocalSite({ seed: 'scale', people: SETTLED + 1, spaces: 0, settings: { warmProcesses: 1 } });
  site.platform.appLog = () => {};
  await setPolicy(site, { mode: 'auto' });
  site.activity({ count: SETTLED, spread: 'PT30M', views: 1 });
  await site.advance('PT1H');
  const ready = Object.values(site.state().kvs.entities.person ?? {}).filter(
    (record) => (record as { state: string }).state === 'ready',
  ).length;
  if (ready !== SETTLED) throw new Error(`${ready} of ${SETTLED} are settled`);

  const cpuOf = async (count: number, eventOf: (i: number) => object): Promise<number> => {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i += 1) await site.platform.runFunction('trigger', 'on-activity', eventOf(i));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  const view = (i: number): object => ({ eventType: 'avi:confluence:viewed:page', atlassianId: accountIdOf(1 + (i % SETTLED)) });
  // An event without a person ends at once, so its cost is the platform's own work.
  const nobody = (): object => ({ eventType: 'avi:confluence:viewed:page' });
  await cpuOf(2_000, view);

  console.log(`\nActivity events of ${SETTLED} settled people, one process`);
  row('events', 'storage reads', 'REST requests', 'CPU per event', 'CPU per event');
  row('', '', '', '/ at 1,000', '/ of an empty one');
  let first = 0;
  for (const events of [1_000, 10_000, 100_000]) {
    site.platform.restart();
    site.resetUsage();
    const cpu = await cpuOf(events, view);
    const { kvs, rest } = site.usage();
    const reads = kvs.gets + kvs.batches + kvs.queries;
    const empty = await cpuOf(Math.min(events, 10_000), nobody);
    first ||= cpu;
    row(events.toLocaleString('en'), reads, rest.requests, (cpu / first).toFixed(2), (cpu / empty).toFixed(2));
  }
  console.log(`A cold process reads each person once; a warm one does not until ten minutes have passed.`);
  site.stop();
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  ...{ provisioning, settled },
  ...{ person, own, excluded, views, arrivals, 'arrivals-adopted': arrivalsAdopted },
  ...{ search, weekly, people, pages, events, storage },
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`no part '${unknown}'; there are ${Object.keys(PARTS).join(', ')}`);
  process.exit(1);
}
for (const [name, run] of Object.entries(PARTS)) if (wanted.length === 0 || wanted.includes(name)) await run();
sumUp();
process.exit(0);

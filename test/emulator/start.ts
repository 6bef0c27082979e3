/** `npm start`: the local site for people. Options: `npm start -- --help`. */
import { parseArgs } from 'node:util';
import { listen } from './http';
import { IDEAL_SETTINGS } from './settings';
import { LocalSite } from './site';

/** How soon the site notices that `npm start` was ended. */
const PARENT_CHECK_MS = 100;

/** Far beyond any site; a bound, so that a slip of a finger is an answer and not a dead machine. */
const MAX_PEOPLE = 1_000_000;

const HELP = `The local site: a Confluence to click through, with Homestead in it.

  --port N      TCP port on 127.0.0.1; 0 picks a free one (4990)
  --people N    how many people the site has (120)
  --seed NAME   demo: a believable small company; scale: uniform, for size; empty: one admin (demo)
  --spaces N    scale: how many personal spaces (as many as people)
  --active X    scale: share of spaces with a change in the last 30 days (0.1)
  --app off     the site without the app (on)
  --ideal       no call takes time, and nothing lags
  --help        this text
`;

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${HELP}`);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '4990' },
        people: { type: 'string', default: '120' },
        seed: { type: 'string', default: 'demo' },
        spaces: { type: 'string' },
        active: { type: 'string', default: '0.1' },
        app: { type: 'string', default: 'on' },
        ideal: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) fail(`--${name} takes a whole number from ${min} to ${max}, not '${text}'`);
  return value;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
// The shell that npm starts scripts in does not hand a signal on: when it is gone, so is the site.
const shell = process.ppid;
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => {
    if (process.ppid !== shell) process.exit(0);
  }, PARENT_CHECK_MS).unref();
}

const given = options();
if (given.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (given.seed !== 'demo' && given.seed !== 'scale' && given.seed !== 'empty')
  fail(`--seed takes demo, scale or empty, not '${given.seed}'`);
if (given.app !== 'on' && given.app !== 'off') fail(`--app takes on or off, not '${given.app}'`);
const active = Number(given.active);
if (!(active >= 0 && active <= 1)) fail(`--active takes a share between 0 and 1, not '${given.active}'`);
const people = whole('people', given.people, 1, MAX_PEOPLE);
const port = whole('port', given.port, 0, 65_535);

const site = new LocalSite({
  seed: given.seed,
  people,
  spaces: given.spaces === undefined ? people : whole('spaces', given.spaces, 0, MAX_PEOPLE),
  active,
  app: given.app === 'on',
  start: Date.now(),
  ...(given.ideal ? { settings: IDEAL_SETTINGS } : {}),
});
site.platform.log = (line) => process.stderr.write(`${site.clock.iso()} ${line}\n`);
// stdout is for the one line below.
site.platform.appLog = (line) => process.stderr.write(`${line}\n`);
site.clock.goLive();

try {
  const server = await listen(site, port);
  process.stdout.write(`Local site ready at ${server.url}/wiki\n`);
} catch (error) {
  process.stderr.write(
    `${(error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? `Port ${port} is in use; choose another with --port, or --port 0.` : String(error)}\n`,
  );
  process.exit(1);
}

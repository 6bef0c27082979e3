/** `npm start`: the local site for people. Options: `npm start -- --help`. */
import { parseArgs } from 'node:util';
import { listen } from './http';
import { IDEAL_SETTINGS } from './settings';
import { LocalSite } from './site';

/** How often the site checks whether `npm start` has ended. */
const PARENT_CHECK_MS = 100;

/** Far more than any real site. Keeps a typo from exhausting the machine. */
const MAX_PEOPLE = 1_000_000;

const HELP = `The local site: a Confluence site to click through, with Homestead installed.

  --port N      TCP port on 127.0.0.1; 0 picks a free one (4990)
  --people N    how many people the site has (120)
  --seed NAME   demo: a believable small company; scale: uniform, for size; empty: one admin (demo)
  --spaces N    scale: how many personal spaces (as many as people)
  --active X    scale: share of spaces with a change in the last 30 days (0.1)
  --app off     the site without the app (on)
  --directory filled   begin with Homestead's directory complete (it fills itself)
  --ideal       calls take no time, and nothing lags
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
        directory: { type: 'string' },
        ideal: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) fail(`--${name} takes a whole number from ${min} to ${max}, not '${text}'`);
  return value;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
// The shell that npm runs scripts in does not pass signals on, so the site ends when that shell is gone.
const shell = process.ppid;
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => {
    if (process.ppid !== shell) process.exit(0);
  }, PARENT_CHECK_MS).unref();
}

const flags = options();
if (flags.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (flags.seed !== 'demo' && flags.seed !== 'scale' && flags.seed !== 'empty')
  fail(`--seed takes demo, scale or empty, not '${flags.seed}'`);
if (flags.app !== 'on' && flags.app !== 'off') fail(`--app takes on or off, not '${flags.app}'`);
if (flags.directory !== undefined && flags.directory !== 'filled') fail(`--directory takes filled, not '${flags.directory}'`);
const active = Number(flags.active);
if (!(active >= 0 && active <= 1)) fail(`--active takes a share between 0 and 1, not '${flags.active}'`);
const people = wholeNumber('people', flags.people, 1, MAX_PEOPLE);
const port = wholeNumber('port', flags.port, 0, 65_535);

const site = new LocalSite({
  seed: flags.seed,
  people,
  spaces: flags.spaces === undefined ? people : wholeNumber('spaces', flags.spaces, 0, MAX_PEOPLE),
  active,
  app: flags.app === 'on',
  start: Date.now(),
  ...(flags.ideal ? { settings: IDEAL_SETTINGS } : {}),
});
site.platform.log = (line) => process.stderr.write(`${site.clock.iso()} ${line}\n`);
// stdout is reserved for the one line below.
site.platform.appLog = (line) => process.stderr.write(`${line}\n`);
if (flags.directory === 'filled') {
  try {
    await site.fillDirectory();
  } catch (error) {
    process.stderr.write(`--directory filled: ${(error as Error).message}\n`);
    process.exit(1);
  }
}
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

/**
 * What `npm start` and `npm test` need before anything else on a fresh clone: the packages of the lock
 * file, and a build of what has changed since the last one. Plain Node, because nothing is installed yet.
 * With `--start` it then becomes the local site: one process, so that a signal ends it at once.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(import.meta.dirname, '..');
const STAMPS = join(ROOT, '.cache/prepared.json');
/** `import.meta.dirname` and require(esm) arrived in these. */
const MIN_NODE = [20, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
  console.error(`Homestead needs Node ${MIN_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const stamps = existsSync(STAMPS) ? JSON.parse(readFileSync(STAMPS, 'utf8')) : {};

function digest(paths) {
  const hash = createHash('sha256');
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) if (name !== 'dist') visit(join(path, name));
    } else {
      hash.update(path.slice(ROOT.length)).update(readFileSync(path));
    }
  };
  for (const path of paths) visit(join(ROOT, path));
  return hash.digest('hex');
}

/** Runs an npm command unless its inputs are the same as last time and its outputs are there. */
function step({ name, inputs, outputs, says, command }) {
  const now = digest(inputs);
  if (stamps[name] === now && outputs.every((path) => existsSync(join(ROOT, path)))) return;
  console.error(says);
  execFileSync('npm', command, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  stamps[name] = now;
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  writeFileSync(STAMPS, JSON.stringify(stamps));
}

step({
  name: 'packages',
  inputs: ['package-lock.json'],
  outputs: ['node_modules/.package-lock.json'],
  says: 'Installing the packages of package-lock.json ...',
  // Its warnings are about peer versions that packages of packages ask for; nobody here can act on them.
  command: ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
});
step({
  name: 'build',
  inputs: ['src', 'static', 'tsconfig.json', 'package-lock.json', 'webpack.config.mjs', 'vite.config.ts'],
  outputs: [
    ...['index', 'activity', 'watch'].map((entry) => `.cache/functions/${entry}.cjs`),
    ...['admin', 'my-space', 'notice'].map((page) => `static/dist/${page}/index.html`),
  ],
  says: 'Building the functions and the pages ...',
  command: ['run', '--silent', 'build'],
});

const [flag, ...options] = process.argv.slice(2);
if (flag === '--start') {
  const { register } = await import('tsx/esm/api');
  register();
  const script = join(ROOT, 'test/emulator/start.ts');
  process.argv = [process.execPath, script, ...options];
  await import(pathToFileURL(script).href);
}

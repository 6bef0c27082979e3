/**
 * What `npm start` and `npm test` need before anything else, on a fresh clone: the packages of the
 * lock file, and a build of what has changed since the last one. Plain Node, no packages.
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
const digest = (paths) => {
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
};
const step = (name, inputs, isMissing, run) => {
  const now = digest(inputs);
  if (!isMissing && stamps[name] === now && !(name === 'build' && process.argv.includes('--force'))) return;
  run();
  stamps[name] = now;
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  writeFileSync(STAMPS, JSON.stringify(stamps));
};
const run = (command, args) => execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });

step('packages', ['package-lock.json'], !existsSync(join(ROOT, 'node_modules/.package-lock.json')), () => {
  console.error('Installing the packages of package-lock.json ...');
  run('npm', ['ci', '--no-audit', '--no-fund']);
});
const built = [
  '.cache/functions/index.cjs',
  'static/dist/admin/index.html',
  'static/dist/my-space/index.html',
  'static/dist/notice/index.html',
];
step(
  'build',
  ['src', 'static', 'tsconfig.json', 'package-lock.json', 'test/build.ts'],
  built.some((file) => !existsSync(join(ROOT, file))),
  () => {
    console.error('Building the functions and the pages ...');
    run(process.execPath, [join(ROOT, 'node_modules/tsx/dist/cli.mjs'), 'test/build.ts']);
  },
);

const [flag, ...options] = process.argv.slice(2);
if (flag === '--start') {
  const { register } = await import('tsx/esm/api');
  register();
  const script = join(ROOT, 'test/emulator/start.ts');
  process.argv = [process.execPath, script, ...options];
  await import(pathToFileURL(script).href);
}

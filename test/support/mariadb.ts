/** A real MariaDB for comparison with the local site's database: unprivileged, in a temporary folder, without a network. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { type Connection, createConnection, type ResultSetHeader } from 'mysql2/promise';
import { PROJECT_ROOT } from '../emulator/forge/manifest';
import type { LoggedStatement } from '../emulator/forge/sql';

/** Where `.ci/run` unpacks it if it may not install it. */
const UNPACKED = resolve(PROJECT_ROOT, '.cache/mariadb');
const FOLDERS = [
  process.env.HOMESTEAD_MARIADB ?? '',
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  join(UNPACKED, 'usr/sbin'),
];
const BINARY = FOLDERS.filter((folder) => folder !== '')
  .map((folder) => join(folder, 'mariadbd'))
  .find((path) => existsSync(path));
export const HAS_MARIADB = BINARY !== undefined;

/** TiDB's defaults, as far as MariaDB has them. */
const SQL_MODE = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
const START_TRIES = 200;
const TRY_MS = 50;

export interface MariaDb {
  /** Drops everything and connects. */
  fresh(): Promise<Connection>;
  stop(): Promise<void>;
}

export async function startMariaDb(): Promise<MariaDb> {
  const folder = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  const socketPath = join(folder, 's');
  const isUnpacked = BINARY?.startsWith(UNPACKED) ?? false;
  const server = spawn(
    BINARY as string,
    [
      '--no-defaults',
      `--datadir=${data}`,
      '--skip-grant-tables',
      '--skip-networking',
      `--socket=${socketPath}`,
      `--sql-mode=${SQL_MODE}`,
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_bin',
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ...(isUnpacked ? [`--basedir=${join(UNPACKED, 'usr')}`, `--lc-messages-dir=${join(UNPACKED, 'usr/share/mysql')}`] : []),
    ],
    { stdio: 'ignore', env: { ...process.env, ...(isUnpacked ? { LD_LIBRARY_PATH: libraries() } : {}) } },
  );
  const ended = new Promise<void>((done) => server.once('exit', () => done()));
  const connections: Connection[] = [];
  const connect = async (database?: string): Promise<Connection> => {
    const connection = await createConnection({
      socketPath,
      user: 'root',
      ...(database === undefined ? {} : { database }),
      charset: 'utf8mb4_bin',
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      // The flag that makes `affectedRows` count rows that changed.
      flags: ['-FOUND_ROWS'],
    });
    connections.push(connection);
    return connection;
  };
  let root: Connection | undefined;
  for (let tries = 0; !root; tries += 1) {
    try {
      root = await connect();
    } catch (error) {
      if (tries >= START_TRIES) throw error;
      await new Promise((done) => setTimeout(done, TRY_MS));
    }
  }
  return {
    async fresh() {
      await root.query('DROP DATABASE IF EXISTS forge');
      await root.query('CREATE DATABASE forge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
      return connect('forge');
    },
    async stop() {
      for (const connection of connections) connection.destroy();
      server.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function libraries(): string {
  return ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((arch) => join(UNPACKED, 'usr/lib', arch)).join(':');
}

/**
 * Replays statements, as `site.sqlLog` records them, on an empty MariaDB. Answers with the differences.
 * Rows are compared as sets unless the statement has ORDER BY. Statements that Forge or the local site refused as such
 * (limits, rates, policy, not modeled) are left out.
 */
export async function compareWithMariaDb(mariaDb: MariaDb, log: readonly LoggedStatement[]): Promise<string[]> {
  const connection = await mariaDb.fresh();
  const differences: string[] = [];
  for (const { query, params, status, answer } of log) {
    const debug = 'debug' in answer ? (answer.debug as { errno: number }) : undefined;
    if (status !== 200 && debug === undefined) continue;
    let theirs: unknown;
    try {
      // Values go into the text, so that their types are those of literals.
      const [rows] = await connection.query(query.replace(/;\s*$/, ''), params);
      theirs = Array.isArray(rows) ? rows : (rows as ResultSetHeader).affectedRows;
    } catch (error) {
      theirs = `error ${(error as { errno: number }).errno}`;
    }
    const isOrdered = /\bORDER\s+BY\b/i.test(query);
    const ours = debug ? `error ${debug.errno}` : Array.isArray(answer) ? answer : (answer as { affectedRows: number }).affectedRows;
    const [left, right] = [normal(ours, isOrdered), normal(theirs, isOrdered)];
    if (left !== right) differences.push(`${query} ${JSON.stringify(params)}\n  local site: ${left}\n  MariaDB:    ${right}`);
  }
  return differences;
}

/** Every value as text: the width of computed numbers differs between MariaDB and TiDB. */
function normal(answer: unknown, isOrdered: boolean): string {
  if (!Array.isArray(answer)) return String(answer);
  const rows = answer.map((row: Record<string, unknown>) =>
    JSON.stringify(Object.values(row).map((value) => (value === null ? null : String(value)))),
  );
  return (isOrdered ? rows : rows.sort()).join('\n');
}

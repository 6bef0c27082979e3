/**
 * The directory's tables, and how they come to be. The database can be lost at any time: then they are made again,
 * under a new incarnation, and everything is read again.
 */
import { randomUUID } from 'node:crypto';
import { migrationRunner } from '@forge/sql';
import { z } from 'zod';
import { orWhenMissing, SqlError } from '../forge/errors';
import { log } from '../forge/log';
import { change, select, toSqlError } from '../forge/sql';

/**
 * Days are text, `YYYY-MM-DD`; times are ms. Each statement may run twice: the package's runner takes no lock.
 * A secondary index costs 4 to 5 MB at 100,000 rows, so there are few: a scan of all rows takes tens of milliseconds.
 */
const MIGRATIONS: readonly { name: string; statement: string }[] = [
  {
    name: 'v1-meta',
    statement: 'CREATE TABLE IF NOT EXISTS meta (name VARCHAR(40) NOT NULL PRIMARY KEY, value VARCHAR(200) NOT NULL)',
  },
  {
    name: 'v1-spaces',
    statement: `CREATE TABLE IF NOT EXISTS spaces (
      id VARCHAR(20) NOT NULL PRIMARY KEY,
      space_key VARCHAR(255),
      owner_id VARCHAR(128),
      owner_standing VARCHAR(12) NOT NULL,
      status VARCHAR(10) NOT NULL,
      status_at BIGINT NOT NULL,
      visible TINYINT NOT NULL,
      access VARCHAR(10) NOT NULL,
      created_on CHAR(10),
      settled_on CHAR(10),
      changed_on CHAR(10),
      changed_by VARCHAR(8),
      changed_by_on CHAR(10),
      unchanged_since CHAR(10),
      checked_on CHAR(10),
      visited_on CHAR(10),
      untouched TINYINT,
      pages VARCHAR(8),
      origin VARCHAR(8),
      template VARCHAR(40),
      first_seen_on CHAR(10) NOT NULL,
      promise VARCHAR(10),
      deadline_on CHAR(10),
      record_revision INT NOT NULL,
      listed_pass INT NOT NULL,
      asked_pass INT NOT NULL
    )`,
  },
  { name: 'v1-spaces-owner', statement: 'CREATE INDEX IF NOT EXISTS spaces_owner ON spaces (owner_id)' },
  {
    name: 'v1-people',
    statement: `CREATE TABLE IF NOT EXISTS people (
      id VARCHAR(128) NOT NULL PRIMARY KEY,
      standing VARCHAR(12) NOT NULL,
      group_set TEXT NOT NULL,
      bucket BIGINT NOT NULL,
      space_id VARCHAR(20),
      look TINYINT NOT NULL,
      state VARCHAR(10),
      state_reason VARCHAR(40),
      state_until BIGINT,
      state_how VARCHAR(10),
      state_version INT,
      record_revision INT NOT NULL,
      outcome VARCHAR(10),
      reason VARCHAR(40),
      rule_id VARCHAR(40),
      policy_version INT,
      gone_since CHAR(10),
      seen_on CHAR(10) NOT NULL
    )`,
  },
  {
    // Which groups a person is in; only groups that give a license or that the policy names. `changed`: 1 = new, 2 = gone;
    // 3 and 4 = the same, and being put into the person's row.
    name: 'v1-memberships',
    statement: `CREATE TABLE IF NOT EXISTS memberships (
      account_id VARCHAR(128) NOT NULL,
      group_number INT NOT NULL,
      is_guest TINYINT NOT NULL,
      pass INT NOT NULL,
      changed TINYINT NOT NULL,
      PRIMARY KEY (account_id, group_number)
    )`,
  },
  {
    name: 'v1-read-groups',
    statement: `CREATE TABLE IF NOT EXISTS read_groups (
      id VARCHAR(100) NOT NULL PRIMARY KEY,
      group_number INT NOT NULL,
      is_licensed TINYINT NOT NULL,
      members INT NOT NULL,
      read_members INT,
      read_at BIGINT,
      counted_at BIGINT
    )`,
  },
  {
    // What a plan has frozen: ids of spaces or people. What was done about them is in storage, not here.
    name: 'v1-run-rows',
    statement: `CREATE TABLE IF NOT EXISTS run_rows (
      run_id VARCHAR(64) NOT NULL,
      subject VARCHAR(128) NOT NULL,
      expires_on CHAR(10) NOT NULL,
      PRIMARY KEY (run_id, subject)
    )`,
  },
];

const MetaRow = z.object({ name: z.string(), value: z.string() });

/** Which life of the database this is; another one has forgotten everything. */
export interface Incarnation {
  id: string;
  /** Since when events are noted (ms). */
  watchingSince: number;
}

interface Meta {
  incarnation: Incarnation | null;
  isUpToDate: boolean;
}

async function readMeta(): Promise<Meta> {
  const rows = await select({ sql: 'SELECT name, value FROM meta', params: [] }, MetaRow);
  const meta = new Map(rows.map(({ name, value }) => [name, value]));
  const [id, since] = meta.get('incarnation')?.split(' ') ?? [];
  return {
    incarnation: id === undefined || since === undefined ? null : { id, watchingSince: Number(since) },
    isUpToDate: meta.get('migrations') === String(MIGRATIONS.length),
  };
}

/** null = there are no tables, or not all of them. @throws SqlError busy or failed */
export async function readIncarnation(): Promise<Incarnation | null> {
  const meta = await orWhenMissing(null, readMeta);
  return meta?.isUpToDate ? meta.incarnation : null;
}

/**
 * Makes what is missing of the tables. Called by the agenda and by the first admin who opens a page.
 * @throws SqlError when the database is busy, or not there at all
 */
export async function ensureSchema(now: number): Promise<Incarnation> {
  const known = await readIncarnation();
  if (known) return known;
  for (const { name, statement } of MIGRATIONS) migrationRunner.enqueue(name, statement);
  try {
    const ran = await migrationRunner.run();
    if (ran.length > 0) log('directory-tables-made', { count: ran.length });
  } catch (error) {
    throw toSqlError(error instanceof Error && error.cause ? error.cause : error);
  }
  // Of two that begin at once, the first one's incarnation stays.
  const upsert = 'INSERT INTO meta (name, value) VALUES (?, ?) ON DUPLICATE KEY UPDATE value = ';
  await change({ sql: `${upsert}value`, params: ['incarnation', `${randomUUID()} ${now}`] });
  await change({ sql: `${upsert}VALUES(value)`, params: ['migrations', String(MIGRATIONS.length)] });
  const made = await readIncarnation();
  if (!made) throw new SqlError('busy', 'NOT_READY', 'the tables were made and are not there');
  return made;
}

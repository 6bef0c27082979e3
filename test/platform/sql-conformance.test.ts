/** Every form of statement that the gate lets through means the same on the local site and on a real MariaDB. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock } from '../emulator/clock';
import { type LoggedStatement, Sql } from '../emulator/forge/sql';
import { DEFAULT_SETTINGS } from '../emulator/settings';
import { noUsage } from '../emulator/usage';
import { compareWithMariaDb, HAS_MARIADB, type MariaDb, startMariaDb } from '../support/mariadb';

type Step = [query: string, params?: (string | number | boolean | null)[]];

const TABLES: Step[] = [
  [
    `CREATE TABLE IF NOT EXISTS thing (id VARCHAR(40) NOT NULL, kind VARCHAR(20), size INT NOT NULL DEFAULT 0, at BIGINT,
      note TEXT, PRIMARY KEY (id))`,
  ],
  ['CREATE TABLE IF NOT EXISTS tag (thing VARCHAR(40) NOT NULL, name VARCHAR(20) NOT NULL, PRIMARY KEY (thing, name))'],
  ['CREATE INDEX IF NOT EXISTS by_kind ON thing (kind, id)'],
  [
    'INSERT INTO thing (id, kind, size, at, note) VALUES (?, ?, ?, ?, ?), (?, ?, ?, ?, ?), (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)',
    ['a', 'x', 1, 1_700_000_000_000, 'one', 'b', 'x', 2, 5, null, 'C', 'y', 3, null, 'é 50%', 'd', null, 4, 9, 'x_y'],
  ],
  ['INSERT INTO tag (thing, name) VALUES (?, ?), (?, ?), (?, ?)', ['a', 'red', 'a', 'blue', 'b', 'red']],
];
const UPSERT = `INSERT INTO thing (id, size, at) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE
  size = CASE WHEN at IS NULL OR VALUES(at) > at THEN VALUES(size) ELSE size END,
  at = CASE WHEN at IS NULL OR VALUES(at) > at THEN VALUES(at) ELSE at END`;
const ALL: Step = ['SELECT * FROM thing ORDER BY id'];

const SCENES: Record<string, Step[]> = {
  reads: [
    ['SELECT id, size FROM thing WHERE kind = ? AND size BETWEEN ? AND ? ORDER BY id', ['x', 1, 2]],
    ['SELECT id FROM thing WHERE kind IN (?, ?) OR kind IS NULL ORDER BY kind, id', ['x', 'z']],
    ['SELECT id FROM thing WHERE NOT (kind <=> ?) ORDER BY id DESC LIMIT 2', ['x']],
    ['SELECT id FROM thing WHERE note LIKE ? ORDER BY id', ['%\\%']],
    ['SELECT id FROM thing WHERE id LIKE ? ORDER BY id', ['c%']],
    ['SELECT id FROM thing WHERE size < ? OR (size = ? AND id > ?) ORDER BY size, id LIMIT 3', [3, 3, 'a']],
    ['SELECT id FROM thing WHERE (size, id) > (?, ?) ORDER BY size, id', [2, 'a']],
    ['SELECT kind, COUNT(*) AS n, SUM(size) AS s, MIN(at), MAX(size) FROM thing GROUP BY kind HAVING COUNT(*) > 0 ORDER BY n DESC, kind'],
    ['SELECT SUM(CASE WHEN size > ? THEN 1 ELSE 0 END) AS big, COUNT(DISTINCT kind) AS kinds FROM thing', [2]],
    ['SELECT t.id, g.name FROM thing t LEFT JOIN tag g ON g.thing = t.id AND g.name = ? ORDER BY t.id', ['red']],
    ['SELECT t.id FROM thing t JOIN tag g ON g.thing = t.id ORDER BY t.id, g.name'],
    ['SELECT id FROM thing WHERE id IN (SELECT thing FROM tag) ORDER BY id'],
    ['SELECT id FROM thing t WHERE EXISTS (SELECT 1 FROM tag g WHERE g.thing = t.id) ORDER BY id'],
    ['SELECT id, (SELECT COUNT(*) FROM tag g WHERE g.thing = t.id) AS tags FROM thing t ORDER BY id'],
    [
      "SELECT 'kind' AS facet, kind AS value, COUNT(*) AS n FROM thing GROUP BY kind UNION ALL SELECT 'tag', name, COUNT(*) FROM tag GROUP BY name",
    ],
    ['WITH big AS (SELECT id, size FROM thing WHERE size > ?) SELECT COUNT(*) AS n FROM big', [1]],
    [
      "SELECT COALESCE(kind, '-') AS k, CONCAT(id, ':', size) AS c, IF(size > 2, 'l', 's') AS i, LENGTH(note) AS l, CHAR_LENGTH(note) AS n FROM thing ORDER BY id",
    ],
    [
      'SELECT SUBSTRING(note, 2, 2) AS s, LEFT(id, 1) AS l, size DIV 2 AS d, size % 3 AS m, -size AS n, NULLIF(size, 1) AS u FROM thing ORDER BY id',
    ],
    ['SELECT DISTINCT kind FROM thing ORDER BY kind'],
  ],
  upserts: [
    [UPSERT, ['a', 9, 1_700_000_000_001]],
    [UPSERT, ['a', 8, 3]],
    [UPSERT, ['a', 9, 1_700_000_000_001]],
    [UPSERT, ['new', 1, 1]],
    ALL,
  ],
  writes: [
    ['UPDATE thing SET size = size + 1, note = ? WHERE kind = ?', ['n', 'x']],
    ['UPDATE thing SET size = ? WHERE id = ? AND size = ?', [2, 'a', 2]],
    ['UPDATE thing SET size = ? WHERE id = ? AND size = ?', [7, 'a', 99]],
    ['REPLACE INTO thing (id, size) VALUES (?, ?)', ['a', 5]],
    ['REPLACE INTO thing (id, size) VALUES (?, ?)', ['r', 5]],
    ['INSERT INTO thing (id, size) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM tag WHERE thing = ?)', ['s', 1, 'none']],
    ['INSERT INTO tag (thing, name) SELECT id, ? FROM thing WHERE size > ?', ['big', 3]],
    ['DELETE FROM thing WHERE size > ? ORDER BY id LIMIT 1', [1]],
    ['ALTER TABLE thing ADD COLUMN extra INT NOT NULL DEFAULT 3'],
    ALL,
    ['SELECT * FROM tag ORDER BY thing, name'],
    ['DELETE FROM tag'],
    ['DROP TABLE tag'],
  ],
  errors: [
    ['SELECT id FROM nothing'],
    ['SELECT nothing FROM thing'],
    ['SELECT kind, id FROM thing GROUP BY kind'],
    ['INSERT INTO thing (id) VALUES (?)', ['a']],
    ['INSERT INTO thing (id, kind) VALUES (?, ?)', ['z', 'x'.repeat(21)]],
    ['INSERT INTO thing (id, size) VALUES (?, ?)', ['z', 3_000_000_000]],
    ['INSERT INTO thing (id) VALUES (?)', [null]],
    ['INSERT INTO thing (size) VALUES (?)', [1]],
    ['CREATE INDEX by_kind ON thing (kind)'],
    ['ALTER TABLE thing ADD COLUMN kind INT'],
    ['CREATE TABLE thing (id INT)'],
    ['DROP TABLE nothing'],
    ALL,
  ],
};

function run(steps: readonly Step[]): { log: LoggedStatement[]; notModelled: string[] } {
  const notModelled: string[] = [];
  const usage = noUsage().sql;
  const sql = new Sql(
    new Clock(1_000_000),
    structuredClone(DEFAULT_SETTINGS),
    () => usage,
    (call) => notModelled.push(call),
  );
  sql.log = [];
  for (const [query, params = []] of steps) {
    const path = /^(CREATE|ALTER|DROP)/.test(query) ? '/api/v1/execute/ddl' : '/api/v1/execute';
    sql.handle(path, JSON.stringify({ query, params, method: 'all' }));
  }
  sql.clear();
  return { log: sql.log, notModelled };
}

describe.skipIf(!HAS_MARIADB)('the local database and a real MariaDB', () => {
  let mariaDb: MariaDb;
  beforeAll(async () => {
    mariaDb = await startMariaDb();
  });
  afterAll(() => mariaDb?.stop());

  it.each(Object.keys(SCENES))('agree on %s', async (name) => {
    const { log, notModelled } = run([...TABLES, ...(SCENES[name] as Step[])]);
    expect(notModelled).toEqual([]);
    expect(await compareWithMariaDb(mariaDb, log)).toEqual([]);
  });

  it('would notice a difference', async () => {
    const { log } = run([...TABLES, ALL]);
    (log.at(-1)?.answer as Record<string, unknown>[])[0] = { id: 'other' };
    expect(await compareWithMariaDb(mariaDb, log)).toHaveLength(1);
  });
});

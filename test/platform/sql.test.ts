/** Forge SQL on the local site, through the real package. */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, IDEAL_SETTINGS, type SiteSettings } from '../emulator/settings';
import { startPlatform } from '../support/functions';

const PACKAGE = JSON.stringify(createRequire(import.meta.url).resolve('@forge/sql'));

/** Runs statements in order: `ddl`, or `query` with its parameters. Answers with what each returned, or its error. */
const FUNCTIONS = `
const { sql, migrationRunner } = require(${PACKAGE});
const attempt = async (call) => {
  try {
    return await call();
  } catch (error) {
    const { name, code, message, suggestion, context, responseDetails } = error;
    return { error: { name, code, message, suggestion, context, status: responseDetails?.status } };
  }
};
// Long values are made here: what a page may send is shorter.
const written = (value) => (value?.times === undefined ? value : value.text.repeat(value.times));
exports.resolve = async ({ call: { payload } }) => {
  const answers = [];
  for (const step of payload) {
    if (step.ddl) answers.push(await attempt(() => sql.executeDDL(step.ddl)));
    else if (step.migrate) {
      migrationRunner.enqueue('v1', step.migrate);
      answers.push(await attempt(() => migrationRunner.run()));
    } else if (step.migrations) answers.push(await attempt(() => migrationRunner.list()));
    else answers.push(await attempt(() => sql.prepare(step.query).bindParams(...(step.params ?? []).map(written)).execute()));
  }
  return answers;
};
`;

type Step = { ddl: string } | { query: string; params?: unknown[] } | { migrate: string } | { migrations: true };
type Answer = { rows?: unknown; error?: { code: string; status: number; context: { debug?: Record<string, unknown> } } };

const TABLE = {
  ddl: `CREATE TABLE IF NOT EXISTS thing (
    id VARCHAR(40) NOT NULL, size INT NOT NULL DEFAULT 0, at BIGINT, note TEXT, isOpen BOOLEAN, PRIMARY KEY (id))`,
};

const WITHOUT_LATENCY = { ...DEFAULT_SETTINGS.latency, ...IDEAL_SETTINGS.latency };

function database(change: Partial<SiteSettings> = {}) {
  const platform = startPlatform(FUNCTIONS, change);
  return { ...platform, run: async (...steps: Step[]) => (await platform.resolve(steps)) as Answer[] };
}

describe('Forge SQL', () => {
  it('is empty at first', async () => {
    const { run, usage } = database();
    const [answer] = await run({ query: 'SELECT id FROM thing' });
    expect(answer?.error).toMatchObject({
      code: 'SQL_EXECUTION_ERROR',
      status: 400,
      context: { debug: { code: 'ER_NO_SUCH_TABLE', errno: 1146, sqlState: '42S02', sql: 'SELECT id FROM thing' } },
    });
    expect(usage.notModelled).toEqual([]);
  });

  it('answers with values in the types that Forge documents', async () => {
    const { run } = database();
    const answers = await run(
      TABLE,
      { query: 'INSERT INTO thing (id, size, at, isOpen) VALUES (?, ?, ?, ?)', params: ['a', 7, 1_700_000_000_000, true] },
      { query: 'SELECT * FROM thing' },
      { query: 'SELECT COUNT(*) AS n, SUM(size) AS total, MAX(size) AS largest, MAX(at) AS latest FROM thing' },
    );
    expect(answers).toEqual([
      { rows: { affectedRows: 0, fieldCount: 0, info: '', insertId: 0, serverStatus: 2, warningStatus: 0 } },
      { rows: { affectedRows: 1, fieldCount: 0, info: '', insertId: 0, serverStatus: 2, warningStatus: 0 } },
      { rows: [{ id: 'a', size: 7, at: '1700000000000', note: null, isOpen: 1 }] },
      { rows: [{ n: '1', total: '7', largest: 7, latest: '1700000000000' }] },
    ]);
  });

  it.each([
    ['SELECT id FROM thing LIMIT ?', [1], { code: 'SQL_EXECUTION_ERROR', debug: { errno: 1210 } }],
    ['SELECT 1; SELECT 2', [], { code: 'SQL_POLICY_VIOLATION' }],
    ['SELECT SLEEP(1)', [], { code: 'SQL_POLICY_VIOLATION' }],
    ['SHOW DATABASES', [], { code: 'SQL_POLICY_VIOLATION' }],
    ['START TRANSACTION', [], { code: 'SQL_POLICY_VIOLATION' }],
    ['DELETE FROM thing RETURNING id', [], { code: 'INVALID_SQL_QUERY', debug: { errno: 1064 } }],
    ['SELCT id FROM thing', [], { code: 'INVALID_SQL_QUERY', debug: { errno: 1064 } }],
    ['SELECT key FROM thing', [], { code: 'INVALID_SQL_QUERY', debug: { errno: 1064 } }],
    ['CREATE TABLE other (id INT)', [], { code: 'SQL_EXECUTION_ERROR', debug: { errno: 1142 } }],
    ['SELECT at, COUNT(*) FROM thing', [], { code: 'SQL_EXECUTION_ERROR', debug: { errno: 1140 } }],
    ['SELECT size FROM thing GROUP BY at', [], { code: 'SQL_EXECUTION_ERROR', debug: { errno: 1055 } }],
    ['SELECT at FROM thing GROUP BY at ORDER BY size', [], { code: 'SQL_EXECUTION_ERROR', debug: { errno: 1055 } }],
  ])('refuses %s', async (query, params, expected) => {
    const { run, usage } = database();
    const [, answer] = await run(TABLE, { query, params });
    const { code, debug }: { code: string; debug?: { errno: number } } = expected;
    expect(answer?.error).toMatchObject({ code, ...(debug ? { context: { debug } } : {}) });
    expect(usage.notModelled).toEqual([]);
  });

  it.each([
    ['UPDATE thing SET size = 5, at = size', []],
    ['SELECT id FROM thing WHERE id = ?', [5]],
    ['SELECT id FROM thing WHERE id = ?', ['a ']],
    ['INSERT IGNORE INTO thing (id) VALUES (?)', ['a']],
    ['SELECT GREATEST(size, 1) FROM thing', []],
    ['SELECT NOW()', []],
    ['SELECT size / 2 FROM thing', []],
    ['SELECT id FROM thing FOR UPDATE', []],
    ['SELECT id FROM thing WHERE size = at BETWEEN 1 AND 2', []],
    ["SELECT id FROM thing WHERE 1 = note LIKE 'a'", []],
    ['SELECT id FROM thing WHERE 0 = size IN (1, 2)', []],
    ['SELECT id FROM thing WHERE 1 = 1 = 1', []],
    ['SELECT id FROM thing WHERE size IS NULL = 0', []],
    ['SELECT id FROM thing WHERE size BETWEEN 1 AND 2 IN (1)', []],
    ['SELECT at, (SELECT MAX(o.size) FROM thing o WHERE o.id = t.id) AS m FROM thing t GROUP BY at', []],
    ['SELECT COUNT(*), (SELECT MAX(o.size) FROM thing o WHERE o.id = t.id) AS m FROM thing t', []],
    ['SELECT at FROM thing t GROUP BY at HAVING EXISTS (SELECT 1 FROM thing o WHERE o.id = t.id)', []],
    ['SELECT at FROM thing t GROUP BY at ORDER BY at IN (SELECT o.at FROM thing o WHERE o.id = t.id)', []],
    ['SELECT id, (SELECT MAX(t.size) FROM thing o) AS m FROM thing t', []],
    ['SELECT size FROM thing GROUP BY 1', []],
    ['SELECT size, COUNT(*) FROM thing WHERE size = 1', []],
    ['SELECT id, size FROM thing GROUP BY id', []],
    ['SELECT id FROM thing GROUP BY id ORDER BY size', []],
    ['SELECT COUNT(*) FROM thing ORDER BY size', []],
    ['SELECT id FROM thing ORDER BY COUNT(*)', []],
    ['SELECT -size AS Less FROM thing ORDER BY less', []],
    ['SELECT -size AS Size FROM thing ORDER BY size', []],
    ['SELECT id AS Name FROM thing UNION SELECT id FROM thing ORDER BY name', []],
    ['SELECT T.id FROM thing t', []],
    ['SELECT a.id FROM thing a, thing b JOIN thing c ON c.id = a.id', []],
    ["SELECT id FROM thing WHERE id LIKE ? ESCAPE '|'", ['a|%']],
    ["SELECT id FROM thing WHERE id LIKE 'a|%' ESCAPE '|'", []],
    ["SELECT id FROM thing WHERE id LIKE CONCAT(note, '%')", []],
    ['SELECT id FROM thing WHERE id LIKE ?', ['a\\']],
    ['SELECT id FROM thing WHERE id LIKE ?', ['a\\\\\\']],
    ["SELECT id FROM thing WHERE id LIKE 'a\\\\\\\\\\\\'", []],
    ["SELECT size % '2.5' FROM thing", []],
  ])('does not model %s', async (query, params) => {
    const { run, usage } = database();
    await run(TABLE, { query, params });
    expect(usage.notModelled).toHaveLength(1);
  });

  it.each([
    ['CREATE TABLE other (id INT NOT NULL DEFAULT NULL)', 1067],
    ['CREATE TABLE other (id TINYINT DEFAULT 300)', 1067],
    ["CREATE TABLE other (id VARCHAR(2) DEFAULT 'abc')", 1067],
    ['CREATE TABLE other (id INT DEFAULT CURRENT_TIMESTAMP)', 1067],
    ['ALTER TABLE thing ADD COLUMN more INT NOT NULL DEFAULT NULL', 1067],
    ['CREATE INDEX twice ON thing (size, size)', 1060],
    ['CREATE TABLE other (id INT, PRIMARY KEY (id, id))', 1060],
  ])('refuses %s', async (ddl, errno) => {
    const { run, usage } = database();
    const [, answer] = await run(TABLE, { ddl });
    expect(answer?.error?.context.debug?.errno).toBe(errno);
    expect(usage.notModelled).toEqual([]);
  });

  it.each([
    'CREATE TABLE other (day DATE)',
    'CREATE TABLE other (at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP)',
    'CREATE TABLE other (at TIMESTAMP)',
    'ALTER TABLE thing ADD COLUMN made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP',
    'CREATE TABLE other (at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP PRIMARY KEY)',
    "CREATE TABLE other (id INT DEFAULT '5')",
    'CREATE TABLE other (id VARCHAR(2) DEFAULT 5)',
    'CREATE TABLE other (id INT DEFAULT NULL PRIMARY KEY)',
    'CREATE INDEX by_size ON thing (Size)',
  ])('does not model %s', async (ddl) => {
    const { run, usage } = database();
    await run(TABLE, { ddl });
    expect(usage.notModelled).toHaveLength(1);
  });

  it('does not model times that a statement names', async () => {
    const { run, usage } = database();
    await run(
      { migrate: TABLE.ddl },
      { query: 'SELECT id FROM __migrations WHERE migratedAt > ?', params: ['2026-01-01 00:00:00'] },
      { query: "SELECT id FROM __migrations WHERE migratedAt > '2026-01-01'" },
      { query: 'INSERT INTO __migrations (name, migratedAt) VALUES (?, ?)', params: ['a', '2026-01-01 00:00:00'] },
      { query: "INSERT INTO __migrations (name, migratedAt) VALUES ('a', '2026-01-01 00:00:00')" },
    );
    expect(usage.notModelled).toHaveLength(4);
  });

  it.each([
    ['absent', 'APP_NOT_ENABLED', 403],
    ['throttled', 'RATE_LIMIT_EXCEEDED', 429],
    ['slow', 'QUERY_TIMED_OUT', 408],
  ] as const)('can be %s', async (sql, code, status) => {
    const { run, settings } = database();
    await run(TABLE);
    settings.sql = sql;
    expect((await run({ query: 'SELECT id FROM thing' }))[0]?.error).toMatchObject({ code, status });
  });

  it('can be full: what is there can be read and deleted', async () => {
    const { run, settings } = database();
    await run(TABLE);
    settings.sql = 'full';
    const [insert, select, remove] = await run(
      { query: 'INSERT INTO thing (id) VALUES (?)', params: ['a'] },
      { query: 'SELECT id FROM thing' },
      { query: 'DELETE FROM thing' },
    );
    expect(insert?.error?.context.debug?.errno).toBe(1114);
    expect([select?.error, remove?.error]).toEqual([undefined, undefined]);
  });

  it('runs 25 definitions a minute', async () => {
    const { run } = database();
    const answers = await run(...Array.from({ length: 26 }, () => TABLE));
    expect(answers.map((a) => a.error?.code)).toEqual([...Array.from({ length: 25 }, () => undefined), 'RATE_LIMIT_EXCEEDED']);
  });

  it('runs 150 statements a second', async () => {
    const { run, clock } = database({ latency: WITHOUT_LATENCY });
    const statements = Array.from({ length: 151 }, () => ({ query: 'SELECT id FROM thing' }));
    const [, ...answers] = await run(TABLE, ...statements);
    expect(answers.findIndex(({ error }) => error?.code === 'RATE_LIMIT_EXCEEDED')).toBe(150);
    await clock.advance(1_000);
    expect((await run({ query: 'SELECT id FROM thing' }))[0]?.error).toBeUndefined();
  });

  it('works for 62.5 seconds a minute, whoever asks', async () => {
    const { run, settings, clock, usage } = database({ latency: WITHOUT_LATENCY });
    await run(TABLE);
    settings.sql = 'slow';
    // Seven writes of three seconds each, by four functions at a time.
    const writes = Array.from({ length: 7 }, () => ({ query: 'DELETE FROM thing' }));
    const answers = (await Promise.all(Array.from({ length: 4 }, () => run(...writes)))).flat();
    const codes = answers.map(({ error }) => error?.code);
    expect(new Set(codes)).toEqual(new Set([undefined, 'RATE_LIMIT_EXCEEDED']));
    expect(usage.sql.milliseconds).toBeGreaterThanOrEqual(62_500);
    expect(codes.filter((code) => code === undefined)).toHaveLength(21);
    await clock.advance(60_000);
    expect((await run(...writes.slice(0, 1)))[0]?.error).toBeUndefined();
  });

  it('takes at most 1 MiB, and answers with at most 4 MiB', async () => {
    const { run } = database();
    const note = { text: 'x', times: 60_000 };
    const insert = (ids: number[]) => ({
      query: `INSERT INTO thing (id, note) VALUES ${ids.map(() => '(?, ?)').join(', ')}`,
      params: ids.flatMap((id) => [String(id), note]),
    });
    const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
    const [, tooLong] = await run(TABLE, insert(numbers(0, 18)));
    expect(tooLong?.error).toMatchObject({ code: 'INVALID_SQL_QUERY', status: 413 });
    const select = { query: 'SELECT note FROM thing' };
    const answers = await run(...[0, 17, 34, 51].map((from) => insert(numbers(from, 17))), select);
    expect(answers[4]?.error).toBeUndefined();
    const [, tooLarge, smaller] = await run(insert(numbers(68, 17)), select, { query: 'SELECT note FROM thing LIMIT 60' });
    expect(tooLarge?.error).toMatchObject({ code: 'SQL_EXECUTION_ERROR', status: 413 });
    expect(smaller?.rows).toHaveLength(60);
  });

  it.each([
    ['changed', 0],
    ['matched', 1],
  ] as const)('counts rows that a write leaves as they are, or does not (%s)', async (sqlAffectedRows, affectedRows) => {
    const { run } = database({ sqlAffectedRows });
    const put = { query: 'INSERT INTO thing (id, size) VALUES (?, ?)', params: ['a', 7] };
    const answers = await run(TABLE, put, { query: 'UPDATE thing SET size = ? WHERE id = ?', params: [7, 'a'] });
    expect(answers[2]?.rows).toMatchObject({ affectedRows });
  });

  it('keeps migrations, and loses everything when the app is uninstalled', async () => {
    const { run, platform } = database();
    const migrate = { migrate: TABLE.ddl };
    expect(await run(migrate, migrate, { migrations: true })).toMatchObject([['v1'], [], [{ id: '1', name: 'v1' }]]);
    platform.uninstall();
    platform.install();
    expect((await run({ query: 'SELECT id FROM thing' }))[0]?.error?.context.debug?.errno).toBe(1146);
  });
});

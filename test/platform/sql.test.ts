/** Forge SQL on the local site, through the real package. */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { SiteSettings } from '../emulator/settings';
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
exports.resolve = async ({ call: { payload } }) => {
  const answers = [];
  for (const step of payload) {
    if (step.ddl) answers.push(await attempt(() => sql.executeDDL(step.ddl)));
    else if (step.migrate) {
      migrationRunner.enqueue('v1', step.migrate);
      answers.push(await attempt(() => migrationRunner.run()));
    } else if (step.migrations) answers.push(await attempt(() => migrationRunner.list()));
    else answers.push(await attempt(() => sql.prepare(step.query).bindParams(...(step.params ?? [])).execute()));
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
});

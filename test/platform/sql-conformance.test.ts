/** Every form of statement that the gate lets through means the same on the local site and on a real MariaDB, and so does all that the app says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PEOPLE_SORTS, type PeopleFilter, SPACE_SORTS, type SpaceFilter } from '../../src/directory/lists';
import { Clock } from '../emulator/clock';
import { PROJECT_ROOT } from '../emulator/forge/manifest';
import { type LoggedStatement, Sql } from '../emulator/forge/sql';
import { DEFAULT_SETTINGS } from '../emulator/settings';
import type { LocalSite } from '../emulator/site';
import { noUsage } from '../emulator/usage';
import { finished, listUnused, some, startCleanup } from '../support/cleanup';
import { nextReading } from '../support/directory';
import { compareWithMariaDb, HAS_MARIADB, type MariaDb, startMariaDb } from '../support/mariadb';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  adminData,
  knowEverybody,
  OWNER,
  personalSpacesOf,
  personData,
  readsAPage,
  setPolicy,
  startPeopleJob,
  startSite,
} from '../support/site';

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
    ['SELECT id FROM thing WHERE (size = 1) = (kind IN (?)) ORDER BY id', ['x']],
    ['SELECT kind, (SELECT COUNT(*) FROM tag g WHERE g.name = t.kind) AS n FROM thing t GROUP BY kind'],
    ['SELECT t.id, g.name FROM thing t JOIN tag g ON g.thing = t.id, tag h WHERE h.thing = g.thing ORDER BY t.id, g.name'],
    ['SELECT id FROM thing WHERE note LIKE ? OR note LIKE ? ORDER BY id', ['x\\_y', '%\\\\']],
    ["SELECT id FROM thing WHERE note LIKE 'x\\_y' ORDER BY id"],
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
    ['SELECT kind, COUNT(*) FROM thing'],
    ['CREATE TABLE other (id INT NOT NULL DEFAULT NULL)'],
    ['CREATE TABLE other (id TINYINT DEFAULT 300)'],
    ["CREATE TABLE other (id VARCHAR(2) DEFAULT 'abc')"],
    ['ALTER TABLE thing ADD COLUMN more INT NOT NULL DEFAULT NULL'],
    ['CREATE INDEX twice ON thing (size, size)'],
    ['CREATE TABLE other (id INT, PRIMARY KEY (id, id))'],
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

/** A life of a site in which the app says everything that it ever says to its database. */
async function wholeLife(): Promise<LoggedStatement[]> {
  const site = startSite();
  site.sqlLog = [];
  await site.advance('PT10M');
  await adminData(site, 'settings.save', { settings: { visits: true } });
  await site.advance('PT16M');
  const spaceOf = (accountId: string): string => personalSpacesOf(site, accountId)[0]?.id ?? '';
  const space = spaceOf(OWNER);
  for (const [accountId, did] of [
    [OWNER, { edits: 1 }],
    [ANA, { edits: 1, views: 1 }],
  ] as const)
    site.activity({ accountId, spaceId: space, ...did });
  // A policy that names a group, promises by it, and one that names none any more.
  const named = await adminData(site, 'policy.get', {});
  const group = site.confluence.state.groupsByName.get('engineering')?.id ?? '';
  const rule = { ...named.policy.everyoneElse, id: 'engineers', name: 'Engineers', groups: [group], exceptGroups: [] };
  await adminData(site, 'policy.save', { policy: { ...named.policy, rules: [rule] }, baseVersion: named.version });
  await setPolicy(site, { mode: 'auto' });
  await readsAPage(site, ANA);
  await personData(site, 'me.decline', accountIdOf(3));
  await site.advance('PT30M');
  const unreadable = { revision: 9, state: 'removed', changedAt: site.clock.now(), data: { schemaVersion: 99 } };
  site.platform.kvs.put('person', accountIdOf(3), unreadable);
  await adminData(site, 'people.forget', { accountId: accountIdOf(3) });
  await setPolicy(site, { rules: [] });
  await site.advance('PT30M');
  site.createNatively(accountIdOf(5));
  site.changeSpace(space, { by: ADMIN_ACCOUNT_ID, status: 'archived' });
  site.changeSpace(spaceOf(accountIdOf(6)), { by: accountIdOf(6), access: 'private' });
  site.changePerson(accountIdOf(8), { accountStatus: 'closed' });
  site.changePerson(accountIdOf(9), { accountStatus: 'inactive' });
  const purged = site.confluence.state.spacesById.get(Number(spaceOf(accountIdOf(10))));
  if (!purged) throw new Error('there is no space to purge');
  site.confluence.state.removeSpace(purged);
  site.confluence.tell.space('deleted', purged, { kind: 'anonymous' });
  await site.advance('PT1H');
  await nextReading(site);
  await site.advance('P1DT1H');
  const spaceFilters: SpaceFilter[] = [
    { spaceIds: [space], status: ['current', 'archived'], ownerIds: [OWNER], ownerStanding: ['active'] },
    { access: ['unknown'], lifecycle: ['unused', 'in-use'], unchangedForDays: 30, createdBefore: '2026-10-01' },
    { origin: ['created'], untouched: false, visible: true },
    { spaceIds: [] },
  ];
  const peopleFilters: PeopleFilter[] = [
    { accountIds: [OWNER, ANA], standing: ['active'], outcome: ['space', 'create'], hasSpace: true },
    { reason: ['policy-off'], ruleId: [null], hasSpace: false },
    { ruleId: [null, 'engineers'] },
    { ruleId: ['engineers'] },
  ];
  for (const filter of spaceFilters) await adminData(site, 'spaces.list', { filter });
  for (const filter of peopleFilters) await adminData(site, 'people.list', { filter });
  for (const direction of ['asc', 'desc'] as const) {
    for (const by of SPACE_SORTS) {
      const { next } = await adminData(site, 'spaces.list', { sort: { by, direction }, limit: 50 });
      if (next !== null) await adminData(site, 'spaces.list', { sort: { by, direction }, limit: 50, cursor: next });
    }
    for (const by of PEOPLE_SORTS) {
      const { next } = await adminData(site, 'people.list', { sort: { by, direction }, limit: 100 });
      if (next !== null) await adminData(site, 'people.list', { sort: { by, direction }, limit: 100, cursor: next });
    }
  }
  await adminData(site, 'spaces.story', { spaceId: spaceOf(accountIdOf(12)) });
  await adminData(site, 'overview.get', {});
  await adminData(site, 'directory.get', {});
  await personData(site, 'me.data', OWNER);
  // What plans freeze: by filter, by ids, and with exceptions.
  const { policy } = await adminData(site, 'policy.get', {});
  await adminData(site, 'people.simulate', { policy });
  await adminData(site, 'people.plan', {});
  await adminData(site, 'people.plan', { selection: { kind: 'some', accountIds: [accountIdOf(7)] } });
  const unused = await listUnused(site, 30);
  const rest = { kind: 'all' as const, filter: { unchangedForDays: 30 }, except: unused.slice(2) };
  const failing = site.confluence.state.spacesById.get(Number(unused[0]))?.key ?? '';
  site.addFault({ target: 'confluence', method: 'PUT', path: `/wiki/rest/api/space/${failing}`, times: 3, respond: { status: 500 } });
  for (const selection of [some(unused.slice(0, 1)), rest]) {
    const { runId } = await startCleanup(site, selection);
    const { failed } = await finished(site, runId);
    if (failed > 0) await finished(site, (await adminData(site, 'runs.retry', { runId })).runId);
  }
  // Of owners, and a group that is gone.
  await adminData(site, 'cleanup.preview', { selection: { kind: 'all', filter: { ownerIds: [OWNER] }, except: [] } });
  const goneGroup = { ...rule, groups: ['gone'] };
  const latest = await adminData(site, 'policy.get', {});
  site.addFault({ target: 'confluence', path: '/wiki/rest/api/group/gone/**', times: 99, respond: { status: 404 } });
  await adminData(site, 'policy.save', { policy: { ...latest.policy, rules: [goneGroup] }, baseVersion: latest.version });
  await site.advance('PT30M');
  await busyDay(site);
  await nextReading(site);
  return site.sqlLog ?? [];
}

/** So many events reach one process that it asks what the others have noted (`watch.ts`). */
async function busyDay(site: LocalSite): Promise<void> {
  site.changeSettings({ warmProcesses: 1 });
  site.platform.restart();
  for (let n = 1; n <= 251; n += 1) {
    const content = { space: { id: 9_000_000 + n, key: `~new${n}`, type: 'personal' } };
    const event = { eventType: 'avi:confluence:updated:page', eventCreatedDate: site.clock.iso(), atlassianId: accountIdOf(1), content };
    await site.platform.runFunction('trigger', 'on-content', event);
  }
}

/** What the app says after its database was lost in the middle of a job: who is left of the job's people is frozen again. */
async function lifeAfterLoss(): Promise<LoggedStatement[]> {
  const site = startSite({ seed: 'scale', people: 210, spaces: 0, settings: { hourlyPoints: 4_000 } });
  await setPolicy(site, { mode: 'auto' });
  await knowEverybody(site);
  // The reading has used up this hour's points.
  await site.advance('PT1H');
  const { jobId, count } = await startPeopleJob(site);
  await site.advance('PT10M');
  site.loseSql();
  site.sqlLog = [];
  await site.advance('PT3H');
  expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'paused', problem: 'plan-lost' });
  await adminData(site, 'job.resume', { jobId });
  await site.advance('PT3H');
  expect(await adminData(site, 'job.get', { jobId })).toMatchObject({ state: 'done', counts: { created: count } });
  return site.sqlLog;
}

const DIRECTORY = join(PROJECT_ROOT, 'src/directory');
const squeezed = (text: string): string => text.replace(/\s+/g, ' ').trim();
const escaped = (text: string): string => text.replace(/\s+/g, ' ').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Every piece of text in the directory's sources that begins a statement, and what a statement made from it looks like. */
function statementsInSources(): { name: string; pattern: RegExp }[] {
  const found: { name: string; pattern: RegExp }[] = [];
  for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.ts'))) {
    const source = ts.createSourceFile(file, readFileSync(join(DIRECTORY, file), 'utf8'), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      const parts = ts.isStringLiteralLike(node)
        ? [node.text]
        : ts.isTemplateExpression(node)
          ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
          : [];
      if (/^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|WITH) /.test(parts[0] ?? ''))
        found.push({
          name: `${file}: ${squeezed(parts.join('…')).slice(0, 90)}`,
          pattern: new RegExp(`^${parts.map(escaped).join('.*')}`),
        });
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

describe.skipIf(!HAS_MARIADB)('all that the app says to its database', () => {
  it('means the same on a real MariaDB, and leaves out nothing that stands in the sources', async () => {
    const lives = [await wholeLife(), await lifeAfterLoss()];
    const said = [...new Set(lives.flat().map(({ query }) => squeezed(query)))];
    const sources = statementsInSources();
    expect(sources.length).toBeGreaterThan(50);
    const unsaid = sources.filter(({ pattern }) => !said.some((query) => pattern.test(query))).map(({ name }) => name);
    expect(unsaid).toEqual([]);
    for (const log of lives) {
      expect([...new Set(log.filter(({ status }) => status !== 200).map(({ query }) => query))]).toEqual(['SELECT name, value FROM meta']);
      const mariaDb = await startMariaDb();
      try {
        expect(await compareWithMariaDb(mariaDb, log)).toEqual([]);
      } finally {
        await mariaDb.stop();
      }
    }
  }, 120_000);
});

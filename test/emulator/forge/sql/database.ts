/** One installation's database: SQLite in WebAssembly, spoken to in MySQL. Deterministic: nothing here depends on how fast the machine is. */
import initSqlJs, { type Database, type Statement as SqliteStatement, type SqlValue } from 'sql.js';
import { DatabaseError, NotModelled } from './errors';
import { type Parsed, parse, type Statement } from './parse';
import {
  addIndex,
  columnOf,
  columnSql,
  createIndexSql,
  createTableSql,
  quoted,
  requireNewColumn,
  sqliteIndexName,
  type Table,
  tableOf,
  type ValueType,
} from './schema';
import {
  type InsertPlan,
  type OutputColumn,
  type ParamUse,
  requirePattern,
  requireSameText,
  type SelectPlan,
  Translator,
  type WritePlan,
} from './translate';

export type Param = string | number | boolean | null;
export type Row = Record<string, string | number | null>;

/** What mysql2 calls a ResultSetHeader. */
export interface Written {
  affectedRows: number;
  fieldCount: 0;
  info: string;
  insertId: number;
  serverStatus: number;
  warningStatus: number;
}

export interface Executed {
  rows: Row[] | Written;
  kind: 'select' | 'write' | 'ddl';
  /** Rows that were looked at, and written, for the price and the time. */
  rowsRead: number;
  rowsWritten: number;
}

/** Numbers of MySQL's own answers depend on a flag of the client that Forge uses, and which is unverified. */
export type AffectedRows = 'changed' | 'matched';

/** Statements that are kept parsed, and translated. */
const CACHED_STATEMENTS = 500;
/** SQLite's. MySQL takes 65,535. */
const MAX_PARAMS = 32_766;
/** Forge docs, SQL limits. */
const MAX_TABLES = 200;
/** MySQL: SERVER_STATUS_AUTOCOMMIT. */
const AUTOCOMMIT = 2;
/** How much further than its answer a scan along an index reads until LIMIT is reached (assumed). */
const SCAN_PER_ROW = 10;

const SQLite = await initSqlJs();

type Plan =
  | { kind: 'select'; plan: SelectPlan }
  | { kind: 'insert'; plan: InsertPlan }
  | { kind: 'write'; verb: 'update' | 'delete'; plan: WritePlan };

interface ReadPlan {
  sql: string;
  aliases: ReadonlyMap<string, string>;
  limit: number | null;
  hasAggregate?: boolean;
}
/** One line of SQLite's plan: the table, and whether it is read as a whole, along an index until LIMIT, or only where something is found. */
interface Step {
  alias: string;
  reads: 'whole' | 'until-limit' | 'found';
}

export class SqlDatabase {
  private readonly db: Database = new SQLite.Database();
  private readonly tables = new Map<string, Table>();
  private readonly parsed = new Cache<Parsed>();
  private readonly plans = new Cache<Plan>();
  private readonly prepared = new Cache<SqliteStatement>((statement) => statement.free());
  private readonly scans = new Cache<Step[]>();
  private counted = { insert: 0, update: 0, delete: 0 };

  constructor(private readonly now: () => number) {
    this.db.run('PRAGMA case_sensitive_like = ON; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;');
    this.db.updateHook((operation) => {
      this.counted[operation] += 1;
    });
  }

  close(): void {
    this.forget();
    this.db.close();
  }

  get storedBytes(): number {
    return this.number('PRAGMA page_count') * this.number('PRAGMA page_size');
  }

  /** @throws DatabaseError, Refusal, NotModelled; nothing is changed then */
  kindOf(sql: string): Executed['kind'] {
    const { kind } = this.parse(sql).statement;
    if (kind === 'select') return 'select';
    return kind === 'insert' || kind === 'update' || kind === 'delete' ? 'write' : 'ddl';
  }

  /** Whether the statement can make the database larger. */
  grows(sql: string): boolean {
    const { kind } = this.parse(sql).statement;
    return kind === 'insert' || kind === 'createTable' || kind === 'createIndex' || kind === 'alterTable';
  }

  /**
   * Runs one statement. `accept` sees what it did before that is kept, and may throw.
   * @throws DatabaseError, Refusal, NotModelled; nothing is changed then
   */
  execute(sql: string, params: readonly Param[], affected: AffectedRows, accept: (done: Executed) => void = () => {}): Executed {
    const { statement, params: wanted } = this.parse(sql);
    if (wanted > MAX_PARAMS) throw new NotModelled(`more than ${MAX_PARAMS} parameters`);
    if (params.length !== wanted)
      throw new DatabaseError('ER_WRONG_ARGUMENTS', `Incorrect arguments to EXECUTE: ${wanted} parameters, ${params.length} values`);
    if (statement.kind === 'select') {
      const done = this.select(this.planOf(sql, statement) as Plan & { kind: 'select' }, params);
      accept(done);
      return done;
    }
    return this.atomically(() => {
      const done = this.change(sql, statement, params, affected);
      accept(done);
      return done;
    });
  }

  /** Every table's rows in the order of their keys. */
  dump(): Record<string, Row[]> {
    const dumped: [string, Row[]][] = [...this.tables.values()].map((table) => {
      const order = table.key.length > 0 ? ` ORDER BY ${table.key.map(quoted).join(', ')}` : '';
      const columns = [...table.columns.values()].map(({ name, type }) => ({ name, type, params: [] }));
      const sql = `SELECT ${columns.map((c) => quoted(c.name)).join(', ')} FROM ${quoted(table.name)}${order}`;
      return [table.name, this.read(sql, [], columns, [])];
    });
    return Object.fromEntries(dumped.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  // --- preparing --------------------------------------------------------------------------------------

  private parse(sql: string): Parsed {
    return this.parsed.get(sql, () => parse(sql));
  }

  private planOf(sql: string, statement: Statement): Plan {
    return this.plans.get(sql, () => {
      const translator = new Translator(this.tables, this.parse(sql).params);
      if (statement.kind === 'select') return { kind: 'select', plan: translator.select(statement.query) };
      if (statement.kind === 'insert') return { kind: 'insert', plan: translator.insert(statement) };
      if (statement.kind === 'update') return { kind: 'write', verb: 'update', plan: translator.update(statement) };
      if (statement.kind === 'delete') return { kind: 'write', verb: 'delete', plan: translator.delete(statement) };
      throw new Error(`no plan for ${statement.kind}`);
    });
  }

  private prepare(sql: string): SqliteStatement {
    return this.prepared.get(sql, () => {
      try {
        return this.db.prepare(sql);
      } catch (error) {
        // The gate let something through that SQLite does not take: the gate's mistake, never the app's.
        throw new NotModelled(`SQLite: ${(error as Error).message}: ${sql}`);
      }
    });
  }

  /** Plans name tables and columns, so none outlives a change of the schema. */
  private forget(): void {
    this.plans.clear();
    this.prepared.clear();
    this.scans.clear();
  }

  private number(sql: string): number {
    const statement = this.prepare(sql);
    statement.step();
    const [value] = statement.get();
    statement.reset();
    return Number(value);
  }

  private atomically<T>(work: () => T): T {
    const rows = [...this.tables.values()].map((table) => [table, table.rows] as const);
    this.db.run('SAVEPOINT s');
    try {
      const result = work();
      this.db.run('RELEASE s');
      return result;
    } catch (error) {
      this.db.run('ROLLBACK TO s');
      this.db.run('RELEASE s');
      for (const [table, count] of rows) table.rows = count;
      throw error;
    }
  }

  // --- reading ----------------------------------------------------------------------------------------

  private select({ plan }: { plan: SelectPlan }, params: readonly Param[]): Executed {
    const bound = bind(params, plan.params);
    const rows = this.read(plan.sql, bound, plan.columns, params);
    return { rows, kind: 'select', rowsRead: this.rowsRead(plan, rows.length), rowsWritten: 0 };
  }

  private read(sql: string, bound: SqlValue[], columns: readonly OutputColumn[], params: readonly Param[]): Row[] {
    const types = columns.map((column) => outputType(column, params));
    const statement = this.prepare(sql);
    const rows: Row[] = [];
    this.guard(() => {
      statement.bind(bound);
      while (statement.step()) {
        const values = statement.get();
        const row: Row = {};
        for (let i = 0; i < columns.length; i += 1)
          row[(columns[i] as OutputColumn).name] = output(values[i] as SqlValue, types[i] as ValueType | 'null');
        rows.push(row);
      }
    }, statement);
    return rows;
  }

  /** What a statement looked at, from SQLite's plan and what it found (assumed). */
  private rowsRead(plan: ReadPlan, found: number): number {
    const reaches = plan.limit !== null && found >= plan.limit;
    let rows = 0;
    for (const { alias, reads } of this.steps(plan)) {
      const size = this.tables.get(plan.aliases.get(alias) ?? '')?.rows ?? found;
      if (reads === 'whole' || (reads === 'until-limit' && !reaches)) rows += size;
      else rows += Math.min(size, reads === 'until-limit' ? found * SCAN_PER_ROW : found);
    }
    return rows;
  }

  private steps(plan: ReadPlan): Step[] {
    return this.scans.get(plan.sql, () => {
      const statement = this.db.prepare(`EXPLAIN QUERY PLAN ${plan.sql}`);
      const details: string[] = [];
      while (statement.step()) details.push(String(statement.get()[3]));
      statement.free();
      const isSorted = details.some((detail) => detail.startsWith('USE TEMP B-TREE'));
      return details.flatMap((detail): Step[] => {
        const [, verb, alias = '', usesIndex] = /^(SCAN|SEARCH) (\S+)( USING)?/.exec(detail) ?? [];
        if (!verb) return [];
        // What an aggregate looks at does not show in how many rows it answers with.
        if (plan.hasAggregate) return [{ alias, reads: 'whole' }];
        if (verb === 'SEARCH') return [{ alias, reads: 'found' }];
        return [{ alias, reads: usesIndex && !isSorted && plan.limit !== null ? 'until-limit' : 'whole' }];
      });
    });
  }

  // --- writing ------------------------------------------------------------------------------------------

  private change(sql: string, statement: Statement, params: readonly Param[], affected: AffectedRows): Executed {
    if (statement.kind === 'insert') return this.insert((this.planOf(sql, statement) as Plan & { kind: 'insert' }).plan, params, affected);
    if (statement.kind === 'update' || statement.kind === 'delete') {
      const { verb, plan } = this.planOf(sql, statement) as Plan & { kind: 'write' };
      const bound = bind(params, plan.params);
      const matched = this.one(plan.matchSql, bound);
      const changed = matched === 0 ? 0 : this.run(plan.sql, bound);
      if (verb === 'delete') plan.table.rows -= changed;
      const rowsRead = this.rowsRead({ ...plan, sql: plan.matchSql, limit: null }, matched);
      const isUpdate = verb === 'update';
      return {
        rows: written(
          isUpdate && affected === 'matched' ? matched : changed,
          isUpdate ? `Rows matched: ${matched}  Changed: ${changed}  Warnings: 0` : '',
        ),
        kind: 'write',
        rowsRead,
        rowsWritten: changed,
      };
    }
    return this.define(statement);
  }

  private insert(plan: InsertPlan, params: readonly Param[], affected: AffectedRows): Executed {
    const bound = bind(params, plan.params);
    const now = sqlTime(this.now());
    const timed = (sql: string): string => (sql.includes(':now') ? sql.replaceAll(':now', `'${now}'`) : sql);
    this.counted = { insert: 0, update: 0, delete: 0 };
    let records = 0;
    let rowsRead = 0;
    let deleted = 0;
    let same = 0;
    if (plan.select) {
      records = this.one(plan.select.countSql, bound);
      rowsRead = this.rowsRead({ sql: plan.select.countSql, aliases: plan.aliases, limit: null }, records);
      this.run(timed(plan.select.sql), bound);
    } else {
      for (const row of plan.rows) {
        records += 1;
        const values = bound.slice(row.first, row.first + row.params);
        if (row.replace && this.one(timed(row.replace.sameSql), values) === 1) {
          same += 1;
          continue;
        }
        if (row.replace) deleted += this.run(timed(row.replace.deleteSql), values);
        this.run(timed(row.sql), values, records);
      }
    }
    const { insert, update } = this.counted;
    const unchanged = records - insert - update - same;
    plan.table.rows += insert - deleted;
    const isNumbered = [...plan.table.columns.values()].some((c) => c.autoIncrement);
    const affectedRows = insert + 2 * update + deleted + same + (affected === 'matched' ? unchanged : 0);
    const isMany = records > 1 || plan.select !== null;
    return {
      rows: {
        ...written(affectedRows, isMany ? `Records: ${records}  Duplicates: ${update + deleted}  Warnings: 0` : ''),
        // MySQL names the first of the new rows.
        insertId: isNumbered && insert > 0 ? this.number('SELECT last_insert_rowid()') - insert + 1 : 0,
      },
      kind: 'write',
      rowsRead,
      rowsWritten: insert + update + deleted,
    };
  }

  /** The first value of the first row; 0 = there is none. */
  private one(sql: string, bound: SqlValue[]): number {
    const statement = this.prepare(sql);
    let value = 0;
    this.guard(() => {
      statement.bind(boundFor(sql, bound));
      if (statement.step()) value = Number(statement.get()[0]);
    }, statement);
    return value;
  }

  /** Returns how many rows changed. */
  private run(sql: string, bound: SqlValue[], row = 1): number {
    const statement = this.prepare(sql);
    this.guard(
      () => {
        statement.run(boundFor(sql, bound));
      },
      statement,
      row,
    );
    return this.db.getRowsModified();
  }

  private guard(work: () => void, statement: SqliteStatement, row = 1): void {
    try {
      work();
    } catch (error) {
      throw asMySql(error, row);
    } finally {
      statement.reset();
    }
  }

  // --- the schema -----------------------------------------------------------------------------------------

  private define(statement: Statement): Executed {
    const touched = this.defineIt(statement);
    this.forget();
    return { rows: written(0, ''), kind: 'ddl', rowsRead: 0, rowsWritten: touched };
  }

  /** Returns how many rows have to be rewritten or indexed. */
  private defineIt(statement: Statement): number {
    switch (statement.kind) {
      case 'createTable': {
        if (this.tables.has(statement.table)) {
          if (statement.ifNotExists) return 0;
          throw new DatabaseError('ER_TABLE_EXISTS_ERROR', `Table 'forge.${statement.table}' already exists`);
        }
        if (this.tables.size >= MAX_TABLES) throw new NotModelled(`more than ${MAX_TABLES} tables, which Forge refuses`);
        const table = tableOf(statement);
        this.schema(createTableSql(table));
        for (const index of table.indexes.values()) this.schema(createIndexSql(table.name, { ...index, name: index.name as string }));
        this.tables.set(table.name, table);
        return 0;
      }
      case 'createIndex': {
        const table = this.existing(statement.table);
        const { index, ifNotExists } = statement;
        if (ifNotExists && table.indexes.has(index.name)) return 0;
        return this.addIndex(table, index);
      }
      case 'alterTable': {
        const table = this.existing(statement.table);
        const columns = new Map(table.columns);
        const indexes = new Map(table.indexes);
        try {
          return statement.changes.reduce((sum, change) => sum + this.alter(table, change), 0);
        } catch (error) {
          table.columns = columns;
          table.indexes = indexes;
          throw error;
        }
      }
      case 'dropIndex': {
        const table = this.existing(statement.table);
        if (!table.indexes.has(statement.name)) {
          if (statement.ifExists) return 0;
          throw new DatabaseError('ER_CANT_DROP_FIELD_OR_KEY', `index ${statement.name} doesn't exist`);
        }
        this.schema(`DROP INDEX ${sqliteIndexName(table.name, statement.name)}`);
        table.indexes.delete(statement.name);
        return 0;
      }
      case 'dropTable': {
        const missing = statement.tables.find((name) => !this.tables.has(name));
        if (missing !== undefined && !statement.ifExists) throw new DatabaseError('ER_BAD_TABLE_ERROR', `Unknown table 'forge.${missing}'`);
        for (const name of statement.tables) {
          if (!this.tables.delete(name)) continue;
          this.schema(`DROP TABLE ${quoted(name)}`);
        }
        return 0;
      }
      case 'truncate': {
        const table = this.existing(statement.table);
        this.schema(`DELETE FROM ${quoted(table.name)}`);
        if ([...table.columns.values()].some((c) => c.autoIncrement))
          this.db.run('DELETE FROM sqlite_sequence WHERE name = ?', [table.name]);
        table.rows = 0;
        return 0;
      }
      default:
        throw new Error(`not a definition: ${statement.kind}`);
    }
  }

  private alter(table: Table, change: Extract<Statement, { kind: 'alterTable' }>['changes'][number]): number {
    if ('index' in change) return this.addIndex(table, change.index);
    const { column: definition, ifNotExists } = change;
    if (ifNotExists && table.columns.has(definition.name)) return 0;
    requireNewColumn(table.columns, definition.name);
    const column = columnOf(definition);
    this.schema(`ALTER TABLE ${quoted(table.name)} ADD COLUMN ${columnSql(column, false, true)}`);
    table.columns.set(column.name, column);
    return 0;
  }

  private addIndex(table: Table, index: Parameters<typeof addIndex>[1]): number {
    const named = addIndex(table, index);
    try {
      this.schema(createIndexSql(table.name, named));
    } catch (error) {
      table.indexes.delete(named.name);
      throw error;
    }
    return table.rows;
  }

  private existing(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new DatabaseError('ER_NO_SUCH_TABLE', `Table 'forge.${name}' doesn't exist`);
    return table;
  }

  /** SQLite changes no schema while statements are in use, so all are put away. */
  private schema(sql: string): void {
    this.prepared.clear();
    try {
      this.db.run(sql);
    } catch (error) {
      throw asMySql(error, 1);
    }
  }
}

/** The values of the last few texts. The oldest goes first. */
class Cache<T> {
  private readonly values = new Map<string, T>();

  constructor(private readonly dispose: (value: T) => void = () => {}) {}

  get(key: string, make: () => T): T {
    const known = this.values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (this.values.size >= CACHED_STATEMENTS) {
      const [oldest] = this.values.keys();
      const old = this.values.get(oldest as string);
      this.values.delete(oldest as string);
      if (old !== undefined) this.dispose(old);
    }
    this.values.set(key, value);
    return value;
  }

  clear(): void {
    for (const value of this.values.values()) this.dispose(value);
    this.values.clear();
  }
}

const written = (affectedRows: number, info: string): Written => ({
  affectedRows,
  fieldCount: 0,
  info,
  insertId: 0,
  serverStatus: AUTOCOMMIT,
  warningStatus: 0,
});

/** Values for SQLite. Refuses those that MySQL would convert or compare in a way of its own. */
function bind(params: readonly Param[], uses: readonly ParamUse[]): SqlValue[] {
  return params.map((value, i): SqlValue => {
    const use = uses[i] as ParamUse;
    if (value === null) return null;
    switch (use.type) {
      case 'int':
      case 'bigint':
        if (typeof value === 'boolean') return Number(value);
        if (typeof value === 'string') {
          if (!/^-?\d{1,18}$/.test(value)) throw new NotModelled('text for a number');
          return integer(BigInt(value));
        }
        if (!Number.isSafeInteger(value)) throw new NotModelled('a number that is not whole, or above 2^53');
        return whole(value);
      case 'double':
        if (typeof value !== 'number') throw new NotModelled('something other than a number for a DOUBLE');
        return value;
      case 'string':
        if (typeof value !== 'string') throw new NotModelled(`a ${typeof value} for text`);
        if (use.isCompared) requireSameText(value);
        if (use.isPattern) requirePattern(value);
        if (value.includes('\0')) throw new NotModelled('a NUL in text');
        return value;
      default:
        return typeof value === 'boolean' ? Number(value) : whole(value);
    }
  });
}

/** sql.js binds numbers above 32 bits as floating point, but BigInts as integers. */
function whole(value: string | number): SqlValue {
  return typeof value === 'number' && Number.isInteger(value) && value !== (value | 0) ? integer(BigInt(value)) : value;
}

const integer = (value: bigint): SqlValue => value as unknown as SqlValue;

/** SQLite refuses more values than a text names, and some of a plan's texts name only the first ones. */
function boundFor(sql: string, bound: SqlValue[]): SqlValue[] {
  if (bound.length === 0) return bound;
  let needed = needs.get(sql);
  if (needed === undefined) {
    needed = Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map(([, n]) => Number(n)));
    if (needs.size > 10 * CACHED_STATEMENTS) needs.clear();
    needs.set(sql, needed);
  }
  return needed < bound.length ? bound.slice(0, needed) : bound;
}
const needs = new Map<string, number>();

function outputType({ name, type, params }: OutputColumn, values: readonly Param[]): ValueType | 'null' {
  if (type !== 'param') return type;
  if (params.some((i) => values[i] !== null && typeof values[i] !== 'string'))
    throw new NotModelled(`a number as the parameter in column '${name}'`);
  return 'string';
}

function output(value: SqlValue, type: ValueType | 'null'): string | number | null {
  if (value === null) return null;
  if (type !== 'bigint') return value as string | number;
  if (!Number.isSafeInteger(value)) throw new NotModelled('a number above 2^53');
  return String(value);
}

function sqlTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** What SQLite says, as MySQL says it. */
function asMySql(error: unknown, row: number): Error {
  if (!(error instanceof Error) || error instanceof NotModelled || error instanceof DatabaseError) return error as Error;
  const [, kind = '', detail = ''] = /^(UNIQUE|NOT NULL|CHECK) constraint failed: (.*)$/.exec(error.message) ?? [];
  const column = detail.split('.').at(-1) ?? '';
  if (kind === 'UNIQUE') return new DatabaseError('ER_DUP_ENTRY', `Duplicate entry for key '${detail}'`);
  if (kind === 'NOT NULL') return new DatabaseError('ER_BAD_NULL_ERROR', `Column '${column}' cannot be null`);
  const [rule, name] = detail.split(':');
  if (rule === 'long') return new DatabaseError('ER_DATA_TOO_LONG', `Data too long for column '${name}' at row ${row}`);
  if (rule === 'range') return new DatabaseError('ER_WARN_DATA_OUT_OF_RANGE', `Out of range value for column '${name}' at row ${row}`);
  return new NotModelled(`SQLite: ${error.message}`);
}

/** The tables as MySQL would describe them, and how SQLite keeps them. */
import { DatabaseError, NotModelled } from './errors';
import type { ColumnDefinition, IndexDefinition, Statement } from './parse';

/**
 * `int` comes back as a number; `bigint` and `date` come back as strings (Forge docs). `date` is only for the table in which
 * `@forge/sql` keeps its migrations: such a value can be read, compared with its like and sorted by, but not named.
 */
export type ValueType = 'int' | 'bigint' | 'double' | 'string' | 'date';

export interface Column {
  name: string;
  type: ValueType;
  notNull: boolean;
  byDefault: ColumnDefinition['byDefault'];
  autoIncrement: boolean;
  /** SQLite's type and checks. */
  storage: string;
  /** Bytes that the column takes in an index; null = it cannot be in one. */
  keyBytes: number | null;
}

export interface Table {
  name: string;
  columns: Map<string, Column>;
  /** Columns of the primary key; empty = none. */
  key: string[];
  indexes: Map<string, IndexDefinition>;
  /** Kept in step with what statements do, so that nobody has to count. */
  rows: number;
}

/** MySQL: Integer Types. */
const RANGES: Record<string, [low: string, high: string]> = {
  TINYINT: ['-128', '127'],
  SMALLINT: ['-32768', '32767'],
  MEDIUMINT: ['-8388608', '8388607'],
  INT: ['-2147483648', '2147483647'],
};
const INT_BYTES: Record<string, number> = { TINYINT: 1, SMALLINT: 2, MEDIUMINT: 3, INT: 4, BIGINT: 8 };
/** MySQL: String Type Storage Requirements, in bytes. */
const TEXT_BYTES: Record<string, number> = { TINYTEXT: 255, TEXT: 65_535, MEDIUMTEXT: 16_777_215, LONGTEXT: 4_294_967_295 };
/** utf8mb4: four bytes a character, 65,535 in a row. */
const MAX_VARCHAR = 16_383;
const MAX_CHAR = 255;
const BYTES_PER_CHARACTER = 4;
/** TiDB: max-index-length. */
const MAX_KEY_BYTES = 3_072;

export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
export const sqliteIndexName = (table: string, index: string): string => quoted(`${table}:${index}`);

export function columnOf(definition: ColumnDefinition): Column {
  const { name, length, notNull, byDefault, autoIncrement } = definition;
  const type =
    definition.type === 'INTEGER' ? 'INT' : definition.type === 'BOOL' || definition.type === 'BOOLEAN' ? 'TINYINT' : definition.type;
  const column = quoted(name);
  const check = (rule: string, condition: string): string => `CONSTRAINT ${quoted(`${rule}:${name}`)} CHECK (${condition})`;
  const base = { name, notNull, byDefault, autoIncrement };
  const invalid = (): DatabaseError => new DatabaseError('ER_INVALID_DEFAULT', `Invalid default value for '${name}'`);
  if (byDefault === null && notNull) throw invalid();
  if (byDefault !== undefined && autoIncrement) throw new NotModelled('a default beside AUTO_INCREMENT');
  if (type in INT_BYTES || type === 'DOUBLE') {
    if (isNow(byDefault)) throw invalid();
    if (typeof byDefault === 'string') throw new NotModelled('text as the default of a number');
  }
  if (type in INT_BYTES) {
    const range = RANGES[type];
    if (range && typeof byDefault === 'number' && (byDefault < Number(range[0]) || byDefault > Number(range[1]))) throw invalid();
    // Not `INTEGER`: as a primary key, that would be SQLite's row id, which makes up numbers for NULL.
    const storage = `INT ${range ? check('range', `${column} BETWEEN ${range[0]} AND ${range[1]}`) : ''}`;
    return { ...base, type: type === 'BIGINT' ? 'bigint' : 'int', storage, keyBytes: INT_BYTES[type] as number };
  }
  if (type === 'DOUBLE') return { ...base, type: 'double', storage: 'REAL', keyBytes: 8 };
  if (type === 'DATE' || type === 'DATETIME' || type === 'TIMESTAMP') {
    // What `@forge/sql` says about its migrations.
    if (type !== 'TIMESTAMP' || length !== null || !notNull || !isNow(byDefault)) throw new NotModelled(`columns of type ${type}`);
    return { ...base, type: 'date', storage: 'TEXT', keyBytes: null };
  }
  if (type in TEXT_BYTES) {
    if (byDefault !== undefined && byDefault !== null) throw new NotModelled('defaults of TEXT columns');
    const storage = `TEXT ${check('long', `length(CAST(${column} AS BLOB)) <= ${TEXT_BYTES[type]}`)}`;
    return { ...base, type: 'string', storage, keyBytes: null };
  }
  if (type !== 'VARCHAR' && type !== 'CHAR') throw new NotModelled(`columns of type ${type}`);
  if (length === null && type === 'VARCHAR') throw new NotModelled('VARCHAR without a length');
  const characters = length ?? 1;
  const max = type === 'CHAR' ? MAX_CHAR : MAX_VARCHAR;
  if (characters > max)
    throw new DatabaseError(
      'ER_TOO_BIG_FIELDLENGTH',
      `Column length too big for column '${name}' (max = ${max}); use BLOB or TEXT instead`,
    );
  if (isNow(byDefault)) throw invalid();
  if (typeof byDefault === 'number' || byDefault?.endsWith(' ')) throw new NotModelled('such a default of text');
  if (byDefault && [...byDefault].length > characters) throw invalid();
  const storage = `TEXT ${check('long', `length(${column}) <= ${characters}`)}`;
  return { ...base, type: 'string', storage, keyBytes: characters * BYTES_PER_CHARACTER };
}

/** @throws DatabaseError if the columns cannot be in an index */
export function checkIndex(table: Pick<Table, 'name' | 'columns'>, columns: readonly string[]): void {
  let bytes = 0;
  for (const [i, name] of columns.entries()) {
    const column = table.columns.get(name);
    if (!column) refuseOtherCase(table.columns.keys(), name);
    if (!column) throw new DatabaseError('ER_KEY_COLUMN_DOES_NOT_EXITS', `Key column '${name}' doesn't exist in table`);
    if (columns.indexOf(name) !== i) throw new DatabaseError('ER_DUP_FIELDNAME', `Duplicate column name '${name}'`);
    if (column.type === 'date') throw new NotModelled('a time in an index');
    if (column.keyBytes === null)
      throw new DatabaseError('ER_BLOB_KEY_WITHOUT_LENGTH', `BLOB/TEXT column '${name}' used in key specification without a key length`);
    bytes += column.keyBytes;
  }
  if (bytes > MAX_KEY_BYTES)
    throw new DatabaseError('ER_TOO_LONG_KEY', `Specified key was too long (${bytes} bytes); max key length is ${MAX_KEY_BYTES} bytes`);
}

export function tableOf(statement: Extract<Statement, { kind: 'createTable' }>): Table {
  const columns = new Map<string, Column>();
  for (const definition of statement.columns) {
    requireNewColumn(columns, definition.name);
    columns.set(definition.name, columnOf(definition));
  }
  const key = statement.primaryKey ?? [];
  const table: Table = { name: statement.table, columns, key, indexes: new Map(), rows: 0 };
  checkIndex(table, key);
  for (const name of key) {
    const column = columns.get(name) as Column;
    if (column.byDefault === null) throw new NotModelled('DEFAULT NULL in a primary key');
    column.notNull = true;
  }
  for (const column of columns.values()) {
    if (column.autoIncrement && (key.length !== 1 || key[0] !== column.name))
      throw new NotModelled('AUTO_INCREMENT outside the primary key');
  }
  for (const index of statement.indexes) addIndex(table, index);
  return table;
}

export const isNow = (value: Column['byDefault']): value is { now: true } => typeof value === 'object' && value !== null;

/** Names of columns, and of the select list, are the same in either case; here they have to be written alike. */
export function refuseOtherCase(names: Iterable<string>, name: string): void {
  for (const known of names)
    if (known !== name && known.toLowerCase() === name.toLowerCase())
      throw new NotModelled(`the name '${name}' differs from '${known}' in case`);
}

export function requireNewColumn(columns: ReadonlyMap<string, unknown>, name: string): void {
  if ([...columns.keys()].some((known) => known.toLowerCase() === name.toLowerCase()))
    throw new DatabaseError('ER_DUP_FIELDNAME', `Duplicate column name '${name}'`);
}

/** Adds it to the description only, and gives it a name if it has none. */
export function addIndex(table: Table, index: IndexDefinition): IndexDefinition & { name: string } {
  checkIndex(table, index.columns);
  const taken = (name: string): boolean => [...table.indexes.keys()].some((known) => known.toLowerCase() === name.toLowerCase());
  let name = index.name ?? (index.columns[0] as string);
  for (let n = 2; index.name === null && taken(name); n += 1) name = `${index.columns[0]}_${n}`;
  if (taken(name)) throw new DatabaseError('ER_DUP_KEYNAME', `Duplicate key name '${name}'`);
  const named = { ...index, name };
  table.indexes.set(name, named);
  return named;
}

/** SQLite's definition of a column. `adding` = to a table that may have rows already. */
export function columnSql(column: Column, isAlone: boolean, adding = false): string {
  if (column.autoIncrement) return `${quoted(column.name)} INTEGER PRIMARY KEY AUTOINCREMENT`;
  const parts = [quoted(column.name), column.storage];
  if (column.notNull) parts.push('NOT NULL');
  if (isAlone) parts.push('PRIMARY KEY');
  // MySQL fills a new column with the type's zero when it has no default and must not be null.
  const implied = adding && column.notNull && column.byDefault === undefined ? (column.type === 'string' ? '' : 0) : undefined;
  const byDefault = implied ?? column.byDefault;
  if (isNow(byDefault) && adding) throw new NotModelled('adding a column with the time as its default');
  if (byDefault !== undefined && !isNow(byDefault)) parts.push(`DEFAULT ${literalSql(byDefault)}`);
  return parts.join(' ');
}

export function literalSql(value: number | string | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

export function createTableSql(table: Table): string {
  const alone = table.key.length === 1 ? table.key[0] : undefined;
  const columns = [...table.columns.values()].map((column) => columnSql(column, column.name === alone));
  const key = table.key.length > 1 ? [`PRIMARY KEY (${table.key.map(quoted).join(', ')})`] : [];
  return `CREATE TABLE ${quoted(table.name)} (${[...columns, ...key].join(', ')}) STRICT`;
}

export function createIndexSql(table: string, index: IndexDefinition & { name: string }): string {
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${sqliteIndexName(table, index.name)} ON ${quoted(table)} (${index.columns.map(quoted).join(', ')})`;
}

/**
 * Turns a parsed statement into SQLite's SQL, with the types of what goes in and comes out. Wherever the two
 * databases would differ without saying so (types that MySQL converts, assignments that read what an earlier one
 * wrote, rows that a scalar subquery must not have), the statement is refused as not modeled.
 */
import { DatabaseError, NotModelled } from './errors';
import type { Assignment, Core, Expr, Item, Ordering, Query, Source, Statement } from './parse';
import { type Column, isNow, literalSql, quoted, refuseOtherCase, type Table, type ValueType } from './schema';

/** `null`: the literal NULL. `param`: a parameter whose type its surroundings decide. */
type ExprType = ValueType | 'null' | 'param';

interface Emitted {
  sql: string;
  type: ExprType;
  /** Parameters whose type is still open. */
  open: number[];
  /** Reads a column of this query outside an aggregate and outside its groups. */
  isBare: boolean;
  hasAggregate: boolean;
  /** The columns of a row value. */
  items?: Emitted[];
}

export interface OutputColumn {
  name: string;
  type: ExprType;
  /** The parameters that decide the type, if it is `param`. */
  params: number[];
}

/** Whether and how a parameter is compared with stored text: there MySQL ignores spaces at the end. */
export interface ParamUse {
  type: ValueType | null;
  isCompared: boolean;
  isPattern: boolean;
}

export interface SelectPlan {
  sql: string;
  columns: OutputColumn[];
  params: ParamUse[];
  /** Tables by the alias that SQLite's plans name. */
  aliases: Map<string, string>;
  limit: number | null;
  hasAggregate: boolean;
}

export interface WritePlan {
  params: ParamUse[];
  table: Table;
  aliases: Map<string, string>;
  /** How many rows the condition selects. */
  matchSql: string;
  /** Writes only rows that change. */
  sql: string;
  limit: number | null;
}

export interface InsertPlan {
  params: ParamUse[];
  table: Table;
  aliases: Map<string, string>;
  isUpsert: boolean;
  /** For `VALUES`: one statement for each row, over the parameters from `first` on. Rows of the same form share the text. */
  rows: InsertRow[];
  /** For `SELECT`: one statement, and how many rows it selects. */
  select: { sql: string; countSql: string } | null;
}

export interface InsertRow {
  sql: string;
  first: number;
  params: number;
  /** For REPLACE: deletes the row with the same key; and asks whether it is already as it should be. */
  replace: { deleteSql: string; sameSql: string } | null;
}

interface Scope {
  sources: Map<string, ReadonlyMap<string, ExprType>>;
  parent: Scope | null;
  /** Names of the select list, where a clause may use them. */
  names: Map<string, Emitted>;
  clause: string;
  /** What the query groups by; null = it does not group. */
  groups: Set<string> | null;
  /** Columns that subqueries of this query read outside its aggregates. */
  readBelow: Set<string>;
  inAggregate: boolean;
  allowsAggregates: boolean;
}

const scopeIn = (parent: Scope | null): Scope => ({
  sources: new Map(),
  parent,
  names: new Map(),
  clause: 'field list',
  groups: null,
  readBelow: new Set(),
  inAggregate: false,
  allowsAggregates: false,
});

const NUMBERS = new Set<ExprType>(['int', 'bigint', 'double']);
const isNumber = (type: ExprType): boolean => NUMBERS.has(type);
const AGGREGATES = new Set(['COUNT', 'SUM', 'MIN', 'MAX']);

export class Translator {
  private readonly params: ParamUse[];
  private readonly ctes: Map<string, ReadonlyMap<string, ExprType>>[] = [];
  readonly aliases = new Map<string, string>();
  private hasAggregate = false;
  /** While an upsert's assignments are translated. */
  private incoming: Table | null = null;
  private firstParam = 0;
  /** Tables that a subquery must not read, because the statement writes them. */
  private written: string | null = null;

  constructor(
    private readonly tables: ReadonlyMap<string, Table>,
    params: number,
  ) {
    this.params = Array.from({ length: params }, () => ({ type: null, isCompared: false, isPattern: false }));
  }

  // --- statements --------------------------------------------------------------------------------------

  select(query: Query): SelectPlan {
    const { sql, columns } = this.query(query, null);
    return { sql, columns, params: this.params, aliases: this.aliases, limit: query.limit, hasAggregate: this.hasAggregate };
  }

  update(statement: Extract<Statement, { kind: 'update' }>): WritePlan {
    const table = this.table(statement.table);
    this.written = table.name;
    const scope = this.scopeOf(table);
    refuseReadAfterWrite(statement.set);
    const assignments = this.assignments(table, statement.set, scope);
    const where = this.writeCondition(table, statement, scope);
    const changes = assignments.map(({ column, sql }) => `${quoted(column)} IS NOT ${sql}`).join(' OR ');
    return {
      ...this.writePlan(table, where, statement.limit),
      sql: `UPDATE ${quoted(table.name)} SET ${assignments.map(({ column, sql }) => `${quoted(column)} = ${sql}`).join(', ')} WHERE ${where} AND (${changes})`,
    };
  }

  delete(statement: Extract<Statement, { kind: 'delete' }>): WritePlan {
    const table = this.table(statement.table);
    this.written = table.name;
    const where = this.writeCondition(table, statement, this.scopeOf(table));
    return { ...this.writePlan(table, where, statement.limit), sql: `DELETE FROM ${quoted(table.name)} WHERE ${where}` };
  }

  private writePlan(table: Table, where: string, limit: number | null) {
    const matchSql = `SELECT COUNT(*) FROM ${quoted(table.name)} WHERE ${where}`;
    this.aliases.set(table.name, table.name);
    return { params: this.params, table, aliases: this.aliases, matchSql, limit };
  }

  private writeCondition(
    table: Table,
    { where, orderBy, limit }: { where: Expr | null; orderBy: Ordering[]; limit: number | null },
    scope: Scope,
  ): string {
    const condition = where ? this.condition(where, { ...scope, clause: 'where clause' }) : '1';
    if (limit === null && orderBy.length === 0) return `(${condition})`;
    if (limit === null) throw new NotModelled('ORDER BY without LIMIT in a write');
    const order = orderBy.map(
      ({ expr, descending }) => this.emit(expr, { ...scope, clause: 'order clause' }).sql + (descending ? ' DESC' : ''),
    );
    const name = quoted(table.name);
    return `rowid IN (SELECT rowid FROM ${name} WHERE ${condition}${order.length > 0 ? ` ORDER BY ${order.join(', ')}` : ''} LIMIT ${limit})`;
  }

  private assignments(table: Table, set: readonly Assignment[], scope: Scope): { column: string; sql: string }[] {
    const keys = new Set([...table.key, ...[...table.indexes.values()].filter((i) => i.isUnique).flatMap((i) => i.columns)]);
    return set.map(({ column: name, value }) => {
      const column = this.columnOf(table, name, 'field list');
      if (keys.has(column.name)) throw new NotModelled('changing a column of a unique key');
      const emitted = this.emit(value, { ...scope, clause: 'field list' });
      return { column: column.name, sql: `(${this.store(emitted, column).sql})` };
    });
  }

  insert(statement: Extract<Statement, { kind: 'insert' }>): InsertPlan {
    const table = this.table(statement.table);
    const names = statement.columns ?? [...table.columns.keys()];
    const columns = names.map((name) => this.columnOf(table, name, 'field list'));
    for (const [i, name] of names.entries())
      if (names.indexOf(name) !== i) throw new DatabaseError('ER_FIELD_SPECIFIED_TWICE', `Column '${name}' specified twice`);
    for (const column of table.columns.values()) {
      if (!names.includes(column.name) && column.notNull && column.byDefault === undefined && !column.autoIncrement)
        throw new DatabaseError('ER_NO_DEFAULT_FOR_FIELD', `Field '${column.name}' doesn't have a default value`);
    }
    const uniques = [...table.indexes.values()].filter((index) => index.isUnique);
    if ((statement.upsert || statement.isReplace) && (table.key.length === 0 || uniques.length > 0))
      throw new NotModelled('an upsert into a table whose only unique key is not the primary key');
    // The time is put in the text as `:now`, which the engine replaces.
    const timed = [...table.columns.values()].filter((c) => !names.includes(c.name) && isNow(c.byDefault));
    const into = `INSERT INTO ${quoted(table.name)} (${[...names, ...timed.map((c) => c.name)].map(quoted).join(', ')})`;
    this.written = statement.upsert ? table.name : null;
    if (!Array.isArray(statement.rows)) return this.insertSelect(statement, table, columns, timed, into);
    const scope: Scope = { ...this.scopeOf(table), sources: new Map() };
    const rows: InsertRow[] = [];
    let first = 0;
    const texts = new Map<string, string>();
    const hasParamsInUpsert = JSON.stringify(statement.upsert ?? []).includes('"kind":"param"');
    if (hasParamsInUpsert && statement.rows.length > 1) throw new NotModelled('parameters in the assignments of an upsert of several rows');
    const upsertSql = this.upsert(table, statement.upsert);
    for (const row of statement.rows) {
      if (row.length !== columns.length)
        throw new DatabaseError('ER_WRONG_VALUE_COUNT_ON_ROW', `Column count doesn't match value count at row ${rows.length + 1}`);
      this.firstParam = first;
      const before = first;
      const values = row.map((expr, i) => {
        first += paramsIn(expr);
        return this.store(this.emit(expr, { ...scope, clause: 'field list' }), columns[i] as Column).sql;
      });
      const list = [...values, ...timed.map(() => ':now')].join(', ');
      let sql = texts.get(list);
      if (sql === undefined) {
        sql = `${into} VALUES (${list})${upsertSql}`;
        texts.set(list, sql);
      }
      const own = hasParamsInUpsert ? this.params.length : first - before;
      rows.push({ sql, first: before, params: own, replace: statement.isReplace ? this.replace(table, names, values) : null });
    }
    this.firstParam = 0;
    return { params: this.params, table, aliases: this.aliases, isUpsert: statement.upsert !== null, rows, select: null };
  }

  private replace(table: Table, names: readonly string[], values: readonly string[]): InsertRow['replace'] {
    const incoming = (column: Column): string => {
      const at = names.indexOf(column.name);
      if (at >= 0) return values[at] as string;
      if (isNow(column.byDefault)) return ':now';
      return literalSql((column.byDefault ?? null) as number | string | null);
    };
    const same = (column: Column): string => `${quoted(column.name)} IS ${incoming(column)}`;
    const key = table.key.map((name) => same(table.columns.get(name) as Column)).join(' AND ');
    const all = [...table.columns.values()].map(same).join(' AND ');
    const name = quoted(table.name);
    return { deleteSql: `DELETE FROM ${name} WHERE ${key}`, sameSql: `SELECT 1 FROM ${name} WHERE ${all}` };
  }

  private insertSelect(
    statement: Extract<Statement, { kind: 'insert' }>,
    table: Table,
    columns: readonly Column[],
    timed: readonly Column[],
    into: string,
  ): InsertPlan {
    const selected = this.query(
      statement.rows as Query,
      null,
      columns.map((c) => c.type),
    );
    if (selected.columns.length !== columns.length)
      throw new DatabaseError('ER_WRONG_VALUE_COUNT_ON_ROW', "Column count doesn't match value count at row 1");
    for (const [i, column] of columns.entries()) {
      const { type, params } = selected.columns[i] as OutputColumn;
      this.store({ sql: '', type, open: params, isBare: false, hasAggregate: false }, column);
    }
    const upsert = this.upsert(table, statement.upsert);
    const list = columns.map((_, i) => `c${i}`);
    const source = `(${selected.sql}) AS s`;
    const renamed = `WITH s(${list.join(', ')}) AS (${selected.sql}) SELECT ${[...list, ...timed.map(() => ':now')].join(', ')} FROM s WHERE 1`;
    return {
      params: this.params,
      table,
      aliases: this.aliases,
      isUpsert: statement.upsert !== null,
      rows: [],
      select: { sql: `${into} ${renamed}${upsert}`, countSql: `SELECT COUNT(*) FROM ${source}` },
    };
  }

  private upsert(table: Table, set: readonly Assignment[] | null): string {
    if (!set) return '';
    refuseReadAfterWrite(set);
    this.incoming = table;
    const assignments = this.assignments(table, set, this.scopeOf(table));
    this.incoming = null;
    const changes = assignments.map(({ column, sql }) => `${quoted(table.name)}.${quoted(column)} IS NOT ${sql}`).join(' OR ');
    return ` ON CONFLICT (${table.key.map(quoted).join(', ')}) DO UPDATE SET ${assignments
      .map(({ column, sql }) => `${quoted(column)} = ${sql}`)
      .join(', ')} WHERE ${changes}`;
  }

  private table(name: string): Table {
    const table = this.tables.get(name);
    if (table) return table;
    if ([...this.tables.keys()].some((known) => known.toLowerCase() === name.toLowerCase()))
      throw new NotModelled(`the name '${name}' differs from the table's in case`);
    throw new DatabaseError('ER_NO_SUCH_TABLE', `Table 'forge.${name}' doesn't exist`);
  }

  private columnOf(table: Table, name: string, clause: string): Column {
    const column = table.columns.get(name);
    if (column) return column;
    refuseOtherCase(table.columns.keys(), name);
    throw new DatabaseError('ER_BAD_FIELD_ERROR', `Unknown column '${name}' in '${clause}'`);
  }

  private scopeOf(table: Table): Scope {
    const types = new Map([...table.columns.values()].map((c) => [c.name, c.type as ExprType]));
    return { ...scopeIn(null), sources: new Map([[table.name, types]]) };
  }

  // --- queries -------------------------------------------------------------------------------------------

  private query(query: Query, parent: Scope | null, wanted: readonly ValueType[] = []): { sql: string; columns: OutputColumn[] } {
    const ctes = new Map<string, ReadonlyMap<string, ExprType>>();
    this.ctes.push(ctes);
    const definitions = query.ctes.map(({ name, columns, query: inner }) => {
      const emitted = this.query(inner, null);
      if (columns && columns.length !== emitted.columns.length) throw new NotModelled('a CTE with another number of columns');
      ctes.set(
        name,
        columnsOf(
          emitted.columns.map((c, i) => ({ ...c, name: columns?.[i] ?? c.name })),
          name,
        ),
      );
      return `${quoted(name)}${columns ? ` (${columns.map(quoted).join(', ')})` : ''} AS (${emitted.sql})`;
    });
    let sql = definitions.length > 0 ? `WITH ${definitions.join(', ')} ` : '';
    const single = query.members.length === 1 ? query.members[0] : undefined;
    let columns: OutputColumn[];
    if (single && !('ctes' in single)) {
      const core = this.core(single, parent, wanted, query.orderBy);
      columns = core.columns;
      sql += core.sql;
    } else {
      const members = query.members.map((member) => {
        if ('ctes' in member) {
          const inner = this.query(member, parent, wanted);
          return { sql: `SELECT * FROM (${inner.sql})`, columns: inner.columns };
        }
        return this.core(member, parent, wanted, []);
      });
      columns = this.unite(members.map((m) => m.columns));
      sql += members.map((m, i) => (i === 0 ? m.sql : `${query.unions[i - 1]} ${m.sql}`)).join(' ');
      if (query.orderBy.length > 0) sql += ` ORDER BY ${query.orderBy.map((o) => orderOfUnion(o, columns)).join(', ')}`;
    }
    if (query.limit !== null) sql += ` LIMIT ${query.limit}`;
    if (query.offset !== null) sql += ` OFFSET ${query.offset}`;
    this.ctes.pop();
    return { sql, columns };
  }

  /** The columns of a union: named after the first member, and of a type that fits all. */
  private unite(members: OutputColumn[][]): OutputColumn[] {
    const [first = []] = members;
    if (members.some((m) => m.length !== first.length))
      throw new DatabaseError('ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT', 'The used SELECT statements have a different number of columns');
    return first.map(({ name }, i) => {
      const parts = members.map((m) => m[i] as OutputColumn);
      const type = this.unify(parts.map(({ type: t, params }) => ({ sql: '', type: t, open: params, isBare: false, hasAggregate: false })));
      return { name, type, params: parts.flatMap((p) => p.params) };
    });
  }

  private core(core: Core, parent: Scope | null, wanted: readonly ValueType[], orderBy: readonly Ordering[]) {
    const scope = scopeIn(parent);
    const from = core.from.map((source) => this.source(source, scope, parent)).join('');
    const where = core.where ? this.condition(core.where, { ...scope, clause: 'where clause' }) : null;
    const named = namesOf(core.items);
    const isGrouped = core.groupBy.length > 0;
    if (core.groupBy.some(({ kind }) => kind === 'literal' || kind === 'param'))
      throw new NotModelled('grouping by a position or a constant');
    const keys = core.groupBy.map((expr) => this.emitNamed(expr, scope, named, 'group statement'));
    const groups = isGrouped ? new Set(keys.map((k) => k.sql)) : null;
    // A key that is named in the select list counts under its own text as well.
    for (const expr of core.groupBy) {
      if (expr.kind !== 'column' || expr.table !== null) continue;
      const item = named.get(expr.name);
      if (item && groups) groups.add(this.emit(item, { ...scope, allowsAggregates: true }).sql);
    }
    const inner: Scope = { ...scope, groups, readBelow: new Set(), allowsAggregates: true };
    const outputs = this.items(core.items, inner, wanted);
    const usesAggregate = outputs.some((o) => o.emitted.hasAggregate) || isGrouped;
    if (usesAggregate) this.hasAggregate = true;
    const bare = outputs.find((o) => usesAggregate && o.emitted.isBare);
    if (bare) throw this.notGrouped(core, groups, `SELECT list ('${bare.name}')`);
    const after: Scope = { ...inner, names: new Map(outputs.filter((o) => o.isAliased).map((o) => [o.name, o.emitted])) };
    let sql = `SELECT ${core.isDistinct ? 'DISTINCT ' : ''}${outputs.map((o) => `${o.emitted.sql} AS ${quoted(o.name)}`).join(', ')}${from}`;
    if (where) sql += ` WHERE ${where}`;
    if (isGrouped) sql += ` GROUP BY ${keys.map((k) => k.sql).join(', ')}`;
    if (core.having) {
      const having = this.emitNamed(core.having, after, named, 'having clause');
      if (having.isBare) throw new NotModelled('HAVING on a column outside the groups');
      sql += ` HAVING ${this.truth(having).sql}`;
    }
    if (orderBy.length > 0) {
      const terms = orderBy.map(({ expr, descending }) => {
        const isPosition = expr.kind === 'literal' && typeof expr.value === 'number';
        const term = isPosition ? null : this.emitNamed(expr, after, named, 'order clause');
        if (term?.hasAggregate && !usesAggregate) throw new NotModelled('an aggregate in ORDER BY only');
        if (term?.isBare && usesAggregate && !groups) throw new NotModelled('sorting the one row of an aggregate');
        if (term?.isBare && usesAggregate) throw this.notGrouped(core, groups, 'ORDER BY');
        if (term?.type === 'param') throw new NotModelled('sorting by a parameter');
        if (term && core.isDistinct && !outputs.some((o) => o.emitted.sql === term.sql || quoted(o.name) === term.sql))
          throw new NotModelled('sorting DISTINCT rows by something that is not selected');
        return (term ? term.sql : String((expr as { value: number }).value)) + (descending ? ' DESC' : '');
      });
      sql += ` ORDER BY ${terms.join(', ')}`;
    }
    if (usesAggregate && [...inner.readBelow].some((column) => !groups?.has(column)))
      throw new NotModelled('a subquery that reads a column outside the groups');
    return { sql, columns: outputs.map(({ name, emitted }) => ({ name, type: emitted.type, params: emitted.open })) };
  }

  /**
   * The error for a column outside the groups. MySQL takes it after all if it depends on the groups: by a unique key, or by
   * a condition that says what it equals. So it is an error for sure only where there are neither.
   */
  private notGrouped({ from, where }: Core, groups: ReadonlySet<string> | null, clause: string): Error {
    const [source] = from;
    const isCte = this.ctes.some((map) => map.has(String(source?.table)));
    const table = from.length === 1 && typeof source?.table === 'string' && !isCte ? this.tables.get(source.table) : undefined;
    const uniques = table ? [table.key, ...[...table.indexes.values()].filter((i) => i.isUnique).map((i) => i.columns)] : [];
    const isInGroups = (name: string): boolean => groups?.has(`${quoted(source?.alias ?? '')}.${quoted(name)}`) ?? false;
    if (!table || where || uniques.some((key) => key.length > 0 && key.every(isInGroups)))
      return new NotModelled('a column outside the groups that may depend on them');
    if (!groups)
      return new DatabaseError(
        'ER_MIX_OF_GROUP_FUNC_AND_FIELDS',
        `In aggregated query without GROUP BY, ${clause} contains a nonaggregated column`,
      );
    return new DatabaseError(
      'ER_WRONG_FIELD_WITH_GROUP',
      `Expression of ${clause} is not in GROUP BY clause and contains a nonaggregated column`,
    );
  }

  /** For clauses that may use names of the select list. MySQL and SQLite prefer different ones if a column has the same name. */
  private emitNamed(expr: Expr, scope: Scope, named: Map<string, Expr>, clause: string): Emitted {
    const names = new Map<string, Emitted>();
    for (const [name, item] of named) {
      refuseOtherCase(namesIn(expr), name);
      if (!mentions(expr, name)) continue;
      const isSame = item.kind === 'column' && item.name === name;
      const isColumn = [...scope.sources.values()].some((columns) => columns.has(name));
      if (isSame && clause === 'group statement') continue;
      if (isColumn && !isSame) throw new NotModelled(`'${name}' is both a column and a name of the select list`);
      const emitted = scope.names.get(name) ?? this.emit(item, { ...scope, allowsAggregates: true });
      names.set(name, { ...emitted, sql: quoted(name), isBare: false });
    }
    return this.emit(expr, { ...scope, names, clause });
  }

  private items(items: readonly Item[], scope: Scope, wanted: readonly ValueType[]) {
    return items.flatMap((item) => {
      if (item.kind === 'expr') {
        const emitted = this.emit(item.expr, scope);
        const type = wanted[items.indexOf(item)];
        if (type && emitted.open.length > 0) this.settle(emitted, type);
        return [{ name: item.name, isAliased: item.isAliased, emitted: emitted.items ? failRow() : emitted }];
      }
      if (scope.groups) throw new NotModelled('* in a query that groups');
      const sources = item.table === null ? [...scope.sources] : [...scope.sources].filter(([alias]) => alias === item.table);
      if (sources.length === 0) throw new DatabaseError('ER_BAD_TABLE_ERROR', `Unknown table '${item.table}'`);
      return sources.flatMap(([alias, columns]) =>
        [...columns].map(([name, type]) => ({
          name,
          isAliased: false,
          emitted: { sql: `${quoted(alias)}.${quoted(name)}`, type, open: [], isBare: true, hasAggregate: false } as Emitted,
        })),
      );
    });
  }

  private source(source: Source, scope: Scope, parent: Scope | null): string {
    const { table, alias } = source;
    if (scope.sources.has(alias)) throw new DatabaseError('ER_NONUNIQ_TABLE', `Not unique table/alias: '${alias}'`);
    let text: string;
    if (typeof table !== 'string') {
      const inner = this.query(table, null);
      scope.sources.set(alias, columnsOf(inner.columns, alias));
      text = `(${inner.sql})`;
    } else {
      const cte = [...this.ctes].reverse().find((map) => map.has(table));
      if (cte) scope.sources.set(alias, cte.get(table) as ReadonlyMap<string, ExprType>);
      else {
        const found = this.table(table);
        if (table === this.written) throw new NotModelled('reading the table that the statement writes');
        scope.sources.set(alias, new Map([...found.columns.values()].map((c) => [c.name, c.type])));
        this.aliases.set(alias, table);
      }
      text = quoted(table);
    }
    const join = { none: ' FROM ', cross: ' CROSS JOIN ', inner: ' JOIN ', left: ' LEFT JOIN ' }[source.join];
    const on = source.on ? ` ON ${this.condition(source.on, { ...scope, parent, clause: 'on clause' })}` : '';
    return `${join}${text} AS ${quoted(alias)}${on}`;
  }

  // --- expressions -----------------------------------------------------------------------------------------

  private condition(expr: Expr, scope: Scope): string {
    return this.truth(this.emit(expr, scope)).sql;
  }

  /** A condition is a number in both databases; what MySQL makes of a string is not modeled. */
  private truth(e: Emitted): Emitted {
    if (e.type === 'param') this.settle(e, 'int');
    else if (!isNumber(e.type) && e.type !== 'null') throw new NotModelled('a condition that is not a number');
    return e;
  }

  private emit(expr: Expr, scope: Scope): Emitted {
    const e = this.emitPlain(expr, scope);
    if (scope.groups?.has(e.sql)) e.isBare = false;
    return e;
  }

  private emitPlain(expr: Expr, scope: Scope): Emitted {
    const again = (inner: Expr): Emitted => this.emit(inner, scope);
    switch (expr.kind) {
      case 'literal':
        if (typeof expr.value === 'string') requireSameText(expr.value);
        return plain(literalSql(expr.value), expr.value === null ? 'null' : typeof expr.value === 'number' ? 'bigint' : 'string');
      case 'param': {
        // Rows of an insert share their text, so parameters are numbered within the row.
        const number = expr.index - this.firstParam + 1;
        return { ...plain(`?${number}`, 'param'), open: [expr.index] };
      }
      case 'column':
        return this.resolve(expr.table, expr.name, scope);
      case 'incoming': {
        if (!this.incoming) throw new NotModelled('VALUES() outside an upsert');
        const column = this.columnOf(this.incoming, expr.name, 'field list');
        return plain(`excluded.${quoted(column.name)}`, column.type);
      }
      case 'unary': {
        const a = again(expr.a);
        if (expr.op === 'NOT') return join([this.truth(a)], `(NOT ${a.sql})`, 'bigint');
        this.needNumber(a);
        return join([a], `(-${a.sql})`, a.type === 'double' ? 'double' : 'bigint');
      }
      case 'binary':
        return this.binary(expr.op, again(expr.a), again(expr.b), expr.b);
      case 'is': {
        const a = again(expr.a);
        if (expr.what !== 'NULL') this.truth(a);
        return join([a], `(${a.sql} IS ${expr.not ? 'NOT ' : ''}${expr.what})`, 'bigint');
      }
      case 'like': {
        const [a, pattern] = [again(expr.a), again(expr.pattern)];
        for (const e of [a, pattern]) this.needString(e);
        if (expr.pattern.kind === 'param') (this.params[expr.pattern.index] as ParamUse).isPattern = true;
        else if (expr.pattern.kind === 'literal') requirePattern(String(expr.pattern.value));
        else throw new NotModelled('a pattern that is neither text nor a parameter');
        return join([a, pattern], `(${a.sql} ${expr.not ? 'NOT ' : ''}LIKE ${pattern.sql} ESCAPE '\\')`, 'bigint');
      }
      case 'between': {
        const parts = [again(expr.a), again(expr.low), again(expr.high)] as const;
        this.compare([...parts]);
        return join([...parts], `(${parts[0].sql} ${expr.not ? 'NOT ' : ''}BETWEEN ${parts[1].sql} AND ${parts[2].sql})`, 'bigint');
      }
      case 'in':
        return this.inExpr(again(expr.a), expr, scope);
      case 'case':
        return this.caseExpr(expr, scope);
      case 'call':
        return this.call(expr, scope);
      case 'cast': {
        const a = again(expr.a);
        if (expr.to === 'SIGNED') {
          this.needWhole(a);
          return join([a], a.sql, 'bigint');
        }
        if (a.type === 'param' || a.type === 'double' || a.type === 'null') throw new NotModelled('CAST of this type');
        return join([a], `CAST(${a.sql} AS TEXT)`, 'string');
      }
      case 'row': {
        const items = expr.items.map(again);
        return { ...join(items, `(${items.map((i) => i.sql).join(', ')})`, 'null'), items };
      }
      case 'exists': {
        const { sql } = this.query(expr.query, scope);
        return plain(`EXISTS (${sql})`, 'bigint');
      }
      case 'scalar': {
        const { sql, columns } = this.query(expr.query, scope);
        const [only] = columns;
        if (!only || columns.length !== 1) throw new DatabaseError('ER_OPERAND_COLUMNS', 'Operand should contain 1 column(s)');
        if (!isSingleRow(expr.query)) throw new NotModelled('a scalar subquery that may have several rows');
        return { ...plain(`(${sql})`, only.type), open: only.params };
      }
    }
  }

  private resolve(table: string | null, name: string, scope: Scope): Emitted {
    const named = table === null ? scope.names.get(name) : undefined;
    if (named) return named;
    for (let at: Scope | null = scope; at; at = at.parent) {
      const found = [...at.sources].filter(([alias, columns]) => (table === null || alias === table) && columns.has(name));
      if (found.length > 1) throw new DatabaseError('ER_NON_UNIQ_ERROR', `Column '${name}' in ${scope.clause} is ambiguous`);
      const [source] = found;
      if (!source) continue;
      const type = source[1].get(name) as ExprType;
      const sql = `${quoted(source[0])}.${quoted(name)}`;
      if (at === scope) return { ...plain(sql, type), isBare: !scope.inAggregate };
      // MySQL takes such an aggregate for one of the outer query.
      if (scope.inAggregate) throw new NotModelled('an aggregate of a column of an outer query');
      if (!at.inAggregate) at.readBelow.add(sql);
      return plain(sql, type);
    }
    for (let at: Scope | null = scope; at; at = at.parent) {
      for (const columns of at.sources.values()) refuseOtherCase(columns.keys(), name);
      if (table !== null) refuseOtherCase(at.sources.keys(), table);
    }
    throw new DatabaseError('ER_BAD_FIELD_ERROR', `Unknown column '${table === null ? '' : `${table}.`}${name}' in '${scope.clause}'`);
  }

  private binary(op: string, a: Emitted, b: Emitted, right: Expr): Emitted {
    switch (op) {
      case 'AND':
      case 'OR':
        return join([this.truth(a), this.truth(b)], `(${a.sql} ${op} ${b.sql})`, 'bigint');
      case '+':
      case '-':
      case '*': {
        this.needNumber(a);
        this.needNumber(b);
        const isDouble = a.type === 'double' || b.type === 'double';
        for (const e of [a, b]) if (e.type === 'param') this.settle(e, isDouble ? 'double' : 'int');
        return join([a, b], `(${a.sql} ${op} ${b.sql})`, isDouble ? 'double' : 'bigint');
      }
      case 'DIV':
      case '%': {
        // By zero, a query gets NULL and a write fails.
        if (right.kind !== 'literal' || typeof right.value !== 'number' || right.value <= 0)
          throw new NotModelled('division by something other than a number above 0');
        this.needWhole(a);
        return join([a, b], `(${a.sql} ${op === 'DIV' ? '/' : '%'} ${b.sql})`, 'bigint');
      }
      case '<=>':
        this.compare([a, b]);
        return join([a, b], `(${a.sql} IS ${b.sql})`, 'bigint');
      default:
        this.compare([a, b]);
        return join([a, b], `(${a.sql} ${op} ${b.sql})`, 'bigint');
    }
  }

  private inExpr(a: Emitted, expr: Extract<Expr, { kind: 'in' }>, scope: Scope): Emitted {
    const not = expr.not ? 'NOT ' : '';
    if (Array.isArray(expr.list)) {
      const items = expr.list.map((item) => this.emit(item, scope));
      for (const item of items) this.compare([a, item]);
      if (a.items) return join([a, ...items], `(${a.sql} ${not}IN (VALUES ${items.map((i) => i.sql).join(', ')}))`, 'bigint');
      return join([a, ...items], `(${a.sql} ${not}IN (${items.map((i) => i.sql).join(', ')}))`, 'bigint');
    }
    if (expr.list.limit !== null) throw new NotModelled('LIMIT in a subquery of IN');
    const { sql, columns } = this.query(expr.list, scope);
    const left = a.items ?? [a];
    if (columns.length !== left.length) throw new DatabaseError('ER_OPERAND_COLUMNS', `Operand should contain ${left.length} column(s)`);
    for (const [i, column] of columns.entries()) this.compare([left[i] as Emitted, { ...plain('', column.type), open: column.params }]);
    return join([a], `(${a.sql} ${not}IN (${sql}))`, 'bigint');
  }

  private caseExpr(expr: Extract<Expr, { kind: 'case' }>, scope: Scope): Emitted {
    const base = expr.base ? this.emit(expr.base, scope) : null;
    const whens = expr.whens.map(([condition, result]) => {
      const when = this.emit(condition, scope);
      if (base) this.compare([base, when]);
      else this.truth(when);
      return { when, result: this.emit(result, scope) };
    });
    const otherwise = expr.otherwise ? this.emit(expr.otherwise, scope) : null;
    const results = [...whens.map((w) => w.result), ...(otherwise ? [otherwise] : [])];
    const type = this.unify(results);
    const sql = `CASE ${base ? `${base.sql} ` : ''}${whens.map((w) => `WHEN ${w.when.sql} THEN ${w.result.sql}`).join(' ')}${otherwise ? ` ELSE ${otherwise.sql}` : ''} END`;
    return this.choice([...(base ? [base] : []), ...whens.map((w) => w.when)], results, `(${sql})`, type);
  }

  private choice(others: Emitted[], results: Emitted[], sql: string, type: ExprType): Emitted {
    const joined = join([...others, ...results], sql, type);
    return { ...joined, open: type === 'param' ? results.flatMap((r) => r.open) : [] };
  }

  private call(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Emitted {
    const { name } = expr;
    if (AGGREGATES.has(name)) return this.aggregate(expr, scope);
    if (expr.isDistinct) throw new NotModelled(`${name}(DISTINCT)`);
    const args = expr.args.map((arg) => this.emit(arg, scope));
    const need = (...counts: number[]): void => {
      if (!counts.includes(args.length)) throw new NotModelled(`${name} with ${args.length} arguments`);
    };
    const [a, b, c] = args as [Emitted, Emitted, Emitted];
    const numberAt = (i: number, min: number): number => {
      const arg = expr.args[i];
      if (arg?.kind !== 'literal' || typeof arg.value !== 'number' || arg.value < min)
        throw new NotModelled(`${name} with such an argument`);
      return arg.value;
    };
    switch (name) {
      case 'IF':
        need(3);
        this.truth(a);
        return this.choice([a], [b, c], `(CASE WHEN ${a.sql} THEN ${b.sql} ELSE ${c.sql} END)`, this.unify([b, c]));
      case 'IFNULL':
      case 'COALESCE':
        if (name === 'IFNULL') need(2);
        if (args.length < 2) need(2);
        return this.choice([], args, `COALESCE(${args.map((e) => e.sql).join(', ')})`, this.unify(args));
      case 'NULLIF':
        need(2);
        this.compare([a, b]);
        return join([a, b], `NULLIF(${a.sql}, ${b.sql})`, a.type);
      case 'CONCAT':
        if (args.length < 2) need(2);
        for (const e of args) {
          if (e.type === 'param') this.settle(e, 'string');
          else if (e.type === 'double' || e.type === 'null') throw new NotModelled('CONCAT of this type');
        }
        return join(args, `(${args.map((e) => e.sql).join(' || ')})`, 'string');
      case 'LENGTH':
        need(1);
        this.needString(a);
        return join([a], `length(CAST(${a.sql} AS BLOB))`, 'bigint');
      case 'CHAR_LENGTH':
      case 'CHARACTER_LENGTH':
        need(1);
        this.needString(a);
        return join([a], `length(${a.sql})`, 'bigint');
      case 'LEFT':
        need(2);
        this.needString(a);
        return join([a], `substr(${a.sql}, 1, ${numberAt(1, 0)})`, 'string');
      case 'SUBSTRING':
      case 'SUBSTR':
        need(2, 3);
        this.needString(a);
        return join([a], `substr(${a.sql}, ${numberAt(1, 1)}${args.length === 3 ? `, ${numberAt(2, 0)}` : ''})`, 'string');
      case 'ABS':
        need(1);
        this.needNumber(a);
        return join([a], `abs(${a.sql})`, a.type === 'double' ? 'double' : 'bigint');
      case 'MOD':
        need(2);
        return this.binary('%', a, b, expr.args[1] as Expr);
      default:
        throw new NotModelled(`the function ${name}`);
    }
  }

  private aggregate(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Emitted {
    const { name } = expr;
    if (!scope.allowsAggregates || scope.inAggregate) throw new DatabaseError('ER_INVALID_GROUP_FUNC_USE', 'Invalid use of group function');
    const done = (sql: string, type: ExprType): Emitted => ({ ...plain(sql, type), hasAggregate: true });
    if (expr.isStar) return done('COUNT(*)', 'bigint');
    if (expr.args.length !== 1) throw new NotModelled(`${name} of several values`);
    const arg = this.emit(expr.args[0] as Expr, { ...scope, inAggregate: true });
    if (arg.type === 'param' || arg.items) throw new NotModelled(`${name} of a parameter`);
    const sql = `${name}(${expr.isDistinct ? 'DISTINCT ' : ''}${arg.sql})`;
    if (name === 'COUNT') return done(sql, 'bigint');
    if (name === 'SUM') {
      this.needNumber(arg);
      // A DECIMAL in MySQL, which comes back as a string, like a BIGINT.
      return done(sql, arg.type === 'double' ? 'double' : 'bigint');
    }
    return done(sql, arg.type);
  }

  // --- types -------------------------------------------------------------------------------------------------

  private settle(e: Emitted, type: ValueType, isCompared = false): void {
    if (type === 'date') throw new NotModelled('a parameter as a time');
    for (const index of e.open) {
      const use = this.params[index] as ParamUse;
      const isFine = use.type === null || use.type === type || (isWhole(use.type) && isWhole(type));
      if (!isFine) throw new NotModelled('a parameter of two types');
      use.type ??= type;
      use.isCompared ||= isCompared;
    }
    e.type = type;
    e.open = [];
  }

  /** Values that are compared with each other must be of one kind; MySQL would convert them, SQLite would not. */
  private compare(parts: Emitted[]): void {
    const rows = parts.filter((p) => p.items);
    if (rows.length > 0) {
      const [first] = rows as [Emitted];
      const width = first.items?.length ?? 0;
      if (parts.some((p) => p.items?.length !== width))
        throw new DatabaseError('ER_OPERAND_COLUMNS', `Operand should contain ${width} column(s)`);
      for (let i = 0; i < width; i += 1) this.compare(parts.map((p) => p.items?.[i] as Emitted));
      return;
    }
    const known = parts.filter((p) => p.type !== 'param' && p.type !== 'null');
    const type = this.unify(known.map((k) => ({ ...k })));
    for (const part of parts) {
      if (part.type !== 'param') continue;
      if (type === 'null' || type === 'param') throw new NotModelled('a comparison of parameters with each other');
      this.settle(part, type, type === 'string');
    }
  }

  /** The type that values of these types have in common. Decides open parameters. */
  private unify(parts: Emitted[]): ExprType {
    if (parts.some((p) => p.items)) failRow();
    const known = [...new Set(parts.map((p) => p.type))].filter((t): t is ValueType => t !== 'param' && t !== 'null');
    if (known.length === 0) return parts.some((p) => p.type === 'param') ? 'param' : 'null';
    let [type] = known as [ValueType];
    if (known.length > 1) {
      if (known.every(isNumber)) type = known.includes('double') ? 'double' : 'bigint';
      else throw new NotModelled(`a mix of types (${known.join(', ')})`);
    }
    for (const part of parts) if (part.type === 'param') this.settle(part, type);
    return type;
  }

  private needNumber(e: Emitted): void {
    if (e.type !== 'param' && e.type !== 'null' && !isNumber(e.type))
      throw new NotModelled('arithmetic with something that is not a number');
    if (e.items) failRow();
  }

  private needWhole(e: Emitted): void {
    if (e.type === 'param') this.settle(e, 'int');
    if (e.type !== 'int' && e.type !== 'bigint') throw new NotModelled('a whole number is needed');
  }

  private needString(e: Emitted): void {
    if (e.type === 'param') this.settle(e, 'string');
    if (e.type !== 'string' && e.type !== 'null') throw new NotModelled('text is needed');
  }

  private store(e: Emitted, column: Column): Emitted {
    if (e.items) failRow();
    if (e.type === 'param') this.settle(e, column.type, column.type === 'string' && column.keyBytes !== null);
    const fits = e.type === 'null' || e.type === column.type || (isWhole(e.type) && (isWhole(column.type) || column.type === 'double'));
    if (!fits) throw new NotModelled(`a value of type ${e.type} for the column '${column.name}'`);
    return e;
  }
}

const isWhole = (type: ExprType): boolean => type === 'int' || type === 'bigint';
const failRow = (): never => {
  throw new DatabaseError('ER_OPERAND_COLUMNS', 'Operand should contain 1 column(s)');
};

function plain(sql: string, type: ExprType): Emitted {
  return { sql, type, open: [], isBare: false, hasAggregate: false };
}

function join(parts: Emitted[], sql: string, type: ExprType): Emitted {
  return { sql, type, open: [], isBare: parts.some((p) => p.isBare), hasAggregate: parts.some((p) => p.hasAggregate) };
}

/** What the select list calls its values. */
function namesOf(items: readonly Item[]): Map<string, Expr> {
  const named = new Map<string, Expr>();
  for (const item of items) if (item.kind === 'expr' && (item.isAliased || item.expr.kind === 'column')) named.set(item.name, item.expr);
  return named;
}

function columnsOf(columns: readonly OutputColumn[], of: string): ReadonlyMap<string, ExprType> {
  const map = new Map<string, ExprType>();
  for (const { name, type, params } of columns) {
    if (map.has(name)) throw new DatabaseError('ER_DUP_FIELDNAME', `Duplicate column name '${name}'`);
    if (type === 'param' || params.length > 0) throw new NotModelled(`a parameter as a column of '${of}'`);
    map.set(name, type);
  }
  return map;
}

function orderOfUnion({ expr, descending }: Ordering, columns: readonly OutputColumn[]): string {
  const suffix = descending ? ' DESC' : '';
  if (expr.kind === 'literal' && typeof expr.value === 'number') return `${expr.value}${suffix}`;
  if (expr.kind !== 'column' || expr.table !== null) throw new NotModelled('sorting a union by an expression');
  const { name } = expr;
  refuseOtherCase(
    columns.map((c) => c.name),
    name,
  );
  if (!columns.some((c) => c.name === name)) throw new DatabaseError('ER_BAD_FIELD_ERROR', `Unknown column '${name}' in 'order clause'`);
  return `${quoted(name)}${suffix}`;
}

function isSingleRow(query: Query): boolean {
  if (query.limit === 1) return true;
  const [core] = query.members;
  if (query.members.length !== 1 || !core || 'ctes' in core || core.groupBy.length > 0) return false;
  return (
    core.from.length === 0 ||
    core.items.every((item) => item.kind === 'expr' && item.expr.kind === 'call' && AGGREGATES.has(item.expr.name))
  );
}

/**
 * MySQL evaluates assignments from left to right, each with what those before it wrote; TiDB's UPDATE and SQLite
 * evaluate all of them with the old values. A statement for which that matters means two things.
 */
function refuseReadAfterWrite(set: readonly Assignment[]): void {
  const written = new Set<string>();
  for (const { column, value } of set) {
    for (const name of written)
      if (mentions(value, name)) throw new NotModelled(`an assignment that reads '${name}' after it was assigned`);
    if (written.has(column)) throw new NotModelled(`two assignments to '${column}'`);
    written.add(column);
  }
}

/** Whether an expression names this column, or this name of the select list. */
const mentions = (node: unknown, name: string): boolean => namesIn(node).includes(name);

/** The names of all columns in an expression. */
function namesIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(namesIn);
  if (typeof node !== 'object' || node === null) return [];
  const expr = node as { kind?: string; name?: string };
  return expr.kind === 'column' ? [expr.name as string] : Object.values(node).flatMap(namesIn);
}

function paramsIn(node: unknown): number {
  if (Array.isArray(node)) return node.reduce((sum: number, item) => sum + paramsIn(item), 0);
  if (typeof node !== 'object' || node === null) return 0;
  if ((node as { kind?: string }).kind === 'param') return 1;
  return Object.values(node).reduce((sum: number, value) => sum + paramsIn(value), 0);
}

/** MySQL compares text as if it were padded with spaces, so text that ends with one, or holds control characters, is not modeled. */
export function requireSameText(text: string): void {
  if (text.endsWith(' ')) throw new NotModelled('text that ends with a space');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these sort before the space that MySQL pads with
  if (/[\u0000-\u001f]/.test(text)) throw new NotModelled('control characters in text that is compared');
}

/** There MySQL takes the escape for itself, SQLite finds nothing. */
export function requirePattern(pattern: string): void {
  const [escapes = ''] = /\\*$/.exec(pattern) ?? [];
  if (escapes.length % 2 === 1) throw new NotModelled('a pattern that ends with its escape character');
}

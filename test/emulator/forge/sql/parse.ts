/**
 * Parses the statements that the gate lets through. What Forge refuses is refused here as Forge does; what
 * MySQL would accept and the local site does not model is `NotModelled`, never guessed.
 */
import { DatabaseError, NotModelled, Refusal } from './errors';
import { RESERVED, syntaxError, type Token, tokenize } from './tokens';

export type Expr =
  | { kind: 'literal'; value: number | string | null }
  | { kind: 'param'; index: number }
  | { kind: 'column'; table: string | null; name: string }
  /** `VALUES(name)` in an upsert. */
  | { kind: 'incoming'; name: string }
  | { kind: 'unary'; op: '-' | 'NOT'; a: Expr }
  | { kind: 'binary'; op: string; a: Expr; b: Expr }
  | { kind: 'is'; not: boolean; a: Expr; what: 'NULL' | 'TRUE' | 'FALSE' }
  | { kind: 'like'; not: boolean; a: Expr; pattern: Expr }
  | { kind: 'between'; not: boolean; a: Expr; low: Expr; high: Expr }
  | { kind: 'in'; not: boolean; a: Expr; list: Expr[] | Query }
  | { kind: 'case'; base: Expr | null; whens: [condition: Expr, result: Expr][]; otherwise: Expr | null }
  | { kind: 'call'; name: string; args: Expr[]; isDistinct: boolean; isStar: boolean }
  | { kind: 'cast'; a: Expr; to: 'SIGNED' | 'CHAR' }
  | { kind: 'row'; items: Expr[] }
  | { kind: 'exists'; query: Query }
  | { kind: 'scalar'; query: Query };

export interface Ordering {
  expr: Expr;
  descending: boolean;
}

export interface Source {
  join: 'none' | 'cross' | 'inner' | 'left';
  table: string | Query;
  alias: string;
  on: Expr | null;
}

export type Item = { kind: 'star'; table: string | null } | { kind: 'expr'; expr: Expr; name: string; isAliased: boolean };

export interface Core {
  isDistinct: boolean;
  items: Item[];
  from: Source[];
  where: Expr | null;
  groupBy: Expr[];
  having: Expr | null;
}

export interface Query {
  ctes: { name: string; columns: string[] | null; query: Query }[];
  /** Joined by UNION ALL or UNION; a member in parentheses is a query of its own. */
  members: (Core | Query)[];
  unions: ('UNION ALL' | 'UNION')[];
  orderBy: Ordering[];
  limit: number | null;
  offset: number | null;
}

export interface Assignment {
  column: string;
  value: Expr;
}

export interface ColumnDefinition {
  name: string;
  type: string;
  length: number | null;
  notNull: boolean;
  /** `undefined` = there is none. */
  byDefault: number | string | null | { now: true } | undefined;
  autoIncrement: boolean;
}

export interface IndexDefinition {
  name: string | null;
  columns: string[];
  isUnique: boolean;
}

export type Statement =
  | { kind: 'select'; query: Query }
  | { kind: 'insert'; table: string; columns: string[] | null; rows: Expr[][] | Query; upsert: Assignment[] | null; isReplace: boolean }
  | { kind: 'update'; table: string; set: Assignment[]; where: Expr | null; orderBy: Ordering[]; limit: number | null }
  | { kind: 'delete'; table: string; where: Expr | null; orderBy: Ordering[]; limit: number | null }
  | {
      kind: 'createTable';
      table: string;
      ifNotExists: boolean;
      columns: ColumnDefinition[];
      primaryKey: string[] | null;
      indexes: IndexDefinition[];
    }
  | { kind: 'createIndex'; table: string; ifNotExists: boolean; index: IndexDefinition & { name: string } }
  | { kind: 'dropIndex'; table: string; ifExists: boolean; name: string }
  | { kind: 'alterTable'; table: string; changes: ({ ifNotExists: boolean; column: ColumnDefinition } | { index: IndexDefinition })[] }
  | { kind: 'dropTable'; tables: string[]; ifExists: boolean }
  | { kind: 'truncate'; table: string };

export interface Parsed {
  statement: Statement;
  params: number;
}

/** Forge docs, SQL policy of 2026-06-17. */
const FORBIDDEN_FUNCTIONS = /^(SLEEP|BENCHMARK|AES_\w+|SHA2)$/;
const FORBIDDEN_STATEMENTS = new Set(['USE', 'PREPARE', 'EXECUTE', 'DEALLOCATE', 'LOCK', 'UNLOCK']);
const SHOWN = new Set(['TABLES', 'COLUMNS', 'INDEXES', 'KEYS']);
/** Forge SQL has no transactions (documented); which error they get is assumed. */
const TRANSACTIONS = new Set(['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE']);
/** Statements that MySQL or TiDB knows and the local site does not model. */
const OTHER_STATEMENTS = new Set(
  `ADMIN ANALYZE BATCH BINLOG CALL CHECK CHECKSUM DESC DESCRIBE DO EXPLAIN FLUSH GRANT HANDLER HELP IMPORT INSTALL KILL LOAD OPTIMIZE
  RENAME REPAIR RESET REVOKE SET SHOW SHUTDOWN SPLIT TABLE TRACE UNINSTALL VALUES XA`.split(/\s+/),
);

const COMPARISONS = new Set(['=', '<>', '!=', '<', '<=', '>', '>=', '<=>']);
const TYPE_WORDS = new Set(
  'TINYINT SMALLINT MEDIUMINT INT INTEGER BIGINT BOOL BOOLEAN DOUBLE VARCHAR CHAR TINYTEXT TEXT MEDIUMTEXT LONGTEXT DATE DATETIME TIMESTAMP'.split(
    ' ',
  ),
);
/** MySQL: Identifier Length Limits. */
const MAX_NAME_LENGTH = 64;

/** @throws DatabaseError, Refusal, NotModelled */
export function parse(sql: string): Parsed {
  return new Parser(sql).statement();
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private params = 0;

  constructor(private readonly sql: string) {
    this.tokens = tokenize(sql);
    this.refuseForbidden();
  }

  // --- tokens --------------------------------------------------------------------------------------

  private get token(): Token {
    return this.tokens[this.at] as Token;
  }

  private peek(offset: number): Token {
    return this.tokens[Math.min(this.at + offset, this.tokens.length - 1)] as Token;
  }

  private isWord(...words: string[]): boolean {
    return words.every((word, i) => this.peek(i).kind === 'word' && this.peek(i).upper === word);
  }

  private takeWord(...words: string[]): boolean {
    if (!this.isWord(...words)) return false;
    this.at += words.length;
    return true;
  }

  private isOp(text: string): boolean {
    return this.token.kind === 'op' && this.token.text === text;
  }

  private takeOp(text: string): boolean {
    if (!this.isOp(text)) return false;
    this.at += 1;
    return true;
  }

  private needWord(...words: string[]): void {
    if (!this.takeWord(...words)) this.fail();
  }

  private needOp(text: string): void {
    if (!this.takeOp(text)) this.fail();
  }

  /** An early end is an error everywhere. Anything else may be MySQL that is not modeled. */
  private fail(what?: string): never {
    if (this.token.kind === 'end') throw syntaxError(this.sql, this.token.start);
    throw new NotModelled(what ?? `near '${this.sql.slice(this.token.start, this.token.start + 40)}'`);
  }

  private name(): string {
    const { token } = this;
    if (token.kind === 'word' && RESERVED.has(token.upper)) throw syntaxError(this.sql, token.start);
    if (token.kind !== 'word' && token.kind !== 'quoted') this.fail();
    if (token.text.length > MAX_NAME_LENGTH) throw new DatabaseError('ER_TOO_LONG_IDENT', `Identifier name '${token.text}' is too long`);
    this.at += 1;
    return token.text;
  }

  /** Whether a name follows without AS. */
  private isFreeName(): boolean {
    return this.token.kind === 'quoted' || (this.token.kind === 'word' && !RESERVED.has(this.token.upper));
  }

  private list<T>(read: () => T): T[] {
    const items = [read()];
    while (this.takeOp(',')) items.push(read());
    return items;
  }

  private inParentheses<T>(read: () => T): T {
    this.needOp('(');
    const result = read();
    this.needOp(')');
    return result;
  }

  private text(): string {
    const { token } = this;
    if (token.kind !== 'string') this.fail();
    this.at += 1;
    return token.text;
  }

  private wholeNumber(): number {
    const { token } = this;
    if (token.kind !== 'number' || !/^\d+$/.test(token.text)) this.fail();
    this.at += 1;
    return Number(token.text);
  }

  // --- what Forge refuses ----------------------------------------------------------------------------

  private refuseForbidden(): void {
    const first = this.token;
    if (first.kind === 'end') throw syntaxError(this.sql, 0);
    const semicolon = this.tokens.findIndex((t) => t.kind === 'op' && t.text === ';');
    if (semicolon >= 0 && semicolon < this.tokens.length - 2) throw violation('only one statement is allowed');
    if (semicolon >= 0) this.tokens.splice(semicolon, 1);
    if (first.kind === 'word') {
      if (FORBIDDEN_STATEMENTS.has(first.upper)) throw violation(`${first.upper} is not allowed`);
      if (TRANSACTIONS.has(first.upper)) throw violation('transactions are not supported');
      const shown = this.peek(this.isWord('SHOW', 'FULL') ? 2 : 1).upper;
      if (first.upper === 'SHOW' && !SHOWN.has(shown)) throw violation(`SHOW ${shown} is not allowed`);
      if (first.upper === 'SET' && (this.peek(1).kind !== 'variable' || this.peek(1).text.startsWith('@@')))
        throw violation('only variables can be set');
    }
    for (const [i, token] of this.tokens.entries()) {
      if (token.kind !== 'word') continue;
      if (FORBIDDEN_FUNCTIONS.test(token.upper) && this.tokens[i + 1]?.text === '(') throw violation(`${token.upper} is not allowed`);
      if (token.upper === 'RETURNING') throw syntaxError(this.sql, token.start);
      if (token.upper === 'FULLTEXT' && i > 0)
        throw new DatabaseError('ER_TABLE_CANT_HANDLE_FT', "The used table type doesn't support FULLTEXT indexes");
    }
  }

  // --- statements ------------------------------------------------------------------------------------

  statement(): Parsed {
    const statement = this.anyStatement();
    if (this.token.kind !== 'end') this.fail();
    return { statement, params: this.params };
  }

  private anyStatement(): Statement {
    const first = this.token;
    if (this.isWord('SELECT') || this.isWord('WITH') || this.isOp('(')) return { kind: 'select', query: this.query() };
    if (this.isWord('INSERT') || this.isWord('REPLACE')) return this.insert();
    if (this.takeWord('UPDATE')) return this.update();
    if (this.takeWord('DELETE')) return this.delete();
    if (this.takeWord('CREATE')) return this.create();
    if (this.takeWord('ALTER')) return this.alter();
    if (this.takeWord('DROP')) return this.drop();
    if (this.takeWord('TRUNCATE')) {
      this.takeWord('TABLE');
      return { kind: 'truncate', table: this.name() };
    }
    if (first.kind === 'word' && OTHER_STATEMENTS.has(first.upper)) throw new NotModelled(first.upper);
    throw syntaxError(this.sql, first.start);
  }

  private insert(): Statement {
    const isReplace = this.takeWord('REPLACE');
    if (!isReplace) this.needWord('INSERT');
    this.takeWord('INTO');
    if (this.isWord('IGNORE')) throw new NotModelled('INSERT IGNORE');
    const table = this.name();
    const columns = this.isOp('(') && !this.isQueryIn() ? this.inParentheses(() => this.list(() => this.name())) : null;
    let rows: Expr[][] | Query;
    if (this.takeWord('VALUES')) rows = this.list(() => this.inParentheses(() => this.list(() => this.expr())));
    else if (this.isWord('SELECT') || this.isWord('WITH') || this.isOp('(')) rows = this.query();
    else this.fail();
    let upsert: Assignment[] | null = null;
    if (this.takeWord('ON', 'DUPLICATE', 'KEY', 'UPDATE')) upsert = this.list(() => this.assignment());
    if (isReplace && (upsert || !Array.isArray(rows))) throw new NotModelled('REPLACE with SELECT or an upsert');
    return { kind: 'insert', table, columns, rows, upsert, isReplace };
  }

  private isQueryIn(): boolean {
    const next = this.peek(1);
    return next.kind === 'word' && (next.upper === 'SELECT' || next.upper === 'WITH');
  }

  private assignment(): Assignment {
    const column = this.name();
    this.needOp('=');
    return { column, value: this.expr() };
  }

  private update(): Statement {
    const table = this.name();
    this.needWord('SET');
    const set = this.list(() => this.assignment());
    return { kind: 'update', table, set, ...this.restOfWrite() };
  }

  private delete(): Statement {
    this.needWord('FROM');
    return { kind: 'delete', table: this.name(), ...this.restOfWrite() };
  }

  private restOfWrite() {
    const where = this.takeWord('WHERE') ? this.expr() : null;
    const orderBy = this.orderBy();
    const limit = this.takeWord('LIMIT') ? this.limitNumber() : null;
    return { where, orderBy, limit };
  }

  private create(): Statement {
    if (this.takeWord('TABLE')) return this.createTable();
    const isUnique = this.takeWord('UNIQUE');
    if (!this.takeWord('INDEX')) throw new NotModelled(`CREATE ${this.token.upper}`);
    const ifNotExists = this.takeWord('IF', 'NOT', 'EXISTS');
    const name = this.name();
    this.needWord('ON');
    const table = this.name();
    return { kind: 'createIndex', table, ifNotExists, index: { name, isUnique, columns: this.indexColumns() } };
  }

  private indexColumns(): string[] {
    return this.inParentheses(() =>
      this.list(() => {
        const name = this.name();
        if (this.isOp('(')) throw new NotModelled('indexes on a prefix');
        if (!this.takeWord('ASC')) this.takeWord('DESC');
        return name;
      }),
    );
  }

  private createTable(): Statement {
    const ifNotExists = this.takeWord('IF', 'NOT', 'EXISTS');
    const table = this.name();
    const columns: ColumnDefinition[] = [];
    const indexes: IndexDefinition[] = [];
    let primaryKey: string[] | null = null;
    const setKey = (key: string[]): void => {
      if (primaryKey) throw new DatabaseError('ER_MULTIPLE_PRI_KEY', 'Multiple primary key defined');
      primaryKey = key;
    };
    this.inParentheses(() =>
      this.list(() => {
        if (this.takeWord('PRIMARY', 'KEY')) setKey(this.indexColumns());
        else if (this.isWord('UNIQUE') || this.isWord('KEY') || this.isWord('INDEX')) indexes.push(this.indexDefinition());
        else {
          if (this.isWord('CONSTRAINT') || this.isWord('FOREIGN') || this.isWord('CHECK')) throw new NotModelled(this.token.upper);
          const { column, isKey, isUnique } = this.columnDefinition();
          columns.push(column);
          if (isKey) setKey([column.name]);
          if (isUnique) indexes.push({ name: null, columns: [column.name], isUnique: true });
        }
      }),
    );
    this.tableOptions();
    return { kind: 'createTable', table, ifNotExists, columns, primaryKey, indexes };
  }

  private indexDefinition(): IndexDefinition {
    const isUnique = this.takeWord('UNIQUE');
    if (!this.takeWord('KEY')) this.takeWord('INDEX');
    const name = this.isOp('(') ? null : this.name();
    return { name, isUnique, columns: this.indexColumns() };
  }

  /** Accepts only what TiDB does anyway. */
  private tableOptions(): void {
    while (this.token.kind === 'word') {
      this.takeWord('DEFAULT');
      if (this.takeWord('CHARACTER', 'SET') || this.takeWord('CHARSET')) this.option('UTF8MB4');
      else if (this.takeWord('COLLATE')) this.option('UTF8MB4_BIN');
      else if (this.takeWord('ENGINE')) this.option('INNODB');
      else this.fail();
    }
  }

  private option(value: string): void {
    this.takeOp('=');
    if (!this.takeWord(value)) this.fail();
  }

  private columnDefinition(): { column: ColumnDefinition; isKey: boolean; isUnique: boolean } {
    const name = this.name();
    const type = this.token.upper;
    if (this.token.kind !== 'word' || !TYPE_WORDS.has(type)) throw new NotModelled(`columns of type ${type}`);
    this.at += 1;
    const length = this.isOp('(') ? this.inParentheses(() => this.wholeNumber()) : null;
    const column: ColumnDefinition = { name, type, length, notNull: false, byDefault: undefined, autoIncrement: false };
    let isKey = false;
    let isUnique = false;
    while (this.token.kind === 'word') {
      if (this.takeWord('NOT', 'NULL')) column.notNull = true;
      else if (this.takeWord('NULL')) column.notNull = false;
      else if (this.takeWord('PRIMARY', 'KEY')) isKey = true;
      else if (this.takeWord('UNIQUE')) {
        this.takeWord('KEY');
        isUnique = true;
      } else if (this.takeWord('AUTO_INCREMENT')) column.autoIncrement = true;
      else if (this.takeWord('COMMENT')) {
        this.text();
      } else if (this.takeWord('COLLATE')) this.option('UTF8MB4_BIN');
      else if (this.takeWord('DEFAULT')) column.byDefault = this.defaultValue();
      else this.fail();
    }
    return { column, isKey, isUnique };
  }

  private defaultValue(): ColumnDefinition['byDefault'] {
    if (this.takeWord('CURRENT_TIMESTAMP')) return { now: true };
    const value = this.unary();
    if (value.kind === 'unary' && value.op === '-' && value.a.kind === 'literal') return -Number(value.a.value);
    if (value.kind !== 'literal') throw new NotModelled('defaults that are not literals');
    return value.value;
  }

  private alter(): Statement {
    this.needWord('TABLE');
    const table = this.name();
    const changes = this.list(() => {
      if (!this.takeWord('ADD')) throw new NotModelled(`ALTER TABLE ${this.token.upper}`);
      if (this.isWord('UNIQUE') || this.isWord('INDEX') || this.isWord('KEY')) return { index: this.indexDefinition() };
      this.takeWord('COLUMN');
      const ifNotExists = this.takeWord('IF', 'NOT', 'EXISTS');
      const { column, isKey, isUnique } = this.columnDefinition();
      if (isKey || isUnique || column.autoIncrement) throw new NotModelled('adding a column that is a key');
      return { ifNotExists, column };
    });
    return { kind: 'alterTable', table, changes };
  }

  private drop(): Statement {
    if (this.takeWord('TABLE')) {
      const ifExists = this.takeWord('IF', 'EXISTS');
      return { kind: 'dropTable', tables: this.list(() => this.name()), ifExists };
    }
    if (!this.takeWord('INDEX')) throw new NotModelled(`DROP ${this.token.upper}`);
    const ifExists = this.takeWord('IF', 'EXISTS');
    const name = this.name();
    this.needWord('ON');
    return { kind: 'dropIndex', table: this.name(), ifExists, name };
  }

  // --- queries ---------------------------------------------------------------------------------------

  private query(): Query {
    const ctes: Query['ctes'] = [];
    if (this.takeWord('WITH')) {
      if (this.isWord('RECURSIVE')) throw new NotModelled('WITH RECURSIVE');
      ctes.push(
        ...this.list(() => {
          const name = this.name();
          const columns = this.isOp('(') ? this.inParentheses(() => this.list(() => this.name())) : null;
          this.needWord('AS');
          return { name, columns, query: this.inParentheses(() => this.query()) };
        }),
      );
    }
    const members = [this.member()];
    const unions: Query['unions'] = [];
    while (this.takeWord('UNION')) {
      if (this.takeWord('ALL')) unions.push('UNION ALL');
      else {
        this.takeWord('DISTINCT');
        unions.push('UNION');
      }
      members.push(this.member());
    }
    const orderBy = this.orderBy();
    let limit: number | null = null;
    let offset: number | null = null;
    if (this.takeWord('LIMIT')) {
      limit = this.limitNumber();
      if (this.takeWord('OFFSET')) offset = this.limitNumber();
      else if (this.takeOp(',')) {
        offset = limit;
        limit = this.limitNumber();
      }
    }
    if (this.isWord('FOR') || this.isWord('LOCK')) throw new NotModelled('locking reads');
    return { ctes, members, unions, orderBy, limit, offset };
  }

  private limitNumber(): number {
    if (this.token.kind === 'param') throw new DatabaseError('ER_WRONG_ARGUMENTS', 'Incorrect arguments to LIMIT');
    return this.wholeNumber();
  }

  private orderBy(): Ordering[] {
    if (!this.takeWord('ORDER')) return [];
    this.needWord('BY');
    return this.list(() => {
      const expr = this.expr();
      const descending = this.takeWord('DESC');
      if (!descending) this.takeWord('ASC');
      return { expr, descending };
    });
  }

  private member(): Core | Query {
    if (this.isOp('(')) return this.inParentheses(() => this.query());
    this.needWord('SELECT');
    const isDistinct = this.takeWord('DISTINCT');
    const items = this.list(() => this.item());
    const from = this.takeWord('FROM') ? this.from() : [];
    const where = this.takeWord('WHERE') ? this.expr() : null;
    let groupBy: Expr[] = [];
    if (this.takeWord('GROUP')) {
      this.needWord('BY');
      groupBy = this.list(() => this.expr());
      if (this.isWord('WITH')) throw new NotModelled('WITH ROLLUP');
    }
    const having = this.takeWord('HAVING') ? this.expr() : null;
    if (having && groupBy.length === 0) throw new NotModelled('HAVING without GROUP BY');
    if (this.isWord('WINDOW')) throw new NotModelled('window functions');
    return { isDistinct, items, from, where, groupBy, having };
  }

  private item(): Item {
    if (this.takeOp('*')) return { kind: 'star', table: null };
    if (this.peek(1).text === '.' && this.peek(2).kind === 'op' && this.peek(2).text === '*') {
      const table = this.name();
      this.at += 2;
      return { kind: 'star', table };
    }
    const { start } = this.token;
    const expr = this.expr();
    const { end } = this.tokens[this.at - 1] as Token;
    if (this.takeWord('AS') || this.isFreeName()) return { kind: 'expr', expr, name: this.name(), isAliased: true };
    return { kind: 'expr', expr, name: expr.kind === 'column' ? expr.name : this.sql.slice(start, end), isAliased: false };
  }

  private from(): Source[] {
    const sources = [this.source('none')];
    let hasComma = false;
    for (;;) {
      // MySQL joins what follows a comma first.
      if (hasComma && ['CROSS', 'INNER', 'JOIN', 'LEFT'].some((word) => this.isWord(word))) throw new NotModelled('JOIN after a comma');
      if (this.takeOp(',')) {
        hasComma = true;
        sources.push(this.source('cross'));
      } else if (this.takeWord('CROSS', 'JOIN')) sources.push(this.source('cross'));
      else if (this.takeWord('INNER', 'JOIN') || this.takeWord('JOIN')) sources.push(this.withCondition(this.source('inner')));
      else if (this.takeWord('LEFT')) {
        this.takeWord('OUTER');
        this.needWord('JOIN');
        sources.push(this.withCondition(this.source('left')));
      } else return sources;
    }
  }

  private withCondition(source: Source): Source {
    if (!this.takeWord('ON')) this.fail('a join without ON');
    return { ...source, on: this.expr() };
  }

  private source(join: Source['join']): Source {
    let table: string | Query;
    if (this.isOp('(')) {
      if (!this.isQueryIn()) this.fail();
      table = this.inParentheses(() => this.query());
    } else table = this.name();
    const isNamed = this.takeWord('AS') || this.isFreeName();
    if (!isNamed && typeof table !== 'string') throw new DatabaseError('ER_PARSE_ERROR', 'Every derived table must have its own alias');
    return { join, table, alias: isNamed ? this.name() : (table as string), on: null };
  }

  // --- expressions, loosest binding first ---------------------------------------------------------------

  private expr(): Expr {
    let a = this.andExpr();
    while (this.takeWord('OR')) a = { kind: 'binary', op: 'OR', a, b: this.andExpr() };
    return a;
  }

  private andExpr(): Expr {
    let a = this.notExpr();
    while (this.takeWord('AND')) a = { kind: 'binary', op: 'AND', a, b: this.notExpr() };
    return a;
  }

  private notExpr(): Expr {
    if (this.takeWord('NOT')) return { kind: 'unary', op: 'NOT', a: this.notExpr() };
    return this.predicate();
  }

  /** What MySQL takes apart by precedence when two of these stand side by side needs parentheses here. */
  private predicate(): Expr {
    const a = this.sum();
    const predicate = this.predicateOf(a);
    if (predicate && this.predicateOf(predicate)) throw new NotModelled('two comparisons side by side without parentheses');
    return predicate ?? a;
  }

  /** null = no comparison follows. */
  private predicateOf(a: Expr): Expr | null {
    if (this.token.kind === 'op' && COMPARISONS.has(this.token.text)) {
      const op = this.token.text === '!=' ? '<>' : this.token.text;
      this.at += 1;
      if (this.isWord('ANY') || this.isWord('SOME') || this.isWord('ALL')) this.fail();
      return { kind: 'binary', op, a, b: this.sum() };
    }
    if (this.takeWord('IS')) {
      const not = this.takeWord('NOT');
      const what = (['NULL', 'TRUE', 'FALSE'] as const).find((word) => this.takeWord(word)) ?? this.fail();
      return { kind: 'is', not, a, what };
    }
    const not = this.isWord('NOT') && ['LIKE', 'IN', 'BETWEEN'].includes(this.peek(1).upper) && this.takeWord('NOT');
    if (this.takeWord('LIKE')) {
      // No sum: MySQL takes none here.
      const pattern = this.unary();
      if (this.takeWord('ESCAPE') && this.text() !== '\\') throw new NotModelled('an escape other than the backslash');
      return { kind: 'like', not, a, pattern };
    }
    if (this.takeWord('BETWEEN')) {
      const low = this.sum();
      this.needWord('AND');
      return { kind: 'between', not, a, low, high: this.sum() };
    }
    if (!this.takeWord('IN')) return null;
    if (!this.isOp('(')) this.fail();
    const list = this.isQueryIn() ? this.inParentheses(() => this.query()) : this.inList();
    return { kind: 'in', not, a, list };
  }

  private inList(): Expr[] {
    this.needOp('(');
    if (this.isOp(')')) throw syntaxError(this.sql, this.token.start);
    const items = this.list(() => this.expr());
    this.needOp(')');
    return items;
  }

  private sum(): Expr {
    let a = this.product();
    for (;;) {
      const op = this.isOp('+') ? '+' : this.isOp('-') ? '-' : null;
      if (!op) return a;
      this.at += 1;
      if (this.isWord('INTERVAL')) throw new NotModelled('INTERVAL');
      a = { kind: 'binary', op, a, b: this.product() };
    }
  }

  private product(): Expr {
    let a = this.unary();
    for (;;) {
      const op = this.isOp('*') ? '*' : this.isOp('%') || this.isWord('MOD') ? '%' : this.isWord('DIV') ? 'DIV' : null;
      if (!op) return a;
      this.at += 1;
      a = { kind: 'binary', op, a, b: this.unary() };
    }
  }

  private unary(): Expr {
    if (this.takeOp('-')) return { kind: 'unary', op: '-', a: this.unary() };
    return this.primary();
  }

  private primary(): Expr {
    const { token } = this;
    if (token.kind === 'param') {
      this.at += 1;
      this.params += 1;
      return { kind: 'param', index: this.params - 1 };
    }
    if (token.kind === 'string') {
      this.at += 1;
      if (this.token.kind === 'string') this.fail('strings side by side');
      return { kind: 'literal', value: token.text };
    }
    if (token.kind === 'number') {
      if (!/^\d+$/.test(token.text)) throw new NotModelled('numbers that are not whole');
      if (!Number.isSafeInteger(Number(token.text))) throw new NotModelled('numbers above 2^53');
      this.at += 1;
      return { kind: 'literal', value: Number(token.text) };
    }
    if (this.isOp('(')) {
      if (this.isQueryIn()) return { kind: 'scalar', query: this.inParentheses(() => this.query()) };
      const items = this.inParentheses(() => this.list(() => this.expr()));
      return items.length === 1 ? (items[0] as Expr) : { kind: 'row', items };
    }
    if (token.kind === 'quoted') return this.column();
    if (token.kind !== 'word') this.fail();
    if (this.takeWord('NULL')) return { kind: 'literal', value: null };
    if (this.takeWord('TRUE')) return { kind: 'literal', value: 1 };
    if (this.takeWord('FALSE')) return { kind: 'literal', value: 0 };
    if (this.takeWord('CASE')) return this.caseExpr();
    if (this.takeWord('EXISTS')) return { kind: 'exists', query: this.inParentheses(() => this.query()) };
    if (this.isWord('INTERVAL')) throw new NotModelled('INTERVAL');
    const next = this.peek(1);
    if (next.kind === 'op' && next.text === '(') {
      // With a space, MySQL takes many names for something other than a function.
      if (next.start !== token.end) throw new NotModelled('a space between a function and its parenthesis');
      return this.call();
    }
    return this.column();
  }

  private column(): Expr {
    const first = this.name();
    if (!this.takeOp('.')) return { kind: 'column', table: null, name: first };
    // After a dot, any word is a name.
    const { token } = this;
    if (token.kind !== 'word' && token.kind !== 'quoted') this.fail();
    this.at += 1;
    if (this.isOp('.')) throw new NotModelled('names of databases');
    return { kind: 'column', table: first, name: token.text };
  }

  private caseExpr(): Expr {
    const base = this.isWord('WHEN') ? null : this.expr();
    const whens: [Expr, Expr][] = [];
    while (this.takeWord('WHEN')) {
      const condition = this.expr();
      this.needWord('THEN');
      whens.push([condition, this.expr()]);
    }
    if (whens.length === 0) this.fail();
    const otherwise = this.takeWord('ELSE') ? this.expr() : null;
    this.needWord('END');
    return { kind: 'case', base, whens, otherwise };
  }

  private call(): Expr {
    const name = this.token.upper;
    this.at += 1;
    this.needOp('(');
    const call = { kind: 'call' as const, name, args: [] as Expr[], isDistinct: false, isStar: false };
    if (name === 'VALUES' || name === 'VALUE') {
      const column = this.name();
      this.needOp(')');
      return { kind: 'incoming', name: column };
    }
    if (name === 'CAST') {
      const a = this.expr();
      this.needWord('AS');
      const to = (['SIGNED', 'CHAR'] as const).find((word) => this.takeWord(word)) ?? this.fail();
      if (to === 'SIGNED') this.takeWord('INTEGER');
      this.needOp(')');
      return { kind: 'cast', a, to };
    }
    if (name === 'COUNT' && this.takeOp('*')) call.isStar = true;
    else if (!this.isOp(')')) {
      call.isDistinct = this.takeWord('DISTINCT');
      call.args = this.list(() => this.expr());
    }
    this.needOp(')');
    if (this.isWord('OVER')) throw new NotModelled('window functions');
    return call;
  }
}

function violation(what: string): Refusal {
  return new Refusal('SQL_POLICY_VIOLATION', `The statement violates the policy of Forge SQL: ${what}`, 400, 'Change the statement.');
}

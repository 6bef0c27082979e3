/** MySQL's lexical rules, as far as the gate accepts statements (MySQL: Language Structure). */
import { DatabaseError, NotModelled } from './errors';

export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'param' | 'op' | 'variable' | 'end';
  /** Words as they were written; strings and quoted names without their quotes. */
  text: string;
  /** Words in capitals, for keywords; otherwise the same as `text`. */
  upper: string;
  start: number;
  end: number;
}

const OPERATORS = ['<=>', '<<', '>>', '<=', '>=', '<>', '!=', '&&', '||', ':=', '->'];
/** MySQL: String Literals. `\%` and `\_` keep their backslash. */
const ESCAPES: Record<string, string> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a', '%': '\\%', _: '\\_' };

/** @throws DatabaseError 1064 for an unterminated string, NotModelled for comments that the server would execute */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Token['kind'], text: string, start: number, upper = text): void => {
    tokens.push({ kind, text, upper, start, end: at });
  };
  while (at < sql.length) {
    const start = at;
    const c = sql[at] as string;
    if (c === '?') {
      at += 1;
      push('param', '?', start);
    } else if (c === ' ' || c === '\n' || c === '\t' || c === '\r') {
      at += 1;
    } else if (c === '#' || (c === '-' && /^--(\s|$)/.test(sql.slice(at, at + 3)))) {
      while (at < sql.length && sql[at] !== '\n') at += 1;
    } else if (c === '/' && sql[at + 1] === '*') {
      if (/^\/\*[!+]|^\/\*T!/.test(sql.slice(at, at + 4))) throw new NotModelled('executable comments and hints');
      const end = sql.indexOf('*/', at + 2);
      if (end < 0) throw syntaxError(sql, start);
      at = end + 2;
    } else if (c === "'" || c === '"') {
      const text = readString(sql, at, c);
      at = text.end;
      push('string', text.value, start);
    } else if (c === '`') {
      const end = sql.indexOf('`', at + 1);
      if (end < 0) throw syntaxError(sql, start);
      if (sql[end + 1] === '`') throw new NotModelled('a backtick in a name');
      at = end + 1;
      push('quoted', sql.slice(start + 1, end), start);
    } else if (/[0-9]/.test(c) || (c === '.' && /[0-9]/.test(sql[at + 1] ?? ''))) {
      const [text] = /^(0[xb][0-9a-f]+|\d*\.?\d*(e[+-]?\d+)?)/i.exec(sql.slice(at, at + 60)) as RegExpExecArray;
      at += text.length;
      if (/[A-Za-z_$]/.test(sql[at] ?? '')) throw new NotModelled('names that begin with a digit');
      push('number', text, start);
    } else if (/[A-Za-z_$\u0080-\uffff]/.test(c)) {
      while (at < sql.length && /[A-Za-z0-9_$\u0080-\uffff]/.test(sql[at] as string)) at += 1;
      const text = sql.slice(start, at);
      push('word', text, start, text.toUpperCase());
    } else if (c === '@') {
      while (at < sql.length && /[@A-Za-z0-9_$.]/.test(sql[at] as string)) at += 1;
      push('variable', sql.slice(start, at), start);
    } else {
      const op = OPERATORS.find((o) => sql.startsWith(o, at)) ?? c;
      at += op.length;
      push('op', op, start);
    }
  }
  push('end', '', at);
  return tokens;
}

function readString(sql: string, from: number, quote: string): { value: string; end: number } {
  let value = '';
  for (let at = from + 1; at < sql.length; at += 1) {
    const c = sql[at] as string;
    if (c === '\\') {
      at += 1;
      const next = sql[at];
      if (next === undefined) break;
      value += ESCAPES[next] ?? next;
    } else if (c === quote) {
      if (sql[at + 1] !== quote) return { value, end: at + 1 };
      at += 1;
      value += quote;
    } else value += c;
  }
  throw syntaxError(sql, from);
}

export function syntaxError(sql: string, at: number): DatabaseError {
  const line = sql.slice(0, at).split('\n').length;
  return new DatabaseError(
    'ER_PARSE_ERROR',
    `You have an error in your SQL syntax; check the manual that corresponds to your TiDB version for the right syntax to use line ${line} column ${at} near "${sql.slice(at, at + 80)}"`,
  );
}

/**
 * Words that cannot be names without backticks (TiDB: Keywords, those marked R). Some are reserved only in
 * MySQL 8, which is the stricter of the two.
 */
export const RESERVED = new Set(
  `ADD ALL ALTER ANALYZE AND ARRAY AS ASC BETWEEN BIGINT BINARY BLOB BOTH BY CALL CASCADE CASE CHANGE CHAR CHARACTER CHECK COLLATE
  COLUMN CONSTRAINT CONTINUE CONVERT CREATE CROSS CUME_DIST CURRENT_DATE CURRENT_ROLE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER
  CURSOR DATABASE DATABASES DAY_HOUR DAY_MICROSECOND DAY_MINUTE DAY_SECOND DECIMAL DEFAULT DELAYED DELETE DENSE_RANK DESC DESCRIBE
  DISTINCT DISTINCTROW DIV DOUBLE DROP DUAL EACH ELSE ELSEIF EMPTY ENCLOSED ESCAPED EXCEPT EXISTS EXIT EXPLAIN FALSE FETCH FIRST_VALUE
  FLOAT FLOAT4 FLOAT8 FOR FORCE FOREIGN FROM FULLTEXT FUNCTION GENERATED GET GRANT GROUP GROUPING GROUPS HAVING HIGH_PRIORITY
  HOUR_MICROSECOND HOUR_MINUTE HOUR_SECOND IF IGNORE ILIKE IN INDEX INFILE INNER INOUT INSERT INT INT1 INT2 INT3 INT4 INT8 INTEGER
  INTERSECT INTERVAL INTO IS ITERATE JOIN JSON_TABLE KEY KEYS KILL LAG LAST_VALUE LATERAL LEAD LEADING LEAVE LEFT LIKE LIMIT LINEAR LINES
  LOAD LOCALTIME LOCALTIMESTAMP LOCK LONG LONGBLOB LONGTEXT LOOP LOW_PRIORITY MATCH MAXVALUE MEDIUMBLOB MEDIUMINT MEDIUMTEXT MIDDLEINT
  MINUTE_MICROSECOND MINUTE_SECOND MOD MODIFIES NATURAL NOT NO_WRITE_TO_BINLOG NTH_VALUE NTILE NULL NUMERIC OF ON OPTIMIZE OPTION
  OPTIONALLY OR ORDER OUT OUTER OUTFILE OVER PARTITION PERCENT_RANK PRECISION PRIMARY PROCEDURE RANGE RANK READ READS REAL RECURSIVE
  REFERENCES REGEXP RELEASE RENAME REPEAT REPLACE REQUIRE RESTRICT REVOKE RIGHT RLIKE ROW ROWS ROW_NUMBER SCHEMA SCHEMAS
  SECOND_MICROSECOND SELECT SENSITIVE SEPARATOR SET SHOW SIGNAL SMALLINT SPATIAL SPECIFIC SQL SQLEXCEPTION SQLSTATE SQLWARNING
  SQL_BIG_RESULT SQL_CALC_FOUND_ROWS SQL_SMALL_RESULT SSL STARTING STATS_EXTENDED STORED STRAIGHT_JOIN SYSTEM TABLE TABLESAMPLE
  TERMINATED THEN TINYBLOB TINYINT TINYTEXT TO TRAILING TRIGGER TRUE UNDO UNION UNIQUE UNLOCK UNSIGNED UNTIL UPDATE USAGE USE USING
  UTC_DATE UTC_TIME UTC_TIMESTAMP VALUES VARBINARY VARCHAR VARCHARACTER VARYING VIRTUAL WHEN WHERE WHILE WINDOW WITH WRITE XOR
  YEAR_MONTH ZEROFILL`.split(/\s+/),
);

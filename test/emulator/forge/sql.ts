/** Forge SQL: the API behind `@forge/sql`, with its limits and rates. The database itself is in `sql/`. */
import { z } from 'zod';
import type { Clock } from '../clock';
import type { SiteSettings } from '../settings';
import type { SqlUsage } from '../usage';
import { Window } from './rates';
import { type Executed, type Param, type Row, SqlDatabase, type Written } from './sql/database';
import { DatabaseError, NotModelled, Refusal } from './sql/errors';

/** Limits: Forge docs, Forge SQL limits, unless another source is named. */
/**
 * Production's. Staging has 256 MiB and development 128 MiB, and to the app the local site is a development environment: but what
 * is tried here are the sizes and limits under which the app is to work, and those are production's.
 */
const STORED_BYTES = 1024 ** 3;
const DML_PER_SECOND = 150;
const DDL_PER_MINUTE = 25;
const EXECUTION_MS_PER_MINUTE = 62_500;
const REQUEST_BYTES = 1024 ** 2;
const RESPONSE_BYTES = 4 * 1024 ** 2;
/** The page of limits says 5 s, the page of errors 2 s. This is the stricter one. */
const SELECT_MS = 2_000;
const WRITE_MS = 10_000;
const DDL_MS = 20_000;

/**
 * How long a statement takes (assumed). Measured on MariaDB with 100,000 rows of 20 columns and five indexes: an unindexed
 * filter and sort 26 ms, a page of 50 rows along an index 4 ms, 5,000 upserts 160 ms. The time does not depend on the machine.
 */
const STATEMENT_MS = 1;
const ROW_READ_MS = 26 / 100_000;
const ROW_ANSWERED_MS = 0.06;
const ROW_WRITTEN_MS = 160 / 5_000;
/** What `sql: 'slow'` makes of every statement. */
const SLOW_MS = 3_000;

const Body = z.object({
  query: z.string(),
  params: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).default([]),
  method: z.literal('all'),
});

/** One statement and its answer, as `site.sqlLog` keeps them. */
export interface LoggedStatement {
  query: string;
  params: Param[];
  path: 'execute' | 'execute/ddl';
  status: number;
  /** The rows, or the error's body. */
  answer: Row[] | Written | ErrorBody;
}

export interface ErrorBody {
  code: string;
  message: string;
  suggestion: string;
  debug?: { message: string; code: string; errno: number; sql: string; sqlState: string };
}

interface Reply {
  status: number;
  body: unknown;
  /** Execution time, beyond the latency of the call. */
  takesMs: number;
}

export class Sql {
  /** Set to an array to record statements. */
  log: LoggedStatement[] | null = null;
  private database: SqlDatabase | null = null;
  private readonly statements: Window;
  private readonly definitions: Window;
  private readonly execution: Window;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly usageNow: () => SqlUsage,
    private readonly notModelled: (call: string) => void,
  ) {
    this.statements = new Window(clock, 1_000);
    this.definitions = new Window(clock, 60_000);
    this.execution = new Window(clock, 60_000);
  }

  /** Drops everything: after an uninstallation, or as if it had been lost. */
  clear(): void {
    this.database?.close();
    this.database = null;
  }

  /** Answers a request by the SDK. `null` = the path is not modeled. */
  handle(path: string, bodyText: string): Reply | null {
    if (path !== '/api/v1/execute' && path !== '/api/v1/execute/ddl') return null;
    const isDdlPath = path.endsWith('/ddl');
    const usage = this.usageNow();
    usage.statements += 1;
    if (isDdlPath) usage.ddl += 1;
    const clocked = { ms: 0 };
    let query = '';
    let params: Param[] = [];
    let reply: { status: number; body: unknown };
    try {
      if (Buffer.byteLength(bodyText) > REQUEST_BYTES) throw new Refusal('INVALID_SQL_QUERY', 'The request is over 1 MiB', 413);
      const body = Body.safeParse(parseJson(bodyText));
      if (!body.success) throw new Refusal('INVALID_SQL_QUERY', z.prettifyError(body.error));
      ({ query, params } = body.data);
      this.admit(isDdlPath);
      reply = { status: 200, body: { rows: this.execute(query, params, isDdlPath, clocked) } };
    } catch (error) {
      usage.errors += 1;
      reply = this.errorReply(error, query);
    }
    this.execution.add(clocked.ms);
    usage.milliseconds += clocked.ms;
    if (this.log) {
      const answer = reply.status === 200 ? (reply.body as { rows: Row[] | Written }).rows : (reply.body as ErrorBody);
      this.log.push(structuredClone({ query, params, path: isDdlPath ? 'execute/ddl' : 'execute', status: reply.status, answer }));
    }
    // The site's clock counts whole milliseconds.
    return { ...reply, takesMs: Math.ceil(clocked.ms) };
  }

  /** For the control API: reads without being counted. @throws DatabaseError, Refusal, NotModelled */
  read(query: string, params: readonly Param[]): Row[] {
    const database = this.open();
    if (database.kindOf(query) !== 'select') throw new Refusal('INVALID_SQL_QUERY', 'only SELECT');
    return database.execute(query, params, this.settings.sqlAffectedRows).rows as Row[];
  }

  dump(): Record<string, Row[]> {
    return this.database?.dump() ?? {};
  }

  private open(): SqlDatabase {
    this.database ??= new SqlDatabase(() => this.clock.now());
    return this.database;
  }

  private execute(query: string, params: readonly Param[], isDdlPath: boolean, clocked: { ms: number }): Row[] | Written {
    const database = this.open();
    const kind = database.kindOf(query);
    if (kind === 'ddl' && !isDdlPath)
      throw new DatabaseError('ER_TABLEACCESS_DENIED_ERROR', 'the statement is denied to the user of this endpoint: use executeDDL');
    if (kind === 'write' && isDdlPath) throw new NotModelled('writing rows through executeDDL');
    if (this.settings.sql === 'full' && database.grows(query)) throw full();
    if (database.grows(query) && database.storedBytes >= STORED_BYTES) throw full();
    const { rows } = database.execute(query, params, this.settings.sqlAffectedRows, (done) => {
      this.spend(done, clocked);
    });
    return rows;
  }

  /** Takes the time that the statement took. @throws Refusal if that is too long, or the answer too large: the statement then has no effect */
  private spend(done: Executed, clocked: { ms: number }): void {
    const usage = this.usageNow();
    const answered = Array.isArray(done.rows) ? done.rows.length : 0;
    const ms =
      STATEMENT_MS +
      done.rowsRead * ROW_READ_MS +
      answered * ROW_ANSWERED_MS +
      done.rowsWritten * ROW_WRITTEN_MS +
      (this.settings.sql === 'slow' ? SLOW_MS : 0);
    const limit = done.kind === 'select' ? SELECT_MS : done.kind === 'write' ? WRITE_MS : DDL_MS;
    clocked.ms = Math.round(Math.min(ms, limit) * 1_000) / 1_000;
    if (ms > limit) throw new Refusal('QUERY_TIMED_OUT', `The query took longer than ${limit / 1_000} s`, 408, 'Make the query simpler.');
    usage.rowsRead += done.rowsRead;
    if (answered > 0 && Buffer.byteLength(JSON.stringify(done.rows)) > RESPONSE_BYTES)
      throw new Refusal('SQL_EXECUTION_ERROR', 'The response is over 4 MiB', 413, 'Select fewer rows.');
    usage.rowsWritten += done.rowsWritten;
  }

  /** @throws Refusal if Forge does not even look at the statement */
  private admit(isDdlPath: boolean): void {
    const { sql } = this.settings;
    if (sql === 'absent')
      throw new Refusal('APP_NOT_ENABLED', 'The app is not enabled for Forge SQL', 403, 'Declare the module, and install the app again.');
    const isOver = isDdlPath ? !this.definitions.take(1, DDL_PER_MINUTE) : !this.statements.take(1, DML_PER_SECOND);
    if (sql === 'throttled' || isOver || this.execution.count >= EXECUTION_MS_PER_MINUTE)
      throw new Refusal('RATE_LIMIT_EXCEEDED', 'The rate limit of Forge SQL is exceeded', 429, 'Try again later.');
  }

  private errorReply(error: unknown, sql: string): { status: number; body: unknown } {
    if (error instanceof NotModelled) {
      const call = `SQL ${error.message}: ${sql.replace(/\s+/g, ' ').slice(0, 300)}`;
      this.notModelled(call);
      return { status: 501, body: { message: `not modelled: ${call}` } };
    }
    return errorOf(error, sql);
  }
}

/** The shape is documented by the package, `debug` was seen live; the status is assumed. */
function errorOf(error: unknown, sql: string): { status: number; body: ErrorBody } {
  if (error instanceof Refusal) {
    const { code, message, suggestion, status } = error;
    return { status, body: { code, message, suggestion } };
  }
  if (!(error instanceof DatabaseError)) throw error;
  const { code, message, errno, sqlState } = error;
  return {
    status: 400,
    body: {
      code: code === 'ER_PARSE_ERROR' ? 'INVALID_SQL_QUERY' : 'SQL_EXECUTION_ERROR',
      message: 'The query failed',
      suggestion: 'Check the query.',
      debug: { message, code, errno, sql, sqlState },
    },
  };
}

/** Which error it is when the quota of storage is used up: unverified. */
const full = (): DatabaseError => new DatabaseError('ER_RECORD_FILE_FULL', 'The database is full: the storage limit is reached');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What the app has cost so far: the counters of `GET /_local/usage`. */

export interface InvocationUsage {
  count: number;
  errors: number;
  retries: number;
  killed: number;
  milliseconds: number;
}

export interface KvsUsage {
  gets: number;
  sets: number;
  deletes: number;
  queries: number;
  batches: number;
  transactions: number;
  bytesRead: number;
  /** Reads that found nothing; each is billed as 1 KB. */
  emptyReads: number;
  bytesWritten: number;
}

export interface SqlUsage {
  statements: number;
  /** Of those, the ones by `executeDDL`. */
  ddl: number;
  rowsRead: number;
  rowsWritten: number;
  /** Execution time. */
  milliseconds: number;
  errors: number;
}

export interface Usage {
  rest: {
    requests: number;
    points: number;
    byRoute: Record<string, { requests: number; points: number; statuses: Record<string, number> }>;
    hours: Record<string, number>;
    /** By the module that was running, e.g. `trigger:activity`. */
    byModule: Record<string, { requests: number; points: number }>;
    /** Requests as a person that the platform refused for want of an impersonation token. */
    impersonationsRefused: number;
  };
  kvs: KvsUsage;
  sql: SqlUsage;
  queue: { pushes: number; events: number };
  invocations: Record<string, InvocationUsage>;
  coldStarts: number;
  gbSeconds: number;
  logBytes: number;
  frontend: { requests: number };
  /** Reports of stored personal data. */
  personalData: { calls: number; accounts: number };
  notModelled: string[];
}

export const noUsage = (): Usage => ({
  rest: { requests: 0, points: 0, byRoute: {}, hours: {}, byModule: {}, impersonationsRefused: 0 },
  kvs: { gets: 0, sets: 0, deletes: 0, queries: 0, batches: 0, transactions: 0, bytesRead: 0, emptyReads: 0, bytesWritten: 0 },
  sql: { statements: 0, ddl: 0, rowsRead: 0, rowsWritten: 0, milliseconds: 0, errors: 0 },
  queue: { pushes: 0, events: 0 },
  invocations: {},
  coldStarts: 0,
  gbSeconds: 0,
  logBytes: 0,
  frontend: { requests: 0 },
  personalData: { calls: 0, accounts: 0 },
  notModelled: [],
});

/** US dollars beyond the free allowance (Forge platform pricing, as of 2026-08-22). */
const PRICE = { gbSecond: 0.000025, kvsReadGb: 0.055, kvsWrittenGb: 1.09, logGb: 1.005, sqlHour: 0.143, sqlStatement: 1.929 / 1e6 };
const MS_PER_HOUR = 3_600_000;
const GB = 1e9;
const EMPTY_READ_BYTES = 1_024;

/** Without what stored data costs a month. */
export function priceOf({ gbSeconds, kvs, sql, logBytes }: Usage) {
  const functions = gbSeconds * PRICE.gbSecond;
  const storage =
    ((kvs.bytesRead + kvs.emptyReads * EMPTY_READ_BYTES) / GB) * PRICE.kvsReadGb + (kvs.bytesWritten / GB) * PRICE.kvsWrittenGb;
  const logs = (logBytes / GB) * PRICE.logGb;
  const database = (sql.milliseconds / MS_PER_HOUR) * PRICE.sqlHour + sql.statements * PRICE.sqlStatement;
  return { functions, kvs: storage, sql: database, logs, total: functions + storage + database + logs };
}

export interface RestCall {
  route: string;
  /** The name of the invocation that made it. */
  module: string;
  points: number;
  status: number;
  hour: string;
}

export function countRest(usage: Usage, { route, module, points, status, hour }: RestCall): void {
  usage.rest.requests += 1;
  usage.rest.points += points;
  const ofModule = usage.rest.byModule[module] ?? { requests: 0, points: 0 };
  ofModule.requests += 1;
  ofModule.points += points;
  usage.rest.byModule[module] = ofModule;
  usage.rest.hours[hour] = (usage.rest.hours[hour] ?? 0) + points;
  const entry = usage.rest.byRoute[route] ?? { requests: 0, points: 0, statuses: {} };
  entry.requests += 1;
  entry.points += points;
  entry.statuses[status] = (entry.statuses[status] ?? 0) + 1;
  usage.rest.byRoute[route] = entry;
}

export function countInvocation(usage: Usage, id: string, what: keyof InvocationUsage, amount = 1): void {
  const entry = usage.invocations[id] ?? { count: 0, errors: 0, retries: 0, killed: 0, milliseconds: 0 };
  entry[what] += amount;
  usage.invocations[id] = entry;
}

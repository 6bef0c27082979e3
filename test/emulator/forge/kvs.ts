/** Forge's key-value and entity stores, with their limits, over the HTTP API that @forge/kvs 1.6.5 uses. */
import { z } from 'zod';
import { type Clock, durationMs } from '../clock';
import type { SiteSettings } from '../settings';
import type { KvsUsage } from '../usage';
import type { EntityDefinition } from './manifest';
import { Window } from './rates';

/** Limits: Forge docs, KVS limits. */
const KEY_PATTERN = /^(?!\s+$)[a-zA-Z0-9:._\s\-#]+$/;
const MAX_KEY = 500;
const MAX_VALUE_BYTES = 240 * 1024;
const MAX_DEPTH = 31;
const MAX_BATCH = 25;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_PAGE = 100;
const DEFAULT_PAGE = 10;
const MAX_CONDITIONS = 100;
const MAX_TTL_MS = 365 * 86_400_000;
const INT32 = 2 ** 31;
const MAX_RANGE_BYTES = 900;
const MAX_PARTITION_BYTES = 1_700;
/** Rates per installation: requests per second, and units per minute. A unit is 10 KB, rounded up. */
const REQUESTS_PER_SECOND = 1_000;
const UNITS_PER_MINUTE = 4_000;
const UNIT_BYTES = 10 * 1024;

/** A refusal, not a failure of the site: it needs no stack, and most of them are keys that do not exist. */
class KvsError {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message = code,
  ) {}
}

interface Entry {
  /** JSON text; undefined = deleted, but kept until queries have caught up. */
  json: string | undefined;
  createdAt: number;
  updatedAt: number;
  expiresAt: number | null;
  /** What queries still see until `lagUntil`. */
  before: string | undefined;
  lagUntil: number;
}
type Store = Map<string, Entry>;

/** What queries read of each value: a query looks at every value of its entity. */
const parsed = new WeakMap<Entry, { json: string; value: Readonly<Record<string, unknown>> }>();

function parsedOnce(entry: Entry, json: string): Readonly<Record<string, unknown>> {
  const known = parsed.get(entry);
  if (known?.json === json) return known.value;
  const value = JSON.parse(json) as Record<string, unknown>;
  parsed.set(entry, { json, value });
  return value;
}

const Ttl = z.object({ value: z.number().positive(), unit: z.enum(['SECONDS', 'MINUTES', 'HOURS', 'DAYS']) });
const Options = z
  .object({
    ttl: Ttl.optional(),
    keyPolicy: z.enum(['OVERRIDE', 'FAIL_IF_EXISTS']).optional(),
    returnValue: z.enum(['PREVIOUS', 'LATEST']).optional(),
    returnMetadataFields: z.array(z.string()).optional(),
    metadataFields: z.array(z.enum(['CREATED_AT', 'UPDATED_AT', 'EXPIRE_TIME'])).optional(),
  })
  .optional();
const Condition = z.object({ property: z.string(), condition: z.string(), values: z.array(z.unknown()).default([]) });
type Condition = z.infer<typeof Condition>;
const Conditions = z.object({ and: z.array(Condition).optional(), or: z.array(Condition).optional() });
const KeyRef = z.object({ key: z.string(), entityName: z.string().optional(), options: Options });
const SetItem = KeyRef.extend({ value: z.unknown().optional() });
const SetItems = z.array(SetItem);
const EntityRef = z.object({ entityName: z.string() });
const QueryBody = z.object({
  entityName: z.string().optional(),
  indexName: z.string().optional(),
  partition: z.array(z.unknown()).optional(),
  range: z.object({ condition: z.string(), values: z.array(z.unknown()) }).optional(),
  filters: Conditions.optional(),
  where: z.array(Condition).optional(),
  sort: z.enum(['ASC', 'DESC']).optional(),
  limit: z.number().int().optional(),
  after: z.string().optional(),
  cursor: z.string().optional(),
  options: Options,
});
const TransactionBody = z.object({
  set: z.array(SetItem.extend({ conditions: Conditions.optional() })).default([]),
  delete: z.array(KeyRef.extend({ conditions: Conditions.optional() })).default([]),
  check: z.array(KeyRef.extend({ conditions: Conditions })).default([]),
});

/** Operations that only read. All others use write units. */
const READS = new Set(['get', 'query', 'secret/get', 'entity/get', 'entity/query', 'batch/get']);

export class Kvs {
  private readonly plain: Store = new Map();
  private readonly secrets: Store = new Map();
  private readonly entities = new Map<string, { definition: EntityDefinition; store: Store }>();
  private readonly requests: Window;
  private readonly readUnits: Window;
  private readonly writeUnits: Window;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    definitions: readonly EntityDefinition[],
    private readonly usageNow: () => KvsUsage,
  ) {
    for (const definition of definitions) this.entities.set(definition.name, { definition, store: new Map() });
    this.requests = new Window(clock, 1_000);
    this.readUnits = new Window(clock, 60_000);
    this.writeUnits = new Window(clock, 60_000);
  }

  private get usage(): KvsUsage {
    return this.usageNow();
  }

  /** Deletes everything, because the app was uninstalled. */
  clear(): void {
    for (const store of [this.plain, this.secrets, ...[...this.entities.values()].map((e) => e.store)]) store.clear();
  }

  /** Answers a request by the SDK. `null` = the path is not modeled. */
  handle(path: string, bodyText: string): { status: number; body?: unknown } | null {
    const name = path.replace(/^\/api\/v1\//, '');
    const operation = this.operations[name];
    if (!operation) return null;
    try {
      this.admit(name);
      let body: unknown;
      try {
        body = JSON.parse(bodyText);
      } catch {
        throw new KvsError(400, 'BAD_REQUEST', 'the body is not JSON');
      }
      return operation(body);
    } catch (error) {
      if (error instanceof KvsError) return { status: error.status, body: { code: error.code, message: error.message } };
      if (error instanceof z.ZodError) return { status: 400, body: { code: 'BAD_REQUEST', message: z.prettifyError(error) } };
      throw error;
    }
  }

  /** @throws KvsError 429 if the limit for this second or minute is used up */
  private admit(name: string): void {
    const units = READS.has(name) ? this.readUnits : this.writeUnits;
    if (this.requests.take(1, REQUESTS_PER_SECOND) && units.count < UNITS_PER_MINUTE) return;
    throw new KvsError(429, name === 'transaction' ? 'TOO_MANY_REQUESTS' : 'RATE_LIMIT_EXCEEDED', 'the rate limit of storage is exceeded');
  }

  private countRead(bytes: number): void {
    this.readUnits.add(unitsOf(bytes));
    this.usage.bytesRead += bytes;
    if (bytes === 0) this.usage.emptyReads += 1;
  }

  private countWrite(bytes: number): void {
    this.writeUnits.add(unitsOf(bytes));
    this.usage.bytesWritten += bytes;
  }

  /** Puts a value into an entity store, or among the plain keys (null), as it is and past every rule: what an older version, or damage, left behind. */
  put(entityName: string | null, key: string, value: unknown): void {
    const now = this.clock.now();
    const entry: Entry = { json: JSON.stringify(value), createdAt: now, updatedAt: now, expiresAt: null, before: undefined, lagUntil: 0 };
    this.storeOf({ entityName: entityName ?? undefined }).set(key, entry);
  }

  /** Everything stored, for comparing two runs. */
  dump(): { plain: Record<string, unknown>; entities: Record<string, Record<string, unknown>> } {
    return {
      plain: this.valuesOf(this.plain),
      entities: Object.fromEntries([...this.entities].map(([name, { store }]) => [name, this.valuesOf(store)])),
    };
  }

  /** Everything stored in one entity, by key. */
  dumpEntity(entityName: string): Record<string, unknown> {
    return this.valuesOf(this.storeOf({ entityName }));
  }

  private valuesOf(store: Store): Record<string, unknown> {
    return Object.fromEntries(
      [...store.keys()].sort().flatMap((key) => {
        const entry = this.read(store, key);
        return entry?.json === undefined ? [] : [[key, JSON.parse(entry.json)]];
      }),
    );
  }

  private readonly operations: Record<string, (body: unknown) => { status: number; body?: unknown }> = {
    get: (body) => this.get(this.plain, KeyRef.parse(body)),
    set: (body) => this.set(this.plain, SetItem.parse(body)),
    delete: (body) => this.delete(this.plain, KeyRef.parse(body)),
    query: (body) => this.queryKeys(QueryBody.parse(body)),
    'secret/get': (body) => this.get(this.secrets, KeyRef.parse(body)),
    'secret/set': (body) => this.set(this.secrets, SetItem.parse(body)),
    'secret/delete': (body) => this.delete(this.secrets, KeyRef.parse(body)),
    'entity/get': (body) => this.get(this.entityOf(body), KeyRef.parse(body)),
    'entity/set': (body) => this.set(this.entityOf(body), SetItem.parse(body)),
    'entity/delete': (body) => this.delete(this.entityOf(body), KeyRef.parse(body)),
    'entity/query': (body) => this.queryIndex(QueryBody.parse(body)),
    'batch/get': (body) => this.batch(body, (item) => this.batchGet(item)),
    'batch/set': (body) => this.batch(body, (item) => this.batchSet(item)),
    'batch/delete': (body) => this.batch(body, (item) => this.batchDelete(item)),
    transaction: (body) => this.transaction(TransactionBody.parse(body)),
  };

  private entityOf(body: unknown): Store {
    return this.storeOf(EntityRef.parse(body));
  }

  private storeOf(ref: { entityName?: string | undefined }): Store {
    if (ref.entityName === undefined) return this.plain;
    const entity = this.entities.get(ref.entityName);
    if (!entity) throw new KvsError(400, 'INVALID_ENTITY_TYPE', `entity '${ref.entityName}' is not declared in the manifest`);
    return entity.store;
  }

  private read(store: Store, key: string): Entry | undefined {
    const entry = store.get(key);
    return entry === undefined || this.isGone(entry) ? undefined : entry;
  }

  /** Deleted or expired. An expired value may still be returned for a while. */
  private isGone(entry: Entry): boolean {
    if (entry.json === undefined) return true;
    return entry.expiresAt !== null && this.clock.now() >= entry.expiresAt + durationMs(this.settings.ttlLag);
  }

  private get(store: Store, ref: z.infer<typeof KeyRef>): { status: number; body?: unknown } {
    this.usage.gets += 1;
    checkKey(ref.key);
    const entry = this.read(store, ref.key);
    this.countRead(entry ? Buffer.byteLength(entry.json as string) : 0);
    if (!entry) return notFound(ref.key);
    return {
      status: 200,
      body: { key: ref.key, value: JSON.parse(entry.json as string), ...metadata(entry, ref.options?.metadataFields) },
    };
  }

  private set(store: Store, item: z.infer<typeof SetItem>): { status: number; body?: unknown } {
    this.usage.sets += 1;
    const { keyPolicy, returnValue } = item.options ?? {};
    if (keyPolicy === 'FAIL_IF_EXISTS' && returnValue) throw new KvsError(400, 'INVALID_KEY_POLICY_RETURN_VALUE_COMBINATION');
    this.validate(item);
    const previous = this.read(store, item.key);
    if (keyPolicy === 'FAIL_IF_EXISTS' && previous) throw new KvsError(409, 'KEY_CONFLICT', `key '${item.key}' exists`);
    const before = previous ? { ...previous } : undefined;
    const entry = this.write(store, item);
    this.countWrite(Buffer.byteLength(entry.json as string));
    if (!returnValue || (returnValue === 'PREVIOUS' && !before)) return { status: 204 };
    const shown = returnValue === 'LATEST' ? entry : (before as Entry);
    return {
      status: 200,
      body: { key: item.key, value: JSON.parse(shown.json as string), ...metadata(shown, ['CREATED_AT', 'UPDATED_AT', 'EXPIRE_TIME']) },
    };
  }

  private delete(store: Store, ref: z.infer<typeof KeyRef>): { status: number; body?: unknown } {
    this.usage.deletes += 1;
    this.countWrite(0);
    checkKey(ref.key);
    if (!this.read(store, ref.key)) return notFound(ref.key);
    this.erase(store, ref.key);
    return { status: 204 };
  }

  private write(store: Store, item: z.infer<typeof SetItem>): Entry {
    const now = this.clock.now();
    const previous = this.read(store, item.key);
    const json = JSON.stringify(item.value);
    const entry: Entry = {
      json,
      createdAt: previous?.createdAt ?? now,
      updatedAt: now,
      expiresAt: item.options?.ttl ? now + ttlMs(item.options.ttl) : null,
      ...this.lag(store.get(item.key), now),
    };
    store.set(item.key, entry);
    return entry;
  }

  private erase(store: Store, key: string): void {
    const now = this.clock.now();
    const entry = store.get(key) as Entry;
    Object.assign(entry, { ...this.lag(entry, now), json: undefined });
  }

  /** What queries keep seeing for a while: the value before this write. */
  private lag(entry: Entry | undefined, now: number): { before: string | undefined; lagUntil: number } {
    const before = entry && (now < entry.lagUntil ? entry.before : this.isGone(entry) ? undefined : entry.json);
    return { before, lagUntil: now + durationMs(this.settings.kvsQueryLag) };
  }

  private seenByQueries(entry: Entry): string | undefined {
    if (this.clock.now() < entry.lagUntil) return entry.before;
    return this.isGone(entry) ? undefined : entry.json;
  }

  private validate(item: { key: string; entityName?: string | undefined; value?: unknown }): void {
    checkKey(item.key);
    checkValue(item.value);
    if (item.entityName !== undefined) this.checkEntity(item.entityName, item.value);
  }

  private checkEntity(name: string, value: unknown): void {
    const definition = this.entities.get(name)?.definition;
    if (!definition) throw new KvsError(400, 'INVALID_ENTITY_TYPE', `entity '${name}' is not declared`);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new KvsError(400, 'INVALID_ENTITY_VALUE');
    for (const [attribute, content] of Object.entries(value)) {
      const type = definition.attributes[attribute]?.type;
      if (!type) throw new KvsError(400, 'INVALID_ENTITY_ATTRIBUTE', `attribute '${attribute}' of '${name}' is not declared`);
      const fits = {
        any: true,
        string: typeof content === 'string' && content.trim() !== '',
        boolean: typeof content === 'boolean',
        integer: Number.isInteger(content) && Math.abs(content as number) < INT32,
        float: typeof content === 'number',
      }[type];
      if (!fits) throw new KvsError(400, 'INVALID_ENTITY_VALUE', `attribute '${attribute}' of '${name}' is not a ${type}`);
    }
    checkIndexes(definition, value as Record<string, unknown>);
  }

  private queryKeys(query: z.infer<typeof QueryBody>): { status: number; body?: unknown } {
    this.usage.queries += 1;
    const limit = query.limit ?? DEFAULT_PAGE;
    if (limit < 1 || limit > MAX_PAGE) throw new KvsError(400, 'LIST_QUERY_LIMIT_EXCEEDED');
    const where = query.where ?? [];
    if (where.some((w) => w.property !== 'key')) throw new KvsError(400, 'QUERY_WHERE_FIELD_INVALID');
    if (where.length > 1 || where.some((w) => w.condition !== 'BEGINS_WITH')) throw new KvsError(400, 'QUERY_WHERE_INVALID');
    const prefix = String(where[0]?.values[0] ?? '');
    const rows = [...this.plain]
      .flatMap(([key, entry]) => {
        const json = key.startsWith(prefix) ? this.seenByQueries(entry) : undefined;
        return json === undefined ? [] : [{ key, json, entry }];
      })
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const compare = (a: Place, b: Place): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    return this.page(rows, limit, query.after, { prefix }, query.options?.metadataFields, compare);
  }

  private queryIndex(query: z.infer<typeof QueryBody>): { status: number; body?: unknown } {
    this.usage.queries += 1;
    const limit = query.limit ?? DEFAULT_PAGE;
    if (limit < 1 || limit > MAX_PAGE) throw new KvsError(400, 'COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE');
    const entity = this.entities.get(query.entityName ?? '');
    if (!entity) throw new KvsError(400, 'INVALID_ENTITY_TYPE', `entity '${query.entityName}' is not declared`);
    const index = entity.definition.indexes.find((i) => (typeof i === 'string' ? i : i.name) === query.indexName);
    if (index === undefined && query.indexName !== 'by-key')
      throw new KvsError(400, 'INVALID_ENTITY_INDEX', `index '${query.indexName}' is not declared`);
    const partitionFields = typeof index === 'object' ? (index.partition ?? []) : [];
    const rangeField = index === undefined ? null : typeof index === 'string' ? index : index.range[0];
    const partition = query.partition ?? [];
    if (partition.length !== partitionFields.length)
      throw new KvsError(400, 'INVALID_ENTITY_INDEX', 'the partition does not match the index');
    const filters = query.filters?.and ?? query.filters?.or ?? [];
    if (query.filters?.and && query.filters.or) throw new KvsError(400, 'INVALID_FILTER_OPERATORS_COMBINATION');
    if (filters.length > MAX_CONDITIONS) throw new KvsError(400, 'QUERY_WHERE_INVALID');
    for (const filter of filters) {
      if (entity.definition.attributes[filter.property]?.type === 'any')
        throw new KvsError(422, 'INVALID_FILTER_CONDITION', 'an `any` attribute cannot be filtered');
    }
    for (const condition of [...filters, ...(query.range ? [{ property: '', ...query.range }] : [])]) holds(condition, '');
    for (const filter of filters) {
      if (!entity.definition.attributes[filter.property])
        throw new KvsError(400, 'INVALID_FILTER_CONDITION', `no attribute '${filter.property}'`);
    }
    const rows = [...entity.store].flatMap(([key, entry]) => {
      const json = this.seenByQueries(entry);
      if (json === undefined) return [];
      const value = parsedOnce(entry, json);
      if (!partitionFields.every((field, i) => value[field] === partition[i])) return [];
      const range = rangeField === null ? key : value[rangeField as string];
      if (range === undefined) return [];
      if (query.range && !holds({ property: '', ...query.range }, range)) return [];
      return [{ key, json, entry, range: range as string | number, value }];
    });
    const sign = query.sort === 'DESC' ? -1 : 1;
    const compare = (a: Place, b: Place): number => {
      const [x, y] = a.range === b.range ? [a.key, b.key] : [a.range as string, b.range as string];
      return x < y ? -sign : x > y ? sign : 0;
    };
    rows.sort(compare);
    // Filters apply after the page is read, so a page may be empty and still have a cursor.
    const accept = query.filters
      ? (row: (typeof rows)[number]) =>
          query.filters?.or ? filters.some((f) => holds(f, row.value[f.property])) : filters.every((f) => holds(f, row.value[f.property]))
      : undefined;
    const signature = { entity: query.entityName, index: query.indexName, partition, range: query.range, sort: query.sort };
    return this.page(rows, limit, query.cursor, signature, query.options?.metadataFields, compare, accept);
  }

  private page<R extends Place & { json: string; entry: Entry }>(
    rows: R[],
    limit: number,
    cursor: string | undefined,
    signature: unknown,
    fields: string[] | undefined,
    compare: (a: Place, b: Place) => number,
    accept?: (row: R) => boolean,
  ): { status: number; body: unknown } {
    const expected = JSON.stringify(signature);
    let start = 0;
    if (cursor !== undefined) {
      const place = readCursor(cursor);
      if (place?.of !== expected) throw new KvsError(400, 'QUERY_WHERE_INVALID', 'the cursor belongs to another query');
      // The row may be gone, so continue at the first one after its position.
      const next = rows.findIndex((row) => compare(row, place) > 0);
      start = next < 0 ? rows.length : next;
    }
    const slice = rows.slice(start, start + limit);
    const last = slice.at(-1);
    const more = start + limit < rows.length && last !== undefined;
    const data = (accept ? slice.filter(accept) : slice).map((row) => ({
      key: row.key,
      value: JSON.parse(row.json),
      ...metadata(row.entry, fields),
    }));
    // Filters apply after the page is read, so rows that they leave out count as read, too.
    this.countRead(slice.reduce((sum, row) => sum + Buffer.byteLength(row.json), 0));
    return {
      status: 200,
      body: {
        data,
        ...(more ? { cursor: writeCursor({ key: last.key, ...('range' in last ? { range: last.range } : {}), of: expected }) } : {}),
      },
    };
  }

  private batch(body: unknown, one: (item: z.infer<typeof SetItem>) => object): { status: number; body: unknown } {
    this.usage.batches += 1;
    const items = SetItems.parse(body);
    const ids = items.map((item) => `${item.entityName ?? ''} ${item.key}`);
    if (items.length === 0 || items.length > MAX_BATCH) throw new KvsError(400, 'BAD_REQUEST', `a batch takes 1 to ${MAX_BATCH} keys`);
    if (new Set(ids).size < ids.length) throw new KvsError(400, 'BAD_REQUEST', 'a batch names each key once');
    if (Buffer.byteLength(JSON.stringify(body)) > MAX_BATCH_BYTES) throw new KvsError(400, 'MAX_SIZE');
    const successfulKeys: unknown[] = [];
    const failedKeys: unknown[] = [];
    for (const item of items) {
      const id = { key: item.key, ...(item.entityName === undefined ? {} : { entityName: item.entityName }) };
      try {
        successfulKeys.push({ ...id, ...one(item) });
      } catch (error) {
        if (!(error instanceof KvsError)) throw error;
        failedKeys.push({ ...id, error: { code: error.code, message: error.message } });
      }
    }
    return { status: 200, body: { successfulKeys, failedKeys } };
  }

  private batchGet(item: z.infer<typeof SetItem>): object {
    checkKey(item.key);
    const entry = this.read(this.storeOf(item), item.key);
    this.countRead(entry ? Buffer.byteLength(entry.json as string) : 0);
    if (!entry) throw new KvsError(404, 'KEY_NOT_FOUND', `no key '${item.key}'`);
    return { value: JSON.parse(entry.json as string), ...metadata(entry, ['CREATED_AT', 'UPDATED_AT']) };
  }

  private batchSet(item: z.infer<typeof SetItem>): object {
    this.validate(item);
    this.countWrite(Buffer.byteLength(this.write(this.storeOf(item), item).json as string));
    return {};
  }

  private batchDelete(item: z.infer<typeof SetItem>): object {
    this.countWrite(0);
    checkKey(item.key);
    const store = this.storeOf(item);
    if (!this.read(store, item.key)) throw new KvsError(404, 'KEY_NOT_FOUND', `no key '${item.key}'`);
    this.erase(store, item.key);
    return {};
  }

  private transaction(body: z.infer<typeof TransactionBody>): { status: number; body?: unknown } {
    this.usage.transactions += 1;
    const all = [...body.set, ...body.delete, ...body.check];
    if (all.length === 0) throw new KvsError(400, 'INVALID_TRANSACTION_REQUEST');
    const ids = all.map((item) => `${item.entityName ?? ''} ${item.key}`);
    if (all.length > MAX_BATCH || new Set(ids).size < ids.length)
      throw new KvsError(400, 'INVALID_TRANSACTION_REQUEST', 'up to 25 operations, each key once');
    for (const item of all) {
      checkKey(item.key);
      if (item.conditions && item.entityName === undefined)
        throw new KvsError(400, 'INVALID_TRANSACTION_REQUEST', 'conditions exist only for entities');
    }
    // All or nothing: anything that can be refused is refused before the first write.
    if (Buffer.byteLength(JSON.stringify(body)) > MAX_BATCH_BYTES) throw new KvsError(400, 'MAX_SIZE');
    for (const item of all) this.storeOf(item);
    for (const item of body.set) {
      this.validate(item);
      if (item.options?.ttl) ttlMs(item.options.ttl);
    }
    for (const item of all) {
      if (item.conditions && !this.conditionsHold(item)) throw new KvsError(400, 'CONDITIONAL_CHECK_FAILED', 'a condition is false');
    }
    // A transaction counts as one write, no matter how many keys it has.
    const bytes = body.set.reduce((sum, item) => sum + Buffer.byteLength(this.write(this.storeOf(item), item).json as string), 0);
    this.countWrite(bytes);
    for (const item of body.delete) {
      const store = this.storeOf(item);
      if (this.read(store, item.key)) this.erase(store, item.key);
    }
    return { status: 204 };
  }

  private conditionsHold(item: {
    key: string;
    entityName?: string | undefined;
    conditions?: z.infer<typeof Conditions> | undefined;
  }): boolean {
    const entry = this.read(this.storeOf(item), item.key);
    const value = entry ? (JSON.parse(entry.json as string) as Record<string, unknown>) : {};
    const { and, or } = item.conditions ?? {};
    if (or) return or.some((c) => holds(c, value[c.property]));
    return (and ?? []).every((c) => holds(c, value[c.property]));
  }
}

/** The position of a row in the order of its query. */
interface Place {
  key: string;
  range?: string | number;
}

function writeCursor(place: Place & { of: string }): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(text: string): (Place & { of: string }) | null {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Place & { of: string };
  } catch {
    return null;
  }
}

function notFound(key: string): { status: number; body: unknown } {
  return { status: 404, body: { code: 'KEY_NOT_FOUND', message: `no key '${key}'` } };
}

function ttlMs(ttl: z.infer<typeof Ttl>): number {
  const unit = { SECONDS: 1_000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 }[ttl.unit];
  const ms = ttl.value * unit;
  if (ms > MAX_TTL_MS) throw new KvsError(400, 'BAD_REQUEST', 'a TTL is at most one year');
  return ms;
}

function metadata(entry: Entry, fields: readonly string[] | undefined): Record<string, unknown> {
  return {
    ...(fields?.includes('CREATED_AT') ? { createdAt: entry.createdAt } : {}),
    ...(fields?.includes('UPDATED_AT') ? { updatedAt: entry.updatedAt } : {}),
    ...(fields?.includes('EXPIRE_TIME') && entry.expiresAt !== null ? { expireTime: new Date(entry.expiresAt).toISOString() } : {}),
  };
}

function unitsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / UNIT_BYTES));
}

/** @throws KvsError for a value that is too long for one of its indexes */
function checkIndexes(definition: EntityDefinition, value: Record<string, unknown>): void {
  const bytesOf = (field: string): number => Buffer.byteLength(String(value[field] ?? ''));
  for (const index of definition.indexes) {
    const { name, partition = [], range } = typeof index === 'string' ? { name: index, range: [index] } : index;
    if (bytesOf(range[0] as string) > MAX_RANGE_BYTES)
      throw new KvsError(400, 'INVALID_ENTITY_VALUE', `index '${name}': a range has at most ${MAX_RANGE_BYTES} bytes`);
    if (partition.reduce((sum, field) => sum + bytesOf(field), 0) > MAX_PARTITION_BYTES)
      throw new KvsError(400, 'INVALID_ENTITY_VALUE', `index '${name}': a partition has at most ${MAX_PARTITION_BYTES} bytes`);
  }
}

function checkKey(key: string): void {
  if (key === '') throw new KvsError(400, 'EMPTY_KEY');
  if (key.length > MAX_KEY) throw new KvsError(400, 'KEY_TOO_LONG');
  if (!KEY_PATTERN.test(key)) throw new KvsError(400, 'INVALID_KEY', `key '${key}' has a character that is not allowed`);
}

function checkValue(value: unknown): void {
  if (value === undefined || value === null) throw new KvsError(400, 'BAD_REQUEST', 'a value is required');
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_VALUE_BYTES) throw new KvsError(400, 'MAX_SIZE');
  if (depth(value) > MAX_DEPTH) throw new KvsError(400, 'MAX_DEPTH');
}

function depth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const part of Object.values(value)) deepest = Math.max(deepest, depth(part));
  return deepest + 1;
}

/** @throws KvsError for a condition that the store does not know */
function holds({ condition, values }: Condition, actual: unknown): boolean {
  const [first, second] = values as (string | number)[];
  const value = actual as string | number;
  switch (condition) {
    case 'EXISTS':
      return actual !== undefined;
    case 'NOT_EXISTS':
      return actual === undefined;
    case 'EQUAL_TO':
      return actual === first;
    case 'NOT_EQUAL_TO':
      return actual !== first;
    default:
  }
  const test = {
    BEGINS_WITH: () => String(value).startsWith(String(first)),
    CONTAINS: () => String(value).includes(String(first)),
    NOT_CONTAINS: () => !String(value).includes(String(first)),
    BETWEEN: () => value >= (first as string | number) && value <= (second as string | number),
    GREATER_THAN: () => value > (first as string | number),
    GREATER_THAN_EQUAL_TO: () => value >= (first as string | number),
    LESS_THAN: () => value < (first as string | number),
    LESS_THAN_EQUAL_TO: () => value <= (first as string | number),
  }[condition];
  if (!test) throw new KvsError(400, 'INVALID_FILTER_CONDITION', `unknown condition ${condition}`);
  return actual !== undefined && test();
}

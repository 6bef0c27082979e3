/** The key-value store of the local site: documented limits, error codes, conditions, and eventual consistency. */
import { describe, expect, it } from 'vitest';
import { Clock } from '../emulator/clock';
import { Kvs } from '../emulator/forge/kvs';
import type { EntityDefinition } from '../emulator/forge/manifest';
import { DEFAULT_SETTINGS } from '../emulator/settings';
import { noUsage } from '../emulator/usage';

function store() {
  const clock = new Clock(1_000_000);
  const usage = noUsage();
  const settings = { ...DEFAULT_SETTINGS, kvsQueryLag: 'PT2S' };
  const definitions: EntityDefinition[] = [
    {
      name: 'thing',
      attributes: {
        kind: { type: 'string' },
        size: { type: 'integer' },
        at: { type: 'float' },
        flag: { type: 'boolean' },
        data: { type: 'any' },
      },
      indexes: ['kind', { name: 'by-kind-at', partition: ['kind'], range: ['at'] }],
    },
  ];
  const kvs = new Kvs(clock, settings, definitions, () => usage.kvs);
  const call = (path: string, body: unknown) =>
    kvs.handle(`/api/v1/${path}`, JSON.stringify(body)) as { status: number; body?: Record<string, never> };
  return { clock, call, settings, usage };
}
const things = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ key: `t${i}`, entityName: 'thing', value: { kind: i % 2 ? 'odd' : 'even', at: i } }));

describe('the key-value store', () => {
  it.each([
    ['', 'EMPTY_KEY'],
    ['x'.repeat(501), 'KEY_TOO_LONG'],
    ['with/slash', 'INVALID_KEY'],
    ['~tilde', 'INVALID_KEY'],
    ['   ', 'INVALID_KEY'],
  ])('refuses the key %j', (key, code) => {
    expect(store().call('set', { key, value: 1 })).toMatchObject({ status: 400, body: { code } });
  });

  it('accepts account ids as keys, and no value over 240 KiB or 31 levels', () => {
    const { call } = store();
    expect(call('set', { key: '712020:4c310f2e-8d1b-4a57-9f0e-1b2c3d4e5f60', value: { a: 1 } }).status).toBe(204);
    expect(call('set', { key: 'big', value: 'x'.repeat(240 * 1024) })).toMatchObject({ status: 400, body: { code: 'MAX_SIZE' } });
    let deep: unknown = 1;
    for (let i = 0; i < 32; i += 1) deep = [deep];
    expect(call('set', { key: 'deep', value: deep })).toMatchObject({ status: 400, body: { code: 'MAX_DEPTH' } });
    expect(call('set', { key: 'null', value: null }).status).toBe(400);
    expect(call('get', { key: 'missing' })).toMatchObject({ status: 404, body: { code: 'KEY_NOT_FOUND' } });
  });

  it('does not overwrite an existing key if told not to', () => {
    const { call } = store();
    const item = { key: 'k', value: 1, options: { keyPolicy: 'FAIL_IF_EXISTS' } };
    expect(call('set', item).status).toBe(204);
    expect(call('set', item)).toMatchObject({ status: 409, body: { code: 'KEY_CONFLICT' } });
    expect(call('set', { ...item, options: { keyPolicy: 'FAIL_IF_EXISTS', returnValue: 'LATEST' } }).status).toBe(400);
    expect(call('set', { key: 'k', value: 2, options: { returnValue: 'PREVIOUS' } })).toMatchObject({ status: 200, body: { value: 1 } });
  });

  it('drops a value after it expires', async () => {
    const { call, clock } = store();
    call('set', { key: 'k', value: 1, options: { ttl: { value: 1, unit: 'HOURS' } } });
    await clock.advance(59 * 60_000);
    expect(call('get', { key: 'k' }).status).toBe(200);
    await clock.advance(2 * 60_000);
    expect(call('get', { key: 'k' }).status).toBe(404);
  });

  it('may still return an expired value, with its expiry time', async () => {
    const { call, clock, settings } = store();
    settings.ttlLag = 'PT48H';
    call('set', { key: 'k', value: 1, options: { ttl: { value: 1, unit: 'HOURS' } } });
    const expired = clock.now() + 3_600_000;
    await clock.advance(24 * 3_600_000);
    expect(call('get', { key: 'k', options: { metadataFields: ['EXPIRE_TIME'] } })).toMatchObject({
      status: 200,
      body: { value: 1, expireTime: new Date(expired).toISOString() },
    });
    await clock.advance(26 * 3_600_000);
    expect(call('get', { key: 'k' }).status).toBe(404);
    expect(call('set', { key: 'k', value: 2, options: { keyPolicy: 'FAIL_IF_EXISTS' } }).status).toBe(204);
  });

  it('refuses values that are too long for their index', () => {
    const { call } = store();
    const set = (value: object) => call('entity/set', { entityName: 'thing', key: 'k', value });
    expect(set({ kind: 'x'.repeat(900) }).status).toBe(204);
    expect(set({ kind: 'x'.repeat(901) })).toMatchObject({ status: 400, body: { code: 'INVALID_ENTITY_VALUE' } });
    expect(set({ data: 'x'.repeat(5_000) }).status).toBe(204);
  });
});

describe('entities', () => {
  it.each([
    [{ kind: 1 }, 'INVALID_ENTITY_VALUE'],
    [{ kind: ' ' }, 'INVALID_ENTITY_VALUE'],
    [{ size: 2 ** 31 }, 'INVALID_ENTITY_VALUE'],
    [{ flag: 'true' }, 'INVALID_ENTITY_VALUE'],
    [{ other: 1 }, 'INVALID_ENTITY_ATTRIBUTE'],
  ])('are refused with an invalid value: %j', (value, code) => {
    expect(store().call('entity/set', { key: 'k', entityName: 'thing', value })).toMatchObject({ status: 400, body: { code } });
  });

  it('are found by index, in order, page by page, a few seconds after they were written', async () => {
    const { call, clock } = store();
    call('batch/set', things(25));
    const query = { entityName: 'thing', indexName: 'by-kind-at', partition: ['odd'], sort: 'DESC', limit: 5 };
    expect(call('entity/query', query).body).toEqual({ data: [] });
    expect(call('entity/get', { key: 't1', entityName: 'thing' }).status).toBe(200);
    await clock.advance(3_000);
    const first = call('entity/query', query).body as unknown as { data: { key: string }[]; cursor: string };
    expect(first.data.map((d) => d.key)).toEqual(['t23', 't21', 't19', 't17', 't15']);
    const second = call('entity/query', { ...query, cursor: first.cursor }).body as unknown as { data: { key: string }[] };
    expect(second.data[0]?.key).toBe('t13');
    expect(call('entity/query', { ...query, sort: 'ASC', cursor: first.cursor }).status).toBe(400);
    expect(call('entity/query', { ...query, indexName: 'nope' })).toMatchObject({ body: { code: 'INVALID_ENTITY_INDEX' } });
    expect(call('entity/query', { ...query, limit: 101 })).toMatchObject({ body: { code: 'COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE' } });
  });

  it('are filtered after a page is read, so a page may be empty and still have a cursor', async () => {
    const { call, clock } = store();
    call('batch/set', things(20));
    await clock.advance(3_000);
    const page = call('entity/query', {
      entityName: 'thing',
      indexName: 'by-kind-at',
      partition: ['even'],
      limit: 3,
      filters: { and: [{ property: 'at', condition: 'GREATER_THAN', values: [10] }] },
    }).body as unknown as { data: unknown[]; cursor?: string };
    expect(page.data).toEqual([]);
    expect(page.cursor).toBeTruthy();
    expect(
      call('entity/query', {
        entityName: 'thing',
        indexName: 'kind',
        filters: { and: [{ property: 'data', condition: 'EXISTS', values: [true] }] },
      }).status,
    ).toBe(422);
  });
});

describe('batches and transactions', () => {
  it('accept 1 to 25 different keys', () => {
    const { call } = store();
    expect(call('batch/set', []).status).toBe(400);
    expect(call('batch/set', things(26)).status).toBe(400);
    expect(call('batch/set', [...things(1), ...things(1)]).status).toBe(400);
    expect(call('transaction', { set: things(26) }).status).toBe(400);
    expect(call('transaction', {})).toMatchObject({ body: { code: 'INVALID_TRANSACTION_REQUEST' } });
    expect(call('batch/get', [{ key: 'missing' }]).body).toMatchObject({
      successfulKeys: [],
      failedKeys: [{ key: 'missing', error: { code: 'KEY_NOT_FOUND' } }],
    });
  });

  it('write all or nothing, subject to conditions on entities', () => {
    const { call } = store();
    const when = (condition: string, values: unknown[]) => ({ and: [{ property: 'size', condition, values }] });
    const create = {
      set: [
        { key: 'a', entityName: 'thing', value: { size: 1 }, conditions: when('NOT_EXISTS', [true]) },
        { key: 'plain', value: 1 },
      ],
    };
    expect(call('transaction', create).status).toBe(204);
    expect(call('transaction', { set: [{ ...create.set[0] }, { key: 'plain', value: 2 }] })).toMatchObject({
      status: 400,
      body: { code: 'CONDITIONAL_CHECK_FAILED' },
    });
    expect(call('get', { key: 'plain' })).toMatchObject({ body: { value: 1 } });
    expect(
      call('transaction', { set: [{ key: 'a', entityName: 'thing', value: { size: 2 }, conditions: when('EQUAL_TO', [1]) }] }).status,
    ).toBe(204);
    expect(
      call('transaction', { set: [{ key: 'b', entityName: 'thing', value: { size: 2 }, conditions: when('EQUAL_TO', [1]) }] }).status,
    ).toBe(400);
    expect(call('transaction', { set: [{ key: 'p', value: 1, conditions: when('EXISTS', [true]) }] }).status).toBe(400);
  });
});

it('the key-value store has no answer for a path it does not know', () => {
  expect(store().call('compact', {})).toBeNull();
});

/** Processes: each one has its own memory. */
import { describe, expect, it } from 'vitest';
import { startPlatform } from '../support/functions';

const MINUTE = 60_000;
/** Each process counts its own invocations. */
const COUNTING = `
  let mine = 0;
  exports.onView = async () => { mine += 1; seen.push(mine); await get('/wiki/api/v2/spaces?limit=1'); };
  exports.resolve = async () => { mine += 1; seen.push(mine); };`;

describe('processes', () => {
  it('are several even if one would do, and each has its own memory', async () => {
    const { resolve, seen, usage } = startPlatform(COUNTING);
    for (let i = 0; i < 30; i += 1) await resolve();
    expect(usage.coldStarts).toBe(3);
    expect((seen as number[]).filter((n) => n === 1)).toHaveLength(3);
    expect(Math.max(...(seen as number[]))).toBeLessThan(28);
  });

  it('run one invocation at a time: if all are busy, another one starts cold', async () => {
    const { view, clock, seen, usage } = startPlatform(COUNTING);
    for (let i = 0; i < 12; i += 1) view();
    await clock.advance(MINUTE);
    expect(usage.coldStarts).toBe(12);
    expect(seen).toEqual(Array.from({ length: 12 }, () => 1));
  });

  it('end after ten idle minutes, except for those that are kept warm', async () => {
    const { view, clock, usage, resolve } = startPlatform(COUNTING);
    for (let i = 0; i < 12; i += 1) view();
    await clock.advance(9 * MINUTE);
    for (let i = 0; i < 12; i += 1) view();
    await clock.advance(MINUTE);
    expect(usage.coldStarts).toBe(12);
    await clock.advance(11 * MINUTE);
    await resolve();
    expect(usage.coldStarts).toBe(12);
    for (let i = 0; i < 12; i += 1) view();
    await clock.advance(MINUTE);
    expect(usage.coldStarts).toBe(12 + 9);
  });

  it('end when their invocation is stopped', async () => {
    const { resolve, seen, usage } = startPlatform(
      'let mine = 0; exports.resolve = async (r) => { mine += 1; seen.push(mine); if (r.call.payload.hang) await new Promise(() => {}); };',
      { warmProcesses: 1 },
    );
    await resolve();
    await expect(resolve({ hang: true })).rejects.toThrow('did not answer in time');
    await resolve();
    expect(seen).toEqual([1, 2, 1]);
    expect(usage.coldStarts).toBe(2);
  });

  it('are billed for the time they run, with the memory that the manifest declares', async () => {
    const { resolve, usage } = startPlatform('exports.resolve = () => new Promise((done) => setTimeout(done, 10000));');
    await resolve();
    expect(usage.invocations['resolver:page']).toMatchObject({ count: 1, milliseconds: 10_350 });
    expect(usage.gbSeconds).toBeCloseTo(10.35 * 0.25, 5);
  });

  it('are billed with the memory of the function, if it declares its own', async () => {
    const { view, clock, usage } = startPlatform(
      'exports.onView = () => new Promise((done) => setTimeout(done, 10000));',
      {},
      { 'on-view': 128 },
    );
    view();
    await clock.advance(MINUTE);
    expect(usage.gbSeconds).toBeCloseTo(10.35 * 0.125, 5);
  });
});

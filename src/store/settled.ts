/**
 * Of whom nothing is left to do, on 64 pages that together name everybody: one read, of one unit, tells of all those on a page
 * (at 100,000 people about 1,500). Made from the directory, so it only leaves people alone, and may be missing.
 */
import { kvs } from '@forge/kvs';
import { z } from 'zod';
import { commit, KEYS_PER_BATCH, newTransaction } from '../forge/kvs';
import { listForWork, takeOffList } from './worklist';

/** A page is named by the first six bits of the buckets on it. Of a million people, one has 85 KB (Forge KVS: 240 KiB a value). */
export const SETTLED_PAGES = 64;
const BITS_BELOW = 26;
export const pageOf = (bucket: number): number => bucket >>> BITS_BELOW;
export const firstBucketOf = (page: number): number => page * 2 ** BITS_BELOW;

export interface SettledPage {
  /** It holds until then (ms). */
  until: number;
  /** Buckets of people who are settled whatever the policy says, ascending. */
  always: Uint32Array;
  /** The same of those who are settled under this version of it. */
  version: number;
  byPolicy: Uint32Array;
}

const Buckets = z.string().transform((text) => {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return new Uint32Array(bytes.buffer, 0, Math.floor(bytes.length / Uint32Array.BYTES_PER_ELEMENT));
});
const Stored = z.object({ schemaVersion: z.literal(1), until: z.number(), version: z.number().int(), always: Buckets, byPolicy: Buckets });

const keyOf = (page: number): string => `settled:${page}`;
const textOf = (buckets: Uint32Array): string => Buffer.from(buckets.buffer, buckets.byteOffset, buckets.byteLength).toString('base64');

/** @returns null when there is none, or it cannot be read */
export async function readSettledPage(page: number): Promise<SettledPage | null> {
  return Stored.safeParse(await kvs.get<unknown>(keyOf(page))).data ?? null;
}

export async function writeSettledPage(page: number, { until, version, always, byPolicy }: SettledPage): Promise<void> {
  await kvs.set(keyOf(page), { schemaVersion: 1, until, version, always: textOf(always), byPolicy: textOf(byPolicy) });
}

/** The worklist of pages that do not say any more what the directory says. */
export const STALE_PAGES = 'settled-pages';
export const markStale = (pages: readonly number[]): Promise<void> => listForWork(STALE_PAGES, ...pages.map(String));

export async function deletePages(pages: readonly number[]): Promise<void> {
  for (let from = 0; from < pages.length; from += KEYS_PER_BATCH) {
    const transaction = newTransaction();
    for (const page of pages.slice(from, from + KEYS_PER_BATCH)) transaction.delete(keyOf(page));
    await commit(transaction);
  }
}

/** Nobody is left alone by these pages any more, and whoever makes them anew does it after this. */
export async function takeStale(pages: readonly number[]): Promise<void> {
  await deletePages(pages);
  await takeOffList(STALE_PAGES, pages.map(String));
}

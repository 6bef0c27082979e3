/** Makes the pages that say of whom nothing is left to do (`store/settled`) from the rows of people. */
import { z } from 'zod';
import { defineListedWork, defineWork } from '../agenda/define';
import { POLICY_REASONS } from '../domain/provisioning/decide';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { SqlError } from '../forge/errors';
import { marks, SqlNumber, select } from '../forge/sql';
import { readOutbox } from '../store/outbox';
import { readPolicy } from '../store/policy';
import { deletePages, firstBucketOf, markStale, pageOf, SETTLED_PAGES, STALE_PAGES, takeStale, writeSettledPage } from '../store/settled';
import { UNREADABLE_VERSION } from './derive';

/** A page leaves out whoever is looked at again within this, and is made anew before it ends. */
const HOLDS_MS = DAY_MS;
const RENEWED_MS = DAY_MS / 2;

/** Pages that one statement asks about: up to 400,000 people, its answer stays under 4 MiB (Forge SQL). */
const PAGES_PER_STATEMENT = SETTLED_PAGES / 4;

const ALL_PAGES = Array.from({ length: SETTLED_PAGES }, (_, page) => page);

const [ALWAYS, BY_POLICY] = [2, 1];
/** The same as `decideProvisioning` says of a record at activity, for the states that most people are in. */
const SETTLED = `CASE WHEN state = 'declined'
  OR (state IN ('ready', 'has-space') AND (state_until IS NULL OR state_until > ?))
  OR (state = 'removed' AND state_until > ?)
  OR (state = 'excluded' AND state_until > ? AND state_reason NOT IN (${marks(POLICY_REASONS)})) THEN ${ALWAYS}
  WHEN state_version = ? AND (state = 'offered' OR (state IN ('postponed', 'excluded') AND state_until > ?)
  OR (state = 'excluded' AND state_until IS NULL AND state_reason IN (${marks(POLICY_REASONS)}))) THEN ${BY_POLICY} ELSE 0 END`;

const Row = z.object({ bucket: SqlNumber, settled: SqlNumber });

/** What whoever marked them could not make anew. */
export const settledPages = defineListedWork({
  kind: 'settled-pages',
  list: STALE_PAGES,
  run: async (ids, now) => {
    // The outbox makes them anew as soon as it is empty.
    if ((await readOutbox('person', null)).entries.length === 0) await makePagesAnew(ids.map(Number), now);
  },
});

/** Whoever was to be looked at again by now is on a page by then, or not any more. */
export const renewedPages = defineWork({
  kind: 'settled-pages-renewed',
  everyMs: RENEWED_MS,
  leaseMs: MINUTE_MS,
  run: () => markStale(ALL_PAGES),
});

/** Nobody is left alone by a page any more, until they are made anew. */
export async function dropPages(): Promise<void> {
  await markStale(ALL_PAGES);
  await deletePages(ALL_PAGES);
}

/** May be cut off anywhere: a page that is missing only costs reads. */
export async function makePagesAnew(pages: readonly number[], now: number): Promise<void> {
  if (pages.length === 0) return;
  await takeStale(pages);
  const state = await readPolicy();
  const version = state.kind === 'unreadable' ? UNREADABLE_VERSION : state.version;
  try {
    for (let first = 0; first < SETTLED_PAGES; first += PAGES_PER_STATEMENT) {
      const some = pages.filter((page) => page >= first && page < first + PAGES_PER_STATEMENT);
      if (some.length > 0) await makePages(some, version, now + HOLDS_MS);
    }
  } catch (error) {
    // Without the directory, each record is read.
    if (!(error instanceof SqlError)) throw error;
    if (error.kind === 'busy') await markStale(pages);
  }
}

/**
 * Two people may be in the same one of 2^32 buckets: then neither is named. Of 100,000 people without a row, two would be taken for
 * somebody who is, until a reading finds them.
 */
async function makePages(pages: readonly number[], version: number, until: number): Promise<void> {
  const [from, to] = [firstBucketOf(Math.min(...pages)), firstBucketOf(Math.max(...pages) + 1)];
  const rows = await select(
    {
      sql: `SELECT bucket, ${SETTLED} AS settled FROM people WHERE bucket >= ? AND bucket < ?`,
      params: [until, until, until, ...POLICY_REASONS, version, until, ...POLICY_REASONS, from, to],
    },
    Row,
  );
  const seen = new Map<number, number>();
  for (const { bucket, settled } of rows) seen.set(bucket, seen.has(bucket) ? 0 : settled);
  const byPage = new Map(pages.map((page) => [page, { always: [] as number[], byPolicy: [] as number[] }]));
  for (const [bucket, settled] of seen) {
    const page = byPage.get(pageOf(bucket));
    if (settled === ALWAYS) page?.always.push(bucket);
    if (settled === BY_POLICY) page?.byPolicy.push(bucket);
  }
  for (const [page, { always, byPolicy }] of byPage) {
    // A page that would name nobody is as good as none.
    if (always.length + byPolicy.length === 0) continue;
    await writeSettledPage(page, { until, version, always: Uint32Array.from(always).sort(), byPolicy: Uint32Array.from(byPolicy).sort() });
  }
}

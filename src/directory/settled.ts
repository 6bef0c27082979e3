/** Of whom the directory knows that nothing is left to do: a list of the whole site, for processes that hear many people. */
import { z } from 'zod';
import { POLICY_REASONS } from '../domain/provisioning/decide';
import { BUCKETS } from '../domain/provisioning/rollout';
import { SqlError } from '../forge/errors';
import { marks, SqlNumber, select } from '../forge/sql';

/** Statements that the list is read by, so that each answer is small: at 100,000 people about 6,000 rows, of 4 MiB (Forge SQL). */
const STATEMENTS = 16;

const BucketRow = z.object({ bucket: SqlNumber });

/**
 * A row's state leaves its person in peace until then, under this version of the policy: the same as `decideProvisioning` says of a
 * record at activity, for the states that most people are in.
 */
const IS_SETTLED = `CASE WHEN state = 'declined'
  OR (state IN ('ready', 'has-space') AND (state_until IS NULL OR state_until > ?))
  OR (state = 'removed' AND state_until > ?)
  OR (state = 'excluded' AND state_until > ? AND state_reason NOT IN (${marks(POLICY_REASONS)}))
  OR (state = 'excluded' AND state_version = ? AND (state_until IS NULL OR state_until > ?)) THEN 1 ELSE 0 END`;

/**
 * The buckets of everybody for whom nothing is left to do until `until` (ms), ascending. Somebody else may be in the same one of 2^32
 * buckets: those who have a row count, and of 100,000 people without, two would be taken for settled until a reading finds them.
 * @returns null when the directory cannot be read
 */
export async function readSettledBuckets(version: number, until: number): Promise<Uint32Array | null> {
  const buckets: number[] = [];
  try {
    for (let i = 0; i < STATEMENTS; i += 1) {
      const [from, to] = [(i * BUCKETS) / STATEMENTS, ((i + 1) * BUCKETS) / STATEMENTS];
      const rows = await select(
        {
          sql: `SELECT bucket FROM people WHERE bucket >= ? AND bucket < ? GROUP BY bucket HAVING MIN(${IS_SETTLED}) = 1`,
          params: [from, to, until, until, until, ...POLICY_REASONS, version, until],
        },
        BucketRow,
      );
      for (const { bucket } of rows) buckets.push(bucket);
    }
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
  return Uint32Array.from(buckets).sort();
}

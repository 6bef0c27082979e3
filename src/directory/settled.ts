/** Of whom the directory knows that nothing is left to do: a list of the whole site, for when storage cannot be asked about each. */
import { z } from 'zod';
import { POLICY_REASONS } from '../domain/provisioning/decide';
import { BUCKETS } from '../domain/provisioning/rollout';
import { SqlError } from '../forge/errors';
import { marks, SqlNumber, select } from '../forge/sql';

/** Statements that the list is read by: up to 400,000 people, each answer stays under 4 MiB (Forge SQL). */
const STATEMENTS = 4;

const Row = z.object({ bucket: SqlNumber, isSettled: SqlNumber });

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
  const settled: number[] = [];
  const others = new Set<number>();
  try {
    for (let i = 0; i < STATEMENTS; i += 1) {
      const [from, to] = [(i * BUCKETS) / STATEMENTS, ((i + 1) * BUCKETS) / STATEMENTS];
      const rows = await select(
        {
          sql: `SELECT bucket, ${IS_SETTLED} AS isSettled FROM people WHERE bucket >= ? AND bucket < ?`,
          params: [until, until, until, ...POLICY_REASONS, version, until, from, to],
        },
        Row,
      );
      for (const { bucket, isSettled } of rows) {
        if (isSettled === 1) settled.push(bucket);
        else others.add(bucket);
      }
    }
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
  return Uint32Array.from(settled.filter((bucket) => !others.has(bucket))).sort();
}

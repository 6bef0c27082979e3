/** What was done, to whom, and why. Entries are written in the transaction of what they tell about. */
import { kvs, Sort } from '@forge/kvs';
import { z } from 'zod';
import type { Transaction } from '../forge/kvs';

const AUDIT = 'audit';

const Scope = z.enum(['provisioning', 'cleanup', 'policy', 'job']);
export type AuditScope = z.infer<typeof Scope>;

const StoredAudit = z.object({
  scope: Scope,
  kind: z.string(),
  at: z.number(),
  /** Who did it: an account id, `app`, or `unknown`. */
  actor: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});
/** `key` is the same for the same happening, so that a repeat writes nothing new. */
export type AuditEntry = z.infer<typeof StoredAudit> & { key: string };

export function addAudit(transaction: Transaction, { key, ...entry }: AuditEntry): void {
  transaction.set(key, entry, { entityName: AUDIT });
}

/** Newest first. */
export async function listAudit(
  scope: AuditScope,
  limit: number,
  cursor?: string,
): Promise<{ entries: AuditEntry[]; cursor: string | null }> {
  const query = kvs
    .entity<unknown>(AUDIT)
    .query()
    .index('by-time', { partition: [scope] })
    .sort(Sort.DESC)
    .limit(limit);
  const page = await (cursor === undefined ? query : query.cursor(cursor)).getMany();
  const entries = page.results.flatMap(({ key, value }) => {
    const parsed = StoredAudit.safeParse(value);
    return parsed.success ? [{ key, ...parsed.data }] : [];
  });
  return { entries, cursor: page.nextCursor ?? null };
}

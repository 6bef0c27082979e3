import { z } from 'zod';

/**
 * What the site's admins decided. One document, stored whole; every field has a default, so that a
 * site where nobody ever saved anything has a policy: off.
 */
export const Policy = z.strictObject({
  schemaVersion: z.literal(1).default(1),
  /**
   * off: the app touches nothing. ask: people are offered a space and create it with one click.
   * auto: a space is made at a person's first activity.
   */
  mode: z.enum(['off', 'ask', 'auto']).default('off'),
  /** Where a new space's homepage comes from. */
  template: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('builtin') }),
      z.strictObject({ kind: z.literal('confluence'), templateId: z.string().regex(/^\d{1,19}$/) }),
    ])
    .default({ kind: 'builtin' }),
});
export type Policy = z.infer<typeof Policy>;

export const DEFAULT_POLICY: Policy = Policy.parse({});

/** A policy as it was read: `unreadable` is treated as off, and never overwritten by a save. */
export type PolicyState =
  | { kind: 'unset'; policy: Policy; version: 0 }
  | { kind: 'saved'; policy: Policy; version: number; savedBy: string; savedAt: number }
  | { kind: 'unreadable'; problem: string };

/**
 * What the trail tells: what happened, to whom, by whom, and why. Entries are only ever added. Once an account is closed
 * its ids are taken out of them, and nothing else is ever rewritten.
 */
import { z } from 'zod';
import { REASONS } from './reasons';
import { APP_ROLE_OUTCOMES, SEEN_ACCESSES } from './space';

const Access = z.enum(SEEN_ACCESSES);
const Completed = {
  spaceKey: z.string().nullable(),
  access: Access,
  /** Where the homepage came from. */
  template: z.enum(['builtin', 'confluence', 'kept']),
  templateProblem: z.string().nullable(),
  /** The creation call that worked. */
  call: z.string().nullable(),
  /** Missing in entries from before there was such a role. */
  appRole: z.enum(APP_ROLE_OUTCOMES).default('unknown'),
};
const Promised = { promised: z.enum(['private', 'licensed', 'site-default']), actual: Access };
const Counts = z.record(z.string(), z.number());

/** What differs from kind to kind. */
export const EventBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('provisioned'), ...Completed }),
  z.object({ kind: z.literal('adopted'), ...Completed }),
  z.object({ kind: z.literal('offered') }),
  z.object({ kind: z.literal('postponed') }),
  z.object({ kind: z.literal('declined') }),
  z.object({ kind: z.literal('undone') }),
  /** What Confluence or the platform said. */
  z.object({ kind: z.literal('refused'), detail: z.string().nullable() }),
  z.object({ kind: z.literal('removed'), spaceKey: z.string().nullable() }),
  z.object({ kind: z.literal('returned'), spaceKey: z.string().nullable() }),
  z.object({ kind: z.literal('lifted') }),
  /** Known from an earlier installation. */
  z.object({ kind: z.literal('imported') }),
  /** The promised access could not be set, and was set later. */
  z.object({ kind: z.literal('access-broken'), ...Promised }),
  z.object({ kind: z.literal('access-kept'), ...Promised }),
  /** An unreadable record was removed. */
  z.object({ kind: z.literal('forgotten') }),
  z.object({
    kind: z.literal('policy-saved'),
    version: z.number().int(),
    /** The earlier version that this one brings back. */
    restores: z.number().int().nullable(),
    /** What the admin wrote about it. */
    note: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('policy-paused'),
    version: z.number().int(),
    paused: z.boolean(),
    /** Confluence could not be asked: when the caller was last known to be an administrator (ms). */
    administratorSince: z.number().nullable(),
  }),
  z.object({
    kind: z.literal('run-ended'),
    run: z.string(),
    state: z.string(),
    counts: Counts,
    problem: z.string().nullable(),
    /** What whoever started it wrote about it. */
    note: z.string().nullable().default(null),
  }),
]);
export type EventBody = z.infer<typeof EventBody>;
export type EventKind = EventBody['kind'];

/** Lists of the trail; every kind belongs to one. */
export type Topic = 'people' | 'policy' | 'runs';

export function topicOf(kind: EventKind): Topic {
  if (kind === 'policy-saved' || kind === 'policy-paused') return 'policy';
  return kind === 'run-ended' ? 'runs' : 'people';
}

/** What every entry has. */
export const EventFrame = z.object({
  /** ms */
  at: z.number(),
  /** Who did it: an account id, `app`, or `unknown`. */
  by: z.string(),
  accountId: z.string().nullable(),
  spaceId: z.string().nullable(),
  /** The run that it was part of. */
  runId: z.string().nullable(),
  reason: z.enum(REASONS).nullable(),
  policyVersion: z.number().int().nullable(),
});
export type TrailEvent = z.infer<typeof EventFrame> & { body: EventBody };

/** Replaces a closed account's id in a text. */
const CLOSED_ACCOUNT = 'closed account';

/** The key of a personal space is the account id without its separators. */
const inSpaceKey = (accountId: string): string => accountId.replace(/[^a-zA-Z0-9]/g, '');

/** The same entry without the id of a closed account, wherever it stands. */
export function withoutAccount({ body, ...frame }: TrailEvent, accountId: string): TrailEvent {
  const isAbout = frame.accountId === accountId;
  const kept = Object.entries(body).map(([name, value]) => {
    if (typeof value !== 'string') return [name, value];
    if (name === 'spaceKey') return [name, isAbout || value.includes(inSpaceKey(accountId)) ? null : value];
    return [name, value.replaceAll(accountId, CLOSED_ACCOUNT).replaceAll(inSpaceKey(accountId), CLOSED_ACCOUNT)];
  });
  return {
    ...frame,
    accountId: isAbout ? null : frame.accountId,
    by: frame.by === accountId ? 'unknown' : frame.by,
    body: EventBody.parse(Object.fromEntries(kept)),
  };
}

/** What the local site can be set to: each is an outcome that documentation leaves open (V-numbers: confluence facts). */
import { z } from 'zod';
import { durationMs } from './clock';

const duration = z.string().refine(
  (text) => {
    try {
      return durationMs(text) >= 0;
    } catch {
      return false;
    }
  },
  { message: 'not an ISO 8601 duration' },
);

export const SiteSettings = z.strictObject({
  /** V8: Confluence makes an open personal space at a permitted person's first page view. */
  nativeAutoCreate: z.boolean(),
  /** How long after that view; PT0S = before any event of the view is delivered. */
  nativeAutoCreateDelay: duration,
  roleMode: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']),
  /** Groups whose members hold the global permission "Personal space" (native creation, GraphQL). */
  personalSpaceGroups: z.array(z.string()),
  /** Groups whose members hold "Create Space(s)" (v1 and v2 creation). */
  createSpaceGroups: z.array(z.string()),
  /** V3: the app's rights in spaces it was not invited to. */
  appIsSpaceAdmin: z.enum(['always', 'open-spaces', 'never']),
  /** V1: the call that accepts a `~` key from a person. */
  asUserPersonalCreate: z.enum(['private-endpoint', 'graphql', 'both', 'refused']),
  asUserIn: z.array(z.enum(['trigger', 'scheduledTrigger', 'consumer'])),
  cqlLag: duration,
  /** KVS queries are eventually consistent; gets are not. */
  kvsQueryLag: duration,
  eventDelay: duration,
  deliverEvents: z.strictObject({
    times: z.number().int().min(1).max(5),
    reorder: z.boolean(),
    drop: z.number().min(0).max(1),
  }),
  hourlyPoints: z.number().int().min(0),
});
export type SiteSettings = z.infer<typeof SiteSettings>;

export const DEFAULT_SETTINGS: SiteSettings = {
  nativeAutoCreate: false,
  nativeAutoCreateDelay: 'PT0S',
  roleMode: 'ROLES_TRANSITION',
  personalSpaceGroups: ['confluence-users-example'],
  createSpaceGroups: ['confluence-users-example'],
  appIsSpaceAdmin: 'open-spaces',
  asUserPersonalCreate: 'private-endpoint',
  asUserIn: ['trigger', 'scheduledTrigger'],
  cqlLag: 'PT5S',
  kvsQueryLag: 'PT1S',
  eventDelay: 'PT2S',
  deliverEvents: { times: 1, reorder: false, drop: 0 },
  hourlyPoints: 65_000,
};

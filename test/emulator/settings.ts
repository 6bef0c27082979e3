/** The settings of the local site. Most cover behavior that the documentation leaves open (V-numbers: see the README here). */
import { z } from 'zod';
import { durationMs } from './clock';

/** An ISO 8601 duration that is not negative. */
export const Duration = z.string().refine(
  (text) => {
    try {
      return durationMs(text) >= 0;
    } catch {
      return false;
    }
  },
  { message: 'not an ISO 8601 duration' },
);

const Latency = z.strictObject({
  /** From calling a function to its first line, in a warm process. */
  invocation: Duration,
  /** How much a new process adds to that. */
  coldStart: Duration,
  rest: Duration,
  kvs: Duration,
  sql: Duration,
  queue: Duration,
  /** Confluence routes that do not take as long as `rest`, e.g. `{"GET /wiki/rest/api/group": "PT20S"}`. */
  routes: z.record(z.string().regex(/^(GET|POST|PUT|DELETE) \//), Duration),
});

export const SiteSettings = z.strictObject({
  /** How long one call takes, in site time. */
  latency: Latency,
  /** How many processes are kept no matter how long they are idle. Others end after ten minutes. */
  warmProcesses: z.number().int().min(0).max(100),
  /** V8: Confluence creates an open personal space at a permitted person's first page view. */
  nativeAutoCreate: z.boolean(),
  /** How long after that view; PT0S = before any event of the view is delivered. */
  nativeAutoCreateDelay: Duration,
  roleMode: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']),
  /** Groups whose members hold the global permission "Personal space" (native creation, GraphQL). */
  personalSpaceGroups: z.array(z.string()),
  /** Groups whose members hold "Create Space(s)" (v1 and v2 creation). */
  createSpaceGroups: z.array(z.string()),
  /** V3: the app's access to spaces that do not name it. */
  appIsSpaceAdmin: z.enum(['always', 'open-spaces', 'never']),
  /** V1: the call that accepts a `~` key from a person. */
  asUserPersonalCreate: z.enum(['private-endpoint', 'graphql', 'both', 'refused']),
  asUserIn: z.array(z.enum(['trigger', 'scheduledTrigger', 'consumer'])),
  /** The search index, including what was archived or deleted. */
  cqlLag: Duration,
  /** Lists of spaces and pages after a write. Reads by id are current. */
  listLag: Duration,
  /** Group membership. */
  groupLag: Duration,
  /** V23: a person's `personalSpaceId` after their space was created or removed. */
  userLag: Duration,
  /** V24: the app's access to a new space. */
  appPermissionDelay: Duration,
  /** How far KVS queries lag behind writes. Gets do not lag. */
  kvsQueryLag: Duration,
  /** How long expired KVS values are still returned (documented: up to 48 hours). */
  ttlLag: Duration,
  /** V25: how long a browser caches the result of a display condition. */
  conditionCache: Duration,
  /** V26: whether `personalSpaceId` names an archived or trashed space. */
  personalSpaceIdNamesArchived: z.boolean(),
  /** V27: whether spaces include `spaceOwnerId`. */
  spaceOwnerIdSent: z.boolean(),
  /** V28: what is marked `selfGenerated`: what the app does as itself, that and what it does as a person, or nothing. */
  selfGeneratedSent: z.enum(['app', 'all', 'never']),
  /** V29: whether a person may give the app's account a role. */
  appRoleGrant: z.enum(['accepted', 'refused']),
  /** V30: modules whose bridge has `createHistory`. */
  createHistoryIn: z.array(z.enum(['globalPage', 'globalSettings', 'backgroundScript'])),
  /** V14: whether `users-bulk` costs the same as a write (1) or a read (1 + 2 per person). */
  usersBulkPoints: z.enum(['write', 'read']),
  /** Points per hour that other sites of the app use from the shared pool, spread evenly. */
  otherCustomersPoints: z.number().int().min(0),
  /** V21: whether rate-limit headers are sent as documented, with the prefix `Beta-`, or not at all. */
  rateLimitHeaders: z.enum(['plain', 'beta', 'none']),
  /** Requests per second above which Confluence answers 429; 0 = no limit. */
  burstPerSecond: z.number().int().min(0),
  eventDelay: Duration,
  /** For product events, queue events and schedules: how often each is delivered, in what order, and what share is lost. */
  deliverEvents: z.strictObject({
    times: z.number().int().min(1).max(5),
    reorder: z.boolean(),
    drop: z.number().min(0).max(1),
    /** The same seed gives the same order and the same losses. */
    seed: z.number().int(),
  }),
  hourlyPoints: z.number().int().min(0),
  licence: z.enum(['active', 'none']),
  /** Forge SQL: not there yet, slow (3 s a statement), out of storage, or refusing everything with 429. */
  sql: z.enum(['ready', 'absent', 'slow', 'full', 'throttled']),
  /** V31: whether `affectedRows` counts rows that changed, or also those that were already so. */
  sqlAffectedRows: z.enum(['changed', 'matched']),
});
export type SiteSettings = z.infer<typeof SiteSettings>;

export const DEFAULT_SETTINGS: SiteSettings = {
  latency: { invocation: 'PT0.05S', coldStart: 'PT0.3S', rest: 'PT0.15S', kvs: 'PT0.015S', sql: 'PT0.03S', queue: 'PT0.05S', routes: {} },
  warmProcesses: 3,
  nativeAutoCreate: false,
  nativeAutoCreateDelay: 'PT0S',
  roleMode: 'ROLES_TRANSITION',
  personalSpaceGroups: ['confluence-users-example'],
  createSpaceGroups: ['confluence-users-example'],
  appIsSpaceAdmin: 'open-spaces',
  asUserPersonalCreate: 'private-endpoint',
  asUserIn: ['trigger', 'scheduledTrigger'],
  cqlLag: 'PT5S',
  listLag: 'PT2S',
  groupLag: 'PT0S',
  userLag: 'PT1S',
  appPermissionDelay: 'PT0S',
  kvsQueryLag: 'PT1S',
  ttlLag: 'PT0S',
  conditionCache: 'PT0S',
  personalSpaceIdNamesArchived: true,
  spaceOwnerIdSent: true,
  selfGeneratedSent: 'app',
  appRoleGrant: 'accepted',
  createHistoryIn: ['globalPage'],
  usersBulkPoints: 'read',
  otherCustomersPoints: 0,
  rateLimitHeaders: 'plain',
  burstPerSecond: 0,
  eventDelay: 'PT2S',
  deliverEvents: { times: 1, reorder: false, drop: 0, seed: 1 },
  hourlyPoints: 65_000,
  licence: 'active',
  sql: 'ready',
  sqlAffectedRows: 'changed',
};

/** No latency and no lag: for `npm start -- --ideal`, and for tests that are not about time. */
export const IDEAL_SETTINGS: Partial<SiteSettings> = {
  latency: { invocation: 'PT0S', coldStart: 'PT0S', rest: 'PT0S', kvs: 'PT0S', sql: 'PT0S', queue: 'PT0S', routes: {} },
  cqlLag: 'PT0S',
  listLag: 'PT0S',
  groupLag: 'PT0S',
  userLag: 'PT0S',
  appPermissionDelay: 'PT0S',
  kvsQueryLag: 'PT0S',
  ttlLag: 'PT0S',
  conditionCache: 'PT0S',
};

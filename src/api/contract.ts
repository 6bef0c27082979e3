/**
 * What the pages ask of the functions: inputs (parsed on the server), outputs (typed for the pages).
 * The browser imports types only.
 */
import { z } from 'zod';
import type { CleanupReason, RestoreReason } from '../domain/cleanup';
import type { FieldProblem, FieldValues } from '../domain/fields';
import type { PolicyChange } from '../domain/policy/compare';
import { type Field, Policy, type PolicyProblem, SpaceTemplate } from '../domain/policy/document';
import type { RuleVerdict } from '../domain/policy/match';
import type { Caveat, PersonState, ProvisioningAction, Reason } from '../domain/provisioning/decide';
import type { ErrorCode } from '../forge/errors';

export type Result<T> = { ok: true; data: T } | { ok: false; error: { code: ErrorCode; details: Record<string, string | number> } };

const Nothing = z.looseObject({});
const Id = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w:.-]+$/);
/** Account ids: 1 to 128 letters, digits, `-` and `:` (Atlassian: user privacy). */
const AccountId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w:-]+$/);
const IdleDays = z.number().int().min(1).max(3650);
const Version = z.number().int().min(0);
const Cursor = z.string().max(2000).optional();
const From = z.strictObject({ chunk: z.number().int().min(0), row: z.number().int().min(0) }).optional();
/** A policy as text is refused above this before it is read. */
const MAX_TEXT = 400_000;

const SelectionInput = z.union([
  z.strictObject({
    kind: z.literal('some'),
    spaces: z
      .array(z.strictObject({ chunk: z.number().int().min(0), spaceId: Id }))
      .min(1)
      .max(1000),
  }),
  z.strictObject({ kind: z.literal('all'), except: z.array(Id).max(1000) }),
]);

export const SITE_CHECKS = [
  'roles',
  'scopes',
  'templates',
  'rights-open',
  'rights-private',
  'create',
  'archive',
  'native',
  'points',
] as const;
export type SiteCheckName = (typeof SITE_CHECKS)[number];

/** Functions of the admin page; every one of them requires a Confluence administrator. */
export const adminInputs = {
  'policy.get': Nothing,
  'policy.save': z.strictObject({ policy: Policy, baseVersion: Version }),
  'policy.startOver': Nothing,
  'policy.check': z.strictObject({ text: z.string().max(MAX_TEXT), locale: z.string().max(20).optional() }),
  'policy.history': z.strictObject({ before: Version.optional() }),
  'policy.version': z.strictObject({ version: Version }),
  'policy.restore': z.strictObject({ version: Version, baseVersion: Version }),
  'templates.list': Nothing,
  'templates.preview': z.strictObject({ template: SpaceTemplate, accountId: AccountId.optional() }),
  'people.explain': z.strictObject({ accountId: AccountId }),
  'people.census': Nothing,
  /** With a policy that is not saved yet, its groups are counted too. */
  'people.censusCost': z.strictObject({ policy: Policy.optional() }),
  'people.startCensus': z.strictObject({ policy: Policy.optional() }),
  'people.simulate': z.strictObject({ policy: Policy }),
  'people.plan': Nothing,
  'people.start': z.strictObject({ jobId: Id }),
  'people.jobs': Nothing,
  'people.rows': z.strictObject({ jobId: Id, from: From, onlyFailed: z.boolean().default(false) }),
  'tombstones.list': z.strictObject({ state: z.enum(['removed', 'declined']), cursor: Cursor }),
  'tombstones.lift': z.strictObject({ accountId: AccountId }),
  'activity.list': z.strictObject({ cursor: Cursor }),
  'site.get': Nothing,
  /** Lets the creation calls that once created something else be tried again. */
  'site.resetCalls': Nothing,
  /** `consent`: may create, and delete again, a space of the caller's own and one of the app's. */
  'site.run': z.strictObject({ checks: z.array(z.enum(SITE_CHECKS)).min(1), consent: z.boolean().default(false) }),
  'job.get': z.strictObject({ jobId: Id }),
  'job.cancel': z.strictObject({ jobId: Id }),
  'job.pause': z.strictObject({ jobId: Id }),
  'job.resume': z.strictObject({ jobId: Id }),
  'cleanup.state': Nothing,
  'cleanup.survey': z.strictObject({ idleDays: IdleDays }),
  'cleanup.rows': z.strictObject({ jobId: Id, from: From, onlyFailed: z.boolean().default(false) }),
  'cleanup.preview': z.strictObject({ surveyId: Id, selection: SelectionInput }),
  'cleanup.start': z.strictObject({ jobId: Id }),
  'cleanup.restore': z.strictObject({ jobId: Id }),
} as const;

const Values = z.record(z.string().max(40), z.string().max(4000)).refine((values) => Object.keys(values).length <= 100);

/** Functions of the background script and of "My space"; each is about the caller, and nobody else. */
export const personInputs = {
  'notice.get': Nothing,
  'notice.dismiss': Nothing,
  'offer.create': Nothing,
  'offer.later': Nothing,
  'offer.never': Nothing,
  'me.get': Nothing,
  'me.create': Nothing,
  'me.decline': Nothing,
  'me.undo': Nothing,
  'me.details': Nothing,
  /** `seen`: what the form showed, so that what the owner wrote on the page since is not overwritten. */
  'me.saveDetails': z.strictObject({ values: Values, seen: Values.optional() }),
  'me.access': Nothing,
  'me.setAccess': z.strictObject({ access: z.enum(['private', 'licensed']) }),
  'me.data': Nothing,
} as const;

export interface PolicyView {
  kind: 'unset' | 'saved' | 'unreadable';
  policy: Policy;
  version: number;
  savedBy: string | null;
  savedAt: number | null;
  /** Why the stored policy cannot be read. */
  problem: string | null;
}

export interface VersionView {
  version: number;
  savedBy: string;
  savedAt: number;
  /** The version that this one brought back. */
  restores: number | null;
  /** What is different from the version before; null when that cannot be read any more. */
  changes: PolicyChange[] | null;
}

export interface TemplatePreview {
  /** Whom it is filled in for. */
  name: string;
  pages: { title: string; body: string; problem: string | null; unfilled: string[] }[];
}

export type Access = 'private' | 'licensed' | 'open' | 'unknown';

/** A decision about one person, as the admin and the person see it. */
export interface Explanation {
  action: ProvisioningAction['action'];
  /** null for a decision that waits for a look into the person's space. */
  reason: Reason | null;
  caveats: Caveat[];
  /** Until when it holds (ms); null = until something changes. */
  until: number | null;
  hasSpace: boolean;
  /** The rules in order, up to the one that matched; null when it did not come to that. */
  rules: { id: string; name: string; verdict: RuleVerdict }[] | null;
  /** `everyone-else` when no rule matched. */
  matched: {
    name: string;
    isEveryoneElse: boolean;
    mode: 'off' | 'ask' | 'auto';
    selfService: boolean;
    access: Policy['everyoneElse']['access'];
    template: string;
  } | null;
  record: PersonView | null;
}

export interface PersonView {
  accountId: string;
  state: PersonState;
  reason: Reason;
  changedAt: number;
  recheckAt: number | null;
  spaceKey: string | null;
  access: Access | null;
  /** Who put the space away or declined: an account id, `app` or `unknown`. */
  by: string | null;
}

export interface OutcomeView {
  kind: 'create' | 'offer' | 'space' | 'nothing';
  reason: Reason | 'space-looked-at';
}

export interface CensusView {
  census: JobView | null;
  /** The newest one that is complete; simulation and plans use it. */
  complete: JobView | null;
}

export interface CensusCostView {
  people: number;
  points: number;
  hours: number;
}

export interface SimulationView {
  people: number;
  changed: number;
  transitions: { from: OutcomeView; to: OutcomeView; count: number; examples: string[] }[];
  outcomes: (OutcomeView & { count: number })[];
  /** When the people were counted. */
  countedAt: number;
}

export interface PeoplePlanView {
  job: JobView | null;
  people: number;
  creates: number;
  offers: number;
  outcomes: (OutcomeView & { count: number })[];
  sample: { accountId: string; outcome: OutcomeView }[];
  points: number;
  hours: number;
  /** Days that the roll-out's daily limit takes; null without one. */
  days: number | null;
  countedAt: number;
}

export interface ProvisionRowView {
  accountId: string;
  outcome: 'made' | 'offered' | 'adopted' | 'kept' | 'failed' | null;
  reason: string | null;
}

export interface ActivityEntry {
  kind: string;
  at: number;
  accountId: string;
  actor: string;
  reason: string;
  spaceKey: string | null;
  access: string | null;
  templateProblem: string | null;
  detail: string | null;
}

export interface CheckView {
  name: SiteCheckName;
  outcome: 'good' | 'limited' | 'bad' | 'unknown';
  /** Key of the catalogue after `site.<name>.`. */
  finding: string;
  details: Record<string, string | number>;
  /** When it was found; null = never checked. */
  at: number | null;
  /** What is true besides, as it is now; keys of the catalogue too. */
  notes: { finding: string; details: Record<string, string | number> }[];
}

export interface JobView {
  id: string;
  kind: 'survey' | 'plan' | 'archive' | 'restore' | 'census' | 'provision';
  state: 'planned' | 'running' | 'paused' | 'cancelling' | 'cancelled' | 'done' | 'failed';
  createdAt: number;
  updatedAt: number;
  startedBy: string;
  chunks: number;
  /** How many rows it is to act on; 0 where that is not known. */
  total: number;
  counts: Record<string, number>;
  /** Waiting for the next hour's points, or for Confluence's rate limit, until then. */
  waitingUntil: number | null;
  problem: string | null;
  /** Of clean-up jobs. */
  idleDays: number | null;
  unchangedSince: number | null;
  source: string | null;
}

export interface RowView {
  chunk: number;
  spaceId: string;
  key: string;
  ownerId: string | null;
  createdAt: number;
  outcome: 'acting' | 'archived' | 'restored' | 'kept' | 'failed' | null;
  reason: CleanupReason | RestoreReason | 'confluence-failed' | null;
}

export interface Page<T> {
  rows: T[];
  next: { chunk: number; row: number } | null;
}
export type RowsPage = Page<RowView>;

export interface CleanupState {
  survey: JobView | null;
  jobs: JobView[];
  /** Of the last `of` spaces that Homestead made: how many it cannot see. Unknown, never unused. */
  unseen: { count: number; of: number };
}

export interface CleanupPlan {
  job: JobView;
  count: number;
  sample: RowView[];
  points: number;
  hours: number;
}

export interface NoticeView {
  kind: 'none' | 'ready' | 'adopted' | 'offer' | 'details';
  spaceKey: string | null;
  access: Access | null;
  /** There are required details to fill in. */
  lacksDetails: boolean;
}

export interface OfferAnswer {
  /** `has-space`: there was one already, made by somebody else. */
  kind: 'ready' | 'has-space' | 'refused';
  spaceKey: string | null;
  access: Access | null;
  reason: Reason;
}

export interface MyView {
  record: PersonView | null;
  explanation: Explanation;
  /** The space as Confluence shows it to the caller. */
  space: { key: string; name: string; status: string } | null;
  can: { create: boolean; decline: boolean; undo: boolean; fill: boolean };
  lacksDetails: boolean;
}

export interface DetailsView {
  fields: Field[];
  values: FieldValues;
}

export interface DetailsAnswer {
  problems: Record<string, FieldProblem>;
  /** `left-alone`: the homepage could not be changed; the values are kept nevertheless. null: nothing was saved. */
  homepage: 'written' | 'left-alone' | null;
  /** What the homepage says for the fields whose problem is `changed-on-page` or `rich-on-page`. */
  onPage?: FieldValues;
}

export interface AccessView {
  readers: 'nobody' | 'licensed' | 'groups' | 'people' | 'unknown';
  /** This site lets an app change it. */
  canChange: boolean;
}

export interface MyData {
  record: Record<string, unknown> | null;
  details: FieldValues;
  hasNoticeFlag: boolean;
}

export interface AdminOutputs {
  'policy.get': PolicyView;
  'policy.save': PolicyView;
  'policy.startOver': PolicyView;
  'policy.check': { policy: Policy } | { problems: PolicyProblem[] };
  'policy.history': { versions: VersionView[]; next: number | null };
  'policy.version': { policy: Policy };
  'policy.restore': PolicyView;
  'templates.list': { id: string; name: string; description: string }[];
  'templates.preview': TemplatePreview;
  'people.explain': Explanation;
  'people.census': CensusView;
  'people.censusCost': CensusCostView;
  'people.startCensus': JobView;
  'people.simulate': SimulationView;
  'people.plan': PeoplePlanView;
  'people.start': JobView;
  'people.jobs': JobView[];
  'people.rows': Page<ProvisionRowView>;
  'tombstones.list': { people: PersonView[]; cursor: string | null };
  'tombstones.lift': PersonView;
  'activity.list': { entries: ActivityEntry[]; cursor: string | null };
  'site.get': CheckView[];
  'site.resetCalls': CheckView[];
  'site.run': CheckView[];
  'job.get': JobView;
  'job.cancel': JobView;
  'job.pause': JobView;
  'job.resume': JobView;
  'cleanup.state': CleanupState;
  'cleanup.survey': JobView;
  'cleanup.rows': RowsPage;
  'cleanup.preview': CleanupPlan;
  'cleanup.start': JobView;
  'cleanup.restore': JobView;
}
export interface PersonOutputs {
  'notice.get': NoticeView;
  'notice.dismiss': NoticeView;
  'offer.create': OfferAnswer;
  'offer.later': NoticeView;
  'offer.never': NoticeView;
  'me.get': MyView;
  'me.create': OfferAnswer;
  'me.decline': MyView;
  'me.undo': MyView;
  'me.details': DetailsView;
  'me.saveDetails': DetailsAnswer;
  'me.access': AccessView;
  'me.setAccess': AccessView;
  'me.data': MyData;
}

export type AdminFunction = keyof AdminOutputs;
export type PersonFunction = keyof PersonOutputs;
export type AdminInput<F extends AdminFunction> = z.input<(typeof adminInputs)[F]>;
export type PersonInput<F extends PersonFunction> = z.input<(typeof personInputs)[F]>;

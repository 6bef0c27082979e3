/**
 * What the pages ask of the functions: inputs (parsed on the server), outputs (typed for the pages).
 * The browser imports types only.
 */
import { z } from 'zod';
import type { CleanupReason, RestoreReason } from './domain/cleanup';
import { Policy } from './domain/policy';
import type { ErrorCode } from './forge/errors';

export type Result<T> = { ok: true; data: T } | { ok: false; error: { code: ErrorCode; details: Record<string, string | number> } };

const Nothing = z.looseObject({});
const Id = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w:.-]+$/);
const IdleDays = z.number().int().min(1).max(3650);

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

/** Functions of the admin page; every one of them requires a Confluence administrator. */
export const adminInputs = {
  'policy.get': Nothing,
  'policy.save': z.strictObject({ policy: Policy, baseVersion: z.number().int().min(0) }),
  'policy.startOver': Nothing,
  'policy.outlook': Nothing,
  'templates.list': Nothing,
  'templates.preview': z.strictObject({ template: Policy.shape.template.unwrap() }),
  'activity.list': z.strictObject({ cursor: z.string().max(2000).optional() }),
  'cleanup.state': Nothing,
  'cleanup.survey': z.strictObject({ idleDays: IdleDays }),
  'cleanup.rows': z.strictObject({
    jobId: Id,
    from: z.strictObject({ chunk: z.number().int().min(0), row: z.number().int().min(0) }).optional(),
  }),
  'cleanup.preview': z.strictObject({ surveyId: Id, selection: SelectionInput }),
  'cleanup.start': z.strictObject({ jobId: Id }),
  'cleanup.job': z.strictObject({ jobId: Id }),
  'cleanup.cancel': z.strictObject({ jobId: Id }),
  'cleanup.restore': z.strictObject({ jobId: Id }),
} as const;

/** Functions of the background script; each acts on the caller's own notice only. */
export const noticeInputs = {
  'notice.get': Nothing,
  'notice.dismiss': Nothing,
  'offer.create': Nothing,
  'offer.later': Nothing,
  'offer.never': Nothing,
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

export interface Outlook {
  /** People with a licence; exact, or the sum over groups when `isExact` is false. */
  people: number;
  /** Of those looked at: how many have a personal space, have none, or are nobody to make one for. */
  looked: { total: number; withSpace: number; withoutSpace: number; notEligible: number };
  isExact: boolean;
  at: number;
}

export interface TemplatePreview {
  body: string;
  problem: string | null;
  unfilled: string[];
}

export interface ActivityEntry {
  kind: string;
  at: number;
  accountId: string;
  reason: string;
  spaceKey: string | null;
  access: string | null;
  templateProblem: string | null;
  detail: string | null;
}

export interface JobView {
  id: string;
  kind: 'survey' | 'plan' | 'archive' | 'restore';
  state: 'planned' | 'running' | 'cancelling' | 'cancelled' | 'done' | 'failed';
  createdAt: number;
  updatedAt: number;
  startedBy: string;
  idleDays: number;
  unchangedSince: number;
  chunks: number;
  /** How many spaces it is to act on; 0 for a survey. */
  total: number;
  counts: Record<string, number>;
  /** Waiting for Confluence's rate limit until then. */
  waitingUntil: number | null;
  problem: string | null;
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

export interface RowsPage {
  rows: RowView[];
  next: { chunk: number; row: number } | null;
}

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
  kind: 'none' | 'ready' | 'offer';
  spaceKey: string | null;
  access: 'private' | 'open' | 'unknown' | null;
}

export interface OfferAnswer {
  /** `has-space`: there was one already, made by somebody else. */
  kind: 'ready' | 'has-space' | 'refused';
  spaceKey: string | null;
  access: NoticeView['access'];
  reason: string;
}

export interface AdminOutputs {
  'policy.get': PolicyView;
  'policy.save': PolicyView;
  'policy.startOver': PolicyView;
  'policy.outlook': Outlook;
  'templates.list': { id: string; name: string; description: string }[];
  'templates.preview': TemplatePreview;
  'activity.list': { entries: ActivityEntry[]; cursor: string | null };
  'cleanup.state': CleanupState;
  'cleanup.survey': JobView;
  'cleanup.rows': RowsPage;
  'cleanup.preview': CleanupPlan;
  'cleanup.start': JobView;
  'cleanup.job': JobView;
  'cleanup.cancel': JobView;
  'cleanup.restore': JobView;
}
export interface NoticeOutputs {
  'notice.get': NoticeView;
  'notice.dismiss': NoticeView;
  'offer.create': OfferAnswer;
  'offer.later': NoticeView;
  'offer.never': NoticeView;
}

export type AdminFunction = keyof AdminOutputs;
export type NoticeFunction = keyof NoticeOutputs;
export type AdminInput<F extends AdminFunction> = z.infer<(typeof adminInputs)[F]>;
export type NoticeInput<F extends NoticeFunction> = z.infer<(typeof noticeInputs)[F]>;

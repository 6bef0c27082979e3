/** What the site's admins decided, as one document. */
import { z } from 'zod';
import es from 'zod/v4/locales/es.js';
import { type Problem, problemsOf } from '../problems';

/** The whole document as JSON in UTF-8; Forge stores values up to 240 KiB, and the envelope needs a little. */
export const MAX_POLICY_BYTES = 230_000;
const MAX_RULES = 200;
/** Groups of one rule or cohort; 5,000 of them, with ids of 36 characters, fill the document. */
const MAX_GROUPS = 5_000;
const MAX_TEMPLATES = 20;
const MAX_CHILD_PAGES = 20;
const MAX_FIELDS = 30;
const MAX_OPTIONS = 100;
const MAX_WAVES = 20;

/** A name in the document that other parts refer to. */
const Key = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'lower-case letters, digits and "-", at most 40');
/** A group's id, which stays when the group is renamed. */
const GroupId = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w:.-]+$/);
const Groups = z.array(GroupId).max(MAX_GROUPS);
const Label = z.string().trim().min(1).max(100);
/** A day, `YYYY-MM-DD`; it begins at 00:00 UTC. */
const Day = z.iso.date();

export const ACCESSES = ['private', 'licensed', 'site-default'] as const;

/** What happens to a person. */
const Treatment = z.strictObject({
  /**
   * off: nothing happens automatically. ask: people are offered a space and create it with one click.
   * auto: a space is created at a person's first activity.
   */
  mode: z.enum(['off', 'ask', 'auto']).default('off'),
  /** May people create their own space on "My personal space", with `mode` off or before the rollout reaches them? */
  selfService: z.boolean().default(false),
  /** Key of one of `templates`. */
  template: Key.default('standard'),
  /** private: only the owner. licensed: everyone with a license may read. site-default: as Confluence creates spaces on this site. */
  access: z.enum(ACCESSES).default('private'),
});
export type Treatment = z.infer<typeof Treatment>;

const Rule = Treatment.extend({
  id: Key,
  name: Label,
  /** The rule is for members of any of these; empty = for everyone. */
  groups: Groups.default([]),
  /** ... but never for members of any of these, whatever `groups` says. */
  exceptGroups: Groups.default([]),
});
export type Rule = z.infer<typeof Rule>;

/** Where the text of a page comes from. */
const PageSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('builtin') }),
  z.strictObject({ kind: z.literal('confluence'), templateId: z.string().regex(/^\d{1,19}$/, 'the number of a page template') }),
]);
export type PageSource = z.infer<typeof PageSource>;

const FieldBase = { key: Key, label: Label, required: z.boolean().default(false), help: z.string().trim().max(300).default('') };
const Field = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), ...FieldBase }),
  z.strictObject({ kind: z.literal('long-text'), ...FieldBase }),
  z.strictObject({ kind: z.literal('date'), ...FieldBase }),
  z.strictObject({ kind: z.literal('select'), ...FieldBase, options: z.array(Label).min(1).max(MAX_OPTIONS) }),
]);
export type Field = z.infer<typeof Field>;

export const SpaceTemplate = z.strictObject({
  key: Key,
  name: Label,
  homepage: PageSource.default({ kind: 'builtin' }),
  children: z
    .array(z.strictObject({ title: z.string().trim().min(1).max(200), source: PageSource.default({ kind: 'builtin' }) }))
    .max(MAX_CHILD_PAGES)
    .default([]),
  /** What the owner is asked to fill in. */
  fields: z.array(Field).max(MAX_FIELDS).default([]),
});
export type SpaceTemplate = z.infer<typeof SpaceTemplate>;

export const STANDARD_TEMPLATE: SpaceTemplate = {
  key: 'standard',
  name: 'Standard',
  homepage: { kind: 'builtin' },
  children: [],
  fields: [],
};

const Rollout = z.strictObject({
  /** Share of people, always the same ones; raising it never removes anyone. */
  percent: z.number().min(0).max(100).default(100),
  startsOn: Day.nullable().default(null),
  /** At most this many people automatically get a space or an offer in one UTC day. */
  perDay: z.number().int().min(1).max(1_000_000).nullable().default(null),
  /** Cohorts: members of these groups start on a day of their own; the first cohort that names a person counts. */
  waves: z
    .array(z.strictObject({ name: Label, groups: Groups.min(1), startsOn: Day }))
    .max(MAX_WAVES)
    .default([]),
});
export type Rollout = z.infer<typeof Rollout>;

const Document = z.strictObject({
  schemaVersion: z.literal(2).default(2),
  /** Stops everything at once; the rules stay as they are. */
  paused: z.boolean().default(false),
  /** In order; the first that matches a person counts. */
  rules: z.array(Rule).max(MAX_RULES).default([]),
  /** For everyone no rule matches. */
  everyoneElse: Treatment.default(Treatment.parse({})),
  templates: z.array(SpaceTemplate).min(1).max(MAX_TEMPLATES).default([STANDARD_TEMPLATE]),
  rollout: Rollout.default(Rollout.parse({})),
  /**
   * Does Homestead get a role of its own in the spaces that it creates or adopts? Without one it sees no private space, cannot
   * tell whether it is used, and never archives it.
   */
  appRole: z.boolean().default(true),
  /** Percentage of the hour's rate-limit points that jobs may use; the rest is for people. */
  jobShare: z.number().int().min(5).max(90).default(50),
});

/** The document in version 1 of this schema: one mode and one template for everyone. */
const DocumentV1 = z.strictObject({
  schemaVersion: z.literal(1),
  mode: z.enum(['off', 'ask', 'auto']).default('off'),
  template: PageSource.default({ kind: 'builtin' }),
});

function upgrade(document: unknown): unknown {
  const old = DocumentV1.safeParse(document);
  if (!old.success) return document;
  return {
    schemaVersion: 2,
    everyoneElse: { mode: old.data.mode },
    templates: [{ ...STANDARD_TEMPLATE, homepage: old.data.template }],
  };
}

/**
 * What the site's admins decided. Every field has a default, so that a site where nobody has saved
 * anything has a policy: off.
 */
export const Policy = z.preprocess(upgrade, Document.superRefine(checkReferences));
export type Policy = z.infer<typeof Policy>;

export const DEFAULT_POLICY: Policy = Policy.parse({});

function checkReferences(policy: z.infer<typeof Document>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], code: string, values: Record<string, string | number>): void =>
    context.addIssue({ code: 'custom', path, message: `${code}: ${Object.values(values).join(', ')}`, params: { problem: code, values } });
  const unique = (values: readonly string[], path: (i: number) => (string | number)[]): void => {
    values.forEach((value, i) => {
      if (values.indexOf(value) !== i) problem(path(i), 'used-twice', { value });
    });
  };
  const templates = policy.templates.map((t) => t.key);
  unique(templates, (i) => ['templates', i, 'key']);
  unique(
    policy.rules.map((r) => r.id),
    (i) => ['rules', i, 'id'],
  );
  const named = (template: string, path: (string | number)[]): void => {
    if (!templates.includes(template)) problem(path, 'no-such-template', { template });
  };
  policy.rules.forEach((rule, i) => void named(rule.template, ['rules', i, 'template']));
  named(policy.everyoneElse.template, ['everyoneElse', 'template']);
  policy.templates.forEach((template, i) => {
    unique(
      template.fields.map((f) => f.key),
      (n) => ['templates', i, 'fields', n, 'key'],
    );
    unique(
      template.fields.map((f) => f.label),
      (n) => ['templates', i, 'fields', n, 'label'],
    );
    unique(
      template.children.map((c) => c.title),
      (n) => ['templates', i, 'children', n, 'title'],
    );
  });
  const bytes = new TextEncoder().encode(JSON.stringify(policy)).length;
  if (bytes > MAX_POLICY_BYTES) problem([], 'too-large', { bytes, max: MAX_POLICY_BYTES });
}

/** Parses a policy from JSON text. @param locale of the reader, for zod's words about what is wrong */
export function parsePolicyText(text: string, locale = 'en'): { policy: Policy } | { problems: Problem[] } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { problems: [{ path: '', reason: error instanceof Error ? error.message : 'not JSON' }] };
  }
  const parsed = Policy.safeParse(document, /^es/i.test(locale) ? { error: es().localeError } : undefined);
  return parsed.success ? { policy: parsed.data } : { problems: problemsOf(parsed.error) };
}

/** A stored policy: an unreadable one counts as off, and a save never overwrites it. */
export type PolicyState =
  | { kind: 'unset'; policy: Policy; version: 0 }
  | { kind: 'saved'; policy: Policy; version: number; savedBy: string; savedAt: number }
  | { kind: 'unreadable'; problem: string };

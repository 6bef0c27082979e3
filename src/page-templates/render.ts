/** A page template with its variables filled: storage format in, storage format out. */
import { escapeXml, rewriteElements } from './storage-format';

export interface TemplateValues {
  /** The person's display name. */
  name: string;
  /** The day the space is created, as the person writes dates. */
  date: string;
  spaceName: string;
  spaceKey: string;
}

export type Rendered =
  | { kind: 'ok'; body: string; unfilled: string[] }
  /** The text cannot be used as a template; `problem` says where. */
  | { kind: 'invalid'; problem: string }
  | { kind: 'too-large' };

/**
 * A tenth of what Confluence takes as one page (5 MB, above that 413; Confluence: body size), and far more than
 * a template of words. A space may have 21 pages, created in one run of at most 25 s on a fraction of a processor;
 * this size renders in 0.1 s on a whole one (measured).
 */
const MAX_TEMPLATE_BYTES = 500_000;

/** Variable names, lower case, and what fills them: those of Atlassian's own personal-space template and the obvious ones. */
const VARIABLES: Record<string, keyof TemplateValues> = {
  name: 'name',
  fullname: 'name',
  userfullname: 'name',
  username: 'name',
  owner: 'name',
  date: 'date',
  today: 'date',
  spacename: 'spaceName',
  spacekey: 'spaceKey',
};

/**
 * Removes `at:declarations`, replaces each `at:var`, and leaves every other byte as it was. A variable that
 * nothing fills becomes empty and is reported.
 */
export function renderTemplate(template: string, values: TemplateValues): Rendered {
  if (Buffer.byteLength(template) > MAX_TEMPLATE_BYTES) return { kind: 'too-large' };
  const unfilled = new Set<string>();
  const rewritten = rewriteElements(template, ({ prefix, local, attribute }) => {
    if (prefix !== 'at') return null;
    if (local === 'declarations') return '';
    if (local !== 'var') return null;
    const name = attribute('name');
    const field = Object.hasOwn(VARIABLES, name.toLowerCase()) ? VARIABLES[name.toLowerCase()] : undefined;
    if (!field) unfilled.add(name);
    return field ? escapeXml(values[field]) : '';
  });
  if (rewritten.kind === 'invalid') return rewritten;
  return { kind: 'ok', body: rewritten.storage.trim(), unfilled: [...unfilled] };
}

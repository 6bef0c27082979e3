/** A Confluence page template or the built-in one, with its variables filled: storage format in, storage format out. */
import { escapeXml, rewriteElements } from './storage-format';

export interface TemplateValues {
  /** The person's display name. */
  name: string;
  /** The day the space is made, as the person writes dates. */
  date: string;
  spaceName: string;
  spaceKey: string;
}

export type Rendered =
  | { kind: 'ok'; body: string; unfilled: string[] }
  /** The text is not a template that can be used; `problem` says where. */
  | { kind: 'invalid'; problem: string };

/** Variable names, lower case, to what fills them: those of Atlassian's own personal-space template and the obvious ones. */
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
 * Removes `at:declarations`, replaces each `at:var`, leaves every other byte as it was. Variables nobody
 * can fill become empty and are reported.
 */
export function renderTemplate(template: string, values: TemplateValues): Rendered {
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

/** What a new space's homepage says: the chosen template, or the built-in one when that cannot be used. */
import type { Policy } from '../domain/policy';
import { readTemplateBody } from '../forge/confluence';
import { renderTemplate, type TemplateValues } from './template';
import { builtinHomepage } from './text';

export interface Homepage {
  body: string;
  source: 'builtin' | 'confluence';
  /** Why the chosen template was not used; null when it was, or none was chosen. */
  problem: string | null;
  /** Variables of the template that nothing fills; empty on the page. */
  unfilled: string[];
}

/** Never fails for a template's sake: a broken or deleted one stops nobody's space. */
export async function composeHomepage(template: Policy['template'], values: TemplateValues): Promise<Homepage> {
  const builtin = (problem: string | null): Homepage => ({ body: builtinHomepage(values), source: 'builtin', problem, unfilled: [] });
  if (template.kind === 'builtin') return builtin(null);
  const text = await readTemplateBody(template.templateId);
  if (text === null) return builtin('template-missing');
  const rendered = renderTemplate(text, values);
  if (rendered.kind === 'invalid') return builtin(`template-broken: ${rendered.problem}`);
  return { body: rendered.body, source: 'confluence', problem: null, unfilled: rendered.unfilled };
}

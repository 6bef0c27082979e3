/** What a new space's homepage says, and writing it: the chosen template, or the built-in one when that cannot be used. */
import type { Policy } from '../domain/policy';
import { type CurrentUser, type Page, type Requester, readPage, readTemplateBody, writePageBody } from '../forge/confluence';
import type { StoredPersonRecord } from '../forge/store';
import { renderTemplate, type TemplateValues } from './template';
import { builtinHomepage, formatDay, HOMEPAGE_MESSAGE } from './text';

interface Homepage {
  body: string;
  source: 'builtin' | 'confluence';
  /** Why the chosen template was not used; null when it was, or none was chosen. */
  problem: string | null;
  /** Variables of the template that nothing fills; empty on the page. */
  unfilled: string[];
}

/** What a person is called on their own pages. */
export function personName(user: CurrentUser | null, accountId: string): string {
  return user?.displayName || user?.publicName || accountId;
}

/** What fills a template for this person, today. */
export function templateValues(user: CurrentUser | null, accountId: string, spaceKey: string, now: number): TemplateValues {
  const name = personName(user, accountId);
  return { name, date: formatDay(now, user?.locale ?? 'en_US'), spaceName: name, spaceKey };
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

type Written = Pick<StoredPersonRecord, 'template' | 'templateProblem'>;

/** Writes the homepage only while nobody else has; a template that Confluence does not take gives way to the built-in one. */
export async function writeHomepage(
  as: Requester,
  pageId: string | null,
  template: Policy['template'],
  values: TemplateValues,
): Promise<Written> {
  const chosen = await composeHomepage(template, values);
  const problem = chosen.problem ?? (chosen.unfilled.length > 0 ? `template-unfilled: ${chosen.unfilled.join(', ')}` : null);
  const kept: Written = { template: 'kept', templateProblem: null };
  if (pageId === null) return kept;
  const page = await readPage(as, pageId);
  if (!page) return kept;
  if (page.version.number > 1) return isOwnVersion(page) ? { template: chosen.source, templateProblem: problem } : kept;
  if ((await writePageBody(as, page, chosen.body, HOMEPAGE_MESSAGE)) === 'written')
    return { template: chosen.source, templateProblem: problem };
  // Refused: somebody was faster, or Confluence does not take this text.
  const now = await readPage(as, pageId);
  if (!now) return kept;
  if (now.version.number > 1) return isOwnVersion(now) ? { template: chosen.source, templateProblem: problem } : kept;
  if (chosen.source === 'confluence') {
    const builtin = await composeHomepage({ kind: 'builtin' }, values);
    if ((await writePageBody(as, now, builtin.body, HOMEPAGE_MESSAGE)) === 'written')
      return { template: 'builtin', templateProblem: 'template-refused' };
  }
  return { template: 'kept', templateProblem: 'homepage-refused' };
}

const isOwnVersion = (page: Page): boolean => page.version.number === 2 && page.version.message === HOMEPAGE_MESSAGE;

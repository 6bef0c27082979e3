/** What a new space's pages say, and writing them: from the chosen templates, or the built-in ones where those cannot be used. */
import type { Requester } from '../confluence/call';
import { createPage, type Page, readPage, writePageBody } from '../confluence/pages';
import type { CurrentUser } from '../confluence/people';
import { readTemplateBody } from '../confluence/templates';
import type { PageSource, SpaceTemplate } from '../domain/policy/document';
import type { PromisedSpace } from '../domain/space';
import { shorten, withoutNonXml } from '../domain/text';
import { ConfluenceError } from '../forge/errors';
import { builtinChild, builtinHomepage, formatDay, homepageMessage, homepageTitle, isOwnMessage } from './builtin';
import { detailsTable } from './details-table';
import { renderTemplate, type TemplateValues } from './render';

const FALLBACK_LOCALE = 'en_US';
/** Length of what is said about a template's problem: it is kept in the person's record, which holds 240 KiB (Forge: KVS limits). */
const MAX_PROBLEM = 500;

/** Whom the pages are written for. */
export interface Reader {
  values: TemplateValues;
  locale: string;
}

interface Composed {
  body: string;
  source: 'builtin' | 'confluence';
  /** Why the chosen template was not used; null when it was, or none was chosen. */
  problem: string | null;
  /** Variables of the template that nothing fills; they are empty on the page. */
  unfilled: string[];
}

/** What a person is called on their own pages. */
export function personName(user: Pick<CurrentUser, 'displayName' | 'publicName'> | null, accountId: string): string {
  return withoutNonXml(user?.displayName || user?.publicName || '').trim() || accountId;
}

/** What fills a template for this person, today. */
export function readerOf(user: CurrentUser | null, accountId: string, spaceKey: string, now: number): Reader {
  const name = personName(user, accountId);
  const locale = user?.locale ?? FALLBACK_LOCALE;
  return { values: { name, date: formatDay(now, locale), spaceName: name, spaceKey }, locale };
}

/** Never fails because of a template: a broken or deleted one stops nobody's space. */
export async function composePage(source: PageSource, kind: 'homepage' | 'child', reader: Reader): Promise<Composed> {
  const text = (): string => (kind === 'homepage' ? builtinHomepage(reader.values, reader.locale) : builtinChild(reader.locale));
  const builtin = (problem: string | null): Composed => ({ body: text(), source: 'builtin', problem, unfilled: [] });
  if (source.kind === 'builtin') return builtin(null);
  const template = await readTemplate(source.templateId);
  if ('problem' in template) return builtin(template.problem);
  const rendered = renderTemplate(template.body, reader.values);
  if (rendered.kind === 'too-large') return builtin('template-too-large');
  if (rendered.kind === 'invalid') return builtin(`template-broken: ${shorten(rendered.problem, MAX_PROBLEM)}`);
  return { body: rendered.body, source: 'confluence', problem: null, unfilled: rendered.unfilled };
}

/** Asks twice, so that one failure does not cost the template. @throws ConfluenceError for rate limits and missing scopes */
async function readTemplate(templateId: string): Promise<{ body: string } | { problem: string }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const body = await readTemplateBody(templateId);
      return body === null ? { problem: 'template-missing' } : { body };
    } catch (error) {
      if (!(error instanceof ConfluenceError) || error.status === 429 || error.status === 401) throw error;
      if (attempt === 2) return { problem: 'template-unreadable' };
    }
  }
}

function problemOf({ problem, unfilled }: Composed): string | null {
  return problem ?? (unfilled.length > 0 ? `template-unfilled: ${shorten(unfilled.join(', '), MAX_PROBLEM)}` : null);
}

/** Where the homepage came from, and what went wrong with the chosen template. */
interface Written {
  template: PromisedSpace['template']['source'];
  templateProblem: string | null;
}
const KEPT: Written = { template: 'kept', templateProblem: null };

/**
 * Writes the homepage only while nobody else has. Where Confluence refuses the template, the built-in page is
 * written instead.
 * @param isNew this very run created the space: its homepage is version 1 and need not be read first
 */
export async function writeHomepage(
  as: Requester,
  pageId: string | null,
  template: SpaceTemplate,
  reader: Reader,
  isNew: boolean,
): Promise<Written> {
  if (pageId === null) return KEPT;
  const chosen = await composePage(template.homepage, 'homepage', reader);
  const details = detailsTable(template.fields, {});
  const title = homepageTitle(reader.values.name, reader.locale);
  const write = (number: number, composed: Composed): Promise<'written' | 'refused'> =>
    writePageBody(as, { id: pageId, title, version: { number } }, composed.body + details, homepageMessage(reader.locale));
  const written: Written = { template: chosen.source, templateProblem: problemOf(chosen) };
  if (isNew && (await write(1, chosen)) === 'written') return written;
  const page = await readPage(as, pageId);
  if (!page) return KEPT;
  if (page.version.number > 1) return isOwnVersion(page) ? written : KEPT;
  if (!isNew && (await write(page.version.number, chosen)) === 'written') return written;
  // Refused: someone else saved it first, or Confluence does not accept this text.
  const now = await readPage(as, pageId);
  if (!now) return KEPT;
  if (now.version.number > 1) return isOwnVersion(now) ? written : KEPT;
  if (
    chosen.source === 'confluence' &&
    (await write(now.version.number, await composePage({ kind: 'builtin' }, 'homepage', reader))) === 'written'
  )
    return { template: 'builtin', templateProblem: 'template-refused' };
  return { template: 'kept', templateProblem: 'homepage-refused' };
}

/** The homepage is as Homestead itself set it up. */
const isOwnVersion = (page: Pick<Page, 'version'>): boolean => page.version.number === 2 && isOwnMessage(page.version.message);

/** Creates the child pages that are not there yet. @returns what went wrong, null when nothing did */
export async function writeChildren(
  as: Requester,
  space: { spaceId: string; homepageId: string | null },
  template: SpaceTemplate,
  reader: Reader,
): Promise<string | null> {
  const { spaceId, homepageId } = space;
  if (homepageId === null) return null;
  let problem: string | null = null;
  for (const { title, source } of template.children) {
    const composed = await composePage(source, 'child', reader);
    problem ??= problemOf(composed);
    const create = (body: string): ReturnType<typeof createPage> => createPage(as, { spaceId, parentId: homepageId, title, body });
    if ((await create(composed.body)) !== 'refused') continue;
    const isCreated = composed.source === 'confluence' && (await create(builtinChild(reader.locale))) !== 'refused';
    problem ??= isCreated ? 'template-refused' : 'child-refused';
  }
  return problem;
}

/** Templates of spaces: the page templates to choose from, and a preview for any person. */
import { z } from 'zod';
import { asCaller } from '../../confluence/call';
import { type CurrentUser, readCurrentUser, readStandingOf } from '../../confluence/people';
import { listTemplates } from '../../confluence/templates';
import { personalSpaceKey } from '../../domain/personal-space-key';
import { SpaceTemplate } from '../../domain/policy/document';
import { AppError } from '../../forge/errors';
import { homepageTitle } from '../../page-templates/builtin';
import { detailsTable } from '../../page-templates/details-table';
import { composePage, personName, readerOf } from '../../page-templates/pages';
import { define } from '../define';
import { AccountId, Nothing } from '../inputs';
import { administers } from '../standing';

export interface TemplatePreview {
  /** The person whose name and dates fill it. */
  name: string;
  pages: { title: string; body: string; problem: string | null; unfilled: string[] }[];
}

export const templateFunctions = {
  'templates.list': define({ input: Nothing, authorise: administers, handle: () => listTemplates() }),
  'templates.preview': define({
    input: z.strictObject({ template: SpaceTemplate, accountId: AccountId.optional() }),
    authorise: administers,
    handle: async ({ template, accountId }, caller) => {
      const isOther = accountId !== undefined && accountId !== caller.accountId;
      const user = isOther ? (await readStandingOf(accountId)).user : await readCurrentUser(asCaller());
      if (!user) throw new AppError('not-found');
      return preview(template, user);
    },
  }),
};

/** Every page of a space as this person would get it. */
async function preview(template: SpaceTemplate, user: CurrentUser): Promise<TemplatePreview> {
  const reader = readerOf(user, user.accountId, personalSpaceKey(user.accountId), Date.now());
  const page = async (title: string, source: SpaceTemplate['homepage'], kind: 'homepage' | 'child') => {
    const { body, problem, unfilled } = await composePage(source, kind, reader);
    const details = kind === 'homepage' ? detailsTable(template.fields, {}) : '';
    return { title, body: body + details, problem, unfilled };
  };
  const home = await page(homepageTitle(reader.values.name, reader.locale), template.homepage, 'homepage');
  const children = await Promise.all(template.children.map((child) => page(child.title, child.source, 'child')));
  return { name: personName(user, user.accountId), pages: [home, ...children] };
}

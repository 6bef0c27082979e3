/** Pages and blog posts. */
import { route } from '@forge/api';
import { z } from 'zod';
import { withoutNonXml } from '../domain/text';
import { asApp, ask, chargeObjects, failure, type Requester, readJson } from './call';

const Page = z.object({
  id: z.string(),
  title: z.string(),
  status: z.string(),
  createdAt: z.string(),
  version: z.object({ number: z.number(), createdAt: z.string(), message: z.string().nullish() }),
  body: z.object({ storage: z.object({ value: z.string() }).optional() }).nullish(),
});
export type Page = z.infer<typeof Page>;

export async function readPage(as: Requester, pageId: string): Promise<Page | null> {
  const operation = 'page';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/pages/${pageId}`));
  if (response.status === 404) return null;
  const page = await readJson(operation, response, Page);
  chargeObjects(1);
  return page;
}

const Listed = z.object({ results: z.array(Page) });

/** The pages of these ids that the app may see. @param ids at most 250 (OpenAPI v2) */
export async function listPages(ids: readonly string[]): Promise<Page[]> {
  const operation = 'pages';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/api/v2/pages?id=${ids.join(',')}&limit=${ids.length}`));
  const { results } = await readJson(operation, response, Listed);
  chargeObjects(results.length);
  return results;
}

/** The page with its text in storage format. */
export async function readPageBody(as: Requester, pageId: string): Promise<Page | null> {
  const operation = 'page body';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/pages/${pageId}?body-format=storage`));
  if (response.status === 404) return null;
  const page = await readJson(operation, response, Page);
  chargeObjects(1);
  return page;
}

const Titled = z.object({ results: z.array(z.object({ id: z.string() })) });

/** `taken`: the space has a page of that title, from an earlier attempt or by someone else. */
export async function createPage(
  as: Requester,
  page: { spaceId: string; parentId: string; title: string; body: string },
): Promise<'created' | 'taken' | 'refused'> {
  const operation = 'create page';
  const title = withoutNonXml(page.title);
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/pages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        spaceId: page.spaceId,
        status: 'current',
        title,
        parentId: page.parentId,
        body: { representation: 'storage', value: page.body },
      }),
    }),
  );
  if (response.ok) return 'created';
  const error = await failure(operation, response);
  if (error.isTransient || error.status === 401) throw error;
  // 400 or 409 says that the title is taken, or that Confluence does not take the text.
  const listed = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces/${page.spaceId}/pages?title=${title}&limit=1`));
  const { results } = await readJson(operation, listed, Titled);
  chargeObjects(results.length);
  return results.length > 0 ? 'taken' : 'refused';
}

const Counted = z.object({ results: z.array(z.object({ id: z.string() })) });

/** The most recently changed pages, as this requester sees them. @param limit at most 250 (OpenAPI v2) */
export async function listNewestPages(as: Requester, spaceId: string, limit = 2): Promise<Page[]> {
  const operation = 'newest pages';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/pages?sort=-modified-date&limit=${limit}`),
  );
  const { results } = await readJson(operation, response, Listed);
  chargeObjects(results.length);
  return results;
}

/** 1 when this requester sees any blog post, otherwise 0. */
export async function countBlogPosts(as: Requester, spaceId: string): Promise<number> {
  const operation = 'blog posts';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/blogposts?limit=1`));
  const { results } = await readJson(operation, response, Counted);
  chargeObjects(results.length);
  return results.length;
}

/**
 * `refused`: someone changed the page since it was read (a stale version answers 409, or 400), or Confluence
 * does not take this body, or not from this person.
 */
export async function writePageBody(
  as: Requester,
  page: { id: string; title: string; version: { number: number } },
  body: string,
  message: string,
): Promise<'written' | 'refused'> {
  const operation = 'write page';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/api/v2/pages/${page.id}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        id: page.id,
        status: 'current',
        title: page.title,
        body: { representation: 'storage', value: body },
        version: { number: page.version.number + 1, message },
      }),
    }),
  );
  if (response.ok) return 'written';
  const error = await failure(operation, response);
  if (error.isTransient || error.status === 401) throw error;
  return 'refused';
}

const Dated = z.object({ results: z.array(z.object({ version: z.object({ createdAt: z.string() }) })) });

/** null when there is none, or its date cannot be read. */
function newestOf(answer: z.infer<typeof Dated>): number | null {
  const at = Date.parse(answer.results[0]?.version.createdAt ?? '');
  return Number.isNaN(at) ? null : at;
}

/**
 * Time (ms) of the newest change of a page or blog post in the space; read by id, so it is current. null when
 * no page can be seen: every space has a homepage, so what is invisible is unknown, not unused.
 */
export async function readNewestChange(spaceId: string): Promise<number | null> {
  const pages = await ask('newest page', () =>
    asApp().requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/pages?sort=-modified-date&limit=1`),
  );
  const page = newestOf(await readJson('newest page', pages, Dated));
  chargeObjects(1);
  if (page === null) return null;
  const posts = await ask('newest blog post', () =>
    asApp().requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/blogposts?sort=-modified-date&limit=1`),
  );
  const answer = await readJson('newest blog post', posts, Dated);
  chargeObjects(answer.results.length);
  if (answer.results.length === 0) return page;
  const post = newestOf(answer);
  return post === null ? null : Math.max(page, post);
}

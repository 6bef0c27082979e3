/** The site's global page templates. */
import { route } from '@forge/api';
import { z } from 'zod';
import { asApp, ask, chargeObjects, readJson } from './call';

const Template = z.object({
  templateId: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  body: z.object({ storage: z.object({ value: z.string() }) }).optional(),
});

const Templates = z.object({ results: z.array(Template) });

export interface PageTemplate {
  id: string;
  name: string;
  description: string;
}

/** The site's global page templates, at most 200. */
export async function listTemplates(): Promise<PageTemplate[]> {
  const operation = 'templates';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/template/page?limit=200`));
  const { results } = await readJson(operation, response, Templates);
  chargeObjects(results.length);
  return results.map((t) => ({ id: t.templateId, name: t.name, description: t.description ?? '' }));
}

/** Storage format of a template; null when it is gone or hidden (Confluence answers 403 for both). */
export async function readTemplateBody(templateId: string): Promise<string | null> {
  const operation = 'template';
  const response = await ask(operation, () => asApp().requestConfluence(route`/wiki/rest/api/template/${templateId}`));
  if (response.status === 403 || response.status === 404) return null;
  const template = await readJson(operation, response, Template);
  chargeObjects(1);
  return template.body?.storage.value ?? null;
}

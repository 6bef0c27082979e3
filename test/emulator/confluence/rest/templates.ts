/** Page templates. */

import { canUseConfluence, maySee } from '../access';
import { type Call, expansions, linksOf, type Operation, pageV1, Refusal, type Reply, V1 } from '../operation';

function templateJson(call: Call, id: string): Record<string, unknown> {
  const template = call.site.state.templates.get(id);
  if (!template) throw new Refusal(403, 'Template not found or not permitted');
  const expand = expansions(call.query, ['body', 'body.storage']);
  const withBody = expand.length > 0 || call.params.contentTemplateId !== undefined;
  return {
    templateId: template.id,
    name: template.name,
    description: template.description,
    labels: [],
    templateType: 'page',
    editorVersion: 'v2',
    ...(withBody
      ? {
          body: {
            storage: {
              value: template.body,
              representation: 'storage',
              embeddedContent: [],
              _expandable: { content: `/rest/api/content/${template.id}` },
            },
          },
        }
      : {}),
    _links: linksOf(call, `/rest/api/template/${template.id}`),
  };
}

function maySeeTemplate(call: Call, spaceKey: string | null): boolean {
  if (spaceKey === null) return canUseConfluence(call.site.state, call.caller);
  const space = call.site.state.spacesByKey.get(spaceKey);
  return space !== undefined && maySee(call.site.state, call.caller, space);
}

function listTemplates(call: Call): Reply {
  const spaceKey = call.query.get('spaceKey');
  if (!maySeeTemplate(call, spaceKey)) throw new Refusal(403, 'Not permitted to view templates');
  const templates = [...call.site.state.templates.values()].filter((t) => t.spaceKey === spaceKey);
  const page = pageV1(call, templates, { default: 25, max: 200 });
  return {
    status: 200,
    body: { results: page.results.map((t) => templateJson(call, t.id)), ...page.envelope },
    returned: { objects: page.results.length },
  };
}

/** The local site has no blueprints. */
function listBlueprints(call: Call): Reply {
  if (!maySeeTemplate(call, call.query.get('spaceKey'))) throw new Refusal(403, 'Not permitted to view templates');
  return { status: 200, body: { results: [], ...pageV1(call, [], { default: 25, max: 200 }).envelope } };
}

function getTemplate(call: Call): Reply {
  const id = call.params.contentTemplateId ?? '';
  if (!maySeeTemplate(call, call.site.state.templates.get(id)?.spaceKey ?? null))
    throw new Refusal(403, 'Template not found or not permitted');
  return { status: 200, body: templateJson(call, id), returned: { objects: 1 } };
}

const TEMPLATE = [['read:confluence-content.summary'], ['read:template:confluence', 'read:content-details:confluence']];

export const templateOperations: readonly Operation[] = [
  { method: 'GET', path: `${V1}/template/page`, query: ['spaceKey', 'start', 'limit', 'expand'], scopes: TEMPLATE, handle: listTemplates },
  {
    method: 'GET',
    path: `${V1}/template/blueprint`,
    query: ['spaceKey', 'start', 'limit'],
    scopes: TEMPLATE,
    handle: listBlueprints,
  },
  { method: 'GET', path: `${V1}/template/:contentTemplateId`, scopes: TEMPLATE, handle: getTemplate },
];

/** Labels of spaces. */
import { z } from 'zod';
import { mayDo } from '../access';
import { type Call, type Operation, oneOf, pageV1, parseBody, Refusal, type Reply, requireKnown, V1 } from '../operation';
import type { Space } from '../state';
import { visibleSpaceByKey } from './visible';

/** Documented prefixes that the site has no labels for. */
const OTHER_PREFIXES = ['global', 'my'];

function labelsReply(call: Call, space: Space): Reply {
  oneOf(call.query, 'prefix', ['team'], OTHER_PREFIXES);
  const labels = space.labels.map((name, i) => ({ prefix: 'team', name, id: String(i + 1), label: name }));
  const page = pageV1(call, labels, { default: 200, max: 200 });
  return { status: 200, body: { results: page.results, ...page.envelope }, returned: { objects: page.results.length } };
}

function addLabels(call: Call): Reply {
  const space = visibleSpaceByKey(call);
  if (!mayDo(call.site.state, call.caller, space, 'update/page')) throw new Refusal(403, 'Not permitted to edit the space');
  const added = parseBody(z.array(z.strictObject({ prefix: z.string(), name: z.string().min(1) })).min(1), call.body);
  for (const { prefix } of added) requireKnown('prefix', prefix, ['team'], OTHER_PREFIXES);
  call.site.state.changeSpace(space, { labels: [...new Set([...space.labels, ...added.map(({ name }) => name)])] });
  return labelsReply(call, space);
}

function removeLabel(call: Call): Reply {
  const space = visibleSpaceByKey(call);
  const name = call.query.get('name');
  if (!name) throw new Refusal(400, "'name' is required");
  // OpenAPI: the default prefix is `global`.
  requireKnown('prefix', call.query.get('prefix') ?? 'global', ['team'], OTHER_PREFIXES);
  if (!mayDo(call.site.state, call.caller, space, 'administer/space')) throw new Refusal(404, 'Not permitted to administer the space');
  call.site.state.changeSpace(space, { labels: space.labels.filter((label) => label !== name) });
  return { status: 204 };
}

export const labelOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V1}/space/:spaceKey/label`,
    query: ['prefix', 'start', 'limit'],
    scopes: [['read:confluence-space.summary'], ['read:label:confluence']],
    handle: (call) => labelsReply(call, visibleSpaceByKey(call)),
  },
  {
    method: 'POST',
    path: `${V1}/space/:spaceKey/label`,
    scopes: [['write:confluence-space'], ['read:label:confluence', 'write:label:confluence']],
    handle: addLabels,
  },
  {
    method: 'DELETE',
    path: `${V1}/space/:spaceKey/label`,
    query: ['name', 'prefix'],
    scopes: [['write:confluence-space'], ['write:label:confluence']],
    handle: removeLabel,
  },
];

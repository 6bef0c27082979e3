/** Labels of spaces. */
import { z } from 'zod';
import { mayDo } from '../access';
import { type Call, NotModelled, type Operation, pageV1, parseBody, Refusal, type Reply, V1 } from '../operation';
import type { Space } from '../state';
import { visibleSpaceByKey } from './visible';

function labelsReply(call: Call, space: Space): Reply {
  const prefix = call.query.get('prefix');
  if (prefix !== null && prefix !== 'team') throw new NotModelled(`labels with prefix ${prefix}`);
  const labels = space.labels.map((name, i) => ({ prefix: 'team', name, id: String(i + 1), label: name }));
  const page = pageV1(call, labels, { default: 200, max: 200 });
  return { status: 200, body: { results: page.results, ...page.envelope }, returned: { objects: page.results.length } };
}

function addLabels(call: Call): Reply {
  const space = visibleSpaceByKey(call);
  if (!mayDo(call.site.state, call.caller, space, 'update/page')) throw new Refusal(403, 'Not permitted to edit the space');
  const added = parseBody(z.array(z.object({ prefix: z.string(), name: z.string().min(1) })).min(1), call.body);
  call.site.state.changeSpace(space, { labels: [...new Set([...space.labels, ...added.map(({ name }) => name)])] });
  return labelsReply(call, space);
}

function removeLabel(call: Call): Reply {
  const space = visibleSpaceByKey(call);
  const name = call.query.get('name');
  if (!name) throw new Refusal(400, "'name' is required");
  // Without a prefix it is about labels on content.
  if (call.query.get('prefix') !== 'team') throw new NotModelled('labels with another prefix than team');
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

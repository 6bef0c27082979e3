/** Who watches a space. */

import { type Caller, callerId, mayDo, maySee } from '../access';
import { type Call, type Operation, Refusal, type Reply, V1 } from '../operation';
import type { Space } from '../state';

function watchedSpace(call: Call, write: boolean): { space: Space; accountId: string } {
  const { state } = call.site;
  const accountId = call.query.get('accountId') ?? callerId(call.caller);
  const space = state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !maySee(state, call.caller, space)) throw new Refusal(write ? 403 : 404, 'Space not found');
  if (!state.account(accountId)) throw new Refusal(404, `No user found with account id ${accountId}`);
  const isOther = accountId !== callerId(call.caller);
  if (isOther && !mayDo(state, call.caller, space, 'administer/space') && !isConfluenceAdmin(call.caller, call)) {
    throw new Refusal(403, 'Not permitted to manage watches of another user');
  }
  if (write && call.headers.get('x-atlassian-token') !== 'no-check') throw new Refusal(403, 'XSRF check failed');
  return { space, accountId };
}

const isConfluenceAdmin = (caller: Caller, call: Call): boolean => caller.kind === 'person' && call.site.state.isAdmin(caller.person);

function setWatch(call: Call, watching: boolean): Reply {
  const { space, accountId } = watchedSpace(call, true);
  const key = `${accountId} ${space.id}`;
  if (watching) call.site.state.watches.add(key);
  else call.site.state.watches.delete(key);
  return { status: 204 };
}

const WATCH_WRITE = [['write:confluence-content'], ['write:watcher:confluence']];

export const watchOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: [['read:confluence-content.summary'], ['read:watcher:confluence']],
    handle: (call) => {
      const { space, accountId } = watchedSpace(call, false);
      return { status: 200, body: { watching: call.site.state.watches.has(`${accountId} ${space.id}`) } };
    },
  },
  {
    method: 'POST',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: WATCH_WRITE,
    handle: (call) => setWatch(call, true),
  },
  {
    method: 'DELETE',
    path: `${V1}/user/watch/space/:spaceKey`,
    query: ['accountId'],
    scopes: WATCH_WRITE,
    handle: (call) => setWatch(call, false),
  },
];

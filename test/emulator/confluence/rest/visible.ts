/** The space that a path names, if the caller can see or administer it. */

import { mayDo, maySee } from '../access';
import { type Call, idParam, Refusal } from '../operation';
import type { Space } from '../state';

/** @throws Refusal 404 if the caller cannot see the space */
export function visibleSpace(call: Call, name = 'id'): Space {
  const space = call.site.state.spacesById.get(idParam(call, name));
  if (!space || !maySee(call.site.state, call.caller, space)) throw new Refusal(404, 'Space not found');
  return space;
}

export function requireSpaceAdmin(call: Call, space: Space): void {
  if (!mayDo(call.site.state, call.caller, space, 'administer/space')) throw new Refusal(404, 'Not permitted to administer the space');
}

export function visibleSpaceByKey(call: Call): Space {
  const space = call.site.state.spacesByKey.get(call.params.spaceKey ?? '');
  if (!space || !maySee(call.site.state, call.caller, space)) throw new Refusal(404, 'Space not found');
  return space;
}

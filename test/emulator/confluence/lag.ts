/** What lists, profiles, groups and the search index show: what was true a while ago. Reads by id are current. */
import type { ConfluenceState, Content, Person, Property, Space } from './state';

interface Identified {
  id: number;
}

/**
 * The items of a list as they were.
 * @param now the items of today, in order
 * @param then what was different, by id
 * @param belongs whether an item as it was belongs to this list
 */
function asTheyWere<T extends Identified>(
  now: readonly T[],
  then: ReadonlyMap<number, T | null>,
  belongs: (item: T) => boolean,
  compare: (a: T, b: T) => number,
): readonly T[] {
  if (then.size === 0) return now;
  const unchanged = now.filter((item) => !then.has(item.id));
  const changed = [...then.values()].filter((item): item is T => item !== null && belongs(item)).sort(compare);
  if (changed.length === 0) return unchanged;
  const merged: T[] = [];
  let next = 0;
  for (const item of unchanged) {
    while (next < changed.length && compare(changed[next] as T, item) < 0) merged.push(changed[next++] as T);
    merged.push(item);
  }
  return merged.concat(changed.slice(next));
}

const byId = (a: Identified, b: Identified): number => a.id - b.id;

export const SPACE_ORDERS: Record<'id' | 'key' | 'name', (a: Space, b: Space) => number> = {
  id: byId,
  key: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.id - b.id),
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id),
};

/** Spaces as lists show them. */
export function listedSpaces(
  state: ConfluenceState,
  now: readonly Space[],
  belongs: (space: Space) => boolean,
  compare: (a: Space, b: Space) => number,
): readonly Space[] {
  return asTheyWere(now, state.pastSpaces.differences(state.lagMs('listLag')), belongs, compare);
}

/** Pages and blog posts as lists show them. */
export function listedContent(
  state: ConfluenceState,
  now: readonly Content[],
  belongs: (item: Content) => boolean,
  compare: (a: Content, b: Content) => number,
): readonly Content[] {
  return asTheyWere(now, state.pastContent.differences(state.lagMs('listLag')), belongs, compare);
}

/** A space that lists may still name: of those deleted lately, as it was. */
export function listedSpace(state: ConfluenceState, id: number): Space | undefined {
  return state.spacesById.get(id) ?? state.pastSpaces.differences(state.lagMs('listLag')).get(id) ?? undefined;
}

/** The properties of a space as their list shows them. */
export function listedProperties(state: ConfluenceState, spaceId: number): readonly Property[] {
  const then = new Map<number, Property | null>();
  for (const [id, was] of state.pastSpaceProperties.differences(state.lagMs('listLag'))) {
    if (was === null || was.spaceId === spaceId) then.set(id, was?.property ?? null);
  }
  return asTheyWere(state.spaceProperties.get(spaceId) ?? [], then, () => true, byId);
}

/** The site as the search index knows it: its spaces (or those with these keys), and what is in each. */
export function indexed(
  state: ConfluenceState,
  keys: readonly string[] | null,
): { spaces: Iterable<Space>; contentOf: (space: Space) => readonly Content[] } {
  const lagMs = state.lagMs('cqlLag');
  const now = keys ? keys.flatMap((key) => state.spacesByKey.get(key) ?? []) : state.spaces;
  const wanted = keys && new Set(keys);
  const spaces = asTheyWere(now, state.pastSpaces.differences(lagMs), (space) => wanted?.has(space.key) ?? true, byId);
  const thenBySpace = new Map<number, Map<number, Content | null>>();
  for (const [id, was] of state.pastContent.differences(lagMs)) {
    const spaceId = (was ?? state.content.get(id))?.spaceId;
    if (spaceId === undefined) continue;
    const inSpace = thenBySpace.get(spaceId) ?? new Map<number, Content | null>();
    thenBySpace.set(spaceId, inSpace.set(id, was));
  }
  const none = new Map<number, Content | null>();
  const contentOf = (space: Space): readonly Content[] =>
    asTheyWere(state.contentBySpace.get(space.id) ?? [], thenBySpace.get(space.id) ?? none, () => true, byId);
  return { spaces: new Set(spaces), contentOf };
}

/** Active members of a group as its API lists them. An unknown group is empty. */
export function listedMembers(state: ConfluenceState, groupId: string): readonly string[] {
  const now = state.activeMembers(groupId);
  const then = state.pastGroups.differences(state.lagMs('groupLag'));
  if (then.size === 0) return now;
  const stayed = now.filter((id) => then.get(id)?.has(groupId) ?? true);
  const left = [...then].flatMap(([id, groups]) => {
    const person = state.people.get(id);
    return person?.accountStatus === 'active' && groups?.has(groupId) && !person.groups.has(groupId) ? [id] : [];
  });
  return [...stayed, ...left];
}

/** Ids of a person's groups as the API lists them. */
export function listedGroups(state: ConfluenceState, person: Person): ReadonlySet<string> {
  return state.pastGroups.differences(state.lagMs('groupLag')).get(person.accountId) ?? person.groups;
}

/**
 * Reads the personal space that a person's profile names (V23, V26), in the state it names it in; null: none.
 * One reader serves a whole answer.
 */
export function profileSpaces(state: ConfluenceState): (person: Person) => Space | null {
  const lagMs = state.lagMs('userLag');
  const people = state.pastPeople.differences(lagMs);
  const spaces = state.pastSpaces.differences(lagMs);
  return (person) => {
    const { personalSpaceId } = people.get(person.accountId) ?? person;
    if (personalSpaceId === null) return null;
    const space = spaces.get(personalSpaceId) ?? state.spacesById.get(personalSpaceId) ?? null;
    return space && (space.status === 'current' || state.settings.personalSpaceIdNamesArchived) ? space : null;
  };
}

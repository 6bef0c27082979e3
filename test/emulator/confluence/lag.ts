/** What lists, profiles, groups and the search index show: the site as it was a while ago. Reads by id are current. */
import type { ConfluenceState, Content, Person, Property, Space } from './state';

interface Identified {
  id: number;
}

/** A list as it is now, in the order of `compare`. */
interface Today<T> {
  items: readonly T[];
  compare: (a: T, b: T) => number;
  /** The item with that id as it is now. */
  byId: (id: number) => T | undefined;
}

/**
 * A list as it was a while ago.
 * @param then the earlier versions of what has changed since, by id; null if it did not exist
 * @param belongs whether the earlier version of an item belongs in this list
 */
function asTheyWere<T extends Identified>(
  today: Today<T>,
  then: ReadonlyMap<number, T | null>,
  belongs: (item: T) => boolean,
): readonly T[] {
  const { items, compare, byId } = today;
  if (then.size === 0) return items;
  const changes: { at: number; insert: T | null }[] = [];
  for (const [id, was] of then) {
    if (was !== null && belongs(was)) changes.push({ at: placeOf(was, today), insert: was });
    const is = byId(id);
    const at = is === undefined ? items.length : placeOf(is, today);
    if (items[at]?.id === id) changes.push({ at, insert: null });
  }
  changes.sort((a, b) => a.at - b.at || (a.insert && b.insert ? compare(a.insert, b.insert) : a.insert ? -1 : 1));
  const shown: T[] = [];
  let next = 0;
  for (const { at, insert } of changes) {
    for (; next < at; next += 1) shown.push(items[next] as T);
    if (insert) shown.push(insert);
    else next += 1;
  }
  for (; next < items.length; next += 1) shown.push(items[next] as T);
  return shown;
}

/** The index of an item, or where it would be inserted. Binary search: the list may hold 100,000 items. */
function placeOf<T>(item: T, { items, compare }: Today<T>): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(items[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const idOrder = (a: Identified, b: Identified): number => a.id - b.id;

/** Spaces, as lists show them. */
export function listedSpaces(
  state: ConfluenceState,
  now: readonly Space[],
  belongs: (space: Space) => boolean,
  compare: (a: Space, b: Space) => number,
): readonly Space[] {
  const today = { items: now, compare, byId: (id: number) => state.spacesById.get(id) };
  return asTheyWere(today, state.pastSpaces.differences(state.lagMs('listLag')), belongs);
}

/** Pages and blog posts, as lists show them. */
export function listedContent(
  state: ConfluenceState,
  now: readonly Content[],
  belongs: (item: Content) => boolean,
  compare: (a: Content, b: Content) => number,
): readonly Content[] {
  const today = { items: now, compare, byId: (id: number) => state.content.get(id) };
  return asTheyWere(today, state.pastContent.differences(state.lagMs('listLag')), belongs);
}

/** A space that lists may still show, including one deleted recently. */
export function listedSpace(state: ConfluenceState, id: number): Space | undefined {
  return state.spacesById.get(id) ?? state.pastSpaces.differences(state.lagMs('listLag')).get(id) ?? undefined;
}

/** The properties of a space, as their list shows them. */
export function listedProperties(state: ConfluenceState, spaceId: number): readonly Property[] {
  const then = new Map<number, Property | null>();
  for (const [id, was] of state.pastSpaceProperties.differences(state.lagMs('listLag'))) {
    if (was === null || was.spaceId === spaceId) then.set(id, was?.property ?? null);
  }
  const items = state.spaceProperties.get(spaceId) ?? [];
  const today = { items, compare: idOrder, byId: (id: number) => items.find((property) => property.id === id) };
  return asTheyWere(today, then, () => true);
}

/** The site as the search index sees it: all spaces, or those with the given keys, and their content. */
export function indexed(
  state: ConfluenceState,
  keys: readonly string[] | null,
): { spaces: readonly Space[]; contentOf: (space: Space) => readonly Content[] } {
  const lagMs = state.lagMs('cqlLag');
  const wanted = keys && new Set(keys);
  const items = wanted ? [...wanted].flatMap((key) => state.spacesByKey.get(key) ?? []).sort(idOrder) : state.spaces;
  const today = { items, compare: idOrder, byId: (id: number) => state.spacesById.get(id) };
  const spaces = asTheyWere(today, state.pastSpaces.differences(lagMs), (space) => wanted?.has(space.key) ?? true);
  const thenBySpace = new Map<number, Map<number, Content | null>>();
  for (const [id, was] of state.pastContent.differences(lagMs)) {
    const spaceId = (was ?? state.content.get(id))?.spaceId;
    if (spaceId === undefined) continue;
    const inSpace = thenBySpace.get(spaceId) ?? new Map<number, Content | null>();
    thenBySpace.set(spaceId, inSpace.set(id, was));
  }
  const none = new Map<number, Content | null>();
  const byId = (id: number): Content | undefined => state.content.get(id);
  const contentOf = (space: Space): readonly Content[] =>
    asTheyWere({ items: state.contentBySpace.get(space.id) ?? [], compare: idOrder, byId }, thenBySpace.get(space.id) ?? none, () => true);
  return { spaces, contentOf };
}

/** Active members of a group, as its API lists them. An unknown group is empty. */
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

/** Ids of a person's groups, as the API lists them. */
export function listedGroups(state: ConfluenceState, person: Person): ReadonlySet<string> {
  return state.pastGroups.differences(state.lagMs('groupLag')).get(person.accountId) ?? person.groups;
}

/** Returns a function that looks up the personal space in a person's profile, or null (V23, V26). Create one per response. */
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

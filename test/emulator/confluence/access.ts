/** Who may do what on the local site. */
import {
  ADMIN_ROLE,
  APP_ACCOUNT_ID,
  type ConfluenceState,
  type Content,
  isOpen,
  MANAGER_ROLE,
  type Person,
  type Role,
  type Space,
} from './state';

export type Caller =
  | { kind: 'anonymous' }
  /** A person, by session or API token or through the app (`viaApp`: scopes and points apply). */
  | { kind: 'person'; person: Person; viaApp: boolean }
  | { kind: 'app' };

export function callerId(caller: Caller): string {
  if (caller.kind === 'app') return APP_ACCOUNT_ID;
  return caller.kind === 'person' ? caller.person.accountId : 'anonymous';
}

/**
 * The role that Confluence grants app users in a space automatically, or null. Neither its extent (V3) nor its delay
 * (V24) is documented, so both are settings.
 */
export function automaticRole(state: ConfluenceState, space: Space): Role | null {
  if (state.clock.now() < space.createdAt + state.lagMs('appPermissionDelay')) return null;
  const reach = state.settings.appIsSpaceAdmin;
  if (reach !== 'always' && !isOpen(space)) return null;
  return reach === 'never' ? MANAGER_ROLE : ADMIN_ROLE;
}

/** An explicit grant overrides the automatic role, even when it grants nothing. */
function appOperations(state: ConfluenceState, space: Space): readonly string[] {
  const named = space.grants.find((g) => g.principalId === APP_ACCOUNT_ID);
  return named ? named.operations : (automaticRole(state, space)?.operations ?? []);
}

function grantedTo(state: ConfluenceState, person: Person, space: Space): Set<string> {
  const operations = new Set<string>();
  const licensed = state.isLicensed(person);
  for (const grant of space.grants) {
    const matches =
      (grant.principalType === 'USER' && grant.principalId === person.accountId) ||
      (grant.principalType === 'GROUP' && person.groups.has(grant.principalId)) ||
      (grant.principalType === 'ACCESS_CLASS' &&
        (grant.principalId === 'anonymous-users' ||
          grant.principalId === 'authenticated-users' ||
          (grant.principalId === 'all-licensed-users' && licensed) ||
          (grant.principalId === 'all-product-admins' && state.isAdmin(person))));
    if (matches) for (const operation of grant.operations) operations.add(operation);
  }
  return operations;
}

/** The caller's operations in the space (`administer/space`, `create/page` ...). Empty = cannot see it. */
export function operationsIn(state: ConfluenceState, caller: Caller, space: Space): Set<string> {
  if (caller.kind === 'anonymous') {
    const operations = new Set<string>();
    for (const grant of space.grants) {
      if (grant.principalType === 'ACCESS_CLASS' && grant.principalId === 'anonymous-users') {
        for (const operation of grant.operations) operations.add(operation);
      }
    }
    return operations;
  }
  if (caller.kind === 'app') return new Set(appOperations(state, space));
  if (!canUseConfluence(state, caller)) return new Set();
  const operations = grantedTo(state, caller.person, space);
  return operations.has('read/space') ? operations : new Set();
}

/** Who "Can use" Confluence: licensed people, guests (where something is shared with them), and the app. */
export function canUseConfluence(state: ConfluenceState, caller: Caller): boolean {
  if (caller.kind === 'app') return true;
  if (caller.kind === 'anonymous') return false;
  return caller.person.accountStatus === 'active' && (caller.person.isGuest || state.isLicensed(caller.person));
}

export function maySee(state: ConfluenceState, caller: Caller, space: Space): boolean {
  if (caller.kind === 'app') return appOperations(state, space).includes('read/space');
  return operationsIn(state, caller, space).has('read/space');
}

export function mayDo(state: ConfluenceState, caller: Caller, space: Space, operation: string): boolean {
  return operationsIn(state, caller, space).has(operation);
}

/** Restricted pages are hidden from everyone who is not named, including the app (ECO-822). */
export function maySeeContent(
  state: ConfluenceState,
  caller: Caller,
  item: Content,
  space: Space | undefined = state.spacesById.get(item.spaceId),
): boolean {
  if (item.viewers && !item.viewers.has(callerId(caller))) return false;
  return space !== undefined && maySee(state, caller, space);
}

/** Application-level operations: `use`, `administer`, `create_space`, as v1 lists them on a user. */
export function applicationOperations(state: ConfluenceState, person: Person): string[] {
  const operations: string[] = [];
  if (state.isLicensed(person) || (person.isGuest && person.accountStatus === 'active')) operations.push('use');
  if (mayCreateSpaces(state, person)) operations.push('create_space');
  if (state.isAdmin(person)) operations.push('administer');
  return operations;
}

export function mayCreateSpaces(state: ConfluenceState, person: Person): boolean {
  return state.isLicensed(person) && state.isInGroup(person, state.settings.createSpaceGroups);
}

export function mayHavePersonalSpace(state: ConfluenceState, person: Person): boolean {
  return state.isLicensed(person) && state.isInGroup(person, state.settings.personalSpaceGroups);
}

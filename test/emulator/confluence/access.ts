/** Who may do what on the local site. */
import { APP_ACCOUNT_ID, type ConfluenceState, type Content, isOpen, type Person, type Space } from './state';

export type Caller =
  | { kind: 'anonymous' }
  /** A person: by session or API token, or through the app (`viaApp`: scopes and points apply). */
  | { kind: 'person'; person: Person; viaApp: boolean }
  | { kind: 'app' };

export function callerId(caller: Caller): string {
  if (caller.kind === 'app') return APP_ACCOUNT_ID;
  return caller.kind === 'person' ? caller.person.accountId : 'anonymous';
}

const EVERYTHING = ['read/space', 'administer/space', 'archive/space', 'delete/space', 'export/space']
  .concat(['page', 'blogpost', 'comment', 'attachment'].flatMap((t) => [`create/${t}`, `delete/${t}`]))
  .concat(['update/page', 'archive/page']);
const ALL_BUT_ADMIN = EVERYTHING.filter((o) => !['administer/space', 'archive/space', 'delete/space'].includes(o));

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
  if (caller.kind === 'app') {
    // V3: what an app holds in spaces nobody invited it to is not known, hence a setting.
    const explicit = space.grants.find((g) => g.principalId === APP_ACCOUNT_ID);
    if (explicit) return new Set(explicit.operations);
    const reach = state.settings.appIsSpaceAdmin;
    if (reach === 'always') return new Set(EVERYTHING);
    if (!isOpen(space)) return new Set();
    return new Set(reach === 'open-spaces' ? EVERYTHING : ALL_BUT_ADMIN);
  }
  if (!canUseConfluence(state, caller)) return new Set();
  const operations = grantedTo(state, caller.person, space);
  return operations.has('read/space') ? operations : new Set();
}

/** "Can use" Confluence: licensed people, guests (in what is shared with them), the app. */
export function canUseConfluence(state: ConfluenceState, caller: Caller): boolean {
  if (caller.kind === 'app') return true;
  if (caller.kind === 'anonymous') return false;
  return caller.person.accountStatus === 'active' && (caller.person.isGuest || state.isLicensed(caller.person));
}

export function maySee(state: ConfluenceState, caller: Caller, space: Space): boolean {
  if (caller.kind === 'app' && state.settings.appIsSpaceAdmin === 'always') return true;
  return operationsIn(state, caller, space).has('read/space');
}

export function mayDo(state: ConfluenceState, caller: Caller, space: Space, operation: string): boolean {
  return operationsIn(state, caller, space).has(operation);
}

/** Restricted pages are hidden from everyone not named, the app included (ECO-822). */
export function maySeeContent(state: ConfluenceState, caller: Caller, item: Content): boolean {
  if (item.viewers && !item.viewers.has(callerId(caller))) return false;
  const space = state.spacesById.get(item.spaceId);
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

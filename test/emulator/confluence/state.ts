/**
 * What a Confluence site holds: plain records in maps, with the few indexes that keep listing fast at
 * 100,000 people and 100,000 spaces. Who may do what is decided in access.ts.
 */
import { type Clock, durationMs } from '../clock';
import type { SiteSettings } from '../settings';
import { Past } from './past';

export interface Group {
  id: string;
  name: string;
  /** The access that membership gives on this site. */
  access: 'user' | 'admin' | 'none';
  members: Set<string>;
}

export interface Person {
  accountId: string;
  displayName: string;
  publicName: string;
  email: string;
  accountStatus: 'active' | 'inactive' | 'closed' | 'unknown';
  accountType: 'atlassian' | 'app' | 'customer';
  isGuest: boolean;
  groups: ReadonlySet<string>;
  locale: string;
  /** Id of the personal space, even if it is archived or in the trash. */
  personalSpaceId: number | null;
}

export type SpaceStatus = 'current' | 'archived' | 'trashed';

export interface Grant {
  principalType: 'USER' | 'GROUP' | 'ACCESS_CLASS';
  principalId: string;
  /** Id of one of ROLES, or null for classic permissions (in ROLES_TRANSITION and PRE_ROLES). */
  roleId: string | null;
  operations: readonly string[];
}

export interface Space {
  id: number;
  key: string;
  name: string;
  type: 'global' | 'personal';
  status: SpaceStatus;
  authorId: string;
  ownerId: string | null;
  createdAt: number;
  homepageId: number | null;
  description: string;
  grants: readonly Grant[];
  labels: readonly string[];
}

export interface Version {
  number: number;
  at: number;
  authorId: string;
  message: string;
}

export type ContentType = 'page' | 'blogpost' | 'comment' | 'attachment';

export interface Content {
  id: number;
  type: ContentType;
  status: 'current' | 'archived' | 'trashed' | 'draft';
  statusChangedAt: number;
  title: string;
  spaceId: number;
  parentId: number | null;
  authorId: string;
  ownerId: string;
  createdAt: number;
  body: string;
  versions: readonly Version[];
  /** Account ids that may view it, or null if viewing is not restricted. */
  viewers: Set<string> | null;
}

export interface Property {
  id: number;
  key: string;
  value: unknown;
  createdAt: number;
  createdBy: string;
  version: number;
  versionAt: number;
}

export interface Template {
  id: string;
  name: string;
  description: string;
  spaceKey: string | null;
  body: string;
}

export interface LongTask {
  id: string;
  startedAt: number;
  finishedAt: number | null;
  successful: boolean;
}

export const SITE = {
  cloudId: '2f6b1c5e-7d0a-4f5b-9a51-3a4b7c1d2e30',
  baseUrl: 'https://example.atlassian.net',
} as const;

/** The app's own user. Confluence gives every installed app one. */
export const APP_ACCOUNT_ID = '712020:0a0a0a0a-0000-4000-8000-00000000a001';

function appUser(accountId: string, name: string): Person {
  return {
    accountId,
    displayName: name,
    publicName: name,
    email: '',
    accountStatus: 'active',
    accountType: 'app',
    isGuest: false,
    groups: new Set(),
    locale: 'en_US',
    personalSpaceId: null,
  };
}

/** The users of the apps on this site: this app, and one that every Confluence Cloud site has. */
export const APP_USERS: readonly Person[] = [
  appUser(APP_ACCOUNT_ID, 'Homestead'),
  appUser('712020:0a0a0a0a-0000-4000-8000-00000000a002', 'Automation for Confluence'),
];

export const isAppUser = (accountId: string): boolean => APP_USERS.some((user) => user.accountId === accountId);

const OWNER_OPERATIONS = [
  'read/space',
  'administer/space',
  'export/space',
  'delete/space',
  'archive/space',
  'create/page',
  'update/page',
  'delete/page',
  'archive/page',
  'create/blogpost',
  'delete/blogpost',
  'create/comment',
  'delete/comment',
  'create/attachment',
  'delete/attachment',
] as const;

export interface Role {
  id: string;
  name: string;
  description: string;
  operations: readonly string[];
}

export const ROLES: readonly Role[] = [
  { id: 'a1f0c8e2-0001-4b6e-9c55-0d2f5f6b7a01', name: 'Admin', description: 'Manages the space', operations: OWNER_OPERATIONS },
  {
    id: 'a1f0c8e2-0002-4b6e-9c55-0d2f5f6b7a02',
    name: 'Manager',
    description: 'Manages the content of the space',
    operations: OWNER_OPERATIONS.filter((o) => !['administer/space', 'delete/space', 'archive/space'].includes(o)),
  },
  {
    id: 'a1f0c8e2-0003-4b6e-9c55-0d2f5f6b7a03',
    name: 'Collaborator',
    description: 'Creates and edits content',
    operations: ['read/space', 'create/page', 'update/page', 'create/blogpost', 'create/comment', 'create/attachment'],
  },
  {
    id: 'a1f0c8e2-0004-4b6e-9c55-0d2f5f6b7a04',
    name: 'Viewer',
    description: 'Reads and comments',
    operations: ['read/space', 'create/comment'],
  },
];
export const ADMIN_ROLE = ROLES[0] as Role;
export const MANAGER_ROLE = ROLES[1] as Role;
const COLLABORATOR_ROLE = ROLES[2] as Role;

const grantsByOwner = new Map<string, readonly Grant[]>();

/** Grants for the owner alone. Shared per owner, because 100,000 spaces would repeat them. */
export function privateGrants(ownerId: string): readonly Grant[] {
  let grants = grantsByOwner.get(ownerId);
  if (!grants) {
    grants = [{ principalType: 'USER', principalId: ownerId, roleId: ADMIN_ROLE.id, operations: OWNER_OPERATIONS }];
    grantsByOwner.set(ownerId, grants);
  }
  return grants;
}

export const EVERYONE_GRANT: Grant = {
  principalType: 'ACCESS_CLASS',
  principalId: 'all-licensed-users',
  roleId: COLLABORATOR_ROLE.id,
  operations: COLLABORATOR_ROLE.operations,
};

/** The site's default space permissions: the creator and everyone with a license. */
export function openGrants(ownerId: string): readonly Grant[] {
  return [...privateGrants(ownerId), EVERYONE_GRANT];
}

/** Open = readable through a group or access class, by people without a grant of their own. */
export function isOpen(space: Space): boolean {
  return space.grants.some((g) => g.principalType !== 'USER' && g.operations.includes('read/space'));
}

/** `~` + account id without `:` and `-`. Only for new spaces; existing ones are looked up. */
export function personalSpaceKey(accountId: string): string {
  return `~${accountId.replace(/[:-]/g, '')}`;
}

export const SPACE_ORDERS: Record<'id' | 'key' | 'name', (a: Space, b: Space) => number> = {
  id: (a, b) => a.id - b.id,
  key: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.id - b.id),
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id),
};

export interface AuditEntry {
  at: string;
  actor: string;
  action: string;
  target: string;
}

const ID_STEP = 2;

const LAGS = ['listLag', 'cqlLag', 'groupLag', 'userLag'] as const;

export class ConfluenceState {
  readonly people = new Map<string, Person>();
  readonly groups = new Map<string, Group>();
  readonly groupsByName = new Map<string, Group>();
  /** In the order of their ids. */
  readonly spaces: Space[] = [];
  readonly spacesById = new Map<number, Space>();
  readonly spacesByKey = new Map<string, Space>();
  readonly content = new Map<number, Content>();
  private readonly contentById: Content[] = [];
  private readonly sortedContent = new Map<string, Content[]>();
  readonly contentBySpace = new Map<number, Content[]>();
  readonly spaceProperties = new Map<number, Property[]>();
  /** User properties of the app. */
  readonly userProperties = new Map<string, Map<string, Property>>();
  /** User properties written with API tokens. No app can read them. */
  readonly userPropertiesByToken = new Map<string, Map<string, Property>>();
  readonly appProperties = new Map<string, unknown>();
  readonly templates = new Map<string, Template>();
  readonly longTasks = new Map<string, LongTask>();
  readonly watches = new Set<string>();
  readonly trashedAt = new Map<number, number>();
  /** Time (ms) of each person's last page view; in the future if the view is scheduled. */
  readonly lastVisit = new Map<string, number>();
  readonly audit: AuditEntry[] = [];
  private readonly longestLagMs = (): number => Math.max(...LAGS.map((name) => this.lagMs(name)));
  readonly pastSpaces: Past<number, Space>;
  readonly pastContent: Past<number, Content>;
  readonly pastSpaceProperties: Past<number, { spaceId: number; property: Property }>;
  readonly pastPeople: Past<string, { personalSpaceId: number | null }>;
  /** The group ids of each person. */
  readonly pastGroups: Past<string, ReadonlySet<string>>;
  private nextId = 163_840;
  private nextPropertyId = 163_840;
  private sortedSpaces = new Map<string, Space[]>();
  private activeByGroup = new Map<string, readonly string[]>();
  private spacesByStatus = new Map<string, Space[]>();

  constructor(
    readonly clock: Clock,
    readonly settings: SiteSettings,
  ) {
    this.pastSpaces = new Past(clock, this.longestLagMs);
    this.pastContent = new Past(clock, this.longestLagMs);
    this.pastSpaceProperties = new Past(clock, this.longestLagMs);
    this.pastPeople = new Past(clock, this.longestLagMs);
    this.pastGroups = new Past(clock, this.longestLagMs);
  }

  /** A duration setting in milliseconds. Settings may change while the site runs. */
  lagMs(name: (typeof LAGS)[number] | 'appPermissionDelay'): number {
    return durationMs(this.settings[name]);
  }

  /** Treats everything that exists now as old, so that no lag hides it. Seeds call this. */
  forgetPast(): void {
    for (const past of [this.pastSpaces, this.pastContent, this.pastSpaceProperties, this.pastPeople, this.pastGroups]) past.forget();
  }

  newId(): number {
    this.nextId += ID_STEP;
    return this.nextId;
  }

  /** Properties have a series of their own: when one is written does not change the ids of what is created later. */
  newPropertyId(): number {
    this.nextPropertyId += ID_STEP;
    return this.nextPropertyId;
  }

  record(actor: string, action: string, target: string): void {
    this.audit.push({ at: this.clock.iso(), actor, action, target });
  }

  addGroup(group: Omit<Group, 'members'>): Group {
    const full: Group = { ...group, members: new Set() };
    this.groups.set(full.id, full);
    this.groupsByName.set(full.name, full);
    return full;
  }

  addPerson(person: Omit<Person, 'groups' | 'personalSpaceId'> & { groups: string[] }): Person {
    const full: Person = { ...person, groups: new Set(), personalSpaceId: null };
    this.people.set(full.accountId, full);
    this.setGroups(full, person.groups);
    return full;
  }

  /** @throws Error if a group with that name does not exist */
  setGroups(person: Person, names: string[]): void {
    const groups = names.map((name) => {
      const group = this.groupsByName.get(name);
      if (!group) throw new Error(`no group named ${name}`);
      return group;
    });
    this.peopleChanged();
    this.pastGroups.note(person.accountId, person.groups);
    for (const id of person.groups) this.groups.get(id)?.members.delete(person.accountId);
    person.groups = new Set(groups.map((g) => g.id));
    for (const group of groups) group.members.add(person.accountId);
  }

  visited(accountId: string, at: number): void {
    this.lastVisit.set(accountId, Math.max(at, this.lastVisit.get(accountId) ?? at));
  }

  /** A person or the user of an app. */
  account(accountId: string): Person | undefined {
    return this.people.get(accountId) ?? APP_USERS.find((user) => user.accountId === accountId);
  }

  /** Call this when a person's status or groups have changed. */
  peopleChanged(): void {
    this.activeByGroup.clear();
  }

  /** Members of a group, as its API lists them: only active people. */
  activeMembers(groupId: string): readonly string[] {
    let members = this.activeByGroup.get(groupId);
    if (!members) {
      members = [...(this.groups.get(groupId)?.members ?? [])].filter((id) => this.people.get(id)?.accountStatus === 'active');
      this.activeByGroup.set(groupId, members);
    }
    return members;
  }

  isInGroup(person: Person, names: readonly string[]): boolean {
    return names.some((name) => {
      const group = this.groupsByName.get(name);
      return group !== undefined && person.groups.has(group.id);
    });
  }

  isLicensed(person: Person): boolean {
    if (person.accountStatus !== 'active' || person.isGuest || person.accountType !== 'atlassian') return false;
    for (const id of person.groups) {
      const access = this.groups.get(id)?.access;
      if (access === 'user' || access === 'admin') return true;
    }
    return false;
  }

  isAdmin(person: Person): boolean {
    if (person.accountStatus !== 'active') return false;
    for (const id of person.groups) if (this.groups.get(id)?.access === 'admin') return true;
    return false;
  }

  /** A space with `createdAt` in the past counts as old and shows no lag. */
  addSpace(space: Omit<Space, 'id' | 'homepageId' | 'labels'> & { homeTitle: string; homeBody: string }): Space {
    const { homeTitle, homeBody, ...fields } = space;
    const full: Space = { ...fields, id: this.newId(), homepageId: null, labels: [] };
    const isNew = full.createdAt >= this.clock.now();
    if (isNew) this.pastSpaces.note(full.id, null);
    this.spaces.push(full);
    this.spacesById.set(full.id, full);
    this.spacesByKey.set(full.key, full);
    this.sortedSpaces.clear();
    this.spacesByStatus.clear();
    full.homepageId = this.addContent({
      type: 'page',
      title: homeTitle,
      spaceId: full.id,
      parentId: null,
      authorId: full.authorId,
      body: homeBody,
      at: full.createdAt,
    }).id;
    if (full.type === 'personal' && full.ownerId) {
      const owner = this.people.get(full.ownerId);
      if (owner && isNew) this.pastPeople.note(owner.accountId, { personalSpaceId: owner.personalSpaceId });
      if (owner) owner.personalSpaceId = full.id;
    }
    return full;
  }

  removeSpace(space: Space): void {
    this.pastSpaces.note(space.id, { ...space });
    this.spaces.splice(this.spaces.indexOf(space), 1);
    this.spacesById.delete(space.id);
    this.spacesByKey.delete(space.key);
    this.sortedSpaces.clear();
    this.spacesByStatus.clear();
    for (const item of [...(this.contentBySpace.get(space.id) ?? [])]) this.dropContent(item);
    this.contentBySpace.delete(space.id);
    this.spaceProperties.delete(space.id);
    const owner = space.ownerId ? this.people.get(space.ownerId) : undefined;
    if (owner?.personalSpaceId !== space.id) return;
    this.pastPeople.note(owner.accountId, { personalSpaceId: owner.personalSpaceId });
    owner.personalSpaceId = null;
  }

  /** Changes what lists show about a space. Permissions are set directly, because they take effect at once. */
  changeSpace(space: Space, change: Partial<Pick<Space, 'name' | 'status' | 'description' | 'homepageId' | 'labels'>>): void {
    this.pastSpaces.note(space.id, { ...space });
    Object.assign(space, change);
    if (change.name !== undefined) this.sortedSpaces.clear();
    if (change.status !== undefined) this.spacesByStatus.clear();
  }

  /** Spaces of a type and status, by id, so that listing a few archived spaces does not walk 100,000 current ones. */
  spacesOf(type: string, status: string): readonly Space[] {
    const name = `${type} ${status}`;
    let found = this.spacesByStatus.get(name);
    if (!found) {
      found = this.spaces.filter((s) => s.type === type && s.status === status);
      this.spacesByStatus.set(name, found);
    }
    return found;
  }

  /** All spaces ordered by id, key or name. Cached until a space is added, removed or renamed. */
  spacesOrderedBy(field: 'id' | 'key' | 'name'): Space[] {
    if (field === 'id') return this.spaces;
    let sorted = this.sortedSpaces.get(field);
    if (!sorted) {
      sorted = [...this.spaces].sort(SPACE_ORDERS[field]);
      this.sortedSpaces.set(field, sorted);
    }
    return sorted;
  }

  addContent(item: {
    type: ContentType;
    title: string;
    spaceId: number;
    parentId: number | null;
    authorId: string;
    body: string;
    at: number;
    status?: Content['status'];
    viewers?: Set<string> | null;
  }): Content {
    const full: Content = {
      id: this.newId(),
      type: item.type,
      status: item.status ?? 'current',
      statusChangedAt: item.at,
      title: item.title,
      spaceId: item.spaceId,
      parentId: item.parentId,
      authorId: item.authorId,
      ownerId: item.authorId,
      createdAt: item.at,
      body: item.body,
      versions: [{ number: 1, at: item.at, authorId: item.authorId, message: '' }],
      viewers: item.viewers ?? null,
    };
    if (item.at >= this.clock.now()) this.pastContent.note(full.id, null);
    this.content.set(full.id, full);
    this.contentById.push(full);
    this.sortedContent.clear();
    const siblings = this.contentBySpace.get(full.spaceId);
    if (siblings) siblings.push(full);
    else this.contentBySpace.set(full.spaceId, [full]);
    return full;
  }

  removeContent(item: Content): void {
    this.clearHomepage(item);
    this.dropContent(item);
  }

  /** When its homepage is removed, a space is left without one, even if the page is restored later. */
  private clearHomepage(item: Content): void {
    const space = this.spacesById.get(item.spaceId);
    if (space?.homepageId === item.id) this.changeSpace(space, { homepageId: null });
  }

  private dropContent(item: Content): void {
    this.pastContent.note(item.id, { ...item });
    this.content.delete(item.id);
    this.contentById.splice(this.contentById.indexOf(item), 1);
    const siblings = this.contentBySpace.get(item.spaceId) ?? [];
    siblings.splice(siblings.indexOf(item), 1);
    this.sortedContent.clear();
  }

  /** All content in the given order. Orders other than by id are cached until something changes. */
  contentOrderedBy(name: string, compare: (a: Content, b: Content) => number): readonly Content[] {
    if (name === 'id') return this.contentById;
    let sorted = this.sortedContent.get(name);
    if (!sorted) {
      sorted = [...this.contentById].sort(compare);
      this.sortedContent.set(name, sorted);
    }
    return sorted;
  }

  /** Adds a version, with the change it makes. A version with `at` in the past is inserted by date. */
  addVersion(item: Content, change: { authorId: string; at: number; message: string; title?: string; body?: string }): void {
    const { title, body, ...added } = change;
    if (added.at >= this.clock.now()) this.pastContent.note(item.id, { ...item });
    const later = item.versions.filter((version) => version.at > added.at);
    const earlier = item.versions.slice(0, item.versions.length - later.length);
    const versions = [...earlier, { number: 0, ...added }, ...later];
    // A new array, because earlier copies of the record share the old one.
    item.versions = versions.map((version, i) => (version.number === i + 1 ? version : { ...version, number: i + 1 }));
    if (title !== undefined) item.title = title;
    if (body !== undefined) item.body = body;
    this.sortedContent.clear();
  }

  setContentStatus(item: Content, status: Content['status']): void {
    this.pastContent.note(item.id, { ...item });
    item.status = status;
    item.statusChangedAt = this.clock.now();
    if (status === 'trashed') this.clearHomepage(item);
  }

  setOwner(item: Content, ownerId: string): void {
    this.pastContent.note(item.id, { ...item });
    item.ownerId = ownerId;
  }
}

export function latest(item: Content): Version {
  return item.versions[item.versions.length - 1] as Version;
}

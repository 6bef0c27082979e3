/** What people do, and the events Confluence sends about it. */
import { durationMs } from '../clock';
import { type Caller, callerId, mayDo, mayHavePersonalSpace, maySeeContent } from './access';
import type { ConfluenceSite } from './site';
import { APP_ACCOUNT_ID, type Content, latest, openGrants, type Person, personalSpaceKey, type Space } from './state';

const iso = (at: number): string => new Date(at).toISOString();
const user = (accountId: string): Record<string, unknown> => ({
  type: 'known',
  accountId,
  accountType: accountId === APP_ACCOUNT_ID ? 'app' : 'atlassian',
  isExternalCollaborator: false,
});

function spaceObject(space: Space): Record<string, unknown> {
  return {
    id: space.id,
    key: space.key,
    alias: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    icon: { path: `/wiki/aa-avatar/${space.authorId}`, width: 48, height: 48, isDefault: true },
  };
}

function contentObject(item: Content, space: Space): Record<string, unknown> {
  const version = latest(item);
  return {
    id: String(item.id),
    type: item.type,
    status: item.status,
    title: item.title,
    space: spaceObject(space),
    history: { latest: true, createdBy: user(item.authorId), ownedBy: user(item.ownerId), createdDate: iso(item.createdAt) },
    version: { by: user(version.authorId), when: iso(version.at), number: version.number },
  };
}

/** V28: undocumented for what the app does as a person. */
function isSelf(site: ConfluenceSite, caller: Caller): boolean {
  if (site.settings.selfGeneratedSent === 'never') return false;
  return caller.kind === 'app' || (site.settings.selfGeneratedSent === 'all' && caller.kind === 'person' && caller.viaApp);
}

export function contentEvents(site: ConfluenceSite) {
  return {
    /** Pages with view restrictions send no events; restricted spaces do (V13). */
    content(verb: 'viewed' | 'created' | 'updated' | 'trashed' | 'restored' | 'deleted', item: Content, caller: Caller): void {
      const space = site.state.spacesById.get(item.spaceId);
      if (!space || item.viewers) return;
      const container = item.parentId === null ? undefined : site.state.content.get(item.parentId);
      site.onEvent({
        eventType: `avi:confluence:${verb}:${item.type}`,
        atlassianId: callerId(caller),
        eventCreatedDate: site.clock.iso(),
        suppressNotifications: false,
        selfGenerated: isSelf(site, caller),
        content: {
          ...contentObject(item, space),
          ...(container?.type === 'page' && item.type === 'comment' ? { container: contentObject(container, space) } : {}),
        },
      });
    },
    space(verb: 'created' | 'updated' | 'deleted' | 'permissions_updated', space: Space, caller: Caller): void {
      site.onEvent({
        eventType: `avi:confluence:${verb}:space:V2`,
        atlassianId: callerId(caller),
        eventCreatedDate: site.clock.iso(),
        selfGenerated: isSelf(site, caller),
        space: { ...spaceObject(space), history: { createdBy: user(space.authorId), createdDate: iso(space.createdAt) } },
      });
    },
  };
}

export function peopleEvents(site: ConfluenceSite) {
  return {
    user(verb: 'created' | 'deleted', person: Person): void {
      site.onEvent({
        eventType: `avi:confluence:${verb}:user`,
        eventCreatedDate: site.clock.iso(),
        selfGenerated: false,
        user: {
          ...user(person.accountId),
          username: person.accountId,
          email: person.accountId,
          displayName: person.accountId,
          publicName: person.accountId,
        },
      });
    },
  };
}

/**
 * A person views a page. This is when Confluence may create their personal space.
 * @param at if in the past, the visit is recorded and nothing else happens
 * @throws Error if the person may not view it
 */
export function view(site: ConfluenceSite, person: Person, item: Content, at = site.clock.now()): void {
  const caller: Caller = { kind: 'person', person, viaApp: false };
  if (!maySeeContent(site.state, caller, item)) throw new Error(`${person.accountId} may not view ${item.id}`);
  site.state.visited(person.accountId, at);
  if (at < site.clock.now()) return;
  site.tell.content('viewed', item, caller);
  if (site.settings.nativeAutoCreate) {
    const delay = durationMs(site.settings.nativeAutoCreateDelay);
    if (delay === 0) createNatively(site, person);
    else site.clock.after(delay, () => void createNatively(site, person));
  }
}

/** @param at if in the past, no event is sent. @throws Error if the person may not edit it */
export function edit(site: ConfluenceSite, person: Person, item: Content, at = site.clock.now()): void {
  const caller: Caller = { kind: 'person', person, viaApp: false };
  const space = site.state.spacesById.get(item.spaceId);
  if (!space || !mayDo(site.state, caller, space, 'update/page')) throw new Error(`${person.accountId} may not edit ${item.id}`);
  site.state.addVersion(item, { authorId: person.accountId, at, message: '' });
  if (at >= site.clock.now()) site.tell.content('updated', item, caller);
}

/** Adds a comment that everyone who can see the page can see. @param at if in the past, no event is sent */
export function comment(site: ConfluenceSite, person: Person, page: Content, at = site.clock.now()): Content {
  const added = site.state.addContent({
    type: 'comment',
    title: `Re: ${page.title}`,
    spaceId: page.spaceId,
    parentId: page.id,
    authorId: person.accountId,
    body: '<p>Well said.</p>',
    at,
    viewers: page.viewers,
  });
  if (at >= site.clock.now()) site.tell.content('created', added, { kind: 'person', person, viaApp: false });
  return added;
}

/** Confluence's own automatic creation: an open space with its own homepage, for people who hold "Personal space". */
export function createNatively(site: ConfluenceSite, person: Person): Space | null {
  const key = personalSpaceKey(person.accountId);
  if (person.personalSpaceId !== null || site.state.spacesByKey.has(key) || !mayHavePersonalSpace(site.state, person)) return null;
  return createPersonalSpace(site, person, { kind: 'person', person, viaApp: false }, openGrants(person.accountId));
}

/** The homepage that Confluence itself gives a new personal space. */
export const NATIVE_HOME_BODY = '<p>Welcome to your personal space.</p>';

export function createPersonalSpace(
  site: ConfluenceSite,
  owner: Person,
  caller: Caller,
  grants: Space['grants'],
  input: { name?: string; description?: string; createdAt?: number; sendsEvent?: boolean; status?: Space['status'] } = {},
): Space {
  const { name = owner.displayName, description = '', createdAt = site.clock.now(), sendsEvent = true, status = 'current' } = input;
  const space = site.state.addSpace({
    key: personalSpaceKey(owner.accountId),
    name,
    type: 'personal',
    status,
    authorId: owner.accountId,
    ownerId: owner.accountId,
    createdAt,
    description,
    grants,
    homeTitle: 'Overview',
    homeBody: NATIVE_HOME_BODY,
  });
  site.state.record(callerId(caller), 'space-created', space.key);
  if (sendsEvent) site.tell.space('created', space, caller);
  return space;
}

/** Atlassian support: since January 2025, the trash is purged after 60 days. */
const PURGE_MS = 60 * 86_400_000;

export interface NewGlobalSpace {
  key: string;
  name: string;
  description: string;
  grants: Space['grants'];
}

/** What v1 and v2 creation have in common: the caller is author and owner, and there is a homepage right away. */
export function createGlobalSpace(site: ConfluenceSite, caller: Caller, input: NewGlobalSpace): Space {
  const creator = callerId(caller);
  const space = site.state.addSpace({
    ...input,
    type: 'global',
    status: 'current',
    authorId: creator,
    ownerId: creator,
    createdAt: site.clock.now(),
    homeTitle: `${input.name} Home`,
    homeBody: '',
  });
  site.tell.space('created', space, caller);
  return space;
}

/** Changes the status of a space. That this sends an event is an assumption (V12). */
export function setSpaceStatus(site: ConfluenceSite, space: Space, status: Space['status'], caller: Caller): void {
  if (space.status === status) return;
  site.state.changeSpace(space, { status });
  site.state.record(callerId(caller), `space-${status}`, space.key);
  if (status !== 'trashed') {
    site.tell.space('updated', space, caller);
    return;
  }
  purgeLater(site, space);
}

/** Schedules the purge of a space that has just been trashed. */
export function purgeLater(site: ConfluenceSite, space: Space): void {
  const { state, clock } = site;
  const trashedAt = clock.now();
  state.trashedAt.set(space.id, trashedAt);
  clock.after(PURGE_MS, () => {
    // The space may have been restored in the meantime; trashing it again starts a new period.
    if (space.status !== 'trashed' || state.trashedAt.get(space.id) !== trashedAt || !state.spacesById.has(space.id)) return;
    site.state.removeSpace(space);
    site.state.record('confluence', 'space-purged', space.key);
    site.tell.space('deleted', space, { kind: 'anonymous' });
  });
}

/** What people do by hand in Confluence, for the control API. */
import { z } from 'zod';
import { durationMs } from '../clock';
import { ControlError } from '../control-error';
import { Duration } from '../settings';
import { type Caller, canUseConfluence, mayDo, maySeeContent } from './access';
import { comment, createPersonalSpace, edit, purgeLater, setSpaceStatus, view } from './activity';
import { spaceJson } from './rest/spaces';
import { addPage } from './seed';
import type { ConfluenceSite } from './site';
import { type Content, EVERYONE_GRANT, isAppUser, openGrants, type Person, personalSpaceKey, privateGrants, type Space } from './state';

const Time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), { message: 'not a time' });
const Count = z.number().int().min(0).default(0);
const Access = z.enum(['private', 'licensed']);
const Status = z.enum(['current', 'archived', 'trashed']);

const NewSpace = z.strictObject({
  owner: z.string(),
  status: Status.default('current'),
  access: Access.default('licensed'),
  pages: z.array(z.strictObject({ title: z.string(), updated: Time, by: z.string().optional() })).default([]),
  labels: z.array(z.string()).default([]),
  comments: z.array(z.strictObject({ by: z.string(), at: Time })).default([]),
  createdAt: Time.optional(),
});

const SpaceChange = z.strictObject({ by: z.string(), status: Status.optional(), access: Access.optional() });

const OnePerson = z.strictObject({
  accountId: z.string(),
  spaceId: z.string().optional(),
  views: Count,
  edits: Count,
  comments: Count,
  restricted: z.boolean().default(false),
  at: Time.optional(),
});
const ManyPeople = z.strictObject({
  count: z.number().int().min(1),
  spread: Duration.default('PT0S'),
  views: z.number().int().min(1).default(1),
});

const DAY_MS = 86_400_000;

/** @throws ControlError 400 */
function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}

/** @throws ControlError 404 */
function person(site: ConfluenceSite, accountId: string): Person {
  const found = site.state.people.get(accountId);
  if (!found) throw new ControlError(404, `no person ${accountId}`);
  return found;
}

/** @throws ControlError 404 */
function space(site: ConfluenceSite, spaceId: string): Space {
  const found = site.state.spacesById.get(Number(spaceId));
  if (!found) throw new ControlError(404, `no space ${spaceId}`);
  return found;
}

const signedIn = (who: Person): Caller => ({ kind: 'person', person: who, viaApp: false });

/**
 * Creates a personal space as its owner would. With `createdAt` in the past, the space counts as old: no event is
 * sent and no list lags. Old pages by themselves only backdate the creation. Authors of pages and comments are not
 * checked against the permissions the space has now.
 * @returns the space as v2 returns it
 * @throws ControlError
 */
export function addSpace(site: ConfluenceSite, input: unknown): ReturnType<typeof spaceJson> {
  const wanted = parse(NewSpace, input);
  const owner = person(site, wanted.owner);
  if (owner.personalSpaceId !== null || site.state.spacesByKey.has(personalSpaceKey(owner.accountId))) {
    throw new ControlError(400, `${owner.accountId} has a personal space`);
  }
  const now = site.clock.now();
  const pages = wanted.pages.map((page) => ({
    title: page.title,
    at: Date.parse(page.updated),
    author: person(site, page.by ?? wanted.owner),
  }));
  const comments = wanted.comments.map(({ by, at }) => ({ at: Date.parse(at), author: person(site, by) }));
  const times = [...pages, ...comments].map(({ at }) => at);
  const oldest = Math.min(now, ...times);
  const createdAt = wanted.createdAt === undefined ? oldest : Date.parse(wanted.createdAt);
  if (Math.max(createdAt, ...times) > now) throw new ControlError(400, 'nothing can have been done in the future');
  if (oldest < createdAt) throw new ControlError(400, 'a page or comment is older than the space');

  const caller = signedIn(owner);
  const isOld = wanted.createdAt !== undefined && createdAt < now;
  const grants = wanted.access === 'private' ? privateGrants(owner.accountId) : openGrants(owner.accountId);
  const status = isOld ? wanted.status : 'current';
  const created = createPersonalSpace(site, owner, caller, grants, { createdAt, sendsEvent: !isOld, status });
  created.labels = [...new Set(wanted.labels)];
  for (const { title, at, author } of pages) addPage(site, created, { title, at, authorId: author.accountId });
  const home = site.state.content.get(created.homepageId ?? 0);
  for (const { at, author } of comments) if (home) comment(site, author, home, at);
  if (!isOld) setSpaceStatus(site, created, wanted.status, caller);
  else if (status === 'trashed') purgeLater(site, created);
  return spaceJson(created, site.settings);
}

/**
 * Changes a space as `by` would, and sends the events. Confluence administrators may change every space, because
 * the product lets them recover permissions first. Only they can restore a space from the trash.
 * @returns the space as v2 returns it
 * @throws ControlError 400 if that person may not do this; nothing is changed then
 */
export function changeSpace(site: ConfluenceSite, spaceId: string, input: unknown): ReturnType<typeof spaceJson> {
  const { by, status, access } = parse(SpaceChange, input);
  const changed = space(site, spaceId);
  const who = person(site, by);
  const caller = signedIn(who);
  const isAdmin = site.state.isAdmin(who);
  if (status === undefined && access === undefined) throw new ControlError(400, "give 'status' or 'access'");
  if (!canUseConfluence(site.state, caller)) throw new ControlError(400, `${by} cannot use Confluence`);
  if (!isAdmin && !mayDo(site.state, caller, changed, 'administer/space'))
    throw new ControlError(400, `${by} does not administer space ${spaceId}`);
  const leavesTrash = changed.status === 'trashed' && status !== undefined && status !== 'trashed';
  if (leavesTrash && !isAdmin) throw new ControlError(400, 'only administrators of Confluence restore from the trash');
  if (leavesTrash && status !== 'current') throw new ControlError(400, 'what is in the trash cannot be archived');
  if (access !== undefined && changed.status === 'trashed' && !leavesTrash) {
    throw new ControlError(400, 'who sees a space in the trash cannot be changed');
  }

  if (status !== undefined) setSpaceStatus(site, changed, status, caller);
  if (access !== undefined) {
    const ownerId = changed.ownerId ?? changed.authorId;
    const apps = changed.grants.filter((grant) => isAppUser(grant.principalId));
    changed.grants = [...privateGrants(ownerId), ...apps, ...(access === 'licensed' ? [EVERYONE_GRANT] : [])];
    site.state.record(by, 'space-permissions-changed', changed.key);
    site.tell.space('permissions_updated', changed, caller);
  }
  return spaceJson(changed, site.settings);
}

/** What was done, or is scheduled until the end of the spread. */
export interface Done {
  people: number;
  views: number;
  edits: number;
  comments: number;
}

/**
 * Has people view, edit and comment on pages: one named person, or the first `count` people without a visit today.
 * @throws ControlError; nothing has been done then
 */
export function act(site: ConfluenceSite, input: unknown): Done {
  if (typeof input === 'object' && input !== null && 'count' in input) return actAsMany(site, parse(ManyPeople, input));
  return actAsOne(site, parse(OnePerson, input));
}

/** The homepage of a space or, if there is none, the oldest page that this person can see. */
function findFrontPage(site: ConfluenceSite, who: Person, of: Space): Content | undefined {
  const { state } = site;
  const pages = [state.content.get(of.homepageId ?? 0), ...(state.contentBySpace.get(of.id) ?? [])];
  return pages.find((item) => item?.type === 'page' && item.status === 'current' && maySeeContent(state, signedIn(who), item));
}

/** @throws ControlError 400 */
function frontPage(site: ConfluenceSite, who: Person, of: Space): Content {
  const page = findFrontPage(site, who, of);
  if (!page) throw new ControlError(400, `${who.accountId} sees no page of space ${of.id}`);
  return page;
}

/** @throws ControlError 404 */
function firstGlobalSpace(site: ConfluenceSite): Space {
  const found = site.state.spaces.find((candidate) => candidate.type === 'global');
  if (!found) throw new ControlError(404, 'the site has no global space');
  return found;
}

function actAsOne(site: ConfluenceSite, action: z.infer<typeof OnePerson>): Done {
  const { state, clock } = site;
  const { accountId, views, edits, comments, restricted } = action;
  const who = person(site, accountId);
  const where = action.spaceId === undefined ? firstGlobalSpace(site) : space(site, action.spaceId);
  const now = clock.now();
  const at = action.at === undefined ? now : Date.parse(action.at);
  const page = frontPage(site, who, where);
  const requireRight = (operation: string): void => {
    if (!mayDo(state, signedIn(who), where, operation))
      throw new ControlError(400, `${accountId} may not ${operation} in space ${where.id}`);
  };
  if (restricted) requireRight('create/page');
  if (edits > 0) requireRight('update/page');
  if (comments > 0) requireRight('create/comment');
  if (at > now) throw new ControlError(400, 'nothing can have been done in the future');
  if (at < (restricted ? where.createdAt : page.createdAt)) throw new ControlError(400, 'there was no such page at that time');

  const target = restricted ? addRestrictedPage(site, who, where, at) : page;
  for (let i = 0; i < views; i += 1) view(site, who, target, at);
  for (let i = 0; i < edits; i += 1) edit(site, who, target, at);
  for (let i = 0; i < comments; i += 1) comment(site, who, target, at);
  return { people: 1, views, edits, comments };
}

const RESTRICTED_TITLE = 'Private notes';

/** Adds a page that only its author can see. It sends no event. */
function addRestrictedPage(site: ConfluenceSite, author: Person, where: Space, at: number): Content {
  const others = (site.state.contentBySpace.get(where.id) ?? []).filter((item) => item.title.startsWith(RESTRICTED_TITLE));
  return site.state.addContent({
    type: 'page',
    title: `${RESTRICTED_TITLE} ${others.length + 1}`,
    spaceId: where.id,
    parentId: where.homepageId,
    authorId: author.accountId,
    body: '<p>For my eyes only.</p>',
    at,
    viewers: new Set([author.accountId]),
  });
}

function actAsMany(site: ConfluenceSite, { count, spread, views }: z.infer<typeof ManyPeople>): Done {
  const { state, clock } = site;
  const where = firstGlobalSpace(site);
  const now = clock.now();
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  const chosen: Person[] = [];
  for (const who of state.people.values()) {
    if (chosen.length === count) break;
    if (state.isLicensed(who) && (state.lastVisit.get(who.accountId) ?? 0) < midnight) chosen.push(who);
  }
  const visit = (who: Person): void => {
    const page = findFrontPage(site, who, where);
    // The person may have lost access by now, or the page may be gone.
    for (let i = 0; page && i < views; i += 1) view(site, who, page);
  };
  if (chosen[0]) frontPage(site, chosen[0], where);
  chosen.forEach((who, i) => {
    const delayMs = Math.floor((i * durationMs(spread)) / chosen.length);
    // Recorded now, so that the next call does not choose this person again.
    state.visited(who.accountId, now + delayMs);
    if (delayMs === 0) visit(who);
    else clock.after(delayMs, () => visit(who));
  });
  return { people: chosen.length, views: chosen.length * views, edits: 0, comments: 0 };
}

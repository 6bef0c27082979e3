/**
 * The calls that may create a personal space, in order. Which of them a real site accepts is not verified, so
 * they are tried one after another, and the one that worked is tried first next time.
 */
import { type Readers, readRoleMode } from '../confluence/access';
import type { Requester } from '../confluence/call';
import {
  type Creation,
  createByDefaultCall,
  createByGraph,
  createByPermissionList,
  createByPrivateCall,
  type NewPersonalSpace,
} from '../confluence/creation';
import { listLicensedGroups, readPerson } from '../confluence/people';
import { deleteSpace, findSpaceByKey, readSpace } from '../confluence/spaces';
import type { Treatment } from '../domain/policy/document';
import { shorten } from '../domain/text';
import { dayOf } from '../domain/time';
import { isFinal } from '../forge/errors';
import { type CreationCalls, knownCreationCalls, rememberUnfitCall } from '../store/site-facts';

export { rememberWorkingCall as rememberCall } from '../store/site-facts';

type CreationCall = 'private-call' | 'permission-list' | 'default-call' | 'graphql';

/**
 * Which calls can lead to each access. GraphQL creates spaces with the site's default permissions, to be closed
 * afterwards; it is left out where nothing can close them.
 */
const CALLS: Record<Treatment['access'], readonly CreationCall[]> = {
  private: ['private-call', 'permission-list', 'graphql'],
  licensed: ['private-call', 'permission-list', 'graphql'],
  // A private space shows less than was promised, never more.
  'site-default': ['default-call', 'graphql', 'private-call'],
};

export type CreationResult =
  /** `readers`: who can see it now; `default` = everyone whom the site's default permissions let in. */
  | {
      kind: 'created';
      call: CreationCall;
      spaceId: string;
      homepageId: string | null;
      readers: Readers | 'default';
      /** Whether the same call let the app in; null = that was not asked for. */
      app: 'given' | 'refused' | null;
    }
  /** The person has a space now, created by someone else in the meantime. */
  | { kind: 'exists'; spaceId: string }
  /** The person's key belongs to a space of theirs that was archived or trashed. */
  | { kind: 'removed'; spaceId: string; how: 'archived' | 'trashed' }
  | { kind: 'refused'; detail: string }
  /** Confluence says that the key is taken, but does not list the space that has it: lists lag behind. */
  | { kind: 'unlisted' }
  /** Only a call that creates an open space is left, and this site has no way to close it. */
  | { kind: 'no-private-way'; detail: string };

/** Length of the reason why a space was not created; it is kept in the trail. */
const MAX_DETAIL = 500;

interface Making {
  as: Requester;
  cloudId: string;
  space: NewPersonalSpace;
  access: Treatment['access'];
  /** Account of the app, if only the creation can let it in; otherwise null. */
  appId: string | null;
  /** The call that a stopped run was at. */
  begun: string | null;
  /** Awaited before each call. */
  begin: (call: CreationCall) => Promise<void>;
}

/**
 * Creates the space as the person, or says why not. Safe to repeat: a person has one key.
 * @throws ConfluenceError for rate limits, failures and missing scopes
 */
export async function createPersonalSpace({ as, cloudId, space, access, appId, begun, begin }: Making): Promise<CreationResult> {
  const refusals: { text: string; isPermission: boolean }[] = [];
  let isOnlyOpenLeft = false;
  let readerGroups: string[] = [];
  const calls = await knownCreationCalls();
  let isAppRefused = false;
  for (const { call, app } of attemptsOf(orderOf(CALLS[access], calls, begun), appId, begun)) {
    if (access === 'licensed' && (await readRoleMode()) === 'PRE_ROLES') {
      // There only a list of groups lets everyone read: nothing can be opened or closed afterwards.
      if (call !== 'permission-list') {
        isOnlyOpenLeft ||= call === 'graphql';
        continue;
      }
      readerGroups = (await listLicensedGroups()).map((group) => group.id);
    } else if (access === 'private' && call === 'graphql' && (await readRoleMode()) === 'PRE_ROLES') {
      isOnlyOpenLeft = true;
      continue;
    }
    await begin(call);
    const creation = await create(call, as, cloudId, space, readerGroups, app);
    // An answer without a type is no reason to delete anything: the space itself says what it is.
    if (creation.kind === 'created' && creation.type === 'unknown')
      creation.type = (await readSpace(as, creation.spaceId))?.type ?? 'personal';
    if (creation.kind === 'created' && creation.type === 'personal') {
      const { spaceId, homepageId } = creation;
      const outcome = app === null ? (isAppRefused ? 'refused' : null) : 'given';
      return { kind: 'created', call, spaceId, homepageId, readers: readersOf(call, readerGroups), app: outcome };
    }
    if (creation.kind === 'created') return { kind: 'refused', detail: await takeBack(call, as, space, creation.type) };
    const existing = await whatHoldsTheKey(as, space);
    if (existing) return existing;
    // A refusal that names the key is about the key: another space has it and is not listed yet (the wording is unverified).
    if (creation.status === 400 && creation.detail.includes(space.key)) return { kind: 'unlisted' };
    isAppRefused ||= app !== null;
    refusals.push({ text: `${call}: ${creation.status} ${creation.detail}`, isPermission: creation.status === 403 });
  }
  const notUsed = calls.unfit.map(({ call, until }) => `${call}: not used until ${dayOf(until)}`);
  const detail = shorten([...refusals.map((r) => r.text), ...notUsed].join(' | '), MAX_DETAIL);
  // "You may not" is about the person; anything else says that the call is not for personal spaces.
  return isOnlyOpenLeft && !refusals.some((r) => r.isPermission) ? { kind: 'no-private-way', detail } : { kind: 'refused', detail };
}

function readersOf(call: CreationCall, readerGroups: readonly string[]): Readers | 'default' {
  if (call === 'private-call') return 'nobody';
  if (call === 'permission-list') return readerGroups.length > 0 ? 'licensed' : 'nobody';
  return 'default';
}

/** The call that worked comes first; a stopped run continues where it was; a call that created something else is left out. */
function orderOf(calls: readonly CreationCall[], { worked, unfit }: CreationCalls, begun: string | null): CreationCall[] {
  const fit = calls
    .filter((call) => !unfit.some((other) => other.call === call))
    .sort((a, b) => Number(b === worked) - Number(a === worked));
  const start = Math.max(0, (fit as readonly string[]).indexOf(begun ?? ''));
  return [...fit.slice(start), ...fit.slice(0, start)];
}

interface Attempt {
  call: CreationCall;
  /** Account of the app that this call lets in. */
  app: string | null;
}

/** A call that lets the app in comes before all others. Refused, it may have been because of the app: then the space is made without it. */
function attemptsOf(order: readonly CreationCall[], appId: string | null, begun: string | null): Attempt[] {
  const attempts = order.map((call): Attempt => ({ call, app: null }));
  const isFirst = order.includes('permission-list') && (begun === null || begun === 'permission-list');
  return appId !== null && isFirst ? [{ call: 'permission-list', app: appId }, ...attempts] : attempts;
}

/**
 * Confluence took the key and created something else: this very run created it, so it is deleted, and the call
 * is not used for a while.
 */
async function takeBack(call: CreationCall, as: Requester, space: NewPersonalSpace, type: string): Promise<string> {
  await rememberUnfitCall(call);
  try {
    await deleteSpace(as, space.key);
  } catch (error) {
    if (!isFinal(error)) throw error;
    return `${call}: created a ${type} space; ${space.key} could not be deleted`;
  }
  return `${call}: created a ${type} space, which was deleted`;
}

function create(
  call: CreationCall,
  as: Requester,
  cloudId: string,
  space: NewPersonalSpace,
  readerGroups: readonly string[],
  appId: string | null,
): Promise<Creation> {
  if (call === 'private-call') return createByPrivateCall(as, space);
  if (call === 'permission-list') return createByPermissionList(as, space, readerGroups, appId);
  if (call === 'default-call') return createByDefaultCall(as, space);
  return createByGraph(as, cloudId, space);
}

/** After a refusal: the key may be taken by a space that was there before, or that has just appeared. */
async function whatHoldsTheKey(as: Requester, space: NewPersonalSpace): Promise<CreationResult | null> {
  const personalSpaceId = (await readPerson(space.accountId))?.personalSpaceId;
  if (personalSpaceId) return { kind: 'exists', spaceId: personalSpaceId };
  const holder = await findSpaceByKey(as, space.key);
  if (!holder) return null;
  if (holder.type !== 'personal' || holder.ownerId !== space.accountId) {
    return { kind: 'refused', detail: `the key ${space.key} belongs to a ${holder.type} space` };
  }
  if (holder.status === 'current') return { kind: 'exists', spaceId: holder.id };
  return { kind: 'removed', spaceId: holder.id, how: holder.status === 'archived' ? 'archived' : 'trashed' };
}

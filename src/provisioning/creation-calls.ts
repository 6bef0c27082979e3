/**
 * The calls that may create a personal space, in order. Which of them a real site accepts is not
 * verified, so each is tried until one works, and what worked is tried first next time.
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
import { type CreationStrategies, readCreationStrategies, writeCreationStrategies } from '../store/site-facts';

export type StrategyName = 'private-call' | 'permission-list' | 'default-call' | 'graphql';

/**
 * Which calls can lead to each access. GraphQL makes spaces as the site's default says, to be closed
 * afterwards; it is left out where nothing can close them.
 */
const STRATEGIES: Record<Treatment['access'], readonly StrategyName[]> = {
  private: ['private-call', 'permission-list', 'graphql'],
  licensed: ['private-call', 'permission-list', 'graphql'],
  // A private space is less than was promised, and nothing worse.
  'site-default': ['default-call', 'graphql', 'private-call'],
};

export type CreationResult =
  /** `readers`: who can see it now; `default` = as the site's default says. */
  | { kind: 'created'; call: StrategyName; spaceId: string; homepageId: string | null; readers: Readers | 'default' }
  /** The person has a space now, made by somebody else in the meantime. */
  | { kind: 'exists'; spaceId: string }
  /** The person's key belongs to a space of theirs that was archived or trashed. */
  | { kind: 'removed'; spaceId: string; how: 'archived' | 'trashed' }
  | { kind: 'refused'; detail: string }
  /** Confluence says that the key is taken, and does not list by whom: lists lag behind. */
  | { kind: 'unlisted' }
  /** Only a call that makes an open space is left, and this site has no way to close it. */
  | { kind: 'no-private-way'; detail: string };

/** `~` + account id without `:` and `-`: the form Confluence gives to new personal spaces. */
export function personalSpaceKey(accountId: string): string {
  return `~${accountId.replace(/[:-]/g, '')}`;
}

interface Making {
  as: Requester;
  cloudId: string;
  space: NewPersonalSpace;
  access: Treatment['access'];
  /** Where a run that stopped had got to. */
  begun: string | null;
  /** Awaited before each strategy is tried. */
  begin: (strategy: StrategyName) => Promise<void>;
}

/**
 * Creates the space as the person, or says why not. Safe to repeat: the key is the person's.
 * @throws ConfluenceError for rate limits, failures and missing scopes
 */
export async function createPersonalSpace({ as, cloudId, space, access, begun, begin }: Making): Promise<CreationResult> {
  const refusals: { text: string; isPermission: boolean }[] = [];
  let isOnlyOpenLeft = false;
  let readerGroups: string[] = [];
  for (const strategy of orderOf(STRATEGIES[access], await readCreationStrategies(), begun)) {
    if (access === 'licensed' && (await readRoleMode()) === 'PRE_ROLES') {
      // There, only a list of groups lets everyone read: nothing can be opened or closed afterwards.
      if (strategy !== 'permission-list') {
        isOnlyOpenLeft ||= strategy === 'graphql';
        continue;
      }
      readerGroups = (await listLicensedGroups()).map((group) => group.id);
    } else if (access === 'private' && strategy === 'graphql' && (await readRoleMode()) === 'PRE_ROLES') {
      isOnlyOpenLeft = true;
      continue;
    }
    await begin(strategy);
    const creation = await create(strategy, as, cloudId, space, readerGroups);
    // An answer without a type is no reason to remove anything: the space itself says what it is.
    if (creation.kind === 'made' && creation.type === 'unknown')
      creation.type = (await readSpace(as, creation.spaceId))?.type ?? 'personal';
    if (creation.kind === 'made' && creation.type === 'personal') {
      const { spaceId, homepageId } = creation;
      return { kind: 'created', call: strategy, spaceId, homepageId, readers: readersOf(strategy, readerGroups) };
    }
    if (creation.kind === 'made') return { kind: 'refused', detail: await takeBack(strategy, as, space, creation.type) };
    const existing = await whatHoldsTheKey(as, space);
    if (existing) return existing;
    // A refusal that names the key is about the key: somebody was faster, and is not listed yet (the wording is unverified).
    if (creation.status === 400 && creation.detail.includes(space.key)) return { kind: 'unlisted' };
    refusals.push({ text: `${strategy}: ${creation.status} ${creation.detail}`, isPermission: creation.status === 403 });
  }
  const detail = refusals
    .map((r) => r.text)
    .join(' | ')
    .slice(0, 500);
  // "You may not" is about the person; anything else says that the call is not for personal spaces.
  return isOnlyOpenLeft && !refusals.some((r) => r.isPermission) ? { kind: 'no-private-way', detail } : { kind: 'refused', detail };
}

function readersOf(strategy: StrategyName, readerGroups: readonly string[]): Readers | 'default' {
  if (strategy === 'private-call') return 'nobody';
  if (strategy === 'permission-list') return readerGroups.length > 0 ? 'licensed' : 'nobody';
  return 'default';
}

/** What worked comes first, a stopped run goes on where it was, and what made something else is not tried. */
function orderOf(names: readonly StrategyName[], { worked, unfit }: CreationStrategies, begun: string | null): StrategyName[] {
  const fit = names.filter((name) => !unfit.includes(name)).sort((a, b) => Number(b === worked) - Number(a === worked));
  const start = Math.max(0, fit.indexOf(begun as StrategyName));
  return [...fit.slice(start), ...fit.slice(0, start)];
}

/** Confluence took the key and made something else: this very run made it, so it is removed, and the call is not used again. */
async function takeBack(strategy: StrategyName, as: Requester, space: NewPersonalSpace, type: string): Promise<string> {
  const strategies = await readCreationStrategies();
  await writeCreationStrategies({
    worked: strategies.worked === strategy ? null : strategies.worked,
    unfit: [...new Set([...strategies.unfit, strategy])],
  });
  await deleteSpace(as, space.key);
  return `${strategy}: made a ${type} space, which was removed`;
}

/** The call that worked is tried first from now on. */
export async function rememberCall(strategy: string): Promise<void> {
  const strategies = await readCreationStrategies();
  if (strategies.worked !== strategy) await writeCreationStrategies({ ...strategies, worked: strategy });
}

function create(
  strategy: StrategyName,
  as: Requester,
  cloudId: string,
  space: NewPersonalSpace,
  readerGroups: readonly string[],
): Promise<Creation> {
  if (strategy === 'private-call') return createByPrivateCall(as, space);
  if (strategy === 'permission-list') return createByPermissionList(as, space, readerGroups);
  if (strategy === 'default-call') return createByDefaultCall(as, space);
  return createByGraph(as, cloudId, space);
}

/** After a refusal: the key may be taken by a space that was there, or that appeared just now. */
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

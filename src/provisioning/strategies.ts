/**
 * The calls that may create a personal space, in order. Which of them a real site accepts is not
 * verified, so each is tried until one works, and what worked is tried first next time.
 */
import {
  type Creation,
  createByGraph,
  createByPermissionList,
  createByPrivateCall,
  deleteSpace,
  findSpaceByKey,
  type NewPersonalSpace,
  type Requester,
  readPerson,
  readRoleMode,
} from '../forge/confluence';
import { type CreationStrategies, readCreationStrategies, writeCreationStrategies } from '../forge/store';

const STRATEGY_NAMES = ['private-call', 'permission-list', 'graphql'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export type MakeResult =
  /** `isOpen`: the call makes spaces that others can see, so this one is still to be closed. */
  | { kind: 'made'; spaceId: string; homepageId: string | null; isOpen: boolean }
  /** The person has a space now, made by somebody else in the meantime. */
  | { kind: 'exists'; spaceId: string }
  | { kind: 'trashed'; spaceId: string }
  | { kind: 'refused'; detail: string }
  /** Only a call that makes an open space is left, and this site has no way to close it. */
  | { kind: 'no-private-way'; detail: string };

/** `~` + account id without `:` and `-`: the form Confluence gives to new personal spaces. */
export function personalSpaceKey(accountId: string): string {
  return `~${accountId.replace(/[:-]/g, '')}`;
}

/**
 * Creates the space as the person, or says why not. Safe to repeat: the key is the person's.
 * `begin` is awaited before each strategy is tried; `begun` is where a run that stopped had got to.
 * @throws ConfluenceError for rate limits, failures and missing scopes
 */
export async function makePersonalSpace(
  as: Requester,
  cloudId: string,
  space: NewPersonalSpace,
  begun: string | null,
  begin: (strategy: StrategyName) => Promise<void>,
): Promise<MakeResult> {
  const refusals: { text: string; isPermission: boolean }[] = [];
  let isOnlyOpenLeft = false;
  for (const strategy of orderOf(await readCreationStrategies(), begun)) {
    if (strategy === 'graphql' && (await readRoleMode()) === 'PRE_ROLES') {
      isOnlyOpenLeft = true;
      continue;
    }
    await begin(strategy);
    const creation = await create(strategy, as, cloudId, space);
    if (creation.kind === 'made' && creation.type === 'personal') {
      return { kind: 'made', spaceId: creation.spaceId, homepageId: creation.homepageId, isOpen: strategy === 'graphql' };
    }
    if (creation.kind === 'made') return { kind: 'refused', detail: await takeBack(strategy, as, space, creation.type) };
    const existing = await whatHoldsTheKey(as, space);
    if (existing) return existing;
    refusals.push({ text: `${strategy}: ${creation.status} ${creation.detail}`, isPermission: creation.status === 403 });
  }
  const detail = refusals
    .map((r) => r.text)
    .join(' | ')
    .slice(0, 500);
  // "You may not" is about the person; anything else says that the call is not for personal spaces.
  return isOnlyOpenLeft && !refusals.some((r) => r.isPermission) ? { kind: 'no-private-way', detail } : { kind: 'refused', detail };
}

/** What worked comes first, a stopped run goes on where it was, and what made something else is not tried. */
function orderOf({ worked, unfit }: CreationStrategies, begun: string | null): StrategyName[] {
  const fit = STRATEGY_NAMES.filter((name) => !unfit.includes(name)).sort((a, b) => Number(b === worked) - Number(a === worked));
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
export async function rememberStrategy(strategy: string): Promise<void> {
  const strategies = await readCreationStrategies();
  if (strategies.worked !== strategy) await writeCreationStrategies({ ...strategies, worked: strategy });
}

function create(strategy: StrategyName, as: Requester, cloudId: string, space: NewPersonalSpace): Promise<Creation> {
  if (strategy === 'private-call') return createByPrivateCall(as, space);
  if (strategy === 'permission-list') return createByPermissionList(as, space);
  return createByGraph(as, cloudId, space);
}

/** After a refusal: the key may be taken by a space that was there, or that appeared just now. */
async function whatHoldsTheKey(as: Requester, space: NewPersonalSpace): Promise<MakeResult | null> {
  const personalSpaceId = (await readPerson(space.accountId))?.personalSpaceId;
  if (personalSpaceId) return { kind: 'exists', spaceId: personalSpaceId };
  const holder = await findSpaceByKey(as, space.key);
  if (!holder) return null;
  if (holder.type !== 'personal' || holder.ownerId !== space.accountId) {
    return { kind: 'refused', detail: `the key ${space.key} belongs to a ${holder.type} space` };
  }
  return holder.status === 'trashed' ? { kind: 'trashed', spaceId: holder.id } : { kind: 'exists', spaceId: holder.id };
}

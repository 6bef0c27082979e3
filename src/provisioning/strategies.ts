/**
 * The calls that may create a personal space, in order. Which of them a real site accepts is not
 * verified, so each is tried until one works, and what worked is tried first next time.
 */
import {
  type Creation,
  closeToAllButOwner,
  createByGraph,
  createByPermissionList,
  createByPrivateCall,
  findSpaceByKey,
  type NewPersonalSpace,
  type Requester,
  readPerson,
  readRoleMode,
} from '../forge/confluence';
import { readCreationStrategy, writeCreationStrategy } from '../forge/store';

const STRATEGY_NAMES = ['private-call', 'permission-list', 'graphql'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export type MakeResult =
  | { kind: 'made'; spaceId: string; homepageId: string | null }
  /** The person has a space now, made by somebody else in the meantime. */
  | { kind: 'exists'; spaceId: string }
  | { kind: 'trashed'; spaceId: string }
  | { kind: 'refused'; detail: string }
  /** Only a call that makes an open space is left, and this site has no way to close it. */
  | { kind: 'no-private-way' };

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
  const remembered = await readCreationStrategy();
  const all = [...STRATEGY_NAMES].sort((a, b) => Number(b === remembered) - Number(a === remembered));
  // What comes before the call that a stopped run had got to was refused in that run.
  const order = all.slice(Math.max(0, all.indexOf(begun as StrategyName)));
  const refusals: string[] = [];
  let isOnlyOpenLeft = false;
  for (const strategy of order) {
    if (strategy === 'graphql' && (await readRoleMode()) === 'PRE_ROLES') {
      isOnlyOpenLeft = true;
      continue;
    }
    await begin(strategy);
    const creation = await create(strategy, as, cloudId, space);
    if (creation.kind === 'made') {
      if (creation.type !== 'personal') {
        // Confluence took the key and made something else. Nothing is deleted; it is reported.
        return { kind: 'refused', detail: `${strategy}: made a ${creation.type} space` };
      }
      if (strategy === 'graphql') await closeToAllButOwner(as, creation.spaceId, space.accountId);
      return { kind: 'made', spaceId: creation.spaceId, homepageId: creation.homepageId };
    }
    const existing = await whatHoldsTheKey(as, space);
    if (existing) return existing;
    refusals.push(`${strategy}: ${creation.status} ${creation.detail}`);
  }
  return isOnlyOpenLeft ? { kind: 'no-private-way' } : { kind: 'refused', detail: refusals.join(' | ').slice(0, 500) };
}

/** The call that worked is tried first from now on. */
export async function rememberStrategy(strategy: string, now: number): Promise<void> {
  if ((await readCreationStrategy()) !== strategy) await writeCreationStrategy(strategy, now);
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
  return holder.status === 'trashed' ? { kind: 'trashed', spaceId: holder.id } : { kind: 'exists', spaceId: holder.id };
}

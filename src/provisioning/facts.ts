/** Finds out what a decision about one person needs, no more than it asks for, cheapest first. */
import { readReaders } from '../confluence/access';
import type { Requester } from '../confluence/call';
import { countBlogPosts, listNewestPages } from '../confluence/pages';
import { type CurrentUser, readGroupsOf, readPerson, readStanding, readStandingOf } from '../confluence/people';
import { countOthers } from '../confluence/search';
import { readSpace, type SpaceRecord } from '../confluence/spaces';
import { isIn, type Person } from '../domain/person';
import type { Policy, PolicyState } from '../domain/policy/document';
import { type Depth, depthFor, isUntouched, type PageEvidence, type SpaceContents } from '../domain/provisioning/adoption';
import {
  decideProvisioning,
  NO_FACTS,
  type Occasion,
  type PersonFacts,
  type ProvisioningDecision,
  type ProvisioningFacts,
  type RoleMode,
} from '../domain/provisioning/decide';
import { isOwnMessage } from '../page-templates/builtin';
import { readBegun } from '../store/counters';
import { knownRoleMode } from './app-role';
import { readIdentity } from './identity';

export interface Subject {
  accountId: string;
  /** Acts as the person: impersonation in a trigger or schedule, themselves in a resolver. The app itself can only look. */
  as: Requester;
  /** Whether `as` is the person. */
  isPerson: boolean;
  occasion: Occasion;
  /** Site time in ms. */
  now: number;
}

export interface Considered {
  decision: ProvisioningDecision;
  facts: ProvisioningFacts;
  user: CurrentUser | null;
  space: SpaceRecord | null;
}

/** An account that Confluence does not know gets nothing. */
const NOBODY: PersonFacts = { accountType: 'unknown', accountStatus: 'unknown', isGuest: false, personalSpaceId: null };

/**
 * Decides about one person. A look-up that cannot be made (the app itself does not see a private space) is
 * left standing as the decision.
 * @param known facts that an earlier question about the same person has read
 */
export async function consider(
  subject: Subject,
  state: PolicyState,
  record: Person | null,
  known: Partial<ProvisioningFacts> = {},
): Promise<Considered> {
  const { accountId, as, isPerson, occasion, now } = subject;
  const policy: Policy | 'unreadable' = state.kind === 'unreadable' ? 'unreadable' : state.policy;
  const version = state.kind === 'unreadable' ? 0 : state.version;
  const facts: ProvisioningFacts = {
    ...NO_FACTS,
    ...known,
    accountId,
    occasion,
    record,
  };
  let user: CurrentUser | null = null;
  let space: SpaceRecord | null = null;
  for (;;) {
    const decision = decideProvisioning(facts, policy, version, now);
    if (decision.kind === 'decided') return { decision, facts, user, space };
    switch (decision.fact) {
      case 'person': {
        const identity = isPerson ? await readIdentity(as, accountId, record, now) : null;
        facts.person = identity?.person ?? (await readPerson(accountId)) ?? NOBODY;
        facts.standing ??= identity?.standing ?? null;
        user ??= identity?.user ?? null;
        break;
      }
      case 'groups':
        facts.groups = await readGroupsOf(accountId);
        break;
      case 'begun-today':
        facts.begunToday = await readBegun(now);
        break;
      case 'standing': {
        const answer = isPerson ? await readStanding(as) : await readStandingOf(accountId);
        facts.standing = answer.facts;
        user = answer.user;
        break;
      }
      case 'space': {
        space = await readSpace(as, spaceIdOf(facts));
        if (!space && !isPerson) return { decision, facts, user, space };
        facts.space = space ? { kind: 'seen', spaceId: space.id, ...space } : { kind: 'invisible' };
        break;
      }
      case 'role-mode':
        facts.roleMode = await knownRoleMode(now);
        break;
      case 'contents':
        space ??= await readSpace(as, spaceIdOf(facts));
        if (!space || !facts.roleMode) return { decision, facts, user, space };
        facts.contents = await readContents(as, space, accountId, facts.roleMode, depthFor(space, now));
        break;
    }
  }
}

/** The space that the decision is about: the one Confluence names, or the one whose adoption was begun. */
const spaceIdOf = ({ person, record }: ProvisioningFacts): string =>
  person?.personalSpaceId ?? (isIn(record, 'adopting') ? record.adopted.spaceId : '');

/** What is in the space. Once it is certain that someone works there, the rest is not read. */
async function readContents(as: Requester, space: SpaceRecord, ownerId: string, mode: RoleMode, depth: Depth): Promise<SpaceContents> {
  const pages = (await listNewestPages(as, space.id)).map(
    (page): PageEvidence => ({
      id: page.id,
      versions: page.version.number,
      createdAt: Date.parse(page.createdAt),
      isOwnVersion: isOwnMessage(page.version.message),
    }),
  );
  const soFar: SpaceContents = { pages, blogPosts: 0, others: 0, sharedWith: 'unknown' };
  if (depth !== 'everything') return soFar;
  // Where apps cannot change permissions it does not matter who has them, and reading them is expensive.
  const sharedWith = async (): Promise<SpaceContents['sharedWith']> => {
    const readers = mode === 'PRE_ROLES' ? 'unknown' : await readReaders(as, space.id, ownerId, mode);
    return readers === 'licensed' ? 'groups' : readers;
  };
  if (isUntouched(space, soFar) !== true) return { ...soFar, sharedWith: await sharedWith() };
  return { pages, blogPosts: await countBlogPosts(as, space.id), others: await countOthers(as, space.key), sharedWith: await sharedWith() };
}

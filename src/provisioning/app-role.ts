/**
 * The app's own role in the spaces that Homestead creates or adopts, given as their owner. Without it a private space is invisible
 * to the app on most sites. What has been learned about it is kept for the whole site, so that a person costs one call, and a site
 * that refuses it is asked once a day.
 */
import { type AppRole, type AppRoleChange, assignAppRole, readAdminRole, readRoleMode } from '../confluence/access';
import type { Requester } from '../confluence/call';
import { readOwnAccountId } from '../confluence/people';
import type { Policy } from '../domain/policy/document';
import type { RoleMode } from '../domain/provisioning/decide';
import { type PromisedSpace, postponedRole } from '../domain/space';
import { DAY_MS } from '../domain/time';
import { ConfluenceError, isFinal, PlatformRefusal } from '../forge/errors';
import { describe, log } from '../forge/log';
import { APP_ROLE_RETRY_MS, type AppRoleFacts, knownAppRole, learnAppRole } from '../store/site-facts';

/** How the app can be let into a person's space on this site, as far as is known. */
export type AppRoleWay =
  | { kind: 'off' }
  /** This site refused a short while ago. */
  | { kind: 'refused' }
  /** Could not be found out: Confluence failed. */
  | { kind: 'unknown' }
  /** Without roles: permissions for the app's account, only while the space is created. */
  | { kind: 'at-creation'; accountId: string; isAccepted: boolean }
  /** `isRemembered`: the role's id was read by an earlier run, so it may be gone. `isAccepted`: that is on record already. */
  | { kind: 'role'; role: AppRole; isRemembered: boolean; isAccepted: boolean };

/** A site may get roles, or have done with the transition, at any time. */
const MODE_RECHECK_MS = DAY_MS;
/** What Confluence answers where there are no roles at all. */
const NO_ROLES_STATUSES = [404, 405];

type Outcome = PromisedSpace['appRole'];
const settled = (outcome: Outcome['outcome']): Outcome => ({ outcome, due: null });

const isRefusedNow = ({ grant }: AppRoleFacts, now: number): boolean => grant?.outcome === 'refused' && now - grant.at < APP_ROLE_RETRY_MS;

/** Costs no request once the site is known. A failure is an answer: nobody goes without a space because of it. */
export async function findAppRoleWay({ appRole }: Pick<Policy, 'appRole'>, now: number): Promise<AppRoleWay> {
  if (!appRole) return { kind: 'off' };
  const known = await knownAppRole();
  if (isRefusedNow(known, now)) return { kind: 'refused' };
  try {
    return await learnWay(known, now);
  } catch (error) {
    if (!isFailure(error)) throw error;
    log('app-role-unknown', describe(error));
    return { kind: 'unknown' };
  }
}

/** The way that this site has, whatever the policy says and whatever it refused before. @throws ConfluenceError, PlatformRefusal */
export async function learnWay(known: AppRoleFacts, now: number): Promise<Exclude<AppRoleWay, { kind: 'off' | 'unknown' }>> {
  const mode = await learnMode(known, now);
  const accountId = known.accountId ?? (await readOwnAccountId());
  const roleId = mode.name === 'PRE_ROLES' ? null : (known.roleId ?? (await readAdminRole()));
  if (mode !== known.mode || roleId !== known.roleId) await learnAppRole({ mode, roleId });
  const isAccepted = known.grant?.outcome === 'accepted';
  if (mode.name === 'PRE_ROLES') return { kind: 'at-creation', accountId, isAccepted };
  if (roleId === null) return { kind: 'refused' };
  return { kind: 'role', role: { accountId, roleId }, isRemembered: known.roleId !== null, isAccepted };
}

async function learnMode({ mode }: AppRoleFacts, now: number): Promise<NonNullable<AppRoleFacts['mode']>> {
  const isKnown = mode !== null && (mode.name === 'ROLES' || now - mode.at < MODE_RECHECK_MS);
  return isKnown ? mode : { name: await readRoleMode(), at: now };
}

/** How permissions work on this site, as it said within a day. */
export async function knownRoleMode(now: number): Promise<RoleMode> {
  const known = await knownAppRole();
  const mode = await learnMode(known, now);
  if (mode !== known.mode) await learnAppRole({ mode });
  return mode.name;
}

/** The account that the call that creates a space has to let in, where nothing can do so afterwards. */
export const appToLetIn = (way: AppRoleWay): string | null => (way.kind === 'at-creation' ? way.accountId : null);

/** What the call that makes a space private says of the app's role as well. */
export const changeOf = (way: AppRoleWay): AppRoleChange => (way.kind === 'role' ? way.role : 'unnamed');

interface Subject {
  as: Requester;
  spaceId: string;
  /** Whoever acts administers the space: if Confluence refuses nevertheless, that is about the site and not about them. */
  isAdmin: boolean;
  now: number;
}

/**
 * Gives the app its role, unless that has been done along with other roles. Whatever Confluence answers is an outcome.
 * @param along what came of it along with other roles, or with the creation; null = it was not part of that
 * @param before what is on record: a role that was given once is not given again, because the owner may have taken it away
 */
export async function settleAppRole(
  subject: Subject,
  way: AppRoleWay,
  along: 'given' | 'refused' | null,
  before: Outcome,
): Promise<Outcome> {
  if (before.outcome === 'given') return before;
  switch (way.kind) {
    case 'off':
    case 'refused':
      return settled(way.kind);
    case 'at-creation':
      if (along === 'refused' || (along === 'given' && !way.isAccepted))
        await noteAppRoleGrant(along === 'given' ? 'accepted' : 'refused', subject.now);
      return settled(along ?? 'not-possible');
    case 'unknown':
      return postponedRole(before, subject.now);
    case 'role':
      try {
        return settled(await giveRole(subject, way, along));
      } catch (error) {
        if (!isFailure(error)) throw error;
        log('app-role-postponed', { spaceId: subject.spaceId, ...describe(error) });
        return postponedRole(before, subject.now);
      }
  }
}

type RoleWay = Extract<AppRoleWay, { kind: 'role' }>;

/** @throws ConfluenceError, PlatformRefusal for what may be different next time */
async function giveRole(subject: Subject, way: RoleWay, along: 'given' | 'refused' | null): Promise<Outcome['outcome']> {
  const { role, isRemembered, isAccepted } = way;
  const status = along === null ? await refusalOf(subject, role) : along === 'given' ? null : UNKNOWN_STATUS;
  if (status === null) {
    if (!isAccepted) await noteAppRoleGrant('accepted', subject.now);
    return 'given';
  }
  if (NO_ROLES_STATUSES.includes(status)) {
    const mode = { name: await readRoleMode(), at: subject.now };
    await learnAppRole({ mode });
    if (mode.name === 'PRE_ROLES') return 'not-possible';
  }
  // The site may have other roles by now than the one remembered.
  const roleId = isRemembered ? await readAdminRole() : role.roleId;
  if (roleId !== null && roleId !== role.roleId) {
    await learnAppRole({ roleId });
    return giveRole(subject, { ...way, role: { ...role, roleId }, isRemembered: false }, null);
  }
  if (subject.isAdmin) await noteAppRoleGrant('refused', subject.now);
  return 'refused';
}

/** The call that gave other roles as well worked only without the app's. */
const UNKNOWN_STATUS = 400;

/** Status of Confluence's refusal; null = the app has its role now. */
async function refusalOf({ as, spaceId }: Subject, role: AppRole): Promise<number | null> {
  try {
    await assignAppRole(as, spaceId, role);
    return null;
  } catch (error) {
    if (error instanceof ConfluenceError && isFinal(error)) return error.status;
    throw error;
  }
}

/** Remembers for the whole site what Confluence answered. */
export const noteAppRoleGrant = (outcome: 'accepted' | 'refused', now: number): Promise<void> =>
  learnAppRole({ grant: { outcome, at: now } });

const isFailure = (error: unknown): error is ConfluenceError | PlatformRefusal =>
  error instanceof ConfluenceError || error instanceof PlatformRefusal;

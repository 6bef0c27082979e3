/** What a person answers about their own space: not now, never, yes after all, create it. */
import { asCaller } from '../confluence/call';
import { readPerson } from '../confluence/people';
import { readSpace } from '../confluence/spaces';
import { clearNotice } from '../confluence/user-properties';
import { decline, isIn, type Person, postpone, reasonOf, type Transition, undoDecline } from '../domain/person';
import { accountProblem } from '../domain/provisioning/decide';
import type { Reason } from '../domain/reasons';
import type { Access, SpaceStatus } from '../domain/space';
import { newcomer } from '../domain/turn';
import { AppError, isRateLimit } from '../forge/errors';
import { answerAll } from '../notices/notices';
import { readPersonRecord, writePerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';
import { readWaiting } from '../store/waiting';
import { servedAt } from './line-view';
import { type ProvisionResult, provision } from './provision';
import { serve, type Turn } from './serve';
import { isStatus, noteStatus } from './status-change';

/** @throws AppError not-found when nothing was offered */
export async function postponeOffer(accountId: string): Promise<void> {
  const person = await readPersonRecord(accountId);
  if (!isIn(person, 'offered')) throw new AppError('not-found');
  await answer(person, postpone(person, Date.now()));
}

/** @throws AppError not-found when nothing was offered */
export async function declineOffer(accountId: string): Promise<void> {
  const person = await readPersonRecord(accountId);
  if (!isIn(person, 'offered')) throw new AppError('not-found');
  await answer(person, decline(person, accountId, Date.now()));
}

/** Whoever has no space and was not told no may say that they want none. */
export const canDecline = (person: Person | null): boolean =>
  person === null || isIn(person, 'offered', 'postponed', 'excluded', 'refused');

/** @throws AppError not-found for a person who would not get a space anyway */
export async function declineSpace(accountId: string): Promise<void> {
  const person = await readPersonRecord(accountId);
  if (!canDecline(person)) throw new AppError('not-found');
  if (!isIn(person, 'offered', 'postponed')) {
    const account = await readPerson(accountId);
    // Guests and people who left get none: nothing needs to be remembered of them.
    if (!account || accountProblem(account)) throw new AppError('not-found');
  }
  await answer(person, decline(person, accountId, Date.now()));
}

/** @throws AppError not-found when nothing was declined */
export async function takeBackDecline(accountId: string): Promise<void> {
  const person = await readPersonRecord(accountId);
  if (!isIn(person, 'declined')) throw new AppError('not-found');
  const now = Date.now();
  await writePerson(person, undoDecline(person, now), { by: accountId, at: now });
}

async function answer(person: Person | null, transition: Transition): Promise<void> {
  const { accountId, since } = transition.person;
  await writePerson(person, transition, { by: accountId, at: since });
  await clearNotice(accountId);
}

export interface CreationAnswer {
  /**
   * `has-space`: there was one already, created by someone else. `waiting`: this hour has no points left for what people ask, or
   * somebody is already at work for them.
   */
  kind: 'ready' | 'has-space' | 'refused' | 'waiting';
  spaceKey: string | null;
  access: Access | null;
  isPromiseBroken: boolean;
  reason: Reason;
  /** For a person who waits: when their turn is expected (ms); null = nobody can tell. */
  servedAt: number | null;
}

const NO_SPACE = { spaceKey: null, access: null, isPromiseBroken: false, servedAt: null } as const;

/** The caller's own click: creates the space as themselves, or says why not. */
export async function createForCaller(accountId: string, cloudId: string): Promise<CreationAnswer> {
  const turn = await takeOwnTurn(accountId, cloudId);
  if (turn.kind !== 'served') {
    const waiting = await readWaiting(accountId);
    return { ...NO_SPACE, kind: 'waiting', reason: 'person-asked', servedAt: waiting && (await servedAt(waiting, Date.now())) };
  }
  const { person, decision } = turn.result;
  const reason = decision.kind === 'needs' ? 'account-unknown' : decision.reason;
  const refused = (why: Reason): CreationAnswer => ({ ...NO_SPACE, kind: 'refused', reason: why });
  const isLeft = decision.kind === 'decided' && decision.action === 'none';
  if (isIn(person, 'offered') && isLeft) return refused(reason);
  // The answer is on the screen: nothing is left to tell.
  await answerAll(accountId);
  if (isIn(person, 'ready')) {
    const space = await readSpaceRecord(person.spaceId);
    const { key: spaceKey = null, access } = space ?? {};
    const isPromiseBroken = access?.broken != null;
    return { ...NO_SPACE, kind: 'ready', spaceKey, access: access?.actual ?? null, isPromiseBroken, reason: 'space-created' };
  }
  if (isIn(person, 'has-space')) {
    const { spaceId, spaceKey, reason: why } = person;
    return { ...NO_SPACE, kind: 'has-space', spaceKey: spaceKey ?? (await currentKeyOf(spaceId)), reason: why };
  }
  return refused(isLeft || !person ? reason : reasonOf(person));
}

/** Whoever asks goes before everybody who only came by. When the hour is full they wait; any other failure is told at once. */
async function takeOwnTurn(accountId: string, cloudId: string): Promise<Turn> {
  const now = Date.now();
  const subject = { accountId, as: asCaller(), isPerson: true, isWatching: true, cloudId, occasion: 'click', now } as const;
  const place = (await readWaiting(accountId)) ?? newcomer(accountId, cloudId, 'click', now);
  const create = async (): Promise<ProvisionResult> => {
    await noticeLoss(await readPersonRecord(accountId));
    return provision(subject);
  };
  return serve({ ...place, lane: 'clicks', occasion: 'click' }, create, isRateLimit);
}

async function currentKeyOf(spaceId: string): Promise<string | null> {
  const space = await readSpace(asCaller(), spaceId);
  return space?.status === 'current' ? space.key : null;
}

/** Events about a private space may not reach the app, so a visit by its owner also shows whether the space is gone. */
export async function noticeLoss(person: Person | null): Promise<Person | null> {
  if (!isIn(person, 'ready', 'has-space')) return person;
  const { accountId, spaceId } = person;
  const status = await statusNow(accountId, spaceId);
  if (status === null || status === 'current') return person;
  await noteStatus({ spaceId, key: null, ownerId: accountId }, status, { by: 'unknown', at: Date.now() });
  return readPersonRecord(accountId);
}

/** As its owner, who is the caller, sees it; null = nobody can say. */
async function statusNow(accountId: string, spaceId: string): Promise<SpaceStatus | null> {
  const space = await readSpace(asCaller(), spaceId);
  if (space) return isStatus(space.status) ? space.status : null;
  return (await readPerson(accountId))?.personalSpaceId === null ? 'deleted' : null;
}

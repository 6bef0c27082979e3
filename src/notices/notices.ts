/** Notices: raising one, answering it, and what the schedule does about those that nobody raised. */
import { defineWork, EVERY_THIRD_TICK_MS } from '../agenda/define';
import { clearNotice, raiseNotice } from '../confluence/user-properties';
import { isOpen, type Notice } from '../domain/notice';
import { isIn, refuse } from '../domain/person';
import type { PolicyState } from '../domain/policy/document';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { within } from '../forge/budget';
import { isFinal } from '../forge/errors';
import { ignoreStale } from '../forge/kvs';
import { changeNotice, listNotices, readNotices } from '../store/notices';
import { readPersonRecord, writePerson } from '../store/people';
import { readPolicy } from '../store/policy';

/** Tells the person: the user property makes the background script load for them. A stop in between is made up for by the schedule. */
export async function raise(notice: Notice): Promise<void> {
  try {
    await raiseNotice(notice.accountId);
  } catch (error) {
    if (!isFinal(error)) throw error;
    await giveUp(notice);
    return;
  }
  await changeNotice({ ...notice, state: 'raised', raisedAt: Date.now() }, 'due');
}

/** A notice that cannot be raised is not tried at every page view. An offer that nobody sees is not an offer. */
async function giveUp(notice: Notice): Promise<void> {
  const now = Date.now();
  const person = notice.kind === 'offer' ? await readPersonRecord(notice.accountId) : null;
  if (isIn(person, 'offered')) {
    const { policyVersion } = person;
    const refused = { reason: 'confluence-error', detail: 'raise notice', recheckAt: now + DAY_MS, policyVersion, now } as const;
    await writePerson(person, refuse(person, notice.accountId, refused), { by: 'app', at: now });
  } else {
    await changeNotice({ ...notice, state: 'answered', answeredAt: now }, 'due');
  }
}

/** The person has dealt with it. */
export async function answerAll(accountId: string): Promise<void> {
  const now = Date.now();
  for (const notice of (await readNotices(accountId)).filter(isOpen)) {
    await changeNotice({ ...notice, state: 'answered', answeredAt: now }, notice.state);
  }
  await clearNotice(accountId);
}

/** While nothing is offered, an open offer is not shown; it comes back when something is. */
export async function hold(offer: Notice): Promise<void> {
  await changeNotice({ ...offer, state: 'held' }, offer.state);
  await clearNotice(offer.accountId);
}

export const isOffering = (policy: PolicyState): boolean =>
  policy.kind !== 'unreadable' &&
  !policy.policy.paused &&
  [...policy.policy.rules, policy.policy.everyoneElse].some((treatment) => treatment.mode !== 'off');

/** A run raises its own notice within seconds: one that is still due after this was interrupted. */
const OVERDUE_MS = MINUTE_MS;
/** Notices looked at in one turn of the schedule; the rest comes with the next. */
const NOTICES_PER_TURN = 100;

/** Raises what an interrupted run left behind, and brings held offers back. */
export const overdueNotices = defineWork({ kind: 'notices', everyMs: EVERY_THIRD_TICK_MS, leaseMs: MINUTE_MS, run: raiseOverdue });

async function raiseOverdue(now: number, deadline: number): Promise<void> {
  const overdue = await listNotices('due', now - OVERDUE_MS, NOTICES_PER_TURN);
  const held = await listNotices('held', now, NOTICES_PER_TURN);
  if (overdue.length === 0 && held.length === 0) return;
  const policy = await readPolicy();
  if (isOffering(policy)) {
    for (const offer of held) {
      const back: Notice = { ...offer, state: 'due' };
      if (await changeNotice(back, 'held')) overdue.push(back);
    }
  }
  for (const notice of overdue) {
    if (Date.now() >= deadline) return;
    if (notice.kind === 'offer' && !isOffering(policy)) await changeNotice({ ...notice, state: 'held' }, 'due');
    else await within('events', () => raise(notice)).catch(ignoreStale);
  }
}

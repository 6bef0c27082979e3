/** Everything "My personal space" shows first. */
import { asCaller } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { isIn, type Person, spaceIdOf } from '../domain/person';
import type { PolicyState } from '../domain/policy/document';
import { isRateLimit } from '../forge/errors';
import { canDecline, noticeLoss } from '../provisioning/answers';
import { type Explanation, explain, type PersonView, personView } from '../provisioning/explain';
import { consider } from '../provisioning/facts';
import { servedAt } from '../provisioning/line-view';
import { readForTurn } from '../store/people';

export interface MyView {
  record: PersonView | null;
  explanation: Explanation;
  /** The space as Confluence shows it to the caller. */
  space: { key: string; name: string; status: string } | null;
  can: { create: boolean; decline: boolean; undo: boolean; fill: boolean };
  lacksDetails: boolean;
  /** The caller's turn has not come yet: since when they wait, until when as far as can be told (ms), and whether they asked. */
  waiting: { since: number; servedAt: number | null; asked: boolean } | null;
}

export async function myView(accountId: string): Promise<MyView> {
  const now = Date.now();
  const { policy, person, waiting } = await readForTurn(accountId);
  const line = waiting && { since: waiting.since, servedAt: await servedAt(waiting, now), asked: waiting.lane === 'clicks' };
  try {
    return { ...(await askedView(accountId, policy, await noticeLoss(person))), waiting: line };
  } catch (error) {
    // Whoever waits because Confluence lets nobody ask any more is told so, without asking.
    if (line === null || !isRateLimit(error)) throw error;
    return { ...(await rememberedView(person)), waiting: line };
  }
}

/** What can be said without Confluence. */
async function rememberedView(person: Person | null): Promise<Omit<MyView, 'waiting'>> {
  const record = person && (await personView(person));
  const nothing = { reason: null, caveats: [], until: null, ruleId: null, rules: null, matched: null };
  const hasSpace = isIn(person, 'ready', 'has-space');
  const can = { create: false, decline: !hasSpace && canDecline(person), undo: isIn(person, 'declined'), fill: false };
  return {
    record,
    explanation: { ...nothing, action: 'look-up', hasSpace, record },
    space: null,
    can,
    lacksDetails: record?.lacksDetails ?? false,
  };
}

async function askedView(accountId: string, policy: PolicyState, person: Person | null): Promise<Omit<MyView, 'waiting'>> {
  const subject = { accountId, as: asCaller(), isPerson: true, now: Date.now() };
  // The same question as at the person's next page view, and the one their click would ask, on the same facts.
  const asked = await consider({ ...subject, occasion: 'click' }, policy, person);
  const explanation = await explain({ ...subject, occasion: 'activity' }, policy, person, asked.facts);
  const spaceId = asked.facts.person?.personalSpaceId ?? (person === null || isIn(person, 'removed') ? null : spaceIdOf(person));
  const space = asked.space ?? (spaceId === null ? null : await readSpace(asCaller(), spaceId));
  const hasSpace = space?.status === 'current';
  const isExpected = ['create', 'offer', 'keep'].includes(explanation.action) || isIn(person, 'offered', 'postponed');
  const action = asked.decision.kind === 'decided' ? asked.decision.action : null;
  return {
    record: explanation.record,
    explanation,
    space: space && { key: space.key, name: space.name, status: space.status },
    can: {
      create: action === 'create' || action === 'finish',
      // Only for people who would get a space.
      decline: !hasSpace && canDecline(person) && isExpected,
      undo: isIn(person, 'declined'),
      fill: hasSpace,
    },
    lacksDetails: explanation.record?.lacksDetails ?? false,
  };
}

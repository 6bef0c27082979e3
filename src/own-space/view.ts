/** Everything "My personal space" shows first. */
import { asCaller } from '../confluence/call';
import { readSpace } from '../confluence/spaces';
import { isIn, spaceIdOf } from '../domain/person';
import { canDecline, noticeLoss } from '../provisioning/answers';
import { type Explanation, explain, type PersonView } from '../provisioning/explain';
import { consider } from '../provisioning/facts';
import { readPolicyAndPerson } from '../store/people';

export interface MyView {
  record: PersonView | null;
  explanation: Explanation;
  /** The space as Confluence shows it to the caller. */
  space: { key: string; name: string; status: string } | null;
  can: { create: boolean; decline: boolean; undo: boolean; fill: boolean };
  lacksDetails: boolean;
}

export async function myView(accountId: string): Promise<MyView> {
  const { policy, person: remembered } = await readPolicyAndPerson(accountId);
  const person = await noticeLoss(remembered);
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

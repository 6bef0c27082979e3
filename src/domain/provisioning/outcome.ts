/** What a decision means for a person, in the few words that lists, simulations and plans count by. Pure. */
import type { PersonStateName } from '../person';
import type { Reason } from '../reasons';
import { isSwitchedOff, type ProvisioningDecision } from './decide';

/** What happens to a person: `space` = they have one, which is looked at when their turn comes. */
export const OUTCOMES = ['create', 'offer', 'space', 'nothing'] as const;
export type OutcomeKind = (typeof OUTCOMES)[number];
export interface Outcome {
  kind: OutcomeKind;
  /** `space-looked-at`: an untouched one is adopted, one in use is left alone. */
  reason: Reason | 'space-looked-at';
}

/** No record was written under this version, so what rests on a policy is decided anew. */
export const ANY_VERSION = -1;

/** @param person what the decision was made about: whether they have a space, and the state that is remembered */
export function outcomeOf(decision: ProvisioningDecision, person: { hasSpace: boolean; state: PersonStateName | null }): Outcome {
  // With everything known that a list knows, only a look into the space is left.
  if (decision.kind === 'needs') return { kind: 'space', reason: 'space-looked-at' };
  const { reason } = decision;
  // Nobody loses an existing space because of a policy.
  if (person.hasSpace && decision.action === 'exclude') return { kind: 'space', reason: 'has-space' };
  switch (decision.action) {
    case 'create':
    case 'offer':
      return { kind: decision.action, reason };
    case 'keep':
      return { kind: STANDING_OFFERS.some((offer) => offer === reason) ? 'offer' : 'nothing', reason };
    default:
      if (reason === 'offer-open') return { kind: 'offer', reason };
      if (person.hasSpace && isSwitchedOff(decision)) return { kind: 'space', reason: 'has-space' };
      return { kind: person.state === 'ready' || person.state === 'has-space' ? 'space' : 'nothing', reason };
  }
}

/** Offers that people already have: whoever would get one is left alone. */
export const STANDING_OFFERS = ['offer-open', 'offer-postponed'] as const satisfies Reason[];

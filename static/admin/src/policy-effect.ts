/** What a policy does to people once it is saved: how many, in sentences, and whether that many need a reason. */
import type { SimulationView } from '../../../src/api/admin/people';
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import type { PolicyChange } from '../../../src/domain/policy/compare';
import type { Policy } from '../../../src/domain/policy/document';
import { text } from '../../shared/text';

interface Effect {
  creates: number;
  offers: number;
  /** Whose turn in the rollout comes later. */
  later: number;
  /** Existing spaces to be looked at. */
  looked: number;
  /** Who would have got a space or an offer, and does not any more. */
  fewer: number;
  /** Whose outcome depends on groups that nobody has read: at most so many more. */
  uncertain: number;
}

function effectOf({ transitions, changed }: SimulationView): Effect {
  const sum = (isMeant: (transition: SimulationView['transitions'][number]) => boolean): number =>
    transitions.filter(isMeant).reduce((people, { count }) => people + count, 0);
  return {
    creates: sum(({ from, to }) => to.kind === 'create' && from.kind !== 'create'),
    // Whoever has an offer already is left alone.
    offers: sum(({ from, to }) => to.kind === 'offer' && to.reason === 'rule-ask' && from.kind !== 'offer'),
    later: sum(({ from, to }) => to.reason === 'rollout-not-started' && from.reason !== to.reason),
    looked: sum(({ from, to }) => to.reason === 'space-looked-at' && from.reason !== to.reason),
    fewer: sum(
      ({ from, to }) => to.kind === 'nothing' && to.reason !== 'rollout-not-started' && (from.kind === 'create' || from.kind === 'offer'),
    ),
    uncertain: changed - sum(() => true),
  };
}

/** These decide what is in a space and who sees it, how many points jobs may use, or who may click: nothing happens because of them. */
const ABOUT_CONTENT = /^(templates|appRole|jobShare)(\.|$)|^(rules\.[^.]+|everyoneElse)\.(access|template|name)$/;
const ABOUT_CLICKS = /^(rules\.[^.]+|everyoneElse)\.selfService$/;
const isAboutContent = (changes: readonly PolicyChange[]): boolean => changes.every(({ path }) => ABOUT_CONTENT.test(path));
const isHarmless = (changes: readonly PolicyChange[]): boolean =>
  changes.every(({ path }) => ABOUT_CONTENT.test(path) || ABOUT_CLICKS.test(path));

const actsOnNobody = ({ paused, rules, everyoneElse }: Policy): boolean =>
  paused || [...rules, everyoneElse].every(({ mode }) => mode === 'off');

/** At most so many people get a space or an offer because of this, now or later; null = nobody can say yet. */
export function countActedOn(view: SimulationView | null, policy: Policy, changes: readonly PolicyChange[]): number | null {
  if (actsOnNobody(policy) || isHarmless(changes)) return 0;
  if (!view?.complete) return null;
  const { creates, offers, later, uncertain } = effectOf(view);
  return creates + offers + later + uncertain;
}

/** A number that nobody can say yet may be any. */
export const needsReason = (acted: number | null): boolean => acted === null || acted > MAX_WITHOUT_REASON;

/** What happens next, for those who read it before and after saving. */
export function effectText(view: SimulationView, { rollout: { perDay } }: Policy, changes: readonly PolicyChange[]): string {
  const { people, changed, unread, complete } = view;
  const { creates, offers, later, looked, fewer, uncertain } = effectOf(view);
  const sentences: string[] = [];
  if (uncertain > 0) {
    const least = creates + offers;
    sentences.push(text('effect.bounds', { least, most: least + uncertain, groups: unread.length }));
  } else if (creates > 0 && offers > 0) sentences.push(text('effect.both', { creates, offers }));
  else if (creates > 0) sentences.push(text('effect.creates', { creates }));
  else if (offers > 0) sentences.push(text('effect.offers', { offers }));
  if (perDay !== null && creates + offers + uncertain > perDay) sentences.push(text('effect.perDay', { perDay }));
  if (later > 0) sentences.push(text('effect.later', { later }));
  if (looked > 0) sentences.push(text('effect.looked', { looked }));
  if (fewer > 0) sentences.push(text('effect.fewer', { fewer }));
  if (sentences.length === 0) {
    if (changed > 0) sentences.push(text('effect.reasons', { changed }));
    else if (changes.length > 0 && isAboutContent(changes)) sentences.push(text('effect.content'));
    else if (changes.length > 0 && isHarmless(changes)) sentences.push(text('effect.clicks'));
    else if (!complete) return text('effect.nothing.sofar', { people });
    else sentences.push(text('effect.nothing'));
  }
  if (!complete) sentences.push(text('effect.sofar', { people }));
  return sentences.join(' ');
}

/** How much of everything an act is about. */
import { formatPercent, text } from '../../shared/text';

/** "4,100 of 12,000 people, 34%" */
export function shareText(what: 'people' | 'spaces', count: number, all: number): string {
  return text(`share.${what}`, { count, all, percent: formatPercent(all === 0 ? 0 : count / all) });
}

/** Where a plan says which share it is: the share of a whole number gives that number again. */
export const planShareText = (what: 'people' | 'spaces', { count, share }: { count: number; share: number }): string =>
  shareText(what, count, share === 0 ? count : Math.round(count / share));

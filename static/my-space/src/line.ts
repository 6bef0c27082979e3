/** People whose turn has not come yet: what can be said to them, and when the page looks again. */
import { useEffect, useState } from 'react';
import type { MyView } from '../../../src/own-space/view';
import { callPerson } from '../../shared/call';
import { moment, text, textOf } from '../../shared/text';

/** They get a space when it is their turn: they asked, or came by. `turn`: what they get is not known before that. */
export type Line = 'asked' | 'came' | 'turn';

/** null = they do not wait, or what they wait for is nothing new to them. */
export function lineOf({ waiting, space, explanation }: MyView): Line | null {
  if (!waiting || space) return null;
  if (waiting.asked) return 'asked';
  if (explanation.action === 'create') return 'came';
  return explanation.action === 'look-up' || explanation.reason === 'policy-paused' ? 'turn' : null;
}

export function lineText(line: Line, { waiting, explanation }: MyView): string {
  if (waiting?.servedAt != null) return text(`my.line.${line}`, moment(waiting.servedAt));
  const unknown = text(`my.line.${line}.unknown`);
  // That is why nobody can tell when.
  return explanation.reason === 'policy-paused' ? `${textOf('reason.you', 'policy-paused')} ${unknown}` : unknown;
}

/** While a person waits, their page loads again when their turn is due: after a minute at the earliest, ten at the latest. */
const LOOK_MS = [60_000, 600_000] as const;

export function useNextLook(view: MyView, onChange: (view: MyView) => void): void {
  const { waiting } = view;
  const [latest] = useState({ onChange });
  latest.onChange = onChange;
  // Deliberate dependencies: each answer says whether, and when, there is another look.
  useEffect(() => {
    if (!waiting) return undefined;
    let isCurrent = true;
    const wait = waiting.servedAt === null ? LOOK_MS[1] : waiting.servedAt - Date.now();
    const timer = window.setTimeout(
      () => {
        // A look that fails is followed by the next one.
        const again = (): void => latest.onChange({ ...view, waiting: { ...waiting } });
        callPerson('me.get', {}).then(
          (next) => isCurrent && latest.onChange(next),
          () => isCurrent && again(),
        );
      },
      Math.min(Math.max(wait, LOOK_MS[0]), LOOK_MS[1]),
    );
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [view, waiting, latest]);
}

/** Why someone has a space, or not: the same decision for the admin and for the person. */
import Lozenge from '@atlaskit/lozenge';
import type { Explanation } from '../../src/provisioning/explain';
import { formatTime, type TextKey, text, textOf } from './text';

const VERDICTS = { matched: 'success', 'not-in-groups': 'default', excepted: 'moved' } as const;

/** With these reasons, nothing happens to an existing space. */
const KEPT = ['policy-off', 'policy-paused', 'self-service-off', 'rollout-percent', 'rollout-not-started', 'rollout-day-full'];

/** The decision in one sentence. */
export function outcomeText(
  { action, reason, hasSpace }: Pick<Explanation, 'action' | 'reason' | 'hasSpace'>,
  isAboutYou: boolean,
): string {
  if (reason === null) return text('explain.looks');
  // A policy never takes a space away.
  const isKept = hasSpace && (action === 'exclude' || (action === 'none' && KEPT.includes(reason)));
  if (isKept) return isAboutYou ? text('explain.kept') : `${text('explain.action.leave')} ${textOf('reason', reason)}`;
  // The person is addressed directly.
  if (isAboutYou) return textOf('reason.you', reason);
  return `${text(`explain.action.${action}` as TextKey)} ${textOf('reason', reason)}`;
}

export function ExplanationView({ explanation, isAboutYou = false }: { explanation: Explanation; isAboutYou?: boolean }) {
  const { rules, matched, caveats, until } = explanation;
  return (
    <div className="stack">
      <p className="text">
        <strong>{outcomeText(explanation, isAboutYou)}</strong>
      </p>
      {caveats.map((caveat) => (
        <p className="text" key={caveat}>
          {text(`explain.caveat.${caveat}` as TextKey)}
        </p>
      ))}
      {!isAboutYou && until !== null && <p className="subtle">{text('explain.until', { time: formatTime(until) })}</p>}
      {isAboutYou ? (
        <details>
          <summary>{text('explain.why')}</summary>
          <RulesView rules={rules} matched={matched} />
        </details>
      ) : (
        <RulesView rules={rules} matched={matched} />
      )}
    </div>
  );
}

/** The rules that were checked, and what the matching one says. */
function RulesView({ rules, matched }: Pick<Explanation, 'rules' | 'matched'>) {
  return (
    <div className="tight">
      {rules && (
        <div className="tight">
          <h3 className="small-heading">{text('explain.rules')}</h3>
          <ol className="verdicts">
            {rules.map((rule) => (
              <li key={rule.id}>
                <Lozenge appearance={VERDICTS[rule.verdict]}>{text(`explain.verdict.${rule.verdict}` as TextKey)}</Lozenge> {rule.name}
              </li>
            ))}
            {matched?.isEveryoneElse && (
              <li>
                <Lozenge appearance="success">{text('explain.verdict.matched')}</Lozenge> {text('explain.everyone-else')}
              </li>
            )}
          </ol>
        </div>
      )}
      {matched && (
        <p className="subtle">
          {text('explain.matched', {
            mode: text(`mode.${matched.mode}` as TextKey),
            access: text(`access.${matched.access}` as TextKey),
            template: matched.template,
          })}{' '}
          {text(matched.selfService ? 'explain.self-service.yes' : 'explain.self-service.no')}
        </p>
      )}
    </div>
  );
}

/** Before what people got by a version of the policy is archived: how many spaces at most, what is left alone, and why it is done. */

import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import type { UndoPreview } from '../../../src/cleanup/runs';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { formatNumber, formatTime, text } from '../../shared/text';
import { ConfirmDialog } from './ConfirmDialog';
import { HowItRuns } from './HowItRuns';
import { planShareText } from './share';

interface Props {
  plan: UndoPreview;
  onStarted: (runId: string) => void;
  onClose: () => void;
}

/** Goes into a `ModalTransition`. */
export function UndoSaveDialog({ plan, onStarted, onClose }: Props) {
  const { busy, error, attempt } = useAttempt<'start'>();
  const { planId, version, count } = plan;
  const time = formatTime(plan.savedAt);
  const start = (reason: string): Promise<void> =>
    attempt('start', async () => {
      onStarted((await callAdmin('cleanup.start', { planId, count, reason: reason || null })).runId);
    });
  return (
    <ConfirmDialog
      title={text('history.undo.title', { count, version })}
      action={text('people.undo.start', { count })}
      isDanger
      reason={count === 0 ? 'none' : count > MAX_WITHOUT_REASON ? 'required' : 'optional'}
      isBusy={busy !== null}
      isDisabled={count === 0}
      error={error}
      onConfirm={(reason) => void start(reason)}
      onClose={onClose}
    >
      {count === 0 ? (
        <p className="text">{text('history.undo.none', { time })}</p>
      ) : (
        <div className="tight">
          <p className="text">
            <strong>{planShareText('spaces', plan)}</strong>
          </p>
          <p className="text">{text('history.undo.text', { time })}</p>
          <p className="text">{text('people.undo.how')}</p>
          {plan.isBehind && <p className="text">{text('history.undo.behind')}</p>}
          {plan.goesOn && <p className="text">{text('history.undo.goesOn')}</p>}
          <p className="text">{text('cleanup.plan.cost', { points: formatNumber(plan.points), time: formatTime(plan.doneAt) })}</p>
          <HowItRuns count={count} undo={text('cleanup.plan.undo')} />
        </div>
      )}
    </ConfirmDialog>
  );
}

/** The preview before archiving: how many spaces and what share, what is left out, the cost, how it goes on, and why it is done. */
import { ModalTransition } from '@atlaskit/modal-dialog';
import type { PreviewView } from '../../../src/api/admin/cleanup';
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { formatDay, formatNumber, formatTime, text } from '../../shared/text';
import { ConfirmDialog } from './ConfirmDialog';
import { listedLabel, useNames } from './display-names';
import { HowItRuns } from './HowItRuns';
import { planShareText } from './share';

interface Props {
  plan: PreviewView | null;
  onClose: () => void;
  onStarted: (runId: string) => void;
}

export function PlanDialog({ plan, onClose, onStarted }: Props) {
  return <ModalTransition>{plan && <Dialog plan={plan} onClose={onClose} onStarted={onStarted} />}</ModalTransition>;
}

function Dialog({ plan, onClose, onStarted }: Props & { plan: PreviewView }) {
  const { planId, count, leftOut, sample } = plan;
  const { busy, error, attempt } = useAttempt<'start'>();
  const nameOf = useNames(sample.map((row) => row.ownerId ?? ''));
  const start = (reason: string): Promise<void> =>
    attempt('start', async () => {
      const { runId } = await callAdmin('cleanup.start', { planId, count, reason: reason || null });
      onStarted(runId);
    });
  return (
    <ConfirmDialog
      title={text('cleanup.plan.title', { count })}
      action={text('cleanup.plan.start', { count })}
      reason={count > MAX_WITHOUT_REASON ? 'required' : 'optional'}
      isBusy={busy !== null}
      isDisabled={count === 0}
      error={error}
      onConfirm={(reason) => void start(reason)}
      onClose={onClose}
    >
      <div className="tight">
        {count > 0 && (
          <p className="text">
            <strong>{planShareText('spaces', plan)}</strong>
          </p>
        )}
        <p className="text">{text('cleanup.plan.text', { date: formatDay(plan.unchangedSince) })}</p>
        <p className="text">{text('cleanup.plan.cost', { points: formatNumber(plan.points), time: formatTime(plan.doneAt) })}</p>
      </div>
      {leftOut.length > 0 && (
        <div>
          <p className="subtle">{text('cleanup.plan.leftOut')}</p>
          <ul>
            {leftOut.map(({ reason: why, count: spaces }) => (
              <li key={why}>{text(`cleanup.left.${why}`, { count: spaces })}</li>
            ))}
          </ul>
        </div>
      )}
      {sample.length > 0 && (
        <p className="text">
          {text('cleanup.plan.sample', {
            count: sample.length,
            all: count,
            names: sample.map((row) => listedLabel(row, nameOf)).join(', '),
          })}
        </p>
      )}
      {count > 0 && <HowItRuns count={count} undo={text('cleanup.plan.undo')} />}
    </ConfirmDialog>
  );
}

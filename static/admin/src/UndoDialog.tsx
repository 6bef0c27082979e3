/** Before a run over people is undone: how many spaces it is about, and what is left alone. */
import type { RunView } from '../../../src/api/admin/runs';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { text } from '../../shared/text';
import { ConfirmDialog } from './ConfirmDialog';
import { leftAloneText } from './run-words';

interface Props {
  run: RunView;
  /** @param undo the run that undoes it */
  onStarted: (undo: RunView) => void;
  onClose: () => void;
}

/** Goes into a `ModalTransition`. */
export function UndoDialog({ run, onStarted, onClose }: Props) {
  const { busy, error, attempt } = useAttempt<'undo'>();
  const { runId, undoable: count } = run;
  const left = leftAloneText(run);
  const undo = (): Promise<void> =>
    attempt('undo', async () => {
      onStarted(await callAdmin('runs.undo', { runId }));
      onClose();
    });
  return (
    <ConfirmDialog
      title={text('people.undo.title', { count })}
      action={text('people.undo.start', { count })}
      isDanger
      reason="none"
      isBusy={busy !== null}
      error={error}
      onConfirm={() => void undo()}
      onClose={onClose}
    >
      <div className="tight">
        <p className="text">{text('people.undo.text')}</p>
        <p className="text">{text('people.undo.how')}</p>
        {left !== '' && <p className="text">{left}</p>}
      </div>
    </ConfirmDialog>
  );
}

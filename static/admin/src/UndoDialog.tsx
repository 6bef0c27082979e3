/** Before a run is undone: how many spaces it is about, of how many, what is left alone, and why it is done. */

import type { RunView } from '../../../src/api/admin/runs';
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { ConfirmDialog } from './ConfirmDialog';
import { leftAloneText } from './run-words';
import { shareText } from './share';

interface Props {
  run: RunView;
  /** @param undo the run that undoes it */
  onStarted: (undo: RunView) => void;
  onClose: () => void;
}

const ARCHIVES = { title: 'people.undo.title', start: 'people.undo.start', text: 'people.undo.text' } as const;
const RESTORES = { title: 'cleanup.undo.title', start: 'cleanup.undo.start', text: 'cleanup.undo.text' } as const;

/** A run over people is undone by archiving, a cleanup by restoring. Goes into a `ModalTransition`. */
export function UndoDialog({ run, onStarted, onClose }: Props) {
  const { busy, error, attempt } = useAttempt<'undo'>();
  const { loaded: all } = useLoaded(() => callAdmin('spaces.list', { limit: 1 }));
  const { runId, undoable: count } = run;
  const isArchiving = run.kind === 'provision';
  const words = isArchiving ? ARCHIVES : RESTORES;
  const left = leftAloneText(run);
  const undo = (reason: string): Promise<void> =>
    attempt('undo', async () => {
      onStarted(await callAdmin('runs.undo', { runId, ...(reason === '' ? {} : { reason }) }));
      onClose();
    });
  return (
    <ConfirmDialog
      title={text(words.title, { count })}
      action={text(words.start, { count })}
      isDanger={isArchiving}
      reason={count > MAX_WITHOUT_REASON ? 'required' : 'none'}
      isBusy={busy !== null}
      error={error}
      onConfirm={(reason) => void undo(reason)}
      onClose={onClose}
    >
      <div className="tight">
        {all.state === 'ready' && (
          <p className="text">
            <strong>{shareText('spaces', count, all.data.total)}</strong>
          </p>
        )}
        <p className="text">{text(words.text)}</p>
        <p className="text">{text('people.undo.how')}</p>
        {left !== '' && <p className="text">{left}</p>}
      </div>
    </ConfirmDialog>
  );
}

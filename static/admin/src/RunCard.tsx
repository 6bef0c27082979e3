/** One run, over spaces or over people: state, progress, results; pausing, stopping, trying again, undoing. */
import Button from '@atlaskit/button/new';
import Lozenge from '@atlaskit/lozenge';
import { ModalTransition } from '@atlaskit/modal-dialog';
import ProgressBar from '@atlaskit/progress-bar';
import { useState } from 'react';
import type { RunView } from '../../../src/api/admin/runs';
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { formatTime, text } from '../../shared/text';
import { useNames } from './display-names';
import { JOB_APPEARANCES } from './job-progress';
import { RunResults } from './RunResults';
import { nameOfRun, progressText, undoText } from './run-words';
import { isFree, isOver } from './runs';
import { UndoDialog } from './UndoDialog';

interface Props {
  run: RunView;
  /** All runs that the page knows: one that is under way, or paused, keeps others from beginning. */
  runs: readonly RunView[];
  /** What an action answers: this run, or the new one that it began. */
  onChange: (run: RunView) => void;
}

export function RunCard({ run, runs, onChange }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [isUndoing, setUndoing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const nameOf = useNames([run.startedBy]);
  const { runId, kind, state, total, done, failed } = run;
  const isAboutPeople = kind === 'provision';
  const name = nameOfRun(run);
  const undo = undoText(run);
  const act = (action: 'runs.pause' | 'runs.resume' | 'runs.stop' | 'runs.retry' | 'runs.undo'): void => {
    setError(null);
    callAdmin(action, { runId }).then((answer) => {
      if (action === 'runs.retry') onChange({ ...run, retried: true });
      onChange(answer);
    }, setError);
  };
  return (
    <article className="card stack" aria-label={name}>
      <div className="row spread">
        <div className="row">
          <strong>{name}</strong>
          {/* A new key remounts it: the lozenge animates text changes with an inline style, which the CSP blocks. */}
          <Lozenge key={state} appearance={JOB_APPEARANCES[state]}>
            {text(`job.state.${state}`)}
          </Lozenge>
          <span className="subtle">{text('job.by', { name: nameOf(run.startedBy), time: formatTime(run.createdAt) })}</span>
        </div>
        <div className="row">
          {state === 'running' && <Button onClick={() => act('runs.pause')}>{text('job.pause')}</Button>}
          {state === 'paused' && <Button onClick={() => act('runs.resume')}>{text('job.resume')}</Button>}
          {(state === 'running' || state === 'paused') && <Button onClick={() => act('runs.stop')}>{text('job.stop')}</Button>}
          {isOver(run) && failed > 0 && !run.retried && isFree(runs, kind) && (
            <Button onClick={() => act('runs.retry')}>{text('cleanup.job.retry', { count: failed })}</Button>
          )}
          {run.undoable > 0 && isFree(runs, 'restore') && (
            <Button onClick={() => (isAboutPeople || run.undoable > MAX_WITHOUT_REASON ? setUndoing(true) : act('runs.undo'))}>
              {text(isAboutPeople ? 'people.undo' : 'cleanup.job.undo')}
            </Button>
          )}
          <Button appearance="subtle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {text(isOpen ? 'job.hide' : 'job.details')}
          </Button>
        </div>
      </div>
      {!isOver(run) && <ProgressBar ariaLabel={text('job.progress', { done, total })} value={total > 0 ? done / total : 0} />}
      <div className="tight">
        <p className="text" role="status">
          {progressText(run)}
        </p>
        {run.reason && <p className="subtle">{text('job.reason', { reason: run.reason })}</p>}
        {undo !== '' && <p className="subtle">{undo}</p>}
      </div>
      {error !== null && <Failure error={error} />}
      {isOpen && <RunResults run={run} />}
      <ModalTransition>{isUndoing && <UndoDialog run={run} onStarted={onChange} onClose={() => setUndoing(false)} />}</ModalTransition>
    </article>
  );
}

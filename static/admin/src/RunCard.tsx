/** One archive or restore run: state, progress, results; pausing, stopping, trying again, undoing. */
import Button from '@atlaskit/button/new';
import Lozenge from '@atlaskit/lozenge';
import ProgressBar from '@atlaskit/progress-bar';
import { useState } from 'react';
import type { RunRowView, RunView } from '../../../src/api/admin/runs';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { formatDay, formatTime, text, textOf, textOr } from '../../shared/text';
import { spaceLabel, useNames } from './display-names';
import { JobResults } from './JobResults';
import { JOB_APPEARANCES } from './job-progress';

interface Props {
  run: RunView;
  /** No run is under way, or paused: another one may begin. */
  isFree: boolean;
  /** What an action answers: this run, or the new one that it began. */
  onChange: (run: RunView) => void;
}

export function RunCard({ run, isFree, onChange }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const nameOf = useNames([run.startedBy]);
  const { runId, kind, state, total, done } = run;
  const { archived = 0, restored = 0, kept = 0, failed = 0 } = run.counts;
  const isRestore = kind === 'restore';
  const isOver = state === 'done' || state === 'cancelled' || state === 'failed';
  const name = text(isRestore ? 'cleanup.job.restore' : 'cleanup.job.archive');
  const act = (action: 'runs.pause' | 'runs.resume' | 'runs.stop' | 'runs.retry' | 'runs.undo'): void => {
    setError(null);
    callAdmin(action, { runId }).then(onChange, setError);
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
          {isFree && failed > 0 && <Button onClick={() => act('runs.retry')}>{text('cleanup.job.retry', { count: failed })}</Button>}
          {isFree && run.undoable > 0 && <Button onClick={() => act('runs.undo')}>{text('cleanup.job.undo')}</Button>}
          <Button appearance="subtle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {text(isOpen ? 'job.hide' : 'job.details')}
          </Button>
        </div>
      </div>
      {!isOver && <ProgressBar ariaLabel={text('job.progress', { done, total })} value={total > 0 ? done / total : 0} />}
      <div className="tight">
        <p className="text" role="status">
          {state !== 'done' && `${text('job.progress', { done, total })}: `}
          {isRestore
            ? text('cleanup.job.counts.restore', { restored, kept, failed })
            : text('cleanup.job.counts.archive', { archived, kept, failed })}
          {run.waitingUntil !== null && ` ${text('cleanup.waiting', { time: formatTime(run.waitingUntil) })}`}
          {!isOver && run.doneAt !== null && ` ${text('cleanup.job.done', { time: formatTime(run.doneAt) })}`}
          {run.problem !== null && ` ${textOr(`cleanup.problem.${run.problem}`, text('job.problem', { problem: run.problem }))}`}
        </p>
        {run.reason && <p className="subtle">{text('job.reason', { reason: run.reason })}</p>}
        {run.undoableUntil !== null && <p className="subtle">{text('cleanup.job.until', { date: formatDay(run.undoableUntil) })}</p>}
      </div>
      {error !== null && <Failure error={error} />}
      {isOpen && (
        <JobResults<RunRowView>
          job={run}
          what={text('cleanup.column.space')}
          load={(from, onlyFailed) => callAdmin('runs.rows', { runId, from, onlyFailed })}
          view={(row) => ({
            key: row.spaceId,
            accountId: row.ownerId,
            name: (names) => spaceLabel(row, names),
            outcome: row.outcome ? text(`cleanup.outcome.${row.outcome}`) : '',
            why: row.reason ? textOf('reason', row.reason, { date: formatDay(run.unchangedSince ?? 0) }) : '',
          })}
        />
      )}
    </article>
  );
}

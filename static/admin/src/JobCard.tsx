/** One archive or restore job: state, progress, results, stop, undo. */
import Button from '@atlaskit/button/new';
import Lozenge from '@atlaskit/lozenge';
import ProgressBar from '@atlaskit/progress-bar';
import { useState } from 'react';
import type { RowView } from '../../../src/api/admin/cleanup';
import type { JobView } from '../../../src/api/admin/jobs';
import { callAdmin } from '../../shared/call';
import { formatDay, formatTime, text, textOf } from '../../shared/text';
import { spaceLabel, useNames } from './display-names';
import { JobResults } from './JobResults';
import { JOB_APPEARANCES } from './job-progress';

interface Props {
  job: JobView;
  /** A restore of this job has been started. */
  isRestored: boolean;
  onStop: () => void;
  onRestore: () => void;
}

export function JobCard({ job, isRestored, onStop, onRestore }: Props) {
  const [isOpen, setOpen] = useState(false);
  const nameOf = useNames([job.startedBy]);
  const { archived = 0, restored = 0, kept = 0, failed = 0 } = job.counts;
  const done = archived + restored + kept + failed;
  const isRunning = job.state === 'running' || job.state === 'cancelling';
  return (
    <article className="card stack" aria-label={text(job.kind === 'restore' ? 'cleanup.job.restore' : 'cleanup.job.archive')}>
      <div className="row spread">
        <div className="row">
          <strong>{text(job.kind === 'restore' ? 'cleanup.job.restore' : 'cleanup.job.archive')}</strong>
          {/* A new key remounts it: the lozenge animates text changes with an inline style, which the CSP blocks. */}
          <Lozenge key={job.state} appearance={JOB_APPEARANCES[job.state]}>
            {text(`job.state.${job.state}`)}
          </Lozenge>
          <span className="subtle">{text('job.by', { name: nameOf(job.startedBy), time: formatTime(job.createdAt) })}</span>
        </div>
        <div className="row">
          {job.state === 'running' && <Button onClick={onStop}>{text('job.stop')}</Button>}
          {job.kind === 'archive' && !isRunning && (archived > 0 || job.state === 'failed') && !isRestored && (
            <Button onClick={onRestore}>{text('cleanup.job.undo')}</Button>
          )}
          <Button appearance="subtle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {text(isOpen ? 'job.hide' : 'job.details')}
          </Button>
        </div>
      </div>
      {isRunning && (
        <ProgressBar
          ariaLabel={text('job.progress', { done, total: job.total })}
          {...(job.total > 0 ? { value: done / job.total } : { isIndeterminate: true })}
        />
      )}
      <p className="text" role="status">
        {isRunning && job.total > 0 && `${text('job.progress', { done, total: job.total })}: `}
        {job.kind === 'restore'
          ? text('cleanup.job.counts.restore', { restored, kept, failed })
          : text('cleanup.job.counts.archive', { archived, kept, failed })}
        {job.waitingUntil !== null && ` ${text('cleanup.waiting', { time: formatTime(job.waitingUntil) })}`}
        {job.problem !== null && ` ${text('job.problem', { problem: job.problem })}`}
      </p>
      {isOpen && (
        <JobResults<RowView>
          job={job}
          what={text('cleanup.column.space')}
          load={(from, onlyFailed) => callAdmin('cleanup.rows', { jobId: job.id, from, onlyFailed })}
          view={(row) => ({
            key: row.spaceId,
            accountId: row.ownerId,
            name: (nameOf) => spaceLabel(row, nameOf),
            outcome: row.outcome ? text(`cleanup.outcome.${row.outcome}`) : '',
            why: row.reason ? textOf('reason', row.reason, { date: formatDay(job.unchangedSince ?? 0) }) : '',
          })}
        />
      )}
    </article>
  );
}

/** A job for existing people: progress, pause, stop, and the outcome for each person. */
import Button from '@atlaskit/button/new';
import Lozenge from '@atlaskit/lozenge';
import ProgressBar from '@atlaskit/progress-bar';
import { useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import type { ProvisionRowView } from '../../../src/api/admin/people';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { formatTime, type TextKey, text, textOf, textOr } from '../../shared/text';
import { useNames } from './display-names';
import { JobResults } from './JobResults';
import { JOB_APPEARANCES } from './job-progress';

/** What a job waits for, where it is not points. */
const WAITING: Readonly<Record<string, TextKey>> = { 'day-full': 'job.waiting.day', 'directory-reading': 'job.waiting.directory' };

export function ProvisionJobCard({ job, onChange }: { job: JobView; onChange: (job: JobView) => void }) {
  const [isOpen, setOpen] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const nameOf = useNames([job.startedBy]);
  const { created = 0, offered = 0, adopted = 0, kept = 0, failed = 0 } = job.counts;
  const done = created + offered + adopted + kept + failed;
  const isOver = job.state === 'done' || job.state === 'cancelled' || job.state === 'failed';
  const act = (name: 'job.pause' | 'job.resume' | 'job.cancel'): void => {
    setError(null);
    callAdmin(name, { jobId: job.id }).then(onChange, setError);
  };
  return (
    <article className="card stack" aria-label={text('people.job')}>
      <div className="row spread">
        <div className="row">
          <strong>{text('people.job')}</strong>
          <Lozenge key={job.state} appearance={JOB_APPEARANCES[job.state]}>
            {text(`job.state.${job.state}`)}
          </Lozenge>
          <span className="subtle">{text('job.by', { name: nameOf(job.startedBy), time: formatTime(job.createdAt) })}</span>
        </div>
        <div className="row">
          {job.state === 'running' && <Button onClick={() => act('job.pause')}>{text('job.pause')}</Button>}
          {job.state === 'paused' && <Button onClick={() => act('job.resume')}>{text('job.resume')}</Button>}
          {(job.state === 'running' || job.state === 'paused') && <Button onClick={() => act('job.cancel')}>{text('job.stop')}</Button>}
          <Button appearance="subtle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {text(isOpen ? 'job.hide' : 'job.details')}
          </Button>
        </div>
      </div>
      {!isOver && <ProgressBar ariaLabel={text('job.progress', { done, total: job.total })} value={job.total > 0 ? done / job.total : 0} />}
      {job.reason !== null && <p className="text">{text('job.reason', { reason: job.reason })}</p>}
      <p className="text" role="status">
        {job.state !== 'done' && `${text('job.progress', { done, total: job.total })}: `}
        {text('people.job.counts', { created, offered, adopted, kept, failed })}
        {job.state === 'running' && ` ${text('people.job.schedule')}`}
        {job.waitingUntil !== null && ` ${text(WAITING[job.problem ?? ''] ?? 'job.waiting', { time: formatTime(job.waitingUntil) })}`}
        {job.problem !== null &&
          WAITING[job.problem] === undefined &&
          ` ${textOr(`job.problem.${job.problem}`, text('job.problem', { problem: job.problem }))}`}
      </p>
      {error !== null && <Failure error={error} />}
      {isOpen && (
        <JobResults<ProvisionRowView>
          job={job}
          what={text('admin.column.person')}
          load={(from, onlyFailed) => callAdmin('people.rows', { jobId: job.id, from, onlyFailed })}
          view={(row) => ({
            key: row.accountId,
            accountId: row.accountId,
            name: (nameOf) => nameOf(row.accountId),
            outcome: text(`people.outcome.${row.outcome ?? 'open'}`),
            why: row.reason ? textOf('reason', row.reason) : '',
          })}
        />
      )}
    </article>
  );
}

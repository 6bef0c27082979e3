/** Bulk cleanup: find unused spaces, select, preview, archive with progress, restore. */
import Button from '@atlaskit/button/new';
import EmptyState from '@atlaskit/empty-state';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Textfield from '@atlaskit/textfield';
import { useState } from 'react';
import type { CleanupState } from '../../../src/api/admin/cleanup';
import type { JobView } from '../../../src/api/admin/jobs';
import { MAX_IDLE_DAYS } from '../../../src/api/limits';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatDay, formatNumber, formatTime, text } from '../../shared/text';
import { CandidatesTable } from './CandidatesTable';
import { JobCard } from './JobCard';
import { isActive, usePolling, withJob } from './job-progress';

const DEFAULT_DAYS = 180;

/** A restore that finished without a failure. */
const isWhole = (job: JobView): boolean => job.state === 'done' && (job.counts.failed ?? 0) === 0;

export function CleanupTab() {
  const { loaded, reload, set } = useLoaded<CleanupState>(() => callAdmin('cleanup.state', {}));
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') {
    return (
      <div className="panel">
        <Failure error={loaded.error} onRetry={reload} />
      </div>
    );
  }
  return <Cleanup state={loaded.data} onChange={set} />;
}

function Cleanup({ state, onChange }: { state: CleanupState; onChange: (state: CleanupState) => void }) {
  const { survey, jobs, unseen } = state;
  const [days, setDays] = useState(String(survey?.idleDays ?? DEFAULT_DAYS));
  const [error, setError] = useState<unknown>(null);
  const isValid = /^\d+$/.test(days) && Number(days) >= 1 && Number(days) <= MAX_IDLE_DAYS;
  const replace = (job: JobView): void => {
    if (job.kind === 'survey') onChange({ ...state, survey: job });
    else onChange({ ...state, jobs: withJob(jobs, job) });
  };
  usePolling([survey, ...jobs], replace);
  const attempt = (action: Promise<JobView>): void => {
    setError(null);
    action.then(replace, setError);
  };

  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('cleanup.heading')}
        </Heading>
        <p className="subtle">{text('cleanup.intro')}</p>
      </div>
      <form
        className="row end"
        onSubmit={(event) => {
          event.preventDefault();
          if (isValid) attempt(callAdmin('cleanup.survey', { idleDays: Number(days) }));
        }}
      >
        <div className="days">
          <label htmlFor="days">{text('cleanup.days')}</label>
          <Textfield
            id="days"
            inputMode="numeric"
            value={days}
            isInvalid={!isValid}
            aria-describedby="days-help"
            onChange={(event) => setDays(event.currentTarget.value)}
          />
        </div>
        <Button type="submit" appearance={survey === null ? 'primary' : 'default'} isDisabled={!isValid || isActive(survey)}>
          {text('cleanup.search')}
        </Button>
      </form>
      <p className="subtle near" id="days-help">
        {isValid ? text('cleanup.counts') : text('cleanup.days.invalid', { max: MAX_IDLE_DAYS })}
      </p>
      {error !== null && <Failure error={error} />}
      {jobs.length > 0 && (
        <section className="stack" aria-labelledby="jobs">
          <div id="jobs">
            <Heading size="small" as="h3">
              {text('cleanup.jobs')}
            </Heading>
          </div>
          {jobs.map((job) => (
            <JobCard
              key={job.id}
              job={job}
              isRestored={jobs.some((other) => other.source === job.id && (isActive(other) || isWhole(other)))}
              onStop={() => attempt(callAdmin('job.cancel', { jobId: job.id }))}
              onRestore={() => attempt(callAdmin('cleanup.restore', { jobId: job.id }))}
            />
          ))}
        </section>
      )}
      <Survey
        survey={survey}
        isStale={survey !== null && jobs.some((job) => job.createdAt > survey.createdAt)}
        onPlanStarted={replace}
        onStop={() => survey && attempt(callAdmin('job.cancel', { jobId: survey.id }))}
      />
      {unseen.count > 0 && (
        <SectionMessage appearance="information">
          <p className="text">{text('cleanup.unseen', { count: unseen.count, of: unseen.of })}</p>
        </SectionMessage>
      )}
    </div>
  );
}

interface SurveyProps {
  survey: JobView | null;
  isStale: boolean;
  onPlanStarted: (job: JobView) => void;
  onStop: () => void;
}

function Survey({ survey, isStale, onPlanStarted, onStop }: SurveyProps) {
  if (survey === null) return <EmptyState header={text('cleanup.none')} headingLevel={3} description={text('cleanup.none.text')} />;
  const { seen = 0, unused = 0 } = survey.counts;
  if (survey.state === 'running' || survey.state === 'cancelling') {
    return (
      <div className="stack">
        <Waiting label={text('cleanup.searching')} />
        <p className="text" role="status">
          {survey.waitingUntil === null
            ? text('cleanup.searching.progress', { seen, unused: formatNumber(unused) })
            : text('cleanup.waiting', { time: formatTime(survey.waitingUntil) })}
        </p>
        <div>
          <Button isDisabled={survey.state === 'cancelling'} onClick={onStop}>
            {text('job.stop')}
          </Button>
        </div>
      </div>
    );
  }
  if (survey.state === 'failed') {
    return (
      <SectionMessage appearance="error" title={text('cleanup.search.failed')}>
        <p className="text">{text('cleanup.search.failed.text', { problem: survey.problem ?? '' })}</p>
      </SectionMessage>
    );
  }
  if (survey.state === 'cancelled') {
    return <EmptyState header={text('cleanup.search.stopped')} headingLevel={3} description={text('cleanup.none.text')} />;
  }
  if (unused === 0) {
    return (
      <EmptyState
        header={text('cleanup.result.nothing')}
        headingLevel={3}
        description={text('cleanup.result.nothing.text', { days: survey.idleDays ?? 0 })}
      />
    );
  }
  return (
    <section className="stack" aria-labelledby="result">
      <p className="text" id="result">
        <strong>{text('cleanup.result', { unused, date: formatDay(survey.unchangedSince ?? 0), seen: formatNumber(seen) })}</strong>
      </p>
      {isStale && <p className="subtle">{text('cleanup.result.stale', { time: formatTime(survey.createdAt) })}</p>}
      <CandidatesTable key={survey.id} survey={survey} total={unused} onStarted={onPlanStarted} />
    </section>
  );
}

/** Spaces for people who have none: count, plan, run; and the list of spaces that are not created again. */
import Button from '@atlaskit/button/new';
import DynamicTable from '@atlaskit/dynamic-table';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import type { PeoplePlanView } from '../../../src/api/admin/people';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatNumber, formatTime, text } from '../../shared/text';
import { CensusLine } from './CensusLine';
import { useCensus } from './census';
import { useNames } from './display-names';
import { isActive, usePolling, withJob } from './job-progress';
import { ProvisionJobCard } from './ProvisionJobCard';
import { outcomeLabel } from './SimulationCard';
import { Tombstones } from './Tombstones';

export function PeopleTab({ isChanged }: { isChanged: boolean }) {
  const census = useCensus();
  const jobs = useLoaded<JobView[]>(() => callAdmin('people.jobs', {}));
  const [plan, setPlan] = useState<PeoplePlanView | null>(null);
  const { busy, error, attempt } = useAttempt<'plan' | 'start'>();
  const list = jobs.loaded.state === 'ready' ? jobs.loaded.data : [];
  const replace = (job: JobView): void => jobs.set(withJob(list, job));
  usePolling(list, replace);
  const isBusy = list.some((job) => isActive(job) || job.state === 'paused');

  const preview = (): Promise<void> => attempt('plan', async () => setPlan(await callAdmin('people.plan', {})));
  const start = (jobId: string): Promise<void> =>
    attempt('start', async () => {
      replace(await callAdmin('people.start', { jobId }));
      setPlan(null);
    });

  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('people.heading')}
        </Heading>
        <p className="subtle">{text('people.text')}</p>
      </div>
      <CensusLine census={census} />
      {isChanged && (
        <SectionMessage appearance="warning">
          <p className="text">{text('people.unsaved')}</p>
        </SectionMessage>
      )}
      {census.isCounted && (
        <div>
          <Button appearance={plan ? 'default' : 'primary'} isDisabled={isBusy} isLoading={busy === 'plan'} onClick={() => void preview()}>
            {text('people.preview')}
          </Button>
        </div>
      )}
      {error !== null && <Failure error={error} />}
      {plan && <Plan plan={plan} isStarting={busy === 'start'} isBusy={isBusy} onStart={(jobId) => void start(jobId)} />}
      {jobs.loaded.state === 'loading' && <Waiting />}
      {jobs.loaded.state === 'failed' && <Failure error={jobs.loaded.error} onRetry={jobs.reload} />}
      {list.map((job) => (
        <ProvisionJobCard key={job.id} job={job} onChange={replace} />
      ))}
      <Tombstones />
    </div>
  );
}

interface PlanProps {
  plan: PeoplePlanView;
  isStarting: boolean;
  isBusy: boolean;
  onStart: (jobId: string) => void;
}

function Plan({ plan, isStarting, isBusy, onStart }: PlanProps) {
  const { job, creates, offers } = plan;
  const nameOf = useNames(plan.sample.map((row) => row.accountId));
  return (
    <section className="card stack" aria-label={text('people.plan')}>
      <p className="text">
        <strong>{text('people.plan.count', { creates, offers, people: plan.people })}</strong>
      </p>
      <ul className="outcomes">
        {plan.outcomes.map((outcome) => (
          <li key={`${outcome.kind} ${outcome.reason}`}>
            <strong>{formatNumber(outcome.count)}</strong> {outcomeLabel(outcome)}
          </li>
        ))}
      </ul>
      {job && (
        <>
          <p className="text">
            {text('people.plan.cost', { points: formatNumber(plan.points), hours: formatNumber(Math.max(0.1, plan.hours)) })}
            {plan.days !== null && ` ${text('people.plan.days', { days: plan.days })}`}
          </p>
          <p className="text">{text('people.plan.waves')}</p>
          <div className="scroll">
            <DynamicTable
              label={text('people.plan')}
              head={{
                cells: [
                  { key: 'person', content: text('admin.column.person') },
                  { key: 'what', content: text('people.column.what') },
                ],
              }}
              rows={plan.sample.map(({ accountId, outcome }) => ({
                key: accountId,
                cells: [
                  { key: 'person', content: nameOf(accountId) },
                  { key: 'what', content: outcomeLabel(outcome) },
                ],
              }))}
            />
          </div>
          {creates + offers > plan.sample.length && (
            <p className="subtle">{text('people.plan.more', { count: creates + offers - plan.sample.length })}</p>
          )}
          <div>
            <Button appearance="primary" isDisabled={isBusy} isLoading={isStarting} onClick={() => onStart(job.id)}>
              {text('people.start', { count: creates + offers })}
            </Button>
          </div>
        </>
      )}
      <p className="subtle">{text('people.plan.counted', { time: formatTime(plan.countedAt) })}</p>
    </section>
  );
}

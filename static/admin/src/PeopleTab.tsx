/** Spaces for people who have none: plan and run; and the list of spaces that are not created again. */
import Button from '@atlaskit/button/new';
import DynamicTable from '@atlaskit/dynamic-table';
import Heading from '@atlaskit/heading';
import { ModalTransition } from '@atlaskit/modal-dialog';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { PeoplePlanView } from '../../../src/api/admin/people';
import type { PolicyView } from '../../../src/api/admin/policy';
import type { RunView } from '../../../src/api/admin/runs';
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatNumber, formatTime, text } from '../../shared/text';
import { ConfirmDialog } from './ConfirmDialog';
import { useNames } from './display-names';
import { HowItRuns } from './HowItRuns';
import { KnownPeople, useKnownPeople } from './KnownPeople';
import { RunCard } from './RunCard';
import { aboutPeople, isFree, useRuns } from './runs';
import { outcomeLabel } from './SimulationCard';
import { planShareText } from './share';
import { Tombstones } from './Tombstones';
import { WaitingPeople } from './WaitingPeople';

const KINDS: RunView['kind'][] = ['provision', 'archive', 'restore'];

/** Each list is short: runs over spaces must not crowd out those over people. */
async function loadRuns(): Promise<RunView[]> {
  const lists = [callAdmin('runs.list', { kinds: ['provision'] }), callAdmin('runs.list', { kinds: ['archive', 'restore'] })];
  const runs = (await Promise.all(lists)).flatMap(({ rows }) => rows);
  return runs.sort((a, b) => b.createdAt - a.createdAt);
}

interface Props {
  stored: PolicyView;
  isChanged: boolean;
  onSiteCheck: () => void;
}

export function PeopleTab({ stored, isChanged, onSiteCheck }: Props) {
  const known = useKnownPeople();
  const runs = useLoaded<RunView[]>(loadRuns);
  const [plan, setPlan] = useState<PeoplePlanView | null>(null);
  const [isConfirming, setConfirming] = useState(false);
  const { busy, error, attempt } = useAttempt<'plan' | 'start'>();
  const list = runs.loaded.state === 'ready' ? runs.loaded.data : [];
  const { look, follow } = useRuns(list, runs.set, KINDS);
  const isBusy = !isFree(list, 'provision');

  const preview = (): Promise<void> => attempt('plan', async () => setPlan(await callAdmin('people.plan', {})));
  const start = ({ planId, count }: PeoplePlanView, reason: string): Promise<void> =>
    attempt('start', async () => {
      const { runId } = await callAdmin('people.start', { planId, count, reason });
      look(runId);
      setPlan(null);
      setConfirming(false);
    });

  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('people.heading')}
        </Heading>
        <p className="subtle">{text('people.text')}</p>
      </div>
      {/* Asked again once everybody is known: before that, there may be no tables to count in. */}
      <WaitingPeople key={`waiting ${known.isComplete}`} stored={stored} onSiteCheck={onSiteCheck} />
      <KnownPeople known={known} />
      {isChanged && (
        <SectionMessage appearance="warning">
          <p className="text">{text('people.unsaved')}</p>
        </SectionMessage>
      )}
      {known.isComplete && (
        <div>
          <Button appearance={plan ? 'default' : 'primary'} isDisabled={isBusy} isLoading={busy === 'plan'} onClick={() => void preview()}>
            {text('people.preview')}
          </Button>
        </div>
      )}
      {error !== null && !isConfirming && <Failure error={error} />}
      {plan && <Plan plan={plan} isBusy={isBusy} onStart={() => setConfirming(true)} />}
      <ModalTransition>
        {plan && isConfirming && (
          <ConfirmDialog
            title={text('people.start.title', { count: plan.count })}
            action={text('people.start', { count: plan.count })}
            reason={plan.count > MAX_WITHOUT_REASON ? 'required' : 'optional'}
            isBusy={busy === 'start'}
            error={error}
            onConfirm={(reason) => void start(plan, reason)}
            onClose={() => setConfirming(false)}
          >
            <div className="tight">
              <p className="text">
                <strong>{planShareText('people', plan)}</strong>
              </p>
              <p className="text">{text('people.plan.counts', { creates: plan.creates, offers: plan.offers })}</p>
              <p className="text">{costText(plan)}</p>
            </div>
            <HowItRuns count={plan.count} undo={text('people.start.undo')} />
          </ConfirmDialog>
        )}
      </ModalTransition>
      {runs.loaded.state === 'loading' && <Waiting />}
      {runs.loaded.state === 'failed' && <Failure error={runs.loaded.error} onRetry={runs.reload} />}
      {aboutPeople(list).map((run) => (
        <RunCard key={run.runId} run={run} runs={list} onChange={follow} />
      ))}
      <Tombstones />
    </div>
  );
}

interface PlanProps {
  plan: PeoplePlanView;
  isBusy: boolean;
  onStart: () => void;
}

function costText({ points, doneAt, days }: PeoplePlanView): string {
  const cost = text('people.plan.cost', { points: formatNumber(points), time: formatTime(doneAt) });
  return days === null ? cost : `${cost} ${text('people.plan.days', { days })}`;
}

const labelOf = ({ outcome, reason }: Pick<PeoplePlanView['sample'][number], 'outcome' | 'reason'>): string =>
  outcomeLabel({ kind: outcome, reason });

function Plan({ plan, isBusy, onStart }: PlanProps) {
  const { count, creates, offers, people, sample } = plan;
  const nameOf = useNames(sample.map((row) => row.accountId));
  return (
    <section className="card stack" aria-label={text('people.plan')}>
      <p className="text">
        <strong>{text('people.plan.count', { creates, offers, people })}</strong>
      </p>
      {plan.unread.length > 0 && (
        <SectionMessage appearance="warning">
          <p className="text">{text('people.plan.unread', { groups: plan.unread.length })}</p>
        </SectionMessage>
      )}
      <ul className="outcomes">
        {plan.outcomes.map((row) => (
          <li key={`${row.outcome} ${row.reason} ${row.ruleId}`}>
            <strong>{formatNumber(row.count)}</strong> {labelOf(row)}
          </li>
        ))}
      </ul>
      {count > 0 && (
        <>
          <p className="text">{costText(plan)}</p>
          <div className="scroll">
            <DynamicTable
              label={text('people.plan')}
              head={{
                cells: [
                  { key: 'person', content: text('admin.column.person') },
                  { key: 'what', content: text('people.column.what') },
                ],
              }}
              rows={sample.map((row) => ({
                key: row.accountId,
                cells: [
                  { key: 'person', content: nameOf(row.accountId) },
                  { key: 'what', content: labelOf(row) },
                ],
              }))}
            />
          </div>
          {count > sample.length && <p className="subtle">{text('people.plan.more', { count: count - sample.length })}</p>}
          <div>
            <Button appearance="primary" isDisabled={isBusy} onClick={onStart}>
              {text('people.start', { count })}
            </Button>
          </div>
        </>
      )}
      <p className="subtle">{text('people.plan.checked')}</p>
    </section>
  );
}

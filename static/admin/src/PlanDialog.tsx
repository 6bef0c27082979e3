/** The preview before archiving: how many spaces, the cost, and which come first. */
import Button from '@atlaskit/button/new';
import Modal, { ModalBody, ModalFooter, ModalHeader, ModalTitle, ModalTransition } from '@atlaskit/modal-dialog';
import { useState } from 'react';
import type { CleanupPlan } from '../../../src/api/admin/cleanup';
import type { JobView } from '../../../src/api/admin/jobs';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { formatDay, formatNumber, text } from '../../shared/text';
import { spaceLabel, useNames } from './display-names';

/** Names listed in the dialog. */
const NAMES_SHOWN = 10;
/** Below this many hours, the time it takes is not worth a sentence. */
const LONG_HOURS = 0.25;

export function PlanDialog({
  plan,
  onClose,
  onStarted,
}: {
  plan: CleanupPlan | null;
  onClose: () => void;
  onStarted: (job: JobView) => void;
}) {
  return <ModalTransition>{plan && <Dialog plan={plan} onClose={onClose} onStarted={onStarted} />}</ModalTransition>;
}

function Dialog({ plan, onClose, onStarted }: { plan: CleanupPlan; onClose: () => void; onStarted: (job: JobView) => void }) {
  const [isStarting, setStarting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const shown = plan.sample.slice(0, NAMES_SHOWN);
  const nameOf = useNames(shown.map((row) => row.ownerId ?? ''));
  const start = async (): Promise<void> => {
    setStarting(true);
    try {
      onStarted(await callAdmin('cleanup.start', { jobId: plan.job.id }));
    } catch (failure) {
      setError(failure);
      setStarting(false);
    }
  };
  return (
    <Modal onClose={onClose}>
      <ModalHeader>
        <ModalTitle>{text('cleanup.plan.title', { count: plan.count })}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <div className="stack">
          <p className="text">{text('cleanup.plan.text', { date: formatDay(plan.job.unchangedSince ?? 0) })}</p>
          <p className="text">
            {text('cleanup.plan.cost', { points: formatNumber(plan.points) })}
            {plan.hours >= LONG_HOURS && ` ${text('cleanup.plan.hours', { hours: formatNumber(Math.round(plan.hours * 10) / 10) })}`}
          </p>
          <div>
            <p className="subtle">{text('cleanup.plan.sample', { count: shown.length })}</p>
            <ul>
              {shown.map((row) => (
                <li key={row.spaceId}>{spaceLabel(row, nameOf)}</li>
              ))}
            </ul>
          </div>
          {error !== null && <Failure error={error} />}
        </div>
      </ModalBody>
      <ModalFooter>
        <Button appearance="subtle" onClick={onClose}>
          {text('admin.cancel')}
        </Button>
        <Button appearance="primary" isLoading={isStarting} onClick={() => void start()}>
          {text('cleanup.plan.start', { count: plan.count })}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

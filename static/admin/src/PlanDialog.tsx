/** The preview before archiving: how many spaces, what is left out, the cost, which come first, and why it is done. */
import Button from '@atlaskit/button/new';
import Modal, { ModalBody, ModalFooter, ModalHeader, ModalTitle, ModalTransition } from '@atlaskit/modal-dialog';
import Textfield from '@atlaskit/textfield';
import { useState } from 'react';
import type { PreviewView } from '../../../src/api/admin/cleanup';
import { MAX_REASON_CHARS } from '../../../src/api/limits';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { formatDay, formatNumber, formatTime, text } from '../../shared/text';
import { listedLabel, useNames } from './display-names';

interface Props {
  plan: PreviewView | null;
  onClose: () => void;
  onStarted: (runId: string) => void;
}

export function PlanDialog({ plan, onClose, onStarted }: Props) {
  return <ModalTransition>{plan && <Dialog plan={plan} onClose={onClose} onStarted={onStarted} />}</ModalTransition>;
}

/** A share below this is not worth a sentence. */
const LARGE_SHARE = 0.1;

function Dialog({ plan, onClose, onStarted }: Props & { plan: PreviewView }) {
  const { planId, count, share, leftOut, sample } = plan;
  const [reason, setReason] = useState('');
  const [isStarting, setStarting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const nameOf = useNames(sample.map((row) => row.ownerId ?? ''));
  const start = async (): Promise<void> => {
    setStarting(true);
    try {
      const { runId } = await callAdmin('cleanup.start', { planId, count, reason: reason.trim() || null });
      onStarted(runId);
    } catch (failure) {
      setError(failure);
      setStarting(false);
    }
  };
  return (
    <Modal onClose={onClose}>
      <ModalHeader>
        <ModalTitle>{text('cleanup.plan.title', { count })}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <div className="stack">
          <p className="text">
            {text('cleanup.plan.text', { date: formatDay(plan.unchangedSince) })}
            {share >= LARGE_SHARE && ` ${text('cleanup.plan.share', { percent: formatNumber(Math.round(share * 100)) })}`}
          </p>
          <p className="text">{text('cleanup.plan.cost', { points: formatNumber(plan.points), time: formatTime(plan.doneAt) })}</p>
          {leftOut.length > 0 && (
            <div>
              <p className="subtle">{text('cleanup.plan.leftOut')}</p>
              <ul>
                {leftOut.map(({ reason: why, count: spaces }) => (
                  <li key={why}>{text(`cleanup.left.${why}`, { count: spaces })}</li>
                ))}
              </ul>
            </div>
          )}
          {sample.length > 0 && (
            <div>
              <p className="subtle">{text('cleanup.plan.sample', { count: sample.length, all: count })}</p>
              <ul>
                {sample.map((row) => (
                  <li key={row.spaceId}>{listedLabel(row, nameOf)}</li>
                ))}
              </ul>
            </div>
          )}
          <div className="field">
            <label htmlFor="cleanup-reason">{text('cleanup.plan.reason')}</label>
            <Textfield
              id="cleanup-reason"
              value={reason}
              maxLength={MAX_REASON_CHARS}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          </div>
          {error !== null && <Failure error={error} />}
        </div>
      </ModalBody>
      <ModalFooter>
        <Button appearance="subtle" onClick={onClose}>
          {text('admin.cancel')}
        </Button>
        <Button appearance="primary" isLoading={isStarting} isDisabled={count === 0} onClick={() => void start()}>
          {text('cleanup.plan.start', { count })}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** Asks once before something is done: what it does in its title and body, why if that is asked for, and a button that names it. */
import Button from '@atlaskit/button/new';
import Modal, { ModalBody, ModalFooter, ModalHeader, ModalTitle } from '@atlaskit/modal-dialog';
import Textfield from '@atlaskit/textfield';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { MAX_REASON_CHARS, MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { LabeledField } from '../../shared/controls';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';

interface Props {
  title: string;
  /** What the button says. */
  action: string;
  isDanger?: boolean;
  reason: 'required' | 'optional' | 'none';
  /** What was typed before; an attempt that failed loses nothing. */
  typedReason?: string;
  isBusy?: boolean;
  isDisabled?: boolean;
  error?: unknown;
  /** @param reason '' = none */
  onConfirm: (reason: string) => void;
  onClose: () => void;
  children: ReactNode;
}

/** Goes into a `ModalTransition`. */
export function ConfirmDialog(props: Props) {
  const { title, action, isDanger = false, isBusy = false, isDisabled = false, error = null, onConfirm, onClose, children } = props;
  const [reason, setReason] = useState(props.typedReason ?? '');
  /** How often it was tried without the reason that it needs. */
  const [tries, setTries] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const isRequired = props.reason === 'required';
  const isMissing = isRequired && reason.trim() === '';
  const confirm = (): void => {
    if (isMissing) setTries(tries + 1);
    else onConfirm(reason.trim());
  };
  // What is missing is said below the field, and a long dialog scrolls.
  useEffect(() => {
    if (tries === 0) return;
    field.current?.focus();
    field.current?.closest('.field')?.scrollIntoView({ block: 'nearest' });
  }, [tries]);
  const isInvalid = isMissing && tries > 0;
  return (
    // An accidental Escape must not discard what was typed.
    <Modal onClose={onClose} shouldCloseOnEscapePress={reason === ''} shouldCloseOnOverlayClick={reason === ''}>
      <ModalHeader>
        <ModalTitle>{title}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <div className="stack">
          {children}
          {props.reason !== 'none' && (
            <LabeledField
              label={text(isRequired ? 'confirm.reason' : 'confirm.reason.optional')}
              help={text('confirm.reason.help')}
              {...(isInvalid ? { problem: text('confirm.reason.missing', { max: MAX_WITHOUT_REASON }) } : {})}
            >
              {(id, describedBy) => (
                <Textfield
                  id={id}
                  ref={field}
                  value={reason}
                  maxLength={MAX_REASON_CHARS}
                  isRequired={isRequired}
                  isInvalid={isInvalid}
                  aria-describedby={describedBy}
                  onChange={(event) => setReason(event.currentTarget.value)}
                />
              )}
            </LabeledField>
          )}
          {error !== null && <Failure error={error} />}
        </div>
      </ModalBody>
      <ModalFooter>
        <Button appearance="subtle" onClick={onClose}>
          {text('admin.cancel')}
        </Button>
        <Button appearance={isDanger ? 'danger' : 'primary'} isLoading={isBusy} isDisabled={isDisabled} onClick={confirm}>
          {action}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

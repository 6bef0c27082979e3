/** One rule: its name, who it is for, and what happens to them. */
import Button from '@atlaskit/button/new';
import Modal, { ModalBody, ModalFooter, ModalHeader, ModalTitle, ModalTransition } from '@atlaskit/modal-dialog';
import Textfield from '@atlaskit/textfield';
import { useState } from 'react';
import type { Rule, SpaceTemplate } from '../../../src/domain/policy/document';
import { LabeledField } from '../../shared/controls';
import { text } from '../../shared/text';
import { GroupPicker } from './GroupPicker';
import type { SiteLimits } from './site-limits';
import { TreatmentFields } from './TreatmentFields';

interface Props {
  rule: Rule | null;
  isNew: boolean;
  templates: readonly SpaceTemplate[];
  limits: SiteLimits;
  onKeep: (rule: Rule) => void;
  onClose: () => void;
}

export function RuleDialog({ rule, ...props }: Props) {
  return <ModalTransition>{rule && <Dialog key={rule.id} rule={rule} {...props} />}</ModalTransition>;
}

/** As in the policy's schema. */
const MAX_NAME = 100;

function Dialog({ rule: before, isNew, templates, limits, onKeep, onClose }: Props & { rule: Rule }) {
  const [rule, setRule] = useState(before);
  const [isTried, setTried] = useState(false);
  const isChanged = JSON.stringify(rule) !== JSON.stringify(before);
  const isNamed = rule.name.trim() !== '';
  const keep = (): void => {
    setTried(true);
    if (isNamed) onKeep({ ...rule, name: rule.name.trim() });
  };
  return (
    // An accidental Escape must not discard what was filled in.
    <Modal onClose={onClose} width="large" shouldCloseOnEscapePress={!isChanged} shouldCloseOnOverlayClick={!isChanged}>
      <ModalHeader>
        <ModalTitle>{isNew ? text('policy.rule.new') : text('policy.rule.edit', { name: before.name })}</ModalTitle>
      </ModalHeader>
      <ModalBody>
        <div className="stack">
          <LabeledField label={text('policy.rule.name')} {...(isTried && !isNamed ? { problem: text('policy.rule.name.missing') } : {})}>
            {(id, describedBy) => (
              <Textfield
                id={id}
                value={rule.name}
                maxLength={MAX_NAME}
                aria-describedby={describedBy}
                onChange={(event) => setRule({ ...rule, name: event.currentTarget.value })}
              />
            )}
          </LabeledField>
          <GroupPicker
            label={text('policy.rule.groups')}
            help={text('policy.rule.groups.help')}
            chosen={rule.groups}
            onChange={(groups) => setRule({ ...rule, groups })}
          />
          <GroupPicker
            label={text('policy.rule.exceptGroups')}
            help={text('policy.rule.exceptGroups.help')}
            chosen={rule.exceptGroups}
            onChange={(exceptGroups) => setRule({ ...rule, exceptGroups })}
          />
          <TreatmentFields
            treatment={rule}
            templates={templates}
            limits={limits}
            onChange={(treatment) => setRule({ ...rule, ...treatment })}
          />
        </div>
      </ModalBody>
      <ModalFooter>
        <Button appearance="subtle" onClick={onClose}>
          {text('admin.cancel')}
        </Button>
        <Button appearance="primary" onClick={keep}>
          {text('policy.rule.keep')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

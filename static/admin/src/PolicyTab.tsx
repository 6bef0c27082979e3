/** The policy: pause, rules in order, everyone else, rollout, what it would change, and the document as text. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Toggle from '@atlaskit/toggle';
import { useId, useState } from 'react';
import { text } from '../../shared/text';
import { PauseNow } from './PauseNow';
import { PolicyText } from './PolicyText';
import { type Draft, newKey, replaced } from './policy-draft';
import { RolloutFields } from './RolloutFields';
import { RuleDialog } from './RuleDialog';
import { RuleList } from './RuleList';
import { SaveBar } from './SaveBar';
import { SimulationCard } from './SimulationCard';
import type { Simulation } from './simulation';
import { useSiteLimits } from './site-limits';
import { Limit, TreatmentFields } from './TreatmentFields';

type Rule = Draft['policy']['rules'][number];

export function PolicyTab({ draft, simulation }: { draft: Draft; simulation: Simulation }) {
  const { policy, change } = draft;
  const limits = useSiteLimits();
  /** The rule in the dialog: its position, or the length of the list for a new one. */
  const [edited, setEdited] = useState<{ rule: Rule; position: number } | null>(null);
  const pauseId = useId();
  const appRoleId = useId();
  const addRule = (): void => {
    const id = newKey(
      'rule',
      policy.rules.map((rule) => rule.id),
    );
    const rule: Rule = { ...policy.everyoneElse, id, name: '', groups: [], exceptGroups: [] };
    setEdited({ rule, position: policy.rules.length });
  };
  const keep = (rule: Rule): void => {
    if (!edited) return;
    const isNew = edited.position === policy.rules.length;
    change({ rules: isNew ? [...policy.rules, rule] : replaced(policy.rules, edited.position, rule) });
    setEdited(null);
  };
  return (
    <div className="panel stack">
      <div className="row">
        <Toggle id={pauseId} isChecked={policy.paused} onChange={() => change({ paused: !policy.paused })} />
        <label htmlFor={pauseId}>{text('policy.paused')}</label>
        <span className="subtle">{text('policy.paused.text')}</span>
        <PauseNow draft={draft} />
      </div>
      {draft.stored.policy.paused && (
        <SectionMessage appearance="warning">
          <p className="text">{text('policy.paused.now')}</p>
        </SectionMessage>
      )}
      <section className="stack" aria-labelledby="rules">
        <div className="row spread">
          <div className="tight">
            <div id="rules">
              <Heading size="small" as="h2">
                {text('policy.rules')}
              </Heading>
            </div>
            <p className="subtle">{text('policy.rules.text')}</p>
          </div>
          <Button onClick={addRule}>{text('policy.rule.add')}</Button>
        </div>
        {policy.rules.length > 0 && (
          <RuleList
            rules={policy.rules}
            templates={policy.templates}
            onChange={(rules) => change({ rules })}
            onEdit={(position) => {
              const rule = policy.rules[position];
              if (rule) setEdited({ rule, position });
            }}
          />
        )}
      </section>
      <div className="columns">
        <section className="stack" aria-labelledby="everyone-else">
          <div className="tight">
            <div id="everyone-else">
              <Heading size="small" as="h2">
                {text(policy.rules.length > 0 ? 'policy.everyone-else' : 'policy.everyone')}
              </Heading>
            </div>
            <p className="subtle">{text(policy.rules.length > 0 ? 'policy.everyone-else.text' : 'policy.everyone.text')}</p>
          </div>
          <TreatmentFields
            treatment={policy.everyoneElse}
            templates={policy.templates}
            limits={limits}
            onChange={(everyoneElse) => change({ everyoneElse })}
          />
        </section>
        <SimulationCard simulation={simulation} policy={policy} isChanged={draft.isChanged} />
      </div>
      <div className="choice">
        <Checkbox
          label={text('policy.app-role')}
          isChecked={policy.appRole}
          onChange={(event) => change({ appRole: event.currentTarget.checked })}
          aria-describedby={appRoleId}
        />
        <p className="subtle" id={appRoleId}>
          {text('policy.app-role.help')}
        </p>
        {limits.appRole.map((limit) => (
          <Limit key={limit}>{limit}</Limit>
        ))}
      </div>
      <RolloutFields rollout={policy.rollout} jobShare={policy.jobShare} onChange={change} />
      <SectionMessage appearance="information">
        <p className="text">{text('policy.unverified')}</p>
      </SectionMessage>
      <PolicyText policy={policy} onUse={change} />
      <SaveBar draft={draft} simulation={simulation} />
      <RuleDialog
        rule={edited?.rule ?? null}
        isNew={edited?.position === policy.rules.length}
        templates={policy.templates}
        limits={limits}
        onKeep={keep}
        onClose={() => setEdited(null)}
      />
    </div>
  );
}

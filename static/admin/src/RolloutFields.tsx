/** Whose turn it is: percentage, first day, people a day, cohorts by group, and the share of points for jobs. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import Textfield from '@atlaskit/textfield';
import { useEffect, useState } from 'react';
import type { Policy, Rollout } from '../../../src/domain/policy/document';
import { LabeledField } from '../../shared/controls';
import { formatNumber, text } from '../../shared/text';
import { GroupPicker } from './GroupPicker';
import { replaced, without } from './policy-draft';

interface Props {
  rollout: Rollout;
  jobShare: number;
  onChange: (part: Partial<Policy>) => void;
}

export function RolloutFields({ rollout, jobShare, onChange }: Props) {
  const set = (part: Partial<Rollout>): void => onChange({ rollout: { ...rollout, ...part } });
  return (
    <section className="stack" aria-labelledby="rollout">
      <div className="tight">
        <div id="rollout">
          <Heading size="small" as="h2">
            {text('rollout.heading')}
          </Heading>
        </div>
        <p className="subtle">{text('rollout.text')}</p>
      </div>
      <div className="fields">
        <NumberField
          label={text('rollout.percent')}
          help={text('rollout.percent.help')}
          value={rollout.percent}
          min={0}
          max={100}
          onChange={(percent) => set({ percent: percent as number })}
        />
        <DayField
          label={text('rollout.startsOn')}
          help={text('rollout.startsOn.help')}
          value={rollout.startsOn}
          onChange={(startsOn) => set({ startsOn })}
        />
        <NumberField
          label={text('rollout.perDay')}
          help={text('rollout.perDay.help')}
          value={rollout.perDay}
          min={1}
          max={1_000_000}
          isOptional
          onChange={(perDay) => set({ perDay })}
        />
        <NumberField
          label={text('rollout.jobShare')}
          help={text('rollout.jobShare.help')}
          value={jobShare}
          min={5}
          max={90}
          onChange={(share) => onChange({ jobShare: share as number })}
        />
      </div>
      {rollout.waves.map((wave, position) => (
        <fieldset className="card stack" key={`${position}`}>
          <legend>{text('rollout.wave', { number: position + 1 })}</legend>
          <div className="fields">
            <LabeledField label={text('rollout.wave.name')}>
              {(id) => (
                <Textfield
                  id={id}
                  value={wave.name}
                  maxLength={100}
                  onChange={(event) => set({ waves: replaced(rollout.waves, position, { ...wave, name: event.currentTarget.value }) })}
                />
              )}
            </LabeledField>
            <DayField
              label={text('rollout.wave.startsOn')}
              help=""
              value={wave.startsOn}
              onChange={(startsOn) => startsOn !== null && set({ waves: replaced(rollout.waves, position, { ...wave, startsOn }) })}
            />
          </div>
          <GroupPicker
            label={text('rollout.wave.groups')}
            help={text('rollout.wave.groups.help')}
            chosen={wave.groups}
            onChange={(groups) => set({ waves: replaced(rollout.waves, position, { ...wave, groups }) })}
          />
          <div>
            <Button spacing="compact" appearance="subtle" onClick={() => set({ waves: without(rollout.waves, position) })}>
              {text('rollout.wave.remove', { number: position + 1 })}
            </Button>
          </div>
        </fieldset>
      ))}
      <div>
        <Button
          spacing="compact"
          onClick={() =>
            set({
              waves: [
                ...rollout.waves,
                {
                  name: text('rollout.wave', { number: rollout.waves.length + 1 }),
                  groups: [],
                  startsOn: new Date().toISOString().slice(0, 10),
                },
              ],
            })
          }
        >
          {text('rollout.wave.add')}
        </Button>
      </div>
    </section>
  );
}

interface NumberProps {
  label: string;
  help: string;
  value: number | null;
  min: number;
  max: number;
  isOptional?: boolean;
  onChange: (value: number | null) => void;
}

/** Keeps what is typed as it is, and says when the policy cannot hold it. */
function NumberField({ label, help, value, min, max, isOptional = false, onChange }: NumberProps) {
  const [typed, setTyped] = useState(value === null ? '' : String(value));
  // Changed from outside: discarded, imported, or another version.
  useEffect(() => setTyped((now) => (toNumber(now) === value ? now : value === null ? '' : String(value))), [value]);
  const isValid = value === null ? isOptional && typed.trim() === '' : Number.isInteger(value) && value >= min && value <= max;
  return (
    <LabeledField
      label={label}
      help={help}
      {...(isValid ? {} : { problem: text('rollout.number', { min: formatNumber(min), max: formatNumber(max) }) })}
    >
      {(id, describedBy) => (
        <Textfield
          id={id}
          inputMode="numeric"
          value={typed}
          isInvalid={!isValid}
          aria-describedby={describedBy}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            onChange(toNumber(event.currentTarget.value));
          }}
        />
      )}
    </LabeledField>
  );
}

/** Text that is not a number becomes one that no field allows, so that it cannot be saved by mistake. */
function toNumber(typed: string): number | null {
  if (typed.trim() === '') return null;
  const number = Number(typed);
  return Number.isFinite(number) ? number : -1;
}

function DayField({
  label,
  help,
  value,
  onChange,
}: {
  label: string;
  help: string;
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  return (
    <LabeledField label={label} help={help}>
      {(id, describedBy) => (
        <Textfield
          id={id}
          type="date"
          value={value ?? ''}
          aria-describedby={describedBy}
          onChange={(event) => onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
        />
      )}
    </LabeledField>
  );
}

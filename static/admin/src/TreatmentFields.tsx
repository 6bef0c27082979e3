/** What happens to a person: mode, self-service, access, template. */
import Checkbox from '@atlaskit/checkbox';
import Radio from '@atlaskit/radio/radio';
import { useId } from 'react';
import type { SpaceTemplate, Treatment } from '../../../src/domain/policy/document';
import { Select } from '../../shared/controls';
import { text } from '../../shared/text';
import type { SiteLimits } from './site-limits';

const MODES = ['off', 'ask', 'auto'] as const;
const ACCESSES = ['private', 'licensed', 'site-default'] as const;

interface Props {
  treatment: Treatment;
  templates: readonly SpaceTemplate[];
  limits: SiteLimits;
  onChange: (treatment: Treatment) => void;
}

export function TreatmentFields({ treatment, templates, limits, onChange }: Props) {
  const id = useId();
  const set = (part: Partial<Treatment>): void => onChange({ ...treatment, ...part });
  return (
    <div className="stack">
      <fieldset>
        <legend>{text('policy.mode.legend')}</legend>
        {limits.modes.map((limit) => (
          <Limit key={limit}>{limit}</Limit>
        ))}
        {MODES.map((mode) => (
          <div className="choice" key={mode}>
            <Radio
              name={`${id}-mode`}
              value={mode}
              label={text(`mode.${mode}`)}
              isChecked={treatment.mode === mode}
              onChange={() => set({ mode })}
              aria-describedby={`${id}-${mode}`}
            />
            <p className="subtle" id={`${id}-${mode}`}>
              {text(`mode.${mode}.text`)}
            </p>
          </div>
        ))}
      </fieldset>
      <Checkbox
        label={text('policy.self-service')}
        isChecked={treatment.selfService}
        onChange={(event) => set({ selfService: event.currentTarget.checked })}
      />
      <fieldset>
        <legend>{text('policy.access.legend')}</legend>
        {ACCESSES.map((access) => (
          <div className="choice" key={access}>
            <Radio
              name={`${id}-access`}
              value={access}
              label={text(`access.${access}`)}
              isChecked={treatment.access === access}
              onChange={() => set({ access })}
              aria-describedby={`${id}-${access}`}
            />
            <p className="subtle" id={`${id}-${access}`}>
              {text(`access.${access}.text`)}
            </p>
            {limits.access[access].map((limit) => (
              <Limit key={limit}>{limit}</Limit>
            ))}
          </div>
        ))}
      </fieldset>
      <Select
        label={text('policy.template')}
        value={treatment.template}
        options={templates.map((template) => ({ value: template.key, label: template.name }))}
        onChange={(template) => set({ template })}
      />
    </div>
  );
}

/** What this site does not let the app promise. */
export function Limit({ children }: { children: string }) {
  return <p className="limit">{children}</p>;
}

/** Small controls that Atlaskit styles at run time, which Forge's CSP blocks: plain elements with Atlaskit's tokens. */
import { type ReactNode, useId } from 'react';

interface SelectProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
  /** Only screen readers get the label. */
  isLabelHidden?: boolean;
  isInvalid?: boolean;
}

export function Select({ label, value, options, onChange, isLabelHidden = false, isInvalid = false }: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      {!isLabelHidden && <label htmlFor={id}>{label}</label>}
      <select
        id={id}
        className="select"
        value={value}
        aria-invalid={isInvalid}
        {...(isLabelHidden ? { 'aria-label': label } : {})}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A control with its label above, and help or a problem below. */
export function LabeledField(props: {
  label: string;
  help?: string;
  problem?: string;
  children: (id: string, describedBy: string) => ReactNode;
}) {
  const id = useId();
  const { label, help, problem, children } = props;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, `${id}-help`)}
      <div id={`${id}-help`}>
        {help && <p className="subtle">{help}</p>}
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
      </div>
    </div>
  );
}

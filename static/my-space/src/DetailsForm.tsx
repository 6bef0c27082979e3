/** The form for the details that the site's admins ask for. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Textarea from '@atlaskit/textarea';
import Textfield from '@atlaskit/textfield';
import { useEffect, useRef, useState } from 'react';
import type { DetailsAnswer, DetailsView } from '../../../src/own-space/own-space';
import { useAttempt } from '../../shared/attempt';
import { callPerson } from '../../shared/call';
import { LabeledField, Select } from '../../shared/controls';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { type TextKey, text } from '../../shared/text';

type Field = DetailsView['fields'][number];

export function DetailsForm({ lacksDetails }: { lacksDetails: boolean }) {
  const { loaded, reload } = useLoaded<DetailsView>(() => callPerson('me.details', {}));
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  if (loaded.data.fields.length === 0) return null;
  return <Form details={loaded.data} lacksDetails={lacksDetails} />;
}

function Form({ details, lacksDetails }: { details: DetailsView; lacksDetails: boolean }) {
  const [values, setValues] = useState(details.values);
  // What the page is known to say: only that may be overwritten.
  const [seen, setSeen] = useState(details.values);
  const [answer, setAnswer] = useState<DetailsAnswer | null>(null);
  const { busy, error, attempt } = useAttempt<'save'>();
  const isSaved = answer?.homepage != null;
  const form = useRef<HTMLFormElement>(null);
  // Move the focus to the first marked field.
  useEffect(() => {
    if (answer && Object.keys(answer.problems).length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [answer]);
  const save = (): Promise<void> =>
    attempt('save', async () => {
      setAnswer(null);
      const answered = await callPerson('me.saveDetails', { values, seen });
      setAnswer(answered);
      if (answered.homepage !== null) setSeen({ ...values, ...answered.onPage });
    });
  return (
    <form
      ref={form}
      className="card stack"
      aria-labelledby="details"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div className="tight">
        <div id="details">
          <Heading size="small" as="h2">
            {text('my.details')}
          </Heading>
        </div>
        <p className="subtle">{text('my.details.text')}</p>
      </div>
      {lacksDetails && !isSaved && (
        <SectionMessage appearance="information">
          <p className="text">{text('my.details.missing')}</p>
        </SectionMessage>
      )}
      {details.fields.map((field) => {
        const problem = answer?.problems[field.key];
        return (
          <FieldInput
            key={field.key}
            field={field}
            value={values[field.key] ?? ''}
            problem={problem ? text(`my.details.problem.${problem}` as TextKey, { words: answer?.onPage?.[field.key] ?? '' }) : null}
            onChange={(value) => setValues({ ...values, [field.key]: value })}
          />
        );
      })}
      {error !== null && <Failure error={error} />}
      <div className="row">
        <Button type="submit" isLoading={busy === 'save'}>
          {text('my.details.save')}
        </Button>
        <span role="status">{answer && text(outcomeOf(answer))}</span>
      </div>
    </form>
  );
}

function outcomeOf({ problems, homepage }: DetailsAnswer): TextKey {
  if (homepage === null) return 'my.details.problems';
  if (homepage === 'left-alone') return 'my.details.left-alone';
  return Object.keys(problems).length > 0 ? 'my.details.saved-except' : 'my.details.saved';
}

interface InputProps {
  field: Field;
  value: string;
  problem: string | null;
  onChange: (value: string) => void;
}

function FieldInput({ field, value, problem, onChange }: InputProps) {
  const label = field.required ? text('my.details.required', { label: field.label }) : field.label;
  if (field.kind === 'select') {
    // The owner may have written something else on the page, and the admin may have removed an option.
    const choices = value === '' || field.options.includes(value) ? field.options : [value, ...field.options];
    const options = [{ value: '', label: text('my.details.choose') }, ...choices.map((choice) => ({ value: choice, label: choice }))];
    return (
      <div className="tight">
        <Select label={label} value={value} options={options} isInvalid={problem !== null} onChange={onChange} />
        {field.help !== '' && <p className="subtle">{field.help}</p>}
        {problem && <p className="problem">{problem}</p>}
      </div>
    );
  }
  return (
    <LabeledField label={label} help={field.help} {...(problem ? { problem } : {})}>
      {(id, describedBy) =>
        field.kind === 'long-text' ? (
          <Textarea
            id={id}
            value={value}
            minimumRows={3}
            resize="vertical"
            isInvalid={problem !== null}
            aria-describedby={describedBy}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        ) : (
          <Textfield
            id={id}
            type={field.kind === 'date' ? 'date' : 'text'}
            value={value}
            isInvalid={problem !== null}
            aria-describedby={describedBy}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        )
      }
    </LabeledField>
  );
}

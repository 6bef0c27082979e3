/** The details that the site's admins ask for. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Textarea from '@atlaskit/textarea';
import Textfield from '@atlaskit/textfield';
import { useEffect, useRef, useState } from 'react';
import type { DetailsAnswer, DetailsView } from '../../../src/own-space/own-space';
import { useAttempt } from '../../shared/attempt';
import { callPerson } from '../../shared/call';
import { Labelled, Select } from '../../shared/controls';
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
  const [answer, setAnswer] = useState<DetailsAnswer | null>(null);
  const { busy, error, attempt } = useAttempt<'save'>();
  const isSaved = answer?.homepage != null;
  const form = useRef<HTMLFormElement>(null);
  // The first field that is marked is where to go on.
  useEffect(() => {
    if (answer && Object.keys(answer.problems).length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [answer]);
  const save = (): Promise<void> =>
    attempt('save', async () => {
      setAnswer(null);
      setAnswer(await callPerson('me.saveDetails', { values }));
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
            problem={problem ? text(`my.details.problem.${problem}` as TextKey) : null}
            onChange={(value) => setValues({ ...values, [field.key]: value })}
          />
        );
      })}
      {error !== null && <Failure error={error} />}
      <div className="row">
        <Button type="submit" isLoading={busy === 'save'}>
          {text('my.details.save')}
        </Button>
        <span role="status">
          {answer && Object.keys(answer.problems).length > 0 && text('my.details.problems')}
          {isSaved && text(answer.homepage === 'written' ? 'my.details.saved' : 'my.details.left-alone')}
        </span>
      </div>
    </form>
  );
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
    const options = [{ value: '', label: text('my.details.choose') }, ...field.options.map((option) => ({ value: option, label: option }))];
    return (
      <div className="tight">
        <Select label={label} value={value} options={options} isInvalid={problem !== null} onChange={onChange} />
        {field.help !== '' && <p className="subtle">{field.help}</p>}
        {problem && <p className="problem">{problem}</p>}
      </div>
    );
  }
  return (
    <Labelled label={label} help={field.help} {...(problem ? { problem } : {})}>
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
    </Labelled>
  );
}

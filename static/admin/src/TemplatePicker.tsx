/** Which template a new homepage comes from, with a preview filled in for the admin who looks. */
import Heading from '@atlaskit/heading';
import Radio from '@atlaskit/radio/radio';
import SectionMessage from '@atlaskit/section-message';
import Textfield from '@atlaskit/textfield';
import { useId, useState } from 'react';
import type { AdminOutputs, TemplatePreview } from '../../../src/contract';
import type { Policy } from '../../../src/domain/policy';
import { callAdmin } from '../../shared/call';
import { text } from '../../shared/text';
import { Failure, Waiting } from './feedback';
import { useLoaded } from './load';
import { StoragePreview } from './StoragePreview';

type Template = Policy['template'];

/** Above this many, a field to find one appears. */
const FILTER_FROM = 8;

export function TemplatePicker({ chosen, onChoose }: { chosen: Template; onChoose: (template: Template) => void }) {
  const { loaded, reload } = useLoaded<AdminOutputs['templates.list']>(() => callAdmin('templates.list', {}));
  return (
    <div className="columns">
      <fieldset>
        <legend>{text('policy.template.legend')}</legend>
        <Choice
          value="builtin"
          label={text('policy.template.builtin')}
          description={text('policy.template.builtin.text')}
          isChecked={chosen.kind === 'builtin'}
          onChange={() => onChoose({ kind: 'builtin' })}
        />
        {loaded.state === 'loading' && <Waiting />}
        {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
        {loaded.state === 'ready' && <SiteTemplates templates={loaded.data} chosen={chosen} onChoose={onChoose} />}
      </fieldset>
      <Preview template={chosen} />
    </div>
  );
}

function SiteTemplates(props: { templates: AdminOutputs['templates.list']; chosen: Template; onChoose: (template: Template) => void }) {
  const { templates, chosen, onChoose } = props;
  const [filter, setFilter] = useState('');
  const chosenId = chosen.kind === 'confluence' ? chosen.templateId : null;
  const shown = templates.filter((t) => t.name.toLowerCase().includes(filter.toLowerCase()) || t.id === chosenId);
  const isGone = chosenId !== null && !templates.some((t) => t.id === chosenId);
  return (
    <>
      {templates.length === 0 && <p className="subtle">{text('policy.template.none')}</p>}
      {templates.length > FILTER_FROM && (
        <Textfield
          aria-label={text('policy.template.filter')}
          placeholder={text('policy.template.filter')}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      {isGone && (
        <Choice
          value={chosenId}
          label={text('policy.template.missing', { id: chosenId })}
          description={text('policy.template.missing.text')}
          isChecked
          onChange={() => {}}
        />
      )}
      {shown.map((template) => (
        <Choice
          key={template.id}
          value={template.id}
          label={template.name}
          description={template.description}
          isChecked={chosenId === template.id}
          onChange={() => onChoose({ kind: 'confluence', templateId: template.id })}
        />
      ))}
    </>
  );
}

function Choice(props: { value: string; label: string; description: string; isChecked: boolean; onChange: () => void }) {
  const id = useId();
  return (
    <div className="choice">
      <Radio
        name="template"
        value={props.value}
        label={props.label}
        isChecked={props.isChecked}
        onChange={props.onChange}
        aria-describedby={id}
      />
      <p className="subtle" id={id}>
        {props.description}
      </p>
    </div>
  );
}

function Preview({ template }: { template: Template }) {
  const key = template.kind === 'builtin' ? 'builtin' : template.templateId;
  const { loaded, reload } = useLoaded<TemplatePreview>(() => callAdmin('templates.preview', { template }), key);
  return (
    <section className="card stack" aria-labelledby="preview">
      <div id="preview">
        <Heading size="small" as="h2">
          {text('policy.preview.heading')}
        </Heading>
      </div>
      {loaded.state === 'loading' && <Waiting label={text('policy.preview.loading')} />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && <PreviewContent preview={loaded.data} />}
    </section>
  );
}

function PreviewContent({ preview }: { preview: TemplatePreview }) {
  const { problem, body, unfilled } = preview;
  if (problem !== null) {
    const [code, detail = ''] = problem.split(': ', 2);
    return (
      <SectionMessage appearance="warning">
        <p className="text">
          {code === 'template-missing' ? text('policy.preview.missing') : text('policy.preview.broken', { problem: detail })}
        </p>
      </SectionMessage>
    );
  }
  return (
    <>
      {unfilled.length > 0 && (
        <SectionMessage appearance="information">
          <p className="text">{text('policy.preview.unfilled', { names: unfilled.join(', ') })}</p>
        </SectionMessage>
      )}
      <StoragePreview storage={body} />
    </>
  );
}

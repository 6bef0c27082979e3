/** Space templates: homepage, child pages, fields; each with a live preview for any person. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import type { SpaceTemplate } from '../../../src/domain/policy/document';
import { type AdminOutput, callAdmin } from '../../shared/call';
import { Select } from '../../shared/controls';
import { Failure } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { type Draft, newKey, replaced, without } from './policy-draft';
import { SaveBar } from './SaveBar';
import type { Simulation } from './simulation';
import { TemplateEditor } from './TemplateEditor';
import { TemplatePreview } from './TemplatePreview';

/** As in the policy's schema. */
const MAX_TEMPLATES = 20;

export function TemplatesTab({ draft, simulation }: { draft: Draft; simulation: Simulation }) {
  const { policy, change } = draft;
  const [chosen, setChosen] = useState(policy.templates[0]?.key ?? '');
  const pages = useLoaded<AdminOutput<'templates.list'>>(() => callAdmin('templates.list', {}));
  const found = policy.templates.findIndex((template) => template.key === chosen);
  const position = Math.max(0, found);
  const template = policy.templates[position];
  if (!template) return null;
  const usedBy = [...policy.rules, policy.everyoneElse].filter((treatment) => treatment.template === template.key).length;
  const addOne = (): void => {
    const key = newKey(
      'template',
      policy.templates.map((t) => t.key),
    );
    const name = text('templates.new.name', { number: policy.templates.length + 1 });
    change({ templates: [...policy.templates, { key, name, homepage: { kind: 'builtin' }, children: [], fields: [] }] });
    setChosen(key);
  };
  const keep = (next: SpaceTemplate): void => change({ templates: replaced(policy.templates, position, next) });
  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('templates.heading')}
        </Heading>
        <p className="subtle">{text('templates.text')}</p>
      </div>
      <div className="row end">
        <Select
          label={text('templates.choose')}
          value={template.key}
          options={policy.templates.map(({ key, name }) => ({ value: key, label: name }))}
          onChange={setChosen}
        />
        <Button isDisabled={policy.templates.length >= MAX_TEMPLATES} onClick={addOne}>
          {text('templates.add')}
        </Button>
        <Button
          appearance="subtle"
          isDisabled={usedBy > 0 || policy.templates.length === 1}
          onClick={() => change({ templates: without(policy.templates, position) })}
        >
          {text('templates.remove')}
        </Button>
      </div>
      <p className="subtle near">{text('templates.used', { count: usedBy })}</p>
      {pages.loaded.state === 'failed' && <Failure error={pages.loaded.error} onRetry={pages.reload} />}
      <div className="columns">
        <TemplateEditor
          key={template.key}
          template={template}
          pages={pages.loaded.state === 'ready' ? pages.loaded.data : null}
          onChange={keep}
        />
        <TemplatePreview template={template} />
      </div>
      <SaveBar draft={draft} simulation={simulation} />
    </div>
  );
}

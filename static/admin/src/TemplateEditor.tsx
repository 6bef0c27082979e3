/** The parts of a template. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import Textarea from '@atlaskit/textarea';
import Textfield from '@atlaskit/textfield';
import type { Field, PageSource, SpaceTemplate } from '../../../src/domain/policy/document';
import type { AdminOutput } from '../../shared/call';
import { LabeledField, Select } from '../../shared/controls';
import { text } from '../../shared/text';
import { moved, newKey, replaced, without } from './policy-draft';

type Pages = AdminOutput<'templates.list'> | null;
const KINDS = ['text', 'long-text', 'select', 'date'] as const;

interface Props {
  template: SpaceTemplate;
  /** The site's page templates; null while they load. */
  pages: Pages;
  onChange: (template: SpaceTemplate) => void;
}

export function TemplateEditor({ template, pages, onChange }: Props) {
  const set = (part: Partial<SpaceTemplate>): void => onChange({ ...template, ...part });
  const { children, fields } = template;
  const addField = (): void => {
    const label = text('field.new', { number: fields.length + 1 });
    const key = newKey(
      'field',
      fields.map((field) => field.key),
    );
    set({ fields: [...fields, { key, kind: 'text', label, required: false, help: '' }] });
  };
  return (
    <div className="stack">
      <LabeledField label={text('templates.name')}>
        {(id) => <Textfield id={id} value={template.name} maxLength={100} onChange={(event) => set({ name: event.currentTarget.value })} />}
      </LabeledField>
      <SourceSelect
        label={text('templates.homepage')}
        source={template.homepage}
        pages={pages}
        onChange={(homepage) => set({ homepage })}
      />
      <p className="subtle near">{text('templates.variables')}</p>
      <fieldset className="stack">
        <legend>{text('templates.children')}</legend>
        {children.map((child, position) => (
          <div className="part" key={`${position}`}>
            <LabeledField label={text('templates.child.title', { number: position + 1 })}>
              {(id) => (
                <Textfield
                  id={id}
                  value={child.title}
                  maxLength={200}
                  onChange={(event) => set({ children: replaced(children, position, { ...child, title: event.currentTarget.value }) })}
                />
              )}
            </LabeledField>
            <SourceSelect
              label={text('templates.child.source', { number: position + 1 })}
              source={child.source}
              pages={pages}
              onChange={(source) => set({ children: replaced(children, position, { ...child, source }) })}
            />
            <ItemButtons
              name={child.title}
              removeLabel={text('templates.child.remove', { number: position + 1 })}
              position={position}
              count={children.length}
              onMove={(to) => set({ children: moved(children, position, to) })}
              onRemove={() => set({ children: without(children, position) })}
            />
          </div>
        ))}
        <div>
          <Button
            spacing="compact"
            onClick={() =>
              set({
                children: [
                  ...children,
                  { title: text('templates.child.new', { number: children.length + 1 }), source: { kind: 'builtin' } },
                ],
              })
            }
          >
            {text('templates.child.add')}
          </Button>
        </div>
      </fieldset>
      <fieldset className="stack">
        <legend>{text('templates.fields')}</legend>
        <p className="subtle">{text('templates.fields.text')}</p>
        {fields.map((field, position) => (
          <FieldEditor
            key={field.key}
            field={field}
            number={position + 1}
            count={fields.length}
            onChange={(next) => set({ fields: replaced(fields, position, next) })}
            onMove={(to) => set({ fields: moved(fields, position, to) })}
            onRemove={() => set({ fields: without(fields, position) })}
          />
        ))}
        <div>
          <Button spacing="compact" onClick={addField}>
            {text('field.add')}
          </Button>
        </div>
      </fieldset>
    </div>
  );
}

const BUILTIN = 'builtin';

function SourceSelect({
  label,
  source,
  pages,
  onChange,
}: {
  label: string;
  source: PageSource;
  pages: Pages;
  onChange: (source: PageSource) => void;
}) {
  const value = source.kind === 'builtin' ? BUILTIN : source.templateId;
  const isGone = source.kind === 'confluence' && pages !== null && !pages.some((page) => page.id === source.templateId);
  const options = [
    { value: BUILTIN, label: text('templates.builtin') },
    ...(pages ?? []).map((page) => ({ value: page.id, label: page.name })),
    ...(source.kind === 'confluence' && (isGone || pages === null)
      ? [{ value, label: isGone ? text('templates.gone', { id: value }) : value }]
      : []),
  ];
  return (
    <div className="tight">
      <Select
        label={label}
        value={value}
        options={options}
        isInvalid={isGone}
        onChange={(id) => onChange(id === BUILTIN ? { kind: 'builtin' } : { kind: 'confluence', templateId: id })}
      />
      {isGone && <p className="problem">{text('templates.gone.text')}</p>}
    </div>
  );
}

interface FieldProps {
  field: Field;
  number: number;
  count: number;
  onChange: (field: Field) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}

function FieldEditor({ field, number, count, onChange, onMove, onRemove }: FieldProps) {
  const setKind = (kind: Field['kind']): void => {
    const { key, label, required, help } = field;
    const base = { key, label, required, help };
    onChange(kind === 'select' ? { kind, ...base, options: [text('field.option.new', { number: 1 })] } : { kind, ...base });
  };
  return (
    <fieldset className="part" aria-label={text('field.of', { label: field.label })}>
      <div className="fields">
        <LabeledField label={text('field.label', { number })}>
          {(id) => (
            <Textfield
              id={id}
              value={field.label}
              maxLength={100}
              onChange={(event) => onChange({ ...field, label: event.currentTarget.value })}
            />
          )}
        </LabeledField>
        <Select
          label={text('field.kind', { number })}
          value={field.kind}
          options={KINDS.map((kind) => ({ value: kind, label: text(`field.kind.${kind}`) }))}
          onChange={(kind) => setKind(kind as Field['kind'])}
        />
      </div>
      <LabeledField label={text('field.help', { number })}>
        {(id) => (
          <Textfield
            id={id}
            value={field.help}
            maxLength={300}
            onChange={(event) => onChange({ ...field, help: event.currentTarget.value })}
          />
        )}
      </LabeledField>
      {field.kind === 'select' && (
        <LabeledField label={text('field.options', { number })} help={text('field.options.help')}>
          {(id, describedBy) => (
            <Textarea
              id={id}
              aria-describedby={describedBy}
              minimumRows={3}
              resize="vertical"
              value={field.options.join('\n')}
              onChange={(event) => onChange({ ...field, options: event.currentTarget.value.split('\n') })}
              onBlur={(event) =>
                onChange({
                  ...field,
                  options: [...new Set(event.currentTarget.value.split('\n').map((option) => option.trim()))].filter(
                    (option) => option !== '',
                  ),
                })
              }
            />
          )}
        </LabeledField>
      )}
      <div className="row spread">
        <Checkbox
          label={text('field.required', { number })}
          isChecked={field.required}
          onChange={(event) => onChange({ ...field, required: event.currentTarget.checked })}
        />
        <ItemButtons
          name={field.label}
          removeLabel={text('field.remove', { label: field.label })}
          position={number - 1}
          count={count}
          onMove={onMove}
          onRemove={onRemove}
        />
      </div>
    </fieldset>
  );
}

interface ItemButtonsProps {
  name: string;
  removeLabel: string;
  position: number;
  count: number;
  onMove: (to: number) => void;
  onRemove: () => void;
}

/** Moves one item of a list up or down, or removes it. */
function ItemButtons({ name, removeLabel, position, count, onMove, onRemove }: ItemButtonsProps) {
  return (
    <div className="row item-buttons">
      <Button
        spacing="compact"
        isDisabled={position === 0}
        aria-label={text('admin.move.up', { name })}
        onClick={() => onMove(position - 1)}
      >
        ↑
      </Button>
      <Button
        spacing="compact"
        isDisabled={position === count - 1}
        aria-label={text('admin.move.down', { name })}
        onClick={() => onMove(position + 1)}
      >
        ↓
      </Button>
      <Button spacing="compact" appearance="subtle" aria-label={removeLabel} onClick={onRemove}>
        {text('admin.remove')}
      </Button>
    </div>
  );
}

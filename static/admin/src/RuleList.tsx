/** The rules in order, moved by dragging or with buttons. */

import Button from '@atlaskit/button/new';
import Lozenge from '@atlaskit/lozenge';
import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { useEffect, useRef, useState } from 'react';
import type { Rule, SpaceTemplate } from '../../../src/domain/policy/document';
import { text } from '../../shared/text';
import { useGroupNames } from './groups';
import { moved, without } from './policy-draft';

const APPEARANCES = { off: 'default', ask: 'inprogress', auto: 'success' } as const;

interface Props {
  rules: Rule[];
  templates: readonly SpaceTemplate[];
  onChange: (rules: Rule[]) => void;
  onEdit: (position: number) => void;
}

export function RuleList({ rules, templates, onChange, onEdit }: Props) {
  const [said, say] = useState('');
  const nameOf = useGroupNames(
    rules.flatMap((rule) => [...rule.groups.slice(0, GROUPS_SHOWN), ...rule.exceptGroups.slice(0, GROUPS_SHOWN)]),
  );
  const move = (from: number, to: number): void => {
    if (to < 0 || to >= rules.length) return;
    const name = rules[from]?.name ?? '';
    onChange(moved(rules, from, to));
    say(text('policy.rule.moved', { name, position: to + 1, count: rules.length }));
  };
  return (
    <>
      <ol className="rules">
        {rules.map((rule, position) => (
          <Row
            key={rule.id}
            rule={rule}
            position={position}
            template={templates.find((t) => t.key === rule.template)?.name ?? rule.template}
            nameOf={nameOf}
            onMove={(to) => move(position, to)}
            onDropped={(from) => move(from, position)}
            onEdit={() => onEdit(position)}
            onRemove={() => {
              onChange(without(rules, position));
              say(text('policy.rule.removed', { name: rule.name }));
            }}
          />
        ))}
      </ol>
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </>
  );
}

interface RowProps {
  rule: Rule;
  position: number;
  template: string;
  nameOf: (groupId: string) => string;
  onMove: (to: number) => void;
  onDropped: (from: number) => void;
  onEdit: () => void;
  onRemove: () => void;
}

/** Groups named in a row; the rest are only counted. */
const GROUPS_SHOWN = 3;

function Row({ rule, position, template, nameOf, onMove, onDropped, onEdit, onRemove }: RowProps) {
  const row = useRef<HTMLLIElement>(null);
  const handle = useRef<HTMLSpanElement>(null);
  const [isOver, setOver] = useState(false);
  const dropped = useRef(onDropped);
  dropped.current = onDropped;
  useEffect(() => {
    const element = row.current;
    if (!element || !handle.current) return undefined;
    const stopDragging = draggable({ element, dragHandle: handle.current, getInitialData: () => ({ position }) });
    const stopDropping = dropTargetForElements({
      element,
      canDrop: ({ source }) => typeof source.data.position === 'number' && source.data.position !== position,
      onDragEnter: () => setOver(true),
      onDragLeave: () => setOver(false),
      onDrop: ({ source }) => {
        setOver(false);
        dropped.current(source.data.position as number);
      },
    });
    return () => {
      stopDragging();
      stopDropping();
    };
  }, [position]);
  const { name } = rule;
  return (
    <li ref={row} className={isOver ? 'rule over' : 'rule'}>
      <span ref={handle} className="handle" aria-hidden="true" title={text('policy.rule.drag')}>
        ⠿
      </span>
      <span className="number">{position + 1}</span>
      <div className="tight">
        <div className="row">
          <strong>{name}</strong>
          <Lozenge key={rule.mode} appearance={APPEARANCES[rule.mode]}>
            {text(`mode.${rule.mode}`)}
          </Lozenge>
          {rule.selfService && <Lozenge>{text('policy.self-service.short')}</Lozenge>}
          {(rule.mode !== 'off' || rule.selfService) && (
            <span className="subtle">
              {text(`access.${rule.access}`)}, {template}
            </span>
          )}
        </div>
        <p className="subtle">{whoText(rule, nameOf)}</p>
      </div>
      <div className="row">
        <Button spacing="compact" aria-label={text('admin.move.up', { name })} onClick={() => onMove(position - 1)}>
          ↑
        </Button>
        <Button spacing="compact" aria-label={text('admin.move.down', { name })} onClick={() => onMove(position + 1)}>
          ↓
        </Button>
        <Button spacing="compact" aria-label={text('policy.rule.edit', { name })} onClick={onEdit}>
          {text('policy.edit')}
        </Button>
        <Button spacing="compact" appearance="subtle" aria-label={text('policy.rule.remove', { name })} onClick={onRemove}>
          {text('admin.remove')}
        </Button>
      </div>
    </li>
  );
}

function whoText({ groups, exceptGroups }: Rule, nameOf: (groupId: string) => string): string {
  const named = (ids: string[]): string => {
    const names = ids.slice(0, GROUPS_SHOWN).map(nameOf).join(', ');
    return ids.length > GROUPS_SHOWN ? text('policy.rule.more', { names, count: ids.length - GROUPS_SHOWN }) : names;
  };
  const who = groups.length === 0 ? text('policy.rule.everyone') : text('policy.rule.in', { groups: named(groups) });
  return exceptGroups.length === 0 ? who : `${who} ${text('policy.rule.except', { groups: named(exceptGroups) })}`;
}

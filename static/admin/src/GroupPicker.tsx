/** Picks groups by name, even among thousands. */
import Button from '@atlaskit/button/new';
import Textfield from '@atlaskit/textfield';
import { useEffect, useId, useRef, useState } from 'react';
import { text } from '../../shared/text';
import { type Group, searchGroups, useGroupNames } from './groups';

/** Time without typing before the site is searched. */
const PAUSE_MS = 250;
/** Picked groups that are shown by name. */
const SHOWN = 50;

export function GroupPicker({
  label,
  help,
  chosen,
  onChange,
}: {
  label: string;
  help: string;
  chosen: string[];
  onChange: (ids: string[]) => void;
}) {
  const id = useId();
  const [query, setQuery] = useState<string | null>(null);
  const [found, setFound] = useState<Group[] | 'failed' | null>(null);
  const nameOf = useGroupNames(chosen.slice(0, SHOWN));
  useEffect(() => {
    if (query === null) return undefined;
    let isCurrent = true;
    const timer = window.setTimeout(() => {
      searchGroups(query).then(
        (groups) => isCurrent && setFound(groups),
        () => isCurrent && setFound('failed'),
      );
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [query]);
  const field = useRef<HTMLInputElement>(null);
  const change = (ids: string[]): void => {
    onChange(ids);
    setQuery('');
    // The pressed button is gone, so the focus moves to the text field.
    field.current?.focus();
  };
  const offered = Array.isArray(found) ? found.filter((group) => !chosen.includes(group.id)) : [];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {chosen.length > 0 && (
        <ul className="chips">
          {chosen.slice(0, SHOWN).map((groupId) => (
            <li key={groupId}>
              {nameOf(groupId)}{' '}
              <button
                type="button"
                aria-label={text('groups.remove', { name: nameOf(groupId), list: label })}
                onClick={() => change(chosen.filter((other) => other !== groupId))}
              >
                ×
              </button>
            </li>
          ))}
          {chosen.length > SHOWN && <li>{text('groups.more', { count: chosen.length - SHOWN })}</li>}
        </ul>
      )}
      <Textfield
        ref={field}
        id={id}
        value={query ?? ''}
        placeholder={text('groups.find')}
        aria-describedby={`${id}-help`}
        onFocus={() => setQuery(query ?? '')}
        onChange={(event) => setQuery(event.currentTarget.value)}
      />
      <p className="subtle" id={`${id}-help`}>
        {help}
      </p>
      {query !== null && (
        <div role="status" className="row">
          {found === 'failed' && <span>{text('groups.failed')}</span>}
          {Array.isArray(found) && offered.length === 0 && <span className="subtle">{text('groups.none')}</span>}
          {offered.map((group) => (
            <Button
              key={group.id}
              spacing="compact"
              aria-label={text('groups.add', { name: group.name, list: label })}
              onClick={() => change([...chosen, group.id])}
            >
              + {group.name}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}

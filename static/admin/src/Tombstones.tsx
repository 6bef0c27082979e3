/** Spaces that are not created again: whose, why, by whom, since when; and allowing one again. */
import Button from '@atlaskit/button/new';
import DynamicTable from '@atlaskit/dynamic-table';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { PersonView } from '../../../src/provisioning/explain';
import { callAdmin } from '../../shared/call';
import { Select } from '../../shared/controls';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text, textOf } from '../../shared/text';
import { useNames } from './display-names';

type State = 'removed' | 'declined';

export function Tombstones() {
  const [state, setState] = useState<State>('removed');
  return (
    <section className="stack" aria-labelledby="tombstones">
      <div className="tight">
        <div id="tombstones">
          <Heading size="medium" as="h2">
            {text('tombstones.heading')}
          </Heading>
        </div>
        <p className="subtle">{text('tombstones.text')}</p>
      </div>
      <Select
        label={text('tombstones.show')}
        value={state}
        options={[
          { value: 'removed', label: text('tombstones.removed') },
          { value: 'declined', label: text('tombstones.declined') },
        ]}
        onChange={(value) => setState(value as State)}
      />
      <List key={state} state={state} />
    </section>
  );
}

function List({ state }: { state: State }) {
  const { loaded, reload, set } = useLoaded(() => callAdmin('tombstones.list', { state }));
  const [error, setError] = useState<unknown>(null);
  const people = loaded.state === 'ready' ? loaded.data.people : [];
  const unreadable = loaded.state === 'ready' ? loaded.data.unreadable : [];
  const nameOf = useNames([...people.flatMap((person) => [person.accountId, person.by ?? '']), ...unreadable]);
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  const { cursor } = loaded.data;
  const lift = (person: PersonView): void => {
    setError(null);
    callAdmin('people.lift', { accountId: person.accountId }).then(
      () => set({ people: people.filter((other) => other.accountId !== person.accountId), unreadable, cursor }),
      setError,
    );
  };
  const older = (from: string): void => {
    callAdmin('tombstones.list', { state, cursor: from }).then(
      (page) => set({ people: [...people, ...page.people], unreadable: [...unreadable, ...page.unreadable], cursor: page.cursor }),
      setError,
    );
  };
  const byText = ({ by, accountId }: PersonView): string => {
    if (by === null || by === 'unknown') return text('tombstones.by.unknown');
    return by === accountId ? text('tombstones.by.owner') : nameOf(by);
  };
  const forget = (accountId: string): void => {
    setError(null);
    callAdmin('people.forget', { accountId }).then(
      () => set({ people, unreadable: unreadable.filter((other) => other !== accountId), cursor }),
      setError,
    );
  };
  if (people.length === 0 && unreadable.length === 0) return <p className="subtle">{text('tombstones.none')}</p>;
  return (
    <>
      {unreadable.length > 0 && (
        <SectionMessage appearance="warning" title={text('records.unreadable.title', { count: unreadable.length })}>
          <p className="text">{text('records.unreadable.text')}</p>
          <div className="row">
            {unreadable.map((accountId) => (
              <Button key={accountId} onClick={() => forget(accountId)}>
                {text('records.unreadable.remove', { name: nameOf(accountId) })}
              </Button>
            ))}
          </div>
        </SectionMessage>
      )}
      <div className="scroll">
        <DynamicTable
          label={text('tombstones.heading')}
          head={{
            cells: [
              { key: 'person', content: text('admin.column.person') },
              { key: 'why', content: text('admin.column.why') },
              { key: 'by', content: text('tombstones.column.by') },
              { key: 'when', content: text('admin.column.when') },
              { key: 'lift', content: <span className="visually-hidden">{text('tombstones.column.lift')}</span> },
            ],
          }}
          rows={people.map((person) => ({
            key: person.accountId,
            cells: [
              { key: 'person', content: nameOf(person.accountId) },
              { key: 'why', content: textOf('reason', person.reason) },
              { key: 'by', content: byText(person) },
              { key: 'when', content: formatTime(person.changedAt) },
              {
                key: 'lift',
                content: (
                  <Button
                    spacing="compact"
                    aria-label={text('tombstones.lift.of', { name: nameOf(person.accountId) })}
                    onClick={() => lift(person)}
                  >
                    {text('tombstones.lift')}
                  </Button>
                ),
              },
            ],
          }))}
        />
      </div>
      {error !== null && <Failure error={error} />}
      {cursor !== null && (
        <div>
          <Button onClick={() => older(cursor)}>{text('admin.older')}</Button>
        </div>
      )}
    </>
  );
}

/** Why a person gets a space, or not. */
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import type { Explanation } from '../../../src/provisioning/explain';
import { callAdmin } from '../../shared/call';
import { ExplanationView } from '../../shared/Explanation';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text, textOf } from '../../shared/text';
import { useNames } from './display-names';
import { PersonPicker, type PickedPerson } from './PersonPicker';

export function ExplainTab() {
  const [person, setPerson] = useState<PickedPerson | null>(null);
  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('explain.heading')}
        </Heading>
        <p className="subtle">{text('explain.text')}</p>
      </div>
      <PersonPicker label={text('explain.person')} onPick={setPerson} />
      {person && <Answer key={person.accountId} person={person} />}
    </div>
  );
}

function Answer({ person }: { person: PickedPerson }) {
  const { loaded, reload } = useLoaded<Explanation>(() => callAdmin('people.explain', { accountId: person.accountId }));
  const record = loaded.state === 'ready' ? loaded.data.record : null;
  const nameOf = useNames([record?.by ?? '']);
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  return (
    <section className="card stack" aria-label={person.name}>
      <Heading size="small" as="h3">
        {person.name}
      </Heading>
      <ExplanationView explanation={loaded.data} />
      {record && (
        <p className="subtle">
          {text('explain.record', { what: textOf('reason', record.reason), time: formatTime(record.changedAt) })}
          {record.by !== null &&
            ` ${text('explain.by', { name: record.by === 'unknown' ? text('explain.by.unknown') : nameOf(record.by) })}`}
        </p>
      )}
    </section>
  );
}

/** Finds one person by name, as the admin, in the browser. */

import Button from '@atlaskit/button/new';
import Textfield from '@atlaskit/textfield';
import { requestConfluence } from '@forge/bridge';
import { useId, useState } from 'react';
import { errorText } from '../../shared/feedback';
import { text } from '../../shared/text';

export interface PickedPerson {
  accountId: string;
  name: string;
}

const FOUND_AT_MOST = 10;

interface Hit {
  user: { accountId: string; displayName?: string; publicName?: string };
}

async function search(name: string): Promise<PickedPerson[]> {
  const cql = `user.fullname ~ "${name.replace(/["\\]/g, ' ')}"`;
  const path = `/wiki/rest/api/search/user?cql=${encodeURIComponent(cql)}&limit=${FOUND_AT_MOST}&sitePermissionTypeFilter=all`;
  const response = await requestConfluence(path);
  if (!response.ok) throw new Error(`search answered ${response.status}`);
  const { results } = (await response.json()) as { results: Hit[] };
  return results.map(({ user }) => ({ accountId: user.accountId, name: user.displayName || user.publicName || user.accountId }));
}

export function PersonPicker({ label, onPick }: { label: string; onPick: (person: PickedPerson) => void }) {
  const id = useId();
  const [name, setName] = useState('');
  const [found, setFound] = useState<PickedPerson[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const find = async (): Promise<void> => {
    setError(null);
    try {
      setFound(await search(name.trim()));
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <form
      className="tight"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== '') void find();
      }}
    >
      <label htmlFor={id}>{label}</label>
      <div className="row">
        <div className="grow">
          <Textfield id={id} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        </div>
        <Button type="submit" isDisabled={name.trim() === ''}>
          {text('person.find')}
        </Button>
      </div>
      <div role="status" className="row">
        {error !== null && <span className="problem">{errorText(error)}</span>}
        {found?.length === 0 && <span className="subtle">{text('person.none')}</span>}
        {found?.map((person) => (
          <Button
            key={person.accountId}
            spacing="compact"
            onClick={() => {
              setFound(null);
              setName('');
              onPick(person);
            }}
          >
            {person.name}
          </Button>
        ))}
      </div>
    </form>
  );
}

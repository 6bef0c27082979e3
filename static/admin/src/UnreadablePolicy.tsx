/** The stored policy cannot be read: why, and how to start over. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { PolicyView } from '../../../src/api/admin/policy';
import { CallError, callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';

export function UnreadablePolicy({ stored, onSaved }: { stored: PolicyView; onSaved: (policy: PolicyView) => void }) {
  const [error, setError] = useState<unknown>(null);
  const startOver = (): void => {
    callAdmin('policy.startOver', {})
      // Someone else repaired it in the meantime: show what is there now.
      .catch((failure: unknown) =>
        failure instanceof CallError && failure.code === 'conflict' ? callAdmin('policy.get', {}) : Promise.reject(failure),
      )
      .then(onSaved, setError);
  };
  return (
    <div className="panel stack">
      <SectionMessage appearance="error" title={text('policy.unreadable.title')}>
        <div className="stack">
          <p className="text">{text('policy.unreadable.text', { problem: stored.problem ?? '' })}</p>
          <div>
            <Button onClick={startOver}>{text('policy.unreadable.startOver')}</Button>
          </div>
        </div>
      </SectionMessage>
      {error !== null && <Failure error={error} />}
    </div>
  );
}

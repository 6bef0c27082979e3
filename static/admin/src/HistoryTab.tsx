/** Versions of the policy: who saved them, when, and what changed; the admin can go back to any of them. */
import Button from '@atlaskit/button/new';
import EmptyState from '@atlaskit/empty-state';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import type { PolicyView } from '../../../src/api/admin/policy';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text } from '../../shared/text';
import { Changes } from './Changes';
import { useNames } from './display-names';

export function HistoryTab({
  stored,
  isChanged,
  onSaved,
}: {
  stored: PolicyView;
  isChanged: boolean;
  onSaved: (policy: PolicyView) => void;
}) {
  const { loaded, reload, set } = useLoaded(() => callAdmin('policy.history', {}), String(stored.version));
  const [error, setError] = useState<unknown>(null);
  const versions = loaded.state === 'ready' ? loaded.data.versions : [];
  const nameOf = useNames(versions.map((version) => version.savedBy));
  const [asked, setAsked] = useState<number | null>(null);
  const restore = (version: number): void => {
    setError(null);
    setAsked(null);
    callAdmin('policy.restore', { version, baseVersion: stored.version }).then(onSaved, setError);
  };
  const older = (before: number): void => {
    callAdmin('policy.history', { before }).then((page) => set({ versions: [...versions, ...page.versions], next: page.next }), setError);
  };
  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('history.heading')}
        </Heading>
        <p className="subtle">{text('history.text')}</p>
      </div>
      {error !== null && <Failure error={error} />}
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && versions.length === 0 && (
        <EmptyState header={text('history.none')} headingLevel={3} description={text('policy.version.none')} />
      )}
      {isChanged && versions.length > 0 && <p className="subtle">{text('history.unsaved')}</p>}
      {versions.map((version) => (
        <article className="card tight" key={version.version} aria-label={text('history.version', { version: version.version })}>
          <div className="row spread">
            <p className="text">
              <strong>{text('history.version', { version: version.version })}</strong>{' '}
              <span className="subtle">{text('job.by', { name: nameOf(version.savedBy), time: formatTime(version.savedAt) })}</span>
            </p>
            {version.version === stored.version ? (
              <span className="subtle">{text('history.current')}</span>
            ) : (
              <div className="row">
                {asked === version.version && <span>{text('history.confirm')}</span>}
                <Button
                  spacing="compact"
                  isDisabled={isChanged}
                  onClick={() => (asked === version.version ? restore(version.version) : setAsked(version.version))}
                >
                  {text('history.restore', { version: version.version })}
                </Button>
                {asked === version.version && (
                  <Button spacing="compact" appearance="subtle" onClick={() => setAsked(null)}>
                    {text('admin.cancel')}
                  </Button>
                )}
              </div>
            )}
          </div>
          <Changes version={version} policy={stored.policy} />
        </article>
      ))}
      {loaded.state === 'ready' && loaded.data.next !== null && (
        <div>
          <Button onClick={() => older(loaded.data.next as number)}>{text('admin.older')}</Button>
        </div>
      )}
    </div>
  );
}

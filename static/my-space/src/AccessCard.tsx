/** Who can see the space, and changing that where the site lets an app do it. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import type { AccessView } from '../../../src/contract';
import { callPerson } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { type TextKey, text } from '../../shared/text';

export function AccessCard({ spaceKey }: { spaceKey: string }) {
  const { loaded, reload, set } = useLoaded<AccessView>(() => callPerson('me.access', {}), spaceKey);
  const [busy, setBusy] = useState<'private' | 'licensed' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const change = async (access: 'private' | 'licensed'): Promise<void> => {
    setBusy(access);
    setError(null);
    try {
      set(await callPerson('me.setAccess', { access }));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(null);
    }
  };
  return (
    <section className="card stack" aria-labelledby="access">
      <div id="access">
        <Heading size="small" as="h2">
          {text('my.access')}
        </Heading>
      </div>
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && (
        <>
          <p className="text" role="status">
            {text(`my.access.${loaded.data.readers}` as TextKey)}
          </p>
          {error !== null && <Failure error={error} />}
          {loaded.data.canChange ? (
            <>
              <div className="row">
                {loaded.data.readers !== 'nobody' && (
                  <Button isLoading={busy === 'private'} onClick={() => void change('private')}>
                    {text('my.access.close')}
                  </Button>
                )}
                {loaded.data.readers === 'nobody' && (
                  <Button isLoading={busy === 'licensed'} onClick={() => void change('licensed')}>
                    {text('my.access.open')}
                  </Button>
                )}
              </div>
              <p className="subtle">{text('my.access.more')}</p>
            </>
          ) : (
            <p className="text">{text('my.access.byHand')}</p>
          )}
        </>
      )}
    </section>
  );
}

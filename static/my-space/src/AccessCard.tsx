/** Who can see the space; the owner can change it where the site lets an app do so. */
import Button from '@atlaskit/button/new';
import type { AccessView } from '../../../src/own-space/own-space';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { callPerson } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { type TextKey, text } from '../../shared/text';

export function AccessCard({ spaceKey }: { spaceKey: string }) {
  const { loaded, reload, set } = useLoaded<AccessView>(() => callPerson('me.access', {}), spaceKey);
  const { busy, error, attempt } = useAttempt<'private' | 'licensed'>();
  const change = (access: 'private' | 'licensed'): Promise<void> =>
    attempt(access, async () => set(await callPerson('me.setAccess', { access })));
  return (
    <Card id="access" heading={text('my.access')}>
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && (
        <>
          <p className="text" role="status">
            {text(`my.access.${loaded.data.readers}` as TextKey)}
          </p>
          <p className="text">{text(`my.access.app.${loaded.data.app}` as TextKey)}</p>
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
    </Card>
  );
}

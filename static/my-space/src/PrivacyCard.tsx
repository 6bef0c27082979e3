/** Everything that Homestead stores about the person. */
import Button from '@atlaskit/button/new';
import { useState } from 'react';
import type { MyData } from '../../../src/own-space/own-space';
import { Card } from '../../shared/Card';
import { callPerson } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text, textOf } from '../../shared/text';

export function PrivacyCard() {
  const [isOpen, setOpen] = useState(false);
  return (
    <Card id="privacy" heading={text('my.privacy')}>
      <p className="text">{text('my.privacy.text')}</p>
      <div>
        <Button spacing="compact" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {text(isOpen ? 'my.privacy.hide' : 'my.privacy.show')}
        </Button>
      </div>
      {isOpen && <Data />}
    </Card>
  );
}

function Data() {
  const { loaded, reload } = useLoaded<MyData>(() => callPerson('me.data', {}));
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  const { record, details, hasNoticeFlag } = loaded.data;
  return (
    <>
      {record === null && <p className="text">{text('my.privacy.nothing')}</p>}
      {record && (
        <dl className="data">
          <Entry name={text('my.data.account')} value={String(record.accountId)} />
          <Entry name={text('my.data.state')} value={textOf('reason.you', String(record.reason))} />
          <Entry name={text('my.data.since')} value={formatTime(Number(record.since))} />
          {typeof record.spaceKey === 'string' && <Entry name={text('my.data.space')} value={record.spaceKey} />}
        </dl>
      )}
      <p className="subtle">{text(hasNoticeFlag ? 'my.privacy.flag' : 'my.privacy.noFlag')}</p>
      {record && (
        <details>
          <summary>{text('my.privacy.all')}</summary>
          <div>
            <pre className="code-block">{JSON.stringify({ record, details }, null, 2)}</pre>
          </div>
        </details>
      )}
    </>
  );
}

function Entry({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** Everything that Homestead stores about the person. */
import Button from '@atlaskit/button/new';
import { useState } from 'react';
import type { OwnRows } from '../../../src/jobs/accounts';
import type { MyData } from '../../../src/own-space/my-data';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { callPerson, everyRow } from '../../shared/call';
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
  const { hasNoticeFlag, ...stored } = loaded.data;
  const { record, space, trail, directory } = stored;
  const hasAnything = record !== null || trail.length > 0 || directory.person !== null || directory.spaces.length > 0;
  return (
    <>
      {!hasAnything && <p className="text">{text('my.privacy.nothing')}</p>}
      {record && (
        <dl className="data">
          <Entry name={text('my.data.account')} value={record.accountId} />
          <Entry name={text('my.data.state')} value={textOf('reason.you', loaded.data.reason ?? '')} />
          <Entry name={text('my.data.since')} value={formatTime(record.since)} />
          {space?.key && <Entry name={text('my.data.space')} value={space.key} />}
        </dl>
      )}
      <p className="subtle">{text(hasNoticeFlag ? 'my.privacy.flag' : 'my.privacy.noFlag')}</p>
      <OwnRowsSearch />
      {hasAnything && (
        <details>
          <summary>{text('my.privacy.all')}</summary>
          <div>
            <pre className="code-block">{JSON.stringify(stored, null, 2)}</pre>
          </div>
        </details>
      )}
    </>
  );
}

/** Lists of administrators' jobs name everybody who was counted: looking through them takes a while, so it is asked for. */
function OwnRowsSearch() {
  const { busy, error, attempt } = useAttempt<'search'>();
  const [found, setFound] = useState<OwnRows['rows'] | null>(null);
  const search = async (): Promise<void> => {
    setFound(await everyRow((from) => callPerson('me.rows', from)));
  };
  return (
    <div className="tight">
      <p className="text">{text('my.privacy.rows')}</p>
      <div>
        <Button spacing="compact" isLoading={busy !== null} onClick={() => void attempt('search', search)}>
          {text('my.privacy.rows.find')}
        </Button>
      </div>
      <div role="status">{found && text('my.privacy.rows.found', { count: found.length })}</div>
      {found && found.length > 0 && <pre className="code-block">{JSON.stringify(found, null, 2)}</pre>}
      {error !== null && <Failure error={error} />}
    </div>
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

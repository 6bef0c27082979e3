/** What Homestead stores about the person, all of it. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import { useState } from 'react';
import type { MyData } from '../../../src/contract';
import { callPerson } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text } from '../../shared/text';

export function PrivacyCard() {
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="card stack" aria-labelledby="privacy">
      <div id="privacy">
        <Heading size="small" as="h2">
          {text('my.privacy')}
        </Heading>
      </div>
      <p className="text">{text('my.privacy.text')}</p>
      <div>
        <Button spacing="compact" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {text(isOpen ? 'my.privacy.hide' : 'my.privacy.show')}
        </Button>
      </div>
      {isOpen && <Data />}
    </section>
  );
}

function Data() {
  const { loaded, reload } = useLoaded<MyData>(() => callPerson('me.data', {}));
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  const { record, details, hasNoticeFlag } = loaded.data;
  const stored = Object.entries({
    ...record,
    ...Object.fromEntries(Object.entries(details).map(([key, value]) => [`details.${key}`, value])),
  });
  return (
    <>
      {stored.length === 0 && <p className="text">{text('my.privacy.nothing')}</p>}
      {stored.length > 0 && (
        <dl className="data">
          {stored.map(([key, value]) => (
            <Entry key={key} name={key} value={value} />
          ))}
        </dl>
      )}
      <p className="subtle">{text(hasNoticeFlag ? 'my.privacy.flag' : 'my.privacy.noFlag')}</p>
    </>
  );
}

function Entry({ name, value }: { name: string; value: unknown }) {
  const isTime = name.endsWith('At') && typeof value === 'number' && value > 0;
  return (
    <>
      <dt>{name}</dt>
      <dd>{isTime ? formatTime(value) : value === null ? '–' : String(value)}</dd>
    </>
  );
}

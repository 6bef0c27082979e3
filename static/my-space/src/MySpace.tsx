/** A person's own page: the state of their space and why, who can see it, details, and what is stored about them. */

import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import { router } from '@forge/bridge';
import { useState } from 'react';
import type { MyView } from '../../../src/own-space/view';
import type { CreationAnswer } from '../../../src/provisioning/answers';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { callPerson } from '../../shared/call';
import { ExplanationView } from '../../shared/Explanation';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text, textOf } from '../../shared/text';
import { AccessCard } from './AccessCard';
import { DetailsForm } from './DetailsForm';
import { type Line, lineOf, lineText, useNextLook } from './line';
import { PrivacyCard } from './PrivacyCard';

export function MySpace() {
  const { loaded, reload, set } = useLoaded<MyView>(() => callPerson('me.get', {}));
  return (
    <main className="page">
      <div className="narrow stack">
        <div className="tight">
          <Heading size="large" as="h1">
            {text('my.title')}
          </Heading>
          <p className="subtle">{text('my.intro')}</p>
        </div>
        {loaded.state === 'loading' && <Waiting />}
        {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
        {loaded.state === 'ready' && <Content view={loaded.data} onChange={set} onReload={reload} />}
      </div>
    </main>
  );
}

function Content({ view, onChange, onReload }: { view: MyView; onChange: (view: MyView) => void; onReload: () => void }) {
  useNextLook(view, onChange);
  return (
    <>
      <StateCard view={view} onChange={onChange} onReload={onReload} />
      {view.can.fill && <DetailsForm lacksDetails={view.lacksDetails} />}
      {view.can.fill && <AccessCard spaceKey={view.space?.key ?? ''} />}
      <PrivacyCard />
    </>
  );
}

function headingOf({ space, explanation, waiting }: MyView, line: Line | null): string {
  if (space?.status === 'current') return text('my.state.current');
  if (space) return text(space.status === 'archived' ? 'my.state.archived' : 'my.state.trashed');
  if (line === null) return text('my.state.none');
  if (line === 'turn' && explanation.hasSpace) return text('my.state.current');
  return text(line === 'turn' || waiting?.servedAt == null ? 'my.line.turn.title' : 'my.line.title');
}

/** They are in the line now, also if nothing more can be found out about them. */
const afterAsking = (view: MyView, servedAt: number | null): Promise<MyView> =>
  callPerson('me.get', {}).catch(() => ({
    ...view,
    can: { ...view.can, create: false },
    waiting: { since: Date.now(), servedAt, asked: true },
  }));

type Start = 'create' | 'decline' | 'undo';

function StateCard({ view, onChange, onReload }: { view: MyView; onChange: (view: MyView) => void; onReload: () => void }) {
  const { space, can, explanation, record } = view;
  const { busy, error, attempt } = useAttempt<Start>();
  const [refused, setRefused] = useState<CreationAnswer | null>(null);
  const start = (what: Start, action: () => Promise<void>): Promise<void> => {
    setRefused(null);
    return attempt(what, action);
  };
  const create = (): Promise<void> =>
    start('create', async () => {
      const answer = await callPerson('me.create', {});
      if (answer.kind === 'refused') setRefused(answer);
      else if (answer.kind === 'waiting') onChange(await afterAsking(view, answer.servedAt));
      else onReload();
    });
  const isCurrent = space?.status === 'current';
  const line = lineOf(view);
  return (
    <Card id="state" heading={headingOf(view, line)}>
      {line && (
        <div role="status">
          <SectionMessage appearance="information">
            <p className="text">{lineText(line, view)}</p>
          </SectionMessage>
        </div>
      )}
      {line ? null : can.create && !isCurrent && explanation.action !== 'create' && explanation.action !== 'offer' ? (
        <p className="text">
          <strong>{textOf('reason.you', 'person-asked')}</strong>
        </p>
      ) : (
        <ExplanationView explanation={explanation} isAboutYou />
      )}
      {record && record.state === 'removed' && record.changedAt > 0 && (
        <p className="subtle">{text('my.since', { time: formatTime(record.changedAt) })}</p>
      )}
      {record?.isPromiseBroken && (
        <SectionMessage appearance="warning">
          <p className="text">{text('my.access.broken')}</p>
        </SectionMessage>
      )}
      {refused && (
        <div role="alert">
          <SectionMessage appearance="warning" title={text('my.refused')}>
            <p className="text">{textOf('reason.you', refused.reason)}</p>
          </SectionMessage>
        </div>
      )}
      {error !== null && <Failure error={error} />}
      <div className="row">
        {isCurrent && (
          <Button appearance="primary" onClick={() => void router.navigate({ target: 'spaceView', spaceKey: space.key })}>
            {text('my.open')}
          </Button>
        )}
        {can.create && !isCurrent && (
          <Button appearance="primary" isLoading={busy === 'create'} onClick={() => void create()}>
            {text(line ? 'my.line.create' : 'my.create')}
          </Button>
        )}
        {can.undo && (
          <Button
            appearance="primary"
            isLoading={busy === 'undo'}
            onClick={() => void start('undo', async () => onChange(await callPerson('me.undo', {})))}
          >
            {text('my.undo')}
          </Button>
        )}
        {can.decline && (
          <Button
            isLoading={busy === 'decline'}
            onClick={() => void start('decline', async () => onChange(await callPerson('me.decline', {})))}
          >
            {text('my.decline')}
          </Button>
        )}
      </div>
    </Card>
  );
}

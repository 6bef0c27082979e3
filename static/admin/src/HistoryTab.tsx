/** Versions of the policy: who saved them, when, and what changed; the admin can go back to any of them, or archive what it created. */
import Button from '@atlaskit/button/new';
import EmptyState from '@atlaskit/empty-state';
import Heading from '@atlaskit/heading';
import { ModalTransition } from '@atlaskit/modal-dialog';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { SimulationView } from '../../../src/api/admin/people';
import type { PolicyView } from '../../../src/api/admin/policy';
import type { UndoPreview } from '../../../src/cleanup/runs';
import { comparePolicies, type PolicyChange } from '../../../src/domain/policy/compare';
import type { Policy } from '../../../src/domain/policy/document';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text } from '../../shared/text';
import { Changes } from './Changes';
import { useNames } from './display-names';
import { SaveDialog } from './SaveDialog';
import { UndoSaveDialog } from './UndoSaveDialog';

interface Asked {
  version: number;
  policy: Policy;
  /** null = nobody can say what going back to it changes. */
  view: SimulationView | null;
  changes: PolicyChange[];
}

export function HistoryTab({
  stored,
  isChanged,
  onSaved,
  onCleanup,
}: {
  stored: PolicyView;
  isChanged: boolean;
  onSaved: (policy: PolicyView) => void;
  onCleanup: (runId: string) => void;
}) {
  const { loaded, reload, set } = useLoaded(() => callAdmin('policy.history', {}), String(stored.version));
  const [error, setError] = useState<unknown>(null);
  const versions = loaded.state === 'ready' ? loaded.data.versions : [];
  const nameOf = useNames(versions.map((version) => version.savedBy));
  const [asked, setAsked] = useState<Asked | null>(null);
  const [undo, setUndo] = useState<UndoPreview | null>(null);
  const [undoing, setUndoing] = useState<{ version: number; runId: string } | null>(null);
  const { busy, error: failure, attempt } = useAttempt<'ask' | 'restore' | 'undo'>();
  const askUndo = (version: number): Promise<void> =>
    attempt('undo', async () => {
      setUndo(await callAdmin('cleanup.previewUndo', { version }));
    });
  const ask = (version: number): Promise<void> =>
    attempt('ask', async () => {
      const { policy } = await callAdmin('policy.version', { version });
      const view = await callAdmin('people.simulate', { policy }).catch(() => null);
      setAsked({ version, policy, view, changes: comparePolicies(stored.policy, policy) });
    });
  const restore = (version: number, reason: string): Promise<void> =>
    attempt('restore', async () => {
      onSaved(await callAdmin('policy.restore', { version, baseVersion: stored.version, reason }));
      setAsked(null);
    });
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
      {(error ?? failure) !== null && <Failure error={error ?? failure} />}
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
            <span className="row">
              {version.version === stored.version ? (
                <span className="subtle">{text('history.current')}</span>
              ) : (
                <Button spacing="compact" isDisabled={isChanged || busy !== null} onClick={() => void ask(version.version)}>
                  {text('history.restore', { version: version.version })}
                </Button>
              )}
              <Button spacing="compact" appearance="subtle" isDisabled={busy !== null} onClick={() => void askUndo(version.version)}>
                {text('history.undo', { version: version.version })}
              </Button>
            </span>
          </div>
          {undoing?.version === version.version && (
            <SectionMessage appearance="information">
              <p className="text" role="status">
                {text('history.undo.started')}{' '}
                <Button spacing="compact" onClick={() => onCleanup(undoing.runId)}>
                  {text('history.undo.show')}
                </Button>
              </p>
            </SectionMessage>
          )}
          <Changes version={version} policy={stored.policy} />
        </article>
      ))}
      {loaded.state === 'ready' && loaded.data.next !== null && (
        <div>
          <Button onClick={() => older(loaded.data.next as number)}>{text('admin.older')}</Button>
        </div>
      )}
      <ModalTransition>
        {asked && (
          <SaveDialog
            {...asked}
            title={text('history.restore.title', { version: asked.version })}
            action={text('history.restore', { version: asked.version })}
            isBusy={busy === 'restore'}
            error={failure}
            onConfirm={(reason) => void restore(asked.version, reason)}
            onClose={() => setAsked(null)}
          />
        )}
      </ModalTransition>
      <ModalTransition>
        {undo && (
          <UndoSaveDialog
            plan={undo}
            onStarted={(runId) => {
              setUndoing({ version: undo.version, runId });
              setUndo(null);
            }}
            onClose={() => setUndo(null)}
          />
        )}
      </ModalTransition>
    </div>
  );
}

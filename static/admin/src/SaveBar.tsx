/** At the bottom of every tab that edits the policy: save, discard, and which version is saved. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import type { PolicyView } from '../../../src/api/admin/policy';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text } from '../../shared/text';
import { Changes } from './Changes';
import { useNames } from './display-names';
import type { Draft } from './policy-draft';
import { pathLabel, problemText } from './policy-paths';

export function SaveBar({ draft }: { draft: Draft }) {
  const { stored, theirs, isChanged, error } = draft;
  const nameOf = useNames([stored.savedBy ?? '', theirs?.savedBy ?? '']);
  return (
    <div className="bar stack">
      {theirs && (
        <div role="alert">
          <SectionMessage appearance="warning" title={text('policy.conflict.title', { name: nameOf(theirs.savedBy ?? '') })}>
            <div className="stack">
              <p className="text">{text('policy.conflict.text', { version: theirs.version })}</p>
              <TheirChanges version={theirs.version} policy={theirs.policy} />
              <div className="row">
                <Button onClick={() => void draft.save(theirs.version)}>{text('policy.conflict.mine')}</Button>
                <Button onClick={draft.takeTheirs}>{text('policy.conflict.theirs')}</Button>
              </div>
            </div>
          </SectionMessage>
        </div>
      )}
      {draft.problems.length > 0 && (
        <div role="alert">
          <SectionMessage appearance="error" title={text('policy.problems')}>
            <ul>
              {draft.problems.map((problem) => (
                <li key={`${problem.path} ${problem.reason}`}>
                  <strong>{pathLabel(problem.path, draft.policy)}</strong>: {problemText(problem)}
                </li>
              ))}
            </ul>
          </SectionMessage>
        </div>
      )}
      {error !== null && <Failure error={error} />}
      <div className="row spread">
        <p className="subtle" role="status">
          {isChanged
            ? text('policy.unsaved')
            : stored.kind === 'unset'
              ? text('policy.version.none')
              : text('policy.version', {
                  version: stored.version,
                  name: nameOf(stored.savedBy ?? ''),
                  time: formatTime(stored.savedAt ?? 0),
                })}
        </p>
        {/* On the right: Confluence shows its flags over the bottom left of the window. */}
        <div className="row">
          {isChanged && <Button onClick={draft.discard}>{text('policy.discard')}</Button>}
          {!isChanged && draft.undoDiscard && (
            <Button appearance="subtle" onClick={draft.undoDiscard}>
              {text('policy.undiscard')}
            </Button>
          )}
          <Button
            appearance="primary"
            isDisabled={!isChanged || theirs !== null}
            isLoading={draft.isSaving}
            onClick={() => void draft.save(stored.version)}
          >
            {text('policy.save')}
          </Button>
        </div>
      </div>
    </div>
  );
}

/** What changed in the version that someone else saved. */
function TheirChanges({ version, policy }: { version: number; policy: PolicyView['policy'] }) {
  const { loaded } = useLoaded(() => callAdmin('policy.history', {}), String(version));
  if (loaded.state === 'loading') return <Waiting />;
  const found = loaded.state === 'ready' ? loaded.data.versions.find((other) => other.version === version) : undefined;
  return found ? <Changes version={found} policy={policy} /> : null;
}

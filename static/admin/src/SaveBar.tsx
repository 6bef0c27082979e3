/** At the foot of every tab that edits the policy: save, discard, and what is saved. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { Failure } from '../../shared/feedback';
import { formatTime, text } from '../../shared/text';
import type { Draft } from './draft';
import { useNames } from './names';

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
              <div className="row">
                <Button onClick={() => void draft.save(theirs.version)}>{text('policy.conflict.mine')}</Button>
                <Button onClick={draft.takeTheirs}>{text('policy.conflict.theirs')}</Button>
              </div>
            </div>
          </SectionMessage>
        </div>
      )}
      {error !== null && <Failure error={error} />}
      <div className="row spread">
        <div className="row">
          <Button
            appearance="primary"
            isDisabled={!isChanged || theirs !== null}
            isLoading={draft.isSaving}
            onClick={() => void draft.save(stored.version)}
          >
            {text('policy.save')}
          </Button>
          {isChanged && <Button onClick={draft.discard}>{text('policy.discard')}</Button>}
        </div>
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
      </div>
    </div>
  );
}

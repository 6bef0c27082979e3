/** At the bottom of every tab that edits the policy: what is not saved yet, what happens next, save and discard. */
import Button from '@atlaskit/button/new';
import { ModalTransition } from '@atlaskit/modal-dialog';
import SectionMessage from '@atlaskit/section-message';
import { useState } from 'react';
import type { SimulationView } from '../../../src/api/admin/people';
import { comparePolicies, type PolicyChange } from '../../../src/domain/policy/compare';
import { CallError } from '../../shared/call';
import { errorText, Failure } from '../../shared/feedback';
import { formatTime, text } from '../../shared/text';
import { ChangeList, changedParts, partName, TheirChanges } from './Changes';
import { ConfirmDialog } from './ConfirmDialog';
import { useNames } from './display-names';
import type { Draft } from './policy-draft';
import { countActedOn, effectText, needsReason } from './policy-effect';
import { pathLabel, problemText } from './policy-paths';
import { SaveDialog } from './SaveDialog';
import type { Simulation } from './simulation';

/** Changed parts named in the bar; the rest are counted. */
const PARTS_SHOWN = 3;

interface Asked {
  baseVersion: number;
  view: SimulationView | null;
  changes: PolicyChange[];
}

export function SaveBar({ draft, simulation }: { draft: Draft; simulation: Simulation }) {
  const { stored, theirs, isChanged, error, saved } = draft;
  const nameOf = useNames([stored.savedBy ?? '', theirs?.savedBy ?? '']);
  const [isPreparing, setPreparing] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [typedReason, setTypedReason] = useState('');
  const [isDiscarding, setDiscarding] = useState(false);

  const save = async ({ baseVersion, view, changes }: Asked, reason: string): Promise<void> => {
    setTypedReason(reason);
    const isSaved = await draft.save(baseVersion, reason, { view, changes });
    setAsked(null);
    if (isSaved) setTypedReason('');
  };
  /** Mistakes are reported before anybody is asked for a reason. */
  const begin = async (): Promise<void> => {
    setPreparing(true);
    try {
      if (!(await draft.check())) return;
      const view = await simulation.current().catch(() => null);
      const base = theirs ?? stored;
      const changes = comparePolicies(base.policy, draft.policy);
      const next = { baseVersion: base.version, view, changes };
      if (needsReason(countActedOn(view, draft.policy, changes))) setAsked(next);
      else await save(next, '');
    } finally {
      setPreparing(false);
    }
  };
  const discard = (): void => {
    setDiscarding(false);
    draft.discard();
  };
  return (
    <>
      <div className="bar stack">
        {theirs && (
          <div role="alert">
            <SectionMessage appearance="warning" title={text('policy.conflict.title', { name: nameOf(theirs.savedBy ?? '') })}>
              <div className="stack">
                <p className="text">{text('policy.conflict.text', { version: theirs.version })}</p>
                <TheirChanges version={theirs.version} policy={theirs.policy} />
                <div className="row far-end">
                  <Button onClick={draft.takeTheirs}>{text('policy.conflict.theirs')}</Button>
                  <Button isLoading={isPreparing} onClick={() => void begin()}>
                    {text('policy.conflict.mine')}
                  </Button>
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
        {saved && !isChanged && (
          <div role="status">
            <SectionMessage appearance="success" title={text('policy.saved')}>
              <div className="bar-row">
                <p className="text">{saved.view ? effectText(saved.view, stored.policy, saved.changes) : text('policy.saved.text')}</p>
                <Button appearance="subtle" spacing="compact" onClick={draft.dismissSaved}>
                  {text('policy.saved.close')}
                </Button>
              </div>
            </SectionMessage>
          </div>
        )}
        <div className="bar-row">
          <div role="status">
            {isChanged ? (
              <>
                <p className="text">
                  <strong>{unsavedText(draft)}</strong>
                </p>
                <p className="subtle">{nextText(draft, simulation)}</p>
              </>
            ) : (
              <p className="subtle">
                {stored.kind === 'unset'
                  ? text('policy.version.none')
                  : text('policy.version', {
                      version: stored.version,
                      name: nameOf(stored.savedBy ?? ''),
                      time: formatTime(stored.savedAt ?? 0),
                    })}
              </p>
            )}
          </div>
          {/* On the right, like every button above: Confluence shows its flags over the bottom left of the window. */}
          <div className="row far-end">
            {isChanged && <Button onClick={() => setDiscarding(true)}>{text('policy.discard')}</Button>}
            <Button
              appearance="primary"
              isDisabled={!isChanged || theirs !== null}
              isLoading={isPreparing || draft.isSaving}
              onClick={() => void begin()}
            >
              {text('policy.save')}
            </Button>
          </div>
        </div>
      </div>
      <ModalTransition>
        {asked && (
          <SaveDialog
            {...asked}
            policy={draft.policy}
            typedReason={typedReason}
            isBusy={draft.isSaving}
            onConfirm={(reason) => void save(asked, reason)}
            onClose={() => setAsked(null)}
          />
        )}
      </ModalTransition>
      <ModalTransition>
        {isDiscarding && (
          <ConfirmDialog
            title={text(`discard.title.${kindOf(draft.changes)}`, { count: changedParts(draft.changes).length })}
            action={text(`discard.${kindOf(draft.changes)}`, { count: changedParts(draft.changes).length })}
            isDanger
            reason="none"
            onConfirm={discard}
            onClose={() => setDiscarding(false)}
          >
            <p className="text">{text('discard.text')}</p>
            <ChangeList changes={draft.changes} policy={draft.policy} />
          </ConfirmDialog>
        )}
      </ModalTransition>
    </>
  );
}

function kindOf(changes: readonly PolicyChange[]): 'rules' | 'templates' | 'any' {
  const parts = changedParts(changes);
  if (parts.every(({ path }) => path === 'everyoneElse' || path.startsWith('rules.'))) return 'rules';
  return parts.every(({ path }) => path.startsWith('templates.')) ? 'templates' : 'any';
}

function unsavedText({ changes, policy }: Draft): string {
  const parts = changedParts(changes);
  const names = parts.slice(0, PARTS_SHOWN).map((part) => partName(part, policy));
  const more = parts.length > PARTS_SHOWN ? [text('groups.more', { count: parts.length - PARTS_SHOWN })] : [];
  return text('policy.unsaved', { count: parts.length, names: [...names, ...more].join(', ') });
}

function nextText({ changes, policy }: Draft, { view, error, isStale, isAsking }: Simulation): string {
  if (view && !isStale) return effectText(view, policy, changes);
  if (error === null || isStale || isAsking) return text('effect.asking');
  // A mistake in a field is told at the field, and all of them on saving.
  return error instanceof CallError && error.code === 'bad-request' ? '' : text('effect.failed', { error: errorText(error) });
}

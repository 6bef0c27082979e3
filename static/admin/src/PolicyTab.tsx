/** The policy: the switch, what would happen now, the homepage of a new space. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import Radio from '@atlaskit/radio/radio';
import SectionMessage from '@atlaskit/section-message';
import { showFlag } from '@forge/bridge';
import { useEffect, useState } from 'react';
import type { Outlook, PolicyView } from '../../../src/contract';
import type { Policy } from '../../../src/domain/policy';
import { CallError, callAdmin } from '../../shared/call';
import { formatNumber, formatTime, type TextKey, text } from '../../shared/text';
import { Failure, Waiting } from './feedback';
import { useLoaded } from './load';
import { useNames } from './names';
import { TemplatePicker } from './TemplatePicker';

const MODES = ['off', 'ask', 'auto'] as const;

export function PolicyTab({ stored, onSaved }: { stored: PolicyView; onSaved: (policy: PolicyView) => void }) {
  if (stored.kind === 'unreadable') return <UnreadablePolicy stored={stored} onSaved={onSaved} />;
  return <PolicyForm stored={stored} onSaved={onSaved} />;
}

function UnreadablePolicy({ stored, onSaved }: { stored: PolicyView; onSaved: (policy: PolicyView) => void }) {
  const [error, setError] = useState<unknown>(null);
  const startOver = (): void => {
    callAdmin('policy.startOver', {})
      // Somebody else has repaired it in the meantime: show what is there now.
      .catch((failure: unknown) =>
        failure instanceof CallError && failure.code === 'conflict' ? callAdmin('policy.get', {}) : Promise.reject(failure),
      )
      .then(onSaved, setError);
  };
  return (
    <div className="panel stack">
      <SectionMessage appearance="error" title={text('policy.unreadable.title')}>
        <div className="stack">
          <p className="text">{text('policy.unreadable.text', { problem: stored.problem ?? '' })}</p>
          <div>
            <Button onClick={startOver}>{text('policy.unreadable.startOver')}</Button>
          </div>
        </div>
      </SectionMessage>
      {error !== null && <Failure error={error} />}
    </div>
  );
}

function PolicyForm({ stored, onSaved }: { stored: PolicyView; onSaved: (policy: PolicyView) => void }) {
  const [draft, setDraft] = useState<Policy>(stored.policy);
  const [isSaving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** What somebody else saved while this admin was editing. */
  const [theirs, setTheirs] = useState<PolicyView | null>(null);
  const nameOf = useNames([stored.savedBy ?? '', theirs?.savedBy ?? '']);
  const isChanged = JSON.stringify(draft) !== JSON.stringify(stored.policy);
  useLeaveGuard(isChanged);

  const save = async (baseVersion: number): Promise<void> => {
    setSaving(true);
    setError(null);
    try {
      onSaved(await callAdmin('policy.save', { policy: draft, baseVersion }));
      setTheirs(null);
      showFlag({
        id: 'policy-saved',
        title: text('policy.saved'),
        description: text('policy.saved.text'),
        type: 'success',
        isAutoDismiss: true,
      });
    } catch (failure) {
      if (!(failure instanceof CallError) || failure.code !== 'conflict') setError(failure);
      else await callAdmin('policy.get', {}).then(setTheirs, setError);
    } finally {
      setSaving(false);
    }
  };
  const takeTheirs = (): void => {
    if (!theirs) return;
    setDraft(theirs.policy);
    onSaved(theirs);
    setTheirs(null);
  };

  return (
    <form
      className="panel stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save(stored.version);
      }}
    >
      <div className="columns">
        <div className="stack">
          <fieldset>
            <legend>{text('policy.mode.legend')}</legend>
            {MODES.map((mode) => (
              <div className="choice" key={mode}>
                <Radio
                  name="mode"
                  value={mode}
                  label={text(`policy.mode.${mode}`)}
                  isChecked={draft.mode === mode}
                  onChange={() => setDraft({ ...draft, mode })}
                  aria-describedby={`mode-${mode}`}
                />
                <p className="subtle" id={`mode-${mode}`}>
                  {text(`policy.mode.${mode}.text`)}
                </p>
              </div>
            ))}
          </fieldset>
          <p className="text">{text('policy.private')}</p>
        </div>
        <OutlookCard mode={draft.mode} />
      </div>
      <SectionMessage appearance="information">
        <p className="text">{text('policy.unverified')}</p>
      </SectionMessage>
      <TemplatePicker chosen={draft.template} onChoose={(template) => setDraft({ ...draft, template })} />
      <div className="bar stack">
        {theirs && (
          <div role="alert">
            <SectionMessage appearance="warning" title={text('policy.conflict.title', { name: nameOf(theirs.savedBy ?? '') })}>
              <div className="stack">
                <p className="text">
                  {text('policy.conflict.text', {
                    mode: text(`policy.mode.${theirs.policy.mode}` as TextKey),
                    template:
                      theirs.policy.template.kind === 'builtin' ? text('policy.template.builtin') : theirs.policy.template.templateId,
                  })}
                </p>
                <div className="row">
                  <Button onClick={() => void save(theirs.version)}>{text('policy.conflict.mine')}</Button>
                  <Button onClick={takeTheirs}>{text('policy.conflict.theirs')}</Button>
                </div>
              </div>
            </SectionMessage>
          </div>
        )}
        {error !== null && <Failure error={error} />}
        <div className="row spread">
          <div className="row">
            <Button type="submit" appearance="primary" isDisabled={!isChanged || theirs !== null} isLoading={isSaving}>
              {text('policy.save')}
            </Button>
            {isChanged && <Button onClick={() => setDraft(stored.policy)}>{text('policy.discard')}</Button>}
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
    </form>
  );
}

/** The browser asks before it leaves a page with changes. */
function useLeaveGuard(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return undefined;
    const guard = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', guard);
    return () => window.removeEventListener('beforeunload', guard);
  }, [isChanged]);
}

function OutlookCard({ mode }: { mode: Policy['mode'] }) {
  return (
    <section className="card stack" aria-labelledby="outlook">
      <div id="outlook">
        <Heading size="small" as="h2">
          {text('policy.outlook.heading')}
        </Heading>
      </div>
      {/* Counting people costs points of the site's quota: only when the answer says something. */}
      {mode === 'off' ? <p className="text">{text('policy.outlook.off')}</p> : <PeopleCount mode={mode} />}
    </section>
  );
}

function PeopleCount({ mode }: { mode: 'ask' | 'auto' }) {
  const { loaded, reload } = useLoaded<Outlook>(() => callAdmin('policy.outlook', {}));
  if (loaded.state === 'loading') return <Waiting label={text('policy.outlook.loading')} />;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  return (
    <>
      <p className="text">
        <strong>{outlookText(mode, loaded.data)}</strong>
      </p>
      <p className="subtle">{sourceText(loaded.data)}</p>
      <div>
        <Button spacing="compact" onClick={reload}>
          {text('policy.outlook.refresh')}
        </Button>
      </div>
    </>
  );
}

function outlookText(mode: 'ask' | 'auto', outlook: Outlook): string {
  const { looked, isExact, people } = outlook;
  if (isExact) return text(`policy.outlook.${mode}`, { count: looked.withoutSpace });
  const share = looked.total === 0 ? 0 : looked.withoutSpace / looked.total;
  return text(`policy.outlook.about.${mode}`, { count: formatNumber(Math.round(share * people)) });
}

function sourceText({ looked, isExact, people, at }: Outlook): string {
  return isExact
    ? text('policy.outlook.exact', { time: formatTime(at), people, withSpace: formatNumber(looked.withSpace) })
    : text('policy.outlook.sample', { time: formatTime(at), sample: looked.total, people: formatNumber(people) });
}

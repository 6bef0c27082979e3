/** What this site lets the app do: each result with its date and what follows from it. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import Heading from '@atlaskit/heading';
import Lozenge from '@atlaskit/lozenge';
import { type ReactNode, useState } from 'react';
import type { CheckView } from '../../../src/api/admin/site-check';
import type { SiteCheckName } from '../../../src/site-check/checks';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatNumber, formatTime, type TextKey, text, textOr } from '../../shared/text';
import { HourBudget } from './HourBudget';
import { PromisesCard } from './PromisesCard';
import { CHECKED } from './site-limits';

const APPEARANCES = { good: 'success', limited: 'moved', bad: 'removed', unknown: 'default' } as const;
const NAMES: SiteCheckName[] = [
  ...(['roles', 'scopes', 'templates', 'rights-open', 'rights-private'] as const),
  ...(['app-role', 'create', 'archive', 'native', 'points'] as const),
];

export function SiteCheckTab() {
  const { loaded, reload, set } = useLoaded<CheckView[]>(() => callAdmin('site.get', {}));
  const [hasConsent, setConsent] = useState(false);
  const [running, setRunning] = useState<SiteCheckName | 'reset' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const run = async (names: SiteCheckName[]): Promise<void> => {
    setError(null);
    try {
      // One call each: the page shows every answer as it comes, and no call takes long.
      for (const name of names) {
        setRunning(name);
        set(await callAdmin('site.run', { checks: [name], consent: hasConsent }));
        window.dispatchEvent(new Event(CHECKED));
      }
    } catch (failure) {
      setError(failure);
    } finally {
      setRunning(null);
    }
  };
  const reset = async (): Promise<void> => {
    setError(null);
    setRunning('reset');
    try {
      set(await callAdmin('site.resetCalls', {}));
    } catch (failure) {
      setError(failure);
    } finally {
      setRunning(null);
    }
  };
  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('site.heading')}
        </Heading>
        <p className="subtle">{text('site.text')}</p>
      </div>
      <Checkbox label={text('site.consent')} isChecked={hasConsent} onChange={(event) => setConsent(event.currentTarget.checked)} />
      <div>
        <Button
          appearance="primary"
          isLoading={running !== null && running !== 'reset'}
          isDisabled={running === 'reset'}
          onClick={() => void run(NAMES)}
        >
          {text('site.run')}
        </Button>
      </div>
      {error !== null && <Failure error={error} />}
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && (
        <ul className="checks">
          {loaded.data.map((check) => (
            <li key={check.name} className="card">
              <Check check={check} isRunning={running === check.name} isIdle={running === null} onRun={() => void run([check.name])}>
                {check.notes.some(({ finding }) => finding === 'unfit') && (
                  <div>
                    <Button
                      spacing="compact"
                      isLoading={running === 'reset'}
                      isDisabled={running !== null && running !== 'reset'}
                      onClick={() => void reset()}
                    >
                      {text('site.create.reset')}
                    </Button>
                  </div>
                )}
              </Check>
            </li>
          ))}
        </ul>
      )}
      <HourBudget />
      <PromisesCard />
    </div>
  );
}

interface CheckProps {
  check: CheckView;
  isRunning: boolean;
  isIdle: boolean;
  onRun: () => void;
  /** What can be done about it. */
  children?: ReactNode;
}

function Check({ check, isRunning, isIdle, onRun, children }: CheckProps) {
  const { name, outcome, finding, details, at, notes } = check;
  const title = text(`site.${name}` as TextKey);
  return (
    <div className="tight">
      <div className="row spread">
        <div className="row">
          <strong>{title}</strong>
          <Lozenge key={outcome} appearance={APPEARANCES[outcome]}>
            {text(`site.outcome.${outcome}` as TextKey)}
          </Lozenge>
          <span className="subtle">{at === null ? text('site.never') : formatTime(at)}</span>
        </div>
        <Button
          spacing="compact"
          isLoading={isRunning}
          isDisabled={!isIdle}
          aria-label={text('site.again.of', { name: title })}
          onClick={onRun}
        >
          {text('site.again')}
        </Button>
      </div>
      <p className="text">{findingText(name, finding, details)}</p>
      {notes.map((note) => (
        <p key={`${note.finding} ${note.details.call ?? note.details.key}`} className="text">
          {findingText(name, note.finding, note.details)}
        </p>
      ))}
      <p className="subtle">{textOr(`site.${name}.${finding}.then`, text(`site.${name}.then` as TextKey))}</p>
      {children}
    </div>
  );
}

function findingText(name: SiteCheckName, finding: string, details: CheckView['details']): string {
  if (finding === 'never') return text('site.never.text');
  if (finding === 'failed') return text('site.failed', details);
  const values = Object.fromEntries(
    Object.entries(details).map(([key, value]) => [
      key,
      key.endsWith('At') ? formatTime(Number(value)) : typeof value === 'number' ? formatNumber(value) : value,
    ]),
  );
  return textOr(`site.${name}.${finding}`, finding, values);
}

/** What the policy on the page would change, and for how many people, with examples. */
import Button from '@atlaskit/button/new';
import { useState } from 'react';
import type { SimulationView } from '../../../src/api/admin/people';
import type { Policy } from '../../../src/domain/policy/document';
import type { Outcome } from '../../../src/existing-people/simulation';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { formatNumber, type TextKey, text, textOf } from '../../shared/text';
import { CensusLine } from './CensusLine';
import { useCensus } from './census';
import { useNames } from './display-names';

export function outcomeLabel({ kind, reason }: Outcome): string {
  return `${text(`outcome.${kind}` as TextKey)}: ${textOf('reason', reason)}`;
}

/** Changes listed; the rest are only counted. */
const TRANSITIONS_SHOWN = 8;

export function SimulationCard({ policy, isChanged }: { policy: Policy; isChanged: boolean }) {
  const census = useCensus(policy);
  const [simulation, setSimulation] = useState<{ of: string; view: SimulationView } | null>(null);
  const { busy, error, attempt } = useAttempt<'simulate'>();
  const isRunning = busy !== null;
  const run = (): Promise<void> =>
    attempt('simulate', async () => setSimulation({ of: JSON.stringify(policy), view: await callAdmin('people.simulate', { policy }) }));
  return (
    <Card id="simulation" heading={text('simulation.heading')}>
      <p className="text">{text('simulation.text')}</p>
      <CensusLine census={census} />
      {census.isCounted && (
        <div>
          <Button isLoading={isRunning} onClick={() => void run()}>
            {text('simulation.run')}
          </Button>
        </div>
      )}
      {isRunning && <Waiting />}
      {error !== null && <Failure error={error} />}
      {simulation && !isRunning && (
        <Result view={simulation.view} isStale={simulation.of !== JSON.stringify(policy)} isChanged={isChanged} />
      )}
    </Card>
  );
}

function Result({ view, isStale, isChanged }: { view: SimulationView; isStale: boolean; isChanged: boolean }) {
  const shown = view.transitions.slice(0, TRANSITIONS_SHOWN);
  const nameOf = useNames(shown.flatMap((t) => t.examples));
  return (
    <div className="stack" role="status">
      {isStale && <p className="problem">{text('simulation.stale')}</p>}
      <p className="text">
        <strong>{text(isChanged ? 'simulation.changed' : 'simulation.same', { changed: view.changed, people: view.people })}</strong>
      </p>
      {shown.length > 0 && (
        <ul className="outcomes">
          {shown.map(({ from, to, count, examples }) => (
            <li key={`${from.kind} ${from.reason} ${to.kind} ${to.reason}`}>
              <strong>{formatNumber(count)}</strong> {outcomeLabel(from)} → {outcomeLabel(to)}
              <p className="subtle">{text('simulation.examples', { names: examples.map(nameOf).join(', ') })}</p>
            </li>
          ))}
        </ul>
      )}
      <div className="tight">
        <p className="text">{text('simulation.then')}</p>
        <ul className="outcomes">
          {view.outcomes.map((outcome) => (
            <li key={`${outcome.kind} ${outcome.reason}`}>
              <strong>{formatNumber(outcome.count)}</strong> {outcomeLabel(outcome)}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

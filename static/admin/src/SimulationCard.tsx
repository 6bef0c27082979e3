/** What the policy on the page would change, and for how many people, with examples. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import type { SimulationView } from '../../../src/api/admin/people';
import type { Policy } from '../../../src/domain/policy/document';
import type { Outcome } from '../../../src/domain/provisioning/outcome';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { Failure, Waiting } from '../../shared/feedback';
import { formatNumber, formatTime, type TextKey, text, textOf } from '../../shared/text';
import { useNames } from './display-names';
import { KnownPeople } from './KnownPeople';
import type { Simulation } from './simulation';

export function outcomeLabel({ kind, reason }: Outcome): string {
  return `${text(`outcome.${kind}` as TextKey)}: ${textOf('reason', reason)}`;
}

/** Changes listed; the rest are only counted. */
const TRANSITIONS_SHOWN = 8;

export function SimulationCard({ simulation, policy, isChanged }: { simulation: Simulation; policy: Policy; isChanged: boolean }) {
  const { known, view, isStale, isAsking, isReading } = simulation;
  const { busy, error, attempt } = useAttempt<'simulate' | 'read'>();
  const run = (): Promise<void> =>
    attempt('simulate', async () => {
      await simulation.ask();
    });
  const read = (): Promise<void> => attempt('read', simulation.readGroups);
  return (
    <Card id="simulation" heading={text('simulation.heading')}>
      <p className="text">{text('simulation.text')}</p>
      <KnownPeople known={known} />
      <div>
        <Button isLoading={busy === 'simulate'} onClick={() => void run()}>
          {text('simulation.run')}
        </Button>
      </div>
      {isAsking && !view && <Waiting />}
      {error !== null && <Failure error={error} />}
      {view && isStale && (
        <p className="text" role="status">
          {text('effect.asking')}
        </p>
      )}
      {view && (
        <div className={isStale ? 'stack outdated' : 'stack'} role="status">
          {view.unread.length > 0 && !isStale && <Unread view={view} isReading={busy === 'read' || isReading} onRead={() => void read()} />}
          <Result view={view} policy={policy} isChanged={isChanged} />
        </div>
      )}
    </Card>
  );
}

/** The answer depends on groups whose members nobody has read. */
function Unread({ view, isReading, onRead }: { view: SimulationView; isReading: boolean; onRead: () => void }) {
  const groups = view.unread.length;
  const { points = 0, doneAt = 0 } = view.reading ?? {};
  return (
    <SectionMessage appearance="warning" title={text('simulation.unread', { groups })}>
      <div className="stack">
        <p className="text">{text('simulation.unread.text', { groups, points: formatNumber(points), time: formatTime(doneAt) })}</p>
        <div>
          <Button isLoading={isReading} onClick={onRead}>
            {text('simulation.read', { groups })}
          </Button>
        </div>
      </div>
    </SectionMessage>
  );
}

function changedText({ people, changed, changedAtLeast }: SimulationView, isChanged: boolean): string {
  if (changedAtLeast < changed) return text('simulation.between', { least: changedAtLeast, most: changed, people });
  return text(isChanged ? 'simulation.changed' : 'simulation.same', { changed, people });
}

function Result({ view, policy, isChanged }: { view: SimulationView; policy: Policy; isChanged: boolean }) {
  const shown = view.transitions.slice(0, TRANSITIONS_SHOWN);
  const nameOf = useNames(shown.flatMap((t) => t.examples));
  const ruleOf = (id: string | null): string | null => policy.rules.find((rule) => rule.id === id)?.name ?? null;
  return (
    <>
      <div className="tight">
        <p className="text">
          <strong>{changedText(view, isChanged)}</strong>
        </p>
        {!view.complete && <p className="problem">{text('simulation.incomplete')}</p>}
      </div>
      {shown.length > 0 && (
        <ul className="outcomes">
          {shown.map(({ from, to, count, examples }) => {
            const rule = ruleOf(to.ruleId);
            return (
              <li key={`${from.kind} ${from.reason} ${from.ruleId} ${to.kind} ${to.reason} ${to.ruleId}`}>
                <strong>{formatNumber(count)}</strong> {outcomeLabel(from)} → {outcomeLabel(to)}
                <p className="subtle">
                  {rule !== null && `${text('simulation.rule', { rule })} `}
                  {text('simulation.examples', { names: examples.map(nameOf).join(', ') })}
                </p>
              </li>
            );
          })}
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
          {view.undecided > 0 && (
            <li>
              <strong>{formatNumber(view.undecided)}</strong> {text('simulation.undecided')}
            </li>
          )}
        </ul>
      </div>
    </>
  );
}

/** When the people were counted, the progress of a count, and counting again. */
import Button from '@atlaskit/button/new';
import { useEffect, useState } from 'react';
import type { CensusCostView } from '../../../src/api/admin/people';
import { Failure } from '../../shared/feedback';
import { formatNumber, formatTime, text } from '../../shared/text';
import type { CensusState } from './census';

/** A count below this many points needs no confirmation. */
const CHEAP_POINTS = 5_000;

export function CensusLine({ census }: { census: CensusState }) {
  const { loaded, isCounting, start, error } = census;
  const [cost, setCost] = useState<CensusCostView | null>(null);
  const [costError, setCostError] = useState<unknown>(null);
  const complete = loaded.state === 'ready' ? loaded.data.complete : null;
  const running = loaded.state === 'ready' && isCounting ? loaded.data.census : null;
  // A count that is running needs no second one.
  useEffect(() => {
    if (isCounting) setCost(null);
  }, [isCounting]);
  const ask = async (): Promise<void> => {
    setCostError(null);
    try {
      const found = await census.readCost();
      if (found.points <= CHEAP_POINTS) start();
      else setCost(found);
    } catch (failure) {
      setCostError(failure);
    }
  };
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={census.reload} />;
  const failure = error ?? costError;
  return (
    <div className="tight">
      {running ? (
        <p className="text" role="status">
          {running.waitingUntil === null
            ? text('census.counting', { done: running.counts.people ?? 0, total: running.total })
            : text('job.waiting', { time: formatTime(running.waitingUntil) })}
        </p>
      ) : (
        <p className="subtle">
          {complete
            ? text('census.counted', { people: complete.counts.people ?? 0, time: formatTime(complete.createdAt) })
            : text('census.none')}
        </p>
      )}
      {cost && (
        <p className="text">
          {text('census.cost', { people: cost.people, points: formatNumber(cost.points), hours: formatNumber(cost.hours) })}
        </p>
      )}
      {failure !== null && <Failure error={failure} />}
      {!running && loaded.state === 'ready' && (
        <div>
          <Button spacing="compact" onClick={() => (cost ? start() : void ask())}>
            {text(cost ? 'census.start' : complete ? 'census.again' : 'census.first')}
          </Button>
        </div>
      )}
    </div>
  );
}

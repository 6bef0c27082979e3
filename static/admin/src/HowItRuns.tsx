/** How a run goes on once it is started, and how it is stopped and undone: the same words before every run. */
import { MAX_WITHOUT_REASON } from '../../../src/api/limits';
import { text } from '../../shared/text';

export function HowItRuns({ count, undo }: { count: number; undo: string }) {
  return (
    <p className="text">
      {/* A small run is its own first batch. */}
      {count > MAX_WITHOUT_REASON && `${text('run.batches', { first: MAX_WITHOUT_REASON })} `}
      {text('run.stop')} {undo}
    </p>
  );
}

/** The unused spaces that a search found: server-side pages, a selection across pages, and the preview. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import DynamicTable from '@atlaskit/dynamic-table';
import { useState } from 'react';
import type { CleanupPlan, RowView } from '../../../src/api/admin/cleanup';
import type { JobView, Page } from '../../../src/api/admin/jobs';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatDay, formatNumber, text } from '../../shared/text';
import { spaceLabel, useNames } from './display-names';
import { PlanDialog } from './PlanDialog';
import { countTicked, EVERYTHING, isTicked, NOTHING, type Selection, tick } from './selection';

type From = { batch: number; row: number };

export function CandidatesTable({ survey, total, onStarted }: { survey: JobView; total: number; onStarted: (job: JobView) => void }) {
  const [trail, setTrail] = useState<From[]>([{ batch: 0, row: 0 }]);
  const from = trail.at(-1) as From;
  const { loaded, reload } = useLoaded<Page<RowView>>(
    () => callAdmin('cleanup.rows', { jobId: survey.id, from }),
    `${from.batch}:${from.row}`,
  );
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [plan, setPlan] = useState<CleanupPlan | null>(null);
  const [isPlanning, setPlanning] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const preview = async (): Promise<void> => {
    setPlanning(true);
    setError(null);
    try {
      setPlan(await callAdmin('cleanup.preview', { surveyId: survey.id, selection }));
    } catch (failure) {
      setError(failure);
    } finally {
      setPlanning(false);
    }
  };

  const rows = loaded.state === 'ready' ? loaded.data.rows : [];
  const nameOf = useNames(rows.map((row) => row.ownerId ?? ''));
  const ticked = countTicked(selection, total);
  const tickedHere = rows.filter((row) => isTicked(selection, row)).length;

  return (
    <div className="stack">
      <div className="row spread">
        <div className="row">
          <span role="status" aria-live="polite">
            {text('cleanup.selected', { count: ticked })}
          </span>
          {tickedHere === rows.length && rows.length > 0 && ticked < total && (
            <Button spacing="compact" onClick={() => setSelection(EVERYTHING)}>
              {text('cleanup.select.all', { count: formatNumber(total) })}
            </Button>
          )}
          {ticked > 0 && (
            <Button spacing="compact" appearance="subtle" onClick={() => setSelection(NOTHING)}>
              {text('cleanup.select.clear')}
            </Button>
          )}
        </div>
        <Button appearance="primary" isDisabled={ticked === 0} isLoading={isPlanning} onClick={() => void preview()}>
          {text('cleanup.preview')}
        </Button>
      </div>
      {error !== null && <Failure error={error} />}
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && (
        <div className="scroll">
          <DynamicTable
            label={text('cleanup.heading')}
            head={{
              cells: [
                {
                  key: 'tick',
                  width: 4,
                  content: (
                    <Checkbox
                      aria-label={text('cleanup.select.page')}
                      isChecked={rows.length > 0 && tickedHere === rows.length}
                      isIndeterminate={tickedHere > 0 && tickedHere < rows.length}
                      onChange={(event) => setSelection(tick(selection, rows, event.currentTarget.checked))}
                    />
                  ),
                },
                { key: 'space', content: text('cleanup.column.space') },
                { key: 'key', content: text('cleanup.column.key') },
                { key: 'created', content: text('cleanup.column.created') },
              ],
            }}
            rows={rows.map((row) => ({
              key: row.spaceId,
              cells: [
                {
                  key: 'tick',
                  content: (
                    <Checkbox
                      aria-label={text('cleanup.select.row', { name: spaceLabel(row, nameOf) })}
                      isChecked={isTicked(selection, row)}
                      onChange={(event) => setSelection(tick(selection, [row], event.currentTarget.checked))}
                    />
                  ),
                },
                { key: 'space', content: spaceLabel(row, nameOf) },
                { key: 'key', content: <code className="key">{row.key}</code> },
                { key: 'created', content: formatDay(row.createdAt) },
              ],
            }))}
          />
        </div>
      )}
      <Pager
        onPrevious={trail.length > 1 ? () => setTrail(trail.slice(0, -1)) : null}
        onNext={loaded.state === 'ready' && loaded.data.next ? () => setTrail([...trail, loaded.data.next as From]) : null}
      />
      <PlanDialog
        plan={plan}
        onClose={() => setPlan(null)}
        onStarted={(job) => {
          setPlan(null);
          setSelection(NOTHING);
          onStarted(job);
        }}
      />
    </div>
  );
}

function Pager({ onPrevious, onNext }: { onPrevious: (() => void) | null; onNext: (() => void) | null }) {
  if (!onPrevious && !onNext) return null;
  return (
    <div className="row">
      <Button isDisabled={!onPrevious} onClick={() => onPrevious?.()}>
        {text('cleanup.previous')}
      </Button>
      <Button isDisabled={!onNext} onClick={() => onNext?.()}>
        {text('cleanup.next')}
      </Button>
    </div>
  );
}

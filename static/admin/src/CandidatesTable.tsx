/** The unused spaces that the directory lists: server-side pages and order, a selection across pages, and the preview. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import DynamicTable from '@atlaskit/dynamic-table';
import EmptyState from '@atlaskit/empty-state';
import { useState } from 'react';
import type { PreviewView } from '../../../src/api/admin/cleanup';
import type { SpaceRow } from '../../../src/directory/lists';
import { type AdminOutput, callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatDay, formatNumber, text } from '../../shared/text';
import { listedLabel, useNames } from './display-names';
import { PlanDialog } from './PlanDialog';
import { countTicked, everything, type Filter, isTicked, NOTHING, type Selection, tick } from './selection';

/** What a clean-up may look at: how a space is used decides, not who owns it. */
const unusedFor = (days: number): Filter => ({ status: ['current'], visible: true, unchangedForDays: days });

type SortBy = 'key' | 'lastChangeOn' | 'createdOn';
const ROWS = 25;

interface Props {
  /** Without a change. */
  days: number;
  /** Until then the list may lack spaces, and nothing is planned on it. */
  isComplete: boolean;
  onStarted: (runId: string) => void;
}

export function CandidatesTable({ days, isComplete, onStarted }: Props) {
  // Cursors of the pages up to this one.
  const [trail, setTrail] = useState<(string | null)[]>([null]);
  const cursor = trail.at(-1) ?? null;
  const [sort, setSort] = useState<{ by: SortBy; direction: 'asc' | 'desc' }>({ by: 'createdOn', direction: 'asc' });
  const filter = unusedFor(days);
  const { loaded, reload } = useLoaded<AdminOutput<'spaces.list'>>(
    () => callAdmin('spaces.list', { filter, sort, cursor, limit: ROWS }),
    `${sort.by} ${sort.direction} ${cursor}`,
  );
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [plan, setPlan] = useState<PreviewView | null>(null);
  const [isPlanning, setPlanning] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const preview = async (): Promise<void> => {
    setPlanning(true);
    setError(null);
    try {
      setPlan(await callAdmin('cleanup.preview', { selection }));
    } catch (failure) {
      setError(failure);
    } finally {
      setPlanning(false);
    }
  };

  const rows = loaded.state === 'ready' ? loaded.data.rows : [];
  const total = loaded.state === 'ready' ? loaded.data.total : 0;
  const nameOf = useNames(rows.map((row) => row.ownerId ?? ''));
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  if (loaded.state === 'ready' && total === 0) {
    return isComplete ? (
      <EmptyState header={text('cleanup.result.nothing')} headingLevel={3} description={text('cleanup.result.nothing.text', { days })} />
    ) : null;
  }
  const ticked = countTicked(selection, total);
  const tickedHere = rows.filter((row) => isTicked(selection, row)).length;

  return (
    <section className="stack" aria-labelledby="result">
      <p className="text" id="result" role="status">
        {loaded.state === 'ready' && <strong>{text('cleanup.result', { unused: total, days })}</strong>}
      </p>
      <div className="row spread">
        <div className="row">
          <span role="status" aria-live="polite">
            {text('cleanup.selected', { count: ticked })}
          </span>
          {tickedHere === rows.length && rows.length > 0 && ticked < total && (
            <Button spacing="compact" onClick={() => setSelection(everything(filter))}>
              {text('cleanup.select.all', { count: formatNumber(total) })}
            </Button>
          )}
          {ticked > 0 && (
            <Button spacing="compact" appearance="subtle" onClick={() => setSelection(NOTHING)}>
              {text('cleanup.select.clear')}
            </Button>
          )}
        </div>
        <Button appearance="primary" isDisabled={ticked === 0 || !isComplete} isLoading={isPlanning} onClick={() => void preview()}>
          {text('cleanup.preview')}
        </Button>
      </div>
      {error !== null && <Failure error={error} />}
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'ready' && (
        <div className="scroll">
          <DynamicTable
            label={text('cleanup.heading')}
            sortKey={sort.by}
            sortOrder={sort.direction === 'asc' ? 'ASC' : 'DESC'}
            onSort={({ key, sortOrder }) => {
              setTrail([null]);
              setSort({ by: key as SortBy, direction: sortOrder === 'ASC' ? 'asc' : 'desc' });
            }}
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
                { key: 'key', content: text('cleanup.column.key'), isSortable: true },
                { key: 'lastChangeOn', content: text('cleanup.column.changed'), isSortable: true },
                { key: 'createdOn', content: text('cleanup.column.created'), isSortable: true },
              ],
            }}
            // The server has put them in order: cells of one column have one key, so the table leaves them as they are.
            rows={rows.map((row) => ({
              key: row.spaceId,
              cells: [
                {
                  key: 'tick',
                  content: (
                    <Checkbox
                      aria-label={text('cleanup.select.row', { name: listedLabel(row, nameOf) })}
                      isChecked={isTicked(selection, row)}
                      onChange={(event) => setSelection(tick(selection, [row], event.currentTarget.checked))}
                    />
                  ),
                },
                { key: 'space', content: listedLabel(row, nameOf) },
                { key: 'key', content: <code className="key">{row.key}</code> },
                { key: 'lastChangeOn', content: changedText(row) },
                { key: 'createdOn', content: row.createdOn === null ? '' : dayText(row.createdOn) },
              ],
            }))}
          />
        </div>
      )}
      <Pager
        onPrevious={trail.length > 1 ? () => setTrail(trail.slice(0, -1)) : null}
        onNext={loaded.state === 'ready' && loaded.data.next ? () => setTrail([...trail, loaded.data.next]) : null}
      />
      <PlanDialog
        plan={plan}
        onClose={() => setPlan(null)}
        onStarted={(runId) => {
          setPlan(null);
          setSelection(NOTHING);
          onStarted(runId);
        }}
      />
    </section>
  );
}

/** A day of the directory, which is UTC, at noon: the same day in nearly every time zone. */
const dayText = (day: string): string => formatDay(Date.parse(`${day}T12:00:00Z`));

function changedText({ lastChangeOn, unchangedSince }: SpaceRow): string {
  if (lastChangeOn !== null) return dayText(lastChangeOn);
  return unchangedSince === null ? '' : text('cleanup.unchanged', { date: dayText(unchangedSince) });
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

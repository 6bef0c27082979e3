/** Bulk cleanup: unused spaces from the directory, select, preview, archive with progress, restore. */
import Button from '@atlaskit/button/new';
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import Textfield from '@atlaskit/textfield';
import { useEffect, useState } from 'react';
import type { DirectoryView } from '../../../src/api/admin/directory';
import type { RunView } from '../../../src/api/admin/runs';
import { MAX_IDLE_DAYS } from '../../../src/api/limits';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatNumber, formatTime, text } from '../../shared/text';
import { CandidatesTable } from './CandidatesTable';
import { RunCard } from './RunCard';
import { isActive, useRuns } from './runs';

const DEFAULT_DAYS = 180;
/** How often a page that waits for the directory looks again. */
const LOOK_AGAIN_MS = 8_000;

interface Overview {
  directory: DirectoryView;
  runs: RunView[];
  /** Personal spaces that the app cannot see. */
  unseen: number;
}

const KINDS: RunView['kind'][] = ['archive', 'restore'];

/** The directory comes first: asking for it makes its tables. */
async function loadOverview(begun: string | null = null): Promise<Overview> {
  const directory = await callAdmin('directory.get', {});
  const [{ rows: runs }, { total: unseen }, own] = await Promise.all([
    callAdmin('runs.list', { kinds: KINDS }),
    callAdmin('spaces.list', { filter: { visible: false }, limit: 1 }),
    begun === null ? null : callAdmin('runs.get', { runId: begun }).catch(() => null),
  ]);
  const isListed = own === null || runs.some(({ runId }) => runId === own.runId);
  return { directory, runs: isListed ? runs : [own, ...runs], unseen };
}

/** @param begun a run that may not be listed yet */
export function CleanupTab({ begun }: { begun: string | null }) {
  const { loaded, reload, set } = useLoaded<Overview>(() => loadOverview(begun));
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') {
    return (
      <div className="panel">
        <Failure error={loaded.error} onRetry={reload} />
      </div>
    );
  }
  return <Cleanup overview={loaded.data} onChange={set} />;
}

/** Looks again until everything was read once. */
function useCompletion(overview: Overview, onChange: (overview: Overview) => void): void {
  const { complete } = overview.directory.spaces;
  const [latest] = useState({ current: onChange });
  latest.current = onChange;
  // Deliberate dependencies: what the last look said decides whether there is another one.
  useEffect(() => {
    if (complete) return undefined;
    const timer = window.setTimeout(() => {
      // A look that fails is followed by the next one.
      loadOverview().then(latest.current, () => latest.current({ ...overview }));
    }, LOOK_AGAIN_MS);
    return () => window.clearTimeout(timer);
  }, [complete, overview]);
}

function Cleanup({ overview, onChange }: { overview: Overview; onChange: (overview: Overview) => void }) {
  const { directory, unseen } = overview;
  const [runs, setRuns] = useState(overview.runs);
  const [days, setDays] = useState(String(DEFAULT_DAYS));
  const [asked, setAsked] = useState(DEFAULT_DAYS);
  // What a run changes shows in the list.
  const ended = runs.filter((run) => !isActive(run)).length;
  const isValid = /^\d+$/.test(days) && Number(days) >= 1 && Number(days) <= MAX_IDLE_DAYS;
  const { complete, doneAt, rows } = directory.spaces;
  useCompletion(overview, onChange);
  const { look, follow } = useRuns(runs, setRuns, KINDS);

  return (
    <div className="panel stack">
      <div className="tight">
        <Heading size="medium" as="h2">
          {text('cleanup.heading')}
        </Heading>
        <p className="subtle">{text('cleanup.intro')}</p>
      </div>
      {runs.length > 0 && (
        <section className="stack" aria-labelledby="runs">
          <div id="runs">
            <Heading size="small" as="h3">
              {text('cleanup.jobs')}
            </Heading>
          </div>
          {runs.map((run) => (
            <RunCard key={run.runId} run={run} runs={runs} onChange={follow} />
          ))}
        </section>
      )}
      {!complete && (
        <SectionMessage appearance="information" title={text('cleanup.reading')}>
          <p className="text" role="status">
            {text('cleanup.reading.text', { rows })} {doneAt !== null && text('cleanup.reading.done', { time: formatTime(doneAt) })}
          </p>
        </SectionMessage>
      )}
      <form
        className="row end"
        onSubmit={(event) => {
          event.preventDefault();
          if (isValid) setAsked(Number(days));
        }}
      >
        <div className="days">
          <label htmlFor="days">{text('cleanup.days')}</label>
          <Textfield
            id="days"
            inputMode="numeric"
            value={days}
            isInvalid={!isValid}
            aria-describedby="days-help"
            onChange={(event) => setDays(event.currentTarget.value)}
          />
        </div>
        <Button type="submit" isDisabled={!isValid}>
          {text('cleanup.show')}
        </Button>
      </form>
      <p className="subtle near" id="days-help">
        {isValid ? text('cleanup.counts') : text('cleanup.days.invalid', { max: MAX_IDLE_DAYS })}
      </p>
      <CandidatesTable key={`${asked} ${ended} ${complete}`} days={asked} isComplete={complete} onStarted={look} />
      {unseen > 0 && (
        <SectionMessage appearance="information">
          <p className="text">{text('cleanup.unseen', { count: unseen, number: formatNumber(unseen) })}</p>
        </SectionMessage>
      )}
    </div>
  );
}

/** The outcome of everything a job worked on, in pages; all rows, or only failures. */
import Button from '@atlaskit/button/new';
import Checkbox from '@atlaskit/checkbox';
import DynamicTable from '@atlaskit/dynamic-table';
import { useState } from 'react';
import type { Page } from '../../../src/api/admin/jobs';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { useNames } from './display-names';

interface From {
  batch: number;
  row: number;
}

interface ResultView {
  key: string;
  /** The account whose name the first column shows. */
  accountId: string | null;
  name: (nameOf: (accountId: string) => string) => string;
  outcome: string;
  why: string;
}

interface Props<Row> {
  /** Its rows are read again when it has changed. */
  job: { updatedAt: number };
  /** Title of the first column. */
  what: string;
  load: (from: From | undefined, onlyFailed: boolean) => Promise<Page<Row>>;
  view: (row: Row) => ResultView;
}

export function JobResults<Row>({ job, what, load, view }: Props<Row>) {
  const [onlyFailed, setOnlyFailed] = useState(false);
  const [moreError, setMoreError] = useState<unknown>(null);
  // The server reads a long job part by part; a part without failures does not mean that there are none.
  const page = async (start?: From): Promise<Page<Row>> => {
    let found = await load(start, onlyFailed);
    while (found.rows.length === 0 && found.next !== null) found = await load(found.next, onlyFailed);
    return found;
  };
  const { loaded, reload, set } = useLoaded<Page<Row>>(() => page(), `${job.updatedAt} ${onlyFailed}`);
  const { rows, next } = loaded.state === 'ready' ? loaded.data : { rows: [], next: null };
  const results = rows.map(view);
  const nameOf = useNames(results.flatMap((result) => result.accountId ?? []));
  return (
    <div className="tight">
      <Checkbox
        label={text('job.only-failed')}
        isChecked={onlyFailed}
        onChange={(event) => {
          setMoreError(null);
          setOnlyFailed(event.currentTarget.checked);
        }}
      />
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && results.length === 0 && <p className="subtle">{text(onlyFailed ? 'job.none-failed' : 'job.none')}</p>}
      {results.length > 0 && (
        <div className="scroll">
          <DynamicTable
            label={text('job.details')}
            head={{
              cells: [
                { key: 'what', content: what },
                { key: 'outcome', content: text('cleanup.column.outcome') },
                { key: 'why', content: text('admin.column.why') },
              ],
            }}
            rows={results.map(({ key, name, outcome, why }) => ({
              key,
              cells: [
                { key: 'what', content: name(nameOf) },
                { key: 'outcome', content: outcome },
                { key: 'why', content: why },
              ],
            }))}
          />
        </div>
      )}
      {moreError !== null && <Failure error={moreError} />}
      {next && (
        <div>
          <Button
            spacing="compact"
            onClick={() => {
              page(next).then((further) => set({ rows: [...rows, ...further.rows], next: further.next }), setMoreError);
            }}
          >
            {text('job.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

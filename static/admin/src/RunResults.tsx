/** What became of each person, or each space, of a run. */
import type { ProvisionRowView } from '../../../src/api/admin/people';
import type { RunRowView, RunView } from '../../../src/api/admin/runs';
import { callAdmin } from '../../shared/call';
import { formatDay, text, textOf } from '../../shared/text';
import { spaceLabel } from './display-names';
import { JobResults } from './JobResults';

export function RunResults({ run }: { run: RunView }) {
  const { runId } = run;
  if (run.kind === 'provision') {
    return (
      <JobResults<ProvisionRowView>
        job={run}
        what={text('admin.column.person')}
        load={(from, onlyFailed) => callAdmin('people.rows', { jobId: runId, from, onlyFailed })}
        view={(row) => ({
          key: row.accountId,
          accountId: row.accountId,
          name: (nameOf) => nameOf(row.accountId),
          outcome: text(`people.outcome.${row.outcome ?? 'open'}`),
          why: row.reason ? textOf('reason', row.reason) : '',
        })}
      />
    );
  }
  return (
    <JobResults<RunRowView>
      job={run}
      what={text('cleanup.column.space')}
      load={(from, onlyFailed) => callAdmin('runs.rows', { runId, from, onlyFailed })}
      view={(row) => ({
        key: row.spaceId,
        accountId: row.ownerId,
        name: (names) => spaceLabel(row, names),
        outcome: row.outcome ? text(`cleanup.outcome.${row.outcome}`) : '',
        why: row.reason ? textOf('reason', row.reason, { date: formatDay(run.unchangedSince ?? 0) }) : '',
      })}
    />
  );
}

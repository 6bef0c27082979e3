/** What the policy did: spaces created, offers, refusals, each with its reason. */
import Button from '@atlaskit/button/new';
import DynamicTable from '@atlaskit/dynamic-table';
import EmptyState from '@atlaskit/empty-state';
import Heading from '@atlaskit/heading';
import Lozenge from '@atlaskit/lozenge';
import { useState } from 'react';
import type { ActivityEntry } from '../../../src/api/admin/activity';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatTime, text, textOf } from '../../shared/text';
import { BrokenPromises } from './BrokenPromises';
import { useNames } from './display-names';

const APPEARANCES: Record<string, 'success' | 'inprogress' | 'removed' | 'default'> = {
  provisioned: 'success',
  adopted: 'success',
  offered: 'inprogress',
  refused: 'removed',
};

export function ActivityTab() {
  const { loaded, reload, set } = useLoaded(() => callAdmin('activity.list', {}));
  const [error, setError] = useState<unknown>(null);
  const entries = loaded.state === 'ready' ? loaded.data.entries : [];
  const nameOf = useNames(entries.map((e) => e.accountId));
  const showOlder = async (cursor: string): Promise<void> => {
    try {
      const older = await callAdmin('activity.list', { cursor });
      set({ entries: [...entries, ...older.entries], cursor: older.cursor });
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <div className="panel stack">
      <div className="row spread">
        <Heading size="medium" as="h2">
          {text('activity.heading')}
        </Heading>
        <Button onClick={reload}>{text('activity.refresh')}</Button>
      </div>
      <BrokenPromises />
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && entries.length === 0 && (
        <EmptyState header={text('activity.empty')} headingLevel={3} description={text('activity.empty.text')} />
      )}
      {loaded.state === 'ready' && entries.length > 0 && (
        <div className="scroll">
          <DynamicTable
            label={text('activity.heading')}
            head={{
              cells: [
                { key: 'person', content: text('admin.column.person') },
                { key: 'what', content: text('admin.column.what') },
                { key: 'why', content: text('admin.column.why') },
                { key: 'when', content: text('admin.column.when') },
              ],
            }}
            rows={entries.map((entry) => ({
              key: `${entry.accountId} ${entry.kind} ${entry.at}`,
              cells: [
                { key: 'person', content: nameOf(entry.accountId) },
                {
                  key: 'what',
                  content: <Lozenge appearance={APPEARANCES[entry.kind] ?? 'default'}>{textOf('activity.kind', entry.kind)}</Lozenge>,
                },
                { key: 'why', content: reasonsOf(entry) },
                { key: 'when', content: formatTime(entry.at) },
              ],
            }))}
          />
        </div>
      )}
      {error !== null && <Failure error={error} />}
      {loaded.state === 'ready' && loaded.data.cursor !== null && (
        <div>
          <Button onClick={() => void showOlder(loaded.data.cursor as string)}>{text('admin.older')}</Button>
        </div>
      )}
    </div>
  );
}

/** No link: the space is private, so Confluence would only turn an admin away. */
function reasonsOf(entry: ActivityEntry): string {
  const notes = [textOf('reason', entry.reason)];
  if (entry.kind === 'provisioned' || entry.kind === 'adopted') {
    if (entry.access === 'private') notes.push(text('activity.access.private'));
    if (entry.access === 'licensed') notes.push(text('activity.access.licensed'));
    if (entry.access === 'open') notes.push(text('activity.access.open'));
    if (entry.access === 'sampled') notes.push(text('activity.access.sampled'));
    if (entry.templateProblem !== null) notes.push(templateText(entry.templateProblem));
  }
  if (entry.detail !== null) notes.push(text('activity.detail', { detail: entry.detail }));
  return notes.join(' ');
}

function templateText(problem: string): string {
  const [code = '', ...detail] = problem.split(': ');
  return textOf('template.problem', code, { detail: detail.join(': ') });
}

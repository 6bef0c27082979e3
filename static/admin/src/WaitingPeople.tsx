/** People whose turn for a space has not come: how many, and until when. Absent while nobody waits. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import type { OverviewView } from '../../../src/api/admin/directory';
import type { PolicyView } from '../../../src/api/admin/policy';
import { callAdmin } from '../../shared/call';
import { useLoaded } from '../../shared/load';
import { moment, text } from '../../shared/text';
import { usePolled } from './job-progress';

interface Props {
  stored: PolicyView;
  onSiteCheck: () => void;
}

export function WaitingPeople({ stored, onSiteCheck }: Props) {
  // Before the directory has tables, nobody can say; the card below it tells what went wrong.
  const { loaded, set } = useLoaded<OverviewView>(() => callAdmin('overview.get', {}));
  const overview = loaded.state === 'ready' ? loaded.data : null;
  const count = overview?.waiting.count ?? 0;
  usePolled(count > 0 ? ['overview'] : [], () => callAdmin('overview.get', {}), set);
  if (!overview || count === 0) return null;
  if (overview.attention.some(({ kind }) => kind === 'creation-refused')) {
    return (
      <SectionMessage appearance="warning" title={text('waiting.refused.title')}>
        <div className="stack">
          <p className="text">{text('waiting.refused', { count })}</p>
          <div>
            <Button onClick={onSiteCheck}>{text('waiting.refused.check')}</Button>
          </div>
        </div>
      </SectionMessage>
    );
  }
  return (
    <SectionMessage appearance="information">
      <p className="text">
        {text('waiting.count', { count })} {untilText(overview.waiting, stored)}
      </p>
    </SectionMessage>
  );
}

function untilText({ count, doneAt }: OverviewView['waiting'], { kind, policy }: PolicyView): string {
  if (doneAt !== null) return text('waiting.until', { count, ...moment(doneAt) });
  if (kind === 'unreadable') return text('waiting.unreadable');
  return policy.paused ? text('waiting.paused') : text('waiting.unknown');
}

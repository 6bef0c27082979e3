/** What one version of the policy changed. */
import type { VersionView } from '../../../src/api/admin/policy';
import type { Policy } from '../../../src/domain/policy/document';
import { text } from '../../shared/text';
import { useGroupNames } from './groups';
import { pathLabel } from './policy-paths';

/** Changes listed for one version. */
const CHANGES_SHOWN = 12;
/** A group id; any other text is shown as it is. */
const GROUP_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export function Changes({ version: { changes, reason, restores }, policy }: { version: VersionView; policy: Policy }) {
  const shown = (changes ?? []).slice(0, CHANGES_SHOWN);
  const nameOf = useGroupNames(shown.flatMap(({ before, after }) => [before, after].flatMap((part) => part?.match(GROUP_ID) ?? [])));
  const readable = (part: string): string =>
    part
      .replace(GROUP_ID, nameOf)
      .replace(/[[\]"]/g, '')
      .replace(/,/g, ', ');
  return (
    <>
      {restores !== null && <p className="text">{text('history.restores', { version: restores })}</p>}
      {reason !== null && <p className="text">{text('history.reason', { reason })}</p>}
      {changes === null && <p className="subtle">{text('history.changes.unknown')}</p>}
      {changes?.length === 0 && <p className="subtle">{text('history.changes.none')}</p>}
      {changes && changes.length > 0 && (
        <ul className="outcomes">
          {shown.map(({ path, before, after }) => (
            <li key={path}>
              <strong>{pathLabel(path, policy)}</strong>: {before === null ? text('history.added') : readable(before)} →{' '}
              {after === null ? text('history.removed') : readable(after)}
            </li>
          ))}
          {changes.length > CHANGES_SHOWN && <li>{text('history.changes.more', { count: changes.length - CHANGES_SHOWN })}</li>}
        </ul>
      )}
    </>
  );
}

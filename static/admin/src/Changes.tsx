/** What differs between two policies: line by line, or by the parts that have changed. */
import type { VersionView } from '../../../src/api/admin/policy';
import type { PolicyChange } from '../../../src/domain/policy/compare';
import type { Policy } from '../../../src/domain/policy/document';
import { callAdmin } from '../../shared/call';
import { Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { useGroupNames } from './groups';
import { pathLabels } from './policy-paths';

/** Changes listed for one version. */
const CHANGES_SHOWN = 12;
/** A group id; any other text is shown as it is. */
const GROUP_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Parts that are counted one by one: a rule, a template. */
const LISTS = ['rules', 'templates'];

/** Whole parts of the policy that differ, each once: a rule, a template, or a section such as the rollout. */
export function changedParts(changes: readonly PolicyChange[]): PolicyChange[] {
  const parts = new Map<string, PolicyChange>();
  for (const change of changes) {
    const [first = '', second] = change.path.split('.');
    const path = second !== undefined && LISTS.includes(first) ? `${first}.${second}` : first;
    if (!parts.has(path)) parts.set(path, { ...change, path });
  }
  return [...parts.values()];
}

/** Names along the path; what was removed is not in the policy any more, and has its name in what it was before. */
function labelsOf({ path, before, after }: PolicyChange, policy: Policy): string[] {
  const labels = pathLabels(path, policy);
  const [, name] = /"(?:name|title|label)":"((?:[^"\\]|\\.)*)"/.exec((after === null && before) || '') ?? [];
  return name === undefined ? labels : [...labels.slice(0, -1), name];
}

/** The name of a rule or template, or of a section. */
export const partName = (part: PolicyChange, policy: Policy): string => labelsOf(part, policy).at(-1) ?? '';

export function ChangeList({ changes, policy }: { changes: readonly PolicyChange[]; policy: Policy }) {
  const shown = changes.slice(0, CHANGES_SHOWN);
  const nameOf = useGroupNames(shown.flatMap(({ before, after }) => [before, after].flatMap((part) => part?.match(GROUP_ID) ?? [])));
  const readable = (part: string): string =>
    part
      .replace(GROUP_ID, nameOf)
      .replace(/[[\]"]/g, '')
      .replace(/,/g, ', ');
  return (
    <ul className="outcomes">
      {shown.map((change) => (
        <li key={change.path}>
          <strong>{labelsOf(change, policy).join(' › ')}</strong>: {whatChanged(change, readable)}
        </li>
      ))}
      {changes.length > CHANGES_SHOWN && <li>{text('history.changes.more', { count: changes.length - CHANGES_SHOWN })}</li>}
    </ul>
  );
}

/** A whole rule or template would be a line of code: it was added, or removed. */
const isWhole = (part: string | null): boolean => part?.startsWith('{') ?? false;

function whatChanged({ before, after }: PolicyChange, readable: (part: string) => string): string {
  if (before === null && isWhole(after)) return text('history.part.added');
  if (after === null && isWhole(before)) return text('history.part.removed');
  return `${before === null ? text('history.added') : readable(before)} → ${after === null ? text('history.removed') : readable(after)}`;
}

/** What one version of the policy changed, and why. */
export function Changes({ version: { changes, reason, restores }, policy }: { version: VersionView; policy: Policy }) {
  return (
    <>
      {restores !== null && <p className="text">{text('history.restores', { version: restores })}</p>}
      {reason !== null && <p className="text">{text('history.reason', { reason })}</p>}
      {changes === null && <p className="subtle">{text('history.changes.unknown')}</p>}
      {changes?.length === 0 && <p className="subtle">{text('history.changes.none')}</p>}
      {changes && changes.length > 0 && <ChangeList changes={changes} policy={policy} />}
    </>
  );
}

/** What changed in the version that someone else saved. */
export function TheirChanges({ version, policy }: { version: number; policy: Policy }) {
  const { loaded } = useLoaded(() => callAdmin('policy.history', {}), String(version));
  if (loaded.state === 'loading') return <Waiting />;
  const found = loaded.state === 'ready' ? loaded.data.versions.find((other) => other.version === version) : undefined;
  return found ? <Changes version={found} policy={policy} /> : null;
}

/** Before a policy takes effect that may act on many: how many people, what share, what changes, and why. */
import type { SimulationView } from '../../../src/api/admin/people';
import type { PolicyChange } from '../../../src/domain/policy/compare';
import type { Policy } from '../../../src/domain/policy/document';
import { text } from '../../shared/text';
import { ChangeList } from './Changes';
import { ConfirmDialog } from './ConfirmDialog';
import { countActedOn, effectText, needsReason } from './policy-effect';
import { shareText } from './share';

interface Props {
  /** null = nobody can say what it changes. */
  view: SimulationView | null;
  policy: Policy;
  changes: PolicyChange[];
  /** What it asks, and what the button says, where they are not about saving. */
  title?: string;
  action?: string;
  typedReason?: string;
  isBusy: boolean;
  error?: unknown;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

export function SaveDialog({ view, policy, changes, title, action = text('policy.save'), ...props }: Props) {
  const count = countActedOn(view, policy, changes);
  // With groups that nobody has read, the number is a bound.
  const isBound = view !== null && view.changedAtLeast < view.changed;
  const asked = count === null ? text('save.title.unknown') : text(isBound ? 'save.title.most' : 'save.title', { count });
  return (
    <ConfirmDialog {...props} title={title ?? asked} action={action} reason={needsReason(count) ? 'required' : 'optional'}>
      <div className="tight">
        {count !== null && count > 0 && view && (
          <p className="text">
            <strong>{text(isBound ? 'save.share.most' : 'save.share', { share: shareText('people', count, view.people) })}</strong>
          </p>
        )}
        <p className="text">{view ? effectText(view, policy, changes) : text('save.unknown')}</p>
        <p className="text">{text('save.then')}</p>
      </div>
      <div className="tight">
        <p className="subtle">{text('save.changes')}</p>
        <ChangeList changes={changes} policy={policy} />
      </div>
    </ConfirmDialog>
  );
}

/** Stops everything at once, without saving what else is being edited. Whoever resumes for many people reads for how many, and says why. */
import Button from '@atlaskit/button/new';
import { ModalTransition } from '@atlaskit/modal-dialog';
import { useState } from 'react';
import type { SimulationView } from '../../../src/api/admin/people';
import { comparePolicies } from '../../../src/domain/policy/compare';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';
import type { Draft } from './policy-draft';
import { countActedOn, needsReason } from './policy-effect';
import { SaveDialog } from './SaveDialog';

export function PauseNow({ draft }: { draft: Draft }) {
  const { busy, error, attempt } = useAttempt<'pause' | 'resume'>();
  /** `view` null = nobody can say for how many. */
  const [asked, setAsked] = useState<{ view: SimulationView | null } | null>(null);
  const { policy: stored } = draft.stored;
  const resumed = { ...stored, paused: false };
  const changes = comparePolicies(stored, resumed);
  const resume = (reason: string | null): Promise<void> =>
    attempt('resume', async () => {
      await draft.setPaused(false, reason);
      setAsked(null);
    });
  const press = (): Promise<void> =>
    attempt('pause', async () => {
      if (!stored.paused) return draft.setPaused(true);
      const view = await callAdmin('people.simulate', { policy: resumed }).catch(() => null);
      if (needsReason(countActedOn(view, resumed, changes))) return setAsked({ view });
      return draft.setPaused(false);
    });
  return (
    <>
      <Button isLoading={busy === 'pause'} onClick={() => void press()}>
        {text(stored.paused ? 'policy.resume.now' : 'policy.pause.now')}
      </Button>
      {error !== null && asked === null && <Failure error={error} />}
      <ModalTransition>
        {asked && (
          <SaveDialog
            {...asked}
            policy={resumed}
            changes={changes}
            title={text('policy.resume.title')}
            action={text('job.resume')}
            isBusy={busy === 'resume'}
            error={error}
            onConfirm={(reason) => void resume(reason || null)}
            onClose={() => setAsked(null)}
          />
        )}
      </ModalTransition>
    </>
  );
}

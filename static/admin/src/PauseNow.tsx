/** Stops everything at once, without saving what else is being edited. */
import Button from '@atlaskit/button/new';
import { useAttempt } from '../../shared/attempt';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';
import type { Draft } from './policy-draft';

export function PauseNow({ draft }: { draft: Draft }) {
  const { busy, error, attempt } = useAttempt<'pause'>();
  const { paused } = draft.stored.policy;
  return (
    <>
      <Button isLoading={busy !== null} onClick={() => void attempt('pause', () => draft.setPaused(!paused))}>
        {text(paused ? 'policy.resume.now' : 'policy.pause.now')}
      </Button>
      {error !== null && <Failure error={error} />}
    </>
  );
}

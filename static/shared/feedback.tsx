/** What every part of a page shows while it loads, and when it fails. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { CallError } from './call';
import { text, textOf, textOr } from './text';

export function Waiting({ label = text('common.loading') }: { label?: string }) {
  return (
    <div className="center" role="status">
      <Spinner size="large" label={label} />
    </div>
  );
}

/** What went wrong, and what can be done about it. */
export function errorText(error: unknown): string {
  if (!(error instanceof CallError)) return text('error.internal');
  const { code, details } = error;
  // Another run is in the way: it can be stopped.
  if (code === 'busy' && details.runId !== undefined) return text('error.busy.run');
  // Mistakes a person can make have sentences of their own; the others name the field, for the developer of the page.
  const own = code === 'bad-request' ? textOr(`error.problem.${details.problem}`, '', details) : '';
  return own || textOf('error', code, details);
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div role="alert">
      <SectionMessage appearance="error" title={text('error.title')}>
        <div className="stack">
          <p className="text">{errorText(error)}</p>
          {onRetry && (
            <div>
              <Button onClick={onRetry}>{text('error.retry')}</Button>
            </div>
          )}
        </div>
      </SectionMessage>
    </div>
  );
}

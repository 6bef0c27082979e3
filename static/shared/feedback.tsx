/** What every part of a page shows while it loads, and when it fails. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import Spinner from '@atlaskit/spinner';
import { CallError } from './call';
import { text, textOf } from './text';

export function Waiting({ label = text('common.loading') }: { label?: string }) {
  return (
    <div className="center" role="status">
      <Spinner size="large" label={label} />
    </div>
  );
}

export function errorText(error: unknown): string {
  if (!(error instanceof CallError)) return text('error.internal');
  const { problem } = error.details;
  // Mistakes a person can make have sentences of their own; the others name the field, for the developer of the page.
  const details = typeof problem === 'string' ? { ...error.details, problem: textOf('error.problem', problem) } : error.details;
  return textOf('error', error.code, details);
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

/** The policy as text: read, export, import. A mistake is reported with its path, and nothing changes. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import Textarea from '@atlaskit/textarea';
import { useRef, useState } from 'react';
import type { Policy } from '../../../src/domain/policy/document';
import type { Problem } from '../../../src/domain/problems';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { pageLanguage, text } from '../../shared/text';
import { problemText } from './policy-paths';

const FILE_NAME = 'homestead-policy.json';

export function PolicyText({ policy, onUse }: { policy: Policy; onUse: (policy: Policy) => void }) {
  const [isOpen, setOpen] = useState(false);
  const [edited, setEdited] = useState<string | null>(null);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [isUsed, setUsed] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const shown = edited ?? JSON.stringify(policy, null, 2);

  const use = async (given: string): Promise<void> => {
    setError(null);
    setUsed(false);
    try {
      const answer = await callAdmin('policy.check', { text: given, locale: pageLanguage() });
      if ('problems' in answer) {
        setProblems(answer.problems);
        setEdited(given);
        return;
      }
      setProblems([]);
      setEdited(null);
      setUsed(true);
      onUse(answer.policy);
    } catch (failure) {
      setError(failure);
    }
  };
  const download = (): void => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([shown], { type: 'application/json' }));
    link.download = FILE_NAME;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <section className="stack">
      <div>
        <Button
          appearance="subtle"
          aria-expanded={isOpen}
          onClick={() => {
            setOpen(!isOpen);
            setEdited(null);
            setProblems([]);
            setUsed(false);
          }}
        >
          {text(isOpen ? 'text.hide' : 'text.show')}
        </Button>
      </div>
      {isOpen && (
        <>
          <div className="code">
            <Textarea
              aria-label={text('text.label')}
              isMonospaced
              minimumRows={12}
              maxHeight="480px"
              resize="vertical"
              value={shown}
              isInvalid={problems.length > 0}
              onChange={(event) => setEdited(event.currentTarget.value)}
            />
          </div>
          {problems.length > 0 && (
            <div role="alert">
              <SectionMessage appearance="error" title={text('text.problems')}>
                <ul>
                  {problems.map((problem) => (
                    <li key={`${problem.path} ${problem.reason}`}>
                      <code>{problem.path === '' ? text('text.whole') : problem.path}</code>: {problemText(problem)}
                    </li>
                  ))}
                </ul>
              </SectionMessage>
            </div>
          )}
          {error !== null && <Failure error={error} />}
          <div className="row">
            <Button isDisabled={edited === null} onClick={() => edited !== null && void use(edited)}>
              {text('text.use')}
            </Button>
            {edited !== null && (
              <Button
                appearance="subtle"
                onClick={() => {
                  setEdited(null);
                  setProblems([]);
                }}
              >
                {text('text.reset')}
              </Button>
            )}
            <Button onClick={download}>{text('text.export')}</Button>
            <Button onClick={() => file.current?.click()}>{text('text.import')}</Button>
            <input
              ref={file}
              type="file"
              accept="application/json,.json"
              hidden
              aria-label={text('text.import')}
              onChange={(event) => {
                const [chosen] = event.currentTarget.files ?? [];
                event.currentTarget.value = '';
                chosen?.text().then(use, setError);
              }}
            />
            <span className="subtle" role="status">
              {isUsed ? text('text.used') : ''}
            </span>
          </div>
        </>
      )}
    </section>
  );
}

/** The pages of a template as they are in the form, filled in for a person, before anything is saved. */
import Heading from '@atlaskit/heading';
import SectionMessage from '@atlaskit/section-message';
import { useEffect, useState } from 'react';
import type { SpaceTemplate } from '../../../src/domain/policy/document';
import { type AdminOutput, callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { text, textOf } from '../../shared/text';
import { PersonPicker, type PickedPerson } from './PersonPicker';
import { StoragePreview } from './StoragePreview';

/** Time without typing before the preview updates. */
const PAUSE_MS = 500;

export function TemplatePreview({ template }: { template: SpaceTemplate }) {
  const [person, setPerson] = useState<PickedPerson | null>(null);
  const shown = useDebounced(template, PAUSE_MS);
  const { loaded, reload } = useLoaded<AdminOutput<'templates.preview'>>(
    () => callAdmin('templates.preview', { template: shown, ...(person ? { accountId: person.accountId } : {}) }),
    `${JSON.stringify(shown)} ${person?.accountId ?? ''}`,
  );
  return (
    <section className="card stack sticky" aria-labelledby="preview">
      <div id="preview">
        <Heading size="small" as="h3">
          {loaded.state === 'ready' ? text('preview.heading.for', { name: loaded.data.name }) : text('preview.heading')}
        </Heading>
      </div>
      <PersonPicker label={text('preview.person')} onPick={setPerson} />
      {loaded.state === 'loading' && <Waiting label={text('preview.loading')} />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && loaded.data.pages.map((page) => <PagePreview key={page.title} page={page} />)}
    </section>
  );
}

function PagePreview({ page }: { page: AdminOutput<'templates.preview'>['pages'][number] }) {
  const [code = '', ...detail] = (page.problem ?? '').split(': ');
  return (
    <div className="page-preview">
      <p className="subtle">{page.title}</p>
      {page.problem !== null && (
        <SectionMessage appearance="warning">
          <p className="text">{textOf('template.problem', code, { detail: detail.join(': ') })}</p>
        </SectionMessage>
      )}
      {page.unfilled.length > 0 && <p className="problem">{text('preview.unfilled', { names: page.unfilled.join(', ') })}</p>}
      <StoragePreview storage={page.body} />
    </div>
  );
}

/** The value, once it has not changed for a while. */
function useDebounced<T>(value: T, pause: number): T {
  const [debounced, setDebounced] = useState(value);
  const serialized = JSON.stringify(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setDebounced(JSON.parse(serialized) as T), pause);
    return () => window.clearTimeout(timer);
  }, [serialized, pause]);
  return debounced;
}

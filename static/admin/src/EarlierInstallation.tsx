/** Where the first start found that Homestead was here before: why everything is paused, and the way to the promises. */
import SectionMessage from '@atlaskit/section-message';
import { callAdmin } from '../../shared/call';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { ImportPromises } from './ImportPromises';

export function EarlierInstallation() {
  const { loaded } = useLoaded(() => callAdmin('promises.state', {}));
  const found = loaded.state === 'ready' ? loaded.data.firstStart : null;
  if (!found || found.marks === 0) return null;
  return (
    <div className="panel">
      <SectionMessage appearance="warning" title={text('promises.earlier.title')}>
        <div className="tight">
          <p className="text">{text('promises.earlier.text', { marks: found.marks, spaces: found.spaces })}</p>
          <div className="row">
            <ImportPromises />
          </div>
        </div>
      </SectionMessage>
    </div>
  );
}

/** Spaces that are more open than was promised, for as long as Confluence does not let Homestead set their access. */
import SectionMessage from '@atlaskit/section-message';
import { callAdmin } from '../../shared/call';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { useNames } from './display-names';

export function BrokenPromises() {
  const { loaded } = useLoaded(() => callAdmin('promises.broken', {}));
  const spaces = loaded.state === 'ready' ? loaded.data : [];
  const nameOf = useNames(spaces.map(({ ownerId }) => ownerId ?? ''));
  if (spaces.length === 0) return null;
  const names = spaces.map(({ ownerId, spaceId }) => (ownerId === null ? spaceId : nameOf(ownerId))).join(', ');
  return (
    <SectionMessage appearance="warning" title={text('promises.broken.title', { count: spaces.length })}>
      <p className="text">{text('promises.broken.text', { count: spaces.length, names })}</p>
    </SectionMessage>
  );
}

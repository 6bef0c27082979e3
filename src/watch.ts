/** The triggers that feed the directory, in a bundle of their own that loads little: they hear more events than any other. */
import { noteContent, noteSpace } from './directory/watch';
import { listen } from './events/listen';
import { parseSpaceContent } from './events/personal-space';
import { parseSpaceChange } from './events/space';

export const onContent = listen('onContent', parseSpaceContent, [noteContent]);
export const onSpace = listen('onSpace', parseSpaceChange, [noteSpace]);

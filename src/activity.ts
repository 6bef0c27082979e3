/** The triggers: the hottest path of the app, in a bundle of its own that loads little. */
import { parseActivity } from './events/content';
import { listen } from './events/listen';
import { parseSpaceChange } from './events/space';
import { followSpace, isLeftAlone, meetNewSpace, provisionOnActivity } from './provisioning/reactions';

export const onActivity = listen('onActivity', parseActivity, [provisionOnActivity], isLeftAlone);
export const onPersonalSpace = listen('onPersonalSpace', parseSpaceChange, [meetNewSpace, followSpace]);

/** For test/emulator/site.ts, until it uses by-hand.ts. */
import { DEFAULT_SETTINGS } from '../settings';
import { spaceJson as spaceOf } from './rest/spaces';
import type { Space } from './state';

export const spaceJson = (space: Space) => spaceOf(space, DEFAULT_SETTINGS);

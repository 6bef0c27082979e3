/** The v2 space as test/emulator/site.ts still asks for it; goes when that file takes its spaces from by-hand.ts. */
import { DEFAULT_SETTINGS } from '../settings';
import { spaceJson as spaceOf } from './rest/spaces';
import type { Space } from './state';

export const spaceJson = (space: Space) => spaceOf(space, DEFAULT_SETTINGS);

/** Until test/emulator/site.ts takes its spaces from by-hand.ts. */
export { spaceJson } from './rest/spaces';

/** How much time the platform leaves this invocation. */
import { getAppContext } from '@forge/api';

/** Work stops when less than this is left: enough to write down where it is and to hand over. */
export const RESERVE_MS = 20_000;

export const remainingMs = (): number => getAppContext().invocationRemainingTimeInMillis();

export const hasTime = (): boolean => remainingMs() >= RESERVE_MS;

/** Stops in mid-air, at each place where one may happen. */
import type { LocalSite } from '../emulator/site';

export interface Stop {
  /** For messages: where this scene is stopped. */
  name: string;
  /** From here on, the invocation that is to be stopped may come. */
  order(site: LocalSite): void;
}

/** For scenes that are played dozens of times: what is remembered in another process is not their point. */
export const ONE_PROCESS = { warmProcesses: 1 };

/** `npm run test:long` stops after every call. */
const IS_LONG = process.env.HOMESTEAD_LONG !== undefined;

/**
 * Plays a scene again and again: stopped before its invocation's first platform call, after that call, after the
 * next, and so on, until the invocation ended before its stop came. Between two calls nothing that a stop could
 * cut off has an effect, so "after call n" is also "before call n + 1".
 * @param invocation kind (`consumer`) or kind and key of the invocation to stop
 * @param every 1 = stop after each call; 3 = after each third, but in the long lane after each
 * @returns how many scenes were stopped
 */
export async function stopAtEachCall(invocation: string, scene: (stop: Stop) => Promise<void>, every = 1): Promise<number> {
  let stops = 0;
  for (let calls = 0; ; calls += IS_LONG ? 1 : every) {
    let site: LocalSite | undefined;
    const fault = calls === 0 ? { killBeforeCall: 1, invocation } : { killAfterCall: calls, invocation };
    await scene({
      name: `stopped after ${calls} calls`,
      order: (of) => {
        site = of;
        of.addFault(fault);
      },
    });
    if (!site) throw new Error('the scene ordered no stop');
    if (site.faults.hasOpenStops) {
      site.clearFaults();
      return stops;
    }
    stops += 1;
  }
}

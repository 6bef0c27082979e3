/** Stops an invocation midway, at every point where that can happen. */
import type { LocalSite } from '../emulator/site';

export interface Stop {
  /** Where this scene is stopped, for failure messages. */
  name: string;
  /** From now on, the next matching invocation is stopped. */
  order(site: LocalSite): void;
}

/** For scenes that run dozens of times: they are not about what other processes remember. */
export const ONE_PROCESS = { warmProcesses: 1 };
/** Nor about the directory, which reads the whole site meanwhile. */
export const ON_THEIR_OWN = { ...ONE_PROCESS, sql: 'absent' } as const;

/** `npm run test:long` stops after every call. */
const IS_LONG = process.env.HOMESTEAD_LONG !== undefined;

/**
 * Runs a scene again and again, stopping the invocation before its first platform call, after that call, after the
 * next one, and so on, until the invocation ends before it can be stopped. Nothing between two calls has an effect,
 * so "after call n" also covers "before call n + 1".
 * @param invocation the kind (`consumer`), or kind and key (`trigger:activity`), of the invocation to stop
 * @param every 3 stops after every third call; `npm run test:long` always stops after every call
 * @returns how many scenes were stopped
 */
export async function stopAtEachCall(invocation: string, scene: (stop: Stop) => Promise<void>, every = 1): Promise<number> {
  let stops = 0;
  for (let calls = 0; ; calls += IS_LONG ? 1 : every) {
    let site: LocalSite | undefined;
    const fault = calls === 0 ? { killBeforeCall: 1, invocation } : { killAfterCall: calls, invocation };
    await scene({
      name: `stopped after ${calls} calls`,
      order: (target) => {
        site = target;
        target.addFault(fault);
      },
    });
    if (!site) throw new Error('the scene never ordered its stop');
    if (site.faults.hasOpenStops) {
      site.clearFaults();
      return stops;
    }
    stops += 1;
  }
}

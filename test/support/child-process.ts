/** Runs the app's functions in separate processes so that their memory can be measured. */
import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FetchTarget, FunctionProcess, Invocation } from '../emulator/forge/runtime';
import { FUNCTION_FOLDER, type LocalSite } from '../emulator/site';

interface Message {
  ready?: string[];
  fetch?: number;
  target: FetchTarget;
  path: string;
  init: { method?: string; body?: string; headers: [string, string][] };
  log?: string;
  result?: unknown;
  error?: { name: string; message: string; stack: string };
  maxRssKb?: number;
  cpuUs?: number;
}

/** How often the site's clock is told that a child is still working, so that it is not taken for one that hangs. */
const TOUCH_MS = 5;

export interface Measured {
  /** The highest memory peak of any process since the last reset. */
  peakMb(): number;
  /** Time of a core that the functions themselves have taken since then, without the site that answers them. */
  cpuMs(): number;
  /** Begins anew, with new processes. */
  reset(): void;
}

/** From now on, every function of the site runs in a child process, until the site stops. @param folder where the bundles are */
export function runInChildProcesses(site: LocalSite, folder = FUNCTION_FOLDER): Measured {
  let peakKb = 0;
  let cpuUs = 0;
  site.platform.processes.start = () =>
    startChild(site, folder, (message) => {
      peakKb = Math.max(peakKb, message.maxRssKb ?? 0);
      cpuUs += message.cpuUs ?? 0;
    });
  return {
    peakMb: () => peakKb / 1024,
    cpuMs: () => cpuUs / 1000,
    reset: () => {
      site.platform.processes.replaceAll();
      peakKb = 0;
      cpuUs = 0;
    },
  };
}

/** The same for one test. */
export function useChildProcesses(site: LocalSite): Measured {
  onTestFinished(() => site.platform.processes.replaceAll());
  return runInChildProcesses(site);
}

function startChild(site: LocalSite, folder: string, measure: (message: Message) => void): FunctionProcess {
  const child = fork(resolve(import.meta.dirname, 'function-child.mjs'), [folder], {
    execArgv: [],
    serialization: 'advanced',
  });
  const ready = new Promise<void>((done) => child.once('message', () => done()));
  return {
    run: async (invocation, handler, payload, context) => {
      const touchTimer = setInterval(() => site.clock.touch(), TOUCH_MS);
      try {
        await ready;
        return await new Promise((done, fail) => {
          const onExit = (code: number | null): void => fail(new Error(`the function's process exited with code ${code}`));
          const onMessage = (message: Message): void => {
            if (message.log !== undefined) invocation.platform.logLine(invocation, message.log);
            else if (message.fetch !== undefined) void answer(invocation, message);
            else {
              child.off('message', onMessage);
              child.off('exit', onExit);
              measure(message);
              if (message.error) fail(Object.assign(new Error(message.error.message), message.error));
              else done(message.result);
            }
          };
          child.on('message', onMessage);
          child.once('exit', onExit);
          const { lambdaContext, metrics, ...runtime } = invocation.forgeRuntime;
          const plain = { ...runtime, lambdaContext: { awsRequestId: invocation.id } };
          const deadline = site.clock.now() + invocation.remainingMs();
          child.send({ now: site.clock.now(), run: { handler, payload, context, runtime: plain, deadline } });
        });
      } finally {
        clearInterval(touchTimer);
      }
    },
    end: () => child.kill(),
  };

  async function answer(invocation: Invocation, { fetch, target, path, init }: Message): Promise<void> {
    const response = await invocation.platform.fetch(invocation, target, path, init);
    const body = await response.text();
    if (child.connected) {
      child.send({ now: site.clock.now(), answer: { id: fetch, status: response.status, headers: [...response.headers], body } });
    }
  }
}

/** Runs the app's functions in processes of their own, so that their memory can be measured. */
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
}

/** While a child computes, the site's clock must not take it for one that hangs. */
const TOUCH_MS = 5;

export interface Measured {
  /** The most memory that any of the processes has held, in MB. */
  peakMb(): number;
}

/** From here on every function of the site runs in a child process with the memory that the manifest declares. */
export function useChildProcesses(site: LocalSite): Measured {
  let peakKb = 0;
  site.platform.processes.start = () =>
    startChild(site, (kb) => {
      peakKb = Math.max(peakKb, kb);
    });
  onTestFinished(() => site.platform.processes.replaceAll());
  return { peakMb: () => peakKb / 1024 };
}

function startChild(site: LocalSite, measure: (maxRssKb: number) => void): FunctionProcess {
  const child = fork(resolve(import.meta.dirname, 'function-child.mjs'), [FUNCTION_FOLDER], {
    execArgv: [],
    serialization: 'advanced',
  });
  const ready = new Promise<void>((done) => child.once('message', () => done()));
  return {
    run: async (invocation, handler, payload, context) => {
      const touching = setInterval(() => site.clock.touch(), TOUCH_MS);
      try {
        await ready;
        return await new Promise((done, fail) => {
          const gone = (code: number | null): void => fail(new Error(`the function's process ended with ${code}`));
          const listen = (message: Message): void => {
            if (message.log !== undefined) invocation.platform.logLine(invocation, message.log);
            else if (message.fetch !== undefined) void answer(invocation, message);
            else {
              child.off('message', listen);
              child.off('exit', gone);
              measure(message.maxRssKb ?? 0);
              if (message.error) fail(Object.assign(new Error(message.error.message), message.error));
              else done(message.result);
            }
          };
          child.on('message', listen);
          child.once('exit', gone);
          const { lambdaContext, metrics, ...runtime } = invocation.forgeRuntime;
          const plain = { ...runtime, lambdaContext: { awsRequestId: invocation.id } };
          const deadline = site.clock.now() + invocation.remainingMs();
          child.send({ now: site.clock.now(), run: { handler, payload, context, runtime: plain, deadline } });
        });
      } finally {
        clearInterval(touching);
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

/** What the app's log says about an error, and what it must never say. */
import { ForgeKvsAPIError } from '@forge/kvs';
import { describe, expect, it } from 'vitest';
import { ConfluenceError } from '../../src/forge/errors';
import { describe as describeError } from '../../src/forge/log';

const PERSONAL = 'Bo Berg <bo.berg@example.com>';

function throwAt(depth: number, message: string): never {
  if (depth > 0) throwAt(depth - 1, message);
  throw new TypeError(message);
}

function caught(run: () => never): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('an unexpected error in the log', () => {
  it('is described by its name and where it was thrown, without its message', () => {
    const fields = describeError(caught(() => throwAt(2, `cannot read ${PERSONAL}`)));
    expect(fields).toEqual({ name: 'TypeError', stack: expect.stringMatching(/^at throwAt \(log\.test\.ts:\d+:\d+\)\nat throwAt/) });
    expect(JSON.stringify(fields)).not.toContain('example.com');
  });

  it('takes nothing from a message that looks like a stack', () => {
    const fields = describeError(caught(() => throwAt(1, `x\n    at ${PERSONAL} (/home/bo/index.cjs:1:1)`)));
    expect(JSON.stringify(fields)).not.toMatch(/example\.com|\/home|Bo Berg/);
  });

  it('has a stack of bounded length with only our own frames', () => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 1_000;
    const fields = describeError(caught(() => throwAt(500, PERSONAL)));
    Error.stackTraceLimit = stackTraceLimit;
    expect(String(fields.stack).length).toBeLessThanOrEqual(2_000);
    expect(fields.stack).not.toMatch(/node:|node_modules/);
  });

  it('from Confluence or storage is described by which call failed and how, without its message', () => {
    expect(describeError(new ConfluenceError('read space', 500, PERSONAL, null))).toEqual({ operation: 'read space', status: 500 });
    const details = { status: 400, statusText: 'Bad Request', traceId: 't', httpMethod: 'POST', httpPath: '/', responseBodyLength: 1 };
    const storage = new ForgeKvsAPIError(details, { code: 'MAX_SIZE', message: PERSONAL });
    expect(describeError(storage)).toEqual({ name: 'ForgeKvsError', code: 'MAX_SIZE' });
  });
});

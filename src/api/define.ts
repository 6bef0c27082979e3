/** How every function begins and ends: parse, authorise, act, and turn what failed into an answer. */
import Resolver from '@forge/resolver';
import { z } from 'zod';
import { AppError, ConfluenceError, isStorageError, PlatformRefusal, StaleRecord, UnreadableRecord } from '../forge/errors';
import { cloudIdOf } from '../forge/installation';
import { describe, log } from '../forge/log';
import type { AdminOutputs, adminInputs, Result } from './contract';

export interface Caller {
  accountId: string;
  cloudId: string;
}

type Inputs = Record<string, z.ZodType>;
/** The functions of one part of the admin page. */
export type AdminMethods<F extends keyof typeof adminInputs> = Methods<Pick<typeof adminInputs, F>, Pick<AdminOutputs, F>>;

type Methods<I extends Inputs, O extends Record<keyof I, unknown>> = {
  [F in keyof I]: (input: z.infer<I[F]>, caller: Caller) => Promise<O[F]>;
};

/** The principal comes from the platform; whatever the browser says of itself is not read. */
const Context = z.object({ accountId: z.string().min(1), installContext: z.string() });

/**
 * A resolver whose every function parses its input and asks `authorise` first.
 * @param authorise throws AppError when this caller may not
 */
export function makeResolver<I extends Inputs, O extends Record<keyof I, unknown>>(
  inputs: I,
  authorise: (caller: Caller) => Promise<void>,
  methods: Methods<I, O>,
): ReturnType<Resolver['getDefinitions']> {
  const resolver = new Resolver();
  for (const name of Object.keys(inputs) as (keyof I & string)[]) {
    resolver.define(name, async ({ payload, context }): Promise<Result<unknown>> => {
      try {
        const known = Context.safeParse(context);
        if (!known.success || known.data.accountId === 'unidentified') throw new AppError('not-signed-in');
        const caller: Caller = { accountId: known.data.accountId, cloudId: cloudIdOf(known.data.installContext) };
        await authorise(caller);
        const input = (inputs[name] as z.ZodType).safeParse(payload ?? {});
        if (!input.success) throw new AppError('bad-request', { problem: z.prettifyError(input.error) });
        return { ok: true, data: await methods[name](input.data as z.infer<I[typeof name]>, caller) };
      } catch (error) {
        return { ok: false, error: explain(name, error) };
      }
    });
  }
  return resolver.getDefinitions();
}

function explain(name: string, error: unknown): { code: AppError['code']; details: AppError['details'] } {
  if (error instanceof AppError) return { code: error.code, details: error.details };
  if (error instanceof StaleRecord) return { code: 'busy', details: {} };
  if (error instanceof UnreadableRecord) {
    log('record-unreadable', { function: name, entity: error.entity, key: error.key });
    return { code: 'record-unreadable', details: { key: error.key } };
  }
  if (error instanceof ConfluenceError) {
    log('confluence-failed', { function: name, operation: error.operation, status: error.status });
    if (error.status === 429) return { code: 'rate-limited', details: { seconds: error.retryAfterSeconds ?? 60 } };
    return { code: 'confluence-failed', details: { status: error.status, operation: error.operation } };
  }
  if (error instanceof PlatformRefusal) {
    log('platform-refused', { function: name, operation: error.operation, code: error.code });
    return { code: 'confluence-failed', details: { status: error.status, operation: error.operation } };
  }
  if (isStorageError(error)) return { code: 'busy', details: {} };
  log('unexpected-error', { function: name, ...describe(error) });
  return { code: 'internal', details: {} };
}

/** How every function begins and ends: parse, authorise, act, and turn what failed into an answer. */
import Resolver from '@forge/resolver';
import { z } from 'zod';
import type { BudgetClass } from '../domain/budget';
import { within } from '../forge/budget';
import { AppError, ConfluenceError, isStorageError, NoPoints, PlatformRefusal, StaleRecord } from '../forge/errors';
import { cloudIdOf } from '../forge/installation';
import { describe, log } from '../forge/log';
import type { AdminOutputs, adminInputs, PersonOutputs, personInputs, Result } from './contract';

export interface Caller {
  accountId: string;
  cloudId: string;
}

type Inputs = Record<string, z.ZodType>;
/** The functions of one part of the admin page. */
export type AdminMethods<F extends keyof typeof adminInputs> = Methods<Pick<typeof adminInputs, F>, Pick<AdminOutputs, F>>;
/** The functions about oneself. */
export type PersonMethods = Methods<typeof personInputs, PersonOutputs>;

type Methods<I extends Inputs, O extends Record<keyof I, unknown>> = {
  [F in keyof I]: (input: z.infer<I[F]>, caller: Caller) => Promise<O[F]>;
};

/** The principal comes from the platform; whatever the browser says of itself is not read. */
const Context = z.object({ accountId: z.string().min(1), installContext: z.string() });

/**
 * A resolver whose every function parses its input and asks `authorise` first.
 * @param authorise throws AppError when this caller may not
 * @param account whose points the functions spend
 */
export function makeResolver<I extends Inputs, O extends Record<keyof I, unknown>>(
  inputs: I,
  authorise: (caller: Caller, name: keyof I) => Promise<void>,
  methods: Methods<I, O>,
  account: BudgetClass,
): ReturnType<Resolver['getDefinitions']> {
  const resolver = new Resolver();
  const answer = async (name: keyof I & string, payload: unknown, context: unknown): Promise<unknown> => {
    const known = Context.safeParse(context);
    if (!known.success || known.data.accountId === 'unidentified') throw new AppError('not-signed-in');
    const caller: Caller = { accountId: known.data.accountId, cloudId: cloudIdOf(known.data.installContext) };
    await authorise(caller, name);
    const input = (inputs[name] as z.ZodType).safeParse(payload ?? {});
    if (!input.success) throw new AppError('bad-request', { problem: z.prettifyError(input.error) });
    return methods[name](input.data as z.infer<I[typeof name]>, caller);
  };
  for (const name of Object.keys(inputs) as (keyof I & string)[]) {
    resolver.define(name, async ({ payload, context }): Promise<Result<unknown>> => {
      try {
        return { ok: true, data: await within(account, () => answer(name, payload, context)) };
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
  if (error instanceof NoPoints) return { code: 'no-points', details: { until: error.until } };
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

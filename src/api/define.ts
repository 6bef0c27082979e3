/** What a function that the pages call is, and how each one begins and ends: authorize, parse, act, answer. */
import Resolver from '@forge/resolver';
import { z } from 'zod';
import type { BudgetClass } from '../domain/budget';
import { clip, problemText } from '../domain/problems';
import { within } from '../forge/budget';
import {
  AppError,
  ConfluenceError,
  type ErrorCode,
  isStorageError,
  NoPoints,
  PlatformRefusal,
  SqlError,
  StaleRecord,
  UnreadableRecord,
} from '../forge/errors';
import { cloudIdOf } from '../forge/installation';
import { describe, log } from '../forge/log';

export interface Caller {
  accountId: string;
  cloudId: string;
}

interface Definition<I extends z.ZodType, O> {
  input: I;
  /** @throws AppError when this caller may not */
  authorise: (caller: Caller) => Promise<void>;
  handle: (input: z.output<I>, caller: Caller) => Promise<O>;
}

export type Result<T> = { ok: true; data: T } | { ok: false; error: { code: ErrorCode; details: AppError['details'] } };

/** What a page sends to a function of `A`, and what it gets back. */
export type InputOf<A, F extends keyof A> = A[F] extends { input: infer I extends z.ZodType } ? z.input<I> : never;
export type OutputOf<A, F extends keyof A> = A[F] extends { handle: (...args: never[]) => Promise<infer O> } ? O : never;

/** One function: its input is parsed, its caller authorized, and its output is what `handle` answers. */
export const define = <I extends z.ZodType, O>(definition: Definition<I, O>): Definition<I, O> => definition;

/** For functions that concern only the caller. */
export const anyoneSignedIn = async (): Promise<void> => {};

/** The principal comes from the platform; nothing that the browser says about itself is read. */
const Context = z.object({ accountId: z.string().min(1), installContext: z.string() });

type Resolve = ReturnType<Resolver['getDefinitions']>;
/** `never`: each function takes its own input, which is parsed right before. */
type Definitions = Record<string, Definition<z.ZodType, unknown> | Definition<z.ZodType<never>, unknown>>;

/** @param account the class whose points pay for the functions */
export function makeResolver(definitions: Definitions, account: BudgetClass): Resolve {
  const resolver = new Resolver();
  for (const [name, definition] of Object.entries(definitions)) {
    resolver.define(name, ({ payload, context }) =>
      within(account, () => answer(name, definition as Definition<z.ZodType, unknown>, payload, context)),
    );
  }
  const resolve = resolver.getDefinitions();
  return async (request, runtime) => {
    // Forge's resolver also finds what every object inherits, such as `constructor`, and calls it.
    if (!Object.hasOwn(definitions, request.call.functionKey)) return failed(unknownFunction(request.call.functionKey));
    return resolve(request, runtime);
  };
}

async function answer(
  name: string,
  definition: Definition<z.ZodType, unknown>,
  payload: unknown,
  context: unknown,
): Promise<Result<unknown>> {
  try {
    const known = Context.safeParse(context);
    if (!known.success || known.data.accountId === 'unidentified') throw new AppError('not-signed-in');
    const caller: Caller = { accountId: known.data.accountId, cloudId: cloudIdOf(known.data.installContext) };
    await definition.authorise(caller);
    const input = definition.input.safeParse(payload ?? {});
    if (!input.success) throw new AppError('bad-request', { problem: problemText(input.error) });
    return { ok: true, data: await definition.handle(input.data, caller) };
  } catch (error) {
    return failed(toAppError(name, error));
  }
}

const unknownFunction = (name: unknown): AppError =>
  new AppError('bad-request', { problem: `there is no function ${JSON.stringify(name)}` });

function failed({ code, details }: AppError): Result<never> {
  const bounded = Object.entries(details).map(([key, value]) => [key, typeof value === 'string' ? clip(value) : value]);
  return { ok: false, error: { code, details: Object.fromEntries(bounded) } };
}

function toAppError(name: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof StaleRecord) return new AppError('busy');
  if (error instanceof NoPoints) return new AppError('no-points', { until: error.until });
  if (error instanceof UnreadableRecord) {
    log('record-unreadable', { function: name, entity: error.entity, key: error.key });
    return new AppError('record-unreadable', { key: error.key });
  }
  if (error instanceof ConfluenceError) {
    log('confluence-failed', { function: name, operation: error.operation, status: error.status });
    if (error.status === 429) return new AppError('rate-limited', { seconds: error.retryAfterSeconds ?? 60 });
    return new AppError('confluence-failed', { status: error.status, operation: error.operation });
  }
  if (error instanceof PlatformRefusal) {
    log('platform-refused', { function: name, operation: error.operation, code: error.code });
    return new AppError('confluence-failed', { status: error.status, operation: error.operation });
  }
  if (error instanceof SqlError) {
    log('directory-failed', { function: name, kind: error.kind, code: error.code });
    return new AppError(error.kind === 'missing' ? 'not-ready' : error.kind === 'busy' ? 'busy' : 'internal');
  }
  if (isStorageError(error)) {
    log('storage-failed', { function: name, ...describe(error) });
    return new AppError('busy');
  }
  log('unexpected-error', { function: name, ...describe(error) });
  return new AppError('internal');
}

/** Typed calls of the app's functions. */
import { invoke } from '@forge/bridge';
import type { AdminFunction, AdminInput, AdminOutputs, PersonFunction, PersonInput, PersonOutputs, Result } from '../../src/api/contract';

/** The function answered that it would not, or could not. */
export class CallError extends Error {
  override readonly name = 'CallError';
  constructor(
    readonly code: string,
    readonly details: Record<string, string | number>,
  ) {
    super(code);
  }
}

async function call<T>(name: string, input: object): Promise<T> {
  const result = (await invoke(name, input as Record<string, unknown>)) as Result<T>;
  if (!result.ok) throw new CallError(result.error.code, result.error.details);
  return result.data;
}

export function callAdmin<F extends AdminFunction>(name: F, input: AdminInput<F>): Promise<AdminOutputs[F]> {
  return call(name, input as object);
}

export function callPerson<F extends PersonFunction>(name: F, input: PersonInput<F>): Promise<PersonOutputs[F]> {
  return call(name, input as object);
}

/** Typed calls of the app's functions. */
import { invoke } from '@forge/bridge';
import type { adminApi } from '../../src/api/admin';
import type { InputOf, OutputOf, Result } from '../../src/api/define';
import type { personApi } from '../../src/api/me';

type AdminApi = typeof adminApi;
type PersonApi = typeof personApi;
export type AdminInput<F extends keyof AdminApi> = InputOf<AdminApi, F>;
export type AdminOutput<F extends keyof AdminApi> = OutputOf<AdminApi, F>;

/** The function answered with an error. */
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

export function callAdmin<F extends keyof AdminApi>(name: F, input: AdminInput<F>): Promise<AdminOutput<F>> {
  return call(name, input as object);
}

export function callPerson<F extends keyof PersonApi>(name: F, input: InputOf<PersonApi, F>): Promise<OutputOf<PersonApi, F>> {
  return call(name, input as object);
}

/** Every row of a list that the functions answer in pages. @param page asks for the first page with `{}` */
export async function everyRow<Row>(page: (from: { cursor?: string }) => Promise<{ rows: Row[]; next: string | null }>): Promise<Row[]> {
  const rows: Row[] = [];
  let from: { cursor?: string } | null = {};
  while (from) {
    const { rows: few, next }: { rows: Row[]; next: string | null } = await page(from);
    rows.push(...few);
    from = next === null ? null : { cursor: next };
  }
  return rows;
}

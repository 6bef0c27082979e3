/**
 * How every call to Confluence begins and ends: who it is made as, what it costs, how it fails. Routes
 * in the files beside this one are literals, so that Atlassian's permission linter sees them. What is
 * unverified about each call: README, "Not verified on a real site".
 */
import api, { type APIResponse, isForgePlatformError } from '@forge/api';
import { z } from 'zod';
import { noteHeaders, noteRefusal } from '../forge/budget';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { charge, currentScope } from '../forge/meter';

/** Who a call is made as. */
export type Requester = Pick<ReturnType<typeof api.asUser>, 'requestConfluence' | 'requestGraph'>;

/** What an answer's objects cost: 1 each, people, groups and permissions 2 (Atlassian: Confluence rate limiting). */
export const chargeObjects = (count: number): void => charge(count);
export const chargeIdentities = (count: number): void => charge(2 * count);

export const asApp = (): Requester => api.asApp();
/** The person who made this invocation (resolvers only). */
export const asCaller = (): Requester => api.asUser();
/** Offline impersonation: documented for event triggers and scheduled triggers only. */
export const asPerson = (accountId: string): Requester => api.asUser(accountId);

/** A `Retry-After` beyond an hour is nonsense that has been seen live (9223372036854775807): quotas reset every full hour. */
const MAX_RETRY_AFTER_S = 3_600;
/**
 * `RateLimit-Reason` of a 429 for the quota: `confluence-quota-global-based`, `conf-global-based`, `...tenant-based`.
 * A burst passes in a second; a 429 without a reason comes from a gateway and says nothing of the quota.
 */
const QUOTA_REASON = /global|tenant/;
/** Seconds to keep away when a refusal for the quota does not say how long. */
const DEFAULT_REFUSAL_S = 60;

function retryAfterOf(response: APIResponse): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  if (!Number.isFinite(seconds) && response.headers.get('retry-after') === null) return null;
  return Number.isFinite(seconds) ? Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_S) : MAX_RETRY_AFTER_S;
}

/** @throws NoPoints, PlatformRefusal; Error outside of a budget (forge/budget.ts) */
export async function ask(operation: string, request: () => Promise<APIResponse>): Promise<APIResponse> {
  await currentScope().beforeCall(operation);
  try {
    const response = await request();
    charge(1);
    noteHeaders(response.headers);
    if (response.status === 429 && QUOTA_REASON.test(response.headers.get('ratelimit-reason') ?? ''))
      await noteRefusal(retryAfterOf(response) ?? DEFAULT_REFUSAL_S);
    return response;
  } catch (error) {
    if (error instanceof Error && isForgePlatformError(error)) {
      const { status = 0, errorCode } = error as { status?: number; errorCode?: string };
      throw new PlatformRefusal(operation, status, errorCode ?? (error as Error).name);
    }
    throw error;
  }
}

/** The error bodies of v1 and v2; only the sentence is kept. */
const ErrorBody = z.union([
  z.object({ message: z.string() }).transform((body) => body.message),
  z
    .object({ errors: z.array(z.object({ title: z.string().nullish(), detail: z.string().nullish() })).min(1) })
    .transform(({ errors }) => errors[0]?.detail ?? errors[0]?.title ?? ''),
]);
/** A message may begin with the name of a Java class. */
const JAVA_CLASS = /^(?:[a-z]\w*\.)+[A-Z]\w*: /;
const MAX_MESSAGE = 200;

function messageOf(text: string): string {
  try {
    const parsed = ErrorBody.safeParse(JSON.parse(text));
    return (parsed.success ? parsed.data.replace(JAVA_CLASS, '') : '').slice(0, MAX_MESSAGE);
  } catch {
    return '';
  }
}

export async function failure(operation: string, response: APIResponse): Promise<ConfluenceError> {
  return new ConfluenceError(operation, response.status, messageOf(await response.text()), retryAfterOf(response));
}

/** @throws ConfluenceError, also when the answer is not of the expected shape (status 502). */
export async function readJson<T>(operation: string, response: APIResponse, schema: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw await failure(operation, response);
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    throw new ConfluenceError(operation, 502, 'the answer is not JSON', null, true);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new ConfluenceError(operation, 502, z.prettifyError(parsed.error), null, true);
  return parsed.data;
}

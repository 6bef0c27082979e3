/** A local site for one test, checked and stopped when the test ends. */
import { expect, onTestFailed, onTestFinished } from 'vitest';
import type { adminApi } from '../../src/api/admin';
import type { InputOf, OutputOf, Result } from '../../src/api/define';
import type { personApi } from '../../src/api/me';
import type { NoticeKind } from '../../src/domain/notice';
import { type PersonState, reasonOf } from '../../src/domain/person';
import type { PageSource, Policy, SpaceTemplate, Treatment } from '../../src/domain/policy/document';
import type { PromisedSpace } from '../../src/domain/space';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { APP_ACCOUNT_ID } from '../emulator/confluence/state';
import { LocalSite, type SiteOptions } from '../emulator/site';
import { checkCall } from './openapi';

export { ADMIN_ACCOUNT_ID, APP_ACCOUNT_ID, accountIdOf };

type AdminApi = typeof adminApi;
type PersonApi = typeof personApi;
export type AdminFunction = keyof AdminApi;
export type PersonFunction = keyof PersonApi;
type PersonInput<F extends PersonFunction> = InputOf<PersonApi, F>;

/** Person 1 of the demo: active, licensed, without a space. Person 2 has one. */
export const ANA = accountIdOf(1);
export const OWNER = accountIdOf(2);

/**
 * Starts a site. When the test ends, it fails if the site did not model one of its calls, or if a
 * call did not fit Atlassian's API documents.
 */
export function startSite(options: SiteOptions = {}): LocalSite {
  const site = new LocalSite(options);
  const problems: string[] = [];
  site.confluence.onAnswer = (request, answer) => problems.push(...checkCall(request, answer));
  // The app's log, which is only read where a test has failed: handing over each line by itself takes longer than most calls.
  const log: string[] = [];
  site.platform.appLog = (line) => log.push(line);
  onTestFailed(() => console.log(log.join('\n')));
  onTestFinished(() => {
    site.stop();
    expect(site.allNotModelled).toEqual([]);
    expect([...new Set(problems)]).toEqual([]);
  });
  return site;
}

/** Like `startSite`, without the directory, which reads the whole site again and again: for what does not need it, and moves weeks. */
export const startAlone = ({ settings, ...options }: SiteOptions = {}): LocalSite =>
  startSite({ ...options, settings: { sql: 'absent', ...settings } });

/** Calls a function of the admin page, as the admin unless told otherwise. */
export async function admin<F extends AdminFunction>(
  site: LocalSite,
  functionKey: F,
  payload: InputOf<AdminApi, F>,
  accountId: string | null = ADMIN_ACCOUNT_ID,
): Promise<Result<OutputOf<AdminApi, F>>> {
  const answer = await site.invoke({ module: 'admin', functionKey, payload, accountId });
  if ('error' in answer) throw new Error(`${functionKey} threw ${answer.error.name}: ${answer.error.message}`);
  return answer.result as Result<OutputOf<AdminApi, F>>;
}

/** Like `admin`, for a call that must succeed. */
export async function adminData<F extends AdminFunction>(
  site: LocalSite,
  functionKey: F,
  payload: InputOf<AdminApi, F>,
): Promise<OutputOf<AdminApi, F>> {
  const result = await admin(site, functionKey, payload);
  if (!result.ok) throw new Error(`${functionKey}: ${result.error.code} ${JSON.stringify(result.error.details)}`);
  return result.data;
}

/** Calls a function of "My space" or the background script as this person. */
export async function person<F extends PersonFunction>(
  site: LocalSite,
  functionKey: F,
  accountId: string | null,
  payload: PersonInput<F> = {} as PersonInput<F>,
): Promise<Result<OutputOf<PersonApi, F>>> {
  const answer = await site.invoke({ module: 'my-space', functionKey, payload, accountId });
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.result as Result<OutputOf<PersonApi, F>>;
}

/** Like `person`, for a call that must succeed. */
export async function personData<F extends PersonFunction>(
  site: LocalSite,
  functionKey: F,
  accountId: string,
  payload: PersonInput<F> = {} as PersonInput<F>,
): Promise<OutputOf<PersonApi, F>> {
  const result = await person(site, functionKey, accountId, payload);
  if (!result.ok) throw new Error(`${functionKey}: ${result.error.code} ${JSON.stringify(result.error.details)}`);
  return result.data;
}

/** What a test changes in a policy: the treatment of everyone else, parts of the first template, and any other field as a whole. */
type PolicyChange = Partial<Policy> &
  Partial<Pick<Treatment, 'mode' | 'selfService' | 'access'>> & { template?: PageSource } & Partial<
    Pick<SpaceTemplate, 'children' | 'fields'>
  >;

/** Saves the current policy with a change. */
export async function setPolicy(site: LocalSite, change: PolicyChange): Promise<void> {
  const { policy, version } = await adminData(site, 'policy.get', {});
  await adminData(site, 'policy.save', { policy: changed(policy, change), baseVersion: version });
}

export function changed(policy: Policy, { mode, selfService, access, template, children, fields, ...rest }: PolicyChange): Policy {
  const defined = <T extends object>(part: T): T => JSON.parse(JSON.stringify(part)) as T;
  const [first, ...others] = policy.templates;
  const standard = { ...first, ...defined({ homepage: template, children, fields }) } as SpaceTemplate;
  return {
    ...policy,
    everyoneElse: { ...policy.everyoneElse, ...defined({ mode, selfService, access }) } as Treatment,
    templates: [standard, ...others],
    ...rest,
  };
}

/** The clock moves on until the directory knows everybody, with the points that the site has. */
export async function knowEverybody(site: LocalSite): Promise<void> {
  for (let looks = 0; looks < 500; looks += 1) {
    if ((await adminData(site, 'directory.get', {})).people.complete) return;
    await site.advance('PT5M');
  }
  throw new Error('the directory does not know everybody yet');
}

/** Needed for what acts on many. */
export const REASON = 'The new year begins';

/** Plans a job for everybody who has no space, and starts it. */
export async function startPeopleJob(site: LocalSite): Promise<{ jobId: string; planId: string; count: number }> {
  const { planId, count } = await adminData(site, 'people.plan', {});
  const { runId: jobId } = await adminData(site, 'people.start', { planId, count, reason: REASON });
  return { jobId, planId, count };
}

/** A person reads a page, and the clock moves on so that everything this sets off can run. */
export async function readsAPage(site: LocalSite, accountId: string, duration = 'PT30S'): Promise<void> {
  site.activity({ accountId, views: 1 });
  await site.advance(duration);
}

/** Backdates a space and everything in it. Running the clock that long instead would be slow and test nothing more. */
export function ageSpace(site: LocalSite, spaceId: string, days: number): void {
  const { state } = site.confluence;
  const space = state.spacesById.get(Number(spaceId));
  if (!space) throw new Error(`no space ${spaceId}`);
  const ms = days * 86_400_000;
  space.createdAt -= ms;
  for (const item of state.contentBySpace.get(space.id) ?? []) {
    item.createdAt -= ms;
    for (const version of item.versions) version.at -= ms;
  }
}

export interface SpaceState {
  id: string;
  key: string;
  status: string;
  ownerId: string | null;
  grants: { principalType: string; principalId: string }[];
  pages: { isHomepage: boolean; title: string; body: string; versions: { number: number; message: string; authorId: string }[] }[];
}

export function personalSpacesOf(site: LocalSite, accountId: string): SpaceState[] {
  return site.spaces().filter((space) => space.type === 'personal' && space.ownerId === accountId);
}

/** Who was let into the person's space, besides the app itself. */
export function letIn(site: LocalSite, accountId: string): SpaceState['grants'] {
  return (personalSpacesOf(site, accountId)[0]?.grants ?? []).filter(({ principalId }) => principalId !== APP_ACCOUNT_ID);
}

/** What the app itself may do in a space: GET /spaces/{id} as the app; null = it does not see it. */
export async function operationsOfApp(site: LocalSite, spaceId: string): Promise<string[] | null> {
  const url = `/wiki/api/v2/spaces/${spaceId}?include-operations=true`;
  const answer = await site.confluence.request({ kind: 'app' }, { method: 'GET', url, headers: new Headers(), body: undefined });
  if (answer.status !== 200) return null;
  const { operations } = answer.body as { operations: { results: { operation: string; targetType: string }[] } };
  return operations.results.map(({ operation, targetType }) => `${operation}/${targetType}`);
}

/** The app's record of a person, with the reason that follows from it. */
export function recordOf(site: LocalSite, accountId: string): (PersonState & { reason: string }) | undefined {
  const stored = site.platform.kvs.dumpEntity('person')[accountId] as { data: PersonState } | undefined;
  return stored && { ...stored.data, reason: reasonOf(stored.data) };
}

/** The app's record of the person's space. */
export function promiseOf(site: LocalSite, accountId: string): PromisedSpace | undefined {
  const spaces = Object.values(site.platform.kvs.dumpEntity('space')) as { data: PromisedSpace }[];
  return spaces.map(({ data }) => data).find(({ ownerId }) => ownerId === accountId);
}

/** The state of a person's notice of this kind. */
export function noticeOf(site: LocalSite, accountId: string, kind: NoticeKind): string | undefined {
  return (site.platform.kvs.dumpEntity('notice')[`${accountId}:${kind}`] as { state: string } | undefined)?.state;
}

/**
 * The state but for what any call may leave behind: points that it cost, when somebody was seen to be an administrator, and
 * what the directory has read by then.
 */
export function promisesOf(site: LocalSite): Omit<ReturnType<LocalSite['state']>, 'sql'> {
  const { kvs, sql: _read, ...rest } = site.state();
  const without = (values: object, prefix: string) => Object.fromEntries(Object.entries(values).filter(([key]) => !key.startsWith(prefix)));
  const { counter = {}, job = {}, register = {}, ...entities } = kvs.entities;
  const { directory: _state, agenda: _due, 'open-jobs': _open, waiting: _line, ...registers } = register;
  const own = { ...entities, counter: without(counter, 'hour:'), job: without(job, 'directory-'), register: registers };
  const plain = ['admin:', 'outbox:', 'line-count', 'profile', 'closing:', 'apps-seen'].reduce(
    without,
    kvs.plain as Record<string, unknown>,
  );
  return { ...rest, kvs: { plain, entities: own } };
}

/** Like `comparable`, where several people are served at the same time: ids and the audit log follow the order of calls. */
export function comparableInAnyOrder(site: LocalSite): unknown {
  let text = JSON.stringify(comparable(site));
  for (const { id, key, pages } of site.state().spaces) {
    for (const [i, page] of pages.entries()) text = text.replaceAll(`"${page.id}"`, `"page ${i} of ${key}"`);
    text = text.replaceAll(`"${id}"`, `"space ${key}"`).replaceAll(`/spaces/${id}`, `/spaces/${key}`);
  }
  const state = JSON.parse(text) as { audit: unknown[]; spaces: unknown[] };
  const sorted = (values: unknown[]): unknown[] => values.map((value) => JSON.stringify(value)).sort();
  return { ...state, audit: sorted(state.audit), spaces: sorted(state.spaces) };
}

/** The names of stored times. */
const TIMES = [
  ...['at', 'changedAt', 'savedAt', 'recheckAt', 'createdAt', 'startedAt', 'updatedAt', 'since', 'statusSince'],
  ...['dueAt', 'doneAt', 'raisedAt', 'answeredAt', 'remindAt', 'retryAt'],
];

/** The state without what legitimately differs between two runs: times, and ids that contain them. */
export function comparable(site: LocalSite): unknown {
  const differs = [...TIMES, 'incarnation'];
  const text = JSON.stringify(promisesOf(site), (key, value: unknown) => (differs.includes(key) ? undefined : value));
  return JSON.parse(text.replace(/policy:\d+/g, 'policy:T').replace(/(directory|provision)-\d+-[0-9a-f]{8}/g, '$1-ID'));
}

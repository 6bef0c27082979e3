/** A local site for one test, checked and stopped after it. */
import { expect, onTestFinished } from 'vitest';
import type { AdminFunction, AdminInput, AdminOutputs, PersonFunction, PersonInput, PersonOutputs, Result } from '../../src/api/contract';
import type { PageSource, Policy, SpaceTemplate, Treatment } from '../../src/domain/policy/document';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { LocalSite, type SiteOptions } from '../emulator/site';
import { checkCall } from './openapi';

export { ADMIN_ACCOUNT_ID, accountIdOf };

/** Person 1 of the demo: active, licensed, without a space. Person 2 has one. */
export const ANA = accountIdOf(1);
export const OWNER = accountIdOf(2);

/**
 * Starts a site. When the test is over, a call that the site does not model, or one that does not
 * fit Atlassian's API documents, fails it.
 */
export function startSite(options: SiteOptions = {}): LocalSite {
  const site = new LocalSite(options);
  const problems: string[] = [];
  site.confluence.onAnswer = (request, answer) => problems.push(...checkCall(request, answer));
  onTestFinished(() => {
    site.stop();
    expect(site.allNotModelled).toEqual([]);
    expect([...new Set(problems)]).toEqual([]);
  });
  return site;
}

/** Calls a function of the admin page as the admin, or as somebody else. */
export async function admin<F extends AdminFunction>(
  site: LocalSite,
  functionKey: F,
  payload: AdminInput<F>,
  accountId: string | null = ADMIN_ACCOUNT_ID,
): Promise<Result<AdminOutputs[F]>> {
  const answer = await site.invoke({ module: 'admin', functionKey, payload, accountId });
  if ('error' in answer) throw new Error(`${functionKey} threw ${answer.error.name}: ${answer.error.message}`);
  return answer.result as Result<AdminOutputs[F]>;
}

/** As `admin`, for a call that must succeed. */
export async function adminData<F extends AdminFunction>(
  site: LocalSite,
  functionKey: F,
  payload: AdminInput<F>,
): Promise<AdminOutputs[F]> {
  const result = await admin(site, functionKey, payload);
  if (!result.ok) throw new Error(`${functionKey}: ${result.error.code} ${JSON.stringify(result.error.details)}`);
  return result.data;
}

/** Calls a function of the background script or of "My space" as this person. */
export async function person<F extends PersonFunction>(
  site: LocalSite,
  functionKey: F,
  accountId: string | null,
  payload: PersonInput<F> = {} as PersonInput<F>,
): Promise<Result<PersonOutputs[F]>> {
  const answer = await site.invoke({ module: 'my-space', functionKey, payload, accountId });
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.result as Result<PersonOutputs[F]>;
}

/** As `person`, for a call that must succeed. */
export async function personData<F extends PersonFunction>(
  site: LocalSite,
  functionKey: F,
  accountId: string,
  payload: PersonInput<F> = {} as PersonInput<F>,
): Promise<PersonOutputs[F]> {
  const result = await person(site, functionKey, accountId, payload);
  if (!result.ok) throw new Error(`${functionKey}: ${result.error.code} ${JSON.stringify(result.error.details)}`);
  return result.data;
}

/** Parts of a policy for a test: the treatment of everyone else, parts of the one template, and anything else whole. */
type PolicyChange = Partial<Policy> &
  Partial<Pick<Treatment, 'mode' | 'selfService' | 'access'>> & { template?: PageSource } & Partial<
    Pick<SpaceTemplate, 'children' | 'fields'>
  >;

/** Saves a policy over the newest one. */
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

/** A person reads a page, and everything that follows from it happens. */
export async function readsAPage(site: LocalSite, accountId: string, duration = 'PT30S'): Promise<void> {
  site.activity({ accountId, views: 1 });
  await site.advance(duration);
}

/** Makes a space, and all that is in it, so many days older: years of ticks would say nothing more. */
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
  return site.state().spaces.filter((space) => space.type === 'personal' && space.ownerId === accountId);
}

export function recordOf(site: LocalSite, accountId: string): { state: string; reason: string; data: Record<string, unknown> } | undefined {
  return site.state().kvs.entities.person?.[accountId] as never;
}

/** The whole state but for what any call may leave behind: points that it cost, and when somebody was seen to be an administrator. */
export function promisesOf(site: LocalSite): ReturnType<LocalSite['state']> {
  const { kvs, ...rest } = site.state();
  const without = (values: object, prefix: string) => Object.fromEntries(Object.entries(values).filter(([key]) => !key.startsWith(prefix)));
  const counter = without(kvs.entities.counter ?? {}, 'hour:');
  return { ...rest, kvs: { plain: without(kvs.plain, 'admin:'), entities: { ...kvs.entities, counter } } };
}

/** State without what differs between two runs for honest reasons: times, and ids made of times. */
export function comparable(site: LocalSite): unknown {
  const text = JSON.stringify(promisesOf(site), (key, value: unknown) =>
    ['at', 'changedAt', 'savedAt', 'recheckAt', 'createdAt', 'updatedAt'].includes(key) ? undefined : value,
  );
  return JSON.parse(text.replace(/policy:\d+/g, 'policy:T'));
}

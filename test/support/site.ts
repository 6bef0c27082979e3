/** A local site for one test, checked and stopped after it. */
import { expect, onTestFinished } from 'vitest';
import type { AdminFunction, AdminInput, AdminOutputs, NoticeFunction, NoticeOutputs, Result } from '../../src/contract';
import type { Policy } from '../../src/domain/policy';
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

export async function notice<F extends NoticeFunction>(
  site: LocalSite,
  functionKey: F,
  accountId: string | null,
): Promise<Result<NoticeOutputs[F]>> {
  const answer = await site.invoke({ module: 'notice', functionKey, payload: {}, accountId });
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.result as Result<NoticeOutputs[F]>;
}

/** Saves a policy over the newest one. */
export async function setPolicy(site: LocalSite, change: Partial<Policy>): Promise<void> {
  const { policy, version } = await adminData(site, 'policy.get', {});
  await adminData(site, 'policy.save', { policy: { ...policy, ...change }, baseVersion: version });
}

/** A person reads a page, and everything that follows from it happens. */
export async function readsAPage(site: LocalSite, accountId: string, duration = 'PT30S'): Promise<void> {
  site.activity({ accountId, views: 1 });
  await site.advance(duration);
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

/** State without what differs between two runs for honest reasons: times, and ids that times make. */
export function comparable(site: LocalSite): unknown {
  const text = JSON.stringify(site.state(), (key, value: unknown) =>
    ['at', 'changedAt', 'savedAt', 'recheckAt', 'createdAt', 'updatedAt'].includes(key) ? undefined : value,
  );
  return JSON.parse(text.replace(/policy:\d+/g, 'policy:T'));
}

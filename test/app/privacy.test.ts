/** Personal data: reported once a week, erased once an account is closed, shown to whom it is about. */
import { expect, it } from 'vitest';
import { ADMINS_GROUP, USERS_GROUP } from '../emulator/confluence/seed';
import type { LocalSite } from '../emulator/site';
import {
  ADMIN_ACCOUNT_ID,
  ANA,
  accountIdOf,
  admin,
  adminData,
  person,
  personalSpacesOf,
  readsAPage,
  recordOf,
  setPolicy,
  startSite,
} from '../support/site';

const BEN = accountIdOf(3);

/** Where the account is named, as itself or in the key of its space, in what the app stores. */
function namesOf(site: LocalSite, accountId: string): string[] {
  const { plain, entities } = site.state().kvs;
  const squeezed = accountId.replace(/[:-]/g, '');
  return Object.entries({ plain, ...entities }).flatMap(([entity, records]) =>
    Object.entries(records as Record<string, unknown>).flatMap(([key, value]) => {
      const text = `${key} ${JSON.stringify(value)}`;
      return text.includes(accountId) || text.includes(squeezed) ? [`${entity} ${key}`] : [];
    }),
  );
}

/** Ana has a space and is an administrator, who saved the policy and removed Ben's space. */
async function withAna(site: LocalSite): Promise<void> {
  await setPolicy(site, { mode: 'auto' });
  site.changePerson(ANA, { groups: [USERS_GROUP, ADMINS_GROUP] });
  const { policy, version } = await adminData(site, 'policy.get', {});
  expect(await admin(site, 'policy.save', { policy, baseVersion: version }, ANA)).toMatchObject({ ok: true });
  await readsAPage(site, ANA);
  await readsAPage(site, BEN);
  const [own] = personalSpacesOf(site, BEN);
  site.changeSpace(own?.id ?? '', { by: ANA, status: 'archived' });
  await site.advance('PT1M');
  expect(recordOf(site, ANA)).toMatchObject({ state: 'ready' });
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', by: ANA });
}

it('every account that is stored is reported to Atlassian once a week', async () => {
  const site = startSite();
  await withAna(site);
  await site.advance('P6D');
  expect(site.usage().personalData.calls).toBe(0);
  await site.advance('P2D');
  expect([...site.platform.reportedAccounts].sort()).toEqual([ADMIN_ACCOUNT_ID, ANA, BEN].sort());
  const { calls } = site.usage().personalData;
  await site.advance('P4D');
  expect(site.usage().personalData.calls).toBe(calls);
  await site.advance('P3D');
  expect(site.usage().personalData.calls).toBe(2 * calls);
});

it('a report that fails goes on where it stopped', async () => {
  const site = startSite();
  await withAna(site);
  site.addFault({ target: 'confluence', path: '/app/report-accounts', times: 3, respond: { status: 500 } });
  await site.advance('P8D');
  expect([...site.platform.reportedAccounts].sort()).toEqual([ADMIN_ACCOUNT_ID, ANA, BEN].sort());
});

it('a closed account is erased from everything that is stored, and every list goes on', async () => {
  const site = startSite({ settings: { kvsQueryLag: 'PT3S' } });
  await withAna(site);
  const before = (await adminData(site, 'activity.list', {})).entries;
  site.changePerson(ANA, { accountStatus: 'closed' });
  await site.advance('P9D');
  expect(namesOf(site, ANA)).toEqual([]);

  const activity = (await adminData(site, 'activity.list', {})).entries;
  expect(activity.length).toBe(before.length + 1);
  expect(activity.map(({ kind }) => kind)).toEqual(['removed', ...before.map(({ kind }) => kind)]);
  const spaces = Object.values(site.state().kvs.entities.space ?? {}) as { data: { ownerId: string | null } }[];
  expect(spaces.map(({ data }) => data.ownerId).sort()).toEqual([BEN, null]);
  const removed = await adminData(site, 'tombstones.list', { state: 'removed' });
  expect(removed.people).toMatchObject([{ accountId: BEN, by: 'unknown' }]);
  const history = await adminData(site, 'policy.history', {});
  expect(history.versions.map(({ savedBy }) => savedBy)).toEqual(['unknown', ADMIN_ACCOUNT_ID]);
  expect(JSON.stringify([activity, removed, history])).not.toContain(ANA);
  expect(await admin(site, 'people.explain', { accountId: ANA })).toMatchObject({ ok: true, data: { record: null } });
  expect(await person(site, 'me.data', BEN)).toMatchObject({ ok: true });
  expect(recordOf(site, BEN)).toMatchObject({ state: 'removed', by: 'unknown' });
});

it('an erasure that is stopped goes on later, and nothing is kept twice', async () => {
  const site = startSite();
  await withAna(site);
  const before = (await adminData(site, 'activity.list', {})).entries.length;
  site.changePerson(ANA, { accountStatus: 'closed' });
  await site.advance('P6D');
  // Four steps in: each fails twice.
  for (const contains of ['closed:', 'savedBy', 'spaceKey', `${ANA}:ready`]) {
    site.addFault({ target: 'kvs', path: '/api/v1/transaction', contains, times: 2, respond: { status: 500 } });
  }
  await site.advance('P3D');
  expect(namesOf(site, ANA)).toEqual([]);
  expect((await adminData(site, 'activity.list', {})).entries).toHaveLength(before + 1);
});

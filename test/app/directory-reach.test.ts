/** Which personal spaces the app sees, on sites of every kind: what the README's table of reach says. */
import { expect, it } from 'vitest';
import type { SiteSettings } from '../emulator/settings';
import { nextReading } from '../support/directory';
import { accountIdOf, adminData, personalSpacesOf, readsAPage, setPolicy, startSite } from '../support/site';

const ROLE_MODES = ['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES'] as const;
const RIGHTS = ['always', 'open-spaces', 'never'] as const;
/** Whether people may give the app a role in their spaces, which Homestead does in those that it creates. Before roles it creates them with permissions. */
const ROLE_GRANTS = ['accepted', 'refused'] as const;

/** Two of each kind: one stays, one leaves. */
const KINDS = { madeByHomestead: [1, 3], privateByHand: [5, 7], openByHand: [9, 11] } as const;

type Reach = Record<keyof typeof KINDS, { stays: boolean; leaves: boolean }>;

async function reach(settings: Partial<SiteSettings>): Promise<Reach> {
  const site = startSite({ people: 13, settings });
  site.confluence.onAnswer = () => {};
  await site.fillDirectory();
  for (const n of KINDS.privateByHand) site.addSpace({ owner: accountIdOf(n), access: 'private' });
  for (const n of KINDS.openByHand) site.addSpace({ owner: accountIdOf(n), access: 'licensed' });
  // Before there is a policy, so that nobody adopts them.
  await site.advance('PT1M');
  await setPolicy(site, { mode: 'auto', access: 'private' });
  for (const n of KINDS.madeByHomestead) await readsAPage(site, accountIdOf(n), 'PT1M');
  await site.advance('PT20M');
  for (const [, leaver] of Object.values(KINDS)) site.changePerson(accountIdOf(leaver), { accountStatus: 'inactive' });
  await nextReading(site);
  const isSeen = async (n: number): Promise<boolean> => {
    const [space] = personalSpacesOf(site, accountIdOf(n));
    const { rows } = await adminData(site, 'spaces.list', { filter: { spaceIds: [space?.id ?? ''] } });
    expect(rows, `the space of person ${n}`).toHaveLength(1);
    return rows[0]?.visible ?? false;
  };
  const seen: [string, Reach[keyof Reach]][] = [];
  for (const [kind, [stays, leaves]] of Object.entries(KINDS))
    seen.push([kind, { stays: await isSeen(stays), leaves: await isSeen(leaves) }]);
  site.stop();
  return Object.fromEntries(seen) as Reach;
}

const both = (isSeen: boolean) => ({ stays: isSeen, leaves: isSeen });

const SITES = ROLE_MODES.flatMap((roleMode) =>
  RIGHTS.flatMap((appIsSpaceAdmin) => ROLE_GRANTS.map((appRoleGrant) => ({ roleMode, appIsSpaceAdmin, appRoleGrant }))),
);

it.each(SITES)('$roleMode, administers $appIsSpaceAdmin, role $appRoleGrant', async (settings) => {
  const isAdmin = settings.appIsSpaceAdmin === 'always';
  expect(await reach(settings)).toEqual({
    openByHand: both(true),
    privateByHand: both(isAdmin),
    madeByHomestead: both(isAdmin || settings.roleMode === 'PRE_ROLES' || settings.appRoleGrant === 'accepted'),
  });
});

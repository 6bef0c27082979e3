/** How many people the policy would reach now, from the site's own groups. */
import type { Outlook } from '../contract';
import { accountProblem } from '../domain/provisioning';
import { type BulkUser, listGroupMembers, listLicensedGroups, readPeople } from '../forge/confluence';

/** Up to this many people are looked at one by one (about 5 points each as an upper bound); above it, a sample. */
const EXACT_PEOPLE = 1_000;
const SAMPLE_PEOPLE = 200;
/** Largest page of members, and of people, that Confluence takes. */
const MEMBERS_PER_PAGE = 200;
const PEOPLE_PER_CALL = 250;
/** Groups read; an organisation may list hundreds that give access. */
const MAX_GROUPS = 20;

export async function readOutlook(now: number): Promise<Outlook> {
  const all = await listLicensedGroups();
  const groups = all.slice(0, MAX_GROUPS);
  const totals = await Promise.all(groups.map(async (group) => ({ group, total: (await listGroupMembers(group.id, 0, 1)).total ?? 0 })));
  const sum = totals.reduce((people, { total }) => people + total, 0);
  const isExact = sum <= EXACT_PEOPLE && groups.length === all.length;
  const accountIds = new Set<string>();
  for (const { group } of totals.sort((a, b) => b.total - a.total)) {
    for (let start = 0; ; start += MEMBERS_PER_PAGE) {
      const page = await listGroupMembers(group.id, start, MEMBERS_PER_PAGE);
      for (const id of page.accountIds) accountIds.add(id);
      // A page may hold fewer than there are places: people who are suspended are left out.
      const isLast = page.total === null ? page.accountIds.length < MEMBERS_PER_PAGE : start + MEMBERS_PER_PAGE >= page.total;
      if (isLast || (!isExact && accountIds.size >= SAMPLE_PEOPLE)) break;
    }
    if (!isExact && accountIds.size >= SAMPLE_PEOPLE) break;
  }
  const ids = [...accountIds].slice(0, isExact ? undefined : SAMPLE_PEOPLE);
  const people: BulkUser[] = [];
  for (let i = 0; i < ids.length; i += PEOPLE_PER_CALL) people.push(...(await readPeople(ids.slice(i, i + PEOPLE_PER_CALL))));
  const eligible = people.filter((person) => accountProblem(person) === null);
  const withSpace = eligible.filter((p) => p.personalSpaceId !== null).length;
  return {
    people: isExact ? people.length : sum,
    looked: { total: people.length, withSpace, withoutSpace: eligible.length - withSpace, notEligible: people.length - eligible.length },
    isExact,
    at: now,
  };
}

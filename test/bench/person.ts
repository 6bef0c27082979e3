/** What one person costs after the switch-on: a space that Homestead creates, and one that Confluence created just before. */
import { APP_ACCOUNT_ID } from '../emulator/confluence/state';
import type { LocalSite, SiteOptions } from '../emulator/site';
import type { Usage } from '../emulator/usage';
import { accountIdOf, knowEverybody, setPolicy } from '../support/site';
import { endSite, readsOf, startQuietly } from './filling';
import { against, per, row } from './table';

type Settings = NonNullable<SiteOptions['settings']>;
type RoleMode = NonNullable<Settings['roleMode']>;

/** The first person is printed apart; those after them teach every process the site's way. Then people are counted. */
const LEARNERS = 20;
const COUNTED = 60;
const [FIRST, LATER, MEASURED] = [1, 2, 2 + LEARNERS];
/** People who come by one after the other. */
const APART_S = 60;

const CREATED_POINTS = 9;
const ADOPTED_POINTS: Record<RoleMode, number> = { PRE_ROLES: 12, ROLES: 20, ROLES_TRANSITION: 20 };
const MODES: readonly RoleMode[] = ['ROLES_TRANSITION', 'ROLES', 'PRE_ROLES'];

/** A site that the directory knows, where everybody has just been given a space by the policy. */
async function switchedOn(settings: Settings): Promise<LocalSite> {
  const site = startQuietly({ seed: 'scale', people: MEASURED + COUNTED, spaces: 0, settings });
  await knowEverybody(site);
  await setPolicy(site, { mode: 'auto' });
  await site.advance('PT10M');
  return site;
}

/** These people read a page each, one after the other. @returns what everything cost meanwhile */
async function comeBy(site: LocalSite, from: number, count: number): Promise<Usage> {
  site.resetUsage();
  for (let i = 0; i < count; i += 1) {
    const accountId = accountIdOf(from + i);
    site.clock.after(i * APART_S * 1000, () => void site.activity({ accountId, views: 1 }));
  }
  await site.advance(`PT${count * APART_S + 300}S`);
  return site.usage();
}

/** @throws Error when somebody was not served as the policy says: the numbers would be of something else */
function requireServed(site: LocalSite, origin: 'created' | 'adopted', mode: RoleMode): void {
  const { person = {}, space = {} } = site.platform.kvs.dump().entities;
  for (let n = FIRST; n < MEASURED + COUNTED; n += 1) {
    const accountId = accountIdOf(n);
    const record = person[accountId] as { state: string; data: { origin?: string } } | undefined;
    if (record?.state !== 'ready' || record.data.origin !== origin)
      throw new Error(`${accountId} is ${record?.state} ${record?.data.origin}`);
  }
  const others = site.confluence.state.spaces.filter(({ type }) => type === 'personal');
  const isOpen = others.some(({ grants }) => grants.some(({ principalType }) => principalType !== 'USER'));
  const lacksApp = others.some(({ grants }) => !grants.some(({ principalId }) => principalId === APP_ACCOUNT_ID));
  // Without roles, nothing can change who sees a space that Confluence has made open.
  if (origin === 'created' || mode !== 'PRE_ROLES') {
    if (isOpen || lacksApp) throw new Error(`${isOpen ? 'an open space' : 'a space without the app'} in ${mode}`);
  }
  if (Object.keys(space).length < others.length) throw new Error('not every space is on record');
}

const writes = ({ kvs }: Usage): number => kvs.sets + kvs.deletes + kvs.transactions;
const besidesPoints = (usage: Usage): string[] => [
  per(usage.rest.requests, COUNTED),
  per(readsOf(usage), COUNTED),
  per(writes(usage), COUNTED),
  per(usage.sql.statements, COUNTED),
];

export async function person(): Promise<void> {
  console.log(
    `\nOne person after the switch-on: ${COUNTED} people, one a minute, after the first one and ${LEARNERS} more; private, app's role`,
  );
  row('', 'points', 'goal', '', 'requests', 'storage reads', 'writes', 'SQL', 'first: points');
  for (const mode of MODES) await personIn(mode, 'created', 'PT2S');
  for (const delay of ['PT2S', 'PT3M']) for (const mode of MODES) await personIn(mode, 'adopted', delay);
  await printRows();
}

async function personIn(mode: RoleMode, origin: 'created' | 'adopted', eventDelay: string): Promise<void> {
  const site = await switchedOn({ roleMode: mode, nativeAutoCreate: origin === 'adopted', eventDelay });
  const first = await comeBy(site, FIRST, 1);
  await comeBy(site, LATER, LEARNERS);
  const usage = await comeBy(site, MEASURED, COUNTED);
  requireServed(site, origin, mode);
  endSite(site);
  const label = origin === 'created' ? `created, ${mode}` : `adopted, ${mode}, events after ${eventDelay}`;
  const points = usage.rest.points / COUNTED;
  const more = [...besidesPoints(usage), first.rest.points];
  // Without roles, the app's access is part of the creation, and no goal is set.
  if (origin === 'created' && mode === 'PRE_ROLES') row(label, points.toFixed(2), '', '', ...more);
  else against(label, points, origin === 'created' ? CREATED_POINTS : ADOPTED_POINTS[mode], 2, '', ...more);
}

/** What Confluence's own new spaces look like to an app that reads who may do what. */
async function printRows(): Promise<void> {
  const site = startQuietly({ seed: 'scale', people: 2, spaces: 0 });
  const space = site.createNatively(accountIdOf(1));
  if (!space) throw new Error('Confluence made no space');
  const count = async (what: string): Promise<number> => {
    const url = `/wiki/api/v2/spaces/${space.id}/${what}?limit=250`;
    const caller = { kind: 'person', person: site.person(accountIdOf(1)), viaApp: false } as const;
    let found = 0;
    for (let next: string | undefined = url; next; ) {
      const answer = await site.confluence.request(caller, { method: 'GET', url: next, headers: new Headers(), body: undefined });
      const { results, _links } = answer.body as { results: unknown[]; _links: { next?: string } };
      found += results.length;
      next = _links.next;
    }
    return found;
  };
  const [roles, permissions] = [await count('role-assignments'), await count('permissions')];
  endSite(site);
  console.log(`A space that Confluence creates here has ${roles} role assignments and ${permissions} rows of classic permissions.`);
  console.log(
    "Storage and SQL include the schedule's, which runs every five minutes; the directory is complete and reads nothing meanwhile.",
  );
}

// --- what the app's own writes set off -------------------------------------------------------------

export async function own(): Promise<void> {
  console.log(`\nTriggers that the app's own writes start, for each of ${COUNTED} people whose space it creates`);
  row('what Confluence marks as selfGenerated', 'invocations', 'goal');
  // Everything is marked there, so nothing of it needs to be heard.
  await ownWith('all', 'what it does as itself or as a person', 0);
  await ownWith('app', 'what it does as itself', null);
  await ownWith('never', 'nothing', null);
}

async function ownWith(selfGeneratedSent: NonNullable<Settings['selfGeneratedSent']>, label: string, goal: number | null): Promise<void> {
  const site = await switchedOn({ selfGeneratedSent });
  await comeBy(site, FIRST, 1 + LEARNERS);
  const { invocations } = await comeBy(site, MEASURED, COUNTED);
  requireServed(site, 'created', 'ROLES_TRANSITION');
  endSite(site);
  const triggers = Object.entries(invocations).flatMap(([name, { count, retries }]) =>
    name.startsWith('trigger:') ? [[name.slice('trigger:'.length), count - retries] as const] : [],
  );
  // One invocation each is for the page that the person read.
  const caused = (triggers.reduce((sum, [, count]) => sum + count, 0) - COUNTED) / COUNTED;
  const names = triggers.map(([name, count]) => `${name} ${per(count, COUNTED, 1)}`).join(' · ');
  if (goal === null) row(label, caused.toFixed(2), '', '', names);
  else against(label, caused, goal, 2, '', names);
}

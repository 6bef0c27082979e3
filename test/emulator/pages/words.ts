/** How the pages put times, counts, people's status and spaces into words. */
import { isOpen, latest, type Person, type Space } from '../confluence/state';
import type { LocalSite } from '../site';

const DAY_MS = 86_400_000;
/** Average length of a month in the Gregorian calendar. */
const MONTH_DAYS = 30.44;
const FEW_DAYS = 45;

const DAY = new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', year: 'numeric', timeZone: 'UTC' });
const TIME = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  year: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZone: 'UTC',
});

/** "Tue, Nov 24, 2026, 9:06 AM", as the strip shows the site's clock. In UTC, the time zone that the site gives to apps. */
export const timeText = (at: number): string => TIME.format(at);

/** "Oct 20, 2025", or "Today". */
export function dayText(at: number, now: number): string {
  return DAY.format(at) === DAY.format(now) ? 'Today' : DAY.format(at);
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

export function agoText(at: number, now: number): string {
  const days = Math.floor((now - at) / DAY_MS);
  if (days < 1) return 'today';
  if (days < FEW_DAYS) return `${count(days, 'day')} ago`;
  return `${count(Math.round(days / MONTH_DAYS), 'month')} ago`;
}

/** Time in ms of the most recent change to the content of the space. */
export function lastChange(site: LocalSite, space: Space): number {
  const items = site.confluence.state.contentBySpace.get(space.id) ?? [];
  return items.reduce((newest, item) => Math.max(newest, latest(item).at), space.createdAt);
}

export function spaceOf(site: LocalSite, person: Person): Space | undefined {
  return person.personalSpaceId === null ? undefined : site.confluence.state.spacesById.get(person.personalSpaceId);
}

/** "Administrator · no space", "Last change 14 months ago", "Account deactivated · space archived". */
export function standingOf(site: LocalSite, person: Person): string {
  const { state, clock } = site.confluence;
  const space = spaceOf(site, person);
  const change = space ? lastChange(site, space) : 0;
  const spaceText = !space
    ? 'no space'
    : space.status === 'current'
      ? `last change ${agoText(change, clock.now())}`
      : `space ${space.status === 'archived' ? 'archived' : 'in the trash'}`;
  const standing = accountText(person, state.isAdmin(person), state.isLicensed(person));
  if (standing === 'Guest') return standing;
  if (standing !== null) return `${standing} · ${spaceText}`;
  return spaceText.charAt(0).toUpperCase() + spaceText.slice(1);
}

/** Null if there is nothing special to say about the person. */
function accountText(person: Person, isAdmin: boolean, isLicensed: boolean): string | null {
  if (person.accountStatus === 'inactive') return 'Account deactivated';
  if (person.accountStatus === 'closed') return 'Account deleted';
  if (person.isGuest) return 'Guest';
  if (isAdmin) return 'Administrator';
  return isLicensed ? null : 'No Confluence license';
}

export const typeText = (space: Space): string => (space.type === 'personal' ? 'Personal space' : 'Team space');

const STATUS = { current: 'Current', archived: 'Archived', trashed: 'In the trash' } as const;
export const statusText = (space: Space): string => STATUS[space.status];

/** Who can see a space, in words for someone who can. */
export function audienceText(site: LocalSite, space: Space, reader: Person | undefined): string {
  const { state } = site.confluence;
  if (!isOpen(space)) {
    const names = space.grants.filter((g) => g.principalType === 'USER' && state.people.has(g.principalId)).map((g) => g.principalId);
    const [only] = names;
    if (names.length > 1) return count(names.length, 'person', 'people');
    return only !== undefined && only === reader?.accountId ? 'Only you' : 'Only the owner';
  }
  if (space.grants.some((g) => g.principalType === 'ACCESS_CLASS')) return 'Everyone';
  return space.grants
    .flatMap((g) => (g.principalType === 'GROUP' ? [state.groups.get(g.principalId)?.name ?? g.principalId] : []))
    .join(', ');
}

export const spaceUrl = (space: Space): string => `/wiki/spaces/${encodeURIComponent(space.key)}/overview`;
export const contentUrl = (space: Space, item: { id: number }): string => `/wiki/spaces/${encodeURIComponent(space.key)}/pages/${item.id}`;

/** Who is looking: the person signed in, and the color mode of their browser. */
import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Caller } from '../confluence/access';
import type { Person } from '../confluence/state';
import type { LocalSite } from '../site';

export const SESSION_COOKIE = 'local-site-person';
export const COLOR_MODE_COOKIE = 'color-mode';

export function sessionPerson(site: LocalSite, c: Context): Person | undefined {
  const accountId = getCookie(c, SESSION_COOKIE);
  return accountId === undefined ? undefined : site.confluence.state.people.get(accountId);
}

export const callerOf = (person: Person | undefined): Caller =>
  person ? { kind: 'person', person, viaApp: false } : { kind: 'anonymous' };

export const colorModeOf = (c: Context): 'light' | 'dark' => (getCookie(c, COLOR_MODE_COOKIE) === 'dark' ? 'dark' : 'light');

/** Where a form sends the person back to: the page that it is on, and never another site. */
export function cameFrom(c: Context): string {
  const referer = c.req.header('referer');
  if (referer === undefined) return '/wiki';
  const { pathname, search, origin } = new URL(referer);
  return origin === new URL(c.req.url).origin ? pathname + search : '/wiki';
}

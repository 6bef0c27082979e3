/** Mentions of people in pages and comments, which Confluence shows behind the bell and sends by email. */
import { maySeeContent } from '../confluence/access';
import { type Content, latest, type Person } from '../confluence/state';
import type { LocalSite } from '../site';
import { callerOf } from './visitor';

export interface Mention {
  item: Content;
  /** Time in ms of the current version. */
  at: number;
  /** Display name of whoever wrote that version. */
  by: string;
}

const MENTION = /<ri:user\b[^>]*ri:account-id="([^"]+)"/g;

/** Newest first. Leaves out what the person cannot see, and mentions they made themselves. */
export function mentionsOf(site: LocalSite, person: Person): Mention[] {
  const { state } = site.confluence;
  const found: Mention[] = [];
  for (const item of state.content.values()) {
    if (item.status !== 'current' || !item.body.includes(person.accountId)) continue;
    const names = [...item.body.matchAll(MENTION)].map((match) => match[1]);
    const version = latest(item);
    if (!names.includes(person.accountId) || version.authorId === person.accountId) continue;
    if (!maySeeContent(state, callerOf(person), item)) continue;
    found.push({ item, at: version.at, by: state.account(version.authorId)?.displayName ?? 'Someone' });
  }
  return found.sort((a, b) => b.at - a.at);
}

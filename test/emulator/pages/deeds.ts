/**
 * What people have done through these pages since the site began: which pages they opened and which functions of the
 * app they called. "Recent" lists the pages, and "What to try" ticks off its steps.
 */
export type Deed = `opened ${string}` | `called ${string}`;

/** More than any list here shows. */
const KEPT_VISITS = 30;

export interface Deeds {
  note(accountId: string, deed: Deed): void;
  has(accountId: string, deed: Deed): boolean;
  noteVisit(accountId: string, contentId: number): void;
  /** Ids of the pages that the person opened, newest visit first. */
  visits(accountId: string): readonly number[];
}

export function noDeeds(): Deeds {
  const done = new Set<string>();
  const visits = new Map<string, readonly number[]>();
  return {
    note: (accountId, deed) => void done.add(`${accountId} ${deed}`),
    has: (accountId, deed) => done.has(`${accountId} ${deed}`),
    noteVisit: (accountId, contentId) => {
      const others = (visits.get(accountId) ?? []).filter((id) => id !== contentId);
      visits.set(accountId, [contentId, ...others].slice(0, KEPT_VISITS));
    },
    visits: (accountId) => visits.get(accountId) ?? [],
  };
}

/**
 * What people have done on these pages since the site started: which pages they opened and which functions of the app
 * they called. "Recent" lists the pages, and "What to try" checks off its steps.
 */
export type JournalEntry = `opened ${string}` | `called ${string}`;

/** More than any list of recent pages shows. */
const KEPT_VISITS = 30;

export interface Journal {
  note(accountId: string, entry: JournalEntry): void;
  has(accountId: string, entry: JournalEntry): boolean;
  noteVisit(accountId: string, contentId: number): void;
  /** Ids of the pages that the person opened, most recent first. */
  visits(accountId: string): readonly number[];
}

export function emptyJournal(): Journal {
  const done = new Set<string>();
  const visits = new Map<string, readonly number[]>();
  return {
    note: (accountId, entry) => void done.add(`${accountId} ${entry}`),
    has: (accountId, entry) => done.has(`${accountId} ${entry}`),
    noteVisit: (accountId, contentId) => {
      const others = (visits.get(accountId) ?? []).filter((id) => id !== contentId);
      visits.set(accountId, [contentId, ...others].slice(0, KEPT_VISITS));
    },
    visits: (accountId) => visits.get(accountId) ?? [],
  };
}

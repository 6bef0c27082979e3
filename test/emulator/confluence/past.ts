/**
 * Earlier versions of what has changed recently. Lists, profiles, groups and the search index use them to show the
 * site as it was a while ago. If nothing has changed recently, this costs nothing.
 */
import type { Clock } from '../clock';

interface Change<K, V> {
  at: number;
  key: K;
  before: V | null;
}

const FIRST_PRUNE = 1_024;

export class Past<K, V> {
  private changes: Change<K, V>[] = [];
  private pruneAt = FIRST_PRUNE;

  /** @param longestLagMs how far back `differences` can be asked to look; older changes are dropped */
  constructor(
    private readonly clock: Clock,
    private readonly longestLagMs: () => number,
  ) {}

  /** Call this before a change. `before` must not be mutated afterwards; null means it did not exist. */
  note(key: K, before: V | null): void {
    const at = this.clock.now();
    const last = this.changes[this.changes.length - 1];
    // Changes at the same instant become visible together, so the first `before` is enough.
    if (last?.key === key && last.at === at) return;
    this.changes.push({ at, key, before });
    if (this.changes.length >= this.pruneAt) this.prune(at);
  }

  /** The values `lagMs` ago of everything that has changed since, by key; null means it did not exist. */
  differences(lagMs: number): ReadonlyMap<K, V | null> {
    const since = this.clock.now() - lagMs;
    const found = new Map<K, V | null>();
    for (let i = this.changes.length - 1; i >= 0; i -= 1) {
      const change = this.changes[i] as Change<K, V>;
      if (change.at <= since) break;
      // Walking backward, the entry that is written last belongs to the earliest change.
      found.set(change.key, change.before);
    }
    return found;
  }

  /** Forgets all changes so far, so that none of them is shown late. */
  forget(): void {
    this.changes = [];
  }

  private prune(now: number): void {
    const since = now - this.longestLagMs();
    this.changes = this.changes.filter((change) => change.at > since);
    this.pruneAt = Math.max(FIRST_PRUNE, this.changes.length * 2);
  }
}

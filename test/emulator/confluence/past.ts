/**
 * What things were before they changed. A list, a profile, a group or the search index that lags asks what
 * was different a while ago and shows that. Where nothing changed lately, asking costs nothing.
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

  /** @param longestLagMs how far back anybody may ask; older changes are forgotten */
  constructor(
    private readonly clock: Clock,
    private readonly longestLagMs: () => number,
  ) {}

  /** To be called before a change. `before` must stay as it is from then on; null: the thing did not exist. */
  note(key: K, before: V | null): void {
    const at = this.clock.now();
    const last = this.changes[this.changes.length - 1];
    // Whoever asks sees either both changes of one instant or neither.
    if (last?.key === key && last.at === at) return;
    this.changes.push({ at, key, before });
    if (this.changes.length >= this.pruneAt) this.prune(at);
  }

  /** By key, what was different `lagMs` ago; null: the thing did not exist then. */
  differences(lagMs: number): ReadonlyMap<K, V | null> {
    const since = this.clock.now() - lagMs;
    const found = new Map<K, V | null>();
    for (let i = this.changes.length - 1; i >= 0; i -= 1) {
      const change = this.changes[i] as Change<K, V>;
      if (change.at <= since) break;
      // Going backwards, the last one set is the first change since then.
      found.set(change.key, change.before);
    }
    return found;
  }

  /** Everything up to now counts as old: nothing of it is shown late. */
  forget(): void {
    this.changes = [];
  }

  private prune(now: number): void {
    const since = now - this.longestLagMs();
    this.changes = this.changes.filter((change) => change.at > since);
    this.pruneAt = Math.max(FIRST_PRUNE, this.changes.length * 2);
  }
}

/** How much of something has been used in the current window of site time. Windows are fixed, like those of the invocation limits. */
import type { Clock } from '../clock';

export class Window {
  private index = -1;
  private used = 0;

  constructor(
    private readonly clock: Clock,
    private readonly lengthMs: number,
  ) {}

  get count(): number {
    const index = Math.floor(this.clock.now() / this.lengthMs);
    if (index !== this.index) {
      this.index = index;
      this.used = 0;
    }
    return this.used;
  }

  add(amount: number): void {
    this.used = this.count + amount;
  }

  /** Uses `amount` if that stays within the limit. */
  take(amount: number, limit: number): boolean {
    if (this.count + amount > limit) return false;
    this.used += amount;
    return true;
  }
}

/**
 * The hourly pool of points that all sites of the app share, and the burst limit of this site (Atlassian:
 * Confluence rate limiting). The headers are as documented: they tell what is left only above 80%.
 */
import type { Clock } from '../clock';
import type { SiteSettings } from '../settings';
import { Window } from './rates';

const HOUR_MS = 3_600_000;
const NEAR_LIMIT = 0.8;
/** How long a burst refusal asks to wait. The real number is not published. */
const BURST_RETRY_S = 1;

export class PointsPool {
  private readonly hour: Window;
  private readonly second: Window;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
  ) {
    this.hour = new Window(clock, HOUR_MS);
    this.second = new Window(clock, 1_000);
  }

  /** The headers of a 429, or null if the request may proceed. */
  refusal(): Record<string, string> | null {
    const { burstPerSecond, hourlyPoints } = this.settings;
    if (burstPerSecond > 0 && !this.second.take(1, burstPerSecond)) {
      return { 'retry-after': String(BURST_RETRY_S), 'ratelimit-reason': 'confluence-burst-based', ...this.headers() };
    }
    if (this.used() < hourlyPoints) return null;
    return { 'retry-after': String(this.secondsToReset()), 'ratelimit-reason': 'confluence-quota-global-based', ...this.headers() };
  }

  spend(points: number): void {
    this.hour.add(points);
  }

  headers(): Record<string, string> {
    const { hourlyPoints: limit, rateLimitHeaders } = this.settings;
    if (rateLimitHeaders === 'none') return {};
    const used = this.used();
    const left = Math.max(0, Math.floor(limit - used));
    const reset = this.secondsToReset();
    const isNear = used >= limit * NEAR_LIMIT;
    const prefix = rateLimitHeaders === 'beta' ? 'beta-' : '';
    return {
      [`${prefix}ratelimit-policy`]: `"global-app-quota";q=${limit};w=3600`,
      [`${prefix}ratelimit`]: `"global-app-quota";${isNear ? `r=${left};` : ''}t=${reset}`,
      [`${prefix}x-ratelimit-limit`]: String(limit),
      [`${prefix}x-ratelimit-remaining`]: String(left),
      [`${prefix}x-ratelimit-reset`]: new Date(this.clock.now() + reset * 1000).toISOString(),
      ...(isNear ? { [`${prefix}x-ratelimit-nearlimit`]: 'true' } : {}),
    };
  }

  /** The points that this site and the app's other sites have used in this hour. */
  private used(): number {
    const share = (this.clock.now() % HOUR_MS) / HOUR_MS;
    return this.hour.count + this.settings.otherCustomersPoints * share;
  }

  private secondsToReset(): number {
    return Math.ceil((HOUR_MS - (this.clock.now() % HOUR_MS)) / 1000);
  }
}

/**
 * Counts the rate-limit points of what runs inside `metered`, by Atlassian's published rule: 1 a
 * request, 1 more for each object it returns, 2 for each person, group or permission; a write is 1.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface Meter {
  points: number;
  /** Points an hour that Confluence names in its headers; null = it named none. */
  quota: number | null;
  /** What is left of them; Confluence tells only above about 80 % of use. */
  left: number | null;
}

const meters = new AsyncLocalStorage<Meter>();

/** Runs and counts. The count stands also when `run` throws: read it from `meter`. */
export async function metered<T>(run: (meter: Meter) => Promise<T>): Promise<T> {
  const meter: Meter = { points: 0, quota: null, left: null };
  return meters.run(meter, () => run(meter));
}

export function charge(points: number): void {
  const meter = meters.getStore();
  if (meter) meter.points += points;
}

/** `RateLimit-Policy: "global-app-quota";q=65000;w=3600` and `RateLimit: "global-app-quota";r=11000;t=600`, also as `Beta-...`. */
const QUOTA = /"(?:global-app|tenant-app)-quota"[^,]*;q=(\d+)/;
const LEFT = /"(?:global-app|tenant-app)-quota"[^,]*;r=(\d+)/;

export function noteQuota(headers: { get(name: string): string | null }): void {
  const meter = meters.getStore();
  if (!meter) return;
  const find = (name: string, pattern: RegExp): number | null => {
    const found = pattern.exec(headers.get(name) ?? headers.get(`Beta-${name}`) ?? '')?.[1];
    return found === undefined ? null : Number(found);
  };
  meter.quota = find('RateLimit-Policy', QUOTA) ?? meter.quota;
  meter.left = find('RateLimit', LEFT) ?? meter.left;
}

/** What has been counted so far, inside `metered`. */
export function pointsSoFar(): number {
  return meters.getStore()?.points ?? 0;
}

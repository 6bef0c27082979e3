/** Spans of time in ms, and days. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** 00:00 UTC of the day of `at` (ms). */
export function startOfDay(at: number): number {
  return Math.floor(at / DAY_MS) * DAY_MS;
}

/** A UTC day as `YYYY-MM-DD`: it sorts as text. */
export type Day = string;
export const dayOf = (at: number): Day => new Date(at).toISOString().slice(0, 10);
export const addDays = (day: Day, days: number): Day => dayOf(Date.parse(day) + days * DAY_MS);

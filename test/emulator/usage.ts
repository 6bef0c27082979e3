/** What the app cost so far: the counters of `GET /_local/usage`. */
import { type KvsUsage, noKvsUsage } from './forge/kvs';

export interface InvocationUsage {
  count: number;
  errors: number;
  retries: number;
  killed: number;
}

export interface Usage {
  rest: {
    requests: number;
    points: number;
    byRoute: Record<string, { requests: number; points: number; statuses: Record<string, number> }>;
    hours: Record<string, number>;
  };
  kvs: KvsUsage;
  queue: { pushes: number; events: number };
  invocations: Record<string, InvocationUsage>;
  frontend: { requests: number };
  notModelled: string[];
}

export const noUsage = (): Usage => ({
  rest: { requests: 0, points: 0, byRoute: {}, hours: {} },
  kvs: noKvsUsage(),
  queue: { pushes: 0, events: 0 },
  invocations: {},
  frontend: { requests: 0 },
  notModelled: [],
});

export function countRest(usage: Usage, route: string, points: number, status: number, hour: string): void {
  usage.rest.requests += 1;
  usage.rest.points += points;
  usage.rest.hours[hour] = (usage.rest.hours[hour] ?? 0) + points;
  const entry = usage.rest.byRoute[route] ?? { requests: 0, points: 0, statuses: {} };
  entry.requests += 1;
  entry.points += points;
  entry.statuses[status] = (entry.statuses[status] ?? 0) + 1;
  usage.rest.byRoute[route] = entry;
}

export function countInvocation(usage: Usage, id: string, what: keyof InvocationUsage): void {
  const entry = usage.invocations[id] ?? { count: 0, errors: 0, retries: 0, killed: 0 };
  entry[what] += 1;
  usage.invocations[id] = entry;
}

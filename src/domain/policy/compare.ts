/** What differs between two policies. Pure. */
import type { Policy } from './document';

/** One line of the history: what differs between two versions, by path. */
export interface PolicyChange {
  path: string;
  before: string | null;
  after: string | null;
}

/** Parts of lists are compared by their id, key or title, so that a rule that only moved is one change. */
export function comparePolicies(before: Policy, after: Policy): PolicyChange[] {
  const changes: PolicyChange[] = [];
  compare('', before, after, changes);
  return changes;
}

function compare(path: string, before: unknown, after: unknown, changes: PolicyChange[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const [old, now] = [partsOf(before), partsOf(after)];
  if (!old || !now) {
    changes.push({ path, before: printed(before), after: printed(after) });
    return;
  }
  const [names, others] = [[...old.keys()], [...now.keys()]];
  for (const name of new Set([...names, ...others])) compare(path === '' ? name : `${path}.${name}`, old.get(name), now.get(name), changes);
  const kept = names.filter((name) => now.has(name));
  const moved = others.filter((name) => old.has(name));
  if (Array.isArray(before) && kept.join() !== moved.join()) changes.push({ path, before: kept.join(', '), after: moved.join(', ') });
}

/** The named parts of an object, or of a list of named things; null = compared whole. */
function partsOf(value: unknown): Map<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((item: Record<string, unknown>) => item.id ?? item.key ?? item.title ?? item.name);
  if (names.some((name) => typeof name !== 'string')) return null;
  return new Map(value.map((item, i) => [String(names[i]), item]));
}

const MAX_PRINTED = 200;

function printed(value: unknown): string | null {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_PRINTED ? `${text.slice(0, MAX_PRINTED)}…` : text;
}

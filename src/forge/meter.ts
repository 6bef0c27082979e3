/**
 * Every call to Confluence runs in a scope: the class that pays for it, and what it has cost so far, by Atlassian's
 * published rule: 1 point a request, 1 more for each object it returns, 2 for each person, group or permission; a
 * write is 1.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { BudgetClass, Reported } from '../domain/budget';

export interface Scope {
  readonly name: BudgetClass;
  points: number;
  readonly reported: Reported;
  /** Called before each request. @throws NoPoints */
  readonly beforeCall: (operation: string) => Promise<void>;
  /** Called for all that is spent. */
  readonly spend: (points: number) => void;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs and counts. What is counted so far also stands when `run` throws: read it from the scope. */
export function scoped<T>(scope: Omit<Scope, 'points' | 'reported'>, run: (scope: Scope) => Promise<T>): Promise<T> {
  const opened: Scope = { ...scope, points: 0, reported: { quota: null, left: null } };
  return scopes.run(opened, () => run(opened));
}

/** @throws Error outside of a scope: a call that nobody counts is a bug of ours */
export function currentScope(): Scope {
  const scope = scopes.getStore();
  if (!scope) throw new Error('Confluence is asked outside of a budget: wrap the entry point in `within`');
  return scope;
}

export function charge(points: number): void {
  const scope = currentScope();
  scope.points += points;
  scope.spend(points);
}

/** What has been spent so far in this scope. */
export function pointsSoFar(): number {
  return scopes.getStore()?.points ?? 0;
}

/** What Confluence last said, in this scope, of the points that are left; null = it says so only near the end. */
export const lastReportedLeft = (): number | null => currentScope().reported.left;

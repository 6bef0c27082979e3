/** The policy being edited: one draft for every tab that changes it, saved as one version. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { SimulationView } from '../../../src/api/admin/people';
import type { PolicyView } from '../../../src/api/admin/policy';
import { comparePolicies, type PolicyChange } from '../../../src/domain/policy/compare';
import type { Policy } from '../../../src/domain/policy/document';
import type { Problem } from '../../../src/domain/problems';
import { CallError, callAdmin } from '../../shared/call';
import { pageLanguage } from '../../shared/text';

/** What was saved last from here. */
export interface Saved {
  version: number;
  changes: PolicyChange[];
  /** What it changes for people; null = nobody could say. */
  view: SimulationView | null;
}

export interface Draft {
  policy: Policy;
  stored: PolicyView;
  change: (part: Partial<Policy>) => void;
  isChanged: boolean;
  /** How the draft differs from the saved policy. */
  changes: PolicyChange[];
  isSaving: boolean;
  error: unknown;
  /** Why the policy cannot be saved, by path. */
  problems: Problem[];
  /** What someone else saved while this admin was editing. */
  theirs: PolicyView | null;
  /** Whether it could be saved like this; else `problems` or `error` say why not. */
  check: () => Promise<boolean>;
  save: (baseVersion: number, reason: string, what: Omit<Saved, 'version'>) => Promise<boolean>;
  /** Until the draft changes again; null = nothing was saved. */
  saved: Saved | null;
  dismissSaved: () => void;
  discard: () => void;
  takeTheirs: () => void;
  /** Pauses or resumes at once; what is not saved yet stays as it is. */
  setPaused: (paused: boolean, reason?: string | null) => Promise<void>;
}

export function useDraft(stored: PolicyView, onSaved: (policy: PolicyView) => void): Draft {
  const [policy, setPolicy] = useState<Policy>(stored.policy);
  const [isSaving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [saved, setSaved] = useState<Saved | null>(null);
  const [theirs, setTheirs] = useState<PolicyView | null>(null);
  const isChanged = JSON.stringify(policy) !== JSON.stringify(stored.policy);
  const changes = useMemo(() => comparePolicies(stored.policy, policy), [stored.policy, policy]);
  useLeaveGuard(isChanged);
  const kept = useRef<Policy | null>(null);
  // Another version, from here or from the history, begins a new draft.
  useEffect(() => {
    setPolicy(kept.current ?? stored.policy);
    kept.current = null;
  }, [stored]);

  const accept = (view: PolicyView): void => {
    setTheirs(null);
    onSaved(view);
  };
  const clear = (): void => {
    setError(null);
    setProblems([]);
    setSaved(null);
  };
  const check = async (): Promise<boolean> => {
    clear();
    try {
      const checked = await callAdmin('policy.check', { text: JSON.stringify(policy), locale: pageLanguage() });
      if (!('problems' in checked)) return true;
      setProblems(checked.problems);
    } catch (failure) {
      setError(failure);
    }
    return false;
  };
  const save: Draft['save'] = async (baseVersion, reason, what) => {
    setSaving(true);
    clear();
    try {
      const now = await callAdmin('policy.save', { policy, baseVersion, reason });
      accept(now);
      setSaved({ version: now.version, ...what });
      return true;
    } catch (failure) {
      if (!(failure instanceof CallError) || failure.code !== 'conflict') setError(failure);
      else await callAdmin('policy.get', {}).then(setTheirs, setError);
      return false;
    } finally {
      setSaving(false);
    }
  };
  return {
    policy,
    stored,
    change: (part) => {
      clear();
      setPolicy((current) => ({ ...current, ...part }));
    },
    isChanged,
    changes,
    isSaving,
    error,
    problems,
    theirs,
    check,
    save,
    // Another version has been saved since: by another admin, by pausing, or from the history.
    saved: saved?.version === stored.version ? saved : null,
    dismissSaved: () => setSaved(null),
    discard: () => {
      clear();
      setPolicy(stored.policy);
    },
    takeTheirs: () => theirs && accept(theirs),
    setPaused: async (paused, reason = null) => {
      const now = await callAdmin('policy.pause', { paused, ...(reason === null ? {} : { reason }) });
      // Somebody else saved in between: this draft is not based on what is there now.
      if (isChanged && now.version > stored.version + 1) return setTheirs(now);
      if (isChanged) kept.current = { ...policy, paused };
      accept(now);
    },
  };
}

/** Makes the browser ask before it leaves a page with changes. */
function useLeaveGuard(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return undefined;
    const guard = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', guard);
    return () => window.removeEventListener('beforeunload', guard);
  }, [isChanged]);
}

/** The list with one item moved. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const items = [...list];
  const [item] = items.splice(from, 1);
  if (item !== undefined) items.splice(to, 0, item);
  return items;
}

export function replaced<T>(list: readonly T[], position: number, item: T): T[] {
  return list.map((other, i) => (i === position ? item : other));
}

export function without<T>(list: readonly T[], position: number): T[] {
  return list.filter((_, i) => i !== position);
}

/** A key for something new: from its name, and not taken yet. */
export function newKey(name: string, taken: readonly string[]): string {
  const base =
    name
      .toLowerCase()
      .normalize('NFD')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 30)
      .replace(/-+$/, '') || 'item';
  for (let n = 1; ; n += 1) {
    const key = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(key)) return key;
  }
}

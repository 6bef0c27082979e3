/** The policy being edited: one draft for every tab that changes it, saved as one version. */
import { showFlag } from '@forge/bridge';
import { useEffect, useRef, useState } from 'react';
import type { PolicyView } from '../../../src/api/admin/policy';
import type { Policy } from '../../../src/domain/policy/document';
import type { Problem } from '../../../src/domain/problems';
import { CallError, callAdmin } from '../../shared/call';
import { pageLanguage, text } from '../../shared/text';

export interface Draft {
  policy: Policy;
  stored: PolicyView;
  change: (part: Partial<Policy>) => void;
  isChanged: boolean;
  isSaving: boolean;
  error: unknown;
  /** Why the policy cannot be saved, by path. */
  problems: Problem[];
  /** What someone else saved while this admin was editing. */
  theirs: PolicyView | null;
  save: (baseVersion: number) => Promise<void>;
  discard: () => void;
  /** Restores what was discarded last; null = nothing was. */
  undoDiscard: (() => void) | null;
  takeTheirs: () => void;
  /** Pauses or resumes at once; what is not saved yet stays as it is. */
  setPaused: (paused: boolean) => Promise<void>;
}

export function useDraft(stored: PolicyView, onSaved: (policy: PolicyView) => void): Draft {
  const [policy, setPolicy] = useState<Policy>(stored.policy);
  const [isSaving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [discarded, setDiscarded] = useState<Policy | null>(null);
  const [theirs, setTheirs] = useState<PolicyView | null>(null);
  const isChanged = JSON.stringify(policy) !== JSON.stringify(stored.policy);
  useLeaveGuard(isChanged);
  const kept = useRef<Policy | null>(null);
  // Another version, from here or from the history, begins a new draft.
  useEffect(() => {
    setPolicy(kept.current ?? stored.policy);
    kept.current = null;
  }, [stored]);

  const accept = (saved: PolicyView): void => {
    setTheirs(null);
    setDiscarded(null);
    onSaved(saved);
  };
  const save = async (baseVersion: number): Promise<void> => {
    setSaving(true);
    setError(null);
    setProblems([]);
    try {
      // Checked first, so that a mistake is reported with its path.
      const checked = await callAdmin('policy.check', { text: JSON.stringify(policy), locale: pageLanguage() });
      if ('problems' in checked) {
        setProblems(checked.problems);
        return;
      }
      accept(await callAdmin('policy.save', { policy, baseVersion }));
      showFlag({
        id: 'policy-saved',
        title: text('policy.saved'),
        description: text('policy.saved.text'),
        type: 'success',
        isAutoDismiss: true,
      });
    } catch (failure) {
      if (!(failure instanceof CallError) || failure.code !== 'conflict') setError(failure);
      else await callAdmin('policy.get', {}).then(setTheirs, setError);
    } finally {
      setSaving(false);
    }
  };
  return {
    policy,
    stored,
    change: (part) => {
      setError(null);
      setProblems([]);
      setPolicy((current) => ({ ...current, ...part }));
    },
    isChanged,
    isSaving,
    error,
    problems,
    theirs,
    save,
    discard: () => {
      setDiscarded(policy);
      setPolicy(stored.policy);
      setError(null);
      setProblems([]);
    },
    undoDiscard:
      discarded &&
      (() => {
        setPolicy(discarded);
        setDiscarded(null);
      }),
    takeTheirs: () => theirs && accept(theirs),
    setPaused: async (paused) => {
      const saved = await callAdmin('policy.pause', { paused });
      // Somebody else saved in between: this draft is not based on what is there now.
      if (isChanged && saved.version > stored.version + 1) return setTheirs(saved);
      if (isChanged) kept.current = { ...policy, paused };
      accept(saved);
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

/** Runs as the tabs list them: which may begin, and following those that are under way. */
import { useState } from 'react';
import type { RunView } from '../../../src/api/admin/runs';
import { callAdmin } from '../../shared/call';
import { usePolled } from './job-progress';

export const isActive = ({ state }: RunView): boolean => state === 'running' || state === 'cancelling';
export const isOver = (run: RunView): boolean => !isActive(run) && run.state !== 'paused';

const isOverPeople = (kind: RunView['kind']): boolean => kind === 'provision';
/** Undoing a run over people archives what it created: that is a cleanup. */
export const isUndoOfPeople = ({ kind, source }: RunView): boolean => kind === 'archive' && source !== null;

/** No other run over people, or over spaces, is under way or paused: one of this kind may begin. */
export const isFree = (runs: readonly RunView[], kind: RunView['kind']): boolean =>
  runs.every((run) => isOver(run) || isOverPeople(run.kind) !== isOverPeople(kind));

/** The runs over people, what has undone them, and what was restored of that. */
export function aboutPeople(runs: readonly RunView[]): RunView[] {
  const undone = new Set(runs.filter(isUndoOfPeople).map(({ runId }) => runId));
  return runs.filter((run) => isOverPeople(run.kind) || isUndoOfPeople(run) || (run.source !== null && undone.has(run.source)));
}

/** The list with this run updated; a new one comes first. */
const withRun = (runs: RunView[], run: RunView): RunView[] =>
  runs.some(({ runId }) => runId === run.runId) ? runs.map((other) => (other.runId === run.runId ? run : other)) : [run, ...runs];

/** @param kinds which kinds the list is of */
export function useRuns(runs: RunView[], set: (runs: RunView[]) => void, kinds: readonly RunView['kind'][]) {
  // Answers may come faster than the page is drawn.
  const [latest] = useState({ runs });
  latest.runs = runs;
  /** Lists of runs lag behind, so a new one comes from its own answer. */
  const look = (runId: string): void => {
    callAdmin('runs.get', { runId }).then(follow, () => {});
  };
  /** An undo takes from what its source offers. */
  const follow = (run: RunView): void => {
    if (!kinds.includes(run.kind)) return;
    latest.runs = withRun(latest.runs, run);
    set(latest.runs);
    if (run.source !== null && !isActive(run)) look(run.source);
  };
  usePolled(
    runs.filter(isActive).map(({ runId }) => runId),
    (runId) => callAdmin('runs.get', { runId }),
    follow,
  );
  return { look, follow };
}

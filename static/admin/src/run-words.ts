/** What a run is called, and what is said about it: over spaces, over people, or undoing one over people. */
import type { RunView } from '../../../src/api/admin/runs';
import { formatDay, formatTime, type TextKey, text, textOr } from '../../shared/text';
import { isOver, isUndoOfPeople } from './runs';

export function nameOfRun(run: RunView): string {
  if (run.kind === 'provision') return text('people.job');
  if (run.kind === 'restore') return text('cleanup.job.restore');
  if (run.undoesVersion !== null) return text('cleanup.job.since', { version: run.undoesVersion });
  return text(isUndoOfPeople(run) ? 'people.undo.job' : 'cleanup.job.archive');
}

function countsText({ kind, counts }: RunView): string {
  const { created = 0, offered = 0, adopted = 0, archived = 0, restored = 0, kept = 0, failed = 0 } = counts;
  if (kind === 'provision') return text('people.job.counts', { created, offered, adopted, kept, failed });
  if (kind === 'restore') return text('cleanup.job.counts.restore', { restored, kept, failed });
  return text('cleanup.job.counts.archive', { archived, kept, failed });
}

/** What a run over people waits for, where it is not points. */
const WAITING: Readonly<Record<string, TextKey>> = { 'day-full': 'job.waiting.day', 'directory-reading': 'job.waiting.directory' };

function waitingText({ kind, problem, waitingUntil }: RunView): string {
  if (waitingUntil === null) return '';
  const time = formatTime(waitingUntil);
  return kind === 'provision' ? text(WAITING[problem ?? ''] ?? 'job.waiting', { time }) : text('cleanup.waiting', { time });
}

function problemText({ kind, problem }: RunView): string {
  if (problem === null || (kind === 'provision' && WAITING[problem] !== undefined)) return '';
  const unknown = text('job.problem', { problem });
  return kind === 'provision' ? textOr(`job.problem.${problem}`, unknown) : textOr(`cleanup.problem.${problem}`, unknown);
}

/** How far it is, and what comes next. */
export function progressText(run: RunView): string {
  const { state, done, total, doneAt } = run;
  const isScheduled = run.kind === 'provision' || isUndoOfPeople(run) || run.undoesVersion !== null;
  return [
    state === 'done' ? '' : `${text('job.progress', { done, total })}:`,
    countsText(run),
    isScheduled && state === 'running' ? text('people.job.schedule') : '',
    waitingText(run),
    !isOver(run) && doneAt !== null ? text('cleanup.job.done', { time: formatTime(doneAt) }) : '',
    problemText(run),
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** Of what a run over people has come to, what its undo leaves alone. */
export const leftAloneText = ({ leftAlone }: RunView): string =>
  leftAlone.map(({ reason, count }) => text(`people.undo.left.${reason}`, { count })).join(' ');

/** How long it can be undone, and what an undo leaves alone. */
export function undoText(run: RunView): string {
  if (run.undoableUntil === null) return '';
  const date = formatDay(run.undoableUntil);
  if (run.kind !== 'provision') return text('cleanup.job.until', { date });
  return `${text('people.undo.until', { date })} ${leftAloneText(run)}`;
}

/** What is selected: single rows, or all rows of a search except some. A value, so that "all 98,412" stays small. */
import type { RowView } from '../../../src/api/admin/cleanup';
import type { AdminInput } from '../../shared/call';

type Selection = AdminInput<'cleanup.preview'>['selection'];

export const NOTHING: Selection = { kind: 'some', spaces: [] };
export const EVERYTHING: Selection = { kind: 'all', except: [] };
export type { Selection };

export function isTicked(selection: Selection, row: RowView): boolean {
  return selection.kind === 'all' ? !selection.except.includes(row.spaceId) : selection.spaces.some((s) => s.spaceId === row.spaceId);
}

export function tick(selection: Selection, rows: RowView[], isOn: boolean): Selection {
  const ids = new Set(rows.map((row) => row.spaceId));
  if (selection.kind === 'all') {
    const except = selection.except.filter((id) => !ids.has(id));
    return { kind: 'all', except: isOn ? except : [...except, ...ids] };
  }
  const spaces = selection.spaces.filter((s) => !ids.has(s.spaceId));
  return { kind: 'some', spaces: isOn ? [...spaces, ...rows.map(({ batch, spaceId }) => ({ batch, spaceId }))] : spaces };
}

export function countTicked(selection: Selection, total: number): number {
  return selection.kind === 'all' ? total - selection.except.length : selection.spaces.length;
}

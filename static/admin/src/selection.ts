/** What is selected: single spaces, or all that a filter lists except some. A value, so that "all 98,412" stays small. */
import type { AdminInput } from '../../shared/call';

export type Selection = AdminInput<'cleanup.preview'>['selection'];
export type Filter = NonNullable<AdminInput<'spaces.list'>['filter']>;

export const NOTHING: Selection = { kind: 'some', spaceIds: [] };
export const everything = (filter: Filter): Selection => ({ kind: 'all', filter, except: [] });

interface Row {
  spaceId: string;
}

export function isTicked(selection: Selection, { spaceId }: Row): boolean {
  return selection.kind === 'all' ? !exceptOf(selection).includes(spaceId) : selection.spaceIds.includes(spaceId);
}

const exceptOf = ({ except = [] }: Selection & { kind: 'all' }): string[] => except;

export function tick(selection: Selection, rows: readonly Row[], isOn: boolean): Selection {
  const ids = new Set(rows.map((row) => row.spaceId));
  if (selection.kind === 'all') {
    const except = exceptOf(selection).filter((id) => !ids.has(id));
    return { ...selection, except: isOn ? except : [...except, ...ids] };
  }
  const spaceIds = selection.spaceIds.filter((id) => !ids.has(id));
  return { kind: 'some', spaceIds: isOn ? [...spaceIds, ...ids] : spaceIds };
}

export function countTicked(selection: Selection, total: number): number {
  return selection.kind === 'all' ? total - exceptOf(selection).length : selection.spaceIds.length;
}

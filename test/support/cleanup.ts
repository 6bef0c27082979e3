/** What tests of clean-ups have in common: a site whose directory is complete, its unused spaces, and a run over some of them. */
import type { Page } from '../../src/api/admin/jobs';
import type { RunRowView, RunView } from '../../src/api/admin/runs';
import type { LocalSite, SiteOptions } from '../emulator/site';
import { adminData, REASON, startSite } from './site';

export const UNUSED_DAYS = 180;
export const ALL = { kind: 'all' as const, filter: { unchangedForDays: UNUSED_DAYS }, except: [] as string[] };
export const some = (spaceIds: string[]) => ({ kind: 'some' as const, spaceIds });
type Selection = typeof ALL | ReturnType<typeof some>;

/** A site whose directory has filled itself. */
export async function filledSite(options: SiteOptions = {}): Promise<LocalSite> {
  const site = startSite(options);
  await refilled(site);
  return site;
}

export async function refilled(site: LocalSite): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    const { spaces, people } = await adminData(site, 'directory.get', {});
    if (spaces.complete && people.complete) return;
    await site.advance('PT10M');
  }
  throw new Error('the directory is not complete');
}

/** Ids of the spaces that the directory lists as unused, in the order in which a run takes them up. */
export async function listUnused(site: LocalSite, days = UNUSED_DAYS): Promise<string[]> {
  const filter = { status: ['current' as const], visible: true, unchangedForDays: days };
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { rows: { spaceId: string }[]; next: string | null } = await adminData(site, 'spaces.export', { filter, cursor });
    ids.push(...page.rows.map((row) => row.spaceId));
    cursor = page.next;
  } while (cursor !== null);
  return ids;
}

/** Previews the selection and starts it. */
export async function startCleanup(site: LocalSite, selection: Selection): Promise<{ runId: string; count: number }> {
  const { planId, count } = await adminData(site, 'cleanup.preview', { selection });
  const { runId } = await adminData(site, 'cleanup.start', { planId, count, reason: REASON });
  return { runId, count };
}

export const runOf = (site: LocalSite, runId: string): Promise<RunView> => adminData(site, 'runs.get', { runId });

/** Moves on until a run is over, or paused, for hours if it has to wait for the rate limit. */
export async function finished(site: LocalSite, runId: string): Promise<RunView> {
  for (let hour = 0; hour < 48; hour += 1) {
    await site.advance(hour === 0 ? 'PT1M' : 'PT1H');
    const run = await runOf(site, runId);
    if (run.state !== 'running' && run.state !== 'cancelling') return run;
  }
  throw new Error(`run ${runId} did not end`);
}

/** What became of each space of a run. */
export async function allRows(site: LocalSite, runId: string): Promise<RunRowView[]> {
  const rows: RunRowView[] = [];
  let from: Page<RunRowView>['next'] | undefined;
  while (from !== null) {
    const page: Page<RunRowView> = await adminData(site, 'runs.rows', { runId, ...(from ? { from } : {}) });
    rows.push(...page.rows);
    from = page.next;
  }
  return rows;
}

/** The cleanup of unused spaces: preview and start. What becomes of it: runs. */
import { z } from 'zod';
import { type Preview, previewArchive, previewUndoOfSave, startArchive } from '../../cleanup/runs';
import { listSpaces, SpaceFilter, type SpaceRow } from '../../directory/lists';
import { readFrozen } from '../../directory/run-rows';
import { AppError } from '../../forge/errors';
import { define } from '../define';
import { Id, Version } from '../inputs';
import { MAX_SELECTED } from '../limits';
import { Reason, requireReason } from '../reason';
import { administers, administersNow } from '../standing';

/** Spaces that a preview names. */
const SAMPLE = 10;

export interface PreviewView extends Preview {
  /** Why spaces are archived. */
  reasons: { reason: 'unused'; count: number }[];
  /** The first of them. */
  sample: SpaceRow[];
}

const Ids = z.array(Id).max(MAX_SELECTED);
const SelectionInput = z.union([
  z.strictObject({ kind: z.literal('some'), spaceIds: Ids.min(1) }),
  z.strictObject({ kind: z.literal('all'), filter: SpaceFilter.default({}), except: Ids.default([]) }),
]);

export const cleanupFunctions = {
  'cleanup.preview': define({
    input: z.strictObject({ selection: SelectionInput, tellFirst: z.boolean().default(false) }),
    authorise: administers,
    handle: async ({ selection, tellFirst }, caller): Promise<PreviewView> => {
      if (tellFirst) throw new AppError('bad-request', { problem: 'nobody-is-told-yet' });
      if (selection.kind === 'all' && selection.filter.unchangedForDays === 0)
        throw new AppError('bad-request', { problem: 'days-missing' });
      const now = Date.now();
      const preview = await previewArchive(selection, caller.accountId, now);
      const reasons = preview.count === 0 ? [] : [{ reason: 'unused' as const, count: preview.count }];
      return { ...preview, reasons, sample: await firstOf(preview.planId, now) };
    },
  }),
  /** The undo of a save; it is started like any other plan. */
  'cleanup.previewUndo': define({
    input: z.strictObject({ version: Version }),
    authorise: administers,
    handle: ({ version }, { accountId }) => previewUndoOfSave(version, accountId, Date.now()),
  }),
  'cleanup.start': define({
    input: z.strictObject({
      planId: Id,
      count: z.number().int().min(0),
      reason: Reason.nullable().default(null),
    }),
    authorise: administersNow,
    handle: async (start, caller) => {
      requireReason(start.count, start.reason);
      return { runId: (await startArchive(start, caller.accountId, Date.now())).id };
    },
  }),
};

async function firstOf(planId: string, now: number): Promise<SpaceRow[]> {
  const spaceIds = await readFrozen(planId, '', SAMPLE);
  const order = { by: 'spaceId', direction: 'asc' } as const;
  return (await listSpaces({ filter: { spaceIds }, order, cursor: null, limit: SAMPLE }, now)).rows;
}

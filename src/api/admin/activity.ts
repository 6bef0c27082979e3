/** What Homestead did about people, newest first. */
import { z } from 'zod';
import { type AuditEntry, listAudit } from '../../store/trail';
import { define } from '../define';
import { Cursor } from '../inputs';
import { administers } from '../standing';
import { PAGE_ROWS } from './jobs';

export interface ActivityEntry {
  kind: string;
  at: number;
  accountId: string;
  actor: string;
  reason: string;
  spaceKey: string | null;
  access: string | null;
  templateProblem: string | null;
  detail: string | null;
}

export const activityFunctions = {
  'activity.list': define({
    input: z.strictObject({ cursor: Cursor }),
    authorise: administers,
    handle: async ({ cursor }) => {
      const page = await listAudit('provisioning', PAGE_ROWS, cursor);
      return { entries: page.entries.map(activityEntry), cursor: page.cursor };
    },
  }),
};

function activityEntry(entry: AuditEntry): ActivityEntry {
  const text = (name: string): string | null => {
    const value = entry.details[name];
    return value === null || value === undefined ? null : String(value);
  };
  return {
    kind: entry.kind,
    at: entry.at,
    actor: entry.actor,
    accountId: text('accountId') ?? '',
    reason: text('reason') ?? '',
    spaceKey: text('spaceKey'),
    access: text('access'),
    templateProblem: text('templateProblem'),
    detail: text('detail'),
  };
}

/** What Homestead did about people, newest first. */
import { z } from 'zod';
import type { TrailEvent } from '../../domain/event';
import { listEvents } from '../../store/trail';
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
      const page = await listEvents({ topic: 'people' }, PAGE_ROWS, cursor);
      return { entries: page.events.map(activityEntry), cursor: page.cursor };
    },
  }),
};

function activityEntry({ at, by, accountId, reason, body }: TrailEvent): ActivityEntry {
  return {
    kind: body.kind,
    at,
    actor: by,
    accountId: accountId ?? '',
    reason: reason ?? '',
    spaceKey: 'spaceKey' in body ? body.spaceKey : null,
    access: 'access' in body ? body.access : 'actual' in body ? body.actual : null,
    templateProblem: 'templateProblem' in body ? body.templateProblem : null,
    detail: body.kind === 'refused' ? body.detail : null,
  };
}

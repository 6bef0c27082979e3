/** Views, creations and updates of pages and blog posts; only who did it is used. */
import { z } from 'zod';

/** Without `atlassianId` it was an anonymous view. */
const ContentEvent = z.object({
  atlassianId: z.string().min(1).max(128).optional(),
  selfGenerated: z.boolean().optional(),
});

export interface Activity {
  accountId: string;
}

/** null: nobody's own activity. What the app does on behalf of a person is not that person's. */
export function parseActivity(event: unknown): Activity | null | undefined {
  const parsed = ContentEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const { atlassianId, selfGenerated } = parsed.data;
  return atlassianId === undefined || selfGenerated === true ? null : { accountId: atlassianId };
}

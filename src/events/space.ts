/** Events of personal spaces. */
import { z } from 'zod';

const SpaceEvent = z.object({
  eventType: z.string(),
  eventCreatedDate: z.string().optional(),
  selfGenerated: z.boolean().optional(),
  atlassianId: z.string().optional(),
  space: z.object({
    id: z.number(),
    key: z.string(),
    type: z.string(),
    status: z.string().optional(),
    history: z.object({ createdBy: z.object({ accountId: z.string().optional() }).optional() }).optional(),
  }),
});

export interface SpaceChange {
  kind: 'created' | 'updated' | 'deleted';
  spaceId: string;
  key: string;
  /** As the event claims; null where it says nothing. */
  status: string | null;
  /** Who created the space; null where the event does not say. */
  ownerId: string | null;
  /** Who did what the event tells of; null where it does not say. */
  by: string | null;
  /** ms; never later than now, whatever the event says. */
  at: number;
}

/** null: not a personal space, or the app's own doing. */
export function parseSpaceChange(event: unknown): SpaceChange | null | undefined {
  const parsed = SpaceEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const { eventType, eventCreatedDate, selfGenerated, atlassianId, space } = parsed.data;
  if (space.type !== 'personal' || selfGenerated === true) return null;
  const at = Date.parse(eventCreatedDate ?? '');
  const now = Date.now();
  return {
    kind: eventType.includes(':created:') ? 'created' : eventType.includes(':deleted:') ? 'deleted' : 'updated',
    spaceId: String(space.id),
    key: space.key,
    status: space.status ?? null,
    ownerId: space.history?.createdBy?.accountId ?? null,
    by: atlassianId ?? null,
    at: Number.isNaN(at) ? now : Math.min(at, now),
  };
}

/** What happens to content in personal spaces. The manifest's filter lets nothing else through. */
import { z } from 'zod';

const Space = z.object({ id: z.number(), key: z.string(), type: z.string() });
/** Attachments name their space themselves; everything else by its content. */
const ContentEvent = z.object({
  eventType: z.string(),
  eventCreatedDate: z.string().optional(),
  /** Without it, it was an anonymous view. */
  atlassianId: z.string().min(1).max(128).optional(),
  content: z.object({ space: Space.optional() }).optional(),
  attachment: z.object({ space: Space.optional() }).optional(),
});

export interface SpaceContent {
  kind: 'change' | 'view';
  spaceId: string;
  key: string;
  /** Account id. */
  by: string;
  /** ms; never later than now, whatever the event says. */
  at: number;
}

/** null: nobody's doing, or not in a personal space. What the app does as a person counts as theirs. */
export function parseSpaceContent(event: unknown): SpaceContent | null | undefined {
  const parsed = ContentEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const { eventType, eventCreatedDate, atlassianId, content, attachment } = parsed.data;
  const space = content?.space ?? attachment?.space;
  if (atlassianId === undefined || space?.type !== 'personal') return null;
  const now = Date.now();
  const at = Date.parse(eventCreatedDate ?? '');
  return {
    kind: eventType.includes(':viewed:') ? 'view' : 'change',
    spaceId: String(space.id),
    key: space.key,
    by: atlassianId,
    at: Number.isNaN(at) ? now : Math.min(at, now),
  };
}

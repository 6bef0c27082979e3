/** How an event trigger begins and ends: the event is parsed once, every reaction hears it, and what failed is answered. */
import type { InvocationError } from '@forge/events';
import { z } from 'zod';
import { cloudIdOf } from '../forge/installation';
import { log } from '../forge/log';
import { type RetryLater, retryAfter, retryingLater } from './retry';

const Context = z.object({ installContext: z.string() });

export interface Installation {
  /** One process may serve several sites: what it remembers is keyed by this. */
  installContext: string;
  cloudId: string;
}

/** Hears one event; what it asks of Confluence it asks within a budget. @returns seconds after which it should be heard again, or nothing */
export type Reaction<E> = (event: E, installation: Installation) => Promise<RetryLater | undefined>;

/**
 * A trigger's function: `parse` answers null for an event that concerns nobody, and undefined for one that cannot be read.
 * @param isIdle nothing would come of the event, as far as this process knows: most events end there, so it does not wait for anything
 */
export function listen<E>(
  name: string,
  parse: (event: unknown) => E | null | undefined,
  reactions: readonly Reaction<E>[],
  isIdle: (event: E, installation: Pick<Installation, 'installContext'>) => boolean = () => false,
) {
  return async (event: unknown, context: unknown): Promise<InvocationError | undefined> => {
    const install = Context.safeParse(context);
    const parsed = parse(event);
    if (parsed === undefined || !install.success) {
      log('event-unreadable', { function: name });
      return undefined;
    }
    if (parsed === null) return undefined;
    if (isIdle(parsed, install.data)) return undefined;
    const { installContext } = install.data;
    const installation = { installContext, cloudId: cloudIdOf(installContext) };
    let wait: number | undefined;
    const failure = await retryingLater(name, async () => {
      for (const react of reactions) {
        const later = await react(parsed, installation);
        if (later) wait = Math.max(wait ?? 0, later.seconds);
      }
    });
    return failure ?? (wait === undefined ? undefined : retryAfter(wait));
  };
}

/** Forge async events: push, delay, concurrency, retries, stats, cancellation. */
import { z } from 'zod';
import type { Clock } from '../clock';
import type { Chance } from '../random';
import type { SiteSettings } from '../settings';
import type { Usage } from '../usage';
import { Window } from './rates';
import type { Lineage } from './runtime';

/** Limits: Forge docs, Async events limits. */
const MAX_EVENTS = 50;
const MAX_PUSH_BYTES = 200 * 1024;
const MAX_LONG_EVENT_BYTES = 100 * 1024;
const LONG_CONSUMER_S = 55;
const MAX_EVENTS_PER_MINUTE = 500;
/** Pushes that descend from one invocation, through any number of others. */
const MAX_CYCLIC_PUSHES = 1_000;
/** How much later a copy or an out-of-order event may arrive: not published. */
const STRAY_MS = 20_000;
const RETENTION_MS = 24 * 3_600_000;
const MAX_DELAY_S = 900;
/** Backoff for events that throw or time out: exponential, up to about 15 minutes. */
const FIRST_BACKOFF_MS = 5_000;
const MAX_BACKOFF_MS = 15 * 60_000;
/** How often an event checks whether its concurrency key has a free slot. */
const CONCURRENCY_RECHECK_MS = 1_000;

const Push = z.object({
  queueName: z.string(),
  jobId: z.string(),
  payload: z.array(
    z.object({
      body: z.record(z.string(), z.unknown()),
      delayInSeconds: z.number().optional(),
      concurrency: z.object({ key: z.string(), limit: z.number().int().positive() }).optional(),
    }),
  ),
});
const JobRef = z.object({ queueName: z.string(), jobId: z.string() });

export interface QueueEvent {
  queueName: string;
  jobId: string;
  eventId: string;
  body: Record<string, unknown>;
  pushedAt: number;
  retryCount: number;
  retryContext: Record<string, unknown> | undefined;
  concurrency: { key: string; limit: number } | undefined;
  delayInSeconds: number | undefined;
  lineage: Lineage;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
}

export type Outcome = { kind: 'ok' } | { kind: 'error'; message: string } | { kind: 'killed' } | { kind: 'retry'; options: RetryOptions };
export interface RetryOptions {
  retryAfter?: number;
  retryReason?: string;
  retryData?: unknown;
}

export class Queues {
  private readonly jobs = new Map<string, QueueEvent[]>();
  private readonly running = new Map<string, number>();
  private nextEvent = 1;
  private readonly minute: Window;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly dice: Chance,
    /** Timeout of the queue's consumer in seconds; undefined = no consumer is declared. */
    private readonly timeoutOf: (queueName: string) => number | undefined,
    private readonly deliver: (event: QueueEvent) => Promise<Outcome>,
    private readonly usage: () => Usage,
  ) {
    this.minute = new Window(clock, 60_000);
  }

  /** Answers a request by the SDK. `null` = the path is not modeled. */
  handle(path: string, bodyText: string, lineage: Lineage): { status: number; body?: unknown } | null {
    const verb = /^\/webhook\/queue\/(publish|stats|cancel)\//.exec(path)?.[1];
    const body: unknown = JSON.parse(bodyText);
    if (verb === 'publish') return this.push(body, bodyText, lineage);
    if (verb === 'stats') return this.stats(body);
    if (verb === 'cancel') return this.cancel(body);
    return null;
  }

  /** Cancels everything, because the app was uninstalled. */
  clear(): void {
    for (const event of [...this.jobs.values()].flat()) event.state = 'cancelled';
    this.jobs.clear();
    this.running.clear();
  }

  /** Waiting and running events, for pages and assertions. */
  pending(): number {
    let count = 0;
    for (const events of this.jobs.values()) count += events.filter((e) => e.state === 'waiting' || e.state === 'running').length;
    return count;
  }

  private push(body: unknown, text: string, lineage: Lineage): { status: number; body?: unknown } {
    const parsed = Push.safeParse(body);
    if (!parsed.success) return { status: 400, body: { message: z.prettifyError(parsed.error) } };
    const { queueName, jobId, payload } = parsed.data;
    const timeout = this.timeoutOf(queueName);
    if (timeout === undefined) return { status: 400, body: { message: `no consumer is declared for queue '${queueName}'` } };
    if (payload.length === 0 || payload.length > MAX_EVENTS)
      return { status: 400, body: { message: `a push takes 1 to ${MAX_EVENTS} events` } };
    if (Buffer.byteLength(text) > MAX_PUSH_BYTES + 1024) return { status: 413, body: { errorMessage: 'payload too big' } };
    if (timeout > LONG_CONSUMER_S && payload.some((item) => Buffer.byteLength(JSON.stringify(item)) > MAX_LONG_EVENT_BYTES)) {
      return { status: 413, body: { errorMessage: 'an event for a consumer of more than 55 s may have 100 KB' } };
    }
    if (lineage.pushes >= MAX_CYCLIC_PUSHES) return { status: 405 };
    // Whether the 500 events per minute apply per installation is not documented; it is assumed.
    if (!this.minute.take(payload.length, MAX_EVENTS_PER_MINUTE)) return { status: 429 };
    lineage.pushes += 1;
    this.usage().queue.pushes += 1;
    this.usage().queue.events += payload.length;
    const events = payload.map((item): QueueEvent => {
      const event: QueueEvent = {
        queueName,
        jobId,
        eventId: `${jobId}#${this.nextEvent++}`,
        body: item.body,
        pushedAt: this.clock.now(),
        retryCount: 0,
        retryContext: undefined,
        concurrency: item.concurrency,
        delayInSeconds: item.delayInSeconds,
        lineage,
        state: 'waiting',
      };
      this.schedule(event, Math.min(item.delayInSeconds ?? 0, MAX_DELAY_S) * 1000);
      return event;
    });
    this.jobs.set(jobId, events);
    return { status: 201 };
  }

  /** Delivers at least once, and in any order if the settings say so. */
  private schedule(event: QueueEvent, delayMs: number): void {
    const { times, reorder } = this.settings.deliverEvents;
    this.clock.after(delayMs + (reorder ? this.dice.pick(STRAY_MS) : 0), () => this.run(event));
    for (let copy = 1; copy < times; copy += 1) {
      this.clock.after(delayMs + this.dice.pick(STRAY_MS), () => this.run({ ...event }));
    }
  }

  private async run(event: QueueEvent): Promise<void> {
    if (event.state === 'cancelled') return;
    const slot = event.concurrency;
    if (slot) {
      const busy = this.running.get(slot.key) ?? 0;
      if (busy >= slot.limit) {
        this.clock.after(CONCURRENCY_RECHECK_MS, () => this.run(event));
        return;
      }
      this.running.set(slot.key, busy + 1);
    }
    event.state = 'running';
    const outcome = await this.deliver(event);
    if (slot) this.running.set(slot.key, Math.max(0, (this.running.get(slot.key) ?? 1) - 1));
    // The event may have been canceled while it ran, because the app was uninstalled.
    if ((event.state as QueueEvent['state']) === 'running') this.settle(event, outcome);
  }

  private settle(event: QueueEvent, outcome: Outcome): void {
    if (outcome.kind === 'ok') {
      event.state = 'done';
      return;
    }
    const delay =
      outcome.kind === 'retry'
        ? Math.min(outcome.options.retryAfter ?? 1, MAX_DELAY_S) * 1000
        : Math.min(FIRST_BACKOFF_MS * 2 ** event.retryCount, MAX_BACKOFF_MS);
    if (this.clock.now() + delay > event.pushedAt + RETENTION_MS) {
      event.state = 'failed';
      return;
    }
    event.retryCount += 1;
    event.retryContext = {
      retryCount: event.retryCount,
      retryReason:
        outcome.kind === 'retry'
          ? (outcome.options.retryReason ?? 'FUNCTION_RETRY_REQUEST')
          : outcome.kind === 'killed'
            ? 'FUNCTION_TIME_OUT'
            : 'FUNCTION_PLATFORM_UNKNOWN_ERROR',
      ...(outcome.kind === 'retry' && outcome.options.retryData !== undefined ? { retryData: outcome.options.retryData } : {}),
      retentionWindow: {
        startTime: new Date(event.pushedAt).toISOString(),
        remainingTimeMs: event.pushedAt + RETENTION_MS - this.clock.now(),
      },
    };
    event.state = 'waiting';
    this.clock.after(delay, () => this.run(event));
  }

  private stats(body: unknown): { status: number; body?: unknown } {
    const events = this.jobs.get(JobRef.safeParse(body).data?.jobId ?? '');
    if (!events) return { status: 404, body: { message: 'no such job' } };
    const count = (...states: QueueEvent['state'][]): number => events.filter((e) => states.includes(e.state)).length;
    return { status: 200, body: { success: count('done'), inProgress: count('waiting', 'running'), failed: count('failed') } };
  }

  private cancel(body: unknown): { status: number; body?: unknown } {
    const events = this.jobs.get(JobRef.safeParse(body).data?.jobId ?? '');
    if (!events) return { status: 404, body: { message: 'no such job' } };
    for (const event of events) if (event.state === 'waiting') event.state = 'cancelled';
    return { status: 204 };
  }
}

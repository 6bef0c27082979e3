/**
 * Delivers product and lifecycle events, and schedules, to the app: late, more than once, out of order
 * or not at all, depending on the settings.
 */
import { type Clock, durationMs } from '../clock';
import { SITE } from '../confluence/state';
import type { Chance } from '../random';
import type { SiteSettings } from '../settings';
import { evaluateFilter } from './expressions';
import type { Manifest } from './manifest';
import type { Outcome } from './queue';

/** Limits: Forge docs, events. */
const MAX_EVENT_BYTES = 200_000;
const MAX_EVENT_RETRIES = 4;
const MAX_RETRY_AFTER_S = 900;
/** Backoff for product events whose invocation was stopped: not published, assumed to be exponential. */
const FIRST_REDELIVERY_MS = 60_000;
const FIRST_SCHEDULE_MS = 5 * 60_000;
const INTERVAL_MS = { fiveMinute: 5 * 60_000, hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };
/** How much later a copy or an out-of-order event may arrive: not published, but well within the published three minutes. */
const STRAY_MS = 20_000;

type Trigger = Manifest['modules']['trigger'][number];
type Schedule = Manifest['modules']['scheduledTrigger'][number];
type Event = Record<string, unknown>;

export class Delivery {
  /** Number of the current installation: deliveries to an earlier one never arrive. 0 = not installed. */
  private epoch = 0;
  private installations = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: SiteSettings,
    private readonly dice: Chance,
    private readonly modules: Pick<Manifest['modules'], 'trigger' | 'scheduledTrigger'>,
    private readonly run: (
      kind: 'trigger' | 'scheduledTrigger',
      module: { key: string; function: string },
      payload: unknown,
    ) => Promise<Outcome>,
    private readonly log: (line: string) => void,
  ) {}

  start(): void {
    this.installations += 1;
    this.epoch = this.installations;
    for (const schedule of this.modules.scheduledTrigger) this.arm(schedule, FIRST_SCHEDULE_MS);
  }

  stop(): void {
    this.epoch = 0;
  }

  /** Queues an event for every trigger that listens to it. */
  publish(event: Event): void {
    if (this.epoch === 0 || Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES) return;
    const { times, reorder, drop } = this.settings.deliverEvents;
    const delay = durationMs(this.settings.eventDelay);
    for (const trigger of this.modules.trigger) {
      if (!trigger.events.includes(String(event.eventType)) || !this.passes(trigger, event)) continue;
      if (this.isLost(drop)) continue;
      this.after(delay + (reorder ? this.dice.pick(STRAY_MS) : 0), () => this.deliver(trigger, event, 0, undefined));
      for (let copy = 1; copy < times; copy += 1) {
        this.after(delay + this.dice.pick(STRAY_MS), () => this.deliver(trigger, event, 0, undefined));
      }
    }
  }

  private isLost(drop: number): boolean {
    return drop > 0 && this.dice.share() < drop;
  }

  private after(delayMs: number, run: () => Promise<void>): void {
    const { epoch } = this;
    this.clock.after(delayMs, () => (epoch === this.epoch ? run() : undefined));
  }

  private passes({ filter }: Trigger, event: Event): boolean {
    if (!this.isForLicense(filter?.appIsLicensed)) return false;
    if (filter?.expression === undefined) return true;
    try {
      return evaluateFilter(filter.expression, event);
    } catch (error) {
      this.log(`filter failed: ${String(error)}`);
      return (filter.onError ?? 'IGNORE_AND_LOG').startsWith('RECEIVE');
    }
  }

  private isForLicense(wanted: boolean | undefined): boolean {
    return wanted === undefined || wanted === (this.settings.licence === 'active');
  }

  private async deliver(
    trigger: Trigger,
    event: Event,
    retryCount: number,
    retry: { retryReason?: string; retryData?: unknown } | undefined,
  ): Promise<void> {
    const retryContext =
      retryCount === 0 ? {} : { retryContext: { retryCount, retryReason: retry?.retryReason, retryData: retry?.retryData } };
    const { epoch } = this;
    const outcome = await this.run('trigger', trigger, { ...event, ...retryContext });
    if (epoch !== this.epoch) return;
    // An error thrown by the app is not retried, so the event is lost.
    if (outcome.kind === 'ok' || outcome.kind === 'error' || retryCount >= MAX_EVENT_RETRIES) return;
    const options = outcome.kind === 'retry' ? outcome.options : { retryReason: 'FUNCTION_TIME_OUT' };
    const delay =
      outcome.kind === 'retry'
        ? Math.min(Math.max(outcome.options.retryAfter ?? 1, 1), MAX_RETRY_AFTER_S) * 1000
        : FIRST_REDELIVERY_MS * 2 ** retryCount;
    this.after(delay, () => this.deliver(trigger, event, retryCount + 1, options));
  }

  /** Ticks come at their interval, whether or not the previous one has ended. A missed tick is not made up for. */
  private arm(schedule: Schedule, delay: number): void {
    this.after(delay, async () => {
      this.arm(schedule, INTERVAL_MS[schedule.interval]);
      const { times, drop } = this.settings.deliverEvents;
      if (this.isLost(drop) || !this.isForLicense(schedule.filter?.appIsLicensed)) return;
      for (let copy = 1; copy < times; copy += 1) this.after(this.dice.pick(STRAY_MS), () => this.tick(schedule));
      await this.tick(schedule);
    });
  }

  /** Scheduled triggers are never retried. */
  private async tick(schedule: Schedule): Promise<void> {
    await this.run('scheduledTrigger', schedule, {
      context: { cloudId: SITE.cloudId, moduleKey: schedule.key },
      contextToken: 'local',
    });
  }
}

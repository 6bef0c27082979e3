/**
 * What a person would see, without a browser: runs the app's unmodified background script against a
 * bridge and records the flags it shows. The browser tests run the same script.
 */
import { createContext, runInContext } from 'node:vm';
import { z } from 'zod';
import { SITE } from './confluence/state';
import { ControlError } from './control-error';
import { onlyScript } from './forge/custom-ui';
import type { LocalSite } from './site';

interface Flag {
  id: string;
  title: string;
  description: string;
  actions: { text: string; onClick?: () => unknown }[];
}

const ShownFlag = z.looseObject({
  id: z.string(),
  title: z.string(),
  description: z.string().optional(),
  actions: z.array(z.looseObject({ text: z.string() })).optional(),
});
const Press = z.strictObject({ accountId: z.string(), flag: z.string(), action: z.string() });

/** Rounds of the event loop after which a script without open bridge calls counts as finished. */
const SETTLE_ROUNDS = 50;

export class Notices {
  private readonly flags = new Map<string, Map<string, Flag>>();
  /** Where the last pressed action took each person, if anywhere. */
  readonly navigations = new Map<string, unknown>();
  /** Bridge calls that have not been answered yet. */
  private open = 0;

  constructor(private readonly site: LocalSite) {}

  /** A page view by this person, which loads the script if its display condition holds. */
  async load(accountId: string) {
    const person = this.site.person(accountId);
    const before = this.site.clock.now();
    const shown = new Map<string, Flag>();
    this.flags.set(accountId, shown);
    const modules = this.site.visibleModules(accountId).filter((m) => m.type === 'confluence:backgroundScript');
    for (const module of modules) {
      const callBridge = async (command: string, payload: unknown): Promise<unknown> => {
        this.open += 1;
        try {
          return await this.bridge(accountId, module.key, person.locale, shown, command, payload);
        } finally {
          this.open -= 1;
        }
      };
      const context = createContext({ __bridge: { callBridge }, console, setTimeout, URL, Intl });
      context.globalThis = context;
      context.window = context;
      runInContext(onlyScript(this.site.platform.manifest, module.resource), context);
      await this.settle();
    }
    return { backgroundScript: modules.length > 0, flags: listed(shown), tookMs: this.site.clock.now() - before };
  }

  /** Clicks an action on a flag that the person sees. @throws ControlError 404 */
  async press(input: unknown) {
    const parsed = Press.safeParse(input);
    if (!parsed.success) throw new ControlError(400, z.prettifyError(parsed.error));
    const { accountId, flag, action } = parsed.data;
    if (!this.flags.has(accountId)) await this.load(accountId);
    const found = this.flags
      .get(accountId)
      ?.get(flag)
      ?.actions.find((a) => a.text === action);
    if (!found) throw new ControlError(404, `no action '${action}' on a flag '${flag}'`);
    const before = this.site.clock.now();
    await found.onClick?.();
    await this.settle();
    return {
      flags: listed(this.flags.get(accountId) as Map<string, Flag>),
      navigatedTo: this.navigations.get(accountId) ?? null,
      tookMs: this.site.clock.now() - before,
    };
  }

  private async bridge(
    accountId: string,
    moduleKey: string,
    locale: string,
    shown: Map<string, Flag>,
    command: string,
    payload: unknown,
  ): Promise<unknown> {
    switch (command) {
      case 'getContext':
        return {
          accountId,
          cloudId: SITE.cloudId,
          siteUrl: SITE.baseUrl,
          moduleKey,
          localId: moduleKey,
          locale,
          timezone: 'UTC',
          extension: { type: 'confluence:backgroundScript' },
        };
      case 'invoke': {
        const { functionKey, payload: body } = payload as { functionKey: string; payload?: unknown };
        return this.site.platform.invokeResolver(moduleKey, functionKey, body, accountId);
      }
      case 'showFlag': {
        const flag = ShownFlag.parse(payload);
        shown.set(flag.id, {
          id: flag.id,
          title: flag.title,
          description: flag.description ?? '',
          actions: (flag.actions ?? []) as Flag['actions'],
        });
        return true;
      }
      case 'closeFlag':
        shown.delete((payload as { id: string }).id);
        return true;
      case 'navigate':
        this.navigations.set(accountId, payload);
        return true;
      default:
        this.site.usageCounters.notModelled.push(`bridge ${command}`);
        throw new Error(`not modelled: bridge ${command}`);
    }
  }

  private async settle(): Promise<void> {
    for (let rounds = 0; rounds < SETTLE_ROUNDS; rounds = this.open > 0 ? 0 : rounds + 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const listed = (shown: ReadonlyMap<string, Flag>) =>
  [...shown.values()].map(({ id, title, description, actions }) => ({ id, title, description, actions: actions.map((a) => a.text) }));

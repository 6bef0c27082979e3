/** Faults that a test or a person asks for: bad answers, and invocations that stop midway. */
import { z } from 'zod';
import { durationMs } from './clock';

export const Fault = z.union([
  z.strictObject({
    target: z.enum(['confluence', 'kvs', 'queue', 'sql']),
    method: z.string().optional(),
    path: z.string().optional(),
    /** Only calls whose body contains this text, for instance those about one person. */
    contains: z.string().optional(),
    after: z.number().int().min(0).optional(),
    times: z.number().int().min(1).optional(),
    respond: z.strictObject({
      status: z.number().int().min(200).max(599),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.unknown().optional(),
      /** How long the answer takes, in site time. If that is past the deadline, the invocation is stopped. */
      delay: z
        .string()
        .refine((text) => /^P/.test(text), { message: 'not an ISO 8601 duration' })
        .optional(),
    }),
  }),
  // `invocation` = the kind (`consumer`), or kind and key (`consumer:work-consumer`), of the invocation to stop; default: any.
  z.strictObject({ killAfterCall: z.number().int().min(1), invocation: z.string().optional() }),
  z.strictObject({ killBeforeCall: z.number().int().min(1), invocation: z.string().optional() }),
]);
export type Fault = z.infer<typeof Fault>;

export interface FaultAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
  delayMs: number;
}

export class Faults {
  private answers: { fault: Extract<Fault, { target: string }>; pattern: RegExp | null; skip: number; left: number }[] = [];
  private kills: { when: 'before' | 'after'; call: number; invocation: string | undefined }[] = [];

  add(fault: Fault): void {
    if ('killAfterCall' in fault) this.kills.push({ when: 'after', call: fault.killAfterCall, invocation: fault.invocation });
    else if ('killBeforeCall' in fault) this.kills.push({ when: 'before', call: fault.killBeforeCall, invocation: fault.invocation });
    else {
      this.answers.push({
        fault,
        pattern: fault.path === undefined ? null : globPattern(fault.path),
        skip: fault.after ?? 0,
        left: fault.times ?? 1,
      });
    }
  }

  clear(): void {
    this.answers = [];
    this.kills = [];
  }

  /** Whether there is a stop that no invocation has reached yet. */
  get hasOpenStops(): boolean {
    return this.kills.length > 0;
  }

  /** Whether the invocation (`kind:key`) ends here. The first invocation that reaches a stop uses it up. */
  kill(when: 'before' | 'after', call: number, invocation: string): boolean {
    const index = this.kills.findIndex(
      (k) =>
        k.when === when &&
        k.call === call &&
        (k.invocation === undefined || invocation === k.invocation || invocation.startsWith(`${k.invocation}:`)),
    );
    if (index < 0) return false;
    this.kills.splice(index, 1);
    return true;
  }

  answer(target: 'confluence' | 'kvs' | 'queue' | 'sql', method: string, url: string, requestBody: string): FaultAnswer | null {
    const path = url.split('?')[0] as string;
    for (const order of this.answers) {
      const { fault } = order;
      if (fault.target !== target || order.left === 0) continue;
      if (fault.method && fault.method.toUpperCase() !== method) continue;
      if (order.pattern && !order.pattern.test(path) && !order.pattern.test(url)) continue;
      if (fault.contains !== undefined && !requestBody.includes(fault.contains)) continue;
      if (order.skip > 0) {
        order.skip -= 1;
        continue;
      }
      order.left -= 1;
      const { status, headers, body, delay } = fault.respond;
      return {
        status,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
        delayMs: delay === undefined ? 0 : durationMs(delay),
      };
    }
    return null;
  }
}

/** `*` = anything but a slash, `**` = anything. */
function globPattern(glob: string): RegExp {
  const source = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`);
}

/** A Confluence site for one test, without the Forge platform. Its answers are checked when the test ends. */
import { expect, onTestFinished } from 'vitest';
import { Clock, durationMs } from '../emulator/clock';
import type { Caller } from '../emulator/confluence/access';
import { seedDemo } from '../emulator/confluence/seed';
import { ConfluenceSite, type ProductAnswer } from '../emulator/confluence/site';
import type { Person, Space } from '../emulator/confluence/state';
import { DEFAULT_SETTINGS, type SiteSettings } from '../emulator/settings';
import { checkCall } from './openapi';

export const APP: Caller = { kind: 'app' };
/** A Monday morning. */
export const START = Date.UTC(2026, 10, 23, 9);
const PEOPLE = 60;

export interface ConfluenceUnderTest {
  site: ConfluenceSite;
  /** Events, in the order Confluence sent them. */
  events: Record<string, unknown>[];
  person(accountId: string): Person;
  /** This person, calling with their own API token. */
  token(accountId: string): Caller;
  /** The app, calling as this person. */
  throughApp(accountId: string): Caller;
  personalSpace(accountId: string): Space;
  wait(duration: string): Promise<void>;
  /** Makes a call that the site must model. The answer is checked against Atlassian's API documents. */
  ask(caller: Caller, method: string, url: string, body?: unknown): Promise<ProductAnswer & { body: never }>;
  /** What the site says it does not model about a call, or null if it answered. */
  notModelled(caller: Caller, method: string, url: string, body?: unknown): Promise<string | null>;
}

export function startConfluence(settings: Partial<SiteSettings> = {}): ConfluenceUnderTest {
  const clock = new Clock(START);
  const site = new ConfluenceSite(clock, { ...structuredClone(DEFAULT_SETTINGS), ...settings });
  seedDemo(site, PEOPLE);
  const events: Record<string, unknown>[] = [];
  site.onEvent = (event) => events.push(event);
  const problems: string[] = [];
  site.onAnswer = (request, answer) => problems.push(...checkCall(request, answer));
  onTestFinished(() => {
    clock.stop();
    expect([...new Set(problems)]).toEqual([]);
  });
  const person = (accountId: string): Person => {
    const found = site.state.people.get(accountId);
    if (!found) throw new Error(`no person ${accountId}`);
    return found;
  };
  const request = (caller: Caller, method: string, url: string, body: unknown): Promise<ProductAnswer> =>
    site.request(caller, { method, url, headers: new Headers(), body: body === undefined ? undefined : JSON.stringify(body) });
  return {
    site,
    events,
    person,
    token: (accountId) => ({ kind: 'person', person: person(accountId), viaApp: false }),
    throughApp: (accountId) => ({ kind: 'person', person: person(accountId), viaApp: true }),
    personalSpace: (accountId) => site.state.spacesById.get(person(accountId).personalSpaceId ?? 0) as Space,
    wait: (duration) => clock.advance(durationMs(duration)),
    ask: async (caller, method, url, body) => {
      const answer = await request(caller, method, url, body);
      if (answer.route === null) throw new Error(`${method} ${url}: ${JSON.stringify(answer.body)}`);
      return answer as ProductAnswer & { body: never };
    },
    notModelled: async (caller, method, url, body) => {
      const answer = await request(caller, method, url, body);
      return answer.status === 501 ? (answer.body as { message: string }).message : null;
    },
  };
}

/**
 * Random histories: people view, click, edit and delete; admins change the policy, archive, restore, and start and stop jobs;
 * calls of Confluence, storage and the queue fail, and invocations are stopped. Whatever the order, the promises in the
 * README hold at every step.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { LocalSite } from '../emulator/site';
import { admin, adminData, letIn, person, personalSpacesOf, promiseOf, REASON, recordOf, setPolicy } from '../support/site';

const RUNS = process.env.HOMESTEAD_LONG ? 300 : 20;
/** People without a space: three ordinary ones, one who has left (17) and a guest (23). */
const PEOPLE = [1, 3, 5, 17, 23].map(accountIdOf);
const GUEST = accountIdOf(23);
const LEAVER = accountIdOf(17);

type Step =
  | { kind: 'view' | 'decline' | 'undo' | 'create' | 'edit' | 'delete' | 'native'; who: number }
  | { kind: 'archive' | 'restore'; who: number }
  | { kind: 'policy'; mode: 'off' | 'ask' | 'auto' }
  | { kind: 'pause'; paused: boolean }
  | { kind: 'lift'; who: number }
  | { kind: 'job'; what: 'archive' | 'undo' | 'provision' | 'cancel' | 'pause' | 'resume' }
  | { kind: 'wait'; minutes: number }
  | { kind: 'fail'; target: 'confluence' | 'kvs' | 'queue'; path: string; status: number; times: number }
  | { kind: 'stop'; after: number };

const who = fc.integer({ min: 0, max: PEOPLE.length - 1 });
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('view' as const), who }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('decline' as const, 'undo', 'create', 'edit', 'delete', 'native', 'archive', 'restore', 'lift'),
      who,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('policy' as const), mode: fc.constantFrom('off' as const, 'ask', 'auto', 'auto') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const), paused: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('job' as const),
      what: fc.constantFrom('archive' as const, 'archive', 'undo', 'provision', 'cancel', 'pause', 'resume'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), minutes: fc.constantFrom(0, 1, 10, 60, 3_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      target: fc.constant('confluence' as const),
      path: fc.constantFrom(
        '/wiki/api/v2/users-bulk',
        '/wiki/api/v2/spaces',
        '/wiki/rest/api/space/*',
        '/wiki/api/v2/pages/*',
        '/wiki/rest/api/user/*/property/*',
      ),
      status: fc.constantFrom(403, 429, 500, 503),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      target: fc.constantFrom('kvs' as const, 'queue'),
      path: fc.constantFrom('**', '/api/v1/transaction', '/api/v1/entity/*'),
      status: fc.constantFrom(429, 500),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stop' as const), after: fc.integer({ min: 1, max: 20 }) }) },
);

/** What Homestead owes a person because of what they or others did. */
interface Promised {
  /** The person declined and has not undone it. */
  declined: boolean;
  /** Their space was deleted by hand, and no admin has lifted the tombstone. */
  removed: boolean;
  /** What the person wrote on the pages of their space; `null` = nothing. */
  words: string | null;
  /** When (ms). */
  wroteAt: number;
}

/** Days without a change after which these cleanups call a space unused. */
const IDLE_DAYS = 1;
/** A look that a job took just before somebody wrote. */
const LOOK_MS = 60_000;
const keyOf = (accountId: string): string => `~${accountId.replace(/[:-]/g, '')}`;

/** null: the call was stopped, so nobody knows. */
const hasWorked = (call: Promise<{ ok: boolean }>): Promise<boolean | null> =>
  call.then(
    ({ ok }) => ok,
    () => null,
  );

/** Every third history has the directory, which reads the site all the while; cleanups need it. */
const WITH_DIRECTORY = 3;

class History {
  readonly site: LocalSite;
  private readonly promised = new Map<string, Promised>(
    PEOPLE.map((id) => [id, { declined: false, removed: false, words: null, wroteAt: Number.NEGATIVE_INFINITY }]),
  );
  /** The newest run that can be undone, and the newest job of all. */
  private readonly jobs: { undoable?: string; newest?: string } = {};
  /** Keys of the spaces created through the API. */
  private readonly created: string[] = [];
  /** Keys of spaces that a cleanup archived although they were in use. */
  private readonly inUse: string[] = [];

  constructor(seed: number) {
    this.site = new LocalSite({
      people: 24,
      settings: { deliverEvents: { times: 1, reorder: true, seed }, sql: seed % WITH_DIRECTORY === 0 ? 'ready' : 'absent' },
    });
    this.site.platform.appLog = () => {};
    this.site.confluence.onAnswer = (request, answer) => {
      const isCreation = request.method === 'POST' && /\/space(\/_private)?$/.test(request.url) && answer.status === 200;
      if (isCreation) this.created.push(String((JSON.parse(request.body ?? '{}') as { key: string }).key));
      const key = /\/rest\/api\/space\/([^/?]+)$/.exec(request.url)?.[1];
      if (request.method === 'PUT' && key && request.body?.includes('archived')) this.checkArchived(decodeURIComponent(key));
    };
  }

  async play(step: Step): Promise<void> {
    const { site } = this;
    const accountId = 'who' in step ? (PEOPLE[step.who] as string) : '';
    const promised = this.promised.get(accountId) as Promised;
    const [space] = personalSpacesOf(site, accountId);
    const before = this.created.length;
    switch (step.kind) {
      case 'view':
        if (accountId !== LEAVER && accountId !== GUEST) site.activity({ accountId, views: 1 });
        break;
      case 'native':
        site.createNatively(accountId);
        break;
      case 'edit':
        if (space?.status !== 'current') break;
        promised.words = `<p>Mine ${site.clock.now()}</p>`;
        promised.wroteAt = site.clock.now();
        site.activity({ accountId, edits: 1, spaceId: space.id });
        for (const item of site.confluence.state.contentBySpace.get(Number(space.id)) ?? []) item.body = promised.words;
        break;
      case 'delete':
        await this.byHand(accountId, async () => {
          if (!space) return;
          await site.confluence.request(
            { kind: 'person', person: site.person(accountId), viaApp: false },
            { method: 'DELETE', url: `/wiki/rest/api/space/${space.key}`, headers: new Headers(), body: undefined },
          );
          await site.advance('PT10M');
          promised.words = null;
          promised.removed = true;
        });
        break;
      case 'archive':
      case 'restore':
        if (space) site.changeSpace(space.id, { by: ADMIN_ACCOUNT_ID, status: step.kind === 'archive' ? 'archived' : 'current' });
        break;
      case 'decline':
        if (await hasWorked(person(site, 'me.decline', accountId))) promised.declined = true;
        break;
      case 'undo':
        // A call without an answer may have undone the decline.
        if ((await hasWorked(person(site, 'me.undo', accountId))) !== false) promised.declined = false;
        break;
      case 'create':
        // A person's own click overrides an earlier decline.
        if (recordOf(site, accountId)?.state !== 'declined') promised.declined = false;
        await hasWorked(person(site, 'offer.create', accountId));
        break;
      case 'lift':
        if ((await hasWorked(admin(site, 'people.lift', { accountId }))) !== false) promised.removed = false;
        break;
      case 'policy':
        await setPolicy(site, { mode: step.mode }).catch(() => null);
        break;
      case 'pause':
        await setPolicy(site, { paused: step.paused }).catch(() => null);
        break;
      case 'job':
        await this.orderJob(step.what);
        break;
      case 'wait':
        await site.advance(`PT${step.minutes}M`);
        break;
      case 'fail':
        site.addFault({ target: step.target, path: step.path, times: step.times, respond: { status: step.status } });
        break;
      case 'stop':
        site.addFault({ killAfterCall: step.after });
        break;
    }
    this.check(before);
  }

  /** What an admin clicks on the cleanup and people pages. A call that was stopped or refused changes nothing here. */
  private async orderJob(what: (Step & { kind: 'job' })['what']): Promise<void> {
    const { site, jobs } = this;
    const ask: typeof adminData = (...call) => adminData(...call).catch(() => ({}) as never);
    if (what === 'archive') {
      await ask(site, 'directory.get', {});
      await site.advance('PT2M');
      const selection = { kind: 'all' as const, filter: { unchangedForDays: IDLE_DAYS } };
      const { planId, count } = await ask(site, 'cleanup.preview', { selection });
      const { runId } = planId ? await ask(site, 'cleanup.start', { planId, count, reason: REASON }) : {};
      if (runId) Object.assign(jobs, { undoable: runId, newest: runId });
    }
    if (what === 'provision') {
      // Opening the page begins to read the site, if nothing has.
      await ask(site, 'directory.get', {});
      await site.advance('PT2M');
      const { planId, count } = await ask(site, 'people.plan', {});
      const { runId } = planId ? await ask(site, 'people.start', { planId, count, reason: REASON }) : { runId: undefined };
      if (runId) Object.assign(jobs, { undoable: runId, newest: runId });
    }
    if (what === 'undo' && jobs.undoable) {
      const { runId } = await ask(site, 'runs.undo', { runId: jobs.undoable });
      if (runId) Object.assign(jobs, { undoable: runId, newest: runId });
    }
    if (jobs.newest && (what === 'cancel' || what === 'pause' || what === 'resume')) await ask(site, `job.${what}`, { jobId: jobs.newest });
  }

  private checkArchived(key: string): void {
    const accountId = PEOPLE.find((id) => keyOf(id) === key);
    const { wroteAt } = (accountId && this.promised.get(accountId)) || { wroteAt: Number.NEGATIVE_INFINITY };
    const unchangedMs = this.site.clock.now() - wroteAt;
    if (unchangedMs > LOOK_MS && unchangedMs < IDLE_DAYS * 86_400_000) this.inUse.push(key);
  }

  /** Homestead learns of a deletion only from its event or from the person's next visit, so neither may fail here. */
  private async byHand(accountId: string, run: () => Promise<void>): Promise<void> {
    this.site.clearFaults();
    await run();
    if (accountId !== LEAVER && accountId !== GUEST) await hasWorked(person(this.site, 'me.get', accountId));
  }

  check(createdBefore = this.created.length): void {
    const { site } = this;
    const fresh = this.created.slice(createdBefore);
    expect(this.inUse, 'nothing in use is archived').toEqual([]);
    for (const accountId of PEOPLE) {
      const spaces = personalSpacesOf(site, accountId);
      expect(spaces.length, 'at most one space').toBeLessThanOrEqual(1);
      const { declined, removed, words } = this.promised.get(accountId) as Promised;
      const isFresh = fresh.includes(keyOf(accountId));
      if (declined) expect(isFresh, 'nothing for those who declined').toBe(false);
      if (removed) expect(isFresh, 'nothing removed comes back').toBe(false);
      if (accountId === GUEST || accountId === LEAVER) expect(isFresh, 'nothing for guests and leavers').toBe(false);
      if (words !== null && spaces[0])
        expect(
          spaces[0].pages.some((page) => page.body === words),
          'what people wrote stays',
        ).toBe(true);
    }
  }

  private checkAccess(accountId: string): void {
    const promise = promiseOf(this.site, accountId);
    const space = personalSpacesOf(this.site, accountId).find(({ id, status }) => id === promise?.spaceId && status === 'current');
    if (!space || promise?.access.promised !== 'private') return;
    expect(
      letIn(this.site, accountId).filter(({ principalId }) => principalId !== accountId),
      'private is private',
    ).toEqual([]);
  }

  /** Once the faults are over, everything that was begun is finished. */
  async rest(): Promise<void> {
    this.site.clearFaults();
    // Not a whole number of hours, so that the clock does not stop right at a scheduled run.
    await this.site.advance('P2DT90S');
    this.check();
    const jobs = Object.values(this.site.state().kvs.entities.job ?? {}) as { state: string; kind: string; data: unknown }[];
    expect(
      jobs.filter(({ state }) => state === 'running' || state === 'cancelling'),
      'every job ends, or waits for an admin',
    ).toEqual([]);
    for (const accountId of PEOPLE) this.checkAccess(accountId);
    expect(this.site.clock.running).toBe(0);
    expect(this.site.allNotModelled).toEqual([]);
    this.site.stop();
  }
}

it(`random histories keep the promises in the README (${RUNS} of them)`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), fc.array(STEP, { minLength: 5, maxLength: 25 }), async (seed, steps) => {
      const history = new History(seed);
      for (const step of steps) await history.play(step);
      await history.rest();
    }),
    { numRuns: RUNS, seed: 20_261_124, endOnFailure: process.env.HOMESTEAD_LONG === undefined },
  );
}, 900_000);

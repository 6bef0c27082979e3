/** The last change of many spaces by few questions: always right, and at what cost. */
import { describe, expect, it } from 'vitest';
import { askForChanges, changesQuestion } from '../../src/confluence/search';
import {
  type Answer,
  afterRefusal,
  type Candidate,
  FIRST_PACE,
  type Finding,
  nextQuestion,
  Pace,
  type Question,
  takeAnswer,
} from '../../src/domain/probe';
import { scoped } from '../../src/forge/meter';
import type { Chance } from '../emulator/random';
import { APP, START, startConfluence } from '../support/confluence';
import { type Scene, SearchedSite } from '../support/searched-site';

/** `PROBE_TABLE=1` asks 100,000 spaces, from more scenes, and prints what they cost. */
const isFull = process.env.PROBE_TABLE !== undefined;
const SPACES = isFull ? 100_000 : 10_000;
const SPACES_PER_PAGE = 250;

/** Goes through `candidates` as a job does: they come in pages, the pace is stored between steps, and who is answered leaves. */
async function pass(
  candidates: readonly Candidate[],
  ask: (question: Question, pace: Pace) => Answer | Promise<Answer> | Pace,
  onFinding: (finding: Finding, question: Question) => void = () => {},
) {
  let pace = FIRST_PACE;
  let left: Candidate[] = [];
  const changed = new Map<string, string>();
  const idle = new Set<string>();
  const unknown = new Set<string>();
  for (let fed = 0, asked = 0; ; asked += 1) {
    if (asked > 3 * candidates.length + 100) throw new Error('it never ends');
    for (; left.length < 100 && fed < candidates.length; fed += SPACES_PER_PAGE) left.push(...candidates.slice(fed, fed + SPACES_PER_PAGE));
    const question = nextQuestion(left, pace);
    if (!question) return { changed, idle, unknown, pace, questions: asked };
    const reply = await ask(question, pace);
    if ('maxKeys' in reply) {
      pace = reply;
      continue;
    }
    const finding = takeAnswer(question, reply, pace);
    onFinding(finding, question);
    pace = asked % 50 === 0 ? Pace.parse(JSON.parse(JSON.stringify(finding.pace))) : finding.pace;
    for (const { id, day } of finding.changed) changed.set(id, day);
    for (const id of finding.idle) idle.add(id);
    for (const id of finding.unknown) unknown.add(id);
    left = left.filter(({ id }) => !(changed.has(id) || idle.has(id) || unknown.has(id)));
  }
}

/** What is wrong with an outcome: every candidate must have its newest day, or be idle. */
function mistakes(site: SearchedSite, { changed, idle, unknown }: Awaited<ReturnType<typeof pass>>): string[] {
  return site.candidates.flatMap((candidate) => {
    const { id } = candidate;
    const day = site.newest(candidate);
    const isRight = day === null ? idle.has(id) && !changed.has(id) : changed.get(id) === day && !idle.has(id);
    return isRight && !unknown.has(id) ? [] : [`${id}: ${day} is told as ${changed.get(id) ?? (idle.has(id) ? 'idle' : 'unknown')}`];
  });
}

const one = (): number => 1;
const twelve = (): number => 12;
/** Most of them 1 to 3, one in twenty some hundreds. */
const tail = (random: Chance): number => {
  const share = random.share();
  return share < 0.75 ? 1 + random.pick(3) : share < 0.95 ? 4 + random.pick(20) : 100 + random.pick(400);
};

type Kind = [name: string, Pick<Scene, 'active' | 'changes'>, goals: { interleaved: number; runs: number }];
const SCENES: Kind[] = [
  ['10 % active, 1 change', { active: 0.1, changes: one }, { interleaved: 0.13, runs: 0.13 }],
  ['10 % active, 12 changes', { active: 0.1, changes: twelve }, { interleaved: 0.25, runs: 0.25 }],
  ['30 % active, tail', { active: 0.3, changes: tail }, { interleaved: 0.5, runs: 0.65 }],
  ['60 % active, 12 changes', { active: 0.6, changes: twelve }, { interleaved: 0.9, runs: 1.25 }],
  ['nearly nothing changed', { active: 0.01, changes: twelve }, { interleaved: 0.05, runs: 0.05 }],
];

describe('points per space, and every space right', () => {
  const inTimes = ['interleaved', 'runs', 'sessions'] as const;
  // The arrangement in the order of ids that the goals do not name is tried on fewer spaces.
  const inOrders = ['anywhere', 'first', 'stretches'] as const;
  for (const [name, kind, goals] of SCENES) {
    for (const inTime of inTimes) {
      for (const inOrder of inOrders) {
        if (!isFull && (inTime === 'sessions' || (inOrder !== 'anywhere' && inTime === 'runs'))) continue;
        it(`${name}, ${inTime}, ${inOrder}`, async () => {
          const spaces = isFull || inOrder === 'anywhere' ? SPACES : SPACES / 2;
          const site = new SearchedSite({ ...kind, inTime, inOrder, spaces });
          const outcome = await pass(site.candidates, (question) => site.answer(question));
          const cost = site.points / spaces;
          if (isFull) console.log([name, inTime, inOrder, cost.toFixed(3), goals[inTime === 'interleaved' ? inTime : 'runs']].join('\t'));
          expect(mistakes(site, outcome)).toEqual([]);
          expect(cost).toBeLessThanOrEqual(goals[inTime === 'interleaved' ? inTime : 'runs']);
        });
      }
    }
  }

  it('costs little more than one hit for each changed space, even where nothing can be learned', async () => {
    for (const inTime of ['interleaved', 'runs'] as const) {
      const site = new SearchedSite({ active: 1, changes: twelve, inTime, inOrder: 'anywhere', spaces: 3_000 });
      expect(mistakes(site, await pass(site.candidates, (question) => site.answer(question)))).toEqual([]);
      expect(site.points / 3_000).toBeLessThanOrEqual(inTime === 'interleaved' ? 1.3 : 2.04);
    }
  });
});

const busySite = (spaces = 1_000): SearchedSite =>
  new SearchedSite({ active: 0.3, changes: tail, inTime: 'interleaved', inOrder: 'anywhere', spaces });

describe('on a site that does not keep still', () => {
  it('tells for each space what was true when it was answered', async () => {
    const site = busySite();
    let minute = site.end;
    const wrong: string[] = [];
    const outcome = await pass(
      site.candidates,
      (question) => {
        // Somebody changes a space between any two questions, in turn one that is answered already and one that waits.
        minute += 1;
        const { key } = site.candidates[(minute * 37) % site.candidates.length] as Candidate;
        site.change(key, minute);
        return site.answer(question);
      },
      ({ changed, idle }, { asked }) => {
        const byId = new Map(asked.map((candidate) => [candidate.id, candidate]));
        for (const { id, day } of changed) if (site.newest(byId.get(id) as Candidate) !== day) wrong.push(id);
        for (const id of idle) if (site.newest(byId.get(id) as Candidate) !== null) wrong.push(id);
      },
    );
    expect(wrong).toEqual([]);
    expect(outcome.changed.size + outcome.idle.size).toBe(1_000);
    expect(outcome.unknown.size).toBe(0);
  });

  it('is as right as the index where the index is late', async () => {
    // The index shows none of the last changes of every third space.
    const [now, index] = [busySite(), busySite()];
    now.candidates.forEach(({ key }, i) => {
      if (i % 3 === 0) now.change(key, now.end + 1_440);
    });
    const outcome = await pass(now.candidates, (question) => index.answer(question));
    expect(mistakes(index, outcome)).toEqual([]);
    expect(mistakes(now, outcome).length).toBeGreaterThan(300);
  });

  it('is right when pages are shorter than asked for', async () => {
    const site = busySite();
    site.hitsPerPage = 3;
    expect(mistakes(site, await pass(site.candidates, (question) => site.answer(question)))).toEqual([]);
  });

  it('is right when the site does not tell how many matched', async () => {
    const site = busySite();
    expect(mistakes(site, await pass(site.candidates, (question) => ({ ...site.answer(question), total: null })))).toEqual([]);
  });

  it('asks for a space once that is listed twice', async () => {
    const site = busySite(300);
    const doubled = site.candidates.flatMap((candidate) => [candidate, candidate]);
    const outcome = await pass(doubled, (question) => {
      expect(new Set(question.asked.map(({ id }) => id)).size).toBe(question.asked.length);
      return site.answer(question);
    });
    expect(mistakes(site, outcome)).toEqual([]);
  });

  it('asks for groups of the size that the site takes, and remembers it', async () => {
    const site = busySite();
    let refused = 0;
    const outcome = await pass(site.candidates, (question, pace) => {
      if (question.asked.length <= 30) return site.answer(question);
      refused += 1;
      return afterRefusal(question, pace) as Pace;
    });
    expect(mistakes(site, outcome)).toEqual([]);
    expect({ refused, maxKeys: outcome.pace.maxKeys }).toEqual({ refused: 2, maxKeys: 25 });
    const alone = { asked: site.candidates.slice(0, 1), hits: 1 };
    expect(afterRefusal(alone, FIRST_PACE)).toBeNull();
  });
});

describe('an answer that cannot be relied on', () => {
  const asked: Candidate[] = ['a', 'b', 'c', 'd'].map((key, i) => ({ id: String(i), key, since: '2026-01-02' }));
  const nothing = { changed: [], idle: [], unknown: [] };
  it.each<[string, Answer]>([
    ['names a space that was not asked for', { hits: [{ key: 'x', day: '2026-03-01' }], isComplete: true, total: 1 }],
    ['is not in order', { hits: ['2026-03-01', '2026-03-02'].map((day) => ({ key: 'a', day })), isComplete: false, total: 9 }],
    ['is empty and not the end', { hits: [], isComplete: false, total: 9 }],
  ])('says nothing, and half of the group is asked for next, when it %s', (_, answer) => {
    const finding = takeAnswer({ asked, hits: 5 }, answer, FIRST_PACE);
    expect(finding).toMatchObject(nothing);
    expect(nextQuestion(asked, finding.pace)?.asked).toEqual(asked.slice(0, 2));
    expect(takeAnswer({ asked: asked.slice(0, 1), hits: 5 }, answer, finding.pace)).toMatchObject({ ...nothing, unknown: ['0'] });
  });

  it('leaves unknown the one space that is its cause, and no other', async () => {
    const site = new SearchedSite({ active: 1, changes: one, inTime: 'interleaved', inOrder: 'anywhere', spaces: 400 });
    const renamed = site.candidates[237]?.key;
    const outcome = await pass(site.candidates, (question) => {
      const answer = site.answer(question);
      return { ...answer, hits: answer.hits.map((hit) => (hit.key === renamed ? { ...hit, key: 'alias' } : hit)) };
    });
    expect([...outcome.unknown]).toEqual(['237']);
    expect(outcome.changed.size).toBe(399);
  });

  it('gives up groups as a whole where all answers are like that', async () => {
    const site = busySite(5_000);
    const outcome = await pass(site.candidates, () => ({ hits: [{ key: 'x', day: '2026-03-01' }], isComplete: true, total: 1 }));
    expect(outcome.unknown.size).toBe(5_000);
    expect(outcome.questions).toBeLessThan(80);
  });
});

describe('a question', () => {
  const key = (i: number): string => `~712020${i.toString(16).padStart(32, '0')}`;
  const candidates = (n: number, since: (i: number) => string, keyOf = key): Candidate[] =>
    Array.from({ length: n }, (_, i) => ({ id: String(i), key: keyOf(i), since: since(i) }));
  const asked = (from: Candidate[]): Candidate[] => nextQuestion(from, FIRST_PACE)?.asked ?? [];

  it('is about nobody when nobody is left', () => expect(nextQuestion([], FIRST_PACE)).toBeNull());

  it('has at most 100 keys, four days and 8,000 bytes, however long the keys are', () => {
    const days = (i: number): string => new Date(START - i * 86_400_000).toISOString().slice(0, 10);
    for (const keyOf of [key, (i: number) => `~${'ü'.repeat(100)}${i}`]) {
      const group = asked(candidates(120, days, keyOf));
      expect(group.length).toBe(keyOf === key ? 100 : 11);
      expect(new Set(group.map(({ since }) => since)).size).toBe(4);
      const url = `/wiki/rest/api/search?cql=${encodeURIComponent(changesQuestion(group))}&limit=250&excerpt=none&includeArchivedSpaces=true`;
      expect(url.length).toBeLessThanOrEqual(8_000);
    }
  });

  it('asks from an earlier day, never from a later one, where there are too many days, and joins the closest', () => {
    const days = ['2026-01-01', '2026-03-01', '2026-03-02', '2026-06-01', '2026-06-05', '2026-09-01'];
    const group = asked(candidates(6, (i) => days[i] as string));
    expect(group.map(({ since }) => since)).toEqual(['2026-01-01', '2026-03-01', '2026-03-01', '2026-06-01', '2026-06-01', '2026-09-01']);
  });
});

/** What the platform gives a function to reach Confluence by. */
const SEAM = ['__forge_runtime__', '__forge_fetch__'] as const;

describe('askForChanges', () => {
  it('finds on a modelled site the newest change of each space, for the points it says', async () => {
    const t = startConfluence();
    await t.wait('PT1H');
    const { state } = t.site;
    const spaces = state.spaces.filter((space) => space.type === 'personal' && space.status !== 'trashed' && isSeen(space.id));
    const sinces = ['2026-10-01', '2026-06-01'] as const;
    const candidates = spaces.map((space, i): Candidate => ({ id: String(space.id), key: space.key, since: sinces[i % 2] as string }));
    let points = 0;
    let paid = 0;
    const before = SEAM.map((name) => Reflect.get(globalThis, name));
    Reflect.set(globalThis, '__forge_runtime__', { appContext: { installationId: 'probe' }, lambdaContext: {} });
    Reflect.set(globalThis, '__forge_fetch__', async (_target: unknown, path: string) => {
      const answer = await t.site.request(APP, { method: 'GET', url: path, headers: new Headers(), body: undefined });
      paid += 1 + (answer.body as { results: unknown[] }).results.length;
      return new Response(JSON.stringify(answer.body), { status: answer.status });
    });
    try {
      const spend = (n: number): void => {
        points += n;
      };
      const scope = { name: 'jobs' as const, beforeCall: async () => {}, spend };
      const outcome = await scoped(scope, () => pass(candidates, ({ asked, hits }) => askForChanges(asked, hits)));
      const told = candidates.map(({ id }) => outcome.changed.get(id) ?? (outcome.idle.has(id) ? null : 'unknown'));
      expect(told).toEqual(candidates.map(newestChange));
      expect(outcome.changed.size).toBeGreaterThan(5);
      expect(outcome.idle.size).toBeGreaterThan(5);
      expect(points).toBe(paid);
    } finally {
      SEAM.forEach((name, i) => {
        Reflect.set(globalThis, name, before[i]);
      });
    }

    function isSeen(id: number): boolean {
      return (state.spacesById.get(id)?.grants.length ?? 0) > 1;
    }
    /** The question is asked from a day earlier. */
    function newestChange({ id, since }: Candidate): string | null {
      const from = Date.parse(since) - 86_400_000;
      const times = (state.contentBySpace.get(Number(id)) ?? []).flatMap((item) => item.versions.map((version) => version.at));
      const newest = Math.max(0, ...times);
      return newest >= from ? new Date(newest).toISOString().slice(0, 10) : null;
    }
  });
});

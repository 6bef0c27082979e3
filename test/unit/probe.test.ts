/** The last change of many spaces by few questions: always right, and at what cost. */
import { describe, expect, it } from 'vitest';
import { type Candidate, FIRST_PACE, nextQuestion, type Pace, takeAnswer } from '../../src/domain/probe';
import type { Chance } from '../emulator/random';
import { type Scene, SearchedSite } from '../support/searched-site';

/** `PROBE_TABLE=1` runs the scenes at 100,000 spaces and prints what they cost. */
const isFull = process.env.PROBE_TABLE !== undefined;
const SPACES = isFull ? 100_000 : 20_000;

const one = () => 1;
const twelve = () => 12;
/** Most 1 to 3, one in twenty some hundreds. */
const tail = (random: Chance): number => {
  const u = random.share();
  return u < 0.75 ? 1 + random.pick(3) : u < 0.95 ? 4 + random.pick(20) : 100 + random.pick(400);
};

/** A pass as a job makes it: pages of 250 candidates come in, and those who are answered leave. */
export function pass(site: SearchedSite, options: { between?: (question: number) => void; first?: Pace } = {}) {
  let pace = options.first ?? FIRST_PACE;
  const found = new Map<string, string | null>();
  const expected = new Map<string, string | null>();
  let left: Candidate[] = [];
  let questions = 0;
  const queue = site.candidates;
  let fed = 0;
  for (;;) {
    while (left.length < 100 && fed < queue.length) {
      left.push(...queue.slice(fed, fed + 250));
      fed += 250;
    }
    const question = nextQuestion(left, pace);
    if (!question) break;
    questions += 1;
    const answer = site.answer(question);
    const finding = takeAnswer(question, answer, pace);
    pace = finding.pace;
    const out = new Set<string>([...finding.idle, ...finding.changed.map((c) => c.id), ...finding.unknown]);
    for (const id of finding.idle) found.set(id, null);
    for (const { id, day } of finding.changed) found.set(id, day);
    for (const c of question.asked) if (out.has(c.id)) expected.set(c.id, site.newest(c));
    if (out.size > 0) left = left.filter((c) => !out.has(c.id));
    options.between?.(questions);
    if (questions > 1_000_000) throw new Error('it never ends');
  }
  return { found, expected, questions, pace };
}

const rows: string[][] = [];
const goals: [string, Omit<Scene, 'spaces' | 'inTime' | 'inOrder'>, number, number][] = [
  ['10 % active, 1 change', { active: 0.1, changes: one }, 0.13, 0.13],
  ['10 % active, 12 changes', { active: 0.1, changes: twelve }, 0.25, 0.25],
  ['30 % active, tail', { active: 0.3, changes: tail }, 0.5, 0.65],
  ['60 % active, 12 changes', { active: 0.6, changes: twelve }, 0.9, 1.25],
  ['1 % active, 1 change', { active: 0.01, changes: one }, 0.05, 0.05],
  ['1 % active, 12', { active: 0.01, changes: twelve }, 0.05, 0.05],
  ['100 %, 12', { active: 1, changes: twelve }, 1.3, 2.1],
];
describe('cost', () => {
  for (const [name, scene, a, b] of goals)
    for (const inTime of ['interleaved', 'runs', 'sessions'] as const)
      for (const inOrder of ['anywhere', 'first', 'stretches'] as const) {
        it(`${name} ${inTime} ${inOrder}`, () => {
          const site = new SearchedSite({ ...scene, inTime, inOrder, spaces: SPACES });
          const { found, expected, questions, pace } = pass(site);
          expect(found).toEqual(expected);
          const cost = site.points / SPACES;
          const goal = inTime === 'interleaved' ? a : b;
          console.log(
            [
              name,
              inTime,
              inOrder,
              cost.toFixed(3),
              goal,
              cost > goal ? 'OVER' : '',
              questions,
              pace.runs.toFixed(2),
              pace.share.toFixed(2),
              pace.changes.toFixed(1),
            ].join('\t'),
          );
        });
      }
});

/**
 * Finds the last change of many spaces without asking each: groups of spaces in one question to the
 * search index, few hits read, and the answer names some spaces that changed or says that nobody else
 * did. A question costs a point, and each hit it returns another. Pure.
 *
 * Whoever is not answered stays in the group; once hardly any active one is left in it, new candidates
 * take the places of those named. So a group fills up with idle spaces, until one answer settles them all.
 */
import { z } from 'zod';

export interface Candidate {
  id: string;
  key: string;
  /** First day whose changes count, YYYY-MM-DD (UTC). */
  since: string;
}

/** Keys per `space in (...)`: Atlassian publishes no limit. What refuses fewer is remembered (`afterRefusal`). */
export const MAX_KEYS = 100;
/** Bytes of one question in a URL, encoded: not published either; 8,000 is what servers commonly take. */
const MAX_BYTES = 8_000;
/** Of these, what is not a list of keys: path, types, order (some 330 bytes), and for each day its condition (some 90). */
const BYTES_OF_QUESTION = 500;
const BYTES_OF_DAY = 120;
/** What the quotes and the comma around a key take, encoded. */
const BYTES_AROUND_KEY = 9;
/** The most hits that one page may hold (Confluence Cloud publishes none without `expand`; v2 gives 250). */
export const MAX_HITS = 250;
/** Different days in one question. More of them are asked for from the earlier day, which stays exact and costs hits. */
const MAX_DAYS = 4;

/**
 * What the answers so far have taught about this site. Sizes only: it may be lost, and then costs a few
 * points to learn again.
 */
export const Pace = z.object({
  /** Keys per question that this site has not refused. */
  maxKeys: z.number().int().min(1).max(MAX_KEYS),
  /** Keys in the next question; fewer than `maxKeys` after an answer that led nowhere. */
  keys: z.number().int().min(1).max(MAX_KEYS),
  /** Answers in a row that led nowhere. */
  deadEnds: z.number().int().min(0),
  /** Of the last question: candidates not answered yet, how many of them probably changed, and at most how many hits are theirs. */
  held: z.number().int().min(0),
  heldActive: z.number().min(0),
  heldHits: z.number().min(0),
  /** Since the last answer that settled a whole group: candidates asked for, and those named. */
  entered: z.number().int().min(0),
  named: z.number().int().min(0),
  /** Share of candidates that changed, and changes per candidate. */
  share: z.number().min(0).max(1),
  changes: z.number().min(0),
  /** How likely a hit is of the same space as the hit before it, beyond chance: 0 = changes interleaved, near 1 = in long runs. */
  runs: z.number().min(0).max(1),
  /** Questions since `runs` was last measured, and after how many it is measured again. */
  unmeasured: z.number().int().min(0),
  measureAfter: z.number().int().min(1),
});
export type Pace = z.infer<typeof Pace>;

export const FIRST_PACE: Pace = {
  maxKeys: MAX_KEYS,
  keys: MAX_KEYS,
  deadEnds: 0,
  held: 0,
  heldActive: 0,
  heldHits: 0,
  entered: 0,
  named: 0,
  share: 0.2,
  changes: 1,
  runs: 0.3,
  unmeasured: 0,
  measureAfter: 4,
};

export interface Question {
  /** At most four different days. */
  asked: Candidate[];
  /** How many hits to read. */
  hits: number;
}

/**
 * New candidates are taken in once fewer active ones than this are left in the group. Taken in earlier,
 * their many recent changes would hide the older ones of those who wait.
 */
const REFILL_BELOW = 2;

/** The next group to ask for, and how many hits to read; null = nobody is left. `left`: all candidates without an answer, in order. */
export function nextQuestion(left: readonly Candidate[], pace: Pace): Question | null {
  const isWorthFinishing = pace.held > 0 && pace.heldActive >= REFILL_BELOW;
  const asked = withFewDays(firstOf(left, isWorthFinishing ? Math.min(pace.held, pace.keys) : pace.keys));
  if (asked.length === 0) return null;
  return { asked, hits: hitsFor(outlook(asked.length, pace), pace) };
}

function firstOf(left: readonly Candidate[], keys: number): Candidate[] {
  const group: Candidate[] = [];
  const ids = new Set<string>();
  let bytes = BYTES_OF_QUESTION + MAX_DAYS * BYTES_OF_DAY;
  for (const candidate of left) {
    if (group.length === keys) break;
    if (ids.has(candidate.id)) continue;
    bytes += encodeURIComponent(candidate.key).length + BYTES_AROUND_KEY;
    if (bytes > MAX_BYTES && group.length > 0) break;
    ids.add(candidate.id);
    group.push(candidate);
  }
  return group;
}

/** The same candidates, asked for from at most `MAX_DAYS` days: the closest days become the earlier one. */
function withFewDays(group: Candidate[]): Candidate[] {
  const days = [...new Set(group.map((candidate) => candidate.since))].sort();
  if (days.length <= MAX_DAYS) return group;
  const asEarlier = new Map(days.map((day) => [day, day]));
  const starts = [...days];
  while (starts.length > MAX_DAYS) {
    let closest = 1;
    for (let i = 2; i < starts.length; i += 1) if (gap(starts, i) < gap(starts, closest)) closest = i;
    starts.splice(closest, 1);
  }
  for (const day of days) asEarlier.set(day, starts.filter((start) => start <= day).at(-1) ?? day);
  return group.map((candidate) => ({ ...candidate, since: asEarlier.get(candidate.since) ?? candidate.since }));
}

const gap = (days: string[], i: number): number => Date.parse(days[i] ?? '') - Date.parse(days[i - 1] ?? '');

interface Outlook {
  /** Spaces in the group that probably changed. */
  active: number;
  /** Hits that match, probably at most. */
  matches: number;
}

function outlook(asked: number, pace: Pace): Outlook {
  const held = Math.min(pace.held, asked);
  const active = pace.heldActive + (asked - held) * pace.share;
  return { active, matches: pace.heldHits + (asked - held) * pace.changes };
}

/** Below this many active spaces, hits of the same space say nothing about runs. */
const MIN_ACTIVE_TO_MEASURE = 4;
/** What an answer that leaves nothing open is worth, in names: it saves about the question that would confirm it. */
const NAMES_FOR_COMPLETE = 0.7;

/** The number of hits that promises most names for its points. */
function hitsFor({ active, matches }: Outlook, pace: Pace): number {
  // Hits are returned, and paid, only if anything matches at all: then at least one space changed.
  const some = 1 - Math.exp(-Math.max(active, 0.01));
  const spaces = Math.max(1, active / some);
  const all = Math.max(spaces, matches / some);
  const last = Math.min(MAX_HITS, Math.ceil(all));
  let best = last;
  let bestYield = (namesIn(last, spaces, all, pace.runs) + (last >= all ? NAMES_FOR_COMPLETE : 0)) / (1 + Math.min(last, all));
  let previous = 0;
  for (let hits = 1; hits < last; hits += 1) {
    const perPoint = namesIn(hits, spaces, all, pace.runs) / (1 + hits);
    if (perPoint > bestYield) {
      best = hits;
      bestYield = perPoint;
    }
    if (perPoint < previous) break;
    previous = perPoint;
  }
  // A few hits more cost nothing if they do not match, and otherwise spare the question that would fetch them.
  if (best >= all) return Math.min(MAX_HITS, Math.ceil(all * 1.5) + 2);
  if (best === 1 && pace.unmeasured >= pace.measureAfter) return 2;
  return best;
}

/** Different spaces among the first `hits` of `all` changes in `spaces` spaces. */
function namesIn(hits: number, spaces: number, all: number, runs: number): number {
  const allRuns = Math.max(spaces, all * (1 - runs));
  const readRuns = Math.min(allRuns, 1 + (hits - 1) * (1 - runs));
  return spaces * (1 - (1 - readRuns / allRuns) ** (allRuns / spaces));
}

export interface Answer {
  /** Newest first; the day is UTC. */
  hits: { key: string; day: string }[];
  /** All that matched were read. */
  isComplete: boolean;
  /** Matches in all; null = not told. */
  total: number | null;
}

export interface Finding {
  pace: Pace;
  /** The newest change of each space that the answer names. The day may be earlier than `since`. */
  changed: { id: string; day: string }[];
  /** Ids of spaces in which nothing has changed since `since`. */
  idle: string[];
  /** Ids of spaces about which the index gives no answer that can be relied on. */
  unknown: string[];
}

/** What an answer says. Everybody asked for who is in none of its lists is still to be answered. */
export function takeAnswer(question: Question, answer: Answer, pace: Pace): Finding {
  const idsByKey = new Map<string, string[]>();
  for (const { id, key } of question.asked) idsByKey.set(key, [...(idsByKey.get(key) ?? []), id]);
  const isDeadEnd = !isPlausible(answer, idsByKey) || (answer.hits.length === 0 && !answer.isComplete);
  if (isDeadEnd) return deadEnd(question, pace);
  const dayByKey = new Map<string, string>();
  for (const { key, day } of answer.hits) if (day > (dayByKey.get(key) ?? '')) dayByKey.set(key, day);
  const changed = [...dayByKey].flatMap(([key, day]) => (idsByKey.get(key) ?? []).map((id) => ({ id, day })));
  const open = question.asked.filter((candidate) => !dayByKey.has(candidate.key)).map((candidate) => candidate.id);
  return {
    pace: learn(question, answer, dayByKey.size, pace),
    changed,
    idle: answer.isComplete ? open : [],
    unknown: [],
  };
}

/** A hit that was not asked for, or one that is newer than the one before it: the answer was misread, and nothing of it is certain. */
function isPlausible({ hits }: Answer, idsByKey: ReadonlyMap<string, unknown>): boolean {
  return hits.every((hit, i) => idsByKey.has(hit.key) && hit.day <= (hits[i - 1]?.day ?? hit.day));
}

/** After so many answers in a row that lead nowhere, the site is not worth the points of finding out which spaces they are about. */
const MAX_DEAD_ENDS = 10;

/** Nothing can be taken from the answer. Half of the group is asked for next, so that those who are the cause end up alone. */
function deadEnd({ asked }: Question, pace: Pace): Finding {
  const deadEnds = pace.deadEnds + 1;
  const isGivenUp = asked.length === 1 || deadEnds > MAX_DEAD_ENDS;
  const keys = deadEnds > MAX_DEAD_ENDS ? pace.maxKeys : Math.max(1, Math.floor(asked.length / 2));
  return {
    pace: { ...pace, ...NOTHING_HELD, deadEnds, keys },
    changed: [],
    idle: [],
    unknown: isGivenUp ? asked.map((candidate) => candidate.id) : [],
  };
}

const NOTHING_HELD = { held: 0, heldActive: 0, heldHits: 0, entered: 0, named: 0 };

/** The pace after Confluence refused a question as too long (400, 414); null = it refused a single space, so that is not the reason. */
export function afterRefusal({ asked }: Question, pace: Pace): Pace | null {
  if (asked.length === 1) return null;
  const maxKeys = Math.floor(asked.length / 2);
  return { ...pace, ...NOTHING_HELD, maxKeys, keys: maxKeys };
}

/** Candidates after which half of what is known about the site has been replaced. */
const CANDIDATES_TO_HALVE = 300;
/** How far one answer may correct the estimate of who is left. */
const MAX_CORRECTION = 2;
/** Weight of one pair of hits in `runs`. */
const PAIR_WEIGHT = 0.06;
/** `runs` is measured most rarely after so many questions. */
const MAX_MEASURE_AFTER = 64;

function learn({ asked, hits: limit }: Question, answer: Answer, names: number, pace: Pace): Pace {
  const { active } = outlook(asked.length, pace);
  const held = Math.min(pace.held, asked.length);
  const hits = answer.hits.length;
  const next: Pace = { ...pace, deadEnds: 0, keys: Math.min(pace.maxKeys, pace.keys * 2) };
  next.entered += asked.length - held;
  next.named += names;
  const total = answer.total ?? (answer.isComplete ? hits : null);
  if (held === 0 && total !== null) next.changes = blend(pace.changes, total / asked.length, weightOf(asked.length));

  if (hits >= 2) {
    for (let i = 1; i < hits; i += 1) {
      const isSame = answer.hits[i]?.key === answer.hits[i - 1]?.key ? 1 : 0;
      // Where hardly anybody changed, the same space twice says nothing.
      if (isSame && active < MIN_ACTIVE_TO_MEASURE) continue;
      const expected = next.runs + (1 - next.runs) / Math.max(1, active);
      next.runs = clamp(next.runs + PAIR_WEIGHT * (isSame - expected), 0, 0.98);
    }
    next.unmeasured = 0;
    const isSurprise = limit === 2 && answer.hits[0]?.key !== answer.hits[1]?.key;
    next.measureAfter = isSurprise ? Math.max(4, pace.measureAfter >> 1) : Math.min(MAX_MEASURE_AFTER, pace.measureAfter + 4);
  } else {
    next.unmeasured += 1;
  }

  if (answer.isComplete) {
    next.share = blend(pace.share, next.named / Math.max(1, next.entered), weightOf(next.entered));
    return { ...next, ...NOTHING_HELD };
  }
  next.held = asked.length - names;
  const correction = hits >= 2 ? repeatsSay(answer.hits, active) : 1;
  next.heldHits = total === null ? next.held * pace.changes : Math.max(0, total - hits);
  next.heldActive = clamp(active * correction - names, 0, Math.min(next.held, next.heldHits));
  if (next.entered > CANDIDATES_TO_HALVE * 2) {
    // Nothing has been settled for long: what is in hand is counted by its estimate.
    next.share = blend(pace.share, clamp((next.named + next.heldActive) / next.entered, 0, 1), 0.5);
    next.entered = next.held;
    next.named = 0;
  }
  return next;
}

/** By which factor the estimate of active spaces was wrong, judging by how often the same space came up again. */
function repeatsSay(hits: readonly { key: string }[], active: number): number {
  const runs = hits.filter((hit, i) => hit.key !== hits[i - 1]?.key).length;
  const names = new Set(hits.map((hit) => hit.key)).size;
  const a = Math.max(1, active);
  const expected = runs - a * (1 - (1 - 1 / a) ** runs);
  const seen = runs - names;
  // One added to both: few hits say little.
  return clamp((expected + 1) / (seen + 1), 1 / MAX_CORRECTION, MAX_CORRECTION);
}

const weightOf = (candidates: number): number => 1 - 0.5 ** (candidates / CANDIDATES_TO_HALVE);
const blend = (old: number, seen: number, weight: number): number => old + (seen - old) * weight;
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

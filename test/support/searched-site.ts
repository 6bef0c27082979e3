/** A site of which only the search for changes is modelled: fast enough for 100,000 spaces, and exact. */
import type { Answer, Candidate, Question } from '../../src/domain/probe';
import { type Chance, chance } from '../emulator/random';

const DAY_MINUTES = 1_440;
const FIRST_DAY = Date.UTC(2025, 10, 1);
/** Days of changes. Nothing is older. */
const DAYS = 360;
/** More than this site ever returns: the app asks from a day earlier than it means. */
const MARGIN_DAYS = 1;

export const dayOf = (minute: number): string =>
  new Date(FIRST_DAY + Math.floor(minute / DAY_MINUTES) * 86_400_000).toISOString().slice(0, 10);

export interface Scene {
  spaces: number;
  /** Share of spaces that changed. */
  active: number;
  /** Changes of one that did. */
  changes: (random: Chance) => number;
  /** interleaved: each change at any time; runs: all changes of one space in a row; sessions: a few runs a space. */
  inTime: 'interleaved' | 'runs' | 'sessions';
  /** Where the active ones are in the order of ids: anywhere; all first; in stretches of 500 with more or fewer of them. */
  inOrder: 'anywhere' | 'first' | 'stretches';
  seed?: number;
}

export class SearchedSite {
  readonly candidates: Candidate[];
  /** Minutes since the first day, newest first, by key. */
  readonly changes = new Map<string, number[]>();
  requests = 0;
  points = 0;
  hitsPerPage = 250;
  /** The last minute of the window. */
  readonly end = DAYS * DAY_MINUTES;
  private readonly days = new Map<number, string>();

  constructor(scene: Scene) {
    const random = chance(scene.seed ?? 1);
    this.candidates = Array.from({ length: scene.spaces }, (_, i) => ({ id: String(i), key: keyOf(i), since: dayOf(DAY_MINUTES * 2) }));
    const active = this.candidates.filter((_, i) => random.share() < shareAt(scene, i)).map((candidate) => candidate.key);
    const turns: string[] = [];
    for (const key of random.shuffled(active)) {
      const count = scene.changes(random);
      for (let i = 0; i < count; i += 1) turns.push(key);
    }
    const inTime = scene.inTime === 'runs' ? turns : scene.inTime === 'sessions' ? inSessions(turns, random) : random.shuffled(turns);
    const from = 3 * DAY_MINUTES;
    inTime.forEach((key, i) => {
      const at = this.end - Math.floor((i * (this.end - from)) / inTime.length) - 1;
      const all = this.changes.get(key);
      if (all) all.push(at);
      else this.changes.set(key, [at]);
    });
  }

  change(key: string, minute: number): void {
    this.changes.set(
      key,
      [minute, ...(this.changes.get(key) ?? [])].sort((a, b) => b - a),
    );
  }

  /** The newest change since then, or null. */
  newest({ key, since }: Candidate): string | null {
    const at = this.changes.get(key)?.[0];
    return at !== undefined && at >= minuteOf(since) ? this.day(at) : null;
  }

  answer({ asked, hits: limit }: Question): Answer {
    const heads: { key: string; times: number[]; next: number; end: number }[] = [];
    let total = 0;
    for (const { key, since } of new Map(asked.map((candidate) => [candidate.key, candidate])).values()) {
      const times = this.changes.get(key);
      if (!times) continue;
      const from = minuteOf(since);
      let end = times.length;
      while (end > 0 && (times[end - 1] as number) < from) end -= 1;
      total += end;
      if (end > 0) heads.push({ key, times, next: 0, end });
    }
    const hits: Answer['hits'] = [];
    const wanted = Math.min(total, limit, this.hitsPerPage);
    while (hits.length < wanted) {
      let newest: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.next < head.end && (!newest || (head.times[head.next] as number) > (newest.times[newest.next] as number))) newest = head;
      }
      if (!newest) break;
      hits.push({ key: newest.key, day: this.day(newest.times[newest.next] as number) });
      newest.next += 1;
    }
    this.requests += 1;
    this.points += 1 + hits.length;
    return { hits, isComplete: hits.length === total, total };
  }

  private day(minute: number): string {
    const index = Math.floor(minute / DAY_MINUTES);
    const known = this.days.get(index);
    if (known !== undefined) return known;
    const text = dayOf(minute);
    this.days.set(index, text);
    return text;
  }
}

const minutes = new Map<string, number>();
function minuteOf(since: string): number {
  const known = minutes.get(since);
  if (known !== undefined) return known;
  const minute = ((Date.parse(since) - FIRST_DAY) / 86_400_000 - MARGIN_DAYS) * DAY_MINUTES;
  minutes.set(since, minute);
  return minute;
}

/** As long as the key of a personal space. */
const keyOf = (i: number): string => `~712020${String(i).padStart(32, '0')}`;

function shareAt({ active, inOrder, spaces }: Scene, i: number): number {
  if (inOrder === 'first') return i < active * spaces ? 1 : 0;
  if (inOrder === 'stretches') return Math.floor(i / 500) % 2 === 0 ? Math.min(1, active * 1.6) : active * 2 - Math.min(1, active * 1.6);
  return active;
}

/** Each space's changes in runs of about four. */
function inSessions(turns: string[], random: Chance): string[] {
  const sessions: string[][] = [];
  for (const key of turns) {
    const last = sessions.at(-1);
    if (last && last[0] === key && last.length < 4) last.push(key);
    else sessions.push([key]);
  }
  return random.shuffled(sessions).flat();
}
